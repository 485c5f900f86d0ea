/* How many processes the kernel has killed for memory in this process's control group. */
#ifndef RUNG_DISPATCH_OOM_H
#define RUNG_DISPATCH_OOM_H

#include <stdbool.h>
#include <stdint.h>

/* The count so far, or -1 where the kernel does not tell. */
int64_t rung_oom_kills(void);
/* The count in the text of memory.events (cgroup 2) or memory.oom_control (cgroup 1); -1 without one. */
int64_t rung_oom_parse(const char *text);

/* Which kills are recent enough to explain the end of a process that is found dead now. The kernel counts,
 * and says of nobody's end that it was this: children of trainers are counted too, and a large process may be
 * seconds in dying. */
#define RUNG_OOM_SECONDS 5
struct rung_oom_watch {
    bool begun;
    double looked; /* when `recent` was read */
    int64_t recent,
        before; /* counts: as last read, and RUNG_OOM_SECONDS earlier; all up to `before` is past */
};
/* To be called often: reads the count every RUNG_OOM_SECONDS. */
void rung_oom_look(struct rung_oom_watch *watch, double now);
/* The same with the count at hand. */
void rung_oom_note(struct rung_oom_watch *watch, int64_t count, double now);
/* A process was found killed: whether a kill for memory explains it, which then explains no other. */
bool rung_oom_explains(struct rung_oom_watch *watch, int64_t count);

#endif
