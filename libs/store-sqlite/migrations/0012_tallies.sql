-- What is counted for first looks, kept beside the rows by the statement that changes them: who looks reads some
-- hundred sums instead of every row.
CREATE TABLE tallies (
    what TEXT NOT NULL,
    day BIGINT NOT NULL,
    connection_id TEXT NOT NULL,
    policy_id TEXT NOT NULL,
    word TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (what, day, connection_id, policy_id, word)
) WITHOUT ROWID;

-- What each incident is counted as.
CREATE VIEW incident_tallies AS
SELECT id, 'status' AS what, 0 AS day, connection_id, '' AS policy_id, status AS word FROM incidents
UNION ALL SELECT id, 'severity', 0, connection_id, '', severity FROM incidents
UNION ALL SELECT id, 'day', created_at / 86400000000, connection_id, '', severity FROM incidents
UNION ALL SELECT id, 'open', 0, connection_id, policy_id, severity FROM incidents
    WHERE status IN ('new', 'in_progress', 'reopened') AND repeat_of IS NULL
UNION ALL SELECT id, 'verdict', 0, connection_id, policy_id, verdict FROM incidents WHERE verdict IS NOT NULL;

CREATE TRIGGER incidents_tallied AFTER INSERT ON incidents BEGIN
    INSERT INTO tallies SELECT what, day, connection_id, policy_id, word, 1 FROM incident_tallies
    WHERE id = NEW.id ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER incidents_tallied_before BEFORE UPDATE ON incidents
WHEN (OLD.status, OLD.severity, OLD.verdict, OLD.repeat_of)
    IS NOT (NEW.status, NEW.severity, NEW.verdict, NEW.repeat_of)
BEGIN
    INSERT INTO tallies SELECT what, day, connection_id, policy_id, word, -1 FROM incident_tallies
    WHERE id = OLD.id ON CONFLICT DO UPDATE SET n = n - 1;
END;
CREATE TRIGGER incidents_tallied_after AFTER UPDATE ON incidents
WHEN (OLD.status, OLD.severity, OLD.verdict, OLD.repeat_of)
    IS NOT (NEW.status, NEW.severity, NEW.verdict, NEW.repeat_of)
BEGIN
    INSERT INTO tallies SELECT what, day, connection_id, policy_id, word, 1 FROM incident_tallies
    WHERE id = NEW.id ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER incidents_tallied_gone BEFORE DELETE ON incidents BEGIN
    INSERT INTO tallies SELECT what, day, connection_id, policy_id, word, -1 FROM incident_tallies
    WHERE id = OLD.id ON CONFLICT DO UPDATE SET n = n - 1;
END;

