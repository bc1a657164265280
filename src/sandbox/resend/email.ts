/** An e-mail: what is kept of it, its state as a function of the time, and how it is shown. */
import type { Standing } from '../standing-books.ts';

/** `scheduled`: goes out later, can be cancelled · `billed`: went out · `cancelled`: never will. */
export type Place = 'scheduled' | 'billed' | 'cancelled';

/** Resend counts every To, Cc and Bcc as one of the e-mails that the account pays for. */
export type Unit = 'emails' | 'recipients';

export interface EmailRecord {
  /** A UUID. */
  id: string;
  standing: Standing<Place, Unit> | null;
  from: string;
  to: string[];
  cc: string[];
  bcc: string[];
  replyTo: string[];
  subject: string;
  html: string | null;
  text: string | null;
  /** Milliseconds since 1970, as are all times. */
  createdAt: number;
  /** When it goes out, if it was scheduled; else it went out at once. */
  scheduledAt: number | null;
  canceledAt: number | null;
}

export function isScheduled(email: EmailRecord, now: number): boolean {
  return email.canceledAt === null && email.scheduledAt !== null && now < email.scheduledAt;
}

export function standingOfEmail(email: EmailRecord, now: number): Standing<Place, Unit> {
  const recipients = BigInt(email.to.length + email.cc.length + email.bcc.length);
  const amounts = { emails: 1n, recipients };
  if (email.canceledAt !== null) return { place: 'cancelled', amounts, until: null };
  if (isScheduled(email, now)) return { place: 'scheduled', amounts, until: email.scheduledAt };
  return { place: 'billed', amounts, until: null };
}

export function renderEmail(email: EmailRecord, now: number): Record<string, unknown> {
  return {
    object: 'email',
    id: email.id,
    message_id: `<${email.id}@sandbox.invalid>`,
    to: email.to,
    from: email.from,
    created_at: timestamp(email.createdAt),
    subject: email.subject,
    html: email.html,
    text: email.text,
    bcc: email.bcc,
    cc: email.cc,
    reply_to: email.replyTo,
    last_event: lastEvent(email, now),
    scheduled_at: email.scheduledAt === null ? null : timestamp(email.scheduledAt),
  };
}

/** The addresses at resend.dev say what becomes of a mail to them; all others are delivered to. */
function lastEvent(email: EmailRecord, now: number): string {
  if (email.canceledAt !== null) return 'canceled';
  if (isScheduled(email, now)) return 'scheduled';
  const ends = /\b(bounced|complained|suppressed)(?:\+[^@]*)?@resend\.dev/.exec(email.to.join());
  return ends?.[1] ?? 'delivered';
}

/** `2023-04-03 22:13:42.674000+00` */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '000+00');
}
