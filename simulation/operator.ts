/**
 * The simulated operator: issues the keys of a run, and later revokes one, changes a cap, freezes the
 * vendor, removes old replies, and ends calls that nobody else can, by what the vendor's books say.
 * Uses what the control plane's routes use.
 */
import { EVERYTHING, freeze, revoke } from '../src/control/revoke.ts';
import { credentialHash, newVaultKey } from '../src/ids.ts';
import {
  type CallRow,
  type KeyPatch,
  type Ledger,
  LedgerConflict,
  LedgerUnavailable,
  type Policy,
} from '../src/ledger/ledger.ts';
import type { Credential } from './clients.ts';
import type { Dice } from './dice.ts';
import type { KeyTerms } from './model.ts';
import type { SimulatedNode } from './node.ts';

/** Random text decides nothing, so it is made once for all runs. */
const TEXTS = Array.from({ length: 8 }, () => newVaultKey(false));

export interface IssuedKey extends Credential, KeyTerms {
  readonly totalCap: bigint | null;
}

const FREEZABLE = ['stripe', 'twilio', EVERYTHING];

const dollars = (amount: number): bigint => BigInt(amount) * 1_000_000n;

/** Draws the keys of a run: families of up to three, on two accounts, with small caps. */
export async function issueKeys(dice: Dice, node: SimulatedNode): Promise<IssuedKey[]> {
  const issued: IssuedKey[] = [];
  const count = dice.between(2, 5);
  for (let i = 0; i < count; i++) {
    const parent = i > 0 && dice.chance(0.6) ? dice.pick(issued) : null;
    const most = parent?.totalCap ?? dollars(40);
    const drawn = dollars(dice.between(2, 25));
    const totalCap = dice.chance(0.8) ? (drawn < most ? drawn : most) : null;
    issued.push(
      await issue(node, TEXTS[i]!, i + 1, parent, {
        account: parent?.account ?? (dice.chance(0.75) ? 'default' : 'second'),
        totalCap,
        dailyCap: totalCap === null || dice.chance(0.3) ? dollars(dice.between(2, 15)) : null,
        perCallCap: dice.chance(0.2) ? dollars(2) : null,
        maxCalls: dice.chance(0.15) ? dice.between(5, 25) : null,
        rateLimit: dice.chance(0.15) ? { calls: dice.between(3, 10), windowMs: 10_000 } : null,
      }),
    );
  }
  return issued;
}

/** A key without caps, to clear up at the end of a run. */
export function issueJanitor(node: SimulatedNode, account: string): Promise<IssuedKey> {
  return issue(node, TEXTS.at(account === 'default' ? -1 : -2)!, 0, null, { account });
}

async function issue(
  { ledger, clock }: SimulatedNode,
  text: string,
  seq: number,
  parent: IssuedKey | null,
  terms: Partial<Policy> & Pick<Policy, 'account'>,
): Promise<IssuedKey> {
  const policy: Policy = {
    ...{
      vendors: ['stripe', 'twilio'],
      dailyCap: null,
      totalCap: null,
      perCallCap: null,
      maxCalls: null,
    },
    ...{ rateLimit: null, allowedEndpoints: null, params: {}, onBehalfOf: [], prices: {} },
    ...{ mayDelegate: false, mode: 'enforce', expiresAt: null },
    ...terms,
  };
  const issuedAt = clock.now();
  const view = await ledger.issueKey({
    // Below every id of a call.
    id: BigInt(seq + 1) + (terms.account === 'second' ? 100n : 0n),
    hash: credentialHash(text),
    label: `run-${seq}`,
    parentId: parent?.id ?? null,
    ...{ policy, metadata: {}, issuedAt, issuedBy: 'simulation', byRun: false },
  });
  const { id } = view;
  const { account, maxCalls, perCallCap, rateLimit, totalCap } = policy;
  const above = parent?.id ?? null;
  const limits = { maxCalls, perCallCap, rateLimit, totalCap };
  return { id, text, account, parent: above, issuedAt, ...limits };
}

