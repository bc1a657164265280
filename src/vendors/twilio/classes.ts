/**
 * Which operations cost, and which nobody should reach by accident: the tables, by operation name,
 * read row by row from Twilio's API descriptions (v2010, verify v2, lookups v2, messaging v1,
 * voice v1, pricing v1 and v2). What has no row and changes something, or reads of Lookups, has no
 * price, so an operation that Twilio adds is refused until somebody has read it.
 */

/** How quote.ts finds what a call costs. */
export type Pricing =
  /** Nothing. */
  | { by: 'nothing' }
  /** The message, call or verification that it sends, the fields that it looks up. */
  | { by: 'message' | 'call' | 'verification' | 'lookup' | 'bulk_lookup' }
  /** Nothing, unless one of these fields is there. */
  | { by: 'absence'; of: readonly string[]; why: string }
  /** It cannot be known. */
  | { by: 'twilio'; why: string };

const nothing: Pricing = { by: 'nothing' };
const monthly: Pricing = { by: 'twilio', why: 'it commits to bills that come later' };

/** Those with a price, whatever their method: a GET of Lookups costs. */
const PRICED: ReadonlyMap<string, Pricing> = new Map<string, Pricing>([
  ['messages.create', { by: 'message' }],
  ['calls.create', { by: 'call' }],
  [
    'calls.update',
    // Ending one gives money back. Another script may dial others, a later end is paid for.
    {
      by: 'absence',
      of: ['Url', 'Twiml', 'FallbackUrl', 'TimeLimit'],
      why: 'what the call goes on to do is not in the request',
    },
  ],
  ['verify.v2.services.verifications.create', { by: 'verification' }],
  ['lookups.v2.phone_numbers.fetch', { by: 'lookup' }],
  ['lookups.v2.batch.query.create', { by: 'bulk_lookup' }],
  [
    'lookups.v1.phone_numbers.fetch',
    {
      by: 'absence',
      of: ['Type', 'AddOns'],
      why: 'Lookups v1 has no price list; use /lookups/v2/PhoneNumbers/{number}',
    },
  ],
  [
    'tokens.create',
    { by: 'twilio', why: 'what is relayed by the token is billed by the gigabyte' },
  ],
  ['outgoing_caller_ids.create', { by: 'twilio', why: 'it calls the number that it registers' }],
  ...rows(monthly, [
    ...['incoming_phone_numbers.create', 'incoming_phone_numbers.local.create'],
    ...['incoming_phone_numbers.mobile.create', 'incoming_phone_numbers.toll_free.create'],
    'incoming_phone_numbers.assigned_add_ons.create',
    ...[
      'messaging.v1.a2p.brand_registrations.create',
      'messaging.v1.a2p.brand_registrations.update',
    ],
    'messaging.v1.a2p.brand_registrations.vettings.create',
    ...[
      'messaging.v1.services.compliance.usa2p.create',
      'messaging.v1.services.compliance.usa2p.update', // vetted, and paid for, anew
      'messaging.v1.tollfree.verifications.create',
    ],
    'messaging.v1.services.preregistered_usa2p.create',
  ]),
]);

/** What changes something and costs nothing: what was begun is called off, ended or described. */
const FREE: ReadonlySet<string> = new Set([
  ...['messages.update', 'messages.feedback.create', 'calls.recordings.update'],
  ...['conferences.recordings.update', 'calls.siprec.update', 'calls.streams.update'],
  ...['calls.transcriptions.update', 'queues.create', 'queues.update'],
  ...['conferences.update', 'conferences.participants.update'],
  // counted when it was sent
  ...['verify.v2.services.verifications.update', 'verify.v2.services.verification_checks.create'],
]);

/**
 * Reached only by an endpoint of the key's own, whatever the method: they answer with secrets, or
 * hand control to somebody else. Free of charge.
 */
const SECRETS: readonly string[] = [
  'accounts', // answers with the tokens of the account and of its subaccounts; and the product
  ...['keys', 'signing_keys', 'tokens'],
  'sip', // the passwords by which phones call at the account's cost
  ...['connect_apps', 'authorized_connect_apps'],
  'verify.v2.services.access_tokens',
  'serverless.v1.services.environments.variables', // the secrets of the programs
];

/** Withheld when they change something, and free of charge then too. */
const SETTINGS: readonly string[] = [
  // where messages and calls go that come in, what is registered, who is told
  ...['addresses', 'applications', 'incoming_phone_numbers', 'outgoing_caller_ids'],
  ...['sms.short_codes', 'usage.triggers', 'messaging.v1'],
  // what protects the account: where it may call to, how often it verifies
  ...['voice.v1', 'verify.v2.services.rate_limits', 'verify.v2.services.webhooks'],
  ...['verify.v2.safe_list', 'verify.v2.services.messaging_configurations'],
  ...['lookups.v2.rate_limits', 'lookups.v2.phone_numbers.overrides'],
];
/** Of the Verify services themselves, not of what is below them. */
const SERVICES: ReadonlySet<string> = new Set(
  ['create', 'update', 'delete'].map((verb) => `verify.v2.services.${verb}`),
);

/** Withheld when they change something, and without a price. */
const OTHERS: readonly string[] = [
  ...['iam', 'oauth', 'preview_iam'], // who may do what
  ...['numbers', 'trusthub', 'marketplace'], // bought and registered by the month
  ...['serverless', 'events', 'bulkexports'], // programs, and data that is sent elsewhere
  'calls.payments', // the callers' cards
];

/** Where to read is what is sold, so a read without a row may cost too. */
const READS_THAT_COST: readonly string[] = ['lookups'];

/** What finds the call's price. `name`: null when the path is not one of the API's. */
export function priceOf(method: string, name: string | null): Pricing {
  if (name === null) {
    return method === 'GET' ? nothing : { by: 'twilio', why: 'the path is not one of the API' };
  }
  const priced = PRICED.get(name);
  if (priced !== undefined) return priced;
  if (lies(name, SECRETS) || isSetting(name) || FREE.has(name)) return nothing;
  if (method === 'DELETE' || (method === 'GET' && !lies(name, READS_THAT_COST))) return nothing;
  return { by: 'twilio', why: `${name} has no row in the price list` };
}

/** Whether a key without allowed_endpoints must not reach the operation. */
export function isWithheld(method: string, name: string | null): boolean {
  if (name === null || lies(name, SECRETS)) return true;
  return method !== 'GET' && (isSetting(name) || lies(name, OTHERS));
}

function isSetting(name: string): boolean {
  return SERVICES.has(name) || lies(name, SETTINGS);
}

function lies(name: string, below: readonly string[]): boolean {
  return below.some((each) => name.startsWith(`${each}.`));
}

function rows(pricing: Pricing, names: readonly string[]): [string, Pricing][] {
  return names.map((name) => [name, pricing]);
}
