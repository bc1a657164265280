/**
 * The official @sendgrid/mail on a server of the test's. Only what tests use of it is typed here.
 * It prints a warning for a key that does not begin with `SG.`, and sends it all the same.
 */
import type { NpmTools } from './npm-tools.ts';

interface Reply {
  statusCode: number;
  body: unknown;
  headers: Record<string, string>;
}

/** What it rejects with; without `response` when there was no answer. */
export interface SendGridError extends Error {
  code: number | string;
  response?: { body: { errors?: { message: string; field?: string | null }[] }; headers: object };
}

export interface SendGridClient {
  send(mail: Record<string, unknown>): Promise<[Reply, unknown]>;
  /** One request with a personalization for each recipient. */
  sendMultiple(mail: Record<string, unknown>): Promise<[Reply, unknown]>;
}

interface SendGridSdk {
  MailService: new () => SendGridClient & {
    client: {
      setApiKey(key: string): void;
      setDefaultRequest(name: 'baseUrl', value: string): void;
    };
  };
}

/** `base`: `http://127.0.0.1:8787/sendgrid`. */
export function sendGridClient(tools: NpmTools, base: string, key: string): SendGridClient {
  const { MailService } = tools.load('@sendgrid/mail') as SendGridSdk;
  const service = new MailService();
  service.client.setApiKey(key);
  // Only now: setApiKey sets the vendor's own address again.
  service.client.setDefaultRequest('baseUrl', base);
  return service;
}
