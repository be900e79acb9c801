-- Who may read and write what is held, and in which groups that stands.
CREATE TABLE access_policies (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE TABLE access_groups (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    version BIGINT NOT NULL,
    document TEXT NOT NULL
);
