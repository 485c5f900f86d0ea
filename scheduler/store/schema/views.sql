-- The public views, described in docs/database.md. They only ever gain columns, at the end. The last step of
-- a migration makes them anew; SQLite keeps their text with its comments, for `.schema` to show.
--
-- What many of them say:
--   id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
--                      the rows of search s, a range of ids; id & 0xffffffffff is the number in the search
--   CROSS JOIN, +kind  keep SQLite's planner on that range: else it builds an index of its own over all searches
--   p.status           enum rung_row_status in store/schema.h:
--                      0 waiting, 1 paused, 2 stopped, 3 plateaued, 4 failed, 5 completed

DROP VIEW IF EXISTS models;
DROP VIEW IF EXISTS leaderboard;
DROP VIEW IF EXISTS history;
DROP VIEW IF EXISTS calls;
DROP VIEW IF EXISTS brackets;
DROP VIEW IF EXISTS searches;
DROP VIEW IF EXISTS failures;
DROP VIEW IF EXISTS trainers;

CREATE VIEW models AS
WITH running AS (
    SELECT DISTINCT (t.id >> 40 << 40) + t.model AS id
    FROM trainer t
    JOIN search s ON s.id = t.id >> 40
    WHERE t.left_at IS NULL AND t.model IS NOT NULL AND s.status = 'running'
)
SELECT
    s.name AS search,
    m.id & 0xffffffffff AS model,
    m.bracket AS bracket,
    CASE
        WHEN p.status = 2 THEN 'stopped'
        WHEN p.status = 3 THEN 'plateaued'
        WHEN p.status = 4 THEN 'failed'
        WHEN p.status = 5 THEN 'completed'
        WHEN running.id IS NOT NULL THEN 'running'
        WHEN p.status = 1 THEN 'paused'
        ELSE 'waiting'
    END AS status,
    coalesce(p.calls, 0) AS calls,
    p.score AS score,
    m.parameters AS parameters,
    m.seed AS seed,
    p.reason AS reason
FROM search s
CROSS JOIN model m ON m.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
LEFT JOIN progress p ON p.id = m.id
LEFT JOIN running ON running.id = m.id
ORDER BY s.id, m.id;

-- Ranks first, over ids alone; then the joins walk the ranks in order (CROSS JOIN fixes who is outermost), so
-- that nothing is sorted twice and a LIMIT ends the work early: with an ORDER BY at the end `limit 5` of
-- 100,000 models takes four times as long.
CREATE VIEW leaderboard AS
WITH ranked AS (
    SELECT
        s.name AS search,
        m.id AS id,
        row_number() OVER (
            PARTITION BY s.name
            ORDER BY
                CASE
                    WHEN p.score IS NULL OR p.status = 4 THEN 2 -- 4: failed, whatever its score was
                    WHEN p.ended THEN 0
                    ELSE 1
                END,
                p.score IS NULL,
                CASE s.goal WHEN 'minimize' THEN p.score ELSE -p.score END,
                m.id
        ) AS rank
    FROM search s
    CROSS JOIN model m ON m.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
    LEFT JOIN progress p ON p.id = m.id
),
running AS ( -- and the CASE for status: as in models
    SELECT DISTINCT (t.id >> 40 << 40) + t.model AS id
    FROM trainer t
    JOIN search s ON s.id = t.id >> 40
    WHERE t.left_at IS NULL AND t.model IS NOT NULL AND s.status = 'running'
)
SELECT
    ranked.search AS search,
    ranked.rank AS rank,
    m.id & 0xffffffffff AS model,
    p.score AS score,
    CASE
        WHEN p.status = 2 THEN 'stopped'
        WHEN p.status = 3 THEN 'plateaued'
        WHEN p.status = 4 THEN 'failed'
        WHEN p.status = 5 THEN 'completed'
        WHEN running.id IS NOT NULL THEN 'running'
        WHEN p.status = 1 THEN 'paused'
        ELSE 'waiting'
    END AS status,
    m.bracket AS bracket,
    coalesce(p.calls, 0) AS calls,
    coalesce(p.fit_seconds, 0.0) AS fit_seconds,
    m.parameters AS parameters,
    e.metrics AS metrics
FROM ranked
CROSS JOIN model m ON m.id = ranked.id
LEFT JOIN progress p ON p.id = ranked.id
LEFT JOIN event e ON e.id = (ranked.id >> 40 << 40) + p.event
LEFT JOIN running ON running.id = ranked.id;

CREATE VIEW history AS
SELECT
    s.name AS search,
    e.seq AS seq,
    e.model AS model,
    e.bracket AS bracket,
    e.rung AS rung,
    e.calls AS partial_fit_calls,
    e.score AS score,
    e.metrics AS metrics,
    e.fit_seconds AS partial_fit_time,
    e.score_seconds AS score_time,
    e.examples AS examples,
    e.trainer AS trainer,
    e.elapsed AS elapsed_wall_time,
    strftime('%Y-%m-%dT%H:%M:%fZ', e.at, 'unixepoch') AS finished_at
FROM search s
CROSS JOIN event e ON e.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
WHERE +e.kind = 1 -- results
ORDER BY s.id, e.id;

