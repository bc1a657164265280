/**
 * What a handler of the fake Twilio is given, and what it answers. A handler checks its parameters
 * first and changes the books after, so that what throws has changed nothing.
 */
import { randomUUID } from 'node:crypto';
import type { TwilioBooks } from './books.ts';
import type { Pace } from './pace.ts';
import type { Params } from './params.ts';
import type { TwilioPrices } from './prices.ts';

export interface Behaviour {
  prices: TwilioPrices;
  /** From the sending of a message, or the end of a call, to the statement of its price. */
  pace: Pace;
  /** How long a call lasts, by its own account and by the clock. */
  call: { seconds: number; endsAfterMs: number };
}

export interface Context {
  books: TwilioBooks;
  behaviour: Behaviour;
  accountSid: string;
  params: Params;
  /** What the path names, after the account: `…/Messages/{name}`. */
  names: string[];
  /** The path without the account's part, for errors. */
  path: string;
  /** Milliseconds since 1970. */
  now: number;
}

export interface Outcome {
  status: number;
  /** Null: no body. */
  body: Record<string, unknown> | null;
  /** A GET that costs. */
  billed?: boolean;
}

export type Handler = (context: Context) => Outcome;

export const found = (body: Record<string, unknown>): Outcome => ({ status: 200, body });
export const created = (body: Record<string, unknown>): Outcome => ({ status: 201, body });

/** `SM` and 32 hex digits. */
export function newSid(prefix: string): string {
  return prefix + randomUUID().replaceAll('-', '');
}
