// SPDX-License-Identifier: Apache-2.0
// When one frame reached which point of the host's path, in ticks of the TSC (base/clock.h). Written by the
// session on the hot thread, one clock reading each and nothing else: what is reckoned from them is reckoned
// after the frame. docs/latency.md defines the points.
#ifndef TRIPLINE_RUN_STAMPS_H
#define TRIPLINE_RUN_STAMPS_H

#include <stdint.h>

enum stamp {
    STAMP_ARRIVED,   // the frame was in the ring: session_arrived(), else the same as TAKEN
    STAMP_TAKEN,     // handed over by the port or the source
    STAMP_DECODED,   // prices of its first group known
    STAMP_SUBMITTED, // first command beat about to be handed to the device
    STAMP_FLAG,      // first event of the device seen that flags a row
    STAMP_CONFIRMED, // the exact rule has confirmed the first account
    STAMP_SIZED,     // its order is sized
    STAMP_ORDER,     // first order handed to the gateway
    STAMP_LAST,      // last order handed to the gateway
    STAMP_DONE,      // all that follows from the frame is done
    STAMP_COUNT
};

struct frame_stamps {
    uint64_t at[STAMP_COUNT]; // 0: not reached
    uint32_t flags, orders;   // rows flagged; orders handed over
    uint32_t ready;           // of them ready beforehand
};

const char *stamp_name(enum stamp s); // "arrived", "taken", ...

#endif
