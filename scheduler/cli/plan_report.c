/* Printing plans. */
#include "cli/plan_report.h"

#include "base/json.h"
#include "cli/human.h"

#include <math.h>
#include <stdio.h>

/* Where models are drawn until a limit stops the search, their number is not known: 0 in the plan, null here.
 */
static struct rung_cell count_cell(int64_t count)
{
    return (struct rung_cell){.type = count > 0 ? RUNG_CELL_INTEGER : RUNG_CELL_NULL, .integer = count};
}

static struct rung_cell real_cell(double value)
{
    return (struct rung_cell){.type = isfinite(value) ? RUNG_CELL_REAL : RUNG_CELL_NULL, .real = value};
}

/* The forecast of a bracket does not depend on the number of trainers but for their sharing of the machine:
 * that of the fewest is shown. */
static const struct rung_outlook *first_outlook(const struct rung_costing *costing)
{
    return costing->count > 0 ? &costing->outlooks[0] : NULL;
}

/* ---- JSON ---- */

static void write_count(struct rung_buf *out, const char *key, int64_t count)
{
    rung_buf_printf(out, "\"%s\":", key);
    if (count > 0)
        rung_json_write_integer(out, count);
    else
        rung_buf_text(out, "null");
}

static void write_number(struct rung_buf *out, const char *key, double number)
{
    rung_buf_printf(out, ",\"%s\":", key);
    rung_json_write_number(out, number);
}

static void write_amount(struct rung_buf *out, const char *key, const struct rung_amount *amount)
{
    rung_buf_printf(out, ",\"%s\":", key);
    if (!amount) {
        rung_buf_text(out, "null");
        return;
    }
    rung_buf_text(out, "{\"value\":");
    rung_json_write_number(out, amount->value);
    write_number(out, "low", amount->low);
    write_number(out, "high", amount->high);
    rung_buf_char(out, '}');
}

static void write_rungs(struct rung_buf *out, const struct rung_plan_bracket *bracket)
{
    rung_buf_char(out, '[');
    for (size_t i = 0; i < bracket->rung_count; i++) {
        rung_buf_text(out, i ? ",{" : "{");
        write_count(out, "models", bracket->rungs[i].models);
        rung_buf_char(out, ',');
        write_count(out, "calls", bracket->rungs[i].calls);
        rung_buf_char(out, '}');
    }
    rung_buf_char(out, ']');
}

static void write_brackets(struct rung_buf *out, const struct rung_plan_report *report,
                           const struct rung_outlook *outlook)
{
    const struct rung_plan *plan = report->plan;

    rung_buf_text(out, ",\"brackets\":[");
    for (size_t i = 0; i < plan->bracket_count; i++) {
        const struct rung_plan_bracket *bracket = &plan->brackets[i];
        rung_buf_printf(out, "%s{\"bracket\":%u,", i ? "," : "", bracket->bracket);
        write_count(out, "models", bracket->rungs[0].models);
        rung_buf_char(out, ',');
        write_count(out, "calls", bracket->calls);
        rung_buf_text(out, ",\"rungs\":");
        write_rungs(out, bracket);
        if (report->costs) {
            write_amount(out, "trainer_seconds", outlook ? &outlook->brackets[i] : NULL);
            write_number(out, "expected_calls", outlook ? outlook->bracket_calls[i] : NAN);
        }
        rung_buf_char(out, '}');
    }
    rung_buf_char(out, ']');
}

static void write_wall(struct rung_buf *out, const struct rung_costing *costing)
{
    rung_buf_text(out, ",\"wall\":[");
    for (size_t i = 0; i < costing->count; i++) {
        const struct rung_outlook *outlook = &costing->outlooks[i];
        rung_buf_printf(out, "%s{\"trainers\":%zu,\"seconds\":", i ? "," : "", costing->trainers[i]);
        rung_json_write_number(out, outlook->seconds.value);
        write_number(out, "low", outlook->seconds.low);
        write_number(out, "high", outlook->seconds.high);
        write_amount(out, "trainer_seconds", &outlook->trainer_seconds);
        write_number(out, "utilisation", outlook->utilisation);
        write_number(out, "overhead_seconds", outlook->overhead);
        write_number(out, "idle_barrier_seconds", outlook->idle_barrier);
        write_number(out, "idle_no_work_seconds", outlook->idle_no_work);
        rung_buf_char(out, '}');
    }
    rung_buf_char(out, ']');
}

