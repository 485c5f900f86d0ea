#include "dispatch/crew.h"

#include "base/mem.h"
#include "dispatch/clock.h"
#include "dispatch/hiring.h"
#include "dispatch/members.h"
#include "dispatch/said.h"
#include "dispatch/slurm.h"

#include <event2/event.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MICROSECONDS 200000
#define LOOK_FIRST        1.0 /* seconds from a change until Slurm is asked what there is; doubled each time */
#define LOOK_MOST         30.0 /* seconds between such questions, in a long wait */
#define LEAVE_SECONDS     10.0 /* for leaving; whoever takes longer is cancelled, again if he was */
#define TROUBLES          16   /* different ones that are told */
#define NAME_DIGITS       6    /* random ones, behind the name of a search */

struct rung_crew {
    struct rung_crew_options options;
    struct rung_hiring hiring;
    struct rung_slurm *slurm;
    struct event *tick; /* NULL: stopped */
    struct rung_members members;
    size_t strangers; /* trainers of workers that nobody here asked for, by the last look */
    size_t asking;    /* workers, with the submission that is under way */
    bool uncertain;   /* a submission may have come through, although it failed */
    double looked_at, look_at, look_pause;
    char *name;
    char *troubles[TROUBLES]; /* that were told */
    size_t trouble_count;
};

/* ---- what is told ---- */

