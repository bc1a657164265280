/** What Twilio's operations are called, and the class that each of them has. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { operationOf } from '../../src/vendors/twilio/operations.ts';
import { placeOf } from '../../src/vendors/twilio/products.ts';
import { npmTools } from '../support/npm-tools.ts';
import {
  CALLS,
  described,
  MESSAGES,
  posted,
  reading,
  refused,
  request,
  withoutSpecs,
} from './twilio-requests.ts';

const ACCOUNT = MESSAGES.replace('/Messages.json', '');
const SERVICE = `/verify/v2/Services/VA${'0'.repeat(32)}`;

const NAMES: [method: string, path: string, name: string | null][] = [
  ['POST', MESSAGES, 'messages.create'],
  ['GET', MESSAGES, 'messages.list'],
  ['GET', `${ACCOUNT}/Messages/SM1.json`, 'messages.fetch'],
  ['POST', `${ACCOUNT}/Messages/SM1.json`, 'messages.update'],
  ['DELETE', `${ACCOUNT}/Messages/SM1.json`, 'messages.delete'],
  ['GET', `${ACCOUNT}/Messages/SM1/Media/ME1.json`, 'messages.media.fetch'],
  ['POST', CALLS, 'calls.create'],
  ['POST', `${ACCOUNT}/Calls/CA1.json`, 'calls.update'],
  ['POST', `${ACCOUNT}/Calls/CA1/Recordings.json`, 'calls.recordings.create'],
  ['POST', `${ACCOUNT}/IncomingPhoneNumbers/Local.json`, 'incoming_phone_numbers.local.create'],
  ['GET', `${ACCOUNT}/Usage/Records/Today.json`, 'usage.records.today.list'],
  ['GET', `${ACCOUNT}/Balance.json`, 'balance.fetch'],
  ['GET', `${ACCOUNT}.json`, 'accounts.fetch'],
  ['GET', '/2010-04-01/Accounts.json', 'accounts.list'],
  ['POST', `${SERVICE}/Verifications`, 'verify.v2.services.verifications.create'],
  ['POST', `${SERVICE}/VerificationCheck`, 'verify.v2.services.verification_checks.create'],
  ['GET', '/lookups/v2/PhoneNumbers/+14155552671', 'lookups.v2.phone_numbers.fetch'],
  ['GET', '/lookups/v2/PhoneNumbers/Countries', 'lookups.v2.phone_numbers.countries.list'],
  ['GET', '/pricing/v1/Messaging/Countries/US', 'pricing.v1.messaging.countries.fetch'],
  ['POST', '/flex-api/v1/Interactions', 'flex_api.v1.interactions.create'],
  // what the API does not build so
  ['POST', `${ACCOUNT}/Messages`, null],
  ['GET', `${ACCOUNT}/Messages.csv`, null],
  ['POST', '/2010-04-01/Messages.json', null],
  ['POST', `${ACCOUNT}/mess%61ges/x y.json`, null],
  ['GET', '/verify/Services', null],
  ['GET', '/verify', null],
  ['HEAD', MESSAGES, null],
];

for (const [method, path, name] of NAMES) {
  test(`${method} ${path} is ${name}`, () => {
    const place = placeOf(path);
    assert.ok(!('code' in place));
    assert.equal(operationOf(method, place).name, name);
  });
}

test('a path that leads to no product of Twilio is refused, with the ways that there are', () => {
  for (const path of [
    '/v2/Services',
    '/Accounts/AC1/Messages.json',
    '/api/2010-04-01/Accounts.json',
  ]) {
    const { code, message } = refused(request('GET', path));
    assert.equal(code, 'endpoint_not_allowed', path);
    assert.match(message, /\/2010-04-01\/.*\/verify\//);
  }
});

// ---------------------------------------------------------------- as the descriptions have them

test('every operation of the descriptions has a name of its own and a class', {
  skip: withoutSpecs,
}, () => {
  const operations = described();
  assert.ok(operations.length > 350, `${operations.length} operations`);
  const byName = new Map<string, string>();
  for (const { method, path } of operations) {
    const read = reading(request(method, path));
    assert.ok(read.operation, `${method} ${path} has no name`);
    const line = `${method} ${path}`;
    const other = byName.get(read.operation);
    // POST makes an override and PUT changes it: one name, one class.
    const known = read.operation === 'lookups.v2.phone_numbers.overrides.update';
    assert.ok(other === undefined || known, `${line} and ${other} are both ${read.operation}`);
    byName.set(read.operation, line);
    assert.ok(['priced', 'free', 'unpriced', 'withheld'].includes(read.class));
  }
});

test('the verbs are those that the descriptions give', { skip: withoutSpecs }, () => {
  const verb = /^(Create|List|Fetch|Update|Delete)/;
  const otherwise = described().flatMap(({ method, path, operationId }) => {
    const said = verb.exec(operationId)?.[1]?.toLowerCase();
    const ours = reading(request(method, path)).operation!;
    return ours.endsWith(`.${said}`) ? [] : [ours];
  });
  assert.deepEqual(otherwise.sort(), [
    // a word that is done, a collection that is fetched whole, one that is linked by a POST
    'lookups.v2.phone_numbers.overrides.update',
    'lookups.v2.rate_limits.list',
    'messaging.v1.deactivations.list',
    'messaging.v1.link_shortening.domains.messaging_services.update',
    'messaging.v1.link_shortening.domains.request_managed_cert',
    'messaging.v1.link_shortening.domains.validate_dns',
    'verify.v2.services.passkeys.approve_challenge',
    'verify.v2.services.passkeys.verify_factor',
  ]);
});

/** By class, without the ids of the path. */
function classesIn(descriptions: ReturnType<typeof described>): Record<string, string[]> {
  const names: Record<string, string[]> = {};
  for (const { method, path } of descriptions) {
    const { class: of, operation } = reading(request(method, path));
    names[of] = [...(names[of] ?? []), operation!].sort();
  }
  return names;
}

