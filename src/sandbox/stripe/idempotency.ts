/**
 * What Stripe stores under an idempotency key (vendors.md 1.7), and when it takes two requests for
 * the same: by what they mean, not how they are spelled.
 */
import * as store from '../reply-store.ts';
import { dialectOf } from './dialect.ts';

export interface StoredReply {
  status: number;
  body: string;
  requestId: string;
}

export type Entry = store.Entry<StoredReply>;
export type Claim = store.Claim<StoredReply>;

export class Idempotency extends store.ReplyStore<StoredReply> {
  /** `limit`: how many of the newest replies are kept at least. */
  constructor(limit: number) {
    super(limit, (a, b) => canonical(a) === canonical(b));
  }
}

function canonical({ path, query, body, contentType }: store.Fingerprinted): string {
  return dialectOf(path).read(query, body, contentType).canonical();
}
