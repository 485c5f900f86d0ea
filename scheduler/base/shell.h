/* Commands for the user, written so that a shell takes them as they are. */
#ifndef RUNG_BASE_SHELL_H
#define RUNG_BASE_SHELL_H

#include "base/buf.h"

/* Appends one word, quoted where a shell needs it: the value of an option. */
void rung_shell_word(struct rung_buf *out, const char *word);
/* The same for a file that is an operand: "./" is put in front of what would be taken for an option. */
void rung_shell_file(struct rung_buf *out, const char *path);
/* "rung VERB OPERAND OPTIONS", or "rung VERB OPTIONS -- OPERAND" where the operand would be taken for an
 * option. options: quoted already. The caller frees it. */
char *rung_shell_command(const char *verb, const char *operand, const char *options);

#endif
