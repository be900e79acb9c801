-- What is known of the vault's items; their content stands elsewhere, encrypted.
CREATE TABLE vault_items (
    id TEXT PRIMARY KEY NOT NULL,
    state TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX vault_by_age ON vault_items (received_at, id);
CREATE INDEX vault_by_state ON vault_items (state, received_at, id);
