/** Tests that run the vendors' own libraries, those for Node and those for Python. */
import { describe, test } from 'node:test';
import { type NpmTools, npmTools } from './npm-tools.ts';
import { type Python, python } from './python.ts';

/** The suite of such tests; where the libraries cannot be had it is one test, skipped, that says why. */
export async function describeSdks(
  suite: string,
  skipped: string,
  tests: (tools: NpmTools, environment: Python) => void,
): Promise<void> {
  const tools = await npmTools();
  const environment = await python('messaging');
  describe(suite, () => {
    if ('skip' in tools) test(skipped, { skip: tools.skip }, () => {});
    else if ('skip' in environment) test(skipped, { skip: environment.skip }, () => {});
    else tests(tools, environment);
  });
}
