/**
 * `keybrake keys issue`. The vault key's text is printed here, once, and can never be printed again
 * by anything.
 */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Reply } from './api.ts';
import { prettyJson } from './exact-json.ts';
import { CliError, EXIT } from './exit.ts';
import { capText, type KeyObject, printKey } from './key-view.ts';
import {
  type ClientOptions,
  collect,
  countOption,
  openApi,
  usdOption,
  withClientOptions,
} from './options.ts';
import { visible } from './table.ts';
import type { Terminal } from './terminal.ts';
import { shortTime } from './times.ts';

interface IssueOptions extends ClientOptions {
  vendor?: string[];
  account?: string;
  label: string;
  dailyUsdCap?: string;
  totalUsdCap?: string;
  perCallUsdCap?: string;
  maxCalls?: string;
  rateLimit?: string;
  endpoint?: string[];
  params?: Record<string, unknown>;
  onBehalfOf?: string[];
  price?: string[];
  mayDelegate?: boolean;
  expiresIn?: string;
  expiresAt?: string;
  mode?: string;
  parent?: string;
  metadata?: string[];
  quiet?: boolean;
}

export function addIssue(keys: Command, terminal: Terminal): void {
  const command = keys
    .command('issue')
    .description('issue a vault key for one run')
    .option(
      '--vendor <name>',
      "vendor the key is for; give it again for more (with --parent: that key's)",
      collect,
    )
    .requiredOption('--label <label>', 'the run it is for (agent_run_label)')
    .option('--total-usd-cap <dollars>', 'what the run may spend in all')
    .option('--daily-usd-cap <dollars>', 'what it may spend in each 24 hours from now')
    .option('--per-call-usd-cap <dollars>', 'what one call may cost')
    .option('--max-calls <n>', 'how many calls it may make')
    .option('--rate-limit <calls/time>', 'how fast, for example 100/1m')
    .option('--endpoint <endpoint>', 'an endpoint it may use; give it again for more', collect)
    .option('--params <json>', 'rules on request fields', jsonObject)
    .option(
      '--price <endpoint=dollars>',
      'what a call costs that has no price of its own; give it again for more',
      collect,
    )
    .option(
      '--on-behalf-of <account>',
      'a connected account it may act for, acct_...; give it again for more',
      collect,
    )
    .option('--may-delegate', 'the run may issue narrower keys under its own')
    .option('--expires-in <time>', 'how long it lives: 90s, 15m, 2h, 7d')
    .option('--expires-at <time>', 'until when it lives: 2026-01-31T09:00:00Z')
    .option('--account <name>', 'the vendor account behind it (default: default, else sandbox)')
    .addOption(
      new Option('--mode <mode>', 'shadow forwards all and records what would be refused').choices([
        'enforce',
        'shadow',
      ]),
    )
    .option('--parent <id>', "a key whose budgets it draws on too; narrower than that key's")
    .option('--metadata <name=value>', 'anything to keep with it; give it again for more', collect)
    .option('-q, --quiet', 'print the vault key and nothing else');
  withClientOptions(command).addHelpText(
    'after',
    `
When stdout is not a terminal, the vault key alone is printed there.

Examples:
  $ keybrake keys issue --vendor stripe --label run-1 --total-usd-cap 500 \\
      --endpoint 'POST /v1/payment_intents' --expires-in 2h
  $ VK=$(keybrake keys issue --vendor stripe --label run-1 --daily-usd-cap 500 -q)
  $ keybrake keys issue --vendor stripe --account sandbox --label try-out --total-usd-cap 20 \\
      --params '{"currency":{"in":["usd"]}}'`,
  );
  command.action(async (options: IssueOptions) => {
    const reply = await openApi(options).post<KeyObject>('/vault/keys', issueBody(options));
    printIssued(reply, options, terminal);
  });
}

function jsonObject(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Falls through to the one message.
  }
  throw new InvalidArgumentError('It must be a JSON object.');
}

/** `POST /v1/quotes/{id}/accept=50`: the last `=` parts them. */
function priceOf(text: string): { endpoint: string; price_usd: unknown } {
  const at = text.lastIndexOf('=');
  if (at < 1) throw new CliError(EXIT.usage, '--price must be endpoint=dollars.');
  return { endpoint: text.slice(0, at), price_usd: usdOption('--price', text.slice(at + 1)) };
}

/** The request, with what was not given left out, so that the server's defaults hold. */
function issueBody(options: IssueOptions): Record<string, unknown> {
  if (!options.vendor && !options.parent) {
    throw new CliError(EXIT.usage, '--vendor is required, unless --parent names a key.');
  }
  const [vendor, ...more] = options.vendor ?? [];
  const metadata = options.metadata?.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new CliError(EXIT.usage, '--metadata must be name=value.');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return {
    ...(more.length > 0 ? { vendors: options.vendor } : { vendor }),
    account: options.account,
    agent_run_label: options.label,
    daily_usd_cap: usdOption('--daily-usd-cap', options.dailyUsdCap),
    total_usd_cap: usdOption('--total-usd-cap', options.totalUsdCap),
    per_call_usd_cap: usdOption('--per-call-usd-cap', options.perCallUsdCap),
    max_calls: countOption('--max-calls', options.maxCalls),
    rate_limit: options.rateLimit,
    allowed_endpoints: options.endpoint,
    params: options.params,
    on_behalf_of: options.onBehalfOf,
    prices: options.price?.map(priceOf),
    may_delegate: options.mayDelegate,
    expires_in: options.expiresIn,
    expires_at: options.expiresAt,
    mode: options.mode,
    parent: options.parent,
    metadata: metadata && Object.fromEntries(metadata),
  };
}

function printIssued(reply: Reply<KeyObject>, options: IssueOptions, terminal: Terminal): void {
  const { value, text } = reply;
  if (options.json) terminal.print(prettyJson(text));
  else if (options.quiet || !terminal.isTTY) terminal.print(value.vault_key);
  else {
    printKey(value, terminal);
    terminal.print();
    terminal.print(`  ${terminal.style('bold', value.vault_key ?? '')}`);
    terminal.print(terminal.style('dim', '  This is the only time the vault key is shown.'));
  }
  if (!options.json && !options.quiet && !terminal.isTTY) {
    terminal.note(
      `issued ${value.id} for ${visible(value.agent_run_label)}: ` +
        `${capText(value)}, expires ${shortTime(value.expires_at)}`,
    );
  }
}
