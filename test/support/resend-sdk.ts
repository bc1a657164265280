/**
 * The official resend-node on a server of the test's. Only what tests use of it is typed here. It
 * never rejects: an error is a field of what it resolves with.
 */
import type { NpmTools } from './npm-tools.ts';

export interface ResendReply<Data> {
  data: Data | null;
  error: { name: string; message: string; statusCode: number | null } | null;
  /** Null when there was no answer. */
  headers: Record<string, string> | null;
}

interface CallOptions {
  idempotencyKey?: string;
  headers?: Record<string, string>;
}

type Mail = Record<string, unknown>;

export interface ResendClient {
  emails: {
    send(mail: Mail, options?: CallOptions): Promise<ResendReply<{ id: string }>>;
    get(id: string): Promise<ResendReply<Record<string, unknown>>>;
    cancel(id: string): Promise<ResendReply<{ id: string }>>;
  };
  batch: {
    send(
      mails: Mail[],
      options?: CallOptions & { batchValidation?: 'strict' | 'permissive' },
    ): Promise<ResendReply<{ data: { id: string }[] }>>;
  };
}

interface ResendSdk {
  Resend: new (key: string, options: { baseUrl: string }) => ResendClient;
}

/** `base`: `http://127.0.0.1:8787/resend`. */
export function resendClient(tools: NpmTools, base: string, key: string): ResendClient {
  const { Resend } = tools.load('resend') as ResendSdk;
  return new Resend(key, { baseUrl: base });
}
