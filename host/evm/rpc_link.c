// SPDX-License-Identifier: Apache-2.0
#include "evm/rpc_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PEER_TIMEOUT_MS = 5000 }; // bytes that the other side has not acknowledged for so long: it is gone

union address {
    struct sockaddr any;
    struct sockaddr_un un;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static socklen_t make_address(const struct rpc_url *u, union address *a)
{
    memset(a, 0, sizeof *a);
    if (u->transport == RPC_IPC) {
        a->un.sun_family = AF_UNIX;
        memcpy(a->un.sun_path, u->path, strlen(u->path) + 1); // rpc_url_parse has measured it
        return sizeof a->un;
    }
    if (inet_pton(AF_INET, u->host, &a->in.sin_addr) == 1) {
        a->in.sin_family = AF_INET;
        a->in.sin_port = htons(u->port);
        return sizeof a->in;
    }
    (void)inet_pton(AF_INET6, u->host, &a->in6.sin6_addr);
    a->in6.sin6_family = AF_INET6;
    a->in6.sin6_port = htons(u->port);
    return sizeof a->in6;
}

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

static void set_tcp(int fd)
{
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, PEER_TIMEOUT_MS);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

int rpc_link_open(struct rpc_link *l, const struct rpc_url *u, const char *ca_file, struct err *e)
{
    *l = (struct rpc_link){-1, u->transport != RPC_IPC, NULL};
    if (u->tls || !u->numeric) {
        l->tls = rpc_tls_open(u, ca_file, e);
        return l->tls ? 0 : -1;
    }
    union address a;
    socklen_t len = make_address(u, &a);
    l->fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (l->fd < 0)
        return err_set(e, "node %s: %s", u->shown, strerror(errno));
    if (l->tcp)
        set_tcp(l->fd);
    if (connect(l->fd, &a.any, len) == 0 || errno == EINPROGRESS)
        return 0;
    int why = errno;
    rpc_link_close(l);
    return err_set(e, "node %s: %s; is it running?", u->shown, strerror(why));
}

int rpc_link_ready(struct rpc_link *l, struct err *e)
{
    if (l->tls) {
        int rc = rpc_tls_ready(l->tls, &l->fd, e);
        if (rc == 1)
            set_tcp(l->fd);
        return rc;
    }
    int why = 0;
    socklen_t n = sizeof why;
    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &why, &n) || why)
        return err_set(e, "%s; is it running?", strerror(why));
    union address a;
    n = sizeof a;
    return getpeername(l->fd, &a.any, &n) == 0;
}

ssize_t rpc_link_recv(struct rpc_link *l, void *buf, size_t n)
{
    if (l->tls)
        return rpc_tls_recv(l->tls, buf, n);
    ssize_t rc = recv(l->fd, buf, n, MSG_DONTWAIT);
    if (rc > 0) {
        // A node that holds back small pushes until the last is acknowledged would wait 40 ms for us; the
        // kernel forgets the option, so it is set each time.
        if (l->tcp)
            set_option(l->fd, IPPROTO_TCP, TCP_QUICKACK, 1);
        return rc;
    }
    if (rc == 0)
        return -1;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -2;
}

ssize_t rpc_link_send(struct rpc_link *l, const void *buf, size_t n)
{
    if (l->tls)
        return rpc_tls_send(l->tls, buf, n);
    ssize_t rc = send(l->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (rc >= 0)
        return rc;
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS ? 0 : -1;
}

int rpc_link_flush(struct rpc_link *l)
{
    return l->tls ? rpc_tls_flush(l->tls) : 1;
}

void rpc_link_close(struct rpc_link *l)
{
    if (l->tls)
        rpc_tls_close(l->tls); // it owns the descriptor
    else if (l->fd >= 0)
        close(l->fd);
    l->tls = NULL;
    l->fd = -1;
}
