-- Times are microseconds since 1970 in UTC. Documents are JSON, as text: what a service sent is kept
-- to the byte, and JSONB does not take every text. What is searched, ordered or counted by stands in
-- columns beside them and is derived from them by the program. Keys sort by their bytes.

CREATE TABLE connections (
    id TEXT COLLATE "C" PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL UNIQUE,
    service TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX connections_by_age ON connections (created_at, id);
CREATE INDEX connections_by_state ON connections (state, created_at, id);

-- A forgotten grant keeps its row, so that its version never comes again.
CREATE TABLE grants (
    connection_id TEXT COLLATE "C" PRIMARY KEY,
    version BIGINT NOT NULL,
    sealed BYTEA
);

CREATE TABLE client_secrets (
    connection_id TEXT COLLATE "C" PRIMARY KEY,
    sealed BYTEA NOT NULL
);

CREATE TABLE webhook_secrets (
    connection_id TEXT COLLATE "C" PRIMARY KEY,
    sealed BYTEA NOT NULL
);

CREATE TABLE consents (
    state_hash TEXT COLLATE "C" PRIMARY KEY,
    expires_at BIGINT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX consents_by_expiry ON consents (expires_at);

CREATE TABLE checkpoints (
    connection_id TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    position TEXT NOT NULL,
    PRIMARY KEY (connection_id, stream)
);

-- A released lease keeps its row, so that its epoch never comes again.
CREATE TABLE leases (
    resource TEXT COLLATE "C" PRIMARY KEY,
    holder TEXT COLLATE "C",
    epoch BIGINT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE policies (
    id TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    enabled BOOLEAN NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (id, version)
);
CREATE UNIQUE INDEX policies_one_version_in_use ON policies (id) WHERE enabled;
CREATE UNIQUE INDEX policies_one_name_in_use ON policies (name) WHERE enabled;

CREATE TABLE counters (
    name TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);

-- One row an activity, for as long as it is kept: a unique key of a partitioned table would have to
-- contain the moment that it is partitioned by.
CREATE TABLE activity_keys (
    event_id TEXT COLLATE "C" NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (event_id, connection_id)
);
CREATE INDEX activity_keys_by_age ON activity_keys (received_at);

CREATE SEQUENCE activity_sequence;

-- The program makes a partition a month, and drops those that are too old.
CREATE TABLE activities (
    sequence BIGINT NOT NULL DEFAULT nextval('activity_sequence'),
    connection_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    service TEXT COLLATE "C" NOT NULL,
    arrival TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    appended_at BIGINT,
    evaluated_at BIGINT,
    traceparent TEXT,
    own BOOLEAN NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    actor_email TEXT COLLATE "C",
    object_id TEXT COLLATE "C",
    search TEXT COLLATE "C" NOT NULL,
    activity TEXT NOT NULL,
    provenance TEXT NOT NULL,
    blind_spots TEXT NOT NULL,
    raw TEXT NOT NULL
) PARTITION BY RANGE (received_at);
CREATE INDEX activities_by_age ON activities (received_at, sequence);
CREATE INDEX activities_of_event ON activities (event_id, connection_id);
CREATE INDEX activities_of_connection ON activities (connection_id, received_at, sequence);
CREATE INDEX activities_of_actor ON activities (actor_email, received_at, sequence)
    WHERE actor_email IS NOT NULL;
CREATE INDEX activities_on_object ON activities (object_id, received_at, sequence)
    WHERE object_id IS NOT NULL;

-- Activities whose content could not be had yet: they are looked at again.
CREATE TABLE awaited (
    event_id TEXT COLLATE "C" NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    reason TEXT NOT NULL,
    appended_at BIGINT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (event_id, connection_id)
);
CREATE INDEX awaited_by_time ON awaited (due_at);

CREATE TABLE incidents (
    id TEXT COLLATE "C" PRIMARY KEY,
    number TEXT COLLATE "C" NOT NULL UNIQUE,
    status TEXT COLLATE "C" NOT NULL,
    severity TEXT COLLATE "C" NOT NULL,
    policy_id TEXT COLLATE "C" NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    event_id TEXT COLLATE "C" NOT NULL,
    actor_email TEXT COLLATE "C",
    object_id TEXT COLLATE "C",
    search TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    effect_at BIGINT,
    received_to_effect_ms BIGINT,
    document TEXT NOT NULL,
    UNIQUE (event_id, connection_id, policy_id)
);
CREATE INDEX incidents_by_age ON incidents (created_at, id);
CREATE INDEX incidents_by_status ON incidents (status, created_at, id);
CREATE INDEX incidents_by_severity ON incidents (severity, created_at, id);
CREATE INDEX incidents_of_connection ON incidents (connection_id, created_at, id);
CREATE INDEX incidents_of_policy ON incidents (policy_id, created_at, id);
CREATE INDEX incidents_of_actor ON incidents (actor_email, created_at, id);
CREATE INDEX incidents_on_object ON incidents (object_id, created_at, id);
CREATE INDEX incidents_by_effect ON incidents (effect_at) WHERE effect_at IS NOT NULL;

-- The sequence comes from `counters`, in the order of the commits: a reader that has seen one number
-- has seen every smaller one.
CREATE TABLE incident_changes (
    sequence BIGINT PRIMARY KEY,
    incident_id TEXT COLLATE "C" NOT NULL
);

CREATE TABLE remedies (
    id TEXT COLLATE "C" PRIMARY KEY,
    incident_id TEXT COLLATE "C" NOT NULL REFERENCES incidents (id),
    connection_id TEXT COLLATE "C" NOT NULL,
    object_id TEXT COLLATE "C",
    kind TEXT COLLATE "C" NOT NULL,
    acts_in_service BOOLEAN NOT NULL,
    ordinal BIGINT NOT NULL,
    of_id TEXT COLLATE "C",
    state TEXT COLLATE "C" NOT NULL,
    open BOOLEAN NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    holder TEXT COLLATE "C",
    epoch BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    document TEXT NOT NULL
);
CREATE INDEX remedies_by_age ON remedies (created_at, id);
CREATE INDEX remedies_of_incident ON remedies (incident_id, ordinal);
CREATE INDEX remedies_of_connection ON remedies (connection_id, created_at, id);
CREATE INDEX remedies_by_state ON remedies (state, created_at, id);
CREATE INDEX remedies_open ON remedies (created_at, ordinal, id) WHERE open;
CREATE INDEX remedies_leased ON remedies (connection_id, object_id) WHERE lease_until IS NOT NULL;
CREATE INDEX remedies_of_remedy ON remedies (of_id) WHERE of_id IS NOT NULL;

CREATE TABLE quarantine_items (
    id TEXT COLLATE "C" PRIMARY KEY,
    connection_id TEXT COLLATE "C" NOT NULL,
    incident_id TEXT COLLATE "C" NOT NULL,
    remedy_id TEXT COLLATE "C" NOT NULL,
    state TEXT COLLATE "C" NOT NULL,
    held_at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX quarantine_by_age ON quarantine_items (held_at, id);
CREATE INDEX quarantine_of_incident ON quarantine_items (incident_id);
CREATE INDEX quarantine_of_remedy ON quarantine_items (remedy_id);
CREATE INDEX quarantine_by_state ON quarantine_items (state, held_at, id);

CREATE TABLE audit (
    sequence BIGINT PRIMARY KEY,
    id TEXT COLLATE "C" NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
);

-- The call gate: which connections are closed, and which process may have calls under way for which.
CREATE TABLE gate_closed (
    connection_id TEXT COLLATE "C" PRIMARY KEY
);
CREATE TABLE gate_entries (
    connection_id TEXT COLLATE "C" NOT NULL,
    holder TEXT COLLATE "C" NOT NULL,
    ticket BIGINT NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (connection_id, holder)
);
CREATE INDEX gate_entries_of_holder ON gate_entries (holder);
