/*
 * The built-in trainers: what `rung-trainer NAME` runs and `rung-trainer NAME --help` prints. To
 * add one: a file that defines a struct rung_builtin, its declaration here, its row in main.c.
 */
#ifndef RUNG_TRAINER_BUILTIN_H
#define RUNG_TRAINER_BUILTIN_H

#include "fields.h"
#include "rung/trainer.h"

struct rung_builtin {
    const char *name;    /* as typed */
    const char *summary; /* one line */
    const char *about;   /* a paragraph for its --help: what it trains, what score and metrics are */
    const struct rung_field *parameters; /* the same table that create and load check with */
    const struct rung_trainer *trainer;  /* main.c fills in name and platform */
};

extern const struct rung_builtin rung_linear; /* linear.c */
extern const struct rung_builtin rung_mlp;    /* mlp.c */

#endif
