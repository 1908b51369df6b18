// SPDX-License-Identifier: Apache-2.0
// Plays a load once through a session of its own: device, gateway, journal and session are opened, measured
// and closed; what was measured is added to the run. Memory is brought in and locked before the first frame
// (base/resident.h), as `tripline run` does. Main thread only.
#ifndef TRIPLINE_BENCH_PASS_H
#define TRIPLINE_BENCH_PASS_H

#include "bench/place.h"
#include "bench/result.h"

struct pass_config {
    const struct load *load;
    const uint64_t *due; // drive.h; likewise `done`
    uint64_t *done;
    struct book *book; // the session's, changed by it
    const struct session_config *session;
    const struct device_config *device;
    struct device *opened; // taken in place of one that is opened as `device` says; stays the caller's. NULL
    const char *journal;   // path that does not exist yet; NULL: a log that keeps nothing
    const struct place *place;
    bool spin;
    unsigned pass;
    const struct live_source *port; // drive.h; NULL: the load comes from memory
    volatile sig_atomic_t *stop;    // also set when the journal fails
    struct drive_moment *moment;    // drive.h; likewise `repeat`
    bool repeat;
    // After each frame, warm-up included, on the hot thread. NULL: nobody wants it.
    void (*each)(void *ctx, const struct frame_stamps *s);
    void *each_ctx;
    // On another thread, about four times a second: frames played so far. NULL: nobody wants it.
    void (*progress)(void *ctx, uint64_t frames);
    void *progress_ctx;
};
// Adds to *r, and to *b (unless NULL) what it says of device and book; what is worth a note goes to the
// machine of c->place. r->interrupted: it was stopped. 0, or -1 with *e
// set.
int pass_run(const struct pass_config *c, struct bench_result *b, struct bench_run *r, struct err *e);

#endif