test('of the operations that change something, each is where somebody put it', {
  skip: withoutSpecs,
}, () => {
  const { free, unpriced, priced } = classesIn(
    described().filter(({ method }) => method !== 'GET'),
  );
  assert.equal(priced, undefined, 'without fields nothing has a price');
  assert.deepEqual(
    free!.filter((name) => !name.endsWith('.delete')),
    [
      'calls.recordings.update',
      'calls.siprec.update',
      'calls.streams.update',
      'calls.transcriptions.update',
      'calls.update',
      'conferences.participants.update',
      'conferences.recordings.update',
      'conferences.update',
      'messages.feedback.create',
      'messages.update',
      'queues.create',
      'queues.update',
      'verify.v2.services.verification_checks.create',
      'verify.v2.services.verifications.update',
    ],
  );
  assert.deepEqual(unpriced, [
    'calls.create',
    'calls.recordings.create',
    'calls.siprec.create',
    'calls.streams.create',
    'calls.transcriptions.create',
    'calls.user_defined_message_subscriptions.create',
    'calls.user_defined_messages.create',
    'conferences.participants.create',
    'lookups.v2.batch.query.create',
    'messages.create',
    'queues.members.update',
    'verify.v2.services.entities.challenges.create',
    'verify.v2.services.entities.challenges.notifications.create',
    'verify.v2.services.entities.challenges.update',
    'verify.v2.services.entities.create',
    'verify.v2.services.entities.factors.create',
    'verify.v2.services.entities.factors.update',
    'verify.v2.services.passkeys.approve_challenge',
    'verify.v2.services.passkeys.challenges.create',
    'verify.v2.services.passkeys.factors.create',
    'verify.v2.services.passkeys.verify_factor',
    'verify.v2.services.verifications.create',
  ]);
});

