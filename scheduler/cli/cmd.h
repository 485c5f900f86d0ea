/* The commands' functions, one a file (cmd_NAME.c). Each returns an exit status or a negative code. */
#ifndef RUNG_CLI_CMD_H
#define RUNG_CLI_CMD_H

#include "base/err.h"
#include "cli/options.h"

int rung_cmd_advise(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_best(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_check(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_delete(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_export(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_help(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_key(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_list(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_logs(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_plan(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_predict(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_resume(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_retry(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_run(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_serve(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_show(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_simulate(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_stop(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_submit(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_top(const struct rung_arguments *arguments, struct rung_err *err);
int rung_cmd_worker(const struct rung_arguments *arguments, struct rung_err *err);

#endif
