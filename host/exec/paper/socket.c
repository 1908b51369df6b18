// SPDX-License-Identifier: Apache-2.0
#include "exec/paper/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static int make_address(const char *path, struct sockaddr_un *a, struct err *e)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!path || !*path)
        return err_set(e, "socket: the path is empty; name one with --socket");
    if (strlen(path) >= sizeof a->sun_path)
        return err_set(e, "socket %s: a socket path has at most %zu characters; use a shorter one", path,
                       sizeof a->sun_path - 1);
    (void)memcpy(a->sun_path, path, strlen(path) + 1);
    return 0;
}

int socket_connect(const char *path, struct err *e)
{
    struct sockaddr_un a;
    if (make_address(path, &a, e))
        return -1;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(e, "socket: %s", strerror(errno));
    if (connect(fd, (const struct sockaddr *)&a, sizeof a)) {
        int why = errno;
        close(fd);
        return err_set(e, "socket %s: %s; is the venue running?", path, strerror(why));
    }
    return fd;
}

int socket_listen(const char *path, struct err *e)
{
    struct sockaddr_un a;
    if (make_address(path, &a, e))
        return -1;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(e, "socket: %s", strerror(errno));
    int rc = bind(fd, (const struct sockaddr *)&a, sizeof a);
    if (rc && errno == EADDRINUSE) {
        struct stat st;
        if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
            close(fd);
            return err_set(e, "socket %s: a file that is not a socket is there; name another --socket", path);
        }
        int other = socket_connect(path, NULL);
        if (other >= 0) {
            close(other);
            close(fd);
            return err_set(e, "socket %s: another process listens there; stop it or name another --socket",
                           path);
        }
        (void)unlink(path);
        rc = bind(fd, (const struct sockaddr *)&a, sizeof a);
    }
    if (rc || listen(fd, 16)) {
        int why = errno;
        close(fd);
        return err_set(e, "socket %s: %s; check that its directory exists and is writable", path,
                       strerror(why));
    }
    return fd;
}

void socket_send_timeout(int fd, int ms)
{
    struct timeval t = {ms / 1000, (ms % 1000) * 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

int socket_send(int fd, const uint8_t *buf, size_t n)
{
    for (;;) {
        ssize_t rc = send(fd, buf, n, MSG_NOSIGNAL);
        if (rc == (ssize_t)n)
            return 0;
        if (rc < 0 && errno == EINTR)
            continue;
        return -1;
    }
}

int socket_try_send(int fd, const uint8_t *buf, size_t n)
{
    ssize_t rc = send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (rc == (ssize_t)n)
        return 1;
    return rc < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS) ? 0 : -1;
}
