/* What a trainer says on its descriptor: messages made, gathered and sent. Private to the SDK. */
#ifndef RUNG_TRAINER_ANSWER_H
#define RUNG_TRAINER_ANSWER_H

#include "base/buf.h"
#include "base/err.h"
#include "rung/trainer.h"

struct rung_answer {
    int fd;
    struct rung_buf out;
    double sent_at; /* when something was last sent, or the job began */
    bool gone;      /* rung has closed its end: nothing is sent any more */
};

/* What came of a job. */
struct rung_outcome {
    double score, fit_seconds, score_seconds;
    int64_t examples;
    struct rung_trainer_report report;
};

double rung_answer_clock(void); /* seconds, from some moment on */

void rung_answer_ready(struct rung_answer *answer, const struct rung_trainer *trainer);
/* Progress of short calls is held back and goes out together, at the latest with the job's end. */
void rung_answer_progress(struct rung_answer *answer, int64_t job, int64_t call, double duration,
                          const struct rung_trainer_report *report);
void rung_answer_result(struct rung_answer *answer, int64_t job, const struct rung_outcome *outcome);
void rung_answer_evaluation(struct rung_answer *answer, int64_t job,
                            const struct rung_trainer_report *report);
void rung_answer_failure(struct rung_answer *answer, int64_t job, const struct rung_err *err);

#endif
