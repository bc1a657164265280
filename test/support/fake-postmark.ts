/** Postmark's API as far as tests mail with it: single, batch and template mail. */
import type { Books, Dialect, MailReply } from './mail-vendor.ts';

interface Mail {
  From?: string;
  To?: string;
  Cc?: string;
  Bcc?: string;
  Subject?: string;
  TemplateAlias?: string;
}

interface Result {
  ErrorCode: number;
  Message: string;
  To?: string;
  MessageID?: string;
  SubmittedAt?: string;
}

const failed = (status: number, ErrorCode: number, Message: string): MailReply => ({
  status,
  body: { ErrorCode, Message },
});

export const POSTMARK: Dialect = {
  knows: ({ headers }, secret) => headers['x-postmark-server-token'] === secret,
  stranger: failed(401, 10, 'No Account or Server API tokens were supplied in the HTTP headers.'),
  broken: (status) => failed(status, status === 429 ? 429 : 0, 'Something went wrong'),
  answer({ method, target, body }, books) {
    switch (`${method} ${target}`) {
      case 'POST /email':
      case 'POST /email/withTemplate':
        return single(mail(JSON.parse(body) as Mail, books));
      case 'POST /email/batch':
        return { status: 200, body: (JSON.parse(body) as Mail[]).map((each) => mail(each, books)) };
      case 'POST /email/batchWithTemplates': {
        const { Messages } = JSON.parse(body) as { Messages: Mail[] };
        return { status: 200, body: Messages.map((each) => mail(each, books)) };
      }
      default:
        return failed(404, 0, 'Not Found');
    }
  },
};

function single(result: Result): MailReply {
  return { status: result.ErrorCode === 0 ? 200 : 422, body: result };
}

function mail({ From, To = '', Cc = '', Bcc = '', Subject = '' }: Mail, books: Books): Result {
  const to = [To, Cc, Bcc].flatMap(addressesIn);
  if (!From) return { ErrorCode: 300, Message: "Invalid 'From' address" };
  if (addressesIn(To).length === 0) return { ErrorCode: 300, Message: "Invalid 'To' address" };
  if (to.length > 50) return { ErrorCode: 300, Message: 'Maximum of 50 recipients' };
  if (to.some((address) => address.startsWith('inactive@'))) {
    return { ErrorCode: 406, Message: 'You tried to send to recipients that are inactive.' };
  }
  const id = books.id();
  books.letters.push({ id, to, subject: Subject });
  const SubmittedAt = '2026-11-24T09:00:00.0000000+00:00';
  return { To, SubmittedAt, MessageID: id, ErrorCode: 0, Message: 'OK' };
}

/** By another way than the one under test: what looks like an address outside of quotes. */
function addressesIn(list: string): string[] {
  return list.replace(/"(?:\\.|[^"\\])*"/g, '').match(/[^\s<>,]+@[^\s<>,]+/g) ?? [];
}
