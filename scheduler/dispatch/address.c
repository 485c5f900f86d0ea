#include "dispatch/address.h"

#include "base/ipv6.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NEXT_AFTER_MS 1000 /* how long one address of a name may take while there are others */

/* ---- reading ---- */

static int bad(struct rung_err *err, const char *text, const char *why)
{
    rung_err_set(err, RUNG_EUSE, "\"%s\": %s", text, why);
    rung_err_way_out(err, "HOST:PORT, [V6]:PORT or :PORT");
    return RUNG_EUSE;
}

/* One to five digits to the end; -1 where they are none, or over 65535. */
static int read_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    int port = 0;

    if (digits < 1 || digits > 5 || text[digits] != '\0')
        return -1;
    for (size_t i = 0; i < digits; i++)
        port = port * 10 + (text[i] - '0');
    return port <= 65535 ? port : -1;
}

static bool is_name(const char *host)
{
    for (const char *c = host; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("[]/%\"'\\@", *c))
            return false;
    return true;
}

static bool is_v6(const char *host)
{
    size_t length = strcspn(host, "%");

    return rung_ipv6_is(host) && (!host[length] || is_name(host + length + 1));
}

int rung_address_read(struct rung_address *address, const char *text, struct rung_err *err)
{
    const char *colon = strrchr(text, ':'), *host = text;

    if (!colon)
        return bad(err, text, "an address has a port");
    size_t length = (size_t)(colon - text);
    bool brackets = length >= 2 && text[0] == '[' && colon[-1] == ']';
    if (brackets) {
        host++;
        length -= 2;
    }
    if (length >= sizeof address->host)
        return bad(err, text, "the name is too long");
    memcpy(address->host, host, length);
    address->host[length] = '\0';
    address->port = read_port(colon + 1);
    if (address->port < 0)
        return bad(err, text, "a port is a number from 0 to 65535");
    if (brackets ? !is_v6(address->host) : !is_name(address->host))
        return bad(err, text, brackets ? "no address of IPv6 is in the brackets" : "no name of a machine");
    if (!brackets && strchr(address->host, ':'))
        return bad(err, text, "an address of IPv6 stands in brackets");
    return 0;
}

/* ---- names ---- */

void rung_address_write(char text[RUNG_ADDRESS_TEXT], const struct rung_address *address)
{
    const char *form = strchr(address->host, ':') ? "[%s]:%d" : "%s:%d";

    snprintf(text, RUNG_ADDRESS_TEXT, form, address->host, address->port);
}

static int fail(struct rung_err *err, int code, const struct rung_address *address, const char *why)
{
    char text[RUNG_ADDRESS_TEXT];

    rung_address_write(text, address);
    rung_err_set(err, code, "%s: %s", text, why);
    return code;
}

static int resolve(struct addrinfo **out, const struct rung_address *address, int flags, struct rung_err *err)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    char port[16];

    snprintf(port, sizeof port, "%d", address->port);
    int rc = getaddrinfo(address->host[0] ? address->host : NULL, port, &hints, out);
    if (rc == 0)
        return 0;
    if (rc == EAI_AGAIN) /* nobody answered: another time somebody may */
        return fail(err, RUNG_EFAIL, address, "the name cannot be looked up now");
    if (rc == EAI_SYSTEM)
        return fail(err, RUNG_EFAIL, address, strerror(errno));
    return fail(err, RUNG_EUSE, address, "the name is not known");
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)address;
        return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family != AF_INET6)
        return false;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) || (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == 127);
}

bool rung_address_is_loopback(const struct rung_address *address)
{
    struct addrinfo *list;
    bool all = true;

    if (!address->host[0] || resolve(&list, address, 0, NULL) < 0)
        return false;
    for (const struct addrinfo *info = list; info; info = info->ai_next)
        all = all && is_loopback(info->ai_addr);
    freeaddrinfo(list);
    return all;
}

/* ---- listening ---- */

