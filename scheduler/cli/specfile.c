/* Reading spec files. */
#include "cli/specfile.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cli/program.h"
#include "dispatch/proto.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPEC_BYTES_MAX           ((size_t)64 << 20)
#define CONFIGURATIONS_BYTES_MAX ((size_t)512 << 20)
#define READ_BYTES               ((size_t)1 << 16)

/* ---- files ---- */

int rung_specfile_load(struct rung_buf *out, const char *path, size_t limit, struct rung_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return rung_err_set(err, RUNG_EUSE, "%s: %s", path, strerror(errno));
    rung_buf_init(out, limit);
    do {
        char *room = rung_buf_reserve(out, READ_BYTES);
        got = room ? read(fd, room, READ_BYTES) : -1;
        if (got > 0)
            out->length += (size_t)got;
        if (!room)
            errno = EFBIG;
    } while (got > 0 || (got < 0 && errno == EINTR));
    int why = errno;
    close(fd);
    if (got == 0)
        return 0;
    rung_buf_free(out);
    return rung_err_set(err, RUNG_EUSE, "%s: %s", path, strerror(why));
}

/* The absolute folder that holds path; the caller frees it. What is written into a pipe lies nowhere. */
static int folder_of(char **folder, const char *path, struct rung_err *err)
{
    char whole[PATH_MAX];
    struct stat info;

    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        *folder = getcwd(NULL, 0);
        return *folder ? 0 : rung_err_set(err, RUNG_EUSE, "the current folder: %s", strerror(errno));
    }
    if (!realpath(path, whole))
        return rung_err_set(err, RUNG_EUSE, "%s: %s", path, strerror(errno));
    char *slash = strrchr(whole, '/');
    *folder = rung_mem_strndup(whole, slash == whole ? 1 : (size_t)(slash - whole));
    return 0;
}

/* The file's name without folder and without what follows its last dot. */
static char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');

    return rung_mem_strndup(name, dot && dot > name ? (size_t)(dot - name) : strlen(name));
}

/* ---- configurations ---- */

static bool blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(" \t\r", text[i]))
            return false;
    return true;
}

static int read_lines(struct rung_json *list, const struct rung_buf *text, struct rung_err *err)
{
    const char *start = rung_buf_cstr(text), *end = start + text->length;

    for (long long line = 1; start < end; line++) {
        const char *newline = memchr(start, '\n', (size_t)(end - start));
        size_t length = (size_t)((newline ? newline : end) - start);
        if (!blank(start, length)) {
            struct rung_json *value = rung_json_parse(start, length, 0, err);
            if (!value) {
                /* A line of its own was parsed: its "line 1" is line `line` of the file. */
                const char *column = strchr(err->text, ',');
                char why[RUNG_ERR_TEXT_MAX];
                snprintf(why, sizeof why, "%s", column ? column : err->text);
                return rung_err_set(err, RUNG_EUSE, "line %lld%s", line, why);
            }
            rung_json_push(list, value);
        }
        start += length + 1;
    }
    return 0;
}

/* Where `configurations` is a path, the array of its lines takes that place. */
static int read_configurations(struct rung_json *json, const char *folder, struct rung_err *err)
{
    struct rung_json *value = rung_json_get(json, "configurations");
    struct rung_buf text;

    if (!rung_json_is(value, RUNG_JSON_STRING))
        return 0;
    const char *name = rung_json_string(value);
    char *path = name[0] == '/' ? rung_mem_strdup(name) : rung_mem_printf("%s/%s", folder, name);
    int code = rung_specfile_load(&text, path, CONFIGURATIONS_BYTES_MAX, err);
    if (code == 0) {
        struct rung_json *list = rung_json_new_array();
        code = read_lines(list, &text, err);
        rung_buf_free(&text);
        if (code == 0) {
            rung_json_set(json, "configurations", list);
        } else {
            rung_json_free(list);
            rung_err_prefix(err, "%s", name);
        }
    }
    free(path);
    return code < 0 ? rung_err_prefix(err, "configurations") : 0;
}

/* ---- the program ---- */

static void set_program(struct rung_json *json, struct rung_spec *spec, char *path)
{
    struct rung_json *command = rung_json_get(rung_json_get(json, "trainer"), "command");

    rung_json_replace(command, rung_json_first(command), rung_json_new_string(path));
    free(spec->trainer.command[0]);
    spec->trainer.command[0] = path;
}

int rung_specfile_find_program(struct rung_json *json, struct rung_spec *spec, const char *folder,
                               char **program, struct rung_err *err)
{
    char *path;

    *program = NULL;
    if (rung_program_resolve(&path, spec->trainer.command[0], folder, err) < 0 ||
        rung_program_describe(program, path, err) < 0)
        return rung_err_prefix(err, "trainer.command");
    set_program(json, spec, path);
    return 0;
}