export interface OperatorDeps {
  dice: Dice;
  keys: readonly IssuedKey[];
  node(): SimulatedNode | null;
  /** What the books say that a call cost; null: it may still be executed. */
  truth(id: bigint): bigint | null;
  onRevoked(ids: readonly bigint[]): void;
  onFrozen(vendor: string): void;
  onThawed(vendor: string): void;
  onFault(what: string): void;
  note(text: string): void;
}

export class Operator {
  readonly #deps: OperatorDeps;
  #busy = false;

  constructor(deps: OperatorDeps) {
    this.#deps = deps;
  }

  /** One thing that an operator does, after the one before has been answered. */
  step(): void {
    const node = this.#deps.node();
    if (!node || this.#busy) return;
    this.#busy = true;
    this.#act(node)
      .catch((error: unknown) => {
        const expected = error instanceof LedgerConflict || error instanceof LedgerUnavailable;
        if (!expected) this.#deps.onFault(`an operator's request failed: ${error}`);
      })
      .finally(() => {
        this.#busy = false;
      });
  }

  /** The process has crashed: no answer comes. */
  crashed(): void {
    this.#busy = false;
  }

  async #act(node: SimulatedNode): Promise<void> {
    const { dice, keys, note } = this.#deps;
    switch (dice.between(0, 9)) {
      case 0: {
        const { ids } = await revoke(node, { key: dice.pick(keys).id }, null, 'operator');
        if (this.#deps.node() === node) this.#deps.onRevoked(ids);
        return;
      }
      case 1: {
        const vendor = dice.pick(FREEZABLE);
        await freeze(node, vendor, null, 'operator');
        if (this.#deps.node() === node) this.#deps.onFrozen(vendor);
        return;
      }
      case 2:
      case 3:
      case 4:
        await this.unfreeze(node);
        return;
      case 5:
      case 6: {
        const { id } = dice.pick(keys);
        const cap = dollars(dice.between(1, 30));
        const patch: KeyPatch = dice.chance(0.5) ? { totalCap: cap } : { dailyCap: cap };
        note(`operator: key ${id} gets a cap of ${cap}`);
        await node.ledger.changeKey(id, patch, 'operator', node.clock.now());
        return;
      }
      case 7:
        await node.ledger.prune(node.clock.now());
        return;
      case 8:
        // While they are still being looked for: whoever is second has nothing to end.
        await this.#end(node, (await node.ledger.calls({ state: 'unknown' }, { limit: 500 })).rows);
        return;
      default:
        await this.endUnresolved(node);
    }
  }

  async unfreeze(node: SimulatedNode): Promise<void> {
    for (const vendor of FREEZABLE) {
      this.#deps.onThawed(vendor);
      await node.ledger.removeFreeze(vendor);
    }
  }

  /** Ends what is listed as unresolved and is over at the vendor. */
  async endUnresolved(node: SimulatedNode): Promise<void> {
    await this.#end(node, await unresolved(node.ledger));
  }

  async #end(node: SimulatedNode, rows: readonly CallRow[]): Promise<void> {
    for (const row of rows) {
      const cost = this.#deps.truth(row.id);
      if (cost === null) continue;
      const moved = cost > 0n;
      this.#deps.note(`operator: ${moved ? `settles at ${cost}` : 'releases'} ${row.id}`);
      await node.ledger.resolve({
        ...{ id: row.id, at: node.clock.now(), outcome: moved ? 'settled' : 'released' },
        ...{ cost: moved ? cost : null, by: 'operator', why: 'the books say so' },
        ...{ objects: [], vendorObjectId: null, sealedReply: null, lookAt: null },
      });
    }
  }
}

export async function unresolved(ledger: Ledger): Promise<CallRow[]> {
  return (await ledger.calls({ unresolved: true }, { limit: 500 })).rows;
}
