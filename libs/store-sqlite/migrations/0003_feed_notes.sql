-- What is known of how completely the feeds were read, and which services asked for patience.

CREATE TABLE feed_gaps (
    connection_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    noted_at BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (connection_id, noted_at, stream)
);

CREATE TABLE feed_standings (
    connection_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    read_until BIGINT NOT NULL,
    PRIMARY KEY (connection_id, stream)
);

CREATE TABLE feed_pauses (
    connection_id TEXT PRIMARY KEY NOT NULL,
    until BIGINT NOT NULL
);
