/** Ids in paths: a handle to what it stands for, or the 404 that says which handle was expected. */
import { type HandleKind, parseHandle } from '../ids.ts';
import { Problem } from './problem.ts';

const NAMES: Record<HandleKind, string> = {
  key: 'vault key',
  call: 'call',
  apikey: 'management key',
};

/** The id of a path segment. Throws Problem `not_found`. */
export function pathId(kind: HandleKind, text: string): bigint {
  const id = parseHandle(kind, text);
  if (id !== undefined) return id;
  throw new Problem(
    'not_found',
    /^vault_key_/.test(text)
      ? 'a key is named by its id (key_…), never by the vault key itself; it may be in a log now, so revoke it'
      : `a ${NAMES[kind]} is named by its id (${kind}_…)`,
  );
}

export function notFound(kind: HandleKind): Problem {
  return new Problem('not_found', `there is no ${NAMES[kind]} with this id`);
}
