/*
 * The schema, as SQL. The views are the public face (docs/database.md); the tables under them are not.
 *
 * What is written for every result is kept small and apart from what is written once: `event` and `progress`
 * get a row of some 50 to 100 bytes each, `model` holds the parameters. There is no index but the keys.
 */
#include "store/schema.h"

#include "rung/version.h"
#include "store/file.h"
#include "store/handle.h"

#define TEXT(x)  #x
#define VALUE(x) TEXT(x)

#define TABLES                                                                                               \
    "CREATE TABLE search("                                                                                   \
    " id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, status TEXT NOT NULL, reason TEXT,"                 \
    " spec TEXT NOT NULL, folder TEXT, algorithm TEXT, goal TEXT, metric TEXT, version TEXT, host TEXT,"     \
    " program TEXT, notes TEXT, test_metrics TEXT, started_at REAL, finished_at REAL, elapsed REAL,"         \
    " calls_planned INTEGER, next_job INTEGER NOT NULL DEFAULT 1);"                                          \
    "CREATE TABLE bracket("                                                                                  \
    " search INTEGER, position INTEGER, bracket INTEGER NOT NULL, models INTEGER, calls_planned INTEGER,"    \
    " rungs TEXT NOT NULL, ended INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(search, position)) WITHOUT ROWID;"  \
    "CREATE TABLE model("                                                                                    \
    " id INTEGER PRIMARY KEY, bracket INTEGER NOT NULL, seed INTEGER NOT NULL, parameters TEXT NOT NULL);"   \
    "CREATE TABLE progress(" /* of a model: made by its first result or failure */                           \
    " id INTEGER PRIMARY KEY, status INTEGER NOT NULL, calls INTEGER NOT NULL, score REAL,"                  \
    " fit_seconds REAL NOT NULL, event INTEGER, state_bytes INTEGER, ended INTEGER NOT NULL DEFAULT 0,"      \
    " retried INTEGER NOT NULL DEFAULT 0, reason TEXT);"                                                     \
    "CREATE TABLE event("                                                                                    \
    " id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, seq INTEGER, model INTEGER, bracket INTEGER,"           \
    " rung INTEGER, calls INTEGER, score REAL, metrics TEXT, fit_seconds REAL, score_seconds REAL,"          \
    " examples INTEGER, trainer INTEGER, elapsed REAL, at REAL, decisions TEXT);"                            \
    "CREATE TABLE call("                                                                                     \
    " search INTEGER, model INTEGER, call INTEGER, fit_seconds REAL, metrics TEXT,"                          \
    " PRIMARY KEY(search, model, call)) WITHOUT ROWID;"                                                      \
    "CREATE TABLE failure("                                                                                  \
    " id INTEGER PRIMARY KEY, model INTEGER, from_call INTEGER, to_call INTEGER, attempt INTEGER,"           \
    " trainer INTEGER, kind TEXT NOT NULL, reason TEXT, log TEXT, at REAL, event INTEGER NOT NULL);"         \
    "CREATE TABLE trainer("                                                                                  \
    " id INTEGER PRIMARY KEY, trainer INTEGER NOT NULL, host TEXT, kind TEXT, platform TEXT, model INTEGER," \
    " jobs INTEGER NOT NULL DEFAULT 0, busy_seconds REAL NOT NULL DEFAULT 0, joined_at REAL, left_at REAL,"  \
    " reason TEXT);"

/* The rows of one search, for tables with packed ids: a range. CROSS JOIN, and a + before other columns, make
 * the planner walk it, rather than build an index of its own over all searches. */
#define NUMBER(id)     id " & 1099511627775"
#define WITHIN(id, s)  id " BETWEEN " s ".id << 40 AND (" s ".id << 40) + 1099511627775"
#define TIME_OF(value) "strftime('%Y-%m-%dT%H:%M:%fZ', " value ", 'unixepoch')"

