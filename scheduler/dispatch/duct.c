#include "dispatch/duct.h"

#include "base/mem.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool rung_duct_open(struct rung_duct *duct, struct rung_wire_tls *tls, int fd, bool server)
{
    *duct = (struct rung_duct){.fd = fd, .own_blocks = !tls};
    duct->blocks = tls ? rung_wire_tls_blocks(tls) : rung_blocks_create();
    if (!tls)
        return true;
    duct->ssl = rung_wire_tls_ssl(tls);
    if (!duct->ssl || SSL_set_fd(duct->ssl, fd) != 1) {
        rung_duct_close(duct);
        return false;
    }
    if (server)
        SSL_set_accept_state(duct->ssl);
    else
        SSL_set_connect_state(duct->ssl);
    return true;
}

void rung_duct_close(struct rung_duct *duct)
{
    if (duct->fd < 0)
        return;
    SSL_free(duct->ssl);
    close(duct->fd);
    while (duct->first) {
        struct rung_block *block = duct->first;
        duct->first = block->next;
        rung_block_give_back(block);
    }
    if (duct->own_blocks)
        rung_blocks_free(duct->blocks);
    *duct = (struct rung_duct){.fd = -1};
}

/* Of a call that returned rc <= 0. */
static enum rung_duct_state state_of_tls(struct rung_duct *duct, int rc)
{
    duct->system = errno;
    switch (SSL_get_error(duct->ssl, rc)) {
    case SSL_ERROR_WANT_READ:
        return RUNG_DUCT_READ;
    case SSL_ERROR_WANT_WRITE:
        return RUNG_DUCT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return RUNG_DUCT_END;
    default:
        return RUNG_DUCT_FAILED;
    }
}

static enum rung_duct_state state_of_socket(struct rung_duct *duct, enum rung_duct_state wait)
{
    duct->system = errno;
    return errno == EAGAIN || errno == EINTR ? wait : RUNG_DUCT_FAILED;
}

static void begin_call(void)
{
    ERR_clear_error(); /* whoever left one there would be taken for this connection */
    errno = 0;
}

enum rung_duct_state rung_duct_handshake(struct rung_duct *duct)
{
    begin_call();
    int rc = SSL_do_handshake(duct->ssl);
    return rc == 1 ? RUNG_DUCT_DONE : state_of_tls(duct, rc);
}

/* ---- reading ---- */

enum rung_duct_state rung_duct_read(struct rung_duct *duct, void *data, size_t size, size_t *got)
{
    if (!duct->ssl) {
        ssize_t length = recv(duct->fd, data, size, 0);
        if (length < 0)
            return state_of_socket(duct, RUNG_DUCT_READ);
        *got = (size_t)length;
        return length > 0 ? RUNG_DUCT_DONE : RUNG_DUCT_END;
    }
    begin_call();
    int rc = SSL_read_ex(duct->ssl, data, size, got);
    return rc == 1 ? RUNG_DUCT_DONE : state_of_tls(duct, rc);
}

bool rung_duct_holds(const struct rung_duct *duct)
{
    return duct->ssl && SSL_has_pending(duct->ssl);
}

/* ---- writing ---- */

void rung_duct_put(struct rung_duct *duct, const void *data, size_t length)
{
    const unsigned char *from = data;

    duct->backlog += length;
    while (length > 0) {
        struct rung_block *last = duct->last;
        if (!last || last->used == sizeof last->data) {
            struct rung_block *block = rung_blocks_take(duct->blocks);
            *(last ? &last->next : &duct->first) = block;
            duct->last = last = block;
        }
        size_t room = sizeof last->data - last->used, take = length < room ? length : room;
        memcpy(last->data + last->used, from, take);
        last->used += take;
        from += take;
        length -= take;
    }
}

static enum rung_duct_state write_some(struct rung_duct *duct, const unsigned char *data, size_t length,
                                       size_t *written)
{
    if (!duct->ssl) {
        ssize_t sent = send(duct->fd, data, length, MSG_NOSIGNAL);
        if (sent < 0)
            return state_of_socket(duct, RUNG_DUCT_WRITE);
        *written = (size_t)sent;
        return RUNG_DUCT_DONE;
    }
    begin_call();
    int rc = SSL_write_ex(duct->ssl, data, length, written);
    return rc == 1 ? RUNG_DUCT_DONE : state_of_tls(duct, rc);
}

static void drop_first(struct rung_duct *duct)
{
    struct rung_block *block = duct->first;

    duct->first = block->next;
    duct->begun = 0;
    if (!duct->first)
        duct->last = NULL;
    rung_block_give_back(block);
}

enum rung_duct_state rung_duct_write(struct rung_duct *duct, size_t most)
{
    size_t written, total = 0;

    while (duct->first && total < most) {
        struct rung_block *block = duct->first;
        enum rung_duct_state state =
            write_some(duct, block->data + duct->begun, block->used - duct->begun, &written);
        if (state != RUNG_DUCT_DONE)
            return state;
        duct->begun += written;
        duct->backlog -= written;
        total += written;
        if (duct->begun == block->used)
            drop_first(duct);
    }
    return RUNG_DUCT_DONE;
}

enum rung_duct_state rung_duct_goodbye(struct rung_duct *duct)
{
    begin_call();
    int rc = duct->ssl ? SSL_shutdown(duct->ssl) : 1;
    if (rc < 0 && state_of_tls(duct, rc) == RUNG_DUCT_WRITE)
        return RUNG_DUCT_WRITE;
    ERR_clear_error(); /* a goodbye that cannot be said is none: the other side sees a lost connection */
    shutdown(duct->fd, SHUT_WR);
    return RUNG_DUCT_DONE;
}

/* ---- reasons ---- */

bool rung_duct_reason(struct rung_duct *duct, bool proven, char *reason, size_t size)
{
    struct rung_wire_tls_failure failure = {.system = duct->system, .proven = proven};
    unsigned long error;

    while (failure.count < sizeof failure.errors / sizeof *failure.errors && (error = ERR_get_error()) != 0)
        failure.errors[failure.count++] = error;
    ERR_clear_error();
    return rung_wire_tls_reason(&failure, reason, size);
}
