/**
 * Looks at the vendors for what became of calls that were left open: sent and never answered, or
 * answered before the money had moved. One call after the other, by the vendor's own pure rules for
 * where to look. Never executes anything: what cannot be found out waits for an operator.
 */
import type { AccountBook } from '../accounts.ts';
import type { Clock } from '../clock.ts';
import { handle } from '../ids.ts';
import {
  type CallRow,
  type DueCall,
  type Ledger,
  LedgerConflict,
  LedgerUnavailable,
  type Resolution,
} from '../ledger/ledger.ts';
import type { Metrics } from '../metrics.ts';
import type { Sender } from '../proxy/forward.ts';
import { lookUp } from '../proxy/look-up.ts';
import { ownKey } from '../proxy/own-key.ts';
import type { RunningCalls } from '../proxy/running.ts';
import type { ReplySeal } from '../proxy/sealed-reply.ts';
import type { TariffBook } from '../tariffs/book.ts';
import type { Investigation, OpenCall, Vendor, VendorReply } from '../vendors/vendor.ts';

/** How often the ledger is asked for calls that are due. */
export const PAUSE_MS = 1_000;
/** Calls looked for in a row, before others have a turn. */
const AT_ONCE = 50;
/** Questions about one call in one go: a list's pages, and the object itself. */
const MAX_LOOKS = 12;
/** After a vendor that could not be asked, or a fault of ours. */
const RETRY_MS = 60_000;
/**
 * For those that were to be asked after one that failed. Sooner than that one: if the fault was in its
 * question alone, it must not come before them each time.
 */
const BEHIND_MS = RETRY_MS / 2;
/** How far around a call its vendor object may have been made, by two clocks that differ. */
const AROUND_MS = 15 * 60_000;

export interface ResolverDeps {
  vendors: ReadonlyMap<string, Vendor>;
  accounts: AccountBook;
  tariffs: TariffBook;
  ledger: Ledger;
  upstream: Sender;
  running: RunningCalls;
  seal: ReplySeal;
  clock: Clock;
  log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  metrics: Pick<Metrics, 'resolved' | 'drift'>;
}

/** Its absence from the account of today proves nothing: that may be another one. */
const ROTATED =
  'it is not there, but the credentials of the account were replaced since it was sent';

/** What the ledger is told of a call that was looked for. */
type Finding = Omit<Resolution, 'id' | 'at' | 'by' | 'sentAt' | 'lookedAt'>;

const STILL_OPEN = { cost: null, objects: [], vendorObjectId: null, sealedReply: null } as const;

