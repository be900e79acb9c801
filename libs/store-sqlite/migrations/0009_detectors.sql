-- Detectors that administrators write: what is known of each, and its definition, which may be long.
CREATE TABLE detectors (
    name TEXT PRIMARY KEY NOT NULL,
    revision BIGINT NOT NULL,
    entry TEXT NOT NULL,
    definition TEXT NOT NULL
);
