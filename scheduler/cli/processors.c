/* Affinity and control group quota. See sched_setaffinity(2) and, for the files, the kernel's cgroup-v2 and
 * sched-bwc documents: cpu.max holds "QUOTA PERIOD" or "max PERIOD"; version 1 has two files, quota -1 for
 * none. */
#include "cli/processors.h"

#include "base/mem.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double read_number(const char *folder, const char *name)
{
    char *path = rung_mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    double number = NAN;

    if (file && fscanf(file, "%lf", &number) != 1)
        number = NAN;
    if (file)
        fclose(file);
    free(path);
    return number;
}

static double quota_v1(const char *folder)
{
    double quota = read_number(folder, "cpu.cfs_quota_us"), period = read_number(folder, "cpu.cfs_period_us");

    return quota > 0 && period > 0 ? quota / period : INFINITY;
}

static double quota_v2(const char *folder)
{
    char *path = rung_mem_printf("%s/cpu.max", folder);
    FILE *file = fopen(path, "re");
    double quota, period, processors = INFINITY;

    if (file && fscanf(file, "%lf %lf", &quota, &period) == 2 && isfinite(quota) && quota > 0 && period > 0)
        processors = quota / period;
    if (file)
        fclose(file);
    free(path);
    return processors;
}

/* The least quota on the way from the group up to the mount point. Groups that are not visible from here (the
 * path is that of another namespace) count as without quota. */
static double least_on_path(const char *mount, const char *group, double (*quota)(const char *folder))
{
    char *folder = rung_mem_printf("%s%s", mount, group);
    size_t top = strlen(mount);
    double least = INFINITY;

    for (;;) {
        least = fmin(least, quota(folder));
        char *slash = strrchr(folder, '/');
        if (strlen(folder) <= top || !slash || slash < folder + top)
            break;
        *slash = '\0';
    }
    free(folder);
    return least;
}

/* One line of the cgroup file: "0::/GROUP" (version 2) or "N:CONTROLLERS:/GROUP". */
static double line_quota(char *line, const char *root)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    double least = INFINITY;

    if (!group)
        return INFINITY;
    *group++ = '\0';
    controllers++;
    group[strcspn(group, "\n")] = '\0';
    if (!*controllers)
        return least_on_path(root, group, quota_v2);
    for (char *next, *name = strtok_r(controllers, ",", &next); name; name = strtok_r(NULL, ",", &next)) {
        if (strcmp(name, "cpu") != 0)
            continue;
        char *mount = rung_mem_printf("%s/cpu", root);
        least = least_on_path(mount, group, quota_v1);
        free(mount);
    }
    return least;
}

double rung_processors_quota(const char *cgroup_file, const char *root)
{
    FILE *file = fopen(cgroup_file, "re");
    double least = INFINITY;
    char *line = NULL;
    size_t capacity = 0;

    if (!file)
        return INFINITY;
    while (getline(&line, &capacity, file) > 0)
        least = fmin(least, line_quota(line, root));
    free(line);
    fclose(file);
    return least;
}

/* The mask of a machine with more processors than cpu_set_t has room for needs a larger one. */
static size_t affinity(void)
{
    for (int most = 1024; most <= 1 << 20; most *= 4) {
        cpu_set_t *set = CPU_ALLOC(most);
        size_t size = CPU_ALLOC_SIZE(most);
        if (!set)
            rung_mem_out();
        int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (size_t)count;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

size_t rung_processors(void)
{
    size_t count = affinity();
    double quota = rung_processors_quota("/proc/self/cgroup", "/sys/fs/cgroup");

    if (quota < (double)count)
        count = (size_t)quota;
    return count > 0 ? count : 1;
}
