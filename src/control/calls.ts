/**
 * /vault/calls: the audit, read only. Pages of JSON for programs that look; CSV and NDJSON of
 * everything that matches for programs that take it away, read page by page as the reader takes it.
 */
import { z } from 'zod';
import { CATALOGUE } from '../errors.ts';
import type { CallFilter } from '../ledger/ledger.ts';
import { CSV_HEADER, csvLine } from './csv.ts';
import type { ControlDeps } from './deps.ts';
import { label, labelPrefix, plainText, time, vendorName } from './fields.ts';
import { handleField, pageFields, pageQuery, pageView } from './paging.ts';
import { notFound, pathId } from './path-ids.ts';
import type { Faults, Read, Shape } from './read-fields.ts';
import { json, type Route, route } from './route.ts';
import { CALL, callView, listOf } from './views.ts';

/** Rows read at once for a stream: some 100 KB of text. */
const STREAM_ROWS = 200;

const FORMATS = {
  'application/json': null,
  'text/csv': { first: CSV_HEADER, line: csvLine, file: 'keybrake-calls.csv' },
  'application/x-ndjson': {
    first: '',
    line: (row: Record<string, unknown>) => `${JSON.stringify(row)}\n`,
    file: 'keybrake-calls.ndjson',
  },
} as const;

type StreamFormat = Exclude<(typeof FORMATS)[keyof typeof FORMATS], null>;

/** The filters that calls and spend share. */
export function filterFields(vendors: readonly string[]) {
  return {
    key: handleField('key', "a key's id").optional(),
    label: label.optional(),
    label_prefix: labelPrefix.optional(),
    task_id: plainText(500).optional(),
    vendor: vendorName(vendors).optional(),
    state: z.enum(['refused', 'held', 'settled', 'released', 'unknown', 'replayed']).optional(),
    code: z
      .string()
      .refine((code) => Object.hasOwn(CATALOGUE, code), {
        error: 'must be a code of docs/errors.md',
      })
      .optional(),
    verdict: z.enum(['allow', 'refuse', 'would_refuse']).optional(),
    unresolved: z
      .literal('true')
      .optional()
      .meta({ description: 'Open calls that no look at the vendor will end: an operator has to.' }),
    since: time.optional().meta({ description: 'The first instant that counts.' }),
    until: time.optional().meta({ description: 'The first instant that does not count any more.' }),
  } satisfies Shape;
}

type Filters = Read<ReturnType<typeof filterFields>>;

/** Adds a fault when the time window is empty. */
export function checkWindow({ since, until }: Partial<Filters>, faults: Faults): void {
  if (since !== undefined && until !== undefined && since >= until) {
    faults.add('until', 'must be later than since');
  }
}

export function filterOf(query: Filters): CallFilter {
  const { key, label, label_prefix, task_id, vendor, state, code, verdict, since, until } = query;
  return {
    ...(key !== undefined && { keyId: key }),
    ...(label !== undefined && { label }),
    ...(label_prefix !== undefined && { labelPrefix: label_prefix }),
    ...(task_id !== undefined && { taskId: task_id }),
    ...(vendor !== undefined && { vendor }),
    ...(state !== undefined && { state }),
    ...(code !== undefined && { code }),
    ...(verdict !== undefined && { verdict }),
    ...(query.unresolved !== undefined && { unresolved: true as const }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  };
}

export function callRoutes(deps: ControlDeps): Route[] {
  return [list(deps), show(deps)];
}

function list(deps: ControlDeps): Route {
  return route({
    method: 'GET',
    path: '/vault/calls',
    summary: 'The audit, newest first; as CSV or NDJSON everything that matches, by Accept',
    access: 'auditor',
    query: { ...filterFields([...deps.vendors.keys()]), ...pageFields('call') },
    answers: {
      200: {
        description: 'A page of calls, or all of them as a stream.',
        json: listOf(CALL),
        others: ['text/csv', 'application/x-ndjson'],
      },
    },
    check({ query, headers }, faults): StreamFormat | null {
      checkWindow(query, faults);
      const format = FORMATS[formatOf(headers.get('accept'))];
      for (const name of ['limit', 'cursor'] as const) {
        if (format && query[name] !== undefined) faults.add(name, 'is for pages of JSON only');
      }
      return format;
    },
    async run({ query, headers, checked: format }) {
      if (format) return stream(deps, filterOf(query), format, formatOf(headers.get('accept')));
      const page = await deps.ledger.calls(filterOf(query), pageQuery(query));
      return json(200, pageView('call', page, callView), { vary: 'accept' });
    },
  });
}

function show(deps: ControlDeps): Route {
  return route({
    method: 'GET',
    path: '/vault/calls/{id}',
    summary: 'Show one call',
    access: 'auditor',
    answers: { 200: { description: 'The call.', json: CALL } },
    async run({ params }) {
      const row = await deps.ledger.call(pathId('call', params.id!));
      if (!row) throw notFound('call');
      return json(200, callView(row));
    },
  });
}

/** The format that the client likes most; JSON when it names none that there is. */
export function formatOf(accept: string | null): keyof typeof FORMATS {
  let best: keyof typeof FORMATS = 'application/json';
  let bestQuality = 0;
  for (const part of (accept ?? '').split(',')) {
    const [name = '', ...options] = part.split(';').map((text) => text.trim().toLowerCase());
    const type = name === 'application/ndjson' ? 'application/x-ndjson' : name;
    if (!Object.hasOwn(FORMATS, type)) continue;
    const quality = Number(options.find((option) => option.startsWith('q='))?.slice(2) ?? 1);
    if (!(quality > bestQuality)) continue;
    best = type as keyof typeof FORMATS;
    bestQuality = quality;
  }
  return best;
}

/** Rows are read when the reader has taken those before: a slow reader costs no memory. */
async function stream(
  deps: ControlDeps,
  filter: CallFilter,
  format: StreamFormat,
  type: string,
): Promise<Response> {
  const read = (before: bigint | null) =>
    deps.ledger.calls(filter, { limit: STREAM_ROWS, ...(before !== null && { before }) });
  // The first page is read before the status is chosen, so that a lost ledger is a 503.
  let page = await read(null);
  let text: string = format.first;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        text += page.rows.map((row) => format.line(callView(row))).join('');
        if (text !== '') controller.enqueue(Buffer.from(text));
        text = '';
        if (page.next === null) controller.close();
        else page = await read(page.next);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: {
      'content-type': type === 'text/csv' ? 'text/csv; charset=utf-8; header=present' : type,
      'content-disposition': `attachment; filename="${format.file}"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      vary: 'accept',
    },
  });
}
