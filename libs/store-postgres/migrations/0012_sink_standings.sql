-- How far each stream of each sink has come, as who hands on noted it last.
CREATE TABLE sink_standings (
    sink TEXT COLLATE "C" NOT NULL,
    stream TEXT COLLATE "C" NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (sink, stream)
);