export class Resolver {
  readonly #deps: ResolverDeps;
  /** Accounts whose vendor could not be asked in this round, and why. */
  readonly #silent = new Map<string, string>();
  #stopped = false;
  #cancel: () => void = () => undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(deps: ResolverDeps) {
    this.#deps = deps;
  }

  /** Looks from now on, again and again, until `stop`. */
  start(pauseMs = PAUSE_MS): void {
    this.#cancel = this.#deps.clock.after(pauseMs, () => {
      this.#working = this.round().then(
        () => undefined,
        (error: unknown) => this.#deps.log.error({ err: error }, 'looking for open calls failed'),
      );
      void this.#working.then(() => {
        if (!this.#stopped) this.start(pauseMs);
      });
    });
  }

  /** Resolves when the look under way has ended; what it would have told is left to the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#working;
  }

  /** One look at every call that is due; returns how many there were. */
  async round(): Promise<number> {
    const { ledger, clock } = this.#deps;
    if (ledger.trouble !== null) return 0;
    const due = await ledger.dueCalls(clock.now(), AT_ONCE);
    this.#silent.clear();
    for (const call of due) {
      if (this.#stopped) break;
      await this.#resolve(call);
    }
    return due.length;
  }

  async #resolve(call: DueCall): Promise<void> {
    const lookedAt = this.#deps.clock.now();
    const finding = await this.#investigate(call).catch((error: unknown) =>
      this.#failed(call, error),
    );
    if (this.#stopped) return;
    try {
      await this.#record(call, lookedAt, finding);
    } catch (error) {
      if (error instanceof LedgerUnavailable) throw error;
      // It stays due, and is the first of every round: none of those behind it would have a turn.
      await this.#record(call, lookedAt, this.#failed(call, error));
    }
  }

  async #record({ row, sentAt }: DueCall, lookedAt: number, finding: Finding): Promise<void> {
    const { ledger, clock, log, metrics } = this.#deps;
    try {
      const known = { id: row.id, at: clock.now(), by: 'vendor', sentAt, lookedAt };
      const ended = await ledger.resolve({ ...finding, ...known });
      if (!ended || ended.state === row.state) return;
      const { state, vendor } = ended;
      metrics.resolved(vendor, state);
      if (state === 'settled' && row.state === 'held') {
        metrics.drift(vendor, row.quote, ended.cost ?? row.quote);
      }
      log.info({ call: handle('call', row.id), vendor, state, why: finding.why }, 'resolved');
    } catch (error) {
      // Ended or sent again since it was found due: that says more than this look.
      if (!(error instanceof LedgerConflict)) throw error;
    }
  }

  /** A fault of ours: it is looked for again, in case it was the vendor's answer of the moment. */
  #failed(call: DueCall, error: unknown): Finding {
    const { log } = this.#deps;
    log.error({ err: error, call: handle('call', call.row.id) }, 'a look for an open call failed');
    return this.#later(call, RETRY_MS, null);
  }

  async #investigate(call: DueCall): Promise<Finding> {
    const { row } = call;
    const vendor = this.#deps.vendors.get(row.vendor);
    if (!vendor) return this.#giveUp(call, `the vendor ${row.vendor} is not known any more`);
    const silent = this.#silent.get(placeOf(row));
    if (silent !== undefined) return this.#later(call, BEHIND_MS, silent);
    const open = await this.#openCall(call);
    const replies: VendorReply[] = [];
    for (;;) {
      const found = this.#ask(vendor, open, replies);
      if (found === null) return this.#giveUp(call, 'nothing at the vendor tells of such a call');
      switch (found.next) {
        case 'wait':
          return this.#later(call, found.ms, null);
        case 'give_up':
          return this.#giveUp(call, found.why);
        case 'conclude':
          if (this.#wasElsewhere(call, found)) return this.#giveUp(call, ROTATED);
          if (await this.#isAnothers(call, found.conclusion.vendorObjectId)) {
            return this.#later(call, RETRY_MS, 'what was found may be another call’s');
          }
          return this.#conclude(row.id, vendor, found);
        case 'look': {
          if (replies.length === MAX_LOOKS) return this.#later(call, RETRY_MS, 'too many pages');
          const reply = await this.#look(vendor, call, found.lookUp);
          if (typeof reply === 'string') {
            // Each further question may take a minute to fail as well, and others wait behind it.
            this.#silent.set(placeOf(row), reply);
            return this.#later(call, RETRY_MS, reply);
          }
          replies.push(reply);
        }
      }
    }
  }

  #ask(vendor: Vendor, open: OpenCall, replies: readonly VendorReply[]): Investigation | null {
    const { tariffs, clock } = this.#deps;
    const now = clock.now();
    return vendor.investigate(open, replies, tariffs.of(vendor.name, open.account, now), now);
  }

  async #look(
    vendor: Vendor,
    { row }: DueCall,
    question: Extract<Investigation, { next: 'look' }>['lookUp'],
  ): Promise<VendorReply | string> {
    const account = this.#deps.accounts.get(row.vendor, row.account);
    if (!account) return `the account ${row.vendor} / ${row.account} is not stored here`;
    return lookUp(this.#deps.upstream, vendor, account, question);
  }

  async #openCall({ row, clue, looks, sentAt }: DueCall): Promise<OpenCall> {
    const { accounts } = this.#deps;
    const { account, at, id } = row;
    const around = clue === null ? [] : await this.#objectsAround(row);
    return {
      ...{ id, at, sentAt, account, method: row.method, path: row.path, operation: row.operation },
      state: row.state === 'held' ? 'held' : 'unknown',
      ...{ quote: row.quote, amount: row.amount, currency: row.currency, rateDate: row.rateDate },
      idempotencyKey: row.idempotencyKey ?? ownKey(id, accounts.origin),
      ...{ onBehalfOf: row.onBehalfOf, vendorObjectId: row.vendorObjectId, clue, looks },
      taken: new Set(around.filter((each) => each !== row.vendorObjectId)),
    };
  }

  /** The vendor objects of calls of about that time. */
  #objectsAround({ vendor, account, at }: CallRow): Promise<string[]> {
    return this.#deps.ledger.objectsBetween(vendor, account, at - AROUND_MS, at + AROUND_MS);
  }

  /**
   * Whether what was found by a clue may be what another call made: one like it that was sent before
   * the vendor was asked. It is under way still, or its answer has named the object since.
   */
  async #isAnothers({ row, clue }: DueCall, objectId: string | null): Promise<boolean> {
    if (clue === null || objectId === null || row.vendorObjectId !== null) return false;
    // In this order: one that ends in between is in the ledger by then.
    if (this.#deps.running.isSent(row.vendor, clue)) return true;
    return (await this.#objectsAround(row)).includes(objectId);
  }

  /** Whether a call is taken for not executed by an account that got its credentials later. */
  #wasElsewhere(
    { row, sentAt }: DueCall,
    { conclusion }: Extract<Investigation, { next: 'conclude' }>,
  ): boolean {
    if (conclusion.outcome !== 'released' || conclusion.vendorObjectId !== null) return false;
    const { rotatedAt = null } = this.#deps.accounts.get(row.vendor, row.account) ?? {};
    return rotatedAt !== null && rotatedAt >= sentAt;
  }

  #conclude(
    id: bigint,
    { firstLookMs: { held } }: Vendor,
    { conclusion, why, reply }: Extract<Investigation, { next: 'conclude' }>,
  ): Finding {
    const { outcome, cost, objects, vendorObjectId } = conclusion;
    const sealedReply = reply === null ? null : this.#deps.seal.close(id, reply);
    // Found, and the money is still to come: it is looked for like one that was answered.
    const lookAt = outcome === 'held' && held !== null ? this.#deps.clock.now() + held : null;
    return { outcome, cost, objects, vendorObjectId, sealedReply, why, lookAt };
  }

  /** It stays as it is, and is looked for again. */
  #later({ row }: DueCall, ms: number, why: string | null): Finding {
    const lookAt = this.#deps.clock.now() + ms;
    return { ...STILL_OPEN, outcome: row.state as 'held' | 'unknown', why, lookAt };
  }

  /** It stays as it is, counted, until an operator settles or releases it. */
  #giveUp({ row }: DueCall, why: string): Finding {
    return { ...STILL_OPEN, outcome: row.state as 'held' | 'unknown', why, lookAt: null };
  }
}

function placeOf({ vendor, account }: CallRow): string {
  return `${vendor}/${account}`;
}
