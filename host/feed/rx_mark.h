// SPDX-License-Identifier: Apache-2.0
// Up to when a receive queue has been read: a poll that gets less than it asked for has seen the queue's end,
// so all that had come before the poll began is taken. Under a load that never lets a poll see the end, the
// same holds once as many frames were taken as the queue can hold. A queue that drops because it is full
// keeps what it has. Times: clock_stream_ns. Integers only; one thread.
#ifndef TRIPLINE_FEED_RX_MARK_H
#define TRIPLINE_FEED_RX_MARK_H

#include <stdint.h>

struct rx_mark {
    uint64_t until_ns; // what had come before is taken; 0: not known yet
    uint64_t from_ns;  // the same, once `left` more frames are taken
    uint32_t left;     // 0: no such time is being waited for
};

// A poll that began at begin_ns and asked for `asked` frames has got `got`. ring: frames that the queue
// holds, not 0.
static inline void rx_mark_poll(struct rx_mark *m, uint64_t begin_ns, uint32_t got, uint32_t asked,
                                uint32_t ring)
{
    if (got < asked) {
        m->until_ns = begin_ns;
        m->left = 0;
        return;
    }
    if (m->left == 0) {
        m->from_ns = begin_ns;
        m->left = ring;
    }
    m->left = m->left > got ? m->left - got : 0;
    if (m->left == 0)
        m->until_ns = m->from_ns;
}

#endif
