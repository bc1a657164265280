/** What one does with e-mails: send one or a batch, read, list, move, cancel. */
import { type Context, found, list, type Outcome } from './context.ts';
import { type EmailRecord, isScheduled, renderEmail } from './email.ts';
import { invalid, missing, notFound, ResendError } from './errors.ts';
import { isObject, readEmail, readScheduledAt } from './read-email.ts';

const MAX_BATCH = 100;

export function sendEmail({ books, json, now }: Context): Outcome {
  const email = readEmail(json, now);
  books.save(email);
  return found({ id: email.id });
}

/** Strict, the default: all or none. Permissive: those that are valid, and what the others lack. */
export function sendBatch({ books, json, headers, now }: Context): Outcome {
  if (!Array.isArray(json) || json.length === 0 || json.length > MAX_BATCH) {
    throw invalid(`The batch must be a list of 1 to ${MAX_BATCH} emails.`);
  }
  const permissive = headers['x-batch-validation'] === 'permissive';
  const emails: EmailRecord[] = [];
  const errors: { index: number; message: string }[] = [];
  for (const [index, given] of json.entries()) {
    try {
      emails.push(readBatched(given, now));
    } catch (error) {
      if (!permissive || !(error instanceof ResendError)) throw error;
      errors.push({ index, message: error.message });
    }
  }
  for (const email of emails) books.save(email);
  const data = emails.map(({ id }) => ({ id }));
  return found(permissive ? { data, errors } : { data });
}

/** In a batch nothing can be scheduled and nothing attached. */
function readBatched(given: unknown, now: number): EmailRecord {
  for (const field of ['scheduled_at', 'attachments']) {
    if (isObject(given) && given[field] !== undefined) {
      throw invalid(`The \`${field}\` field is not supported in a batch.`);
    }
  }
  return readEmail(given, now);
}

export function retrieveEmail(context: Context): Outcome {
  return found(renderEmail(emailIn(context), context.now));
}

export function listEmails(context: Context): Outcome {
  const emails = context.books.all().map((email) => {
    const { object, html, text, ...shown } = renderEmail(email, context.now);
    return { ...shown, id: email.id };
  });
  return list(context, emails);
}

export function rescheduleEmail(context: Context): Outcome {
  const { books, json, now } = context;
  const email = emailIn(context);
  const at = readScheduledAt(isObject(json) ? json.scheduled_at : undefined, now);
  if (at === null) throw missing('scheduled_at');
  requireScheduled(email, now);
  email.scheduledAt = at;
  books.save(email);
  return found({ object: 'email', id: email.id });
}

export function cancelEmail(context: Context): Outcome {
  const email = emailIn(context);
  requireScheduled(email, context.now);
  email.canceledAt = context.now;
  context.books.save(email);
  return found({ object: 'email', id: email.id });
}

function emailIn({ books, names }: Context): EmailRecord {
  const email = books.find(names[0] ?? '');
  if (!email) throw notFound('Email');
  return email;
}

function requireScheduled(email: EmailRecord, now: number): void {
  if (!isScheduled(email, now)) throw invalid('Only a scheduled email can be changed or canceled.');
}
