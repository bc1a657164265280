-- Rates: an object keeps the currency and the rate of its first sight, in pico-dollars per minor
-- unit; what was micro-dollars before was dollars alone.
ALTER TABLE objects ADD COLUMN currency TEXT;
ALTER TABLE objects ADD COLUMN rate_date TEXT;
UPDATE objects SET unit = unit * 1000000, currency = 'usd' WHERE unit IS NOT NULL;

-- What had moved of an object before anything was known of it, which is no call's of ours.
ALTER TABLE objects ADD COLUMN elsewhere INTEGER NOT NULL DEFAULT 0;

-- Keys that runs have issued below this one, at any depth.
ALTER TABLE vault_keys ADD COLUMN delegated INTEGER NOT NULL DEFAULT 0;

ALTER TABLE calls ADD COLUMN rate_date TEXT;
-- The connected account that the call acted for, when it was not the account's own money.
ALTER TABLE calls ADD COLUMN on_behalf_of TEXT;

-- Open calls are looked for at the vendor: when next, how often already, and by what they can be
-- known there, which is kept no longer than the call is open.
ALTER TABLE calls ADD COLUMN look_at INTEGER;
ALTER TABLE calls ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
-- Those that are open already, by now; what is running is found as unknown at the start.
UPDATE calls SET look_at = 0
  WHERE state IN ('held', 'unknown') AND replay_of IS NULL AND running_id IS NULL;
ALTER TABLE calls ADD COLUMN clue TEXT;
-- When it was last sent again under its hold; null: never.
ALTER TABLE calls ADD COLUMN sent_at INTEGER;
-- Who said what became of a call whose own reply did not (`vendor`, or a management key), and why;
-- of a call that is open still, why nobody could.
ALTER TABLE calls ADD COLUMN resolved_by TEXT;
ALTER TABLE calls ADD COLUMN resolution TEXT;

CREATE INDEX calls_look ON calls (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX calls_resolved ON calls (vault_key_id, idempotency_key) WHERE resolved_by IS NOT NULL;

-- What other attempts of a task did: a task may have made thousands of calls, few of them alike.
CREATE INDEX calls_alike ON calls (task_id, fingerprint)
  WHERE task_id IS NOT NULL AND fingerprint IS NOT NULL;

-- A reply serves repetitions for 24 hours from when it was stored: what became of a call may be
-- found out a day after it was sent, and whoever asks again then must not execute it anew.
ALTER TABLE replies ADD COLUMN stored_at INTEGER NOT NULL DEFAULT 0;
UPDATE replies SET stored_at = (SELECT at FROM calls WHERE id = call_id);
CREATE INDEX replies_stored ON replies (stored_at);
