#include "dispatch/oom.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_text(const char *path, char *text, size_t size)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
    return true;
}

int64_t rung_oom_parse(const char *text)
{
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "oom_kill ", strlen("oom_kill ")) == 0)
            return strtoll(line + strlen("oom_kill "), NULL, 10);
    }
    return -1;
}

/* The path in "N:controllers:PATH" of this process; controllers is "" for cgroup 2. */
static bool group_path(const char *groups, const char *controllers, char *path, size_t size)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, ":%s:", controllers);
    const char *start = strstr(groups, wanted);
    if (!start)
        return false;
    start += strlen(wanted);
    snprintf(path, size, "%.*s", (int)strcspn(start, "\n"), start);
    return true;
}

int64_t rung_oom_kills(void)
{
    char groups[4096], group[1024], file[1200], text[4096];
    if (!read_text("/proc/self/cgroup", groups, sizeof groups))
        return -1;
    if (group_path(groups, "", group, sizeof group)) {
        snprintf(file, sizeof file, "/sys/fs/cgroup%s/memory.events", group);
        if (read_text(file, text, sizeof text))
            return rung_oom_parse(text);
    }
    if (group_path(groups, "memory", group, sizeof group)) {
        snprintf(file, sizeof file, "/sys/fs/cgroup/memory%s/memory.oom_control", group);
        if (read_text(file, text, sizeof text))
            return rung_oom_parse(text);
    }
    return -1;
}

void rung_oom_note(struct rung_oom_watch *watch, int64_t count, double now)
{
    if (!watch->begun)
        watch->before = count;
    else if (watch->before < watch->recent)
        watch->before = watch->recent;
    watch->begun = true;
    watch->recent = count;
    watch->looked = now;
}

void rung_oom_look(struct rung_oom_watch *watch, double now)
{
    if (!watch->begun || now - watch->looked >= RUNG_OOM_SECONDS)
        rung_oom_note(watch, rung_oom_kills(), now);
}

bool rung_oom_explains(struct rung_oom_watch *watch, int64_t count)
{
    if (count <= watch->before)
        return false;
    watch->before++;
    return true;
}
