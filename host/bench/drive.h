// SPDX-License-Identifier: Apache-2.0
// Plays a load once through a session, as a source of the production loop (run/live.h): what is measured is
// that loop with all its housekeeping, replies and idle work, not one made for measuring.
//
// The first frames are warm-up: they are played as fast as they go, then the session measures anew and the
// schedule begins with the first frame behind them. In an open loop each frame's clock starts when it was due
// (session_arrived()), however late it is taken, so that what it waited counts; otherwise when it is taken.
// Stream time is the frames' own stamps at any pace.
//
// A capture's clock (session_config.polled 0, run/live.h): frames' stamps are the only time there is, and
// they run at another pace than the wall. In polled mode the loop would tell the session how far the wall
// clock has gone, which at all but the original speed is another time than the frames'. The arbiter then
// finds its gaps by the stamps, and the look for holes after each poll, which delays no frame, is left out.
// One thread.
#ifndef TRIPLINE_BENCH_DRIVE_H
#define TRIPLINE_BENCH_DRIVE_H

#include <signal.h>

#include "bench/pace.h"
#include "bench/sink.h"
#include "bench/worst.h"
#include "run/live.h"

enum { DRIVE_BURST = 32 }; // frames taken at once, as from a port

struct drive_counts {
    uint64_t frames, groups, ticks, flags, early, orders, ready, cold, replies, bands, boxes_foreground;
};
struct drive_quiet { // of the calling thread
    uint64_t minor_faults, major_faults, switches_wanted, switches_forced;
};
enum { DRIVE_WAYS = 3 }; // worst lists: STAMP_ORDER, STAMP_SUBMITTED, STAMP_DONE

// What the session had been told before a frame. With the frames that is all it decides by, so that a second
// run that is told the same in the same places gives the same orders (P3), however long it takes.
struct drive_moment {
    uint32_t replies; // polled in all
    uint32_t idle;    // polls that found no frame due since the one before; DRIVE_IDLE_MOST and more are one
};
enum { DRIVE_IDLE_MOST = 256 };

struct drive_config {
    const struct load *load;
    const struct pace_config *pace;
    const uint64_t *due; // pace_plan(), in an open loop; else NULL
    uint64_t *done;      // open loop: room for load->n ticks, touched; else NULL
    size_t warmup;       // frames, < load->n
    uint64_t pass;       // number of this one, for the worst lists
    struct worst *worst; // DRIVE_WAYS of them, set up, added to
    struct session *session;
    struct sink *sink;
    struct drive_moment *moment; // load->n, touched: of each frame, written; NULL: nobody wants them
    bool repeat;                 // they are read, and each frame waits until they are reached
    // After each frame, warm-up included, on the hot thread; NULL: nobody wants it.
    void (*each)(void *ctx, const struct frame_stamps *s);
    void *each_ctx;
    const volatile sig_atomic_t *stop;
    // A port that gives the load's frames itself, in their order, as fast as they are taken (pace PACE_MAX);
    // a frame has arrived when the poll that finds it begins, so that what the port's driver does is in its
    // time. NULL: from memory.
    const struct live_source *port;
};

struct drive {
    struct drive_config c;
    size_t next;       // frame to play; read by other threads for progress
    size_t first;      // measured; SIZE_MAX: still in the warm-up
    uint64_t start;    // ticks at which frame `first` is due
    uint64_t ended;    // ticks when the last frame was done
    size_t unfinished; // open loop: earliest frame that may not have been done when the next is due
    uint64_t behind_max;
    uint64_t not_before; // closed loop
    uint32_t idle;       // as in drive_moment
    bool settled;        // closed loop: the last frame's orders are answered
    live_frame *port_cb; // the loop's, while the port is polled
    void *port_ctx;
    uint64_t polled; // when that began
    struct drive_counts at_start;
    struct drive_quiet quiet_start, quiet_end;
};
void drive_begin(struct drive *d, const struct drive_config *c);
// live_source.poll, with the drive as context. live_source.frames is load->n, paced.
size_t drive_poll(void *drive, live_frame *cb, void *cb_ctx);
// After the run; frames: measured, 0 when it ended within the warm-up. elapsed_ns: from the time that the
// first was due to the end of the last. backlog_max: most frames due and not done, open loop.
struct drive_result {
    struct drive_counts counts;
    struct drive_quiet quiet;
    uint64_t elapsed_ns, backlog_max;
    uint64_t offered_ns; // open loop: from the first frame's due time to the last's
};
void drive_end(const struct drive *d, struct drive_result *out);

#endif