/* The order of the leaderboard: who ended a last rung with a finite score, who has one, the rest and the failed
 * (4); then by last score; then by number. */
#define BY_RANK                                                                                              \
    "CASE WHEN p.score IS NULL OR p.status = 4 THEN 2 ELSE p.ended = 0 END,"                                 \
    " p.score IS NULL, CASE s.goal WHEN 'minimize' THEN p.score ELSE -p.score END, m.id"

#define RUNNING_MODELS                                                                                       \
    "(SELECT DISTINCT t.id >> 40 << 40 | t.model AS id FROM trainer t JOIN search r ON r.id = t.id >> 40"    \
    " WHERE t.left_at IS NULL AND t.model IS NOT NULL AND r.status = 'running')"

#define MODEL_STATUS                                                                                         \
    "CASE WHEN run.id IS NOT NULL AND coalesce(p.status, 0) < 2 THEN 'running' ELSE"                         \
    " CASE coalesce(p.status, 0) WHEN 0 THEN 'waiting' WHEN 1 THEN 'paused' WHEN 2 THEN 'stopped'"           \
    " WHEN 3 THEN 'plateaued' WHEN 4 THEN 'failed' ELSE 'completed' END END"

#define VIEW_MODELS                                                                                          \
    "CREATE VIEW models AS SELECT s.name AS search, " NUMBER(                                                \
        "m.id") " AS model, m.bracket AS bracket,"                                                           \
                " " MODEL_STATUS " AS status, coalesce(p.calls, 0) AS calls, p.score AS score,"              \
                " m.parameters AS parameters, m.seed AS seed, p.reason AS reason"                            \
                " FROM search s CROSS JOIN model m ON " WITHIN(                                              \
                    "m.id", "s") " LEFT JOIN progress p ON p.id = m.id LEFT JOIN " RUNNING_MODELS            \
                                 " run ON run.id = m.id"                                                     \
                                 " ORDER BY s.id, m.id;"

/*
 * Ranks first, over ids alone; then the joins walk the ranks in order (CROSS JOIN fixes who is outermost), so
 * that nothing is sorted twice and a LIMIT ends the work early: an ORDER BY here made `limit 5` of 100,000
 * models four times as slow.
 */
#define VIEW_LEADERBOARD                                                                                     \
    "CREATE VIEW leaderboard AS SELECT r.search AS search, r.rank AS rank, " NUMBER(                         \
        "m.id") " AS model,"                                                                                 \
                " p.score AS score, " MODEL_STATUS                                                           \
                " AS status, m.bracket AS bracket, coalesce(p.calls, 0) AS calls,"                           \
                " coalesce(p.fit_seconds, 0.0) AS fit_seconds, m.parameters AS parameters, e.metrics AS "    \
                "metrics"                                                                                    \
                " FROM (SELECT s.name AS search, m.id AS id, row_number() OVER (PARTITION BY s.name ORDER "  \
                "BY " BY_RANK ") AS rank FROM search s CROSS JOIN model m ON " WITHIN(                       \
                    "m.id", "s") " LEFT JOIN progress p ON p.id = m.id) r"                                   \
                                 " CROSS JOIN model m ON m.id = r.id LEFT JOIN progress p ON p.id = r.id"    \
                                 " LEFT JOIN event e ON e.id = (r.id >> 40 << 40) + p.event"                 \
                                 " LEFT JOIN " RUNNING_MODELS " run ON run.id = r.id;"

#define VIEW_HISTORY                                                                                         \
    "CREATE VIEW history AS SELECT s.name AS search, e.seq AS seq, e.model AS model, e.bracket AS bracket,"  \
    " e.rung AS rung, e.calls AS partial_fit_calls, e.score AS score, e.metrics AS metrics,"                 \
    " e.fit_seconds AS partial_fit_time, e.score_seconds AS score_time, e.examples AS examples,"             \
    " e.trainer AS trainer, e.elapsed AS elapsed_wall_time, " TIME_OF(                                       \
        "e.at") " AS finished_at"                                                                            \
                " FROM search s CROSS JOIN event e ON " WITHIN(                                              \
                    "e.id", "s") " WHERE +e.kind = 1 ORDER BY s.id, e.id;"

