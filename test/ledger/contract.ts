/**
 * What every ledger promises, whatever it is stored in: each store's test runs all of it. One file a
 * promise; here they are put together.
 */
import { after, before } from 'node:test';
import { admissionContract } from './contract/admission.ts';
import { attemptContract } from './contract/attempts.ts';
import { changeContract } from './contract/changes.ts';
import { identityContract } from './contract/identity.ts';
import { interleavingContract } from './contract/interleavings.ts';
import { lateReplyContract } from './contract/late-replies.ts';
import { objectContract } from './contract/objects.ts';
import { openCallContract } from './contract/open-calls.ts';
import { reportContract } from './contract/reports.ts';
import { settlementContract } from './contract/settlement.ts';
import { waitingContract } from './contract/waiting.ts';
import { Desk, type Store } from './desk.ts';

/** Gives the desk that the tests of a file share: each has keys of its own. */
export type AtDesk = () => Desk;

/** Registers the suite. `makeStore`: an empty store; each part of the suite has one of its own. */
export function ledgerContract(name: string, makeStore: () => Promise<Store>): void {
  const parts = {
    admissionContract,
    settlementContract,
    objectContract,
    lateReplyContract,
    identityContract,
    attemptContract,
    changeContract,
    reportContract,
    waitingContract,
    openCallContract,
    interleavingContract,
  };
  let store: Store;
  let desk: Desk;
  before(async () => {
    store = await makeStore();
    desk = await Desk.open(store);
  });
  after(async () => {
    await desk.ledger.close();
    await store.remove();
  });
  for (const register of Object.values(parts)) register(name, () => desk);
}
