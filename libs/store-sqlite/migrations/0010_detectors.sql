-- Detectors that administrators write: what is known of each, and its definition, which may be long and is sealed.
CREATE TABLE detectors (
    name TEXT PRIMARY KEY NOT NULL,
    revision BIGINT NOT NULL,
    entry TEXT NOT NULL,
    sealed BLOB NOT NULL
);