#define VIEW_CALLS                                                                                           \
    "CREATE VIEW calls AS SELECT s.name AS search, c.model AS model, c.call AS call,"                        \
    " c.fit_seconds AS fit_seconds, c.metrics AS metrics"                                                    \
    " FROM search s CROSS JOIN call c ON c.search = s.id ORDER BY s.id, c.model, c.call;"

/* o: the row of `search` that the view is about; s: the same row again, since an ORDER BY sees no outer
 * names. */
#define OF_SEARCH                                                                                            \
    " FROM search s CROSS JOIN model m ON " WITHIN("m.id",                                                   \
                                                   "s") " JOIN progress p ON p.id = m.id WHERE s.id = o.id"
#define OF_BRACKET     OF_SEARCH " AND m.bracket = b.bracket"
#define BEST(what, of) " (SELECT " what of " AND p.score IS NOT NULL ORDER BY " BY_RANK " LIMIT 1)"

#define VIEW_BRACKETS                                                                                        \
    "CREATE VIEW brackets AS SELECT o.name AS search, b.bracket AS bracket,"                                 \
    " coalesce(b.models, (SELECT count(*) FROM model m WHERE " WITHIN(                                       \
        "m.id",                                                                                              \
        "o") " AND m.bracket = b.bracket)) AS models, b.rungs AS rungs, b.calls_planned AS calls_planned,"   \
             " coalesce((SELECT sum(p.calls)" OF_BRACKET "), 0) AS calls_done," BEST(                        \
                 "p.score", OF_BRACKET) " AS best_score,"                                                    \
                                        " CASE WHEN b.ended THEN 'finished'"                                 \
                                        " WHEN EXISTS (SELECT 1" OF_BRACKET                                  \
                                        ") OR EXISTS (SELECT 1 FROM trainer t JOIN model m"                  \
                                        " ON m.id = (o.id << 40) + t.model WHERE " WITHIN(                   \
                                            "t.id", "o") " AND t.left_at IS NULL AND m.bracket = b.bracket)" \
                                                         " THEN CASE WHEN o.status = 'running' THEN "        \
                                                         "'running' ELSE 'interrupted' END"                  \
                                                         " ELSE 'waiting' END AS status"                     \
                                                         " FROM search o CROSS JOIN bracket b ON b.search "  \
                                                         "= o.id ORDER BY o.id, b.position;"

/* A process that was killed left no total: then the last event's time is the best there is. */
#define ELAPSED                                                                                              \
    "max(coalesce(o.elapsed, 0.0), coalesce((SELECT e.elapsed FROM event e WHERE " WITHIN(                   \
        "e.id", "o") " ORDER BY e.id DESC LIMIT 1), 0.0))"

#define VIEW_SEARCHES                                                                                        \
    "CREATE VIEW searches AS SELECT o.name AS search, o.status AS status, o.reason AS reason,"               \
    " o.algorithm AS algorithm, " TIME_OF(                                                                   \
        "o.started_at") " AS started_at,"                                                                    \
                        " " TIME_OF(                                                                         \
                            "o.finished_at") " AS finished_at,"                                              \
                                             " (SELECT count(*) FROM model m WHERE " WITHIN(                 \
                                                 "m.id",                                                     \
                                                 "o") ") AS models,"                                         \
                                                      " o.calls_planned AS calls_planned,"                   \
                                                      " coalesce((SELECT sum(p.calls) FROM progress p "      \
                                                      "WHERE " WITHIN(                                       \
                                                          "p.id",                                            \
                                                          "o") "), 0) AS "                                   \
                                                               "calls_done," BEST(                           \
                                                                   "p.score",                                \
                                                                   OF_SEARCH) " AS "                         \
                                                                              "best_"                        \
                                                                              "score"                        \
                                                                              "," BEST(                      \
                                                                                  NUMBER("m.id"),            \
                                                                                  OF_SEARCH) " AS "          \
                                                                                             "best_model,"   \
                                                                                             " o.spec AS "   \
                                                                                             "spec, "        \
                                                                                             "o.version AS " \
                                                                                             "version, "     \
                                                                                             "o.host AS "    \
                                                                                             "host, "        \
                                                                                             "o.program AS " \
                                                                                             "program,"      \
                                                                                             " o.test_"      \
                                                                                             "metrics AS "   \
                                                                                             "test_metrics," \
                                                                                             " o.notes AS "  \
                                                                                             "notes,"        \
                                                                                             " " ELAPSED     \
                                                                                             " AS elapsed"   \
                                                                                             " FROM search " \
                                                                                             "o ORDER BY "   \
                                                                                             "o.id;"

