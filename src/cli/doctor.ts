/**
 * `keybrake doctor`: looks at a server and its data folder as an operator would, and says for each
 * finding what to do. Changes nothing. Exit status 1 when something fails; a warning is not a failure.
 */
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Api, findApiKey, type List } from './api.ts';
import { dataFolder } from './doctor-folder.ts';
import { CliError, EXIT } from './exit.ts';
import type { Finding } from './finding.ts';
import { type Freezes, freezeText } from './freeze.ts';
import { type ClientOptions, openApi, withClientOptions } from './options.ts';
import { tableLines, visible } from './table.ts';
import type { Terminal } from './terminal.ts';
import { span } from './times.ts';
import { VERSION } from './version.ts';

/** The version of the control plane's API that this client speaks. */
const API_VERSION = '1';
const SKEW_WARN_MS = 5_000;
/** Rates are refused when they are four days old, unless it is set otherwise. */
const RATES_WARN_MS = 3.5 * 86_400_000;

export function addDoctorCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('doctor')
    .description('check the server, its data folder and this client, and say what to do');
  withClientOptions(command).addHelpText(
    'after',
    `
Exits with 1 when a check fails; a warning is not a failure.

Examples:
  $ keybrake doctor
  $ keybrake doctor --url https://keybrake.internal --json`,
  );
  command.action(async (options: ClientOptions) => {
    const findings = await examine(openApi(options), options.data, process.env);
    if (options.json) terminal.print(JSON.stringify({ data: findings }, null, 2));
    else print(findings, terminal);
    const failed = findings.filter(({ verdict }) => verdict === 'fail').length;
    if (failed > 0) {
      throw new CliError(EXIT.failed, `${failed} ${failed === 1 ? 'check fails' : 'checks fail'}.`);
    }
  });
}

async function examine(api: Api, data: string, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { up, findings } = await reachable(api);
  if (up) {
    findings.push(await ready(api), await rates(api));
    const key = await managementKey(api, data, env);
    findings.push(key);
    if (key.verdict === 'ok') {
      findings.push(await accounts(api), await frozen(api), await unresolved(api));
    }
  }
  return [...findings, transport(api), ...(await dataFolder(data))];
}

function print(findings: readonly Finding[], terminal: Terminal): void {
  const styles = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
  const rows = findings.map(({ check, verdict, found }) => [
    { text: verdict, paint: (text: string) => terminal.style(styles[verdict], text) },
    check,
    found,
  ]);
  const lines = tableLines([{ title: '' }, { title: '' }, { title: '' }], rows);
  const indent = ' '.repeat(6);
  for (const [i, line] of lines.entries()) {
    terminal.print(line);
    const { remedy } = findings[i]!;
    if (remedy) terminal.print(terminal.style('dim', `${indent}→ ${remedy}`));
  }
}

// ---------------------------------------------------------------- the server

async function reachable(api: Api): Promise<{ up: boolean; findings: Finding[] }> {
  const sentAt = Date.now();
  try {
    const { reply } = await api.probe('/healthz', false);
    const receivedAt = Date.now();
    if (reply.status !== 200) {
      const found = `${api.url} answers ${reply.status} to /healthz`;
      const remedy = 'Is it Keybrake that listens there? See the log of the server.';
      return { up: false, findings: [{ check: 'server', verdict: 'fail', found, remedy }] };
    }
    const found = `${api.url} answers in ${receivedAt - sentAt} ms`;
    return {
      up: true,
      findings: [
        { check: 'server', verdict: 'ok', found },
        await version(api),
        skew(reply.headers.get('date'), sentAt, receivedAt),
      ],
    };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const found = error.message.replace(/\). .*$/s, ')');
    const remedy = 'Start it with `keybrake serve`, or name its address with --url.';
    return { up: false, findings: [{ check: 'server', verdict: 'fail', found, remedy }] };
  }
}

async function version(api: Api): Promise<Finding> {
  const check = 'version';
  const { text } = await api.probe('/vault/openapi.json', false);
  let spoken: string | undefined;
  try {
    spoken = (JSON.parse(text) as { info?: { version?: string } }).info?.version;
  } catch {
    // A foreign server; said below.
  }
  const found = `server's API ${spoken ?? 'unknown'}, client ${VERSION} for API ${API_VERSION}`;
  if (spoken === API_VERSION) return { check, verdict: 'ok', found };
  return { check, verdict: 'warn', found, remedy: 'Use the client that came with the server.' };
}

/** The Date header has whole seconds, so half a second and half the round trip are its error. */
function skew(date: string | null, sentAt: number, receivedAt: number): Finding {
  const check = 'clock';
  if (!date) return { check, verdict: 'warn', found: 'the server does not say its time' };
  const off = Math.abs(Date.parse(date) + 500 - (sentAt + receivedAt) / 2);
  if (off < SKEW_WARN_MS) {
    return { check, verdict: 'ok', found: 'server and client agree to a few seconds' };
  }
  return {
    check,
    verdict: 'warn',
    found: `server and client are ${span(off)} apart`,
    remedy: 'Set both by NTP: expiries and daily windows follow the clock of the server.',
  };
}

