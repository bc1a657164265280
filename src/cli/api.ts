/**
 * The client of the control plane: global fetch, one management key, errors turned into sentences.
 * The key comes from the environment or the data folder, never from an argument, and is never shown.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseReply } from './exact-json.ts';
import { CliError, EXIT } from './exit.ts';
import { visible } from './table.ts';

export const DEFAULT_URL = 'http://127.0.0.1:8787';
const REQUEST_TIMEOUT_MS = 30_000;

export interface ApiOptions {
  url: string;
  /** The data folder to look for `api-key` in. */
  data: string;
}

export interface Reply<T> {
  value: T;
  /** The body as it came, for --json. */
  text: string;
}

interface Problem {
  title?: string;
  detail?: string;
  code?: string;
  errors?: { field?: string; pointer?: string; message?: string; detail?: string }[];
}

export interface List<T> {
  data: T[];
  next_cursor: string | null;
}

/** Parameters of a query; those without a value are left out. */
export type Query = Record<string, string | number | undefined>;

/** The management key, or undefined when there is none to be found. */
export function findApiKey(env: NodeJS.ProcessEnv, data: string): string | undefined {
  const fromEnv = env.KEYBRAKE_API_KEY?.trim();
  if (fromEnv) return fromEnv;
  try {
    return readFileSync(join(data, 'api-key'), 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}

export class Api {
  readonly url: string;
  readonly #key: string | undefined;
  readonly #data: string;

  constructor(options: ApiOptions, env: NodeJS.ProcessEnv) {
    this.url = baseUrl(options.url);
    this.#data = options.data;
    this.#key = findApiKey(env, options.data);
  }

  get<T>(path: string, query: Query = {}): Promise<Reply<T>> {
    return this.#call<T>('GET', withQuery(path, query));
  }

  post<T>(path: string, body: unknown): Promise<Reply<T>> {
    return this.#call<T>('POST', path, JSON.stringify(body));
  }

  put<T>(path: string, body: unknown): Promise<Reply<T>> {
    return this.#call<T>('PUT', path, JSON.stringify(body));
  }

  delete<T>(path: string, query: Query = {}): Promise<Reply<T>> {
    return this.#call<T>('DELETE', withQuery(path, query));
  }

  /** Every row of a list, page after page, at most `limit`; and whether there are more. */
  async list<T>(path: string, query: Query, limit: number): Promise<{ rows: T[]; more: boolean }> {
    const rows: T[] = [];
    let cursor: string | undefined;
    do {
      const page: Query = { ...query, limit: Math.min(limit - rows.length, 200), cursor };
      const { value } = await this.get<List<T>>(path, page);
      rows.push(...value.data);
      cursor = value.next_cursor ?? undefined;
    } while (cursor && rows.length < limit);
    return { rows, more: cursor !== undefined };
  }

  /** The body of a reply in another format, as it arrives. No time limit: an export may be long. */
  async stream(path: string, query: Query, accept: string): Promise<ReadableStream<Uint8Array>> {
    const headers = { ...this.#headers(), Accept: accept };
    const reply = await this.#fetch(withQuery(path, query), { headers, redirect: 'error' });
    if (!reply.ok) throw refused(reply.status, await reply.text());
    if (!reply.body) throw new CliError(EXIT.failed, 'The server sent an empty reply.');
    return reply.body;
  }

  /** For doctor: any route, with or without the key, the reply whatever its status. */
  async probe(path: string, withKey: boolean): Promise<{ reply: Response; text: string }> {
    const reply = await this.#fetch(path, {
      headers: withKey ? this.#headers() : {},
      redirect: 'error',
      signal: AbortSignal.timeout(5_000),
    });
    return { reply, text: await reply.text() };
  }

  async #call<T>(method: string, path: string, body?: string): Promise<Reply<T>> {
    const headers: Record<string, string> = { ...this.#headers(), Accept: 'application/json' };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const init = { method, headers, redirect: 'error' as const, signal };
    const reply = await this.#fetch(path, body === undefined ? init : { ...init, body });
    const text = await reply.text();
    if (!reply.ok) throw refused(reply.status, text);
    return { value: (text ? parseReply(text) : undefined) as T, text };
  }

  #headers(): Record<string, string> {
    if (!this.#key) {
      throw new CliError(
        EXIT.usage,
        `No management key: set KEYBRAKE_API_KEY, or name the server's data folder with --data ` +
          `(there is no readable api-key file in ${this.#data}).`,
      );
    }
    return { Authorization: `Bearer ${this.#key}` };
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(this.url + path, init);
    } catch (error) {
      throw new CliError(EXIT.unreachable, unreachable(this.url, error));
    }
  }
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CliError(EXIT.usage, `--url must be an address such as ${DEFAULT_URL}.`);
  }
  if (url.username || url.password) {
    throw new CliError(EXIT.usage, '--url must not hold credentials.');
  }
  return url.href.replace(/\/+$/, '');
}

function withQuery(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) params.set(name, String(value));
  }
  return params.size ? `${path}?${params}` : path;
}

function unreachable(url: string, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: string }).code;
  const why =
    code === 'ECONNREFUSED'
      ? 'connection refused'
      : error instanceof Error && error.name === 'TimeoutError'
        ? 'no answer in time'
        : (code ?? (cause instanceof Error ? cause.message : String(cause)));
  return `No Keybrake answers at ${url} (${why}). Start it with \`keybrake serve\`, or name it with --url.`;
}

/** One readable line from a problem document; several faulty fields take a line each. */
function refused(status: number, body: string): CliError {
  let problem: Problem = {};
  try {
    problem = JSON.parse(body) as Problem;
  } catch {
    // Not a problem document: something else answers there, and the status is all there is.
  }
  const title = problem.title ?? `The server answered ${status}`;
  const fields = (problem.errors ?? []).map((error) => {
    const name = error.field ?? error.pointer ?? '';
    return `${name ? `${name} ` : ''}${error.message ?? error.detail ?? ''}`;
  });
  const said = fields.length > 0 ? fields : [problem.detail ?? ''].filter(Boolean);
  const text =
    said.length > 1 ? [`${title}:`, ...said.map((line) => `  ${visible(line)}`)].join('\n') : '';
  return new CliError(EXIT.failed, text || [title, ...said.map(visible)].join(': '));
}
