/**
 * docs/errors.md and the catalogue in src/errors.ts say the same, both ways: what people find when
 * they search for a code is what the server does.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Problem, problemResponse } from '../src/control/problem.ts';
import { CATALOGUE, type ErrorCode, isCapHit } from '../src/errors.ts';
import { stripe } from '../src/vendors/stripe/stripe.ts';

const page = readFileSync(join(import.meta.dirname, '../docs/errors.md'), 'utf8');
const [opening = '', onCalls = '', onManagement = ''] = page.split(/^## .*$/m);
const codes = Object.keys(CATALOGUE) as ErrorCode[];

/** The text under each code's heading. */
const sections = new Map(
  [...page.matchAll(/^### (\w+)\n([\s\S]*?)(?=^##|$(?![\s\S]))/gm)].map(([, code, text]) => [
    code!,
    text!,
  ]),
);

test('every code has a section, and no section is of a code that does not exist', () => {
  assert.deepEqual([...sections.keys()], codes);
});

for (const code of codes) {
  const { status, title, remedy, retryable, held } = CATALOGUE[code];

  test(`the section of ${code} has its status, its meaning and its remedy`, () => {
    const text = sections.get(code)!;
    const facts = [
      status,
      retryable ? 'a retry can succeed' : 'a retry cannot succeed',
      held ? 'the amount stays counted' : 'nothing stays counted',
    ];
    assert.equal(text.trim().split('\n')[0], facts.join(' · '));
    assert.ok(text.includes(`**${title}.** `), `the title is: ${title}`);
    assert.ok(text.includes(`**What to do:** ${remedy}\n`), `the remedy is: ${remedy}`);
  });

  test(`the example of ${code} has the shape in which it is sent`, async () => {
    const [, json = ''] = /```json\n([\s\S]*?)```/.exec(sections.get(code)!) ?? [];
    const example = JSON.parse(json);
    if (onManagement.includes(`### ${code}\n`)) {
      const { detail, errors, request_id } = example;
      const problem = new Problem(code, detail, errors && { errors });
      assert.deepEqual(example, await problemResponse(problem, request_id).json());
      return;
    }
    assert.ok(onCalls.includes(`### ${code}\n`));
    const { message, vault } = example.error;
    const retry = vault.retry_after_s;
    const refusal = { code, message, ...(retry !== undefined && { retryAfterS: retry }) };
    const sent = JSON.parse(stripe.renderRefusal(refusal, vault.call_id ?? '').body);
    const { cap_kind, key, cap_usd, spent_usd, held_usd, needed_usd, remaining_usd, ...rest } =
      vault;
    assert.deepEqual({ error: { ...example.error, vault: rest } }, sent);
    assert.equal(cap_kind !== undefined, code === 'cap_exceeded' || code === 'call_cap_exceeded');
  });
}

test('the page names exactly the codes that are answered with Cap-Hit', () => {
  const line = opening.split('\n').find((each) => each.includes('`X-Keybrake-Cap-Hit: true`'))!;
  const named = [...line.matchAll(/`(\w+)`/g)].map(([, code]) => code);
  assert.deepEqual(named, codes.filter(isCapHit));
});
