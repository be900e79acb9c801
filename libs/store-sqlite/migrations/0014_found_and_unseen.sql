-- What was found in the content of incidents, and what could not be looked into, counted beside the rows as in
-- `tallies`; and indexes for what the console asks.

-- What was found, as `store_rows::found` writes it: detectors and labels. One text for all incidents with the same.
ALTER TABLE incidents ADD COLUMN found TEXT;
UPDATE incidents SET found = (
    SELECT '[' || group_concat(json_quote(mark), ',') || ']' FROM (
        SELECT DISTINCT mark FROM (
            SELECT 'd:' || json_extract(value, '$.detector') AS mark FROM json_each(document, '$.evidence')
            UNION ALL
            SELECT 'l:' || CASE
                WHEN expression LIKE '\_content.label(''%'')' ESCAPE '\' OR expression LIKE '\_content.label("%")' ESCAPE '\'
                    THEN substr(expression, 17, length(expression) - 18)
                WHEN expression LIKE '''%'' in \_content.labels' ESCAPE '\' OR expression LIKE '"%" in \_content.labels' ESCAPE '\'
                    THEN substr(expression, 2, length(expression) - 21)
            END
            FROM (SELECT json_extract(value, '$.expression') AS expression FROM json_tree(document, '$.trace')
                  WHERE type = 'object' AND json_extract(value, '$.value') = 'true')
        ) WHERE length(mark) BETWEEN 3 AND 258 AND mark NOT LIKE 'l:%''%' AND mark NOT LIKE 'l:%"%'
        ORDER BY mark LIMIT 32
    )
) WHERE document LIKE '%"detector":%' OR document LIKE '%\_content.label%' ESCAPE '\';
UPDATE incidents SET found = NULL WHERE length(CAST(found AS BLOB)) > 1000;
CREATE INDEX incidents_of_found ON incidents (found, created_at, id) WHERE found IS NOT NULL;
INSERT INTO tallies SELECT 'found', 0, connection_id, '', found, COUNT(*) FROM incidents WHERE found IS NOT NULL
GROUP BY 3, 5;
CREATE TRIGGER incidents_found_in AFTER INSERT ON incidents WHEN NEW.found IS NOT NULL BEGIN
    INSERT INTO tallies VALUES ('found', 0, NEW.connection_id, '', NEW.found, 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER incidents_found_gone AFTER DELETE ON incidents WHEN OLD.found IS NOT NULL BEGIN
    INSERT INTO tallies VALUES ('found', 0, OLD.connection_id, '', OLD.found, -1)
    ON CONFLICT DO UPDATE SET n = n - 1;
END;

-- Activities of a day with a blind spot of each reason; with the empty reason, those with any.
CREATE TABLE blind_spot_tallies (
    day BIGINT NOT NULL,
    connection_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    reason TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (day, connection_id, event_type, reason)
) WITHOUT ROWID;
CREATE TRIGGER blind_spots_tallied AFTER INSERT ON activities WHEN NEW.blind_spots <> '[]' BEGIN
    INSERT INTO blind_spot_tallies
    SELECT NEW.received_at / 86400000000, NEW.connection_id, NEW.event_type, reason, 1 FROM
        (SELECT json_extract(value, '$.reason') AS reason FROM json_each(NEW.blind_spots) UNION SELECT '')
    WHERE 1 = 1 ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER blind_spots_tallied_before BEFORE UPDATE OF blind_spots ON activities
WHEN OLD.blind_spots <> '[]' AND OLD.blind_spots <> NEW.blind_spots BEGIN
    INSERT INTO blind_spot_tallies
    SELECT OLD.received_at / 86400000000, OLD.connection_id, OLD.event_type, reason, -1 FROM
        (SELECT json_extract(value, '$.reason') AS reason FROM json_each(OLD.blind_spots) UNION SELECT '')
    WHERE 1 = 1 ON CONFLICT DO UPDATE SET n = n - 1;
END;
CREATE TRIGGER blind_spots_tallied_after AFTER UPDATE OF blind_spots ON activities
WHEN NEW.blind_spots <> '[]' AND OLD.blind_spots <> NEW.blind_spots BEGIN
    INSERT INTO blind_spot_tallies
    SELECT NEW.received_at / 86400000000, NEW.connection_id, NEW.event_type, reason, 1 FROM
        (SELECT json_extract(value, '$.reason') AS reason FROM json_each(NEW.blind_spots) UNION SELECT '')
    WHERE 1 = 1 ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER blind_spots_tallied_gone AFTER DELETE ON activities WHEN OLD.blind_spots <> '[]' BEGIN
    INSERT INTO blind_spot_tallies
    SELECT OLD.received_at / 86400000000, OLD.connection_id, OLD.event_type, reason, -1 FROM
        (SELECT json_extract(value, '$.reason') AS reason FROM json_each(OLD.blind_spots) UNION SELECT '')
    WHERE 1 = 1 ON CONFLICT DO UPDATE SET n = n - 1;
    DELETE FROM blind_spot_tallies WHERE day = OLD.received_at / 86400000000 AND connection_id = OLD.connection_id
    AND event_type = OLD.event_type AND n = 0;
END;
INSERT INTO blind_spot_tallies
SELECT received_at / 86400000000, connection_id, event_type, reason, COUNT(*) FROM (
    SELECT DISTINCT sequence, received_at, connection_id, event_type, json_extract(spot.value, '$.reason') AS reason
    FROM activities, json_each(blind_spots) AS spot WHERE blind_spots <> '[]'
    UNION ALL SELECT sequence, received_at, connection_id, event_type, '' FROM activities WHERE blind_spots <> '[]'
) GROUP BY 1, 2, 3, 4;

-- Who acted from where is found in the document: exactly one address, as the program writes it.
CREATE INDEX activities_from_address ON activities (activity ->> 'actor_ip_address', received_at, sequence);

-- Incidents of a person, an object, a connection, a policy, an owner: what else they are narrowed by stands beside, so
-- that what does not match costs no look at the row, whose document is long. The same for what a text's letters find.
DROP INDEX incidents_of_connection;
DROP INDEX incidents_of_policy;
DROP INDEX incidents_of_actor;
DROP INDEX incidents_on_object;
DROP INDEX incidents_of_owner;
CREATE INDEX incidents_of_connection ON incidents (connection_id, created_at, id, status, severity, policy_id, verdict,
    owner, repeat_of);
CREATE INDEX incidents_of_policy ON incidents (policy_id, created_at, id, status, severity, connection_id, verdict,
    owner, repeat_of);
CREATE INDEX incidents_of_actor ON incidents (actor_email, created_at, id, status, severity, connection_id, policy_id,
    verdict, owner, repeat_of);
CREATE INDEX incidents_on_object ON incidents (object_id, created_at, id, status, severity, connection_id, policy_id,
    verdict, owner, repeat_of);
CREATE INDEX incidents_of_owner ON incidents (owner, created_at, id, status, severity, connection_id, policy_id,
    verdict, repeat_of) WHERE owner IS NOT NULL;
CREATE INDEX activities_found_at ON activities (sequence, received_at, connection_id, event_type);
CREATE INDEX incidents_found_at ON incidents (place, created_at, id, status, severity, connection_id, policy_id,
    verdict, owner, repeat_of, actor_email, object_id);
