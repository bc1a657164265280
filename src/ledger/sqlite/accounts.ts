/** Vendor accounts (sealed) and management keys (hashed), as rows. */
import type { DatabaseSync } from 'node:sqlite';
import type { ApiKey, StoredAccount } from '../ledger.ts';
import { type ApiKeyRow, num } from './rows.ts';

interface AccountRow {
  vendor: string;
  account: string;
  base_url: string;
  sealed: Uint8Array;
  created_at: bigint;
  rotated_at: bigint | null;
}

export class Accounts {
  readonly #db: DatabaseSync;

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  masterKeyCheck(sealed: Uint8Array): Uint8Array {
    const insert = 'INSERT INTO master_key_check (id, sealed) VALUES (1, ?) ON CONFLICT DO NOTHING';
    this.#db.prepare(insert).run(sealed);
    const row = this.#db.prepare('SELECT sealed FROM master_key_check').get();
    return (row as unknown as { sealed: Uint8Array }).sealed;
  }

  list(): StoredAccount[] {
    const rows = this.#db.prepare('SELECT * FROM vendor_accounts').all() as unknown as AccountRow[];
    return rows.map((row) => ({
      vendor: row.vendor,
      account: row.account,
      baseUrl: row.base_url,
      sealed: row.sealed,
      createdAt: num(row.created_at),
      rotatedAt: num(row.rotated_at),
    }));
  }

  put(account: StoredAccount): void {
    this.#db
      .prepare(
        `INSERT INTO vendor_accounts (vendor, account, base_url, sealed, created_at, rotated_at)
         VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (vendor, account) DO UPDATE SET base_url = excluded.base_url,
           sealed = excluded.sealed, rotated_at = excluded.rotated_at`,
      )
      .run(
        account.vendor,
        account.account,
        account.baseUrl,
        account.sealed,
        account.createdAt,
        account.rotatedAt,
      );
  }

  remove(vendor: string, account: string): boolean {
    const remove = 'DELETE FROM vendor_accounts WHERE vendor = ? AND account = ?';
    return this.#db.prepare(remove).run(vendor, account).changes > 0;
  }

  apiKeys(): ApiKey[] {
    const rows = this.#db.prepare('SELECT * FROM api_keys ORDER BY id').all();
    return (rows as unknown as ApiKeyRow[]).map(readApiKey);
  }

  addApiKey(key: ApiKey, hash: Uint8Array): void {
    this.#db
      .prepare('INSERT INTO api_keys (id, hash, name, role, created_at) VALUES (?, ?, ?, ?, ?)')
      .run(key.id, hash, key.name, key.role, key.createdAt);
  }

  removeApiKey(id: bigint): boolean {
    return this.#db.prepare('DELETE FROM api_keys WHERE id = ?').run(id).changes > 0;
  }

  apiKeysByHash(): [hash: Uint8Array, key: ApiKey][] {
    const rows = this.#db.prepare('SELECT * FROM api_keys').all();
    return (rows as unknown as ApiKeyRow[]).map((row) => [row.hash, readApiKey(row)]);
  }
}

function readApiKey(row: ApiKeyRow): ApiKey {
  return { id: row.id, name: row.name, role: row.role, createdAt: num(row.created_at) };
}