static void tell(struct rung_crew *crew, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(struct rung_crew *crew, const char *format, ...)
{
    char text[480];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    crew->options.tell(crew->options.context, text);
}

/* What goes wrong again and again is told once. */
static void tell_trouble(struct rung_crew *crew, const char *why)
{
    for (size_t i = 0; i < crew->trouble_count; i++)
        if (strcmp(crew->troubles[i], why) == 0)
            return;
    if (crew->trouble_count == TROUBLES)
        return;
    crew->troubles[crew->trouble_count++] = rung_mem_strdup(why);
    tell(crew, "Slurm: %.400s", why);
}

void rung_crew_report(struct rung_crew *crew)
{
    struct rung_remote_use use = rung_remote_use(crew->options.remote);

    if (use.workers == 0)
        tell(crew, "no worker came");
    else
        tell(crew, "%zu worker%s held %.1f s in all, busy %.1f s (%.0f %%)", use.workers,
             use.workers == 1 ? "" : "s", use.held, use.busy, use.held > 0 ? 100 * use.busy / use.held : 0);
}

/* ---- who is there ---- */

static void look_soon(struct rung_crew *crew, double now)
{
    crew->look_pause = LOOK_FIRST;
    crew->look_at = fmin(crew->look_at, now + LOOK_FIRST);
}

static void write_launched(char launched[RUNG_REMOTE_LAUNCHED], const struct rung_slurm_task *task)
{
    snprintf(launched, RUNG_REMOTE_LAUNCHED, "slurm:%lld_%lld", (long long)task->job, (long long)task->index);
}

static void on_seen_worker(void *context, const struct rung_remote_view *view)
{
    struct rung_crew *crew = context;
    struct rung_slurm_task task;
    struct rung_member *member = NULL;

    if (rung_slurm_read_launched(view->launched, &task))
        member = rung_members_find(&crew->members, &task);
    if (!member) {
        crew->strangers += view->trainers;
        return;
    }
    member->seen = true;
    if (view->worked && !member->worked)
        rung_hiring_worked(&crew->hiring);
    member->worked = view->worked;
    member->connected = view->connected;
    member->idle = view->occupied == 0 && view->connected;
    member->idle_since = view->idle_since;
}

static void call_the_roll(struct rung_crew *crew, double now)
{
    struct rung_members *members = &crew->members;

    crew->strangers = 0;
    for (size_t i = 0; i < members->count; i++)
        members->list[i].seen = members->list[i].idle = false;
    rung_remote_look(crew->options.remote, on_seen_worker, crew);
    for (size_t i = 0; i < members->count; i++) {
        struct rung_member *member = &members->list[i];
        bool was_here = member->state == RUNG_MEMBER_HERE;
        if (member->state == RUNG_MEMBER_LEAVING || was_here == member->seen)
            continue;
        member->state = was_here ? RUNG_MEMBER_MISSING : RUNG_MEMBER_HERE;
        if (was_here)
            look_soon(crew, now);
    }
}

/* ---- what Slurm answers ---- */

static void on_submitted(void *context, int64_t job, size_t count)
{
    struct rung_crew *crew = context;
    double now = rung_clock_monotonic();

    crew->asking = 0;
    for (size_t i = 0; i < count; i++) {
        struct rung_slurm_task task = {job, (int64_t)i};
        rung_members_add(&crew->members, &task, now);
    }
    look_soon(crew, now);
    tell(crew, "asks Slurm for %zu worker%s: job %lld", count, count == 1 ? "" : "s", (long long)job);
}

static void on_refused(void *context, const char *why)
{
    struct rung_crew *crew = context;
    double now = rung_clock_monotonic();

    crew->asking = 0;
    crew->uncertain = true;
    look_soon(crew, now);
    tell_trouble(crew, why);
    if (rung_hiring_failed(&crew->hiring, now))
        tell(crew,
             "Slurm has refused workers %d times in a row: it is asked again, in the end every %g s; what "
             "for is said by the spec's cluster.*",
             RUNG_HIRING_TROUBLE, RUNG_HIRING_WAIT_MOST);
}

static void tell_deaths(struct rung_crew *crew, const struct rung_slurm_task *last)
{
    const struct rung_slurm_job *job = &crew->options.job;

    tell(crew,
         "workers ended before they came, %d times in a row: see %.200s/slurm-%lld_%lld.log; their machines "
         "must reach %s port %d and read the key %.150s",
         RUNG_HIRING_TROUBLE, job->log_folder, (long long)last->job, (long long)last->index, job->host,
         job->port, job->key);
}

/* Slurm has no such task any more. True: it ended before it came. */
static bool drop(struct rung_crew *crew, size_t index)
{
    const struct rung_member *member = &crew->members.list[index];
    bool failed = member->state == RUNG_MEMBER_COMING;
    char launched[RUNG_REMOTE_LAUNCHED];

    write_launched(launched, &member->task);
    if (member->state == RUNG_MEMBER_HERE)
        rung_remote_bury(crew->options.remote, launched);
    rung_members_remove(&crew->members, index);
    return failed;
}

static void on_seen(void *context, const struct rung_slurm_task *tasks, size_t count)
{
    struct rung_crew *crew = context;
    struct rung_members *members = &crew->members;
    double now = rung_clock_monotonic();
    struct rung_slurm_task dead = {0};

    if (!crew->tick)
        return;
    crew->uncertain = false;
    for (size_t i = 0; i < members->count; i++)
        members->list[i].seen = false;
    for (size_t i = 0; i < count; i++) {
        rung_members_add(members, &tasks[i], now); /* of a submission that seemed to have failed */
        rung_members_find(members, &tasks[i])->seen = true;
    }
    for (size_t i = members->count; i-- > 0;) {
        const struct rung_member *member = &members->list[i];
        bool connected = member->state == RUNG_MEMBER_HERE && member->connected;
        struct rung_slurm_task task = member->task;
        if (!member->seen && !connected && member->since < crew->looked_at && drop(crew, i))
            dead = task;
    }
    if (dead.job > 0 && rung_hiring_failed(&crew->hiring, now))
        tell_deaths(crew, &dead);
}

static void on_failed(void *context, const char *why)
{
    tell_trouble(context, why);
}

/* ---- what Slurm is asked ---- */

static void look(struct rung_crew *crew, double now)
{
    bool needed = crew->uncertain;
    struct rung_err err;

    for (size_t i = 0; i < crew->members.count; i++)
        needed |= crew->members.list[i].state != RUNG_MEMBER_HERE || !crew->members.list[i].connected;
    if (!needed || now < crew->look_at || rung_slurm_looks(crew->slurm))
        return;
    crew->looked_at = now;
    crew->look_at = now + crew->look_pause;
    crew->look_pause = fmin(2 * crew->look_pause, LOOK_MOST);
    if (rung_slurm_look(crew->slurm, &err) < 0)
        tell_trouble(crew, err.text);
}

static void ask(struct rung_crew *crew, size_t count)
{
    struct rung_err err;

    if (count == 0 || rung_slurm_submits(crew->slurm))
        return;
    crew->asking = count < RUNG_SLURM_ARRAY ? count : RUNG_SLURM_ARRAY;
    if (rung_slurm_submit(crew->slurm, crew->asking, &err) < 0)
        on_refused(crew, err.text);
}

/* Those that were asked for last, as they are the likeliest to be still waiting; and whoever was told to
 * leave and is still there. */
static void cancel(struct rung_crew *crew, size_t count, double now)
{
    struct rung_slurm_task tasks[RUNG_SLURM_ARRAY];
    size_t cancelled = 0;
    struct rung_err err;

    if (rung_slurm_cancels(crew->slurm))
        return;
    for (size_t i = crew->members.count; i-- > 0 && cancelled < RUNG_SLURM_ARRAY;) {
        struct rung_member *member = &crew->members.list[i];
        bool lingers = member->state == RUNG_MEMBER_LEAVING && now - member->since > LEAVE_SECONDS;
        bool waits = member->state == RUNG_MEMBER_COMING || member->state == RUNG_MEMBER_MISSING;
        if (!lingers && !(waits && count > 0))
            continue;
        count -= waits;
        member->state = RUNG_MEMBER_LEAVING;
        member->since = now;
        tasks[cancelled++] = member->task;
    }
    if (cancelled == 0)
        return;
    look_soon(crew, now);
    if (rung_slurm_cancel(crew->slurm, tasks, cancelled, &err) < 0)
        tell_trouble(crew, err.text);
}

static struct rung_member *longest_idle(struct rung_crew *crew)
{
    struct rung_member *longest = NULL;

    for (size_t i = 0; i < crew->members.count; i++) {
        struct rung_member *member = &crew->members.list[i];
        if (member->state == RUNG_MEMBER_HERE && member->idle &&
            (!longest || member->idle_since < longest->idle_since))
            longest = member;
    }
    return longest;
}

static void dismiss(struct rung_crew *crew, size_t count, double now)
{
    char launched[RUNG_REMOTE_LAUNCHED];

    for (size_t i = 0; i < count; i++) {
        struct rung_member *member = longest_idle(crew);
        if (!member)
            break;
        write_launched(launched, &member->task);
        rung_remote_dismiss(crew->options.remote, launched);
        member->state = RUNG_MEMBER_LEAVING;
        member->since = now;
        look_soon(crew, now);
        tell(crew, "gives a worker back: %zu held", rung_members_count(&crew->members, RUNG_MEMBER_HERE));
    }
}

/* ---- decisions ---- */

static struct rung_hiring_orders decide(struct rung_crew *crew, double now)
{
    const struct rung_members *members = &crew->members;
    double *idle_since = rung_mem_zalloc(members->count, sizeof *idle_since);
    struct rung_hiring_facts facts = {
        .demand = crew->options.demand(crew->options.context),
        .others = crew->options.others + crew->strangers,
        .here = rung_members_count(members, RUNG_MEMBER_HERE),
        .coming = crew->asking + rung_members_count(members, RUNG_MEMBER_COMING) +
                  rung_members_count(members, RUNG_MEMBER_MISSING),
        .idle_since = idle_since,
    };

    for (size_t i = 0; i < members->count; i++)
        if (members->list[i].state == RUNG_MEMBER_HERE && members->list[i].idle)
            idle_since[facts.idle++] = members->list[i].idle_since;
    struct rung_hiring_orders orders = rung_hiring_decide(&crew->hiring, &facts, now);
    free(idle_since);
    return orders;
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct rung_crew *crew = context;
    double now = rung_clock_monotonic();

    (void)fd, (void)what;
    call_the_roll(crew, now);
    struct rung_hiring_orders orders = decide(crew, now);
    if (orders.useless)
        tell(crew,
             "workers got no job for %g s although there are some, %d times in a row: others are asked for",
             RUNG_HIRING_USELESS, RUNG_HIRING_TROUBLE);
    cancel(crew, orders.cancel, now);
    dismiss(crew, orders.dismiss, now);
    ask(crew, orders.ask);
    look(crew, now);
}

/* ---- life ---- */

int rung_crew_create(struct rung_crew **out, struct event_base *base, const struct rung_crew_options *options,
                     struct rung_err *err)
{
    struct rung_crew *crew = rung_mem_zalloc(1, sizeof *crew);
    struct rung_slurm_listener listener = {.context = crew,
                                           .submitted = on_submitted,
                                           .refused = on_refused,
                                           .seen = on_seen,
                                           .failed = on_failed};
    const struct rung_cluster_spec *cluster = options->job.cluster;
    struct timeval period = {.tv_usec = TICK_MICROSECONDS};
    char random[RUNG_SAID_ID_TEXT];

    if (!rung_said_id(random)) {
        free(crew);
        return rung_err_set(err, RUNG_EFAIL, "the system gives no random bytes");
    }
    crew->options = *options;
    crew->name = rung_mem_printf("rung-%s-%.*s", options->job.name, NAME_DIGITS, random);
    crew->options.job.name = crew->name;
    crew->look_pause = LOOK_FIRST;
    rung_hiring_init(&crew->hiring, options->most, (size_t)cluster->trainers, cluster->idle);
    crew->slurm = rung_slurm_create(base, &crew->options.job, &listener);
    crew->tick = event_new(base, -1, EV_PERSIST, on_tick, crew);
    if (!crew->tick)
        rung_mem_out();
    event_add(crew->tick, &period);
    *out = crew;
    return 0;
}

const char *rung_crew_name(const struct rung_crew *crew)
{
    return crew->name;
}

void rung_crew_stop(struct rung_crew *crew)
{
    if (!crew || !crew->tick)
        return;
    event_free(crew->tick);
    crew->tick = NULL;
}

bool rung_crew_end(struct rung_crew *crew)
{
    return rung_slurm_end(crew->slurm);
}

void rung_crew_free(struct rung_crew *crew)
{
    if (!crew)
        return;
    rung_crew_stop(crew);
    rung_slurm_free(crew->slurm);
    rung_members_free(&crew->members);
    for (size_t i = 0; i < crew->trouble_count; i++)
        free(crew->troubles[i]);
    free(crew->name);
    free(crew);
}
