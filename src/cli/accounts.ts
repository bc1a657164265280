/**
 * `keybrake accounts`: store, list and remove the real credentials of vendors. A secret is read from
 * a prompt that shows nothing or from standard input, sent once, and never printed.
 */
import type { Command } from 'commander';
import type { Api, List, Reply } from './api.ts';
import { prettyJson } from './exact-json.ts';
import { CliError, EXIT } from './exit.ts';
import { type ClientOptions, openApi, withClientOptions } from './options.ts';
import { leaked } from './secret-arguments.ts';
import { type Column, visible } from './table.ts';
import type { Terminal } from './terminal.ts';
import { shortTime } from './times.ts';

interface AccountObject {
  vendor: string;
  account: string;
  base_url: string;
  created_at: string;
  rotated_at: string | null;
  /** From the environment or the sandbox: lives as long as the server. */
  built_in: boolean;
}

interface VendorObject {
  vendor: string;
  credential_fields: string[];
}

export function addAccountCommands(program: Command, terminal: Terminal): void {
  const accounts = program
    .command('accounts')
    .description('store, list and remove the real credentials of vendors');
  addAdd(accounts, terminal);
  addList(accounts, terminal);
  addRemove(accounts, terminal);
}

interface AddOptions extends ClientOptions {
  account: string;
  baseUrl?: string;
  replace?: boolean;
}

function addAdd(accounts: Command, terminal: Terminal): void {
  const command = accounts
    .command('add <vendor>')
    .description('store the credentials of a vendor')
    .option('--account <name>', 'name of the account, for several of one vendor', 'default')
    .option('--base-url <address>', "where the vendor is, when it is not the vendor's own address")
    .allowExcessArguments()
    .option('--replace', 'replace the credentials of an account that is stored');
  withClientOptions(command).addHelpText(
    'after',
    `
The secret is asked for without being shown, or read from standard input when it is piped. It is
never an argument: arguments stay in the shell's history. Where an account has several (Twilio's
account_sid and auth_token), each is asked for, or stands on a line of its own in this order.

Examples:
  $ keybrake accounts add stripe
  $ keybrake accounts add twilio
  $ pass show stripe/live | keybrake accounts add stripe
  $ keybrake accounts add stripe --account eu < stripe-eu.secret`,
  );
  command.action(async (vendor: string, options: AddOptions) => {
    // A second word can only be meant as the secret.
    if (command.args.length > 1) throw leaked('a secret');
    const api = openApi(options);
    const name = `${visible(vendor)}/${visible(options.account)}`;
    const fields = await fieldsOf(api, vendor);
    // Looked up first, so that nobody is asked for a secret that cannot be stored.
    const { value } = await api.get<List<AccountObject>>('/vault/accounts');
    const exists = value.data.some(
      (row) => row.vendor === vendor && row.account === options.account,
    );
    if (exists && !options.replace) {
      throw new CliError(EXIT.failed, `${name} is stored already; --replace replaces it.`);
    }
    const secrets = await terminal.readSecrets(fields.map((field) => [field, name]));
    const credentials = Object.fromEntries(fields.map((field, n) => [field, secrets[n]!]));
    const reply = await send(api, vendor, options, { exists, credentials });
    if (options.json) terminal.print(prettyJson(reply.text));
    else
      terminal.print(`${exists ? 'replaced' : 'stored'} ${name}, sent to ${reply.value.base_url}`);
  });
}

function send(
  api: Api,
  vendor: string,
  { account, baseUrl: base_url }: AddOptions,
  { exists, credentials }: { exists: boolean; credentials: Record<string, string> },
): Promise<Reply<AccountObject>> {
  if (!exists) return api.post('/vault/accounts', { vendor, account, base_url, ...credentials });
  return api.put(accountPath(vendor, account), { base_url, ...credentials });
}

/** What an account of the vendor consists of, as the server has it. */
async function fieldsOf(api: Api, vendor: string): Promise<string[]> {
  const { value } = await api.get<List<VendorObject>>('/vault/vendors');
  const found = value.data.find((each) => each.vendor === vendor);
  if (found) return found.credential_fields;
  const known = value.data.map((each) => each.vendor).join(', ');
  throw new CliError(
    EXIT.failed,
    `${visible(vendor)} is no vendor that the server knows: ${known}.`,
  );
}

function accountPath(vendor: string, account: string): string {
  return `/vault/accounts/${encodeURIComponent(vendor)}/${encodeURIComponent(account)}`;
}

const COLUMNS: readonly Column[] = [
  { title: 'VENDOR' },
  { title: 'ACCOUNT' },
  { title: 'SENT TO', shrinks: true },
  { title: 'FROM' },
  { title: 'STORED' },
  { title: 'REPLACED', optional: 1 },
];

function addList(accounts: Command, terminal: Terminal): void {
  const command = accounts
    .command('list')
    .alias('ls')
    .description('list the accounts; never their secrets');
  withClientOptions(command).addHelpText(
    'after',
    `
Examples:
  $ keybrake accounts list
  $ keybrake accounts list --json`,
  );
  command.action(async (options: ClientOptions) => {
    const reply = await openApi(options).get<List<AccountObject>>('/vault/accounts');
    if (options.json) {
      terminal.print(prettyJson(reply.text));
      return;
    }
    const rows = reply.value.data.map((row) => [
      row.vendor,
      row.account,
      row.base_url,
      row.built_in ? 'server' : 'vault',
      shortTime(row.created_at),
      shortTime(row.rotated_at),
    ]);
    terminal.printTable(COLUMNS, rows);
    if (rows.length === 0) terminal.note('No account yet: `keybrake accounts add stripe`.');
  });
}

interface RemoveOptions extends ClientOptions {
  account: string;
  yes?: boolean;
}

function addRemove(accounts: Command, terminal: Terminal): void {
  const command = accounts
    .command('remove <vendor>')
    .alias('rm')
    .description('forget the credentials; keys for the account are refused from then on')
    .option('--account <name>', 'name of the account', 'default')
    .option('--yes', 'do not ask');
  withClientOptions(command).addHelpText(
    'after',
    `
Examples:
  $ keybrake accounts remove stripe --account eu
  $ keybrake accounts remove stripe --yes`,
  );
  command.action(async (vendor: string, options: RemoveOptions) => {
    const name = `${visible(vendor)}/${visible(options.account)}`;
    if (!options.yes) {
      if (!terminal.canAsk) {
        throw new CliError(
          EXIT.usage,
          `This would remove ${name}; say --yes when nobody can answer.`,
        );
      }
      if (!(await terminal.confirm(`Remove ${name}?`))) {
        throw new CliError(EXIT.failed, 'Nothing was removed.');
      }
    }
    const reply = await openApi(options).delete(accountPath(vendor, options.account));
    if (options.json) terminal.print(reply.text ? prettyJson(reply.text) : '{}');
    else terminal.print(`removed ${name}`);
  });
}
