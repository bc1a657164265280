/** What one does with phone calls: begin, read, list, end. */
import { type CallRecord, callStatus, hasEnded, renderCall } from './call.ts';
import { type Context, created, found, newSid, type Outcome } from './context.ts';
import { notFound, TwilioError } from './errors.ts';
import { page, passesTime } from './list.ts';
import { fateOf, readNumber } from './numbers.ts';
import { minutePrice } from './prices.ts';

/** Seconds: Twilio's own limit when the request sets none, and the most that it can set. */
const DEFAULT_TIME_LIMIT = 4 * 60 * 60;
const MAX_TIME_LIMIT = 24 * 60 * 60;

export function beginCall(context: Context): Outcome {
  const { params, now, books, behaviour, accountSid } = context;
  const to = readParty(params.text('To'), 21201, "No 'To' number is specified");
  const from = readParty(params.text('From'), 21213, "No 'From' number is specified");
  if (!params.text('Url') && !params.text('Twiml') && !params.text('ApplicationSid')) {
    throw new TwilioError(400, 21205, 'Url parameter is required.');
  }
  const lasts = Math.max(1, behaviour.call.endsAfterMs);
  const call: CallRecord = {
    object: 'call',
    id: newSid('CA'),
    standing: null,
    to,
    from,
    createdAt: now,
    answersAt: now + Math.floor(lasts / 3),
    endsAt: now + lasts,
    seconds: Math.min(behaviour.call.seconds, readTimeLimit(context) ?? DEFAULT_TIME_LIMIT),
    fails: fateOf(to) !== 'delivered',
    ended: null,
    perMinute: minutePrice(behaviour.prices, to),
    pace: behaviour.pace,
    reads: 0,
  };
  books.save(call);
  return created(renderCall(call, accountSid, now));
}

export function readCall(context: Context): Outcome {
  const call = callIn(context);
  if (hasEnded(call, context.now)) {
    call.reads++;
    context.books.save(call);
  }
  return found(renderCall(call, context.accountSid, context.now));
}

export function listCalls(context: Context): Outcome {
  const { books, params, now, accountSid } = context;
  const [to, from, status] = [params.text('To'), params.text('From'), params.text('Status')];
  const calls = books
    .list('call')
    .filter(
      (call) =>
        (to === undefined || call.to === readNumber(to)) &&
        (from === undefined || call.from === readNumber(from)) &&
        (status === undefined || callStatus(call, now) === status) &&
        passesTime(context, 'StartTime', now < call.answersAt ? null : call.answersAt),
    );
  return page(context, 'Calls', 'calls', calls, (call) => renderCall(call, accountSid, now));
}

/** `Status=completed` hangs up; `Status=canceled` only while nobody has answered. */
export function updateCall(context: Context): Outcome {
  const { params, now, books, accountSid } = context;
  const call = callIn(context);
  const status = params.text('Status');
  const limit = readTimeLimit(context);
  if (status !== undefined && status !== 'completed' && status !== 'canceled') {
    throw new TwilioError(400, 20001, `Invalid Status: ${status}`);
  }
  if (hasEnded(call, now) || (status === 'canceled' && now >= call.answersAt)) {
    const message = 'Call is not in the expected state. Cannot redirect or end it.';
    throw new TwilioError(400, 21220, message);
  }
  if (limit !== null) call.seconds = Math.min(call.seconds, limit);
  if (status) call.ended = { at: now, as: status };
  books.save(call);
  return found(renderCall(call, accountSid, now));
}

function callIn({ books, names, path }: Context): CallRecord {
  const call = books.get('call', names[0] ?? '');
  if (!call) throw notFound(path);
  return call;
}

function readParty(text: string | undefined, code: number, absent: string): string {
  if (!text) throw new TwilioError(400, code, absent);
  const number = readNumber(text);
  if (number && number !== '+15005550001') return number;
  throw new TwilioError(400, 21217, `Phone number ${text} does not appear to be valid`);
}

function readTimeLimit({ params }: Context): number | null {
  const text = params.text('TimeLimit');
  if (text === undefined) return null;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_TIME_LIMIT) {
    throw new TwilioError(400, 20001, 'Invalid TimeLimit');
  }
  return limit;
}
