/* Forecasts and displays of a running search. */
#include "cli/attend.h"

#include "base/mem.h"
#include "cli/presence.h"
#include "cli/timeleft.h"
#include "dispatch/clock.h"

#include <math.h>
#include <stdlib.h>

enum trainers { PRESENT, GIVEN, IN_TURN };

struct rung_attend {
    enum trainers trainers; /* that forecasts are for */
    struct rung_presence presence;
    struct rung_timeleft *timeleft;
    struct rung_watcher forecaster; /* of timeleft */
    struct rung_progress **displays;
    size_t count, capacity;
};

static void noted(void *context, const struct rung_note *note)
{
    struct rung_attend *attend = context;

    rung_presence_hear(&attend->presence, note);
    attend->forecaster.note(attend->forecaster.context, note);
    for (size_t i = 0; i < attend->count; i++) {
        struct rung_watcher watcher = rung_progress_watcher(attend->displays[i]);
        watcher.note(watcher.context, note);
    }
}

static void batch_end(void *context)
{
    struct rung_attend *attend = context;
    const struct rung_presence *presence = &attend->presence;
    double lately = rung_presence_mean(presence, rung_clock_wall());

    if (attend->trainers == IN_TURN && isfinite(lately))
        rung_timeleft_trainers(attend->timeleft, lately);
    else if (attend->trainers == PRESENT)
        rung_timeleft_trainers(attend->timeleft,
                               fmax(1, (double)(presence->local + rung_presence_remote(presence))));
    attend->forecaster.batch_end(attend->forecaster.context);
}

struct rung_attend *rung_attend_create(struct rung_session_options *session, struct rung_watcher *watcher,
                                       bool in_turn)
{
    struct rung_attend *attend = rung_mem_zalloc(1, sizeof *attend);
    struct rung_timeleft_options options = {.spec = session->spec,
                                            .search = session->search,
                                            .trainers = session->trainers > 0 ? session->trainers : 1,
                                            .elapsed_before = session->elapsed_before,
                                            .time_limit = session->time_limit,
                                            .now = rung_clock_wall(),
                                            .store = session->store,
                                            .name = session->name,
                                            .own_only = in_turn};

    attend->trainers = in_turn ? IN_TURN : PRESENT;
    rung_presence_init(&attend->presence, session->trainers);
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
    rung_presence_free(&attend->presence);
    free(attend->displays);
    free(attend);
}

void rung_attend_trainers(struct rung_attend *attend, size_t trainers)
{
    attend->trainers = GIVEN;
    rung_timeleft_trainers(attend->timeleft, (double)trainers);
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