static void write_proposal(struct rung_buf *out, const struct rung_plan_report *report)
{
    const struct rung_proposal *proposal = report->proposal;

    rung_buf_text(out, ",\"proposal\":");
    if (!proposal || !proposal->found) {
        rung_buf_text(out, "null");
        return;
    }
    rung_buf_char(out, '{');
    write_count(out, "max_iter", proposal->max_iter);
    rung_buf_char(out, ',');
    write_count(out, "models", proposal->models);
    rung_buf_char(out, ',');
    write_count(out, "calls", proposal->calls);
    if (report->budget == 0) {
        rung_buf_printf(out, ",\"trainers\":%zu", proposal->trainers);
        write_amount(out, "seconds", &proposal->seconds);
    }
    rung_buf_text(out, ",\"change\":");
    rung_json_write_string(out, rung_buf_cstr(&proposal->change));
    rung_buf_char(out, '}');
}

static void write_costs(struct rung_buf *out, const struct rung_plan_report *report,
                        const struct rung_outlook *outlook)
{
    write_amount(out, "trainer_seconds", outlook ? &outlook->trainer_seconds : NULL);
    write_wall(out, report->costing);
    write_number(out, "state_bytes", report->costing->state_bytes);
    rung_buf_printf(out, ",\"observations\":%zu,\"basis\":", outlook ? outlook->observations : 0);
    rung_json_write_string(out, rung_buf_cstr(&report->costing->basis));
    write_proposal(out, report);
}

static void print_json(const struct rung_plan_report *report)
{
    const struct rung_outlook *outlook = first_outlook(report->costing);
    struct rung_buf out;

    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_buf_char(&out, '{');
    write_count(&out, "models", report->plan->models);
    rung_buf_char(&out, ',');
    write_count(&out, "calls", report->plan->calls);
    rung_buf_char(&out, ',');
    write_count(&out, "scores", report->plan->scores);
    write_brackets(&out, report, outlook);
    if (report->costs)
        write_costs(&out, report, outlook);
    rung_buf_char(&out, '}');
    puts(rung_buf_cstr(&out));
    rung_buf_free(&out);
}

/* ---- tables ---- */

static void append_amount(struct rung_buf *out, const struct rung_amount *amount)
{
    rung_human_seconds(out, amount->value);
    rung_buf_text(out, " (");
    rung_human_seconds(out, amount->low);
    rung_buf_text(out, " to ");
    rung_human_seconds(out, amount->high);
    rung_buf_char(out, ')');
}

/* For programs: the columns there always were, then what is new. */
static void print_csv(const struct rung_plan_report *report)
{
    static const char *const names[] = {"bracket",         "models", "calls", "rungs",
                                        "trainer_seconds", "low",    "high"};
    const struct rung_outlook *outlook = first_outlook(report->costing);
    struct rung_rows *rows = rung_rows_create(stdout, RUNG_FORMAT_CSV, names, report->costs ? 7 : 4, 0);
    struct rung_buf rungs;

    rung_buf_init(&rungs, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < report->plan->bracket_count; i++) {
        const struct rung_plan_bracket *bracket = &report->plan->brackets[i];
        rung_buf_clear(&rungs);
        write_rungs(&rungs, bracket);
        rung_rows_add(rows, (struct rung_cell[]){{.type = RUNG_CELL_INTEGER, .integer = bracket->bracket},
                                                 count_cell(bracket->rungs[0].models),
                                                 count_cell(bracket->calls),
                                                 {.type = RUNG_CELL_JSON, .text = rung_buf_cstr(&rungs)},
                                                 real_cell(outlook ? outlook->brackets[i].value : NAN),
                                                 real_cell(outlook ? outlook->brackets[i].low : NAN),
                                                 real_cell(outlook ? outlook->brackets[i].high : NAN)});
    }
    rung_rows_end(rows);
    rung_buf_free(&rungs);
}

static void print_brackets(const struct rung_plan_report *report)
{
    static const char *const with[] = {"bracket", "models", "calls", "trainer time", "rungs"};
    static const char *const without[] = {"bracket", "models", "calls", "rungs"};
    const struct rung_outlook *outlook = first_outlook(report->costing);
    struct rung_rows *rows = rung_rows_create(stdout, RUNG_FORMAT_TABLE, outlook ? with : without,
                                              outlook ? 5 : 4, rung_rows_width(stdout));
    struct rung_buf rungs, time;

    rung_buf_init(&rungs, RUNG_BUF_UNLIMITED);
    rung_buf_init(&time, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < report->plan->bracket_count; i++) {
        const struct rung_plan_bracket *bracket = &report->plan->brackets[i];
        rung_buf_clear(&rungs);
        rung_buf_clear(&time);
        write_rungs(&rungs, bracket);
        struct rung_cell cells[5] = {{.type = RUNG_CELL_INTEGER, .integer = bracket->bracket},
                                     count_cell(bracket->rungs[0].models),
                                     count_cell(bracket->calls)};
        size_t cell = 3;
        if (outlook) {
            append_amount(&time, &outlook->brackets[i]);
            cells[cell++] = (struct rung_cell){.type = RUNG_CELL_TEXT, .text = rung_buf_cstr(&time)};
        }
        cells[cell] = (struct rung_cell){.type = RUNG_CELL_JSON, .text = rung_buf_cstr(&rungs)};
        rung_rows_add(rows, cells);
    }
    rung_rows_end(rows);
    rung_buf_free(&rungs);
    rung_buf_free(&time);
}

