/* Finding the trainer's program. */
#include "cli/program.h"

#include "base/mem.h"
#include "cli/sha256.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* 0, or the errno that says why path cannot be executed. */
static int why_not(const char *path)
{
    struct stat info;

    if (stat(path, &info) < 0)
        return errno;
    if (S_ISDIR(info.st_mode))
        return EISDIR;
    return access(path, X_OK) < 0 ? errno : 0;
}

/* The file in folder (length bytes of it; none means the working directory) when it can be executed, else
 * NULL. */
static char *look_in(const char *folder, size_t length, const char *word)
{
    char *path = rung_mem_printf("%.*s/%s", length ? (int)length : 1, length ? folder : ".", word);

    if (why_not(path) == 0)
        return path;
    free(path);
    return NULL;
}

static char *beside_rung(const char *word)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (length <= 0)
        return NULL;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    return slash && slash > self ? look_in(self, (size_t)(slash - self), word) : NULL;
}

static char *on_path(const char *word)
{
    const char *path = getenv("PATH");

    if (!path)
        path = "/usr/local/bin:/usr/bin:/bin";
    for (;;) {
        size_t length = strcspn(path, ":");
        char *found = look_in(path, length, word);
        if (found || path[length] == '\0')
            return found;
        path += length + 1;
    }
}

/* A relative path (PATH may hold one) is good only as long as the working directory stays. */
static char *make_absolute(char *path)
{
    if (path[0] == '/')
        return path;
    char *here = getcwd(NULL, 0);
    if (!here)
        return path;
    char *absolute = rung_mem_printf("%s/%s", here, path);
    free(here);
    free(path);
    return absolute;
}

int rung_program_resolve(char **path, const char *word, const char *folder, struct rung_err *err)
{
    *path = NULL;
    if (strchr(word, '/')) {
        while (strncmp(word, "./", 2) == 0)
            word += 2;
        char *found = word[0] == '/' ? rung_mem_strdup(word) : rung_mem_printf("%s/%s", folder, word);
        int why = why_not(found);
        if (why) {
            rung_err_set(err, RUNG_EUSE, "%s: %s", found, strerror(why));
            free(found);
            return RUNG_EUSE;
        }
        *path = found;
        return 0;
    }
    char *found = beside_rung(word);
    if (!found)
        found = on_path(word);
    if (!found) {
        rung_err_set(err, RUNG_EUSE, "\"%s\" is neither beside rung nor on PATH", word);
        return rung_err_way_out(err, "a program in the spec's folder is named with a slash: \"./%s\"", word);
    }
    *path = make_absolute(found);
    return 0;
}

int rung_program_describe(char **out, const char *path, struct rung_err *err)
{
    char hex[RUNG_SHA256_HEX];
    int code = rung_sha256_file(path, hex, err);

    *out = code < 0 ? NULL : rung_mem_printf("%s sha256:%s", path, hex);
    return code;
}
