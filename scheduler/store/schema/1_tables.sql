-- Step 1: from an empty file to the tables. They are not public: programs and people read the views.
--
-- What is written for every result is kept small and apart from what is written once: `event` and `progress`
-- get a row of some 50 to 100 bytes each, `model` holds the parameters. There is no index but the keys:
-- where a table has rows of many searches, its id is search << 40 | number, so that those of one search lie
-- together. The number is the model's in `model` and `progress`; elsewhere it counts from 1.
-- In all other columns a model is its number alone.
--
-- Times (`..._at`, `at`) are seconds since 1970, UTC. A number that is not finite is stored as NULL.

PRAGMA application_id = 0x52554e47; -- "RUNG", as in store/file.h

CREATE TABLE search(
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL, -- the last one written, also when its process was killed since
    reason TEXT,
    spec TEXT NOT NULL,
    folder TEXT,
    algorithm TEXT,
    goal TEXT, -- 'minimize' or 'maximize'
    metric TEXT,
    version TEXT,
    host TEXT,
    program TEXT,
    notes TEXT,
    test_metrics TEXT,
    started_at REAL,
    finished_at REAL,
    elapsed REAL, -- seconds over all starts; written when a start ends
    calls_planned INTEGER,
    next_job INTEGER NOT NULL DEFAULT 1 -- raised by blocks ahead of use: no start ever repeats a number
);

CREATE TABLE bracket(
    search INTEGER,
    position INTEGER, -- the order in which they start
    bracket INTEGER NOT NULL,
    models INTEGER, -- NULL: no number is planned
    calls_planned INTEGER,
    rungs TEXT NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY(search, position)
) WITHOUT ROWID;

CREATE TABLE model(
    id INTEGER PRIMARY KEY,
    bracket INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    parameters TEXT NOT NULL
);

-- Of a model, made by its first result or failure: until then the model waits.
CREATE TABLE progress(
    id INTEGER PRIMARY KEY,
    status INTEGER NOT NULL, -- enum rung_row_status
    calls INTEGER NOT NULL,
    score REAL,
    fit_seconds REAL NOT NULL,
    event INTEGER, -- number of its last result, whose metrics the leaderboard shows
    state_bytes INTEGER,
    ended INTEGER NOT NULL DEFAULT 0, -- 1: it ended its bracket's last rung
    retried INTEGER NOT NULL DEFAULT 0, -- number of the last retry: failures before it count no more
    reason TEXT
);

-- The history that a resume replays, with the decisions that it must come to again.
CREATE TABLE event(
    id INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL, -- enum rung_row_kind
    seq INTEGER, -- counts the results alone
    model INTEGER,
    bracket INTEGER,
    rung INTEGER,
    calls INTEGER,
    score REAL,
    metrics TEXT,
    fit_seconds REAL,
    score_seconds REAL,
    examples INTEGER,
    trainer INTEGER,
    elapsed REAL,
    at REAL,
    decisions TEXT -- lines of a transcript; NULL: none
);

CREATE TABLE call(
    search INTEGER,
    model INTEGER,
    call INTEGER,
    fit_seconds REAL,
    metrics TEXT,
    PRIMARY KEY(search, model, call)
) WITHOUT ROWID;

CREATE TABLE failure(
    id INTEGER PRIMARY KEY,
    model INTEGER, -- NULL: a trainer that did not start
    from_call INTEGER,
    to_call INTEGER,
    attempt INTEGER,
    trainer INTEGER,
    kind TEXT NOT NULL,
    reason TEXT,
    log TEXT,
    at REAL,
    event INTEGER NOT NULL -- number of the last event before it
);

CREATE TABLE trainer(
    id INTEGER PRIMARY KEY,
    trainer INTEGER NOT NULL, -- its slot; whoever replaces it gets the slot and a row of its own
    host TEXT,
    kind TEXT,
    platform TEXT,
    model INTEGER, -- that it has now: makes the model's status `running`
    jobs INTEGER NOT NULL DEFAULT 0,
    busy_seconds REAL NOT NULL DEFAULT 0,
    joined_at REAL,
    left_at REAL, -- NULL: it is present
    reason TEXT
);
