// SPDX-License-Identifier: Apache-2.0
// A run's counters for another thread to read: the reader asks, the hot thread copies a few streams at a time
// between packets and says when it is done. So the hot path has no lock, shares no counter, and nobody's
// question holds it up for more than some microseconds. Each stream's counters belong together; the table as
// a whole may span some polls.
#ifndef TRIPLINE_RUN_BOARD_H
#define TRIPLINE_RUN_BOARD_H

#include "feed/dpdk/ports.h"
#include "feed/dpdk/telemetry.h"
#include "run/session.h"

struct board;
// market must outlive it. NULL: out of memory.
struct board *board_new(const struct market *market);
void board_free(struct board *b);

// Hot thread. Whether somebody waits: one load.
bool board_asked(const struct board *b);
// Copies the next piece. ports may be NULL (n_ports 0).
void board_serve(struct board *b, const struct session *s, const struct ports_port *port, size_t n_ports,
                 uint64_t now_ns);

// Reader, one at a time. Asks and waits: false when the run does not answer for two seconds.
bool board_ask(void *board);
// Rows of what came last, for telemetry; ctx is the board.
bool board_line_row(void *board, size_t i, struct telemetry_row *out);
bool board_feed_row(void *board, size_t i, struct telemetry_row *out);
bool board_price_row(void *board, size_t i, struct telemetry_row *out);
bool board_engine_row(void *board, size_t i, struct telemetry_row *out);
bool board_port_row(void *board, size_t i, struct telemetry_row *out);

#endif
