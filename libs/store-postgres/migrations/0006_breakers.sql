-- What policies did of their own accord, against their limits: one row an action, with whether it went on.

CREATE TABLE breaker_counts (
    remedy_id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    policy_id TEXT COLLATE "C" NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    goes_on BIGINT NOT NULL
);
CREATE INDEX breaker_counts_by_policy ON breaker_counts (policy_id, connection_id, at);
CREATE INDEX breaker_counts_held ON breaker_counts (policy_id, connection_id) WHERE goes_on = 0;

CREATE INDEX remedies_of_object ON remedies (connection_id, object_id, created_at, id);
