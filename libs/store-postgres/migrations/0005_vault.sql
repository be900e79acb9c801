-- What is known of the vault's items; their content stands elsewhere, encrypted.
CREATE TABLE vault_items (
    id TEXT COLLATE "C" PRIMARY KEY,
    state TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX vault_by_age ON vault_items (received_at, id);
CREATE INDEX vault_by_state ON vault_items (state, received_at, id);
