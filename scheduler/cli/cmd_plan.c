/* rung plan SPEC */
#include "base/mem.h"
#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/rows.h"
#include "cli/specfile.h"
#include "core/plan.h"

#include <stdio.h>
#include <stdlib.h>

/* Where models are drawn until a limit stops the search, their number is not known: 0 in the plan, null here.
 */
static struct rung_cell count_cell(int64_t count)
{
    return (struct rung_cell){.type = count > 0 ? RUNG_CELL_INTEGER : RUNG_CELL_NULL, .integer = count};
}

static void write_count(struct rung_buf *out, const char *key, int64_t count)
{
    rung_buf_printf(out, "\"%s\":", key);
    if (count > 0)
        rung_json_write_integer(out, count);
    else
        rung_buf_text(out, "null");
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

static void write_plan(struct rung_buf *out, const struct rung_plan *plan)
{
    rung_buf_char(out, '{');
    write_count(out, "models", plan->models);
    rung_buf_char(out, ',');
    write_count(out, "calls", plan->calls);
    rung_buf_char(out, ',');
    write_count(out, "scores", plan->scores);
    rung_buf_text(out, ",\"brackets\":[");
    for (size_t i = 0; i < plan->bracket_count; i++) {
        const struct rung_plan_bracket *bracket = &plan->brackets[i];
        rung_buf_printf(out, "%s{\"bracket\":%u,", i ? "," : "", bracket->bracket);
        write_count(out, "models", bracket->rungs[0].models);
        rung_buf_char(out, ',');
        write_count(out, "calls", bracket->calls);
        rung_buf_text(out, ",\"rungs\":");
        write_rungs(out, bracket);
        rung_buf_char(out, '}');
    }
    rung_buf_text(out, "]}");
}

static void print_rows(const struct rung_plan *plan, enum rung_format format)
{
    static const char *const names[] = {"bracket", "models", "calls", "rungs"};
    struct rung_rows *rows = rung_rows_create(stdout, format, names, 4, rung_rows_width(stdout));
    struct rung_buf rungs;

    rung_buf_init(&rungs, RUNG_BUF_UNLIMITED);
    for (size_t i = 0; i < plan->bracket_count; i++) {
        const struct rung_plan_bracket *bracket = &plan->brackets[i];
        rung_buf_clear(&rungs);
        write_rungs(&rungs, bracket);
        rung_rows_add(rows, (struct rung_cell[]){{.type = RUNG_CELL_INTEGER, .integer = bracket->bracket},
                                                 count_cell(bracket->rungs[0].models),
                                                 count_cell(bracket->calls),
                                                 {.type = RUNG_CELL_JSON, .text = rung_buf_cstr(&rungs)}});
    }
    rung_rows_end(rows);
    rung_buf_free(&rungs);
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

int rung_cmd_plan(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_specfile file = {0};
    struct rung_plan plan = {0};
    enum rung_format format;
    struct rung_buf json;
    int code;

    if ((code = rung_rows_format(arguments, RUNG_FORMAT_TABLE, &format, err)) < 0 ||
        (code = rung_specfile_read(&file, arguments->words[0], arguments, false, err)) < 0)
        goto out;
    if ((code = rung_plan_make(&plan, &file.spec->search, err)) < 0) {
        rung_err_prefix(err, "%s", file.path);
        goto out;
    }
    rung_specfile_notes(file.spec);
    if (format == RUNG_FORMAT_JSON) {
        rung_buf_init(&json, RUNG_BUF_UNLIMITED);
        write_plan(&json, &plan);
        puts(rung_buf_cstr(&json));
        rung_buf_free(&json);
    } else {
        if (format == RUNG_FORMAT_TABLE)
            print_total(file.spec, &plan);
        print_rows(&plan, format);
    }
out:
    rung_plan_free(&plan);
    rung_specfile_free(&file);
    return code;
}
