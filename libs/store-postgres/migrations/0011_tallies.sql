-- What is counted for first looks, kept beside the rows: who looks reads some hundred sums instead of a
-- million rows. Changes are added, never updated, so that nobody waits for another; now and then they are
-- folded into the sums (the program does so with the next number of a change). A count is both together.
CREATE TABLE tallies (
    what TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    policy_id TEXT COLLATE "C" NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (what, day, connection_id, policy_id, word)
);
CREATE TABLE tally_changes (
    what TEXT COLLATE "C" NOT NULL,
    day BIGINT NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    policy_id TEXT COLLATE "C" NOT NULL,
    word TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL
);

-- What an incident is counted as.
CREATE FUNCTION incident_tallies(
    policy TEXT, status TEXT, severity TEXT, verdict TEXT, repeat_of TEXT, created_at BIGINT
) RETURNS TABLE (what TEXT, day BIGINT, policy_id TEXT, word TEXT) LANGUAGE sql IMMUTABLE AS $$
    SELECT * FROM (VALUES
        ('status', 0::bigint, '', status),
        ('severity', 0, '', severity),
        ('day', created_at / 86400000000, '', severity),
        ('open', 0, policy, CASE WHEN status IN ('new', 'in_progress', 'reopened')
                                 AND repeat_of IS NULL THEN severity END),
        ('verdict', 0, policy, verdict)
    ) AS counted (what, day, policy_id, word) WHERE word IS NOT NULL
$$;

CREATE FUNCTION tally_new_incidents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_changes (what, day, connection_id, policy_id, word, n)
    SELECT one.what, one.day, new_rows.connection_id, one.policy_id, one.word, COUNT(*)
    FROM new_rows, incident_tallies(new_rows.policy_id, new_rows.status, new_rows.severity,
        new_rows.verdict, new_rows.repeat_of, new_rows.created_at) AS one
    GROUP BY 1, 2, 3, 4, 5;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_new AFTER INSERT ON incidents REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_incidents();

CREATE FUNCTION tally_incident() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_changes (what, day, connection_id, policy_id, word, n)
    SELECT what, day, OLD.connection_id, policy_id, word, -1 FROM incident_tallies(
        OLD.policy_id, OLD.status, OLD.severity, OLD.verdict, OLD.repeat_of, OLD.created_at);
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO tally_changes (what, day, connection_id, policy_id, word, n)
        SELECT what, day, NEW.connection_id, policy_id, word, 1 FROM incident_tallies(
            NEW.policy_id, NEW.status, NEW.severity, NEW.verdict, NEW.repeat_of, NEW.created_at);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_changed AFTER UPDATE ON incidents FOR EACH ROW
    WHEN ((OLD.status, OLD.severity, OLD.verdict, OLD.repeat_of)
        IS DISTINCT FROM (NEW.status, NEW.severity, NEW.verdict, NEW.repeat_of))
    EXECUTE FUNCTION tally_incident();
CREATE TRIGGER tally_gone AFTER DELETE ON incidents FOR EACH ROW EXECUTE FUNCTION tally_incident();

-- Remedies and quarantine items are counted by their state. The word is the trigger's argument.
CREATE FUNCTION tally_new_states() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_changes (what, day, connection_id, policy_id, word, n)
    SELECT TG_ARGV[0], 0, connection_id, '', state, COUNT(*) FROM new_rows GROUP BY 3, 5;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_changes VALUES (TG_ARGV[0], 0, OLD.connection_id, '', OLD.state, -1);
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO tally_changes VALUES (TG_ARGV[0], 0, NEW.connection_id, '', NEW.state, 1);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_new AFTER INSERT ON remedies REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_states('remedy');
CREATE TRIGGER tally_changed AFTER UPDATE ON remedies FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION tally_state('remedy');
CREATE TRIGGER tally_gone AFTER DELETE ON remedies FOR EACH ROW EXECUTE FUNCTION tally_state('remedy');
CREATE TRIGGER tally_new AFTER INSERT ON quarantine_items REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_states('quarantine');
CREATE TRIGGER tally_changed AFTER UPDATE ON quarantine_items FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION tally_state('quarantine');
CREATE TRIGGER tally_gone AFTER DELETE ON quarantine_items FOR EACH ROW
    EXECUTE FUNCTION tally_state('quarantine');

-- What is there already.
INSERT INTO tallies (what, day, connection_id, policy_id, word, n)
SELECT one.what, one.day, incidents.connection_id, one.policy_id, one.word, COUNT(*)
FROM incidents, incident_tallies(incidents.policy_id, status, severity, verdict, repeat_of, created_at) AS one
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO tallies SELECT 'remedy', 0, connection_id, '', state, COUNT(*) FROM remedies GROUP BY 3, 5;
INSERT INTO tallies SELECT 'quarantine', 0, connection_id, '', state, COUNT(*) FROM quarantine_items
GROUP BY 3, 5;

-- Activities are counted by connection, in several counters each: see the program.
DELETE FROM counters WHERE name LIKE 'activities.%';
INSERT INTO counters (name, value)
SELECT 'activities.' || connection_id || '.0', COUNT(*) FROM activities GROUP BY connection_id;

-- Answers to requests that ask to be carried out once.
CREATE TABLE kept_answers (
    owner TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    request TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL,
    sealed BYTEA,
    PRIMARY KEY (owner, key)
);
CREATE INDEX kept_answers_by_end ON kept_answers (until);

-- Lists are walked in their order: with what they are narrowed by beside it, a row that does not match costs no
-- look at the row itself.
DROP INDEX incidents_by_age;
CREATE INDEX incidents_listed ON incidents (created_at, id)
    INCLUDE (status, severity, connection_id, policy_id, verdict, owner, repeat_of);
CREATE INDEX activities_of_kind ON activities (event_type, received_at, sequence);
CREATE INDEX activities_of_connection_kind ON activities (connection_id, event_type, received_at, sequence);
CREATE INDEX activities_not_inspected ON activities (received_at, sequence) WHERE blind_spots <> '[]';

-- Texts are found by their groups of three letters, where Postgres has the extension: it is trusted, so that the
-- owner of a database may make it. Without it, and without the right to make it, a search that finds little
-- reads everything.
DO $$
DECLARE place TEXT;
BEGIN
    BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
    EXCEPTION WHEN OTHERS THEN
        RAISE NOTICE 'pg_trgm cannot be had (%): searches for texts will be slow', SQLERRM;
    END;
    SELECT nspname INTO place FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = 'pg_trgm';
    IF place IS NOT NULL THEN
        EXECUTE format('CREATE INDEX incidents_searched ON incidents USING gin (search %I.gin_trgm_ops)', place);
        EXECUTE format('CREATE INDEX activities_searched ON activities USING gin (search %I.gin_trgm_ops)', place);
    END IF;
END $$;
