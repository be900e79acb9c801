-- What is to be told of incidents: one version each, written with the change, forgotten when told.
CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY NOT NULL,
    document TEXT NOT NULL
);
