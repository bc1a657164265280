/**
 * The fake Twilio without its socket: a received request in, a reply out. Checks the account's
 * credentials, finds the route, writes Twilio's headers. Deduplicates nothing, as Twilio does not:
 * the same request twice is two messages (vendors.md 2.5).
 */
import type { Clock } from '../../clock.ts';
import type { ReceivedRequest } from '../books.ts';
import { readPath } from '../path.ts';
import { type Execution, type FakeVendor, ownFault, type Reply } from '../vendor.ts';
import type { TwilioBooks } from './books.ts';
import { type Behaviour, newSid, type Outcome } from './context.ts';
import { errorText, notFound, TwilioError } from './errors.ts';
import { Params } from './params.ts';
import { type Route, route } from './routes.ts';

export interface TwilioOptions {
  accountSid: string;
  authToken: string;
  clock: Pick<Clock, 'now'>;
  books: TwilioBooks;
  behaviour: Behaviour;
}

export class FakeTwilio implements FakeVendor {
  readonly books: TwilioBooks;
  readonly #options: TwilioOptions;
  readonly #basic: string;

  constructor(options: TwilioOptions) {
    this.books = options.books;
    this.#options = options;
    this.#basic = `${options.accountSid}:${options.authToken}`;
  }

  begin(request: ReceivedRequest): Execution | Reply {
    if (!this.#authentic(request.authorization)) return unauthorized();
    const path = readPath(request.path);
    const found = route(request.method, path, this.#options.accountSid);
    if (!found) return problem(notFound(path));
    return {
      run: () => this.#execute(request, path, found),
      breakDown: (status, executes) => {
        if (executes) this.#execute(request, path, found);
        else this.books.countExecution(request);
        return reply(status, errorText(status, 20_500, 'Internal Server Error'));
      },
    };
  }

  #execute(request: ReceivedRequest, path: string, to: Route): Reply {
    const { accountSid, clock, behaviour } = this.#options;
    try {
      const outcome = to.handler({
        books: this.books,
        behaviour,
        accountSid,
        params: new Params(request.query, request.body ?? ''),
        names: to.names,
        path,
        now: clock.now(),
      });
      if (isExecution(request, outcome)) this.books.countExecution(request);
      return reply(outcome.status, outcome.body === null ? '' : JSON.stringify(outcome.body));
    } catch (error) {
      if (error instanceof TwilioError) return problem(error);
      return reply(500, errorText(500, 20_500, ownFault(error)));
    }
  }

  #authentic(authorization: string | null): boolean {
    const [, value] = /^basic +(\S+)$/i.exec(authorization ?? '') ?? [];
    return value !== undefined && Buffer.from(value, 'base64').toString() === this.#basic;
  }
}

function isExecution(request: ReceivedRequest, outcome: Outcome): boolean {
  return request.method !== 'GET' || outcome.billed === true;
}

function reply(status: number, body: string, more: string[] = []): Reply {
  const headers = ['Content-Type', 'application/json;charset=utf-8', 'X-Home-Region', 'us1'];
  headers.push('Twilio-Request-Id', newSid('RQ'), 'Twilio-Request-Duration', '0.011');
  headers.push('Twilio-Concurrent-Requests', '1', 'X-Api-Domain', 'api.twilio.com', ...more);
  return { status, headers, body };
}

function problem(error: TwilioError): Reply {
  return reply(error.status, errorText(error.status, error.code, error.message));
}

function unauthorized(): Reply {
  const body = errorText(401, 20003, 'Authenticate');
  return reply(401, body, ['WWW-Authenticate', 'Basic realm="Twilio API"']);
}
