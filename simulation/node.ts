/**
 * One process of Keybrake, put together as src/keybrake.ts does, with the clock, the store and the
 * way to the vendor of the simulation. Lives until it crashes; what it had in memory is gone then,
 * and what of it still runs has no effect any more.
 */
import { AccountBook } from '../src/accounts.ts';
import type { Clock } from '../src/clock.ts';
import { IdSource } from '../src/ids.ts';
import { type Ledger, LedgerUnavailable } from '../src/ledger/ledger.ts';
import { QueuedLedger, type Start, type Store } from '../src/ledger/queued.ts';
import type { Outgoing } from '../src/proxy/answer.ts';
import type { Incoming } from '../src/proxy/arrive.ts';
import { DataPlane } from '../src/proxy/call.ts';
import type { Sender } from '../src/proxy/forward.ts';
import { RunningCalls } from '../src/proxy/running.ts';
import { ReplySeal } from '../src/proxy/sealed-reply.ts';
import { WaitingRoom } from '../src/proxy/waiting.ts';
import { Resolver } from '../src/resolve/resolver.ts';
import { TariffBook } from '../src/tariffs/book.ts';
import { VENDORS } from '../src/vendors/index.ts';
import { stripe } from '../src/vendors/stripe/stripe.ts';
import { twilio } from '../src/vendors/twilio/twilio.ts';
import type { Vendor } from '../src/vendors/vendor.ts';
import { MESSAGE_PRICES } from './twilio.ts';

const MASTER_KEY = new Uint8Array(32).fill(7);

const SID = `AC${'1'.repeat(32)}`;

export interface SimulatedAccount {
  readonly vendor: Vendor;
  readonly name: string;
  readonly baseUrl: string;
  readonly fields: Readonly<Record<string, string>>;
}

function account(vendor: Vendor, name: string, fields: Record<string, string>): SimulatedAccount {
  return { vendor, name, baseUrl: `https://${vendor.name}-${name}.simulated`, fields };
}

/** Two of each vendor, with their secrets. */
export const ACCOUNTS: readonly SimulatedAccount[] = [
  account(stripe, 'default', { secret: 'sk_test_simulatedFirst' }),
  account(stripe, 'second', { secret: 'sk_test_simulatedOther' }),
  account(twilio, 'default', { account_sid: SID, auth_token: 'simulatedTokenOfTheFirst' }),
  account(twilio, 'second', { account_sid: SID, auth_token: 'simulatedTokenOfTheOther' }),
];

/** Of the accounts, in any form in which they may be told. */
export const SECRETS: readonly string[] = ACCOUNTS.flatMap(({ fields }) => {
  const { secret, auth_token: token } = fields;
  return secret ? [secret] : [token!, Buffer.from(`${SID}:${token}`).toString('base64')];
});

export interface NodeParts {
  clock: Clock;
  store: Store;
  start: Start;
  sender: Sender;
  /** The ledger as the rest is given it: itself, unless a fault is planted. */
  wrap(ledger: Ledger): Ledger;
  /** Something failed inside, which nothing may. */
  onFault(what: string): void;
  resolvePauseMs: number;
}

export class SimulatedNode {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly running: RunningCalls;
  readonly waiting: WaitingRoom;
  /** Looks for open calls of itself, now and then. */
  readonly resolver: Resolver;
  /** Looks when it is told to. */
  readonly lookout: Resolver;
  readonly #plane: DataPlane;

  private constructor(parts: NodeParts, ledger: Ledger, accounts: AccountBook, lastId: bigint) {
    const { clock, sender: upstream } = parts;
    this.clock = clock;
    this.ledger = ledger;
    this.running = new RunningCalls(clock);
    this.waiting = new WaitingRoom(clock);
    const tariffs = new TariffBook();
    tariffs.setPrices(twilio.name, null, MESSAGE_PRICES);
    const seal = new ReplySeal(MASTER_KEY);
    const { running } = this;
    const shared = { vendors: VENDORS, accounts, ledger, tariffs, upstream, running, seal, clock };
    this.#plane = new DataPlane({
      ...shared,
      waiting: this.waiting,
      observer: { observe: () => undefined },
      ids: new IdSource(clock, 0, lastId),
    });
    const log = {
      info: () => undefined,
      error({ err }: { err?: unknown }, message: string) {
        if (!(err instanceof LedgerUnavailable)) parts.onFault(`${message}: ${err}`);
      },
    };
    const metrics = { resolved: () => undefined, drift: () => undefined };
    this.resolver = new Resolver({ ...shared, log, metrics });
    this.lookout = new Resolver({ ...shared, log, metrics });
    this.resolver.start(parts.resolvePauseMs);
  }

  /** Rejects with LedgerUnavailable when the store fails meanwhile. */
  static async boot(parts: NodeParts): Promise<SimulatedNode> {
    const { clock, store, start } = parts;
    const queued = new QueuedLedger(store, start, {
      clock,
      onFault: (operation, fault) => parts.onFault(`${operation}: ${fault}`),
    });
    const ledger = parts.wrap(queued);
    const accounts = await AccountBook.open(ledger, MASTER_KEY, clock);
    for (const { vendor, name, baseUrl, fields } of ACCOUNTS) {
      accounts.addBuiltIn(vendor, name, baseUrl, fields);
    }
    return new SimulatedNode(parts, ledger, accounts, start.lastId);
  }

  handle(incoming: Incoming): Promise<Outgoing | null> {
    return this.#plane.handle(incoming);
  }
}
