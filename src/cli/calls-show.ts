/** `keybrake calls show`: one row of the audit, by the names that its columns have everywhere. */
import type { Command } from 'commander';
import { dollars, isUsdName, prettyJson } from './exact-json.ts';
import { type ClientOptions, openApi, withClientOptions } from './options.ts';
import { fieldLines } from './table.ts';
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
    if (options.json) {
      terminal.print(prettyJson(reply.text));
      return;
    }
    const paintTitle = (text: string) => terminal.style('dim', text);
    for (const line of fieldLines(fieldsOf(reply.value), { indent: '  ', paintTitle })) {
      terminal.print(line);
    }
  });
}

function fieldsOf(row: Row): (readonly [string, string])[] {
  return Object.entries(row).flatMap(([name, value]) => {
    if (value === null) return [];
    return [[name, isUsdName(name) ? dollars(String(value)) : String(value)] as const];
  });
}
