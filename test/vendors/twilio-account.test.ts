/** Whose account a call acts for, where it goes and with which credentials. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../../src/seal.ts';
import { PLACEHOLDER } from '../../src/vendors/twilio/account.ts';
import { twilio } from '../../src/vendors/twilio/twilio.ts';
import type { VendorRequest } from '../../src/vendors/vendor.ts';
import {
  ACCOUNT,
  CALLS,
  form,
  MESSAGES,
  OTHER_SID,
  reading,
  request,
  SID,
  TOKEN,
  US,
} from './twilio-requests.ts';

const send = (what: VendorRequest, baseUrl = ACCOUNT.baseUrl) => {
  const { baseUrl: to, path } = twilio.outbound(what, { ...ACCOUNT, baseUrl }, null);
  return to + path;
};
const scope = (what: VendorRequest) => twilio.checkScope!(what, reading(what), ACCOUNT);

const own = (path: string) => path.replace(PLACEHOLDER, SID);
const others = (path: string) => path.replace(PLACEHOLDER, OTHER_SID);

test('the placeholder and the account’s own SID are the account; the path goes out with its SID', () => {
  for (const path of [MESSAGES, own(MESSAGES), CALLS]) {
    assert.equal(scope(request('GET', path)), null, path);
    assert.equal(send(request('GET', path)), `https://api.twilio.com${own(path)}`);
  }
  const account = `/2010-04-01/Accounts/${PLACEHOLDER}.json`;
  assert.equal(send(request('GET', account)), `https://api.twilio.com${own(account)}`);
  const query = send(request('GET', `${MESSAGES}?To=%2B1&DateSent%3E=2026-11-24`));
  assert.equal(query, `https://api.twilio.com${own(MESSAGES)}?To=%2B1&DateSent%3E=2026-11-24`);
});

test('another account is refused, wherever it is named, and is never put in the place of the own one', () => {
  const named: VendorRequest[] = [
    request('GET', others(MESSAGES)),
    request('POST', others(MESSAGES), form({ To: US, Body: 'a' })),
    request('GET', `/2010-04-01/Accounts/${OTHER_SID}.json`),
    request('GET', `/2010-04-01/Accounts/${SID.toUpperCase()}/Messages.json`),
    request('GET', '/2010-04-01/Accounts/someone/Messages.json'),
    request('GET', `/insights/v1/Accounts/${OTHER_SID}/Calls`),
    request('GET', `/verify/v2/Services/${OTHER_SID}`),
    request('GET', `${MESSAGES}?AccountSid=${OTHER_SID}`),
    request(
      'POST',
      `${own(MESSAGES).replace('Messages', 'IncomingPhoneNumbers/PN1')}`,
      form({ AccountSid: OTHER_SID }),
    ),
  ];
  for (const what of named) {
    const refusal = scope(what);
    assert.equal(refusal?.code, 'scope_not_allowed', what.path);
    assert.ok(!refusal.message.includes(TOKEN));
    const path = send({ ...what, query: '' });
    if (!what.path.includes(PLACEHOLDER)) assert.equal(path.includes(SID), what.path.includes(SID));
  }
  // A field is not rewritten, so the placeholder would be somebody else's there.
  assert.equal(
    scope(request('GET', `${MESSAGES}?AccountSid=${PLACEHOLDER}`))?.code,
    'scope_not_allowed',
  );
  assert.equal(scope(request('GET', `${MESSAGES}?AccountSid=${SID}`)), null);
});

test('no path in which the account’s segment is another one is let through', () => {
  const segment = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9~_-]{1,40}$/),
    fc.stringMatching(/^AC[0-9a-f]{32}$/),
  );
  fc.assert(
    fc.property(segment, (named) => {
      fc.pre(named !== SID && named !== PLACEHOLDER);
      const what = request('GET', `/2010-04-01/Accounts/${named}/Messages.json`);
      assert.equal(scope(what)?.code, 'scope_not_allowed');
    }),
  );
});

const HOSTS: [base: string, path: string, url: string][] = [
  ['https://api.twilio.com', '/verify/v2/Services', 'https://verify.twilio.com/v2/Services'],
  ['https://api.twilio.com', '/flex-api/v1/Users', 'https://flex-api.twilio.com/v1/Users'],
  [
    'https://api.dublin.ie1.twilio.com',
    '/lookups/v2/PhoneNumbers/+1?Fields=validation',
    'https://lookups.dublin.ie1.twilio.com/v2/PhoneNumbers/+1?Fields=validation',
  ],
  ['http://127.0.0.1:4200', '/verify/v2/Services', 'http://127.0.0.1:4200/verify/v2/Services'],
  [
    'https://proxy.example/tw',
    '/pricing/v1/Messaging',
    'https://proxy.example/tw/pricing/v1/Messaging',
  ],
  [
    'https://api.twilio.com.evil.example',
    '/verify/v2/Services',
    'https://api.twilio.com.evil.example/verify/v2/Services',
  ],
];

for (const [base, path, url] of HOSTS) {
  test(`behind ${base}, ${path} is at ${url}`, () =>
    assert.equal(send(request('GET', path), base), url));
}

test('the credentials go out as HTTP Basic, and the client’s own and its key stay here', () => {
  const headers = {
    authorization: 'Basic dmF1bHQ6a2V5',
    'idempotency-key': 'k',
    'x-keybrake-task-id': 't',
    accept: 'a',
  };
  const what = request('GET', MESSAGES, '', headers);
  const out = twilio.outbound(what, ACCOUNT, 'ours').headers;
  assert.equal(out.authorization, `Basic ${Buffer.from(`${SID}:${TOKEN}`).toString('base64')}`);
  assert.deepEqual(Object.keys(out).sort(), ['accept', 'accept-encoding', 'authorization']);
});

test('an API key signs instead of the account, whose SID stays in the path', () => {
  const key = `SK${'3d'.repeat(16)}`;
  const credentials = { ...ACCOUNT.credentials, api_key_sid: new Secret(key) };
  const { headers, path } = twilio.outbound(
    request('GET', MESSAGES),
    { ...ACCOUNT, credentials },
    null,
  );
  assert.equal(headers.authorization, `Basic ${Buffer.from(`${key}:${TOKEN}`).toString('base64')}`);
  assert.equal(path, own(MESSAGES));
});

test('credentials that cannot be right are refused when they are stored, and not repeated', () => {
  const right = { account_sid: SID, auth_token: TOKEN };
  assert.equal(twilio.checkCredentials(right), null);
  assert.equal(twilio.checkCredentials({ ...right, api_key_sid: `SK${'0'.repeat(32)}` }), null);
  const faults: Record<string, string>[] = [
    ...[{ account_sid: 'AC1' }, { account_sid: `SK${'0'.repeat(32)}` }],
    ...[
      { auth_token: '' },
      { auth_token: `${TOKEN}\n` },
      { api_key_sid: SID },
      { api_key_sid: '' },
    ],
  ];
  for (const wrong of faults) {
    const message = twilio.checkCredentials({ ...right, ...wrong });
    assert.ok(message, JSON.stringify(wrong));
    assert.ok(!message.includes(TOKEN));
  }
});
