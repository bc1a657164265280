/** SendGrid's Web API v3 as far as tests mail with it: mail/send, batches and their cancelling. */
import type { Books, Dialect, MailReply, MailRequest } from './mail-vendor.ts';

interface Mail {
  personalizations?: { to?: Person[]; cc?: Person[]; bcc?: Person[]; subject?: string }[];
  from?: Person;
  subject?: string;
  content?: unknown[];
  template_id?: string;
  batch_id?: string;
  send_at?: number;
}
interface Person {
  email?: string;
}

const failed = (status: number, message: string, field: string | null = null): MailReply => ({
  status,
  body: { errors: [{ message, field, help: null }] },
});

export const SENDGRID: Dialect = {
  knows: ({ headers }, secret) => headers.authorization === `Bearer ${secret}`,
  stranger: failed(401, 'The provided authorization grant is invalid, expired, or revoked'),
  broken: (status) => failed(status, 'Something went wrong'),
  answer(request, books) {
    const { method, target, body } = request;
    switch (`${method} ${target.split('?')[0]}`) {
      case 'POST /v3/mail/send':
        return send(JSON.parse(body) as Mail, books);
      case 'POST /v3/mail/batch':
        return { status: 201, body: { batch_id: `batch-${books.id()}` } };
      case 'POST /v3/user/scheduled_sends':
        return schedule(request, books);
      default:
        return failed(404, 'Not Found');
    }
  },
};

function send(mail: Mail, books: Books): MailReply {
  const { personalizations = [], from, batch_id } = mail;
  if (personalizations.length === 0) return failed(400, 'at least one personalization');
  if (!from?.email) return failed(400, 'The from object must be provided', 'from.email');
  const letters = personalizations.map(
    ({ to = [], cc = [], bcc = [], subject = mail.subject ?? '' }) => ({
      first: to.length,
      addresses: [...to, ...cc, ...bcc].map(({ email = '' }) => email),
      subject,
    }),
  );
  if (letters.some(({ first }) => first === 0)) return failed(400, 'to is required');
  const addresses = letters.flatMap((letter) => letter.addresses);
  if (addresses.length > 1000) return failed(400, 'There is a limit of 1000 total recipients');
  if (addresses.some((address) => !address.includes('@'))) {
    return failed(400, 'Does not contain a valid address.', 'personalizations.0.to.0.email');
  }
  const id = books.id();
  for (const letter of letters) {
    const batch = batch_id === undefined ? {} : { batch: batch_id };
    books.letters.push({ id, to: letter.addresses, subject: letter.subject, ...batch });
  }
  return { status: 202, headers: { 'x-message-id': id } };
}

function schedule({ body }: MailRequest, books: Books): MailReply {
  const { batch_id, status } = JSON.parse(body) as { batch_id: string; status: string };
  if (status === 'cancel') books.cancelled.add(batch_id);
  return { status: 201, body: { batch_id, status } };
}
