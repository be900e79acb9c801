-- What people make of incidents, and which of them repeat others. What was recorded before is no
-- repeat and has no likeness: it is followed by nothing.
ALTER TABLE incidents ADD COLUMN owner TEXT;
ALTER TABLE incidents ADD COLUMN verdict TEXT;
ALTER TABLE incidents ADD COLUMN likeness TEXT;
ALTER TABLE incidents ADD COLUMN repeat_of TEXT;
ALTER TABLE incidents ADD COLUMN event_at BIGINT;
ALTER TABLE incidents ADD COLUMN taken_at BIGINT;
ALTER TABLE incidents ADD COLUMN qualified_at BIGINT;
ALTER TABLE incidents ADD COLUMN closed_at BIGINT;
CREATE INDEX incidents_of_owner ON incidents (owner, created_at, id) WHERE owner IS NOT NULL;
CREATE INDEX incidents_of_likeness ON incidents (likeness, created_at, id)
    WHERE likeness IS NOT NULL AND repeat_of IS NULL;
CREATE INDEX incidents_repeating ON incidents (repeat_of, id) WHERE repeat_of IS NOT NULL;
CREATE INDEX incidents_by_end ON incidents (closed_at) WHERE closed_at IS NOT NULL;
CREATE INDEX incidents_by_verdict ON incidents (policy_id, verdict) WHERE verdict IS NOT NULL;

-- What is let be, and until when at the latest.
CREATE TABLE exceptions (
    id TEXT PRIMARY KEY NOT NULL,
    policy_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX exceptions_by_age ON exceptions (created_at, id);
CREATE INDEX exceptions_by_end ON exceptions (until);

-- The filters of lists that people keep.
CREATE TABLE views (
    id TEXT PRIMARY KEY NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    shared BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (owner, name)
);
CREATE INDEX views_shared ON views (name, id) WHERE shared = 1;
