/* How many processors this process may use: its affinity, and the processor quota of its control group. */
#ifndef RUNG_CLI_PROCESSORS_H
#define RUNG_CLI_PROCESSORS_H

#include <stddef.h>

size_t rung_processors(void); /* at least 1 */

/* The least quota, in processors, of the group named in cgroup_file (/proc/self/cgroup) and those above it,
 * version 2 or 1, below the mount point root (/sys/fs/cgroup). INFINITY when there is none. */
double rung_processors_quota(const char *cgroup_file, const char *root);

#endif
