/*
 * The error object. Text is formatted aside first, since the arguments may lie in the error itself.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A character cut in two by the end of the buffer would be invalid UTF-8: drop its beginning. */
static void drop_cut_character(char *text, size_t length)
{
    size_t start = length;
    while (start > 0 && length - start < 3 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (length - (start - 1) < want)
        text[start - 1] = '\0';
}

static void format_line(char out[RUNG_ERR_TEXT_MAX], const char *format, va_list args)
{
    int length = vsnprintf(out, RUNG_ERR_TEXT_MAX, format, args);
    if (length < 0)
        out[0] = '\0';
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    if (length >= RUNG_ERR_TEXT_MAX)
        drop_cut_character(out, RUNG_ERR_TEXT_MAX - 1);
}

int rung_err_set(struct rung_err *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    char line[RUNG_ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    err->code = code;
    strcpy(err->text, line);
    err->way_out[0] = '\0';
    err->remedy = false;
    return code;
}

int rung_err_prefix(struct rung_err *err, const char *format, ...)
{
    if (!err)
        return RUNG_EFAIL;
    char line[RUNG_ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    format_line(line, format, args);
    va_end(args);
    size_t prefix = strlen(line), text = strlen(err->text), room = RUNG_ERR_TEXT_MAX - 1;
    size_t added = prefix + 2 <= room ? prefix + 2 : 0;
    if (added == 0)
        return err->code; /* no room for the prefix: the reason is worth more */
    bool cut = text > room - added;
    size_t kept = cut ? room - added : text;
    memmove(err->text + added, err->text, kept);
    memcpy(err->text, line, prefix);
    memcpy(err->text + prefix, ": ", 2);
    err->text[added + kept] = '\0';
    if (cut)
        drop_cut_character(err->text, added + kept);
    return err->code;
}

static int set_way_out(struct rung_err *err, bool remedy, const char *format, va_list args)
{
    char line[RUNG_ERR_TEXT_MAX];
    format_line(line, format, args);
    strcpy(err->way_out, line);
    err->remedy = remedy;
    return err->code;
}

int rung_err_way_out(struct rung_err *err, const char *format, ...)
{
    if (!err)
        return RUNG_EFAIL;
    va_list args;
    va_start(args, format);
    int code = set_way_out(err, false, format, args);
    va_end(args);
    return code;
}

int rung_err_remedy(struct rung_err *err, const char *format, ...)
{
    if (!err)
        return RUNG_EFAIL;
    va_list args;
    va_start(args, format);
    int code = set_way_out(err, true, format, args);
    va_end(args);
    return code;
}

int rung_err_then(struct rung_err *err, const char *command)
{
    if (err && err->remedy)
        return rung_err_way_out(err, "%s, then: %s", err->way_out, command);
    return err && !err->way_out[0] ? rung_err_way_out(err, "%s", command) : err ? err->code : RUNG_EFAIL;
}

int rung_err_exit_status(int code)
{
    return code == RUNG_OK ? 0 : code == RUNG_EUSE ? 2 : code == RUNG_EINT ? 130 : 1;
}
