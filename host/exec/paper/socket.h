// SPDX-License-Identifier: Apache-2.0
// Local sockets of type SOCK_SEQPACKET: whole packets, in order, or a broken connection. One thread a
// descriptor.
#ifndef TRIPLINE_EXEC_PAPER_SOCKET_H
#define TRIPLINE_EXEC_PAPER_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// Listens at path; a stale socket of a dead process there is replaced, a live one is an error. Descriptor or
// -1.
int socket_listen(const char *path, struct err *e);
int socket_connect(const char *path, struct err *e); // descriptor or -1
void socket_send_timeout(int fd, int ms);
int socket_send(int fd, const uint8_t *buf, size_t n); // 0, or -1: treat the connection as broken
// Without waiting: 1 sent, 0 no room now, -1 broken.
int socket_try_send(int fd, const uint8_t *buf, size_t n);

#endif
