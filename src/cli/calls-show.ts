/** `keybrake calls show`: one row of the audit, by the names that its columns have everywhere. */
import type { Command } from 'commander';
import { dollars, isUsdName, prettyJson } from './exact-json.ts';
import { type ClientOptions, openApi, withClientOptions } from './options.ts';
import type { Field } from './table.ts';
import type { Terminal } from './terminal.ts';

type Row = Record<string, string | number | null>;

export function addShow(calls: Command, terminal: Terminal): void {
  const command = calls.command('show <id>').description('show one call, with how it was resolved');
  withClientOptions(command).addHelpText(
    'after',
    `
The id is what the caller was given as X-Keybrake-Call-Id. What a row does not have takes no line.

Examples:
  $ keybrake calls show call_04h8p2vq7c3sd
  $ keybrake calls show call_04h8p2vq7c3sd --json | jq .vendor_object_id`,
  );
  command.action(async (id: string, options: ClientOptions) => {
    const reply = await openApi(options).get<Row>(`/vault/calls/${encodeURIComponent(id)}`);
    if (options.json) terminal.print(prettyJson(reply.text));
    else terminal.printFields(Object.entries(reply.value).map(fieldOf));
  });
}

function fieldOf([name, value]: [string, Row[string]]): Field {
  if (value === null) return [name, null];
  return [name, isUsdName(name) ? dollars(value) : String(value)];
}
