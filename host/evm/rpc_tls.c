// SPDX-License-Identifier: Apache-2.0
// TLS and name look-ups by libcurl, which makes the connection and then carries plain bytes
// (CURLOPT_CONNECT_ONLY): HTTP and WebSocket are said by the same code as without TLS.
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "evm/rpc_link.h"

enum { STAGE_MAX = 16384 }; // one TLS record

struct rpc_tls {
    CURLM *multi;
    CURL *easy;
    bool done;
    char shown[RPC_SHOWN_MAX];
    char why[CURL_ERROR_SIZE];
    // A write that TLS could not finish must be repeated with the very same memory: so bytes are sent from
    // here only.
    size_t staged, sent;
    uint8_t stage[STAGE_MAX];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_curl(void)
{
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static bool configure(struct rpc_tls *t, const struct rpc_url *u, const char *ca_file)
{
    bool v6 = strchr(u->host, ':') != NULL;
    char url[RPC_HOST_MAX + 32];
    (void)snprintf(url, sizeof url, "%s://%s%s%s:%u/", u->tls ? "https" : "http", v6 ? "[" : "", u->host,
                   v6 ? "]" : "", u->port);
    CURL *c = t->easy;
    CURLcode rc = curl_easy_setopt(c, CURLOPT_URL, url);
    rc = rc ? rc : curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
    rc = rc ? rc : curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1); // no h2 by ALPN
    rc = rc ? rc : curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->why);
    rc = rc ? rc : curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    rc = rc ? rc : curl_easy_setopt(c, CURLOPT_PROXY, ""); // orders go where the URL says
    rc = rc ? rc : curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca_file)
        rc = rc ? rc : curl_easy_setopt(c, CURLOPT_CAINFO, ca_file);
    return rc == CURLE_OK;
}

struct rpc_tls *rpc_tls_open(const struct rpc_url *u, const char *ca_file, struct err *e)
{
    (void)pthread_once(&once, init_curl);
    struct rpc_tls *t = calloc(1, sizeof *t);
    if (t) {
        memcpy(t->shown, u->shown, sizeof t->shown);
        t->multi = curl_multi_init();
        t->easy = curl_easy_init();
    }
    int running;
    if (t && t->multi && t->easy && configure(t, u, ca_file) &&
        curl_multi_add_handle(t->multi, t->easy) == CURLM_OK &&
        curl_multi_perform(t->multi, &running) == CURLM_OK)
        return t;
    (void)err_set(e, "node %s: libcurl cannot begin to connect", u->shown);
    rpc_tls_close(t);
    return NULL;
}

int rpc_tls_ready(struct rpc_tls *t, int *fd, struct err *e)
{
    int running, left;
    if (t->done)
        return 1;
    if (curl_multi_perform(t->multi, &running) != CURLM_OK)
        return err_set(e, "libcurl cannot connect");
    CURLMsg *m = curl_multi_info_read(t->multi, &left);
    if (!m)
        return 0;
    curl_socket_t s;
    if (m->data.result != CURLE_OK)
        return err_set(e, "%s", t->why[0] ? t->why : curl_easy_strerror(m->data.result));
    if (curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &s) != CURLE_OK || s == CURL_SOCKET_BAD)
        return err_set(e, "libcurl gives no socket");
    *fd = s;
    t->done = true;
    return 1;
}

ssize_t rpc_tls_recv(struct rpc_tls *t, void *buf, size_t n)
{
    size_t got = 0;
    CURLcode rc = curl_easy_recv(t->easy, buf, n, &got);
    if (rc == CURLE_AGAIN)
        return 0;
    if (rc != CURLE_OK)
        return -2;
    return got ? (ssize_t)got : -1;
}

int rpc_tls_flush(struct rpc_tls *t)
{
    while (t->sent < t->staged) {
        size_t k = 0;
        CURLcode rc = curl_easy_send(t->easy, t->stage + t->sent, t->staged - t->sent, &k);
        if (rc == CURLE_AGAIN)
            return 0;
        if (rc != CURLE_OK)
            return -1;
        t->sent += k;
    }
    t->sent = t->staged = 0;
    return 1;
}

ssize_t rpc_tls_send(struct rpc_tls *t, const void *buf, size_t n)
{
    size_t done = 0;
    while (done < n) {
        int rc = rpc_tls_flush(t);
        if (rc <= 0)
            return rc < 0 ? -1 : (ssize_t)done;
        size_t k = n - done < STAGE_MAX ? n - done : STAGE_MAX;
        memcpy(t->stage, (const uint8_t *)buf + done, k);
        t->staged = k;
        done += k;
    }
    return rpc_tls_flush(t) < 0 ? -1 : (ssize_t)done;
}

void rpc_tls_close(struct rpc_tls *t)
{
    if (!t)
        return;
    if (t->multi && t->easy)
        (void)curl_multi_remove_handle(t->multi, t->easy);
    curl_easy_cleanup(t->easy);
    if (t->multi)
        (void)curl_multi_cleanup(t->multi);
    free(t);
}
