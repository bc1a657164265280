/**
 * The fake Resend without its socket: a received request in, a reply out. Checks the secret, finds
 * the route, guards sending by the idempotency key (vendors.md 3), writes Resend's headers. A replay
 * is not marked as one, because Resend marks none.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../clock.ts';
import type { ReceivedRequest } from '../books.ts';
import { readPath } from '../path.ts';
import { type Claim, type Entry, type Fingerprinted, ReplyStore } from '../reply-store.ts';
import { type Execution, type FakeVendor, ownFault, type Reply } from '../vendor.ts';
import type { ResendBooks } from './books.ts';
import type { Handler } from './context.ts';
import { errorText, invalid, ResendError } from './errors.ts';
import { isDeduplicated, ROUTES } from './routes.ts';

const MAX_KEY_LENGTH = 256;

interface StoredReply {
  status: number;
  body: string;
}

interface Route {
  handler: Handler;
  names: string[];
}

export class FakeResend implements FakeVendor {
  readonly books: ResendBooks;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #secret: string;
  readonly #replies: ReplyStore<StoredReply>;

  constructor(options: { secret: string; clock: Pick<Clock, 'now'>; books: ResendBooks }) {
    this.books = options.books;
    this.#clock = options.clock;
    this.#secret = options.secret;
    this.#replies = new ReplyStore(options.books.options.keepObjects, samePayload);
    this.books.onReset(() => this.#replies.clear());
  }

  begin(request: ReceivedRequest): Execution | Reply {
    // Said by what stands in front of Resend, which refuses bots that do not name themselves.
    if (!request.headers['user-agent']) {
      const headers = ['Content-Type', 'text/plain; charset=UTF-8'];
      return { status: 403, headers, body: 'error code: 1010' };
    }
    const wrong = this.#wrongSecret(request.authorization);
    if (wrong) return this.#problem(wrong);
    const path = readPath(request.path);
    const found = ROUTES.find(request.method, path);
    if (!found) return this.#problem(unrouted(request.method, path));
    const key = request.idempotencyKey;
    if (key === null || !isDeduplicated(found.handler)) {
      return this.#execution(request, found, null);
    }
    if (key.length === 0 || key.length > MAX_KEY_LENGTH) {
      const message = 'The key must be between 1-256 chars.';
      return this.#problem(new ResendError(400, 'invalid_idempotency_key', message));
    }
    const { query } = request;
    const asked = { path, query, body: request.body ?? '', contentType: '' };
    const claim = this.#replies.claim(key, asked, this.#clock.now());
    if (claim.kind === 'first') return this.#execution(request, found, claim.entry);
    if (claim.kind !== 'replay') return this.#problem(clash(claim));
    this.books.replays++;
    request.replayed = true;
    return this.#reply(claim.reply.status, claim.reply.body);
  }

  #execution(request: ReceivedRequest, to: Route, entry: Entry<StoredReply> | null): Execution {
    return {
      run: () => {
        const { status, body } = this.#execute(request, to);
        if (entry) this.#replies.keep(entry, status < 300 ? { status, body } : null);
        return this.#reply(status, body);
      },
      breakDown: (status, executes) => {
        if (executes) this.#execute(request, to);
        else this.books.countExecution(request);
        const body = errorText(status, 'internal_server_error', 'An unexpected error occurred.');
        if (entry) this.#replies.keep(entry, { status, body });
        return this.#reply(status, body);
      },
    };
  }

  #execute(request: ReceivedRequest, { handler, names }: Route): StoredReply {
    try {
      const { status, body } = handler({
        books: this.books,
        json: readJson(request.body),
        query: new URLSearchParams(request.query),
        headers: request.headers,
        names,
        now: this.#clock.now(),
      });
      if (request.method !== 'GET') this.books.countExecution(request);
      return { status, body: JSON.stringify(body) };
    } catch (error) {
      if (error instanceof ResendError) {
        const { status, code, message } = error;
        return { status, body: errorText(status, code, message) };
      }
      return { status: 500, body: errorText(500, 'application_error', ownFault(error)) };
    }
  }

  #wrongSecret(authorization: string | null): ResendError | null {
    const [, given] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (given === undefined) {
      return new ResendError(
        401,
        'missing_api_key',
        'Missing API key in the authorization header.',
      );
    }
    if (given === this.#secret) return null;
    return new ResendError(403, 'invalid_api_key', 'API key is invalid.');
  }

  #problem({ status, code, message }: ResendError): Reply {
    return this.#reply(status, errorText(status, code, message));
  }

  #reply(status: number, body: string): Reply {
    const headers = ['Content-Type', 'application/json; charset=utf-8'];
    headers.push('ratelimit-limit', '5', 'ratelimit-remaining', '4', 'ratelimit-reset', '1');
    headers.push('ratelimit-policy', '5;w=1');
    headers.push('x-resend-monthly-quota', String(this.books.total('billed').recipients));
    return { status, headers, body };
  }
}

function readJson(body: string | null): unknown {
  if (!body) return undefined;
  try {
    return JSON.parse(body);
  } catch {
    throw invalid('The request body is not valid JSON.', 400);
  }
}

/** By what it says, whatever the order of its fields. */
function samePayload(a: Fingerprinted, b: Fingerprinted): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(a.body), JSON.parse(b.body));
  } catch {
    return false;
  }
}

function unrouted(method: string, path: string): ResendError {
  return ROUTES.knows(path)
    ? new ResendError(405, 'method_not_allowed', `Method ${method} is not allowed here.`)
    : new ResendError(404, 'not_found', 'The requested endpoint was not found');
}

function clash(
  claim: Exclude<Claim<StoredReply>, { kind: 'first' } | { kind: 'replay' }>,
): ResendError {
  return claim.kind === 'in_flight'
    ? new ResendError(
        409,
        'concurrent_idempotent_requests',
        'Same idempotency key used while original request is still in progress.',
      )
    : new ResendError(
        409,
        'invalid_idempotent_request',
        'Same idempotency key used with a different request payload.',
      );
}
