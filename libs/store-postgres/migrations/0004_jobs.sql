-- Work in the background: trials of policies on recorded activity, scans.
CREATE TABLE jobs (
    id TEXT COLLATE "C" PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX jobs_by_age ON jobs (created_at, id);
CREATE INDEX jobs_by_state ON jobs (kind, state, created_at, id);
CREATE INDEX jobs_of_subject ON jobs (subject, created_at, id) WHERE subject IS NOT NULL;
