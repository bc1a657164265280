-- One value sealed under the master key that this ledger belongs to, so that a server with another
-- one is told apart before it answers anything: replies would not open, hours later.
CREATE TABLE master_key_check (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  sealed BLOB NOT NULL
) STRICT;
