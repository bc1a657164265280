/**
 * What a server says when it has started: all that a person needs for the first minute. The first
 * API key is shown here, once, and nowhere else; the curl lines take it from its file.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from '../config.ts';
import type { Keybrake } from '../keybrake.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

export function banner(keybrake: Keybrake, config: Config, terminal: Terminal): string[] {
  const { url, firstApiKey, recovered, sandbox } = keybrake;
  const data = resolve(config.dataDir);
  const keyFile = join(data, 'api-key');
  const name = (text: string) => terminal.style('dim', text.padEnd(10));
  const lines = [
    `${terminal.style('bold', `keybrake ${VERSION}`)} listens on ${terminal.style('cyan', url)}`,
    '',
    `  ${name('data')}${data}`,
    `  ${name('sandbox')}${sandbox ? 'on: the accounts `sandbox` are fake vendors; no money moves' : 'off'}`,
  ];
  if (firstApiKey) {
    lines.push(
      `  ${name('api key')}${terminal.style('bold', firstApiKey)}`,
      `  ${name('')}shown this once; this machine finds it in ${keyFile}`,
    );
  }
  if (recovered > 0) {
    const calls = recovered === 1 ? '1 call was' : `${recovered} calls were`;
    lines.push(
      `  ${name('recovered')}${calls} under way when the last process ended; the outcome is unknown`,
      `  ${name('')}and the amount stays counted: \`keybrake calls tail --state unknown\``,
    );
  }
  const bearer = existsSync(keyFile) ? `$(cat ${shellWord(keyFile)})` : '$KEYBRAKE_API_KEY';
  return [...lines, '', ...(sandbox ? tryIt(url, bearer) : FIRST_STEPS), ''];
}

/** Two lines that work as they stand: a key for the sandbox, and a payment under it. */
function tryIt(url: string, bearer: string): string[] {
  const policy =
    '{"vendor":"stripe","account":"sandbox","total_usd_cap":50,"agent_run_label":"first-run"}';
  return [
    'Try it: a key with a cap of $50, and a payment of $29 under it; the second one gets a 429.',
    '',
    `VK=$(curl -s ${url}/vault/keys -H "Authorization: Bearer ${bearer}" -H 'Content-Type: application/json' -d '${policy}' | grep -o 'vault_key_sandbox_[0-9a-z]*')`,
    `curl -i ${url}/v1/payment_intents -u "$VK:" -d amount=2900 -d currency=usd -d payment_method=pm_card_visa -d confirm=true`,
  ];
}

const FIRST_STEPS = [
  'Next: `keybrake keys issue --help`; before that, once, `keybrake accounts add stripe`.',
];

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
