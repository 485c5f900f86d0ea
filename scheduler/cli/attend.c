/* Forecasts and displays of a running search. */
#include "cli/attend.h"

#include "base/mem.h"
#include "cli/timeleft.h"
#include "dispatch/clock.h"

#include <stdlib.h>

struct rung_attend {
    struct rung_timeleft *timeleft;
    struct rung_watcher forecaster; /* of timeleft */
    struct rung_progress **displays;
    size_t count, capacity;
};

static void noted(void *context, const struct rung_note *note)
{
    struct rung_attend *attend = context;

    attend->forecaster.note(attend->forecaster.context, note);
    for (size_t i = 0; i < attend->count; i++) {
        struct rung_watcher watcher = rung_progress_watcher(attend->displays[i]);
        watcher.note(watcher.context, note);
    }
}

static void batch_end(void *context)
{
    struct rung_attend *attend = context;

    attend->forecaster.batch_end(attend->forecaster.context);
}

struct rung_attend *rung_attend_create(struct rung_session_options *session, struct rung_watcher *watcher)
{
    struct rung_attend *attend = rung_mem_zalloc(1, sizeof *attend);
    struct rung_timeleft_options options = {.spec = session->spec,
                                            .search = session->search,
                                            .trainers = session->trainers > 0 ? session->trainers : 1,
                                            .elapsed_before = session->elapsed_before,
                                            .time_limit = session->time_limit,
                                            .now = rung_clock_wall(),
                                            .store = session->store,
                                            .name = session->name};

    attend->timeleft = rung_timeleft_create(&options);
    attend->forecaster = rung_timeleft_watcher(attend->timeleft);
    *watcher = (struct rung_watcher){.context = attend, .note = noted, .batch_end = batch_end};
    session->watcher_count++;
    session->expect = rung_timeleft_expect;
    session->expect_context = attend->timeleft;
    return attend;
}

void rung_attend_free(struct rung_attend *attend)
{
    if (!attend)
        return;
    rung_timeleft_free(attend->timeleft);
    free(attend->displays);
    free(attend);
}

void rung_attend_trainers(struct rung_attend *attend, size_t trainers)
{
    rung_timeleft_trainers(attend->timeleft, trainers > 0 ? trainers : 1);
}

void rung_attend_add(struct rung_attend *attend, struct rung_progress *progress)
{
    attend->displays =
        rung_mem_grow(attend->displays, attend->count, &attend->capacity, sizeof *attend->displays);
    attend->displays[attend->count++] = progress;
    rung_progress_forecasts(progress, rung_timeleft_fill, attend->timeleft);
}

void rung_attend_remove(struct rung_attend *attend, struct rung_progress *progress)
{
    for (size_t i = 0; i < attend->count; i++)
        if (attend->displays[i] == progress)
            attend->displays[i--] = attend->displays[--attend->count];
}

void rung_attend_display(void *context, const struct rung_session_view *view)
{
    struct rung_attend *attend = context;

    for (size_t i = 0; i < attend->count; i++)
        rung_progress_display(attend->displays[i], view);
}
