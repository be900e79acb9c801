-- What was found in the content of incidents, and what could not be looked into, counted beside the rows as in
-- `tallies`; and indexes for what the console asks.

-- What was found, as `store_rows::found` writes it: detectors and labels. One text for all incidents with the same.
-- What is here already is read as text: a document may hold what no JSON of Postgres takes (`\u0000`), and a quote
-- within a value has a backslash before it.
ALTER TABLE incidents ADD COLUMN found TEXT COLLATE "C";
UPDATE incidents SET found = (
    SELECT '[' || string_agg(mark, ',' ORDER BY mark) || ']' FROM (
        SELECT DISTINCT mark FROM (
            SELECT '"d:' || one[1] || '"' AS mark
            FROM regexp_matches(document, '"detector":"((?:[^"\\]|\\.)+)","confidence":', 'g') AS one
            UNION ALL
            SELECT '"l:' || COALESCE(one[1], one[2]) || '"'
            FROM regexp_matches(document, '"expression":"(?:_content\.label\((?:''|\\")([^''"\\]{1,255})(?:''|\\")\)'
                '|(?:''|\\")([^''"\\]{1,255})(?:''|\\") in _content\.labels)","value":"true"', 'g') AS one
        ) AS marks ORDER BY mark LIMIT 32
    ) AS these
) WHERE document LIKE '%"detector":%' OR document LIKE '%\_content.label%';
UPDATE incidents SET found = NULL WHERE octet_length(found) > 1000;
CREATE INDEX incidents_of_found ON incidents (found, created_at, id) WHERE found IS NOT NULL;
INSERT INTO tallies SELECT 'found', 0, connection_id, '', found, COUNT(*) FROM incidents WHERE found IS NOT NULL
GROUP BY 3, 5;

CREATE FUNCTION tally_new_found() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_changes (what, day, connection_id, policy_id, word, n)
    SELECT 'found', 0, new_rows.connection_id, '', new_rows.found, COUNT(*) FROM new_rows
    WHERE new_rows.found IS NOT NULL GROUP BY 3, 5;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_found_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tally_changes VALUES ('found', 0, OLD.connection_id, '', OLD.found, -1);
    RETURN NULL;
END $$;
CREATE TRIGGER found_new AFTER INSERT ON incidents REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION tally_new_found();
CREATE TRIGGER found_gone AFTER DELETE ON incidents FOR EACH ROW WHEN (OLD.found IS NOT NULL)
    EXECUTE FUNCTION tally_found_gone();

-- Activities of a day with a blind spot of each reason; with the empty reason, those with any. Changes are added and
-- now and then folded into the sums, as with `tallies`.
CREATE TABLE blind_spot_tallies (
    day BIGINT NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (day, connection_id, event_type, reason)
);
CREATE TABLE blind_spot_changes (
    day BIGINT NOT NULL,
    connection_id TEXT COLLATE "C" NOT NULL,
    event_type TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    n BIGINT NOT NULL
);
CREATE FUNCTION blind_spot_reasons(blind_spots TEXT) RETURNS SETOF TEXT LANGUAGE sql IMMUTABLE AS $$
    SELECT left(one[1], 256) FROM regexp_matches(blind_spots, '"reason":"((?:[^"\\]|\\.)+)","detail":', 'g') AS one
    UNION SELECT ''
$$;
CREATE FUNCTION tally_blind_spots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.blind_spots <> '[]' THEN
        INSERT INTO blind_spot_changes SELECT OLD.received_at / 86400000000, OLD.connection_id, OLD.event_type,
            reason, -1 FROM blind_spot_reasons(OLD.blind_spots) AS reason;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.blind_spots <> '[]' THEN
        INSERT INTO blind_spot_changes SELECT NEW.received_at / 86400000000, NEW.connection_id, NEW.event_type,
            reason, 1 FROM blind_spot_reasons(NEW.blind_spots) AS reason;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER blind_spots_new AFTER INSERT ON activities FOR EACH ROW WHEN (NEW.blind_spots <> '[]')
    EXECUTE FUNCTION tally_blind_spots();
CREATE TRIGGER blind_spots_changed AFTER UPDATE ON activities FOR EACH ROW
    WHEN (OLD.blind_spots <> NEW.blind_spots) EXECUTE FUNCTION tally_blind_spots();
CREATE TRIGGER blind_spots_gone AFTER DELETE ON activities FOR EACH ROW WHEN (OLD.blind_spots <> '[]')
    EXECUTE FUNCTION tally_blind_spots();
INSERT INTO blind_spot_tallies
SELECT received_at / 86400000000, connection_id, event_type, reason, COUNT(*)
FROM activities, blind_spot_reasons(blind_spots) AS reason WHERE blind_spots <> '[]' GROUP BY 1, 2, 3, 4;

-- Who acted from where is found in the document: exactly one address, as the program writes it. An index entry has a
-- bound, so a longer one is cut.
CREATE INDEX activities_from_address ON activities
    (left(split_part(split_part(activity, '"actor_ip_address":"', 2), '"', 1), 64), received_at, sequence);

-- Incidents of a person, an object, a connection, a policy, an owner: what else they are narrowed by stands beside, so
-- that what does not match costs no look at the row. The same for the figures of people's work and of effects.
DROP INDEX incidents_of_connection;
DROP INDEX incidents_of_policy;
DROP INDEX incidents_of_actor;
DROP INDEX incidents_on_object;
DROP INDEX incidents_of_owner;
DROP INDEX incidents_by_end;
DROP INDEX incidents_by_effect;
CREATE INDEX incidents_of_connection ON incidents (connection_id, created_at, id)
    INCLUDE (status, severity, policy_id, verdict, owner, repeat_of);
CREATE INDEX incidents_of_policy ON incidents (policy_id, created_at, id)
    INCLUDE (status, severity, connection_id, verdict, owner, repeat_of);
CREATE INDEX incidents_of_actor ON incidents (actor_email, created_at, id)
    INCLUDE (status, severity, connection_id, policy_id, verdict, owner, repeat_of);
CREATE INDEX incidents_on_object ON incidents (object_id, created_at, id)
    INCLUDE (status, severity, connection_id, policy_id, verdict, owner, repeat_of);
CREATE INDEX incidents_of_owner ON incidents (owner, created_at, id)
    INCLUDE (status, severity, connection_id, policy_id, verdict, repeat_of) WHERE owner IS NOT NULL;
CREATE INDEX incidents_by_end ON incidents (closed_at)
    INCLUDE (event_at, created_at, taken_at, qualified_at, connection_id) WHERE closed_at IS NOT NULL;
CREATE INDEX incidents_by_effect ON incidents (effect_at)
    INCLUDE (received_to_effect_ms, connection_id) WHERE effect_at IS NOT NULL;
