/**
 * The official Python SDKs of the vendors of messages, through the drivers in python/: makes calls
 * in one process and gives what the caller of each got. Knows nothing of what they mean.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Python } from './python.ts';

/** The SDKs that have a driver: python/{name}_calls.py says what an order may hold. */
export type PythonSdk = 'twilio' | 'resend' | 'sendgrid' | 'postmark';

export interface PythonOutcome {
  result?: Record<string, unknown> | Record<string, unknown>[];
  error?: PythonFailure;
}

/** The exception's class and text, and whatever attributes it has. */
export interface PythonFailure {
  class: string;
  text: string;
  [attribute: string]: unknown;
}

export interface PythonOrder {
  base: string;
  calls: [name: string, ...parameters: unknown[]][];
  [setting: string]: unknown;
}

/** Makes the calls in order. `environment` is `messaging`. */
export async function callPython(
  environment: Python,
  sdk: PythonSdk,
  order: PythonOrder,
): Promise<PythonOutcome[]> {
  const driver = join(import.meta.dirname, 'python', `${sdk}_calls.py`);
  const env = { PYTHONDONTWRITEBYTECODE: '1' };
  const { code, stdout, stderr } = await environment.run([driver, JSON.stringify(order)], { env });
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as PythonOutcome[];
}

/** What the call gave, an object; throws when it failed. */
export function one(outcome: PythonOutcome | undefined): Record<string, unknown> {
  assert.ok(outcome?.result && !Array.isArray(outcome.result), JSON.stringify(outcome));
  return outcome.result;
}

/** The exception of a call that failed; throws when it did not. */
export function failure(outcome: PythonOutcome | undefined): PythonFailure {
  assert.ok(outcome?.error, JSON.stringify(outcome));
  return outcome.error;
}
