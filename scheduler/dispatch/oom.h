/* How many processes the kernel has killed for memory in this process's control group. */
#ifndef RUNG_DISPATCH_OOM_H
#define RUNG_DISPATCH_OOM_H

#include <stdint.h>

/* The count so far, or -1 where the kernel does not tell. */
int64_t rung_oom_kills(void);
/* The count in the text of memory.events (cgroup 2) or memory.oom_control (cgroup 1); -1 without one. */
int64_t rung_oom_parse(const char *text);

#endif
