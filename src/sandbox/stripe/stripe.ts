/**
 * The fake Stripe without its socket: a received request in, a reply out. Checks the secret, finds
 * the route, guards execution by the idempotency key, and writes Stripe's headers. A request goes
 * in two steps, begin and run, so that a fault or a slow vendor can stand between them while the
 * idempotency key is taken, as it is at the real one.
 */
import type { Clock } from '../../clock.ts';
import type { ReceivedRequest } from '../books.ts';
import { readPath } from '../path.ts';
import { type Execution, ownFault, type Reply } from '../vendor.ts';
import { AccountBooks } from './account-books.ts';
import type { StripeBooks } from './books.ts';
import { type Dialect, dialectOf } from './dialect.ts';
import { invalid, StripeError } from './errors.ts';
import { expand } from './expand.ts';
import { type Claim, type Entry, Idempotency } from './idempotency.ts';
import { newId } from './ids.ts';
import { API_VERSION } from './objects/event.ts';
import { type Route, route } from './routes.ts';

const MAX_KEY_LENGTH = 255;

export class FakeStripe {
  readonly books: StripeBooks;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #secret: string;
  readonly #bearer: string;
  readonly #replies: Idempotency;

  constructor(options: { secret: string; clock: Pick<Clock, 'now'>; books: StripeBooks }) {
    this.books = options.books;
    this.#clock = options.clock;
    this.#secret = options.secret;
    this.#bearer = `Bearer ${options.secret}`;
    this.#replies = new Idempotency(options.books.options.keepObjects);
    this.books.onReset(() => this.#replies.clear());
  }

  /** The answer, when nothing is to be executed: 401, 404, a replay, a clash of keys. */
  begin(request: ReceivedRequest): Execution | Reply {
    if (!this.#authentic(request.authorization)) return unauthorized(request.authorization);
    const path = readPath(request.path);
    const found = route(request.method, path);
    if (!found) return problem(request, unrecognized(request));
    const denied = denial(request);
    if (denied) return problem(request, denied);
    const dialect = dialectOf(path);
    const key = dialect.keyed.includes(request.method) ? request.idempotencyKey : null;
    if (!key) return this.#execution(request, path, found, null);
    if (key.length > MAX_KEY_LENGTH) {
      return problem(request, invalid('Idempotency keys must be at most 255 characters.'));
    }
    const claim = this.#claim(request, path, key, dialect);
    if (claim instanceof StripeError) return problem(request, claim);
    if (claim.kind === 'first') return this.#execution(request, path, found, claim.entry);
    if (claim.kind !== 'replay') return problem(request, clash(claim, key, path));
    this.books.replays++;
    request.replayed = true;
    const { status, body, requestId } = claim.reply;
    const headers = headersOf(request, newId('req_', 14), requestId, 'false');
    headers.push('Idempotent-Replayed', 'true');
    return { status, headers, body };
  }

  #claim(
    request: ReceivedRequest,
    path: string,
    key: string,
    dialect: Dialect,
  ): Claim | StripeError {
    const { query, body, headers } = request;
    const params = { path, query, body: body ?? '', contentType: headers['content-type'] ?? '' };
    try {
      const name = `${accountOf(request) ?? ''} ${key}`;
      return this.#replies.claim(name, params, this.#clock.now(), dialect.keepsMs);
    } catch (error) {
      // A body that cannot be read is compared with nothing.
      if (error instanceof StripeError) return error;
      throw error;
    }
  }

  #execution(request: ReceivedRequest, path: string, to: Route, entry: Entry | null): Execution {
    return {
      run: () => {
        const requestId = newId('req_', 14);
        const { status, body, stored } = this.#execute(request, path, to, requestId);
        this.#keep(entry, stored ? { status, body, requestId } : null);
        return { status, headers: headersOf(request, requestId, requestId, 'false'), body };
      },
      breakDown: (status, executes) => {
        const requestId = newId('req_', 14);
        const done = executes ? this.#execute(request, path, to, requestId) : undefined;
        if (!done) this.#countExecution(request);
        const { errorText, retriesFailures } = dialectOf(path);
        const error = { type: 'api_error', message: 'An error occurred on our end.' } as const;
        const body = errorText(error, status);
        if (!retriesFailures) this.#keep(entry, { status, body, requestId });
        else this.#keep(entry, done?.stored ? { ...done, requestId } : null);
        return { status, headers: headersOf(request, requestId, requestId, null), body };
      },
    };
  }

