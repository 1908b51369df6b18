// SPDX-License-Identifier: Apache-2.0
#include "evm/rpc_http.h"

#include <string.h>
#include <strings.h>

struct text {
    const char *p;
    size_t n;
};

static bool is(struct text t, const char *word)
{
    return t.n == strlen(word) && strncasecmp(t.p, word, t.n) == 0;
}

static struct text trim(struct text t)
{
    while (t.n && (t.p[0] == ' ' || t.p[0] == '\t'))
        t = (struct text){t.p + 1, t.n - 1};
    while (t.n && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t'))
        t.n--;
    return t;
}

// Is the word among those between commas?
static bool lists(struct text t, const char *word)
{
    while (t.n) {
        const char *comma = memchr(t.p, ',', t.n);
        struct text one = {t.p, comma ? (size_t)(comma - t.p) : t.n};
        if (is(trim(one), word))
            return true;
        size_t used = one.n + (comma != NULL);
        t = (struct text){t.p + used, t.n - used};
    }
    return false;
}

// A second length that says something else is how responses are smuggled: refused.
static int length(struct text v, struct rpc_http_head *h)
{
    uint64_t x = 0;
    if (v.n == 0 || v.n > 15)
        return -1;
    for (size_t i = 0; i < v.n; i++) {
        if (v.p[i] < '0' || v.p[i] > '9')
            return -1;
        x = x * 10 + (uint64_t)(v.p[i] - '0');
    }
    if (h->has_length && h->length != x)
        return -1;
    h->has_length = true;
    h->length = x;
    return 0;
}

static const char *field(struct text name, struct text v, struct rpc_http_head *h)
{
    if (is(name, "content-length"))
        return length(v, h) ? "HTTP: Content-Length is not one number" : NULL;
    if (is(name, "transfer-encoding")) {
        if (h->chunked || !is(v, "chunked"))
            return "HTTP: Transfer-Encoding is not chunked";
        h->chunked = true;
    } else if (is(name, "content-encoding")) {
        return is(v, "identity") ? NULL : "HTTP: a compressed body, which was not asked for";
    } else if (is(name, "connection")) {
        h->close = (h->close || lists(v, "close")) && !lists(v, "keep-alive");
        h->upgrade = h->upgrade || lists(v, "upgrade");
    } else if (is(name, "upgrade")) {
        h->upgrade_websocket = is(v, "websocket");
    } else if (is(name, "sec-websocket-accept") && v.n == RPC_WS_ACCEPT_LEN) {
        memcpy(h->accept, v.p, v.n);
    } else if (is(name, "sec-websocket-extensions") || is(name, "sec-websocket-protocol")) {
        h->extras = true;
    }
    return NULL;
}

// "HTTP/1.1 200 Some words"
static int status_line(struct text t, struct rpc_http_head *h)
{
    if (t.n < 12 || memcmp(t.p, "HTTP/1.", 7) != 0 || (t.p[7] != '0' && t.p[7] != '1') || t.p[8] != ' ' ||
        (t.n > 12 && t.p[12] != ' '))
        return -1;
    h->close = t.p[7] == '0';
    for (int i = 9; i < 12; i++) {
        if (t.p[i] < '0' || t.p[i] > '9')
            return -1;
        h->status = h->status * 10 + (unsigned)(t.p[i] - '0');
    }
    return h->status < 100 || h->status > 599 ? -1 : 0;
}

int rpc_http_head(const char *p, size_t n, struct rpc_http_head *h, const char **why)
{
    *h = (struct rpc_http_head){0};
    for (const char *end = p + n; p < end;) {
        const char *stop = memmem(p, (size_t)(end - p), "\r\n", 2);
        struct text line = {p, stop ? (size_t)(stop - p) : (size_t)(end - p)};
        *why = stop ? NULL : "HTTP: a head without end";
        if (!stop || line.n == 0)
            break;
        p = stop + 2;
        if (h->status == 0) {
            if (status_line(line, h))
                *why = "HTTP: not a response of HTTP/1.1";
        } else {
            const char *colon = memchr(line.p, ':', line.n);
            struct text name = {line.p, colon ? (size_t)(colon - line.p) : 0};
            if (name.n == 0 || trim(name).n != name.n || memchr(line.p, '\n', line.n))
                *why = "HTTP: a malformed header line";
            else
                *why = field(name, trim((struct text){colon + 1, line.n - name.n - 1}), h);
        }
        if (*why)
            return -1;
    }
    if (!*why && h->status == 0)
        *why = "HTTP: no status line";
    if (!*why && h->chunked && h->has_length)
        *why = "HTTP: two lengths";
    return *why ? -1 : 0;
}
