// SPDX-License-Identifier: Apache-2.0
// A greeted connection to the paper venue. Blocks; one thread a connection.
#ifndef TRIPLINE_EXEC_PAPER_CLIENT_H
#define TRIPLINE_EXEC_PAPER_CLIENT_H

#include "exec/paper/wire.h"

// Connects, says HELLO, waits at most timeout_ms for WELCOME. Descriptor (blocking, sends time out), or -1.
int client_connect(const char *socket, int timeout_ms, struct wire_welcome *w, struct err *e);
// The same, trying again until timeout_ms went by.
int client_connect_wait(const char *socket, int timeout_ms, struct wire_welcome *w, struct err *e);
// One packet within timeout_ms: 1 decoded into *m (pointers into buf), 0 timeout, -1 broken or malformed.
int client_receive(int fd, int timeout_ms, uint8_t buf[WIRE_MAX], struct wire_msg *m);

#endif
