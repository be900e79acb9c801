-- How far each stream of each sink has come, as who hands on noted it last.
CREATE TABLE sink_standings (
    sink TEXT NOT NULL,
    stream TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (sink, stream)
);
