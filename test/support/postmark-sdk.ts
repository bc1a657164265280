/**
 * The official postmark.js on a server of the test's. Only what tests use of it is typed here. It has
 * no option for a path, but puts `requestHost` in front of the path unread, so that one may end it.
 */
import type { NpmTools } from './npm-tools.ts';

export interface PostmarkReply {
  ErrorCode: number;
  Message: string;
  MessageID?: string;
  To?: string;
}

/** What it rejects with; `statusCode` is 0 when there was no answer. It has no headers. */
export interface PostmarkError extends Error {
  code: number;
  statusCode: number;
}

type Mail = Record<string, unknown>;

export interface PostmarkClient {
  sendEmail(mail: Mail): Promise<PostmarkReply>;
  sendEmailBatch(mails: Mail[]): Promise<PostmarkReply[]>;
  sendEmailWithTemplate(mail: Mail): Promise<PostmarkReply>;
  sendEmailBatchWithTemplates(mails: Mail[]): Promise<PostmarkReply[]>;
}

interface PostmarkSdk {
  ServerClient: new (
    token: string,
    options: { useHttps: boolean; requestHost: string },
  ) => PostmarkClient;
}

/** `base`: `http://127.0.0.1:8787/postmark`, or without the path. */
export function postmarkClient(tools: NpmTools, base: string, token: string): PostmarkClient {
  const { ServerClient } = tools.load('postmark') as PostmarkSdk;
  const requestHost = base.replace(/^http:\/\//, '');
  return new ServerClient(token, { useHttps: false, requestHost });
}