#define VIEW_FAILURES                                                                                        \
    "CREATE VIEW failures AS SELECT s.name AS search, " NUMBER(                                              \
        "f.id") " AS seq, f.model AS model,"                                                                 \
                " f.from_call AS from_call, f.to_call AS to_call, f.attempt AS attempt, f.trainer AS "       \
                "trainer,"                                                                                   \
                " f.kind AS kind, f.reason AS reason, f.log AS log, " TIME_OF(                               \
                    "f.at") " AS at"                                                                         \
                            " FROM search s CROSS JOIN failure f ON " WITHIN("f.id",                         \
                                                                             "s") " ORDER BY s.id, f.id;"

#define VIEW_TRAINERS                                                                                        \
    "CREATE VIEW trainers AS SELECT s.name AS search, t.trainer AS trainer, t.host AS host,"                 \
    " t.kind AS kind, t.platform AS platform, t.jobs AS jobs, t.busy_seconds AS busy_seconds,"               \
    " " TIME_OF("t.joined_at") " AS joined_at, " TIME_OF(                                                    \
        "t.left_at") " AS left_at, t.reason AS reason"                                                       \
                     " FROM search s CROSS JOIN trainer t ON " WITHIN("t.id", "s") " ORDER BY s.id, t.id;"

const char *const rung_schema_steps[] = {
    "PRAGMA application_id = " VALUE(RUNG_FILE_APPLICATION) ";" TABLES VIEW_MODELS VIEW_LEADERBOARD
        VIEW_HISTORY VIEW_CALLS VIEW_BRACKETS VIEW_SEARCHES VIEW_FAILURES VIEW_TRAINERS,
};

_Static_assert(sizeof rung_schema_steps / sizeof *rung_schema_steps == RUNG_SCHEMA_VERSION,
               "a step per version");

int rung_schema_version(struct rung_store *store, int *version, struct rung_err *err)
{
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc != SQLITE_ROW) {
        rung_store_error(store, "cannot be opened", err);
        sqlite3_finalize(stmt);
        return err ? err->code : RUNG_EFAIL;
    }
    *version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return 0;
}

static int run_step(struct rung_store *store, const char *sql, int version, struct rung_err *err)
{
    char cookie[48];
    sqlite3_snprintf(sizeof cookie, cookie, "PRAGMA user_version = %d", version);
    const char *const parts[] = {"BEGIN IMMEDIATE", sql, cookie, "COMMIT"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (sqlite3_exec(store->db, parts[i], NULL, NULL, NULL) == SQLITE_OK)
            continue;
        int rc = rung_store_error(store, "cannot be given the present schema", err);
        if (!sqlite3_get_autocommit(store->db))
            sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
        return rc;
    }
    return 0;
}

int rung_schema_migrate(struct rung_store *store, const char *const *steps, int target, struct rung_err *err)
{
    int version, rc = rung_schema_version(store, &version, err);
    for (; rc == 0 && version < target; version++)
        rc = run_step(store, steps[version], version + 1, err);
    return rc;
}
