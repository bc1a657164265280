/**
 * The scene of a test of mail through Keybrake: a server, a fake vendor with books, its account, and
 * keys that are given out by the number of addresses they may mail to.
 */
import { after, before, beforeEach } from 'node:test';
import { type Keybrake, startKeybrake } from './keybrake.ts';
import { type Dialect, type MailVendor, startMailVendor } from './mail-vendor.ts';
import {
  type AuditRow,
  auditRows,
  type IssuedKey,
  issueKey,
  keySpend,
  putAccount,
} from './management.ts';

export interface MailStage {
  readonly keybrake: Keybrake;
  readonly vendor: MailVendor;
  /** Where the vendor's SDKs are pointed at. */
  readonly base: string;
  /** A key for a run of its own, whose cap is so many addresses. */
  issue(addresses: number): Promise<IssuedKey>;
  /** What a key has spent and holds, in addresses. */
  spendOf(id: string): Promise<[spent: number, held: number]>;
  /** The rows of the run of the last key, oldest first. */
  rows(): Promise<AuditRow[]>;
}

/**
 * Set up before the tests of the suite that calls it and taken down after them; books, requests and
 * faults are empty before each. `price`: micro-dollars an address, as the vendor's file has it.
 */
export function mailStage(
  name: string,
  dialect: Dialect,
  { secret, price }: { secret: string; price: number },
): MailStage {
  let keybrake: Keybrake | undefined;
  let vendor: MailVendor | undefined;
  let label = 0;
  before(async () => {
    keybrake = await startKeybrake();
    vendor = await startMailVendor(dialect, secret);
    await putAccount(keybrake, name, 'default', { secret, base_url: vendor.url });
  });
  after(async () => {
    await keybrake?.close();
    await vendor?.close();
  });
  beforeEach(() => {
    vendor!.requests.length = 0;
    vendor!.books.letters.length = 0;
    vendor!.faults.length = 0;
  });
  const inAddresses = (usd: number) => Math.round((usd * 1e6) / price);
  return {
    get keybrake() {
      return keybrake!;
    },
    get vendor() {
      return vendor!;
    },
    get base() {
      return `${keybrake!.url}/${name}`;
    },
    issue: (addresses) =>
      issueKey(keybrake!, {
        vendor: name,
        total_usd_cap: (addresses * price) / 1e6,
        agent_run_label: `${name}-${++label}`,
      }),
    async spendOf(id) {
      const { spent_usd, held_usd } = await keySpend(keybrake!, id);
      return [inAddresses(spent_usd), inAddresses(held_usd)];
    },
    rows: () => auditRows(keybrake!, { label: `${name}-${label}` }),
  };
}
