/* Lines from a trainer: whatever they hold, they are read or refused with a reason of one line. */
#include "dispatch/proto.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rung_proto_message message;
    struct rung_err err = {0};
    int rc = rung_proto_read(&message, (const char *)data, size, "loss", &err);
    if (rc != 0 && (rc != RUNG_EFAIL || err.text[0] == '\0' || strchr(err.text, '\n')))
        abort();
    if (rc == 0 && (isinf(message.score) || isinf(message.metric) || message.job < 0))
        abort();
    rung_proto_free(&message);
    return 0;
}
