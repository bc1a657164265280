-- The ledger. Money is integer micro-dollars; times are milliseconds since 1970, UTC; ids are
-- time-ordered integers (src/ids.ts), so a primary key is also the order of arrival.
-- The CHECKs repeat what src/ledger/decide.ts promises: a bug there fails here, not at the vendor.

CREATE TABLE vendor_accounts (
  vendor     TEXT NOT NULL,
  account    TEXT NOT NULL,
  base_url   TEXT NOT NULL,
  sealed     BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  rotated_at INTEGER,
  PRIMARY KEY (vendor, account)
) STRICT;

CREATE TABLE api_keys (
  id         INTEGER PRIMARY KEY,
  hash       BLOB NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  role       TEXT NOT NULL CHECK (role IN ('admin', 'issuer', 'auditor')),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE vault_keys (
  id              INTEGER PRIMARY KEY,
  hash            BLOB NOT NULL UNIQUE,
  agent_run_label TEXT NOT NULL CHECK (agent_run_label <> ''),
  parent_id       INTEGER REFERENCES vault_keys (id),
  policy          TEXT NOT NULL,
  metadata        TEXT NOT NULL,
  issued_at       INTEGER NOT NULL,
  issued_by       TEXT NOT NULL,
  expires_at      INTEGER,
  revoked_at      INTEGER,
  revoked_reason  TEXT,
  -- Token bucket of rate_limit: tokens in units of 1/window, as of rate_at. Null: full.
  rate_tokens     INTEGER,
  rate_at         INTEGER
) STRICT;

CREATE INDEX vault_keys_label ON vault_keys (agent_run_label);
CREATE INDEX vault_keys_parent ON vault_keys (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE vault_key_changes (
  key_id  INTEGER NOT NULL REFERENCES vault_keys (id),
  seq     INTEGER NOT NULL,
  at      INTEGER NOT NULL,
  changed_by TEXT NOT NULL,
  changes TEXT NOT NULL,
  PRIMARY KEY (key_id, seq)
) STRICT;

-- What a key spends, in total and by day, with or without a cap of that kind; of a day, one row for
-- each window in which a call was admitted.
-- ceiling is the cap, or what was counted already when the cap was lowered below it or the vendor
-- billed more than an estimate; admission always compares with the cap.
CREATE TABLE budgets (
  key_id       INTEGER NOT NULL REFERENCES vault_keys (id),
  kind         TEXT NOT NULL CHECK (kind IN ('daily', 'total')),
  window_start INTEGER NOT NULL,
  cap          INTEGER NOT NULL CHECK (cap >= 0),
  ceiling      INTEGER NOT NULL CHECK (ceiling >= cap),
  spent        INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
  held         INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  -- Calls that were admitted in the window.
  calls        INTEGER NOT NULL DEFAULT 0 CHECK (calls >= 0),
  PRIMARY KEY (key_id, kind, window_start),
  CHECK (spent + held <= ceiling)
) STRICT, WITHOUT ROWID;

-- A vendor's name, or * for everything.
CREATE TABLE freezes (
  vendor    TEXT PRIMARY KEY,
  at        INTEGER NOT NULL,
  frozen_by TEXT NOT NULL,
  reason    TEXT
) STRICT;

-- One row for each call: hold, dedup record and audit entry at once.
CREATE TABLE calls (
  id                    INTEGER PRIMARY KEY,
  at                    INTEGER NOT NULL,
  node                  INTEGER NOT NULL,
  vault_key_id          INTEGER NOT NULL REFERENCES vault_keys (id),
  agent_run_label       TEXT NOT NULL,
  agent_run_id          TEXT,
  task_id               TEXT,
  task_name             TEXT,
  attempt               INTEGER,
  trace_id              TEXT,
  vendor                TEXT NOT NULL,
  account               TEXT NOT NULL,
  method                TEXT NOT NULL,
  path                  TEXT NOT NULL,
  operation             TEXT,
  customer_scope_id     TEXT,
  policy_verdict        TEXT NOT NULL CHECK (policy_verdict IN ('allow', 'refuse', 'would_refuse')),
  verdict_reason        TEXT,
  state                 TEXT NOT NULL
    CHECK (state IN ('refused', 'held', 'settled', 'released', 'unknown', 'replayed')),
  quote_kind            TEXT NOT NULL,
  quote_usd             INTEGER NOT NULL CHECK (quote_usd >= 0),
  cost_usd              INTEGER CHECK (cost_usd >= 0),
  currency              TEXT,
  amount                INTEGER,
  cap_usage_after_usd   INTEGER,
  idempotency_key       TEXT,
  fingerprint           TEXT,
  http_status           INTEGER,
  vendor_request_id     TEXT,
  vendor_object_id      TEXT,
  replay_of             INTEGER,
  latency_ms            REAL,
  upstream_ms           REAL,
  settled_at            INTEGER,
  -- The vendor object that the price came from, by the name it has in objects, and whether the call adds to what is counted for it
  -- or gives back of what it received.
  subject_id            TEXT,
  subject_as            TEXT CHECK (subject_as IN ('amount', 'refundable')),
  -- 1: this row answers for its idempotency key.
  identity              INTEGER NOT NULL DEFAULT 0 CHECK (identity IN (0, 1)),
  -- The call that is executing this row's identity now; null when none is.
  running_id            INTEGER,
  CHECK ((state IN ('settled', 'replayed')) = (cost_usd IS NOT NULL))
) STRICT;

CREATE INDEX calls_key ON calls (vault_key_id, id);
CREATE INDEX calls_task ON calls (task_id, id) WHERE task_id IS NOT NULL;
CREATE UNIQUE INDEX calls_identity ON calls (vault_key_id, idempotency_key, vendor)
  WHERE identity = 1;
CREATE INDEX calls_subject ON calls (subject_id) WHERE subject_id IS NOT NULL;
CREATE INDEX calls_open ON calls (vendor_object_id) WHERE state IN ('held', 'unknown');

-- Replies for replays, sealed, for 24 hours.
CREATE TABLE replies (
  call_id INTEGER PRIMARY KEY REFERENCES calls (id),
  sealed  BLOB NOT NULL
) STRICT;

-- What the ledger knows of a vendor's objects from the replies it saw, in micro-dollars.
CREATE TABLE objects (
  vendor   TEXT NOT NULL,
  account  TEXT NOT NULL,
  id       TEXT NOT NULL,
  -- Set: another name of that object (a PaymentIntent's charge), and nothing else here counts.
  alias_of TEXT,
  -- The whole amount, and micro-dollars per minor unit of its currency; null without a rate.
  amount   INTEGER,
  unit     INTEGER,
  -- Held and settled for it, on any key; and of that, what is settled.
  counted  INTEGER NOT NULL DEFAULT 0,
  settled  INTEGER NOT NULL DEFAULT 0,
  -- What moved for good; null while it may still move.
  moved    INTEGER,
  -- Given back or about to be.
  refunded INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (vendor, account, id)
) STRICT, WITHOUT ROWID;
