/* From settings to tables: files and generators. Private to the data files. */
#ifndef RUNG_TRAINER_LOAD_H
#define RUNG_TRAINER_LOAD_H

#include "options.h"
#include "table.h"

/* Fills train, and test where there is a test file (else test->rows stays 0); both are freed by the
 * caller, also after a failure. A target of texts sets *text_target. */
int rung_load_tables(const struct rung_data_options *options, struct rung_table *train,
                     struct rung_table *test, bool *text_target, struct rung_err *err) RUNG_CHECK_RESULT;

#endif
