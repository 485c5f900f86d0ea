#include "cli/one_thread.h"

#include <cblas.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define THREADS "OPENBLAS_NUM_THREADS"
#define USERS   "RUNG_USERS_OPENBLAS_NUM_THREADS" /* what the user had set; empty: nothing */

static void restore(const char *users)
{
    if (users[0] != '\0')
        setenv(THREADS, users, 1);
    else
        unsetenv(THREADS);
    unsetenv(USERS);
    prctl(PR_SET_NAME, program_invocation_short_name); /* as the file of a process it would be called "exe" */
}

void rung_one_thread(char **argv)
{
    const char *threads = getenv(THREADS), *users = getenv(USERS);

    if (!users && !(threads && strcmp(threads, "1") == 0) && setenv(USERS, threads ? threads : "", 1) == 0 &&
        setenv(THREADS, "1", 1) == 0) {
        execv("/proc/self/exe", argv); /* comes back only when it failed */
        users = getenv(USERS);
    }
    if (users)
        restore(users);
    openblas_set_num_threads(1);
}
