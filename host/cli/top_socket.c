// SPDX-License-Identifier: Apache-2.0
#include "cli/top_socket.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_MAX = 32768, WAIT_S = 5, PATH_LEN = 1024 };

static int open_socket(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const struct timeval wait = {.tv_sec = WAIT_S};
    if (strlen(path) >= sizeof a.sun_path)
        return -1;
    memcpy(a.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (connect(fd, (const struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static struct json *member(struct json *object, const char *key)
{
    for (struct json *j = object ? object->child : NULL; j; j = j->next)
        if (j->key && strcmp(j->key, key) == 0)
            return j;
    return NULL;
}

// DPDK greets with {"version":...,"pid":N,"max_output_len":...}.
static bool greets_as(int fd, long pid)
{
    static char text[ANSWER_MAX];
    struct json_doc doc;
    ssize_t n = recv(fd, text, sizeof text, 0);
    if (n <= 0)
        return false;
    bool same = false;
    if (json_parse(text, (size_t)n, &doc) == 0) {
        const struct json *j = member(doc.root, "pid");
        same = j && j->type == JSON_NUMBER && strtol(j->text, NULL, 10) == pid;
    }
    json_free(&doc);
    return same;
}

// Where DPDK may have put it (its guide: RUNTIME_DIRECTORY, XDG_RUNTIME_DIR, /var/run for root, /tmp);
// several processes may be there, so each is asked who it is.
static int find_socket(long pid)
{
    const char *const base[] = {"/var/run", getenv("RUNTIME_DIRECTORY"), getenv("XDG_RUNTIME_DIR"), "/tmp"};
    for (size_t i = 0; i < sizeof base / sizeof *base; i++) {
        char pattern[PATH_LEN];
        glob_t g = {0};
        int found = -1;
        if (!base[i] ||
            snprintf(pattern, sizeof pattern, "%s/dpdk/*/dpdk_telemetry.v2*", base[i]) >= PATH_LEN)
            continue;
        if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0)
            for (size_t k = 0; k < g.gl_pathc && found < 0; k++) {
                int fd = open_socket(g.gl_pathv[k]);
                if (fd >= 0 && greets_as(fd, pid))
                    found = fd;
                else if (fd >= 0)
                    (void)close(fd);
            }
        globfree(&g);
        if (found >= 0)
            return found;
    }
    return -1;
}

int top_connect(const char *dir, struct err *e)
{
    char path[PATH_LEN];
    long pid = 0;
    if (snprintf(path, sizeof path, "%s/ready", dir) >= PATH_LEN)
        return err_set(e, "%.64s...: path too long", dir);
    FILE *f = fopen(path, "re");
    if (!f)
        return err_set(e, "no `tripline run --dir %.200s` is taking packets (%s: %s)", dir, path,
                       strerror(errno));
    if (fscanf(f, "%ld", &pid) != 1)
        pid = 0;
    (void)fclose(f);
    int fd = find_socket(pid);
    return fd >= 0
               ? fd
               : err_set(e,
                         "process %ld of %.200s/ready does not answer on a telemetry socket: it has ended, "
                         "belongs to another user, or was started with --no-telemetry",
                         pid, dir);
}

static int parse_answer(const char *text, size_t len, const char *cmd, struct json_doc *doc,
                        struct json **rows, unsigned long *next, struct err *e)
{
    if (json_parse(text, len, doc) != 0)
        return err_set(e, "%s: answer is not JSON: %s", cmd, doc->error);
    struct json *body = member(doc->root, cmd), *more = member(body, "next");
    if (!body || body->type != JSON_OBJECT)
        return err_set(e, "%s: the run does not answer in time", cmd);
    *rows = body->child;
    *next = more && more->type == JSON_NUMBER ? strtoul(more->text, NULL, 10) : 0;
    return 0;
}

int top_ask(int fd, const char *cmd, unsigned long first, struct json_doc *doc, struct json **rows,
            unsigned long *next, struct err *e)
{
    static char text[ANSWER_MAX];
    char request[64];
    int n = first ? snprintf(request, sizeof request, "%s,%lu", cmd, first)
                  : snprintf(request, sizeof request, "%s", cmd);
    memset(doc, 0, sizeof *doc);
    if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        return 1;
    ssize_t got = recv(fd, text, sizeof text, 0);
    if (got > 0)
        return parse_answer(text, (size_t)got, cmd, doc, rows, next, e);
    if (got < 0 && errno == EINTR)
        return err_set(e, "interrupted");
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return err_set(e, "%s: no answer for %d s", cmd, WAIT_S);
    return 1;
}
