/**
 * Planted faults: each takes one safeguard away by wrapping a part, so that the product has no
 * switches for tests. A simulation that does not notice one of them proves nothing.
 */
import type { Ledger } from '../src/ledger/ledger.ts';
import type { Store } from '../src/ledger/queued.ts';
import type { Writer } from '../src/ledger/sqlite/writer.ts';
import type { Sender } from '../src/proxy/forward.ts';
import type { Disk, Mount } from './disk.ts';

export interface Sabotage {
  store(store: Store, disk: Disk, writer: Writer, mount: Mount): Store;
  ledger(ledger: Ledger): Ledger;
  sender(sender: Sender): Sender;
}

export const NONE: Sabotage = {
  store: (store) => store,
  ledger: (ledger) => ledger,
  sender: (sender) => sender,
};
