/* rung check SPEC */
#include "cli/cmd.h"
#include "cli/human.h"
#include "cli/specfile.h"
#include "core/plan.h"

#include <stdio.h>

static void print_good(const struct rung_specfile *file, const struct rung_plan *plan)
{
    struct rung_buf text;

    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&text, "%s: good: %s", file->path, rung_algorithm_name(file->spec->search.algorithm));
    if (plan->models > 0) {
        rung_buf_text(&text, ", ");
        rung_human_count(&text, plan->models, "model");
        rung_buf_text(&text, ", ");
        rung_human_count(&text, plan->calls, "call");
    }
    rung_buf_printf(&text, ", trainer %s", file->spec->trainer.command[0]);
    puts(rung_buf_cstr(&text));
    rung_buf_free(&text);
}

int rung_cmd_check(const struct rung_arguments *arguments, struct rung_err *err)
{
    struct rung_specfile file;
    struct rung_plan plan = {0};
    int code;

    if ((code = rung_specfile_read(&file, arguments->words[0], arguments, true, err)) == 0) {
        if ((code = rung_plan_make(&plan, &file.spec->search, err)) < 0)
            rung_err_prefix(err, "%s", file.path);
    }
    if (code == 0) {
        rung_specfile_notes(file.spec);
        print_good(&file, &plan);
    }
    rung_plan_free(&plan);
    rung_specfile_free(&file);
    return code;
}
