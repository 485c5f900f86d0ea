/* The job loop on a descriptor that is already there: what rung_trainer_main() runs, and the tests. */
#ifndef RUNG_TRAINER_SDK_H
#define RUNG_TRAINER_SDK_H

#include "rung/trainer.h"

#define RUNG_SDK_MESSAGE_MAX ((size_t)1 << 20) /* bytes of one line */

/* Serves until `stop` or end of file; closes fd. Returns the exit status. */
int rung_sdk_serve(const struct rung_trainer *trainer, int fd);

#endif