static int open_socket(const struct addrinfo *info)
{
    return socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* A listening socket, or -1 with errno. both: IPv4 arrives at it, too. */
static int listen_at(const struct addrinfo *info, bool both)
{
    int fd = open_socket(info), on = 1, off = 0;

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        (info->ai_family != AF_INET6 ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, both ? &off : &on, sizeof on) == 0) &&
        bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int rung_address_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
    return ntohs(((struct sockaddr_in *)(void *)&address)->sin_port);
}

static int listen_error(struct rung_err *err, const struct rung_address *address, int why)
{
    switch (why) {
    case EADDRINUSE:
        return fail(err, RUNG_EUSE, address, "another program listens there");
    case EADDRNOTAVAIL:
        return fail(err, RUNG_EUSE, address, "it is no address of this machine");
    case EACCES:
        return fail(err, RUNG_EUSE, address, "this user must not listen there");
    default:
        rung_err_set(err, RUNG_EFAIL, "cannot listen: %s", strerror(why));
        return RUNG_EFAIL;
    }
}

/* IPv6 first where every address is meant, since that takes both; of a name IPv4 first, which every worker
 * has. The other one is tried when the machine has no such addresses. */
int rung_address_listen(int *fd, int *port, const struct rung_address *address, struct rung_err *err)
{
    bool any = !address->host[0];
    int order[] = {any ? AF_INET6 : AF_INET, any ? AF_INET : AF_INET6}, why = EADDRNOTAVAIL;
    struct addrinfo *list;
    int code = resolve(&list, address, AI_PASSIVE, err);

    if (code < 0)
        return code;
    *fd = -1;
    for (int i = 0; i < 2 && *fd < 0; i++)
        for (const struct addrinfo *info = list; info && *fd < 0; info = info->ai_next)
            if (info->ai_family == order[i] && (*fd = listen_at(info, any)) < 0 && why != EADDRINUSE)
                why = errno;
    freeaddrinfo(list);
    if (*fd < 0)
        return listen_error(err, address, why);
    *port = rung_address_port(*fd);
    return 0;
}

/* ---- connecting ---- */

/* How a connection that was begun fares within ms: 0, or the errno why there will be none (EINPROGRESS: it
 * may still come). */
static int outcome(int fd, int ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    int why = 0;
    socklen_t length = sizeof why;
    int ready = poll(&wait, 1, ms);

    if (ready == 0 || (ready < 0 && errno == EINTR))
        return EINPROGRESS;
    if (ready < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &length) < 0)
        return errno;
    return why;
}

/* A socket that connects, or has; or -1 with errno. last: nothing else can be tried, so nothing is waited
 * for. */
static int connect_to(const struct addrinfo *info, bool last)
{
    int fd = open_socket(info), why = 0;

    if (fd < 0)
        return -1;
    if (connect(fd, info->ai_addr, info->ai_addrlen) < 0)
        why = errno;
    if (why == EINPROGRESS)
        why = outcome(fd, last ? 0 : NEXT_AFTER_MS);
    if (why == 0 || (why == EINPROGRESS && last))
        return fd;
    close(fd);
    errno = why == EINPROGRESS ? ETIMEDOUT : why;
    return -1;
}

int rung_address_connect(int *fd, const struct rung_address *address, struct rung_err *err)
{
    struct addrinfo *list;
    int why = EHOSTUNREACH;

    *fd = -1;
    if (address->port == 0)
        return fail(err, RUNG_EUSE, address, "port 0 is only for listening");
    int code = resolve(&list, address, 0, err);
    if (code < 0)
        return code;
    for (const struct addrinfo *info = list; info && *fd < 0; info = info->ai_next)
        if ((*fd = connect_to(info, !info->ai_next)) < 0)
            why = errno;
    freeaddrinfo(list);
    return *fd >= 0 ? 0 : fail(err, RUNG_EFAIL, address, strerror(why));
}
