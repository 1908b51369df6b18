// SPDX-License-Identifier: Apache-2.0
// Replays a journal through the same session code: its inputs drive, its outputs (commands, events, orders)
// must come out again byte for byte and in order. One replay at a time in a process.
#ifndef TRIPLINE_RUN_REPLAY_H
#define TRIPLINE_RUN_REPLAY_H

#include "run/session.h"

struct replay_result {
    uint64_t records, frames, replies, commands, events, orders; // compared or fed
    uint64_t segments;   // sessions in the journal (one a start of `run`)
    uint64_t torn_bytes; // after the last whole record: lost with the process that wrote them
    bool clean_end;      // the last segment ended with J_END
    uint64_t mismatches;
    char first[256]; // where and what, for the first mismatch
    // Segments in which the device reported a flipped memory bit. What it said from there on is no function
    // of its commands, so such a segment is replayed and compared up to the input before.
    uint64_t faulted;
    struct audit audit; // of all segments, when asked for
};

// backend: device to replay on ("model", "sim"). progress (may be NULL) is called now and then with the share
// of the file done, 0..1; it returns false to stop. 0 when the journal was read to its end (mismatches are in
// *out), or -1 with *e set.
int replay_journal(const char *path, const char *backend, bool audit,
                   bool (*progress)(void *ctx, double share), void *ctx, struct replay_result *out,
                   struct err *e);

#endif