function transport(api: Api): Finding {
  const { protocol, hostname } = new URL(api.url);
  const check = 'transport';
  if (protocol === 'https:') return { check, verdict: 'ok', found: 'TLS' };
  if (/^(?:localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) {
    return { check, verdict: 'ok', found: 'plain HTTP inside this machine' };
  }
  return {
    check,
    verdict: 'warn',
    found: 'plain HTTP to another machine: keys can be read on the way',
    remedy: 'Put TLS in front of the server.',
  };
}

async function ready(api: Api): Promise<Finding> {
  const { reply, text } = await api.probe('/readyz', false);
  const check = 'ready';
  if (reply.status === 200) return { check, verdict: 'ok', found: 'the ledger takes calls' };
  return {
    check,
    verdict: 'fail',
    found: `/readyz answers ${reply.status}: ${detailOf(text)}`,
    remedy: 'Every call is refused until the ledger can be written; see the log of the server.',
  };
}

/** By the metrics: they tell it without a key. */
async function rates(api: Api): Promise<Finding> {
  const check = 'rates';
  const { text } = await api.probe('/metrics', false);
  const seconds = Number(/^keybrake_rates_age_seconds (\S+)$/m.exec(text)?.[1]);
  if (Number.isNaN(seconds)) {
    return { check, verdict: 'ok', found: 'none: other currencies than dollars are refused' };
  }
  const found = `of a day that began ${span(seconds * 1_000)} ago`;
  if (seconds * 1_000 < RATES_WARN_MS) return { check, verdict: 'ok', found };
  const remedy =
    'See where KEYBRAKE_RATES gets them: other currencies are refused when they are too old.';
  return { check, verdict: 'warn', found, remedy };
}

async function managementKey(api: Api, data: string, env: NodeJS.ProcessEnv): Promise<Finding> {
  const check = 'api key';
  const from = env.KEYBRAKE_API_KEY?.trim() ? 'KEYBRAKE_API_KEY' : join(data, 'api-key');
  if (!findApiKey(env, data)) {
    return {
      check,
      verdict: 'fail',
      found: `none: KEYBRAKE_API_KEY is not set, and ${from} cannot be read`,
      remedy: "Set KEYBRAKE_API_KEY, or name the server's data folder with --data.",
    };
  }
  const { reply, text } = await api.probe('/vault/keys?limit=1', true);
  if (reply.status === 200) return { check, verdict: 'ok', found: `${from} is accepted` };
  return {
    check,
    verdict: 'fail',
    found: `${from} is answered ${reply.status}: ${detailOf(text)}`,
    remedy: 'Use the key of this server; another data folder has another key.',
  };
}

async function accounts(api: Api): Promise<Finding> {
  const check = 'accounts';
  const { value } = await api.get<List<{ vendor: string; account: string }>>('/vault/accounts');
  const names = value.data.map(({ vendor, account }) => `${vendor}/${account}`);
  const real = names.filter((name) => !name.endsWith('/sandbox'));
  if (real.length > 0) return { check, verdict: 'ok', found: names.join(', ') };
  return {
    check,
    verdict: 'warn',
    found: names.length > 0 ? `only the sandbox: ${names.join(', ')}` : 'none',
    remedy: 'Store a real one with `keybrake accounts add stripe`.',
  };
}

async function frozen(api: Api): Promise<Finding> {
  const check = 'frozen';
  const { freezes } = (await api.get<Freezes>('/vault/revocations')).value;
  if (freezes.length === 0) return { check, verdict: 'ok', found: 'nothing is' };
  return {
    check,
    verdict: 'warn',
    found: freezes.map(freezeText).join('; '),
    remedy: 'Its calls are refused until you lift it: `keybrake unfreeze --help`.',
  };
}

async function unresolved(api: Api): Promise<Finding> {
  const check = 'unresolved';
  const query = { unresolved: 'true' };
  const { rows, more } = await api.list<{ id: string }>('/vault/calls', query, 200);
  if (rows.length === 0) return { check, verdict: 'ok', found: 'no call is left that needs you' };
  const count = more ? `more than ${rows.length}` : String(rows.length);
  return {
    check,
    verdict: 'warn',
    found: `${count} ${count === '1' ? 'call' : 'calls'} whose outcome nobody could find out; the amounts stay counted`,
    remedy: 'See `keybrake calls unresolved`, and look for them at the vendor.',
  };
}

function detailOf(text: string): string {
  try {
    const said = JSON.parse(text) as { detail?: string; title?: string; reason?: string };
    return visible(said.detail ?? said.reason ?? said.title ?? 'no reason given');
  } catch {
    return 'no reason given';
  }
}