CREATE TRIGGER remedies_tallied AFTER INSERT ON remedies BEGIN
    INSERT INTO tallies VALUES ('remedy', 0, NEW.connection_id, '', NEW.state, 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER remedies_tallied_again AFTER UPDATE ON remedies WHEN OLD.state <> NEW.state BEGIN
    INSERT INTO tallies VALUES ('remedy', 0, OLD.connection_id, '', OLD.state, -1)
    ON CONFLICT DO UPDATE SET n = n - 1;
    INSERT INTO tallies VALUES ('remedy', 0, NEW.connection_id, '', NEW.state, 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER remedies_tallied_gone AFTER DELETE ON remedies BEGIN
    INSERT INTO tallies VALUES ('remedy', 0, OLD.connection_id, '', OLD.state, -1)
    ON CONFLICT DO UPDATE SET n = n - 1;
END;
CREATE TRIGGER quarantine_tallied AFTER INSERT ON quarantine_items BEGIN
    INSERT INTO tallies VALUES ('quarantine', 0, NEW.connection_id, '', NEW.state, 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER quarantine_tallied_again AFTER UPDATE ON quarantine_items WHEN OLD.state <> NEW.state BEGIN
    INSERT INTO tallies VALUES ('quarantine', 0, OLD.connection_id, '', OLD.state, -1)
    ON CONFLICT DO UPDATE SET n = n - 1;
    INSERT INTO tallies VALUES ('quarantine', 0, NEW.connection_id, '', NEW.state, 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER quarantine_tallied_gone AFTER DELETE ON quarantine_items BEGIN
    INSERT INTO tallies VALUES ('quarantine', 0, OLD.connection_id, '', OLD.state, -1)
    ON CONFLICT DO UPDATE SET n = n - 1;
END;

INSERT INTO tallies SELECT what, day, connection_id, policy_id, word, COUNT(*) FROM incident_tallies
GROUP BY 1, 2, 3, 4, 5;
INSERT INTO tallies SELECT 'remedy', 0, connection_id, '', state, COUNT(*) FROM remedies GROUP BY 3, 5;
INSERT INTO tallies SELECT 'quarantine', 0, connection_id, '', state, COUNT(*) FROM quarantine_items GROUP BY 3, 5;
INSERT INTO tallies SELECT 'activity', 0, connection_id, '', '', COUNT(*) FROM activities GROUP BY 3;
DELETE FROM counters WHERE name = 'activities';

-- Answers to requests that ask to be carried out once.
CREATE TABLE kept_answers (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    until BIGINT NOT NULL,
    sealed BLOB,
    PRIMARY KEY (owner, key)
);
CREATE INDEX kept_answers_by_end ON kept_answers (until);

-- Lists are walked in their order: with what they are narrowed by beside it, a row that does not match costs no
-- look at the row itself.
DROP INDEX incidents_by_age;
CREATE INDEX incidents_listed ON incidents (created_at, id, status, severity, connection_id, policy_id, verdict,
    owner, repeat_of);
CREATE INDEX activities_of_kind ON activities (event_type, received_at, sequence);
CREATE INDEX activities_of_connection_kind ON activities (connection_id, event_type, received_at, sequence);
CREATE INDEX activities_not_inspected ON activities (received_at, sequence) WHERE blind_spots <> '[]';

-- Texts are found by their groups of three letters. An incident's place is a number that stays when the file is
-- vacuumed, which a bare rowid does not.
ALTER TABLE incidents ADD COLUMN place INTEGER;
UPDATE incidents SET place = rowid;
CREATE UNIQUE INDEX incidents_by_place ON incidents (place);
CREATE VIRTUAL TABLE incidents_found USING fts5(letters, content='', contentless_delete=1, detail='none',
    tokenize='trigram');
CREATE VIRTUAL TABLE activities_found USING fts5(letters, content='', contentless_delete=1, detail='none',
    tokenize='trigram');
INSERT INTO incidents_found (rowid, letters) SELECT place, search FROM incidents;
INSERT INTO activities_found (rowid, letters) SELECT sequence, search FROM activities;

CREATE TRIGGER incidents_placed AFTER INSERT ON incidents BEGIN
    UPDATE incidents SET place = (SELECT COALESCE(MAX(place), 0) + 1 FROM incidents) WHERE id = NEW.id;
    INSERT INTO incidents_found (rowid, letters) SELECT place, search FROM incidents WHERE id = NEW.id;
END;
CREATE TRIGGER incidents_reworded AFTER UPDATE ON incidents WHEN OLD.search <> NEW.search BEGIN
    DELETE FROM incidents_found WHERE rowid = OLD.place;
    INSERT INTO incidents_found (rowid, letters) VALUES (NEW.place, NEW.search);
END;
CREATE TRIGGER incidents_unplaced AFTER DELETE ON incidents BEGIN
    DELETE FROM incidents_found WHERE rowid = OLD.place;
END;
CREATE TRIGGER activities_counted AFTER INSERT ON activities BEGIN
    INSERT INTO tallies VALUES ('activity', 0, NEW.connection_id, '', '', 1)
    ON CONFLICT DO UPDATE SET n = n + 1;
    INSERT INTO activities_found (rowid, letters) VALUES (NEW.sequence, NEW.search);
END;
CREATE TRIGGER activities_uncounted AFTER DELETE ON activities BEGIN
    INSERT INTO tallies VALUES ('activity', 0, OLD.connection_id, '', '', -1)
    ON CONFLICT DO UPDATE SET n = n - 1;
    DELETE FROM activities_found WHERE rowid = OLD.sequence;
END;
