/**
 * What a path of Stripe's API is: its template (`/v1/payment_intents/{id}/confirm`) and its name
 * (`payment_intents.confirm`), derived from how the API builds its paths and not from a list, so
 * that an operation of next year has a name today. Says nothing about money; prices.ts does.
 */

export interface Operation {
  /** `payment_intents.create`; null when the path is not built like one of the API's. */
  readonly name: string | null;
  /** The path with `{id}` for each id; null like the name. */
  readonly template: string | null;
  /** The ids of the path, in order. */
  readonly ids: readonly string[];
}

/** Segments that group resources and are none themselves: `/v1/checkout/sessions`. */
const NAMESPACES = words(
  'apple_pay apps billing billing_portal checkout climate commerce core entitlements ' +
    'financial_connections forwarding identity issuing money_management product_catalog radar ' +
    'reporting sigma tax terminal test_helpers three_d_secure treasury vault',
);

/** Words in the place of an id: `/v1/charges/search` is no charge. */
const COLLECTION_ACTIONS = words(
  'charges/search customers/search invoices/search payment_intents/search prices/search ' +
    'products/search subscriptions/search invoices/create_preview invoices/upcoming credit_notes/preview ' +
    'secrets/find secrets/delete associations/find transactions/create_from_calculation ' +
    'transactions/create_reversal transactions/create_force_capture ' +
    'transactions/create_unlinked_refund payment_records/report_payment fraud_challenges/respond',
);

/** One of a kind, whatever its ending: read and changed where it stands, without an id. */
const SINGLETONS = words('balance_settings tax/settings cash_balance financial_accounts/features');

/** Collections without the ending. */
const COLLECTIONS = words('history people');

/** `verify_microdeposits` ends like a collection and is something that is done. */
const DONE = /^(?:add|collect|confirm|remove|send|update|verify)_/;

const WORD = /^[a-z][a-z0-9_]*$/;
const VERBS: Readonly<Record<string, { ofOne: string; ofMany: string }>> = {
  GET: { ofOne: 'retrieve', ofMany: 'list' },
  POST: { ofOne: 'update', ofMany: 'create' },
  DELETE: { ofOne: 'delete', ofMany: 'delete' },
};
/** A path that spells a verb would take the name of another path. */
const OWN_WORDS = words('retrieve list update create delete');

const UNKNOWN: Operation = { name: null, template: null, ids: [] };

/**
 * Walks a canonical path from left to right: after a collection comes an id or one of the
 * collection's actions; after an id comes what belongs to it, a collection or an action.
 */
export function operationOf(method: string, path: string): Operation {
  const [, version, ...segments] = path.split('/');
  if (VERBS[method] === undefined || segments.length === 0) return UNKNOWN;
  if (version !== 'v1' && version !== 'v2' && version !== 'oauth') return UNKNOWN;

  const names: string[] = version === 'v1' ? [] : [version];
  const ids: string[] = [];
  let template = `/${version}`;
  let verb: string | null = null;
  let inResource = version === 'oauth';
  let idMayFollow = false;
  for (const segment of segments) {
    const above = names.at(-1) ?? '';
    const action = COLLECTION_ACTIONS.has(`${above}/${segment}`);
    if (idMayFollow && !action && segment !== '') {
      ids.push(segment);
      template += '/{id}';
      verb = VERBS[method].ofOne;
      idMayFollow = false;
      continue;
    }
    if (!WORD.test(segment) || (OWN_WORDS.has(segment) && !action)) return UNKNOWN;
    names.push(segment);
    template += `/${segment}`;
    if (!inResource && NAMESPACES.has(segment)) continue;
    const single = SINGLETONS.has(segment) || SINGLETONS.has(`${above}/${segment}`);
    const many = COLLECTIONS.has(segment) || (segment.endsWith('s') && !DONE.test(segment));
    idMayFollow = many && !action && !single;
    verb = action ? null : verbOf(method, idMayFollow, single, inResource);
    inResource = true;
  }
  if (!inResource) return UNKNOWN;
  if (verb !== null) names.push(verb);
  return { name: names.join('.'), template, ids };
}

/** The resource of a template, with its namespaces: `/v1/billing/meters`. */
export function resourceOf(template: string): string {
  const segments = template.split('/').slice(1);
  const own = segments.findIndex((segment, depth) => depth > 0 && !NAMESPACES.has(segment));
  return `/${segments.slice(0, own < 0 ? segments.length : own + 1).join('/')}`;
}

/** The verb that the last word of a path takes; null when the word is the verb. */
function verbOf(method: string, many: boolean, single: boolean, nested: boolean): string | null {
  const { ofOne, ofMany } = VERBS[method]!;
  if (many) return ofMany;
  if (single || method !== 'POST') return ofOne;
  return nested ? null : ofMany;
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
