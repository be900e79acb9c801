-- Who may read and write what is held, and in which groups that stands.
CREATE TABLE access_policies (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE TABLE access_groups (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    document TEXT NOT NULL
);
