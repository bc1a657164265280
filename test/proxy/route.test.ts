import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { AccountBook } from '../../src/accounts.ts';
import { systemClock } from '../../src/clock.ts';
import type { KeyIdentity } from '../../src/ledger/ledger.ts';
import { openSqliteLedger } from '../../src/ledger/sqlite.ts';
import { route, vendorOf } from '../../src/proxy/route.ts';
import { stripe } from '../../src/vendors/stripe/stripe.ts';
import type { Vendor } from '../../src/vendors/vendor.ts';
import { makeDataDir } from '../support/keybrake.ts';

/** Others, of another name and the same rules: which one is meant is all that matters. */
const second: Vendor = { ...stripe, name: 'second' };
const third: Vendor = { ...stripe, name: 'third', keyPlaces: ['x-third-token', 'basic.user'] };
const VENDORS: ReadonlyMap<string, Vendor> = new Map([
  ['stripe', stripe],
  ['second', second],
  ['third', third],
]);

let accounts: AccountBook;
before(async () => {
  const dataDir = makeDataDir();
  const ledger = await openSqliteLedger({ dataDir });
  accounts = await AccountBook.open(ledger, randomBytes(32), systemClock);
  const add = (vendor: Vendor, account: string) =>
    accounts.addBuiltIn(vendor, account, 'https://vendor.example', { secret: 'sk_test_x' });
  add(stripe, 'default');
  add(stripe, 'other');
  add(second, 'default');
  add(third, 'default');
  after(async () => {
    await ledger.close();
    rmSync(dataDir, { recursive: true });
  });
});

function routed(vendors: string[], path: string, account = 'default', place = 'bearer') {
  const key: KeyIdentity = {
    id: 1n,
    label: 'x',
    vendors,
    account,
    params: {},
    onBehalfOf: [],
    prices: {},
    chain: [],
  };
  const to = route(VENDORS, accounts, { key, place }, path);
  return to.refusal
    ? `${to.refusal.code}: ${to.refusal.message}`
    : `${to.account!.vendor}/${to.account!.account} ${to.path}`;
}

test('a prefix names the vendor, and the rest is its own path', () => {
  assert.equal(routed(['stripe'], '/stripe/v1/charges'), 'stripe/default /v1/charges');
  assert.equal(routed(['stripe', 'second'], '/second/v1/x'), 'second/default /v1/x');
  assert.equal(routed(['stripe'], '/stripe'), 'stripe/default /');
  assert.equal(routed(['stripe'], '/stripe/stripe/v1/x'), 'stripe/default /stripe/v1/x');
});

test('at the root a key of one vendor is enough', () => {
  assert.equal(routed(['stripe'], '/v1/charges'), 'stripe/default /v1/charges');
  assert.equal(routed(['second'], '/v1/charges'), 'second/default /v1/charges');
});

test('a key of several vendors at the root is told which prefixes there are', () => {
  const told = routed(['stripe', 'second'], '/v1/charges');
  assert.match(told, /^vendor_not_allowed: .*\/stripe\/, \/second\//);
});

test('a vendor that the key is not for is refused, by whatever way', () => {
  assert.match(
    routed(['stripe'], '/second/v1/x'),
    /^vendor_not_allowed: .*for stripe, not for second/,
  );
});

test('only the account that the key names is used, never another one', () => {
  assert.equal(routed(['stripe'], '/v1/x', 'other'), 'stripe/other /v1/x');
  assert.match(
    routed(['second'], '/v1/x', 'other'),
    /^vendor_not_allowed: No account second \/ other/,
  );
});

test('a name that only begins like a vendor is none', () => {
  for (const path of ['/stripes/v1/x', '/Stripe/v1/x', '/second-x/v1', '/strip/v1/x']) {
    assert.equal(routed(['stripe'], path), `stripe/default ${path}`);
  }
});

test('a stranger is answered in the shape of the vendor that the path names', () => {
  assert.equal(vendorOf(VENDORS, '/second/v1/x').name, 'second');
  assert.equal(vendorOf(VENDORS, '/v1/x').name, 'stripe');
  assert.equal(vendorOf(VENDORS, '').name, 'stripe');
  assert.equal(vendorOf(VENDORS, '/v1/x', 'x-third-token').name, 'third');
  assert.equal(vendorOf(VENDORS, '/second/v1/x', 'x-third-token').name, 'second');
});

test('a key is taken where its vendor takes keys, and nowhere else', () => {
  const to = (vendor: string, place: string) => routed([vendor], '/v1/x', 'default', place);
  for (const place of ['bearer', 'basic.user', 'basic.password']) {
    assert.equal(to('stripe', place), 'stripe/default /v1/x');
  }
  assert.equal(to('third', 'x-third-token'), 'third/default /v1/x');
  assert.equal(to('third', 'basic.user'), 'third/default /v1/x');
  assert.match(
    to('stripe', 'x-third-token'),
    /^request_ambiguous: stripe takes its key in Authorization: Bearer or .*, not in the header x-third-token\.$/,
  );
  assert.match(
    to('third', 'bearer'),
    /^request_ambiguous: third takes its key in the header x-third-token or the user of Authorization: Basic, not in Authorization: Bearer\.$/,
  );
});

test('a key of a vendor whose description is gone is told so', () => {
  assert.match(
    routed(['gone'], '/v1/x'),
    /^vendor_not_allowed: This key is for gone, a vendor that/,
  );
});