test('reading is free, but for what answers with secrets', { skip: withoutSpecs }, () => {
  const { free, ...others } = classesIn(described().filter(({ method }) => method === 'GET'));
  assert.ok(free!.length > 130);
  assert.deepEqual(Object.keys(others), ['withheld']);
  const groups = new Set(others.withheld!.map((name) => name.replace(/\.\w+$/, '')));
  const secret =
    /^(?:accounts|keys|signing_keys|connect_apps|authorized_connect_apps|sip\b.*|verify\.v2\.services\.access_tokens)$/;
  assert.deepEqual(
    [...groups].filter((name) => !secret.test(name)),
    [],
  );
});

const WITHHELD: [method: string, path: string, quote: 'free' | 'unpriced'][] = [
  ['GET', '/2010-04-01/Accounts.json', 'free'],
  ['POST', '/2010-04-01/Accounts.json', 'free'],
  ['POST', `${ACCOUNT}/Keys.json`, 'free'],
  ['POST', `${ACCOUNT}/SigningKeys.json`, 'free'],
  ['POST', `${ACCOUNT}/Tokens.json`, 'unpriced'], // what is relayed by them is billed
  ['GET', `${ACCOUNT}/SIP/CredentialLists.json`, 'free'],
  ['POST', `${ACCOUNT}/Addresses.json`, 'free'],
  ['POST', `${ACCOUNT}/Applications.json`, 'free'],
  ['POST', `${ACCOUNT}/Usage/Triggers.json`, 'free'],
  ['POST', `${ACCOUNT}/IncomingPhoneNumbers/PN1.json`, 'free'],
  ['POST', `${ACCOUNT}/IncomingPhoneNumbers.json`, 'unpriced'],
  ['POST', `${ACCOUNT}/IncomingPhoneNumbers/TollFree.json`, 'unpriced'],
  ['POST', `${ACCOUNT}/OutgoingCallerIds.json`, 'unpriced'],
  ['POST', `${ACCOUNT}/Calls/CA1/Payments.json`, 'unpriced'],
  ['POST', '/messaging/v1/a2p/BrandRegistrations', 'unpriced'],
  ['POST', '/messaging/v1/Services', 'free'],
  ['POST', '/voice/v1/DialingPermissions/BulkCountryUpdates', 'free'],
  ['POST', `${SERVICE}/Webhooks`, 'free'],
  ['POST', SERVICE, 'free'],
  ['POST', `${SERVICE}/AccessTokens`, 'free'],
  ['POST', '/iam/v1/Keys', 'unpriced'],
  ['POST', '/serverless/v1/Services', 'unpriced'],
  ['GET', '/serverless/v1/Services/ZS1/Environments/ZE1/Variables', 'free'],
  ['GET', '/serverless/v1/Services/ZS1/Environments/ZE1/Variables/ZV1', 'free'],
  ['POST', '/messaging/v1/Services/MG1/Compliance/Usa2p/QE1', 'unpriced'], // vetted and paid anew
  ['GET', '/accounts/v1/Credentials/AWS', 'free'],
  // not built like one of the API's, so nobody knows what it is
  ['POST', `${ACCOUNT}/keys.JSON`, 'unpriced'],
  ['POST', `${ACCOUNT}/Messages`, 'unpriced'],
  ['GET', `${ACCOUNT}.xml`, 'free'],
];

for (const [method, path, quote] of WITHHELD) {
  test(`${method} ${path} is withheld, and ${quote}`, () => {
    const read = reading(request(method, path));
    assert.equal(read.class, 'withheld');
    assert.equal(read.quote.kind, quote);
  });
}