  #keep(entry: Entry | null, reply: Entry['reply']): void {
    if (entry) this.#replies.keep(entry, reply);
  }

  #execute(request: ReceivedRequest, path: string, to: Route, requestId: string) {
    const now = Math.floor(this.#clock.now() / 1000);
    const books = new AccountBooks(this.books, {
      account: accountOf(request),
      request: { id: requestId, idempotencyKey: request.idempotencyKey },
      now,
    });
    const dialect = dialectOf(path);
    try {
      const { query, body, headers } = request;
      const form = dialect.read(query, body ?? '', headers['content-type'] ?? '');
      const object = to.handler({ books, form, id: to.id, subId: to.subId, path, now });
      for (const name of form.list('expand')) expand(books, object, name);
      this.#countExecution(request);
      return { status: 200, body: JSON.stringify(object), stored: true };
    } catch (error) {
      if (!(error instanceof StripeError)) {
        const fault = { type: 'api_error', message: ownFault(error) } as const;
        const body = dialect.errorText(fault, 500);
        return { status: 500, body, stored: true };
      }
      if (error.stored) this.#countExecution(request);
      const stored = error.stored && !dialect.retriesFailures;
      return { status: error.status, body: dialect.errorText(error.body, error.status), stored };
    }
  }

  #countExecution(request: ReceivedRequest): void {
    if (request.method !== 'GET') this.books.countExecution(request);
  }

  /** Bearer, or Basic with the secret as user, or `Basic {secret}` un-encoded: all documented. */
  #authentic(authorization: string | null): boolean {
    if (authorization === this.#bearer) return true;
    const [, scheme = '', value = ''] = /^(\w+) +(\S+)$/.exec(authorization ?? '') ?? [];
    if (/^bearer$/i.test(scheme)) return value === this.#secret;
    if (!/^basic$/i.test(scheme)) return false;
    const [user] = Buffer.from(value, 'base64').toString().split(':', 1);
    return value === this.#secret || user === this.#secret;
  }
}

/** The connected account that the request acts for; null: the platform itself. */
function accountOf({ headers }: ReceivedRequest): string | null {
  return headers['stripe-account'] || headers['stripe-context'] || null;
}

function headersOf(
  request: ReceivedRequest,
  requestId: string,
  originalId: string,
  shouldRetry: 'true' | 'false' | null,
): string[] {
  const headers = ['Content-Type', 'application/json', 'Request-Id', requestId];
  headers.push('Stripe-Version', request.headers['stripe-version'] ?? API_VERSION);
  const account = request.headers['stripe-account'];
  if (account) headers.push('Stripe-Account', account);
  if (request.method === 'GET') return headers;
  if (request.idempotencyKey) {
    headers.push('Idempotency-Key', request.idempotencyKey, 'Original-Request', originalId);
  }
  if (shouldRetry) headers.push('Stripe-Should-Retry', shouldRetry);
  return headers;
}

function problem(request: ReceivedRequest, error: StripeError): Reply {
  const requestId = newId('req_', 14);
  const shouldRetry = error.status === 409 ? 'true' : 'false';
  const headers = headersOf(request, requestId, requestId, shouldRetry);
  const { errorText } = dialectOf(request.path);
  return { status: error.status, headers, body: errorText(error.body, error.status) };
}

/** A `Stripe-Account` that is no account's id: 403, as for one that the key has no access to. */
function denial({ headers }: ReceivedRequest): StripeError | undefined {
  const account = headers['stripe-account'];
  if (!account || /^acct_\w+$/.test(account)) return undefined;
  return new StripeError(403, {
    type: 'invalid_request_error',
    code: 'account_invalid',
    message: `The provided key does not have access to account '${account}' (or that account does not exist). Application access may have been revoked.`,
  });
}

/** Stripe sends no Request-Id with a 401. Shows no more of the key than its end. */
function unauthorized(authorization: string | null): Reply {
  const given = authorization?.split(' ')[1];
  const message = given
    ? `Invalid API Key provided: ****${given.slice(-4)}`
    : 'You did not provide an API key.';
  return {
    status: 401,
    headers: ['Content-Type', 'application/json', 'WWW-Authenticate', 'Bearer realm="Stripe"'],
    body: JSON.stringify({ error: { type: 'invalid_request_error', message } }),
  };
}

function unrecognized(request: ReceivedRequest): StripeError {
  return new StripeError(404, {
    type: 'invalid_request_error',
    message: `Unrecognized request URL (${request.method}: ${request.path}).`,
  });
}

function clash(
  claim: Exclude<Claim, { kind: 'first' } | { kind: 'replay' }>,
  key: string,
  path: string,
): StripeError {
  switch (claim.kind) {
    case 'in_flight':
      return new StripeError(409, {
        type: 'invalid_request_error',
        code: 'idempotency_key_in_use',
        message: `There is currently another in-progress request using this Idempotent Key: ${key}.`,
      });
    case 'other_endpoint':
      return new StripeError(400, {
        type: 'idempotency_error',
        message: `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${path}' vs '${claim.firstPath}'). Try using a key other than '${key}' if you meant to execute a different request.`,
      });
    case 'other_params':
      return new StripeError(400, {
        type: 'idempotency_error',
        message: `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
      });
  }
}
