/* What a message between schedulers and workers says under a key, whatever the other side made of it. */
#ifndef RUNG_DISPATCH_SAID_H
#define RUNG_DISPATCH_SAID_H

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

#define RUNG_SAID_INTEGER_MAX ((int64_t)1 << 53)
#define RUNG_SAID_ID_TEXT     33 /* 128 random bits in hexadecimal digits */

/* Of 0 to RUNG_SAID_INTEGER_MAX; otherwise where it is none. */
int64_t rung_said_integer(const struct rung_json *message, const char *key, int64_t otherwise);
const char *rung_said_string(const struct rung_json *message, const char *key); /* "": none */
bool rung_said_flag(const struct rung_json *message, const char *key);          /* false: none */

/* False: the system gives no random bytes. */
bool rung_said_id(char id[RUNG_SAID_ID_TEXT]);

#endif