test('a read of Lookups that nobody has read may cost, so it has no price', () => {
  for (const path of [
    '/lookups/v3/PhoneNumbers/+14155552671?Fields=caller_name',
    '/lookups/v2/phoneNumbers/+14155552671?Fields=caller_name',
    '/lookups/v2/PhoneNumbers/+14155552671/Identity',
    '/lookups/v2/Batches/LB1',
  ]) {
    assert.equal(reading(request('GET', path)).class, 'unpriced', path);
  }
  for (const path of ['/lookups/v2/PhoneNumbers/+14155552671', '/lookups/v2/RateLimits/Fields']) {
    assert.equal(reading(request('GET', path)).class, 'free', path);
  }
});

test('a product whose writes nobody has read has no prices', () => {
  for (const path of [
    '/conversations/v1/Conversations/CH1/Messages',
    '/studio/v2/Flows/FW1/Executions',
  ]) {
    assert.equal(posted(path, { To: '+14155552671' }).class, 'unpriced', path);
    assert.equal(reading(request('GET', path)).class, 'free', path);
  }
});

// ---------------------------------------------------------------- as twilio-node has them

let sdk: ((...args: unknown[]) => Record<string, unknown>) | null = null;

before(async () => {
  const tools = await npmTools();
  if (!('skip' in tools)) sdk = tools.load('twilio') as typeof sdk;
});

test('the names are the ways to the same calls in twilio-node', async (t) => {
  if (!sdk) return t.skip('the npm registry cannot be reached');
  const paths: [string, string][] = [];
  const httpClient = {
    async request({ method, uri }: { method: string; uri: string }) {
      const { hostname, pathname } = new URL(uri);
      const product = hostname.split('.', 1)[0];
      paths.push([method.toUpperCase(), product === 'api' ? pathname : `/${product}${pathname}`]);
      return { statusCode: 200, body: {} };
    },
  };
  const client = sdk(ACCOUNT.split('/').at(-1), 'token', { httpClient });
  type Node = Record<string, unknown> & ((sid: string) => Node);
  for (const name of TWILIO_NODE) {
    const way = name.split('.');
    const verb = way.pop()!;
    let at = client as unknown as Node;
    for (const [index, step] of way.entries()) {
      at = at[camel(step)] as Node;
      const last = index === way.length - 1;
      const needsId = last ? ['fetch', 'update', 'delete'].includes(verb) : 'call' in at;
      if (needsId && typeof at === 'function') at = at(`XX${'0'.repeat(32)}`);
    }
    const call = at[verb === 'delete' ? 'remove' : verb] as (params: object) => Promise<unknown>;
    await call.call(at, PARAMS).catch(() => undefined);
    const [method, path] = paths.at(-1)!;
    const place = placeOf(path);
    assert.ok(!('code' in place), name);
    assert.equal(operationOf(method, place).name, name, `${method} ${path}`);
  }
  assert.equal(paths.length, TWILIO_NODE.length);
});

const TWILIO_NODE = [
  ...['messages.create', 'messages.list', 'messages.fetch', 'messages.update', 'messages.delete'],
  ...['calls.create', 'calls.list', 'calls.fetch', 'calls.update', 'calls.recordings.create'],
  ...['conferences.participants.create', 'incoming_phone_numbers.create', 'balance.fetch'],
  ...['usage.triggers.create', 'recordings.delete', 'queues.members.update', 'tokens.create'],
  ...['verify.v2.services.create', 'verify.v2.services.verifications.create'],
  ...['verify.v2.services.verifications.update', 'verify.v2.services.verification_checks.create'],
  ...['lookups.v2.phone_numbers.fetch', 'messaging.v1.services.create'],
  'conversations.v1.conversations.messages.create',
];

/** What one or the other of them cannot do without. */
const PARAMS = {
  ...{ to: '+14155552671', from: '+15005550006', channel: 'sms', status: 'completed' },
  ...{ url: 'https://example.com', friendlyName: 'a', phoneNumber: '+15005550006' },
  ...{ callbackUrl: 'https://example.com', triggerValue: '1', usageCategory: 'sms' },
};

function camel(snake: string): string {
  return snake.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
