-- What is to be told of incidents: one version each, written with the change, forgotten when told.
-- The sequence is that of `incident_changes`: it comes in the order of the commits.
CREATE TABLE outbox (
    sequence BIGINT PRIMARY KEY,
    document TEXT NOT NULL
);