CREATE VIEW calls AS
SELECT
    s.name AS search,
    c.model AS model,
    c.call AS call,
    c.fit_seconds AS fit_seconds,
    c.metrics AS metrics
FROM search s
CROSS JOIN call c ON c.search = s.id
ORDER BY s.id, c.model, c.call;

-- The best of a bracket or a search is the one that ranks first in the leaderboard: its order, of which no
-- more is left where failed models and those without a score are out. A subquery's ORDER BY sees no outer
-- names, so it joins the row of the search once more, as `same`.
CREATE VIEW brackets AS
SELECT
    s.name AS search,
    b.bracket AS bracket,
    coalesce(b.models, (
        SELECT count(*)
        FROM model m
        WHERE m.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff AND m.bracket = b.bracket
    )) AS models,
    b.rungs AS rungs,
    b.calls_planned AS calls_planned,
    coalesce((
        SELECT sum(p.calls)
        FROM model m
        JOIN progress p ON p.id = m.id
        WHERE m.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff AND m.bracket = b.bracket
    ), 0) AS calls_done,
    (
        SELECT p.score
        FROM search same
        CROSS JOIN model m ON m.id BETWEEN same.id << 40 AND (same.id << 40) + 0xffffffffff
        JOIN progress p ON p.id = m.id
        WHERE same.id = s.id AND m.bracket = b.bracket
            AND p.score IS NOT NULL AND p.status <> 4 -- failed
        ORDER BY p.ended DESC, CASE same.goal WHEN 'minimize' THEN p.score ELSE -p.score END, m.id
        LIMIT 1
    ) AS best_score,
    CASE
        WHEN b.ended THEN 'finished'
        WHEN NOT EXISTS ( -- a model that has come to something
            SELECT 1
            FROM model m
            JOIN progress p ON p.id = m.id
            WHERE m.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff AND m.bracket = b.bracket
        ) AND NOT EXISTS ( -- or is with a trainer
            SELECT 1
            FROM trainer t
            JOIN model m ON m.id = (s.id << 40) + t.model
            WHERE t.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
                AND t.left_at IS NULL AND m.bracket = b.bracket
        ) THEN 'waiting'
        WHEN s.status = 'running' THEN 'running'
        ELSE 'interrupted'
    END AS status
FROM search s
CROSS JOIN bracket b ON b.search = s.id
ORDER BY s.id, b.position;

CREATE VIEW searches AS
SELECT
    s.name AS search,
    s.status AS status,
    s.reason AS reason,
    s.algorithm AS algorithm,
    strftime('%Y-%m-%dT%H:%M:%fZ', s.started_at, 'unixepoch') AS started_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', s.finished_at, 'unixepoch') AS finished_at,
    (
        SELECT count(*)
        FROM model m
        WHERE m.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
    ) AS models,
    s.calls_planned AS calls_planned,
    coalesce((
        SELECT sum(p.calls)
        FROM progress p
        WHERE p.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
    ), 0) AS calls_done,
    best.score AS best_score,
    best.id & 0xffffffffff AS best_model,
    s.spec AS spec,
    s.version AS version,
    s.host AS host,
    s.program AS program,
    s.test_metrics AS test_metrics,
    s.notes AS notes,
    -- a process that was killed left no total: then the last event's time is the best there is
    max(coalesce(s.elapsed, 0.0), coalesce((
        SELECT e.elapsed
        FROM event e
        WHERE e.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
        ORDER BY e.id DESC
        LIMIT 1
    ), 0.0)) AS elapsed
FROM search s
LEFT JOIN progress best ON best.id = (
    SELECT p.id
    FROM search same
    CROSS JOIN progress p ON p.id BETWEEN same.id << 40 AND (same.id << 40) + 0xffffffffff
    WHERE same.id = s.id AND p.score IS NOT NULL AND p.status <> 4 -- failed
    ORDER BY p.ended DESC, CASE same.goal WHEN 'minimize' THEN p.score ELSE -p.score END, p.id
    LIMIT 1
)
ORDER BY s.id;

CREATE VIEW failures AS
SELECT
    s.name AS search,
    f.id & 0xffffffffff AS seq,
    f.model AS model,
    f.from_call AS from_call,
    f.to_call AS to_call,
    f.attempt AS attempt,
    f.trainer AS trainer,
    f.kind AS kind,
    f.reason AS reason,
    f.log AS log,
    strftime('%Y-%m-%dT%H:%M:%fZ', f.at, 'unixepoch') AS at
FROM search s
CROSS JOIN failure f ON f.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
ORDER BY s.id, f.id;

CREATE VIEW trainers AS
SELECT
    s.name AS search,
    t.trainer AS trainer,
    t.host AS host,
    t.kind AS kind,
    t.platform AS platform,
    t.jobs AS jobs,
    t.busy_seconds AS busy_seconds,
    strftime('%Y-%m-%dT%H:%M:%fZ', t.joined_at, 'unixepoch') AS joined_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', t.left_at, 'unixepoch') AS left_at,
    t.reason AS reason
FROM search s
CROSS JOIN trainer t ON t.id BETWEEN s.id << 40 AND (s.id << 40) + 0xffffffffff
ORDER BY s.id, t.id;
