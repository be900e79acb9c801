-- Accounts, what proves their people (sealed), and what is found by a hash: links, sessions, tokens.
CREATE TABLE accounts (
    id TEXT COLLATE "C" PRIMARY KEY,
    name_key TEXT COLLATE "C" NOT NULL UNIQUE,
    subject_key TEXT COLLATE "C" UNIQUE,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX accounts_by_age ON accounts (created_at, id);
CREATE TABLE credentials (
    account_id TEXT COLLATE "C" PRIMARY KEY,
    version BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE TABLE account_links (
    hash TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX account_links_of ON account_links (account_id);
CREATE TABLE sessions (
    hash TEXT COLLATE "C" PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    owner TEXT COLLATE "C" NOT NULL,
    seen_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX sessions_of ON sessions (owner, seen_at, id);
CREATE INDEX sessions_by_end ON sessions (ends_at);
CREATE TABLE api_tokens (
    hash TEXT COLLATE "C" PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    account_id TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT,
    document TEXT NOT NULL
);
CREATE INDEX api_tokens_by_age ON api_tokens (created_at, id);
CREATE INDEX api_tokens_of ON api_tokens (account_id, created_at, id);
