/**
 * Verify v2: every `VA…` is a service of this account, and the code is always the same unless the
 * request brings its own. Sending and success are billed apart.
 */
import { type Context, created, found, newSid, type Outcome } from './context.ts';
import { invalidParameter, notFound, TwilioError } from './errors.ts';
import { readNumber } from './numbers.ts';
import { isoSeconds } from './times.ts';
import { renderVerification, type VerificationRecord, verificationStatus } from './verification.ts';

/** What the fake Twilio sends, for tests to give back. */
export const VERIFICATION_CODE = '123456';

const MAX_ATTEMPTS = 5;
const CHANNELS: readonly string[] = ['sms', 'call', 'email', 'whatsapp', 'auto', 'rcs'];

/** Sends again, under the same Sid, while one to this destination is pending. */
export function startVerification(context: Context): Outcome {
  const { params, now, books, behaviour } = context;
  const serviceSid = serviceIn(context);
  const to = readTo(params.text('To'));
  const channel = params.text('Channel')?.toLowerCase();
  if (!channel || !CHANNELS.includes(channel)) throw invalidParameter('Channel');
  const pending = pendingTo(context, serviceSid, to);
  if (pending && pending.attempts.length >= MAX_ATTEMPTS) {
    throw new TwilioError(429, 60203, 'Max send attempts reached');
  }
  const verification: VerificationRecord = pending ?? {
    object: 'verification',
    id: newSid('VE'),
    standing: null,
    serviceSid,
    to,
    channel,
    code: params.text('CustomCode') ?? VERIFICATION_CODE,
    createdAt: now,
    updatedAt: now,
    outcome: null,
    attempts: [],
    failedChecks: 0,
    prices: behaviour.prices,
  };
  verification.channel = channel;
  verification.updatedAt = now;
  verification.attempts.push({ at: now, channel, sid: newSid('VL') });
  books.save(verification);
  return created(render(context, verification));
}

export function readVerification(context: Context): Outcome {
  return found(render(context, verificationIn(context)));
}

/** `Status=canceled` or `approved`, while it is pending. */
export function updateVerification(context: Context): Outcome {
  const { params, now, books } = context;
  const verification = verificationIn(context);
  const status = params.text('Status');
  if (status !== 'canceled' && status !== 'approved') throw invalidParameter('Status');
  if (verificationStatus(verification, now) !== 'pending') throw notFound(context.path);
  verification.outcome = status;
  verification.updatedAt = now;
  books.save(verification);
  return found(render(context, verification));
}

/** A verification that is over is not there any more: 404, as at Twilio. */
export function checkVerification(context: Context): Outcome {
  const { params, now, books, accountSid, path } = context;
  const serviceSid = serviceIn(context);
  const sid = params.text('VerificationSid');
  const to = params.text('To');
  if (!sid && !to) throw invalidParameter('To');
  const code = params.text('Code');
  if (!code) throw invalidParameter('Code');
  const named = sid ? books.get('verification', sid) : undefined;
  const verification = sid ? named : pendingTo(context, serviceSid, readTo(to));
  if (!verification || verification.serviceSid !== serviceSid) throw notFound(path);
  if (verificationStatus(verification, now) !== 'pending') throw notFound(path);
  if (verification.failedChecks >= MAX_ATTEMPTS) {
    throw new TwilioError(429, 60202, 'Max check attempts reached');
  }
  if (code === verification.code) verification.outcome = 'approved';
  else verification.failedChecks++;
  verification.updatedAt = now;
  books.save(verification);
  const body = renderVerification(verification, accountSid, now);
  return created({ ...body, sna_attempts_error_codes: [] });
}

function render(
  { accountSid, now }: Context,
  verification: VerificationRecord,
): Record<string, unknown> {
  const { id, serviceSid, attempts } = verification;
  return {
    ...renderVerification(verification, accountSid, now),
    lookup: {},
    send_code_attempts: attempts.map(({ at, channel, sid }) => ({
      time: isoSeconds(at),
      channel: channel.toUpperCase(),
      attempt_sid: sid,
    })),
    sna: null,
    url: `https://verify.twilio.com/v2/Services/${serviceSid}/Verifications/${id}`,
  };
}

function serviceIn({ names, path }: Context): string {
  const [service = ''] = names;
  if (!/^VA[0-9a-fA-F]{32}$/.test(service)) throw notFound(path);
  return service;
}

/** By its Sid, or by where it goes: Twilio takes both. */
function verificationIn(context: Context): VerificationRecord {
  const { books, names, path } = context;
  const serviceSid = serviceIn(context);
  const name = names[1] ?? '';
  const verification = books.get('verification', name) ?? pendingTo(context, serviceSid, name);
  if (verification?.serviceSid !== serviceSid) throw notFound(path);
  return verification;
}

function pendingTo(
  { books, now }: Context,
  serviceSid: string,
  to: string,
): VerificationRecord | undefined {
  return books
    .list('verification')
    .find(
      (one) =>
        one.serviceSid === serviceSid &&
        one.to === to &&
        verificationStatus(one, now) === 'pending',
    );
}

function readTo(to: string | undefined): string {
  const destination = to?.includes('@') ? to : readNumber(to ?? '');
  if (!destination || destination === '+15005550001') throw invalidParameter(`\`To\`: ${to ?? ''}`);
  return destination;
}
