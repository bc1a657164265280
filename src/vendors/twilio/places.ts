/** Where messages and calls are looked at: one, and the list of them. */
import type { LookUp } from '../vendor.ts';
import { PLACEHOLDER } from './account.ts';
import { FIRST_API } from './products.ts';
import type { Kind } from './resources.ts';

/** The most that one page of a list has. */
const PAGE_SIZE = '1000';

const COLLECTIONS: Readonly<Record<Kind, string>> = { message: 'Messages', call: 'Calls' };
const BASE = `/${FIRST_API}/Accounts/${PLACEHOLDER}/`;

export function addressOf(kind: Kind, sid: string): LookUp {
  return get(`${BASE}${COLLECTIONS[kind]}/${sid}.json`, '');
}

export function listOf(kind: Kind, filter: Readonly<Record<string, string>>): LookUp {
  const query = new URLSearchParams({ ...filter, PageSize: PAGE_SIZE }).toString();
  return get(`${BASE}${COLLECTIONS[kind]}.json`, query);
}

/** The next page of a list, as its last one names it. Null: it is no address of such a list. */
export function pageAt(kind: Kind, uri: string): LookUp | null {
  const [path = '', query = ''] = uri.split('?', 2);
  const list = new RegExp(`^/${FIRST_API}/Accounts/AC[0-9a-fA-F]{32}/${COLLECTIONS[kind]}\\.json$`);
  return list.test(path) ? get(path, query) : null;
}

function get(path: string, query: string): LookUp {
  return { method: 'GET', path, query, headers: {}, body: '' };
}
