// SPDX-License-Identifier: Apache-2.0
#include "evm/rpc_url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static const struct scheme {
    const char *text;
    enum rpc_transport transport;
    bool tls;
    uint16_t port;
} SCHEMES[] = {
    {"http://", RPC_HTTP, false, 80},
    {"https://", RPC_HTTP, true, 443},
    {"ws://", RPC_WS, false, 80},
    {"wss://", RPC_WS, true, 443},
};

static int parse_ipc(const char *path, struct rpc_url *u, struct err *e)
{
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof((struct sockaddr_un *)0)->sun_path)
        return err_set(e, "node: a socket path has 1 to %zu characters",
                       sizeof((struct sockaddr_un *)0)->sun_path - 1);
    *u = (struct rpc_url){.transport = RPC_IPC, .numeric = true};
    memcpy(u->path, path, n + 1);
    (void)snprintf(u->shown, sizeof u->shown, "ipc:%s", path);
    return 0;
}

// Digits, 1 to 65535, up to the end.
static int parse_port(const char *p, const char *end, uint16_t *port)
{
    unsigned v = 0;
    if (p == end || end - p > 5)
        return -1;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return -1;
        v = v * 10 + (unsigned)(*p - '0');
    }
    *port = (uint16_t)v;
    return v == 0 || v > 65535 ? -1 : 0;
}

static bool host_char(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '.' ||
           c == '_';
}

static int parse_host(const char *p, const char *end, struct rpc_url *u, const char **behind)
{
    bool v6 = p < end && *p == '[';
    const char *stop = v6 ? memchr(p, ']', (size_t)(end - p)) : memchr(p, ':', (size_t)(end - p));
    if (v6 && !stop)
        return -1;
    const char *from = v6 ? p + 1 : p, *to = stop ? stop : end;
    size_t n = (size_t)(to - from);
    if (n == 0 || n >= sizeof u->host)
        return -1;
    for (const char *c = from; c < to; c++)
        if (!host_char(*c) && !(v6 && *c == ':'))
            return -1;
    memcpy(u->host, from, n);
    u->host[n] = 0;
    uint8_t address[16];
    bool is6 = inet_pton(AF_INET6, u->host, address) == 1;
    if (v6 && !is6)
        return -1;
    if (strcmp(u->host, "localhost") == 0)
        (void)snprintf(u->host, sizeof u->host, "127.0.0.1");
    u->numeric = is6 || inet_pton(AF_INET, u->host, address) == 1;
    *behind = v6 ? stop + 1 : to;
    return 0;
}

// It goes into a request line as it is.
static int copy_path(const char *p, struct rpc_url *u)
{
    size_t n = strcspn(p, "#");
    bool slash = *p == '/';
    if (n + !slash >= sizeof u->path)
        return -1;
    u->path[0] = '/';
    memcpy(u->path + !slash, p, n);
    u->path[n + !slash] = 0;
    for (const char *c = u->path; *c; c++)
        if ((unsigned char)*c <= ' ' || (unsigned char)*c > '~')
            return -1;
    return 0;
}

int rpc_url_parse(const char *text, struct rpc_url *u, struct err *e)
{
    if (text[0] == '/' || text[0] == '.')
        return parse_ipc(text, u, e);
    if (strncmp(text, "ipc:", 4) == 0)
        return parse_ipc(text + 4, u, e);
    const struct scheme *s = NULL;
    for (size_t i = 0; i < sizeof SCHEMES / sizeof *SCHEMES; i++)
        if (strncmp(text, SCHEMES[i].text, strlen(SCHEMES[i].text)) == 0)
            s = &SCHEMES[i];
    if (!s)
        return err_set(e, "node: name it by ipc:/path, http://, https://, ws:// or wss://");
    *u = (struct rpc_url){.transport = s->transport, .tls = s->tls, .port = s->port};
    const char *p = text + strlen(s->text), *end = p + strcspn(p, "/?#"), *behind;
    if (memchr(p, '@', (size_t)(end - p)))
        return err_set(e, "node: no name and password in the URL; give an Authorization header instead");
    if (parse_host(p, end, u, &behind))
        return err_set(e, "node: the host in its URL is not one");
    if (behind < end && (*behind != ':' || parse_port(behind + 1, end, &u->port)))
        return err_set(e, "node: the port in its URL is not one");
    if (copy_path(end, u))
        return err_set(
            e, "node: the path in its URL is longer than %d characters or has characters to be escaped",
            RPC_PATH_MAX - 1);
    bool v6 = strchr(u->host, ':') != NULL;
    (void)snprintf(u->shown, sizeof u->shown, "%s%s%s%s:%u", s->text, v6 ? "[" : "", u->host, v6 ? "]" : "",
                   u->port);
    return 0;
}