static void percentage(struct rung_buf *out, double share)
{
    rung_buf_clear(out);
    if (isfinite(share))
        rung_buf_printf(out, "%.0f %%", 100 * share);
    else
        rung_buf_char(out, '-');
}

static void print_wall(const struct rung_costing *costing)
{
    static const char *const names[] = {"trainers",  "wall time",         "busy",
                                        "hand-over", "waiting for rungs", "without work"};
    struct rung_rows *rows = rung_rows_create(stdout, RUNG_FORMAT_TABLE, names, 6, rung_rows_width(stdout));
    struct rung_buf time, share[4];

    rung_buf_init(&time, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < 4; i++)
        rung_buf_init(&share[i], RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < costing->count; i++) {
        const struct rung_outlook *outlook = &costing->outlooks[i];
        double all = (double)costing->trainers[i] * outlook->seconds.value;
        rung_buf_clear(&time);
        append_amount(&time, &outlook->seconds);
        percentage(&share[0], outlook->utilisation);
        percentage(&share[1], outlook->overhead / all);
        percentage(&share[2], outlook->idle_barrier / all);
        percentage(&share[3], outlook->idle_no_work / all);
        rung_rows_add(
            rows, (struct rung_cell[]){{.type = RUNG_CELL_INTEGER, .integer = (int64_t)costing->trainers[i]},
                                       {.type = RUNG_CELL_TEXT, .text = rung_buf_cstr(&time)},
                                       {.type = RUNG_CELL_TEXT, .text = rung_buf_cstr(&share[0])},
                                       {.type = RUNG_CELL_TEXT, .text = rung_buf_cstr(&share[1])},
                                       {.type = RUNG_CELL_TEXT, .text = rung_buf_cstr(&share[2])},
                                       {.type = RUNG_CELL_TEXT, .text = rung_buf_cstr(&share[3])}});
    }
    rung_rows_end(rows);
    rung_buf_free(&time);
    for (size_t i = 0; i < 4; i++)
        rung_buf_free(&share[i]);
}

static void print_total(const struct rung_spec *spec, const struct rung_plan *plan)
{
    printf("%s: %s", spec->name, rung_algorithm_name(spec->search.algorithm));
    if (spec->search.algorithm == RUNG_HYPERBAND && spec->search.variant != RUNG_VARIANT_EXACT)
        printf(" (%s)", rung_variant_name(spec->search.variant));
    if (plan->models > 0)
        printf(", %lld models, %lld calls, %lld scores\n\n", (long long)plan->models, (long long)plan->calls,
               (long long)plan->scores);
    else
        printf(", models until a limit is reached\n\n");
}

static void print_proposal(const struct rung_plan_report *report)
{
    const struct rung_proposal *proposal = report->proposal;
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    if (report->budget > 0)
        rung_human_count(&text, report->budget, "call");
    else
        rung_human_duration(&text, report->deadline);
    if (!proposal->found) {
        printf("\nno search of this kind fits %s\n", rung_buf_cstr(&text));
    } else {
        printf("\nlargest max_iter within %s: %lld (", rung_buf_cstr(&text), (long long)proposal->max_iter);
        rung_buf_clear(&text);
        rung_human_count(&text, proposal->models, "model");
        rung_buf_text(&text, ", ");
        rung_human_count(&text, proposal->calls, "call");
        if (report->budget == 0) {
            rung_buf_text(&text, ", ");
            append_amount(&text, &proposal->seconds);
            rung_buf_text(&text, " on ");
            rung_human_count(&text, (int64_t)proposal->trainers, "trainer");
        }
        printf("%s)\n  %s\n", rung_buf_cstr(&text), rung_buf_cstr(&proposal->change));
    }
    rung_buf_free(&text);
}

static void print_text(const struct rung_plan_report *report)
{
    const struct rung_costing *costing = report->costing;

    print_total(report->spec, report->plan);
    print_brackets(report);
    if (costing->count > 0) {
        putchar('\n');
        print_wall(costing);
    }
    if (isfinite(costing->state_bytes))
        printf("\nstates on disk: at most %.4g MB at one time\n", costing->state_bytes / 1e6);
    if (costing->basis.length > 0)
        printf("%s%s\n", isfinite(costing->state_bytes) ? "" : "\n", rung_buf_cstr(&costing->basis));
    if (report->proposal)
        print_proposal(report);
}

void rung_plan_report(const struct rung_plan_report *report, enum rung_format format)
{
    if (format == RUNG_FORMAT_JSON)
        print_json(report);
    else if (format == RUNG_FORMAT_CSV)
        print_csv(report);
    else
        print_text(report);
}
