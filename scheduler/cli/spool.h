/*
 * What a command prints, kept until it has read all that it prints. A reader of ours may take what time it
 * likes (`| less`, a terminal that was stopped): if a query were open meanwhile, the log of a search that
 * runs could not be moved into its database, and would grow for as long.
 */
#ifndef RUNG_CLI_SPOOL_H
#define RUNG_CLI_SPOOL_H

#include "base/err.h"

#include <stdio.h>

struct rung_spool;

/* For standard output; where that is a file, nothing has to be kept: what is written goes there. */
struct rung_spool *rung_spool_create(void);
/* Lives as long as the spool. */
FILE *rung_spool_stream(const struct rung_spool *spool);
/* Prints what was written, once nothing of a database is open any more, and frees. Returns code; where that
 * is 0 and there was no room to keep it all, RUNG_EFAIL, and nothing is printed. That standard output takes
 * no more is left to the end of the program to report. NULL is allowed. */
int rung_spool_end(struct rung_spool *spool, int code, struct rung_err *err);
/* Prints nothing. NULL is allowed. */
void rung_spool_free(struct rung_spool *spool);

#endif
