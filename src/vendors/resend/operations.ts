/**
 * What a path of Resend's API is: its template (`/emails/{id}/cancel`) and its name
 * (`emails.cancel`), derived from how the API builds its paths, with the verbs of Resend's own
 * libraries. Says nothing about money; prices.ts does.
 */

export interface Operation {
  /** `emails.send`; null when the path is not built like one of the API's. */
  readonly name: string | null;
  /** The path with `{id}` for each id; null like the name. */
  readonly template: string | null;
  /** The ids of the path, in order. */
  readonly ids: readonly string[];
}

/** What stands in the place of an id and is none. */
const IN_PLACE_OF_IDS = words(
  'emails/batch emails/receiving emails/metrics domains/claim contacts/imports events/send ' +
    'suppressions/batch batch/add batch/remove oauth/grants',
);

/** Of these there is one, so no id follows. */
const ONE_OF_A_KIND = words('agent batch claim metrics signing-secret usage');

/** Something that is done by a POST, and to what. */
const ACTIONS = words(
  'emails/cancel emails/share emails/reply emails/forward batch/add batch/remove domains/verify ' +
    'claim/verify templates/publish templates/duplicate broadcasts/send broadcasts/cancel ' +
    'broadcasts/duplicate automations/stop automations/duplicate drafts/send events/send ' +
    'events/replay signing-secret/rotate',
);

const VERBS: Readonly<Record<string, { ofOne: string | null; ofMany: string | null }>> = {
  GET: { ofOne: 'get', ofMany: 'list' },
  POST: { ofOne: null, ofMany: 'create' },
  PUT: { ofOne: 'replace', ofMany: 'replace' },
  PATCH: { ofOne: 'update', ofMany: 'update' },
  DELETE: { ofOne: 'remove', ofMany: null },
};

/** Of a POST that does not create one of many. */
const OWN_VERBS: ReadonlyMap<string, string> = new Map([
  ['/emails', 'send'],
  ['/emails/batch', 'send'],
  ['/domains/claim', 'create'],
  ['/contacts/{id}/segments/{id}', 'add'],
]);

const WORD = /^[a-z]+(?:-[a-z]+)*$/;
const UNKNOWN: Operation = { name: null, template: null, ids: [] };

/** Walks a canonical path from left to right: after a word comes an id, unless it has none. */
export function operationOf(method: string, path: string): Operation {
  const verbs = VERBS[method];
  const [, ...segments] = path.split('/');
  if (verbs === undefined || segments.length === 0) return UNKNOWN;
  const names: string[] = [];
  const ids: string[] = [];
  let template = '';
  let word = '';
  let done = false;
  for (const segment of segments) {
    if (segment === '' || done) return UNKNOWN;
    const above = word;
    const instead = IN_PLACE_OF_IDS.has(`${above}/${segment}`);
    if (above !== '' && !instead && !ONE_OF_A_KIND.has(above) && !template.endsWith('}')) {
      ids.push(segment);
      template += '/{id}';
      continue;
    }
    if (!WORD.test(segment)) return UNKNOWN;
    done = method === 'POST' && ACTIONS.has(`${above}/${segment}`);
    names.push(segment.replaceAll('-', '_'));
    template += `/${segment}`;
    word = segment;
  }
  const one = template.endsWith('}') || ONE_OF_A_KIND.has(word);
  const verb = OWN_VERBS.get(method === 'POST' ? template : '') ?? verbs[one ? 'ofOne' : 'ofMany'];
  if (!done && verb === null) return UNKNOWN;
  return { name: done ? names.join('.') : [...names, verb].join('.'), template, ids };
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}
