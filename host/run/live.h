// SPDX-License-Identifier: Apache-2.0
// The run-to-completion loop of a live or capture-driven run: polls packets, replies, the kill switch and,
// when nothing comes, the clock; feeds them to the session in the order in which they are seen.
#ifndef TRIPLINE_RUN_LIVE_H
#define TRIPLINE_RUN_LIVE_H

#include <signal.h>

#include "run/session.h"

// A source of frames: DPDK ports, or anything else that delivers them.
typedef void live_frame(void *ctx, uint64_t ts_ns, const uint8_t *data, size_t caplen, size_t wirelen);
struct live_source {
    void *ctx;
    size_t (*poll)(void *ctx, live_frame *cb, void *cb_ctx); // returns frames delivered
    // Every frame that came before has been delivered, as the last poll knows (clock_stream_ns). Not asked
    // of a capture.
    uint64_t (*read_until)(void *ctx);
    uint64_t frames; // that will come in all (a capture), 0 = endless
    bool paced;      // a capture whose frames come when they are due: silence is no failure
};

struct live_config {
    bool lockstep;       // after each frame wait for all replies: a capture's outcome then repeats exactly
    uint64_t max_frames; // stop after so many, 0 = never
    uint64_t max_ns;     // stop after so much wall-clock time, 0 = never
    uint64_t idle_ns;    // live: with no packet for this long, stream time follows the wall clock
    const volatile sig_atomic_t *stop;
    bool (*kill_wanted)(void *ctx); // kill switch, polled
    void *kill_ctx;
    void (*tend)(void *ctx); // called after each poll
    void *tend_ctx;
    // Called about four times a second; may print. now frames done.
    void (*progress)(void *ctx, uint64_t frames);
    void *progress_ctx;
};

enum live_end { LIVE_DONE, LIVE_STOPPED, LIVE_FAILED };
// Runs until the source ends, a limit is reached, *stop is set (LIVE_STOPPED), or something fails
// (LIVE_FAILED, *e set). Waits up to two seconds for outstanding replies before it returns.
enum live_end live_run(const struct live_config *c, const struct live_source *src, struct session *s,
                       struct gateway *gw, struct err *e);

#endif
