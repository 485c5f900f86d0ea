/* HOST:PORT, [V6]:PORT or :PORT, where a scheduler listens and a worker connects. */
#ifndef RUNG_DISPATCH_ADDRESS_H
#define RUNG_DISPATCH_ADDRESS_H

#include "base/err.h"

#include <stdbool.h>

struct rung_address {
    char host[256]; /* empty: every address of this machine (listen), this machine (connect) */
    int port;       /* 0 to 65535; 0 (listen only): any that is free */
};

#define RUNG_ADDRESS_TEXT (256 + 16) /* bytes, with the NUL */

/* RUNG_EUSE with the three forms as the way out. */
int rung_address_read(struct rung_address *address, const char *text, struct rung_err *err) RUNG_CHECK_RESULT;

void rung_address_write(char text[RUNG_ADDRESS_TEXT], const struct rung_address *address); /* as it is read */

/* A non-blocking listening socket (SO_REUSEADDR, close-on-exec; an IPv6 one takes IPv4, too, where host is
 * empty). *port: where it listens. RUNG_EUSE: the name is not known, the address not ours, or taken. */
int rung_address_listen(int *fd, int *port, const struct rung_address *address,
                        struct rung_err *err) RUNG_CHECK_RESULT;
/* Where a listening socket does; 0: that is not known. */
int rung_address_port(int fd);
/* A non-blocking socket that connects (or has connected). Resolves the name, which may block for seconds.
 * RUNG_EUSE: the name is not known; RUNG_EFAIL: it cannot be reached. */
int rung_address_connect(int *fd, const struct rung_address *address, struct rung_err *err) RUNG_CHECK_RESULT;

/* Whether only processes of this machine can connect to it: its name resolves to loopback addresses alone. */
bool rung_address_is_loopback(const struct rung_address *address);

#endif
