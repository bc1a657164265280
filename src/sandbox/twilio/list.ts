/**
 * Lists of the first API: pages by `PageSize` (50, at most 1000) and `Page`, or by the `PageToken`
 * that stands in the last page's `next_page_uri`; and the filters that are dates.
 */
import { type Context, found, type Outcome } from './context.ts';
import { TwilioError } from './errors.ts';
import { readTime } from './times.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** `key`: what the items are called. `records`: newest first, filtered. */
export function page<Item extends { id: string }>(
  { params, accountSid }: Context,
  resource: string,
  key: string,
  records: Item[],
  render: (record: Item) => Record<string, unknown>,
): Outcome {
  const size = Math.min(params.count('PageSize', 50, 1), 1000);
  const after = /^PA(\w+)$/.exec(params.text('PageToken') ?? '')?.[1];
  const number = params.count('Page', 0);
  const start = after ? records.findIndex(({ id }) => id === after) + 1 : number * size;
  const items = records.slice(start, start + size);
  const uri = (at: number, token?: string) => {
    const query = params.without('Page', 'PageSize', 'PageToken');
    query.append('PageSize', String(size));
    query.append('Page', String(at));
    if (token) query.append('PageToken', token);
    return `/2010-04-01/Accounts/${accountSid}/${resource}.json?${query}`;
  };
  const more = records.length > start + size;
  return found({
    [key]: items.map(render),
    first_page_uri: uri(0),
    next_page_uri: more ? uri(number + 1, `PA${items.at(-1)!.id}`) : null,
    previous_page_uri: number > 0 ? uri(number - 1) : null,
    page: number,
    page_size: size,
    start,
    end: start + Math.max(items.length - 1, 0),
    uri: uri(number),
  });
}

/**
 * Whether a time passes the filters `name` (that day, or that second), `name<` and `name>`, which
 * include the time they name. A record without the time passes only where there is no filter.
 */
export function passesTime({ params }: Context, name: string, at: number | null): boolean {
  const on = params.text(name);
  const until = params.text(`${name}<`);
  const since = params.text(`${name}>`);
  if (on === undefined && until === undefined && since === undefined) return true;
  if (at === null) return false;
  const second = Math.floor(at / 1000) * 1000;
  if (since !== undefined && second < time(name, since)) return false;
  if (until !== undefined && second > time(name, until) + (isDay(until) ? DAY_MS - 1 : 0)) {
    return false;
  }
  if (on === undefined) return true;
  const from = time(name, on);
  return second >= from && second < from + (isDay(on) ? DAY_MS : 1000);
}

function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text);
}

function time(name: string, text: string): number {
  const at = readTime(text);
  if (Number.isNaN(at)) throw new TwilioError(400, 20001, `Invalid date: ${name}`);
  return at;
}
