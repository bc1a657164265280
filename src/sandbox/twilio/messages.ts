/** What one does with messages: send, read, list, cancel, redact, delete. */
import { type Context, created, found, newSid, type Outcome } from './context.ts';
import { notFound, TwilioError } from './errors.ts';
import { page, passesTime } from './list.ts';
import { isFinal, type MessageRecord, messageStatus, renderMessage } from './message.ts';
import { fateOf, readDestination, readNumber, readSender } from './numbers.ts';
import { segmentPrice } from './prices.ts';
import { countSegments, smartEncoded } from './segments.ts';
import { readTime } from './times.ts';

const MAX_TEXT = 1600;
const MAX_MEDIA = 10;
const MINUTE_MS = 60_000;
const SOONEST_MS = 15 * MINUTE_MS;
const LATEST_MS = 35 * 24 * 60 * MINUTE_MS;

export function sendMessage(context: Context): Outcome {
  const { params, now, books, behaviour, accountSid } = context;
  const to = readDestination(params.text('To'));
  const { from, messagingServiceSid } = readFrom(context);
  const media = readMedia(context);
  const body = readBody(context, media);
  const mms = media.length > 0 || params.text('SendAsMms') === 'true';
  const segments = mms ? 1 : countSegments(body);
  const fate = fateOf(to);
  const message: MessageRecord = {
    object: 'message',
    id: newSid(mms ? 'MM' : 'SM'),
    standing: null,
    to,
    from,
    messagingServiceSid,
    body,
    media,
    segments,
    createdAt: now,
    sendAt: messagingServiceSid ? readSendAt(context) : now,
    canceledAt: null,
    fate,
    micros: costOf(context, { to, from, mms, segments, fate }),
    pace: behaviour.pace,
    reads: 0,
  };
  books.save(message);
  return created(renderMessage(message, accountSid, now, true));
}

export function readMessage(context: Context): Outcome {
  const message = messageIn(context);
  if (context.now >= message.sendAt) {
    message.reads++;
    context.books.save(message);
  }
  return found(renderMessage(message, context.accountSid, context.now));
}

export function listMessages(context: Context): Outcome {
  const { books, params, now, accountSid } = context;
  const to = params.text('To');
  const from = params.text('From');
  const render = (message: MessageRecord) => renderMessage(message, accountSid, now);
  const messages = books.list('message').filter((message) => {
    const { date_sent } = render(message);
    return (
      (to === undefined || message.to === (readNumber(to) ?? to)) &&
      (from === undefined || message.from === (readNumber(from) ?? from)) &&
      passesTime(context, 'DateSent', date_sent === null ? null : message.sendAt)
    );
  });
  return page(context, 'Messages', 'messages', messages, render);
}

/** `Status=canceled` while it is scheduled; `Body=` (empty) when it is over. */
export function updateMessage(context: Context): Outcome {
  const { params, now, books, accountSid } = context;
  const message = messageIn(context);
  const status = params.text('Status');
  const body = params.raw('Body');
  if (status !== undefined && status !== 'canceled') {
    throw new TwilioError(400, 20001, `Invalid Status: ${status}`);
  }
  if (status && messageStatus(message, now) !== 'scheduled') {
    throw new TwilioError(409, 30409, 'This message cannot be canceled');
  }
  if (body) throw new TwilioError(400, 20001, 'Body can only be emptied');
  if (body === '' && !status && !isFinal(message, now)) throw stillInProgress();
  if (status) message.canceledAt = now;
  if (body === '') message.body = '';
  books.save(message);
  return found(renderMessage(message, accountSid, now));
}

export function deleteMessage(context: Context): Outcome {
  const message = messageIn(context);
  if (!isFinal(message, context.now)) throw stillInProgress();
  context.books.forget(message.id);
  return { status: 204, body: null };
}

function messageIn({ books, names, path }: Context): MessageRecord {
  const message = books.get('message', names[0] ?? '');
  if (!message) throw notFound(path);
  return message;
}

function stillInProgress(): TwilioError {
  return new TwilioError(409, 20009, 'Cannot delete because Message resource is still in progress');
}

function readFrom({ params }: Context): Pick<MessageRecord, 'from' | 'messagingServiceSid'> {
  const from = params.text('From');
  const service = params.text('MessagingServiceSid');
  if (!from && !service) throw new TwilioError(400, 21603, "A 'From' phone number is required.");
  if (service && !/^MG[0-9a-fA-F]{32}$/.test(service)) {
    throw new TwilioError(400, 21701, 'The Messaging Service does not exist.');
  }
  return { from: from ? readSender(from) : null, messagingServiceSid: service ?? null };
}

function readMedia({ params }: Context): string[] {
  const media = params.list('MediaUrl');
  if (media.length > MAX_MEDIA) {
    throw new TwilioError(400, 21623, 'Number of media files exceeds allowed limit');
  }
  const wrong = media.find((url) => !/^https?:\/\/./.test(url));
  if (wrong) throw new TwilioError(400, 21620, `Invalid media URL(s): ${wrong}`);
  return media;
}

/** The text as it is sent. A template's is the vendor's: this one says its variables after a word. */
function readBody({ params }: Context, media: string[]): string {
  const template = params.text('ContentSid');
  const given = params.text('Body');
  if (!given && !template && media.length === 0) {
    throw new TwilioError(400, 21602, 'Message body is required.');
  }
  const text = template ? ['Hello', ...variablesIn(params.text('ContentVariables'))].join(' ') : '';
  const body = given ?? text;
  if (body.length > MAX_TEXT) {
    const limit = 'The concatenated message body exceeds the 1600 character limit';
    throw new TwilioError(400, 21617, limit);
  }
  return params.text('SmartEncoded') === 'true' ? smartEncoded(body) : body;
}

function variablesIn(text = '{}'): string[] {
  try {
    return Object.values(JSON.parse(text) as object).map(String);
  } catch {
    throw new TwilioError(400, 21656, 'The ContentVariables parameter is invalid.');
  }
}

/** Without a messaging service nobody asks for it: Twilio then sends at once. */
function readSendAt({ params, now }: Context): number {
  const type = params.text('ScheduleType');
  const at = params.text('SendAt');
  if (type === undefined && at === undefined) return now;
  if (type !== 'fixed') throw new TwilioError(400, 35111, 'ScheduleType must be fixed');
  const sendAt = at === undefined ? Number.NaN : readTime(at);
  if (!(sendAt >= now + SOONEST_MS && sendAt <= now + LATEST_MS)) {
    throw new TwilioError(400, 35114, 'SendAt time is not in the supported window');
  }
  return sendAt;
}

function costOf(
  { behaviour: { prices } }: Context,
  message: Pick<MessageRecord, 'to' | 'from' | 'segments' | 'fate'> & { mms: boolean },
): bigint {
  if (message.fate === 'unpriced') return 0n;
  if (message.fate === 'failed') return prices.failed;
  if (message.mms) return prices.mms + prices.carrierFee;
  return BigInt(message.segments) * segmentPrice(prices, message.to, message.from);
}
