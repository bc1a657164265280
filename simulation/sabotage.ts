/**
 * Planted faults: each takes one safeguard away by wrapping a part, so that the product has no
 * switches for tests. A simulation that does not notice one of them proves nothing.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Ledger, LedgerUnavailable, type Settlement } from '../src/ledger/ledger.ts';
import type { Store } from '../src/ledger/queued.ts';
import type { Writer } from '../src/ledger/sqlite/writer.ts';
import type { Sender } from '../src/proxy/forward.ts';
import { announce } from '../src/proxy/steps.ts';
import type { Disk, Mount } from './disk.ts';
import type { Invariant } from './model.ts';
import { SECRETS } from './node.ts';

export interface Sabotage {
  /** The promises that it breaks: the run must fail by one of them. */
  readonly breaks: readonly Invariant[];
  /** Called once for each process, when it starts. */
  store?(store: Store, disk: Disk, writer: Writer, mount: Mount): Store;
  ledger?(ledger: Ledger): Ledger;
  sender?(sender: Sender): Sender;
}

export const SABOTAGES = {
  /** Calls are admitted and nothing is held for them. */
  'no hold': {
    breaks: [2],
    ledger: (ledger) => over(ledger, { admit: (call) => ledger.admit({ ...call, quote: FREE }) }),
  },
  /** What is to be spent is compared with no cap. */
  'no cap': {
    breaks: [1],
    ledger: (ledger) =>
      over(ledger, {
        async admit(call) {
          const before = await ledger.key(call.keyId, call.at);
          const { totalCap = null, dailyCap = null } = before?.policy ?? {};
          const change = (caps: { totalCap: bigint | null; dailyCap: bigint | null }) =>
            ledger.changeKey(call.keyId, caps, 'sabotage', call.at).catch(() => undefined);
          // In one turn, so that all three are one batch.
          const raised = change({
            totalCap: totalCap && 1n << 50n,
            dailyCap: dailyCap && 1n << 50n,
          });
          const verdict = ledger.admit({ ...call, holds: 'refuse' });
          const lowered = change({ totalCap, dailyCap });
          await Promise.all([raised, lowered]);
          return verdict;
        },
      }),
  },
  /** A commit is answered before it is on the disk. */
  'no fsync': { breaks: [2], store: (_, disk, writer, mount) => disk.lyingStore(writer, mount) },
  /** The row of a call that was under way when the process ended is thrown away. */
  'no recovery': {
    breaks: [3],
    store(store, disk) {
      disk.db.exec("DELETE FROM calls WHERE state = 'unknown' AND look_at = 0");
      disk.sync();
      return store;
    },
  },
  /** The row's end does not keep a second one from happening. */
  'settles twice': {
    breaks: [4],
    store: (store, disk, writer) => ({
      ...store,
      async write(batch) {
        const result = await store.write(batch);
        if ('unavailable' in result) return result;
        const reopen = disk.db.prepare(
          `UPDATE calls SET state = 'held', cost_usd = NULL, running_id = id
           WHERE id = ? AND state = 'settled' AND cost_usd > 0`,
        );
        for (const [name, [settlement]] of batch) {
          if (name !== 'settle') continue;
          if (reopen.run((settlement as Settlement).id).changes === 0n) continue;
          disk.commit(writer, [[name, [settlement]]]);
        }
        return result;
      },
    }),
  },
  /** A call that got no answer is taken for one that was not sent. */
  'releases without proof': {
    breaks: [4],
    sender: (sender) => ({
      async send(request, mayStart) {
        const result = await sender.send(request, mayStart);
        return result.kind === 'no_reply' ? { kind: 'not_sent', why: result.why } : result;
      },
    }),
  },
  /** Nobody remembers which idempotency keys came before. */
  'no dedup': {
    breaks: [5],
    ledger: (ledger) =>
      over(ledger, {
        admit: (call) => ledger.admit({ ...call, idempotencyKey: null, fingerprint: null }),
      }),
  },
  /** Nobody notices that a caller is gone before its answer. */
  'hears no hang-up': {
    breaks: [5],
    ledger: (ledger) =>
      over(ledger, {
        admit: (call) => ledger.admit({ ...call, unheard: false }),
        unheard: () => undefined,
      }),
  },
  /** What nobody knows the outcome of is sent again, to whatever vendor. */
  'sends again': {
    breaks: [5],
    ledger: (ledger) =>
      over(ledger, {
        admit: (call) => ledger.admit({ ...call, idempotencyWindowMs: 86_400_000 }),
      }),
  },
  /** A revoke is answered before it is in the ledger. */
  'revokes later': {
    breaks: [6],
    ledger: (ledger) =>
      over(ledger, {
        async revoke(target, ...rest) {
          ledger.revoke(target, ...rest).catch(() => undefined);
          return 'key' in target ? [target.key] : [];
        },
      }),
  },
  /** Whether a call may still start is asked before the wait for a connection, not after it. */
  'asks too early': {
    breaks: [6],
    sender: (sender) => ({
      send(request, mayStart) {
        const { may, callId } = asked(mayStart);
        return sender.send(request, () => {
          if (callId !== null) announce('sending', callId);
          return may;
        });
      },
    }),
  },
  /** The real secret gets into a row. */
  'writes secrets': {
    breaks: [7],
    ledger: (ledger) =>
      over(ledger, {
        admit: (call) => ledger.admit({ ...call, taskName: SECRETS[0]! }),
      }),
  },
  /** When the ledger cannot be asked, calls are let through. */
  'fails open': {
    breaks: [8],
    ledger: (ledger) =>
      over(ledger, {
        async admit(call) {
          try {
            return await ledger.admit(call);
          } catch (error) {
            if (!(error instanceof LedgerUnavailable)) throw error;
            return { kind: 'admitted', quote: 0n, remaining: null };
          }
        },
      }),
  },
} as const satisfies Record<string, Sabotage>;

export type SabotageName = keyof typeof SABOTAGES;

export const NONE: Sabotage = { breaks: [] };

const FREE = { kind: 'free' } as const;

/** The ledger with some of its methods replaced. */
function over(ledger: Ledger, methods: Partial<Ledger>): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      if (name in methods) return methods[name as keyof Ledger];
      const value = target[name as keyof Ledger];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** What `mayStart` says, and of which call. */
function asked(mayStart: () => boolean): { may: boolean; callId: bigint | null } {
  let callId: bigint | null = null;
  const onStep = (message: unknown) => {
    callId = (message as { callId: bigint }).callId;
  };
  subscribe('keybrake:step', onStep);
  const may = mayStart();
  unsubscribe('keybrake:step', onStep);
  return { may, callId };
}
