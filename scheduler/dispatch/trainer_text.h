/* A trainer's command, environment and threads, as a scheduler tells them to its workers. */
#ifndef RUNG_DISPATCH_TRAINER_TEXT_H
#define RUNG_DISPATCH_TRAINER_TEXT_H

#include "base/buf.h"
#include "base/json.h"
#include "core/spec.h"

#include <stdbool.h>

void rung_trainer_text_write(struct rung_buf *out, const struct rung_trainer_spec *trainer);
/* Without settings, which come with each start. A program that is not there is looked for beside this one.
 * False: it makes no sense. Free with rung_trainer_text_free, also then. */
bool rung_trainer_text_read(struct rung_trainer_spec *trainer, const struct rung_json *json);
void rung_trainer_text_free(struct rung_trainer_spec *trainer);

#endif
