/** Which calls are told to wait instead of refused, and that a wait writes nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AtDesk } from '../contract.ts';
import { codeOf, fact, named, usd } from '../desk.ts';

const WAIT = { holds: 'wait' } as const;

export function waitingContract(name: string, at: AtDesk): void {
  test(`${name}: a call that fits once a running call gives its hold back waits, and leaves no row`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    const running = await at().hold(key, 3);
    const early = await at().admit(key, 3, WAIT);
    assert.deepEqual(early.kind === 'wait' && early.keyId, key.id);
    assert.equal(await at().ledger.call(early.id), undefined);
    assert.deepEqual(await at().standing(key), { spent: 0, held: 3 });
    at().settle(running, 'released');
    assert.equal(codeOf(await at().admit(key, 3, WAIT)), 'admitted');
  });

  test(`${name}: what no running call can give back is refused at once`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    at().cost(await at().hold(key, 3), 3);
    await at().hold(key, 1);
    assert.equal(codeOf(await at().admit(key, 3, WAIT)), 'cap_exceeded', 'spent stays spent');
    const other = await at().issue({ totalCap: usd(5) });
    at().settle(await at().hold(other, 3), 'unknown');
    assert.equal(codeOf(await at().admit(other, 3, WAIT)), 'cap_exceeded', 'unknown may stay');
    const third = await at().issue({ totalCap: usd(5) });
    const open = fact('pi_waits_for_its_customer', 3, 'open');
    at().settle(await at().hold(third, 3), 'held', { vendorObjectId: open.id, objects: [open] });
    assert.equal(
      codeOf(await at().admit(third, 3, WAIT)),
      'cap_exceeded',
      'a customer may take days',
    );
  });

  test(`${name}: a call that could never fit does not wait for what is running`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    await at().hold(key, 3);
    assert.equal(codeOf(await at().admit(key, 6, WAIT)), 'cap_exceeded');
  });

  test(`${name}: when the wait is over the refusal is recorded`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    await at().hold(key, 3);
    const late = await at().admit(key, 3, { holds: 'refuse' });
    assert.equal(codeOf(late), 'cap_exceeded');
    assert.equal(await at().stateOf(late.id), 'refused');
  });

  test(`${name}: while others wait in front, a call that costs waits too, and one that does not goes on`, async () => {
    const key = await at().issue({ totalCap: usd(5) });
    const behind = await at().admit(key, 1, { holds: 'queue' });
    assert.equal(behind.kind === 'wait' && behind.keyId, null);
    const free = { quote: { kind: 'free' }, class: 'free', holds: 'queue' } as const;
    assert.equal(codeOf(await at().admit(key, 0, free)), 'admitted');
    const first = await at().hold(key, 1, named('repeated'));
    at().cost(first, 1, { sealedReply: Buffer.from('reply'), keepIdentity: true });
    const repeated = { ...named('repeated'), holds: 'queue' } as const;
    assert.equal(codeOf(await at().admit(key, 1, repeated)), 'replay');
  });

  test(`${name}: a child waits for its parent's running calls, those of its other children too`, async () => {
    const parent = await at().issue({ totalCap: usd(5) });
    const [one, two] = [
      await at().issue({ totalCap: usd(5), parentId: parent.id }),
      await at().issue({ totalCap: usd(5), parentId: parent.id }),
    ];
    const running = await at().hold(one, 4);
    const early = await at().admit(two, 3, WAIT);
    assert.equal(early.kind === 'wait' && early.keyId, parent.id);
    at().cost(running, 4);
    assert.equal(codeOf(await at().admit(two, 3, WAIT)), 'cap_exceeded');
  });

  test(`${name}: a shadow key is never made to wait`, async () => {
    const key = await at().issue({ totalCap: usd(5), mode: 'shadow' });
    await at().hold(key, 3);
    const over = await at().admit(key, 3, WAIT);
    assert.equal(over.kind, 'admitted');
    assert.equal((await at().ledger.call(over.id))?.policyVerdict, 'would_refuse');
  });

  test(`${name}: only a call that would be let through is told to ask the vendor for its price`, async () => {
    const ask = { quote: { kind: 'ask', reason: 'not known' }, canAsk: true } as const;
    const key = await at().issue({ totalCap: usd(5), maxCalls: 1 });
    const asks = await at().admit(key, 0, ask);
    assert.equal(asks.kind, 'look_up');
    assert.equal(await at().ledger.call(asks.id), undefined);
    const told = await at().admit(key, 0, { quote: ask.quote, canAsk: false });
    assert.equal(codeOf(told), 'unpriced');
    await at().hold(key, 1);
    assert.equal(codeOf(await at().admit(key, 0, ask)), 'call_limit_reached');
    await at().ledger.revoke({ key: key.id }, null, 'test', at().now);
    assert.equal(codeOf(await at().admit(key, 0, ask)), 'key_revoked');
  });

  test(`${name}: what the vendor said of an object is the price of the very call that asked`, async () => {
    const key = await at().issue({ totalCap: usd(50) });
    const quote = {
      kind: 'object',
      objectId: 'pi_from_outside',
      of: 'amount',
      limit: null,
    } as const;
    assert.equal(codeOf(await at().admit(key, 0, { quote, canAsk: true })), 'look_up');
    const facts = [fact('pi_from_outside', 12, 'open')];
    await at().hold(key, 0, { quote, facts });
    assert.deepEqual(await at().standing(key), { spent: 0, held: 12 });
  });
}
