/**
 * What a fake vendor is to the rest of the sandbox: a received request in, a reply out, in two steps
 * so that a fault or a slow vendor can stand between them. Knows no vendor.
 */
import type { Books, ReceivedRequest } from './books.ts';
import type { Fault } from './faults.ts';

export interface Reply {
  status: number;
  /** Names and values in turn. */
  headers: string[];
  body: string;
}

/** A request that is to be executed; its idempotency key is taken until one of these is called. */
export interface Execution {
  /** Executes and stores what the vendor would store. */
  run(): Reply;
  /**
   * The vendor breaks while executing: `executes` whether the money moved first. Where the vendor
   * deduplicates, the 500 is stored under the key and is what a retry gets.
   */
  breakDown(status: number, executes: boolean): Reply;
}

export interface FakeVendor {
  readonly books: Books;
  /** The answer, when nothing is to be executed: a wrong secret, no such address, a replay. */
  begin(request: ReceivedRequest): Execution | Reply;
}

/** How the vendor's answers look when it was not the vendor that gave them. */
export interface Gateway {
  /** The vendor's error shape in JSON, and the headers that go with this status by default. */
  refuse(status: number): { headers: string[]; body: string };
  /** JSON in which the vendor's fields have other types. */
  wrongType: string;
  /** The fault that the request's body asks for by itself; none for most vendors. */
  faultIn?(body: string): Fault | undefined;
}

/** A bug of the sandbox, for the answer: thrown on, it would end the process it runs in. */
export function ownFault(error: unknown): string {
  return `The sandbox itself failed: ${error instanceof Error ? error.stack : error}`;
}
