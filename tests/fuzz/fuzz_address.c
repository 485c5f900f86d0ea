/* An address: what is taken reads the same when it is put together again, and its parts hold nothing that a
 * resolver or a terminal would stumble over. */
#include "dispatch/address.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check(const struct rung_address *address)
{
    struct rung_address again;
    struct rung_err err;
    char text[sizeof address->host + 16];

    require(memchr(address->host, '\0', sizeof address->host) && address->port >= 0 &&
            address->port <= 65535);
    for (const char *c = address->host; *c; c++)
        require((unsigned char)*c > ' ' && *c != 0x7f && !strchr("[]\"'\\", *c));
    snprintf(text, sizeof text, strchr(address->host, ':') ? "[%s]:%d" : "%s:%d", address->host,
             address->port);
    require(rung_address_read(&again, text, &err) == 0);
    require(strcmp(again.host, address->host) == 0 && again.port == address->port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_address address;
    struct rung_err err = {0};
    char *text = calloc(size + 1, 1);

    require(text != NULL);
    memcpy(text, data, size);
    int code = rung_address_read(&address, text, &err);
    if (code == 0)
        check(&address);
    else
        require(code == RUNG_EUSE && err.text[0] && strlen(err.text) < sizeof err.text);
    free(text);
    return 0;
}
