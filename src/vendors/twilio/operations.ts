/**
 * What a path of Twilio's API is called: `messages.create`, `verify.v2.services.fetch`, as its SDKs
 * call it, derived from how the API builds its paths and not from a list. Says nothing about money;
 * prices.ts does.
 */
import { FIRST_API, type Place } from './products.ts';

export interface Operation {
  /** Null when the path is not built like one of the API's. */
  readonly name: string | null;
  /** The ids of the path, in order, without the account's. */
  readonly ids: readonly string[];
}

/** Segments that group resources and are none themselves: `/SIP/Domains`. */
const NAMESPACES = words(
  'a2p Auth batch Compliance DialingPermissions LinkShortening Messaging Passkeys SafeList SIP SMS ' +
    'Tollfree Trunking Usage Voice',
);

/** Words in the place of an id. */
const INSTEAD_OF_ID = words(
  'IncomingPhoneNumbers/Local IncomingPhoneNumbers/Mobile IncomingPhoneNumbers/TollFree ' +
    'Records/AllTime Records/Daily Records/LastMonth Records/Monthly Records/ThisMonth ' +
    'Records/Today Records/Yearly Records/Yesterday Calls/CredentialListMappings ' +
    'Calls/IpAccessControlListMappings Registrations/CredentialListMappings ' +
    'Services/PreregisteredUsa2p Services/Usecases Usa2p/Usecases Attempts/Summary ' +
    'RateLimits/Fields PhoneNumbers/Countries',
);

/** Collections without the ending. */
const COLLECTIONS = words('Bucket Media MessagingService Siprec Usa2p');
/** Listed like collections, and nothing below them. */
const LISTS = words(
  'Local MachineToMachine Mobile National SharedCost TollFree Voip AllTime Daily LastMonth Monthly ' +
    'ThisMonth Today Yearly Yesterday HighRiskSpecialPrefixes',
);
/** One of a kind, whatever its ending. */
const SINGLETONS = words('BulkCountryUpdates PreregisteredUsa2p Settings Usecases');
/** Of those one of a kind, the ones that are always there and are changed by a POST. */
const STANDING = words('Certificate Config Settings');
/** Something that is done, and so its own verb. */
const DONE = /^(?:Approve|Request|Validate|Verify)[A-Z]/;

/** Where the SDKs say it otherwise than the path. */
const RENAMED: Readonly<Record<string, string>> = { verification_check: 'verification_checks' };

const WORD = /^[A-Za-z][A-Za-z0-9]*$/;
const VERBS: Readonly<Record<string, { ofOne: string; ofMany: string; ofSingle: string }>> = {
  GET: { ofOne: 'fetch', ofMany: 'list', ofSingle: 'fetch' },
  POST: { ofOne: 'update', ofMany: 'create', ofSingle: 'create' },
  PUT: { ofOne: 'update', ofMany: 'update', ofSingle: 'update' },
  PATCH: { ofOne: 'update', ofMany: 'update', ofSingle: 'update' },
  DELETE: { ofOne: 'delete', ofMany: 'delete', ofSingle: 'delete' },
};

const UNKNOWN: Operation = { name: null, ids: [] };

/** Walks the path from left to right: after a collection comes an id, after an id what it has. */
export function operationOf(method: string, place: Place): Operation {
  const verbs = VERBS[method];
  const found = resourcesOf(place);
  if (verbs === undefined || found === null || found.segments.length === 0) return UNKNOWN;
  const names = [...found.names];
  const ids: string[] = [];
  let verb: string | null = null;
  let idMayFollow = false;
  let above = '';
  for (const segment of found.segments) {
    if (idMayFollow && !INSTEAD_OF_ID.has(`${above}/${segment}`)) {
      ids.push(segment);
      verb = verbs.ofOne;
      idMayFollow = false;
      continue;
    }
    if (!WORD.test(segment)) return UNKNOWN;
    names.push(nameOf(segment));
    above = segment;
    idMayFollow = false;
    verb = null;
    if (NAMESPACES.has(segment)) continue;
    if (LISTS.has(segment)) verb = verbs.ofMany;
    else if (isCollection(segment)) {
      verb = verbs.ofMany;
      idMayFollow = true;
    } else if (!DONE.test(segment)) verb = STANDING.has(segment) ? verbs.ofOne : verbs.ofSingle;
  }
  if (NAMESPACES.has(above)) return UNKNOWN;
  if (verb !== null) names.push(verb);
  return { name: names.join('.'), ids };
}

/** The path's segments below the account or the version, and what their names begin with. */
function resourcesOf({ product, path }: Place): { names: string[]; segments: string[] } | null {
  const [, version = '', ...segments] = path.split('/');
  if (product !== 'api') {
    if (!/^v\d$/.test(version)) return null;
    return { names: [product.replaceAll('-', '_'), version], segments };
  }
  // Without the ending, or with another, the first API answers in XML or CSV, which nobody reads.
  const last = segments.pop()?.match(/^(.+)\.json$/)?.[1];
  if (version !== FIRST_API || last === undefined) return null;
  segments.push(last);
  if (segments[0] !== 'Accounts') return null;
  return { names: [], segments: segments.length > 2 ? segments.slice(2) : segments };
}

function isCollection(segment: string): boolean {
  if (COLLECTIONS.has(segment)) return true;
  return segment.endsWith('s') && !SINGLETONS.has(segment) && !DONE.test(segment);
}

/** `PhoneNumbers` is `phone_numbers`. */
function nameOf(segment: string): string {
  const snake = segment.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();
  return RENAMED[snake] ?? snake;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
