import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newVaultKey } from '../../src/ids.ts';
import { arrive } from '../../src/proxy/arrive.ts';

function head(target: string, ...headers: [name: string, value: string][]) {
  return arrive(
    {
      method: 'POST',
      target,
      rawHeaders: headers.flat(),
      readBody: async () => new Uint8Array(),
      onHangUp: () => undefined,
    },
    ['x-own-token'],
  );
}

test('a header that came twice is refused, but for those that are lists', () => {
  for (const name of ['Idempotency-Key', 'authorization', 'X-Keybrake-Task-Id', 'Host']) {
    const { fault } = head('/v1/x', [name, 'a'], [name.toUpperCase(), 'a']);
    assert.match(fault!.message, new RegExp(`${name.toLowerCase()} came more than once`));
  }
  const { fault, headers } = head('/v1/x', ['Accept', 'a'], ['accept', 'b']);
  assert.equal(fault, null);
  assert.equal(headers.get('accept'), 'a, b');
});

test('a body may be chunked, and nothing else on its way', () => {
  assert.equal(head('/v1/x', ['Transfer-Encoding', ' Chunked ']).fault, null);
  for (const coding of ['gzip, chunked', 'identity', 'chunked, chunked', '', 'x']) {
    assert.equal(
      head('/v1/x', ['Transfer-Encoding', coding]).fault?.code,
      'request_ambiguous',
      coding,
    );
  }
});

test('the first fault of a head is the one that is told', () => {
  const { fault } = head('/v1/../x', ['Host', 'a'], ['Host', 'b'], ['X-HTTP-Method', 'GET']);
  assert.match(fault!.message, /host came more than once/);
});

test('what a client says of its run is bounded and printable', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
      const { context } = head('/v1/x', ['X-Keybrake-Task-Id', text], ['X-Agent-Run-Id', text]);
      assert.ok((context.taskId ?? '').length <= 256);
      assert.doesNotMatch(context.taskId ?? '', /[\x00-\x1f\x7f-\x9f]/);
      assert.equal(context.runId, context.taskId);
    }),
    { seed: 1 },
  );
});

test("a key comes in Authorization or in a vendor's own header, and nothing else stands beside it", () => {
  const key = newVaultKey(false);
  const bearer: [string, string] = ['Authorization', `Bearer ${key}`];
  const own: [string, string] = ['X-Own-Token', key];
  for (const [header, place] of [
    [bearer, 'bearer'],
    [own, 'x-own-token'],
  ] as const) {
    const { credential, fault } = head('/v1/x', header);
    assert.deepEqual([credential?.key, credential?.place, fault], [key, place, null]);
  }
  for (const headers of [
    [bearer, own],
    [own, ['Authorization', 'Bearer something-else']],
    [own, ['Authorization', 'Basic Og==']],
    [own, ['X-Other-Token', newVaultKey(false)]],
    [bearer, ['X-Other-Token', newVaultKey(false)]],
    [own, ['X-Own-Token', key]],
  ] as [string, string][][]) {
    const { credential, fault } = head('/v1/x', ...headers);
    // Known all the same, so that the refusal is a row of that key's.
    assert.equal(credential?.key, key);
    assert.equal(fault?.code, 'request_ambiguous', JSON.stringify(headers));
    assert.ok(!fault.message.includes('vault_key_'));
  }
});

test('an attempt is a whole number or none', () => {
  const attempt = (text: string) => head('/v1/x', ['X-Keybrake-Attempt', text]).context.attempt;
  assert.deepEqual(['0', '3', '999999999'].map(attempt), [0, 3, 999_999_999]);
  for (const text of ['', '-1', '1.5', '1e3', '0x1', ' 1', '9999999999', 'NaN', '１']) {
    assert.equal(attempt(text), null, text);
  }
});

test('a vault key in a path or a query is refused and leaves no trace, however it is escaped', () => {
  const escaped = (char: string, times: number) => {
    let text = char;
    for (let i = 0; i < times; i++) {
      text = i === 0 ? `%${text.charCodeAt(0).toString(16)}` : text.replace('%', '%25');
    }
    return text;
  };
  fc.assert(
    fc.property(
      fc.constantFrom('/v1/customers/', '/v1/../', '/', '/v1/customers?x='),
      fc.array(fc.nat({ max: 3 }), { minLength: 60, maxLength: 60 }),
      (before, times) => {
        const key = newVaultKey(false);
        const spelled = [...key].map((char, i) => escaped(char, times[i] ?? 0)).join('');
        const { fault, path } = head(before + spelled);
        assert.equal(fault?.code, 'request_ambiguous', before + spelled);
        for (const text of [path, fault.message]) {
          assert.ok(!text.includes(key), text);
          assert.ok(!text.includes(spelled), text);
        }
      },
    ),
    { seed: 4 },
  );
});

test('a credential in a header that would be sent on is refused; of the run, it is taken out', () => {
  const key = newVaultKey(true);
  for (const name of ['User-Agent', 'Idempotency-Key', 'X-Api-Key', 'Referer']) {
    const { fault } = head('/v1/x', [name, `a ${key} b`]);
    assert.match(fault!.message, new RegExp(`header ${name.toLowerCase()}`));
    assert.ok(!fault!.message.includes(key));
  }
  const secret = `SG.${'Ab1_'.repeat(5)}.${'-Cd2'.repeat(10)}`;
  for (const told of [head(`/v3/${secret}`), head('/v3/x', ['X-Api-Key', secret])]) {
    assert.equal(told.fault?.code, 'request_ambiguous');
    assert.ok(!JSON.stringify([told.path, told.fault]).includes(secret));
  }
  const { fault, context } = head('/v1/x', ['X-Keybrake-Task-Id', `a ${key} b`]);
  assert.equal(fault, null);
  assert.equal(context.taskId, 'a [credential] b');
  // Cut to its bound only after the credential is out: half a key is still most of a key.
  const long = head('/v1/x', ['X-Keybrake-Task-Id', `${'a'.repeat(220)}${key}`]).context.taskId!;
  assert.doesNotMatch(long, /vault_key_/);
});

test('names and ids that only look like a credential are let through', () => {
  for (const text of [
    'vault_key_rotation',
    'key_06y6wd5600000',
    'task_key_live_1',
    're_1_refund',
  ]) {
    assert.equal(head(`/v1/customers/${text}`, ['User-Agent', text]).fault, null, text);
  }
});
