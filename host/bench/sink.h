// SPDX-License-Identifier: Apache-2.0
// Where a benchmark's orders go: a gateway of the same make as the paper venue's (a ring to a thread of its
// own, one back), without a venue behind it. Its thread notes when it saw an order (the stage "hand-over"),
// waits until its bytes are durable (P6), and there it ends: nothing is sent. What becomes of the account:
//
// * Settling (captures, generated loads): the order is filled by the paper venue's own settlement at its own
//   marks. That is calculated on the hot thread when the reply is polled, between packets, where a live run
//   has the venue's process do it: some microseconds an order, during which frames may come due.
// * Giving back (the load t0): filled with the account as it was, under a new epoch, so that it can be hit
//   again; not before sink_give_back(), as at the hit's own price it would be flagged and taken once more.
//
// Orders of the load t0 are matched with its hits by the id in their mark, as that benchmark's tester does.
// One hot thread submits and polls, and calls everything else here.
#ifndef TRIPLINE_BENCH_SINK_H
#define TRIPLINE_BENCH_SINK_H

#include "base/hist.h"
#include "bench/load.h"
#include "exec/gateway.h"

struct sink_config {
    const struct book *book; // the session's
    bool give_back;
    const struct load *load;        // LOAD_T0: orders are matched with its hits; else NULL
    uint64_t (*durable)(void *ctx); // from the gateway's thread; NULL: everything is
    void *durable_ctx;
    bool spin;               // the thread never sleeps, for a CPU that the hot thread does not have
    void (*tend)(void *ctx); // on the gateway's thread, about four times a second; or NULL
    void *tend_ctx;
};
struct sink;
// Starts the thread, with the affinity of the caller. What is handed in must outlive it. NULL with *e set.
struct sink *sink_open(const struct sink_config *c, struct err *e);
struct gateway *sink_gateway(struct sink *s);
// Orders from now on are measured.
void sink_measure(struct sink *s);
// Giving back: a message has been played that is no hit. True when an order's reply can be polled now: it
// should be, before the next message.
bool sink_give_back(struct sink *s);
// Orders that are not through: seen, durable, and where they are settled, the reply polled.
uint64_t sink_outstanding(const struct sink *s);
uint64_t sink_replies(const struct sink *s);
// Settling: at most so many replies can be polled in all; the others wait. Until then there is no limit.
void sink_let(struct sink *s, uint64_t replies);

// Ends the thread, after it has seen all that was handed over; what the journal does not make durable is
// dropped. Then:
void sink_stop(struct sink *s);
const struct hist *sink_handed(const struct sink *s); // ns, handed over -> seen by the gateway's thread
uint64_t sink_waited(const struct sink *s); // measured orders that were not durable when they were seen
struct sink_hits {
    uint64_t hits, matched, missed, extra; // extra: a hit's second order, and orders of no hit
};
// Of the frames [from, to) of the load, which have been played; all orders came from them or earlier ones.
void sink_hits(const struct sink *s, size_t from, size_t to, struct sink_hits *out);
void sink_close(struct sink *s); // stops it; NULL is allowed

#endif