char *rung_specfile_leave_program(struct rung_json *json, struct rung_spec *spec, const char *folder,
                                  const char *machine)
{
    const char *word = spec->trainer.command[0];

    if (word[0] != '/' && strchr(word, '/')) {
        while (strncmp(word, "./", 2) == 0)
            word += 2;
        set_program(json, spec, rung_mem_printf("%s/%s", folder, word));
    }
    return rung_mem_printf("%s is not on %s: only workers that have it can train", spec->trainer.command[0],
                           machine);
}

#define NAME_ROOM 32 /* bytes: "-2", "-3", … behind a search's name */

int rung_specfile_check_settings(const struct rung_spec *spec, struct rung_err *err)
{
    struct rung_proto_start start = {.search = spec->name,
                                     .seed = spec->search.seed,
                                     .trainer = RUNG_TRAINERS_MAX,
                                     .threads = spec->trainer.threads,
                                     .settings = spec->trainer.settings,
                                     .examples_per_call = spec->search.examples_per_call};
    struct rung_buf line;

    rung_buf_init(&line, RUNG_BUF_UNLIMITED);
    rung_proto_write_start(&line, &start);
    size_t length = line.length;
    rung_buf_free(&line);
    if (length + NAME_ROOM <= RUNG_PROTO_LINE_MAX)
        return 0;
    rung_err_set(err, RUNG_EUSE,
                 "trainer.settings: make a message of %zu bytes to a trainer, which has at most %d", length,
                 RUNG_PROTO_LINE_MAX);
    return rung_err_way_out(err, "put what is large into a file, and its name into the settings");
}

/* ---- the whole ---- */

static int override_all(struct rung_json *json, const struct rung_arguments *arguments, struct rung_err *err)
{
    const char *assignment;
    size_t cursor = 0;
    int code = 0;

    while (code == 0 && (assignment = rung_options_each(arguments, "set", &cursor)))
        code = rung_spec_override(json, assignment, err);
    return code;
}

static int parse(struct rung_specfile *out, struct rung_err *err)
{
    struct rung_buf text;

    if (rung_specfile_load(&text, out->path, SPEC_BYTES_MAX, err) < 0)
        return RUNG_EUSE;
    out->json = rung_json_parse(rung_buf_cstr(&text), text.length, RUNG_JSON_COMMENTS, err);
    rung_buf_free(&text);
    if (!out->json)
        return rung_err_prefix(err, "%s", out->path);
    if (!rung_json_is(out->json, RUNG_JSON_OBJECT))
        return rung_err_set(err, RUNG_EUSE, "%s: must be an object, not %s", out->path,
                            rung_json_type_name(rung_json_type(out->json)));
    return folder_of(&out->folder, out->path, err);
}

/* As it is read back on resume, when the file's name is forgotten. */
static void write_text(struct rung_specfile *file)
{
    struct rung_buf text;

    rung_json_set(file->json, "name", rung_json_new_string(file->spec->name));
    rung_buf_init(&text, RUNG_BUF_UNLIMITED);
    rung_json_write(&text, file->json);
    free(file->text);
    file->text = rung_mem_strdup(rung_buf_cstr(&text));
    rung_buf_free(&text);
}

int rung_specfile_locate(struct rung_specfile *file, bool anywhere, char **note, struct rung_err *err)
{
    int code = rung_specfile_find_program(file->json, file->spec, file->folder, &file->program, err);

    *note = NULL;
    if (code < 0 && !anywhere)
        return rung_err_prefix(err, "%s", file->path);
    if (code < 0) {
        *note = rung_specfile_leave_program(file->json, file->spec, file->folder, "this machine");
        file->program = rung_mem_strdup(file->spec->trainer.command[0]);
    }
    write_text(file);
    return 0;
}

static int check(struct rung_specfile *out, bool find_program, struct rung_err *err)
{
    char *name = base_name(out->path);
    int code = read_configurations(out->json, out->folder, err);

    if (code == 0)
        code = rung_spec_read(&out->spec, out->json, name, err);
    free(name);
    if (code == 0)
        code = rung_specfile_check_settings(out->spec, err);
    if (code == 0 && find_program)
        code = rung_specfile_find_program(out->json, out->spec, out->folder, &out->program, err);
    return code < 0 ? rung_err_prefix(err, "%s", out->path) : 0;
}

int rung_specfile_read(struct rung_specfile *out, const char *path, const struct rung_arguments *arguments,
                       bool find_program, struct rung_err *err)
{
    int code;

    *out = (struct rung_specfile){.path = rung_mem_strdup(path)};
    if ((code = parse(out, err)) < 0 || (code = override_all(out->json, arguments, err)) < 0 ||
        (code = check(out, find_program, err)) < 0)
        return code;
    write_text(out);
    return 0;
}

void rung_specfile_free(struct rung_specfile *file)
{
    free(file->path);
    free(file->folder);
    rung_json_free(file->json);
    rung_spec_free(file->spec);
    free(file->text);
    free(file->program);
    *file = (struct rung_specfile){0};
}

void rung_specfile_notes(const struct rung_spec *spec)
{
    for (size_t i = 0; i < spec->note_count; i++)
        fprintf(stderr, "rung: note: %s\n", spec->notes[i]);
}
