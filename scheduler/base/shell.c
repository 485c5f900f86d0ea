#include "base/shell.h"

#include <string.h>

void rung_shell_word(struct rung_buf *out, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/+:=@%,";

    if (word[0] && strspn(word, plain) == strlen(word)) {
        rung_buf_text(out, word);
        return;
    }
    rung_buf_char(out, '\'');
    for (; *word; word++) {
        if (*word == '\'')
            rung_buf_text(out, "'\\''");
        else
            rung_buf_char(out, *word);
    }
    rung_buf_char(out, '\'');
}

void rung_shell_file(struct rung_buf *out, const char *path)
{
    if (path[0] == '-')
        rung_buf_text(out, "./");
    rung_shell_word(out, path);
}

char *rung_shell_command(const char *verb, const char *operand, const char *options)
{
    bool last = operand[0] == '-';
    struct rung_buf out;

    rung_buf_init(&out, RUNG_BUF_UNLIMITED);
    rung_buf_printf(&out, "rung %s ", verb);
    if (last)
        rung_buf_printf(&out, "%s -- ", options);
    rung_shell_word(&out, operand);
    if (!last)
        rung_buf_printf(&out, " %s", options);
    return out.data;
}
