/*
 * The section `cluster` of a spec: what is asked for when a cluster starts workers.
 */
#include "core/spec_parts.h"

#include "base/ipv6.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX     1000000
#define IDLE_SECONDS 2 /* so that the end of a rung, where all wait for the last one, costs no worker */

static const struct rung_field ROWS[] = {
    RUNG_FIELD(rung_cluster_spec, partition, TEXT, .null = true),
    RUNG_FIELD(rung_cluster_spec, time, DURATION, .null = true, .otherwise.number = INFINITY),
    RUNG_FIELD(rung_cluster_spec, memory, TEXT, .null = true),
    RUNG_FIELD(rung_cluster_spec, cpus, INTEGER, .lo = 1, .hi = CPUS_MAX, .null = true,
               .otherwise.integer = RUNG_UNSET),
    RUNG_FIELD(rung_cluster_spec, trainers, INTEGER, .lo = 1, .hi = RUNG_WORKER_TRAINERS_MAX,
               .otherwise.integer = 1),
    RUNG_FIELD(rung_cluster_spec, idle, DURATION, .otherwise.number = IDLE_SECONDS),
    RUNG_FIELD(rung_cluster_spec, address, TEXT, .null = true),
    RUNG_FIELD(rung_cluster_spec, folder, TEXT, .null = true),
    RUNG_FIELD(rung_cluster_spec, arguments, TEXTS, .null = true),
    RUNG_FIELD(rung_cluster_spec, setup, TEXTS, .null = true),
};
const struct rung_fields rung_spec_cluster_fields = {ROWS, sizeof ROWS / sizeof *ROWS};

static int wrong_text(const struct rung_place *in, const char *key, const char *what, const char *found,
                      struct rung_err *err)
{
    struct rung_place place = {in, key, 0};
    struct rung_json *value = rung_json_new_string(found);

    rung_place_expected(err, &place, what, value);
    rung_json_free(value);
    return RUNG_EUSE;
}

static bool is_size(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && digits < 16 &&
           (text[digits] == '\0' || (strchr("KMGT", text[digits]) && !text[digits + 1]));
}

#define HOST_BYTES 256
#define HOST       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_"
#define HOST_V6    HOST ":%"

static bool is_v6(const char *text)
{
    return rung_ipv6_is(text) && strspn(text, HOST_V6) == strlen(text);
}

/* It goes into an address and into a line of shell: a name, or an address of either kind; with a colon it is
 * one of IPv6, whose brackets may be there and are taken off. */
static bool take_host(char *text)
{
    size_t length = strlen(text);
    char inside[HOST_BYTES];

    if (length < 1 || length >= HOST_BYTES || text[0] == '-')
        return false;
    if (text[0] == '[' && text[length - 1] == ']') {
        memcpy(inside, text + 1, length - 2);
        inside[length - 2] = '\0';
        if (!is_v6(inside))
            return false;
        strcpy(text, inside);
        return true;
    }
    return strchr(text, ':') ? is_v6(text) : strspn(text, HOST) == length;
}

int rung_spec_read_cluster(struct rung_spec *spec, const struct rung_json *json, struct rung_err *err)
{
    struct rung_place place = {NULL, "cluster", 0};
    struct rung_cluster_spec *cluster = &spec->cluster;
    int status = rung_fields_read(cluster, &rung_spec_cluster_fields, 0, json, &place, err);

    if (status != 0)
        return status;
    if (cluster->memory && !is_size(cluster->memory))
        return wrong_text(&place, "memory", "a size such as \"500M\" or \"4G\"", cluster->memory, err);
    if (cluster->address && !take_host(cluster->address))
        return wrong_text(&place, "address", "the name or address of a host, without a port",
                          cluster->address, err);
    if (cluster->cpus == RUNG_UNSET)
        cluster->cpus = cluster->trainers * spec->trainer.threads;
    return 0;
}

void rung_spec_free_cluster(struct rung_cluster_spec *cluster)
{
    free(cluster->partition);
    free(cluster->memory);
    free(cluster->address);
    free(cluster->folder);
    rung_fields_free_argv(cluster->arguments);
    rung_fields_free_argv(cluster->setup);
}
