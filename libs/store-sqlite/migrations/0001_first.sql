-- Times are microseconds since 1970 in UTC. Documents are JSON; what is searched, ordered or
-- counted by stands in columns beside them and is derived from them by the program.

CREATE TABLE connections (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    service TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX connections_by_age ON connections (created_at, id);

-- A forgotten grant keeps its row, so that its version never comes again.
CREATE TABLE grants (
    connection_id TEXT PRIMARY KEY NOT NULL,
    version BIGINT NOT NULL,
    sealed BLOB
);

CREATE TABLE client_secrets (
    connection_id TEXT PRIMARY KEY NOT NULL,
    sealed BLOB NOT NULL
);

CREATE TABLE webhook_secrets (
    connection_id TEXT PRIMARY KEY NOT NULL,
    sealed BLOB NOT NULL
);

CREATE TABLE consents (
    state_hash TEXT PRIMARY KEY NOT NULL,
    expires_at BIGINT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE INDEX consents_by_expiry ON consents (expires_at);

CREATE TABLE checkpoints (
    connection_id TEXT NOT NULL,
    stream TEXT NOT NULL,
    position TEXT NOT NULL,
    PRIMARY KEY (connection_id, stream)
);

-- A released lease keeps its row, so that its epoch never comes again.
CREATE TABLE leases (
    resource TEXT PRIMARY KEY NOT NULL,
    holder TEXT,
    epoch BIGINT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE policies (
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (id, version)
);
CREATE UNIQUE INDEX policies_one_version_in_use ON policies (id) WHERE enabled = 1;
CREATE UNIQUE INDEX policies_one_name_in_use ON policies (name) WHERE enabled = 1;

CREATE TABLE counters (
    name TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);

CREATE TABLE activities (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    connection_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    service TEXT NOT NULL,
    arrival TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    own BIGINT NOT NULL,
    event_type TEXT NOT NULL,
    actor_email TEXT,
    object_id TEXT,
    search TEXT NOT NULL,
    activity TEXT NOT NULL,
    provenance TEXT NOT NULL,
    blind_spots TEXT NOT NULL,
    raw TEXT NOT NULL,
    UNIQUE (event_id, connection_id)
);
CREATE INDEX activities_by_age ON activities (received_at, sequence);
CREATE INDEX activities_of_connection ON activities (connection_id, received_at, sequence);
CREATE INDEX activities_of_actor ON activities (actor_email, received_at, sequence)
    WHERE actor_email IS NOT NULL;
CREATE INDEX activities_on_object ON activities (object_id, received_at, sequence)
    WHERE object_id IS NOT NULL;

-- Activities whose content could not be had yet: they are looked at again.
CREATE TABLE awaited (
    event_id TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    reason TEXT NOT NULL,
    appended_at BIGINT NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (event_id, connection_id)
);
CREATE INDEX awaited_by_time ON awaited (due_at);

CREATE TABLE incidents (
    id TEXT PRIMARY KEY NOT NULL,
    number TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    policy_id TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    actor_email TEXT,
    object_id TEXT,
    search TEXT NOT NULL,
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

CREATE TABLE incident_changes (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id TEXT NOT NULL
);

CREATE TABLE remedies (
    id TEXT PRIMARY KEY NOT NULL,
    incident_id TEXT NOT NULL REFERENCES incidents (id),
    connection_id TEXT NOT NULL,
    object_id TEXT,
    kind TEXT NOT NULL,
    acts_in_service BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    of_id TEXT,
    state TEXT NOT NULL,
    open BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    holder TEXT,
    epoch BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    document TEXT NOT NULL
);
CREATE INDEX remedies_by_age ON remedies (created_at, id);
CREATE INDEX remedies_of_incident ON remedies (incident_id, ordinal);
CREATE INDEX remedies_of_connection ON remedies (connection_id, created_at, id);
CREATE INDEX remedies_by_state ON remedies (state, created_at, id);
CREATE INDEX remedies_open ON remedies (created_at, id) WHERE open = 1;
CREATE INDEX remedies_leased ON remedies (connection_id, object_id) WHERE lease_until IS NOT NULL;
CREATE INDEX remedies_of_remedy ON remedies (of_id) WHERE of_id IS NOT NULL;

CREATE TABLE quarantine_items (
    id TEXT PRIMARY KEY NOT NULL,
    connection_id TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    remedy_id TEXT NOT NULL,
    state TEXT NOT NULL,
    held_at BIGINT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX quarantine_by_age ON quarantine_items (held_at, id);
CREATE INDEX quarantine_of_incident ON quarantine_items (incident_id);
CREATE INDEX quarantine_of_remedy ON quarantine_items (remedy_id);
CREATE INDEX quarantine_by_state ON quarantine_items (state, held_at, id);

CREATE TABLE audit (
    sequence BIGINT PRIMARY KEY NOT NULL,
    id TEXT NOT NULL UNIQUE,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
);
