// SPDX-License-Identifier: Apache-2.0
// Receive stamps of a NIC as stream time. Its counter runs at a rate and from a start of its own; samples of
// both clocks, taken about once a second, relate them: a line through the newest sample with the slope
// between it and an older one. Never in the future of the poll, and a result that cannot be right is not
// used: the time of the poll then stands. Integers only; no allocation; one thread.
#ifndef TRIPLINE_FEED_NIC_CLOCK_H
#define TRIPLINE_FEED_NIC_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define NIC_CLOCK_SAMPLE_NS UINT64_C(1000000000) // between samples
#define NIC_CLOCK_LONGEST   UINT64_C(1000000000) // a frame that is said to have waited longer has a wrong stamp

struct nic_clock {
    unsigned samples;     // 0, 1, 2: from 2 on usable
    uint64_t tick, ns;    // newest sample
    uint64_t rate;        // ns per tick, 2^-32
    uint64_t used, wrong; // stamps converted, and refused
};

// Stream time before and after the counter was read: the middle is taken. A pair more than 100 us apart is
// passed over; a sample that does not fit the rate known so far within a part in a thousand starts anew.
void nic_clock_sample(struct nic_clock *c, uint64_t tick, uint64_t before_ns, uint64_t after_ns);
// Whether it is time for a sample.
bool nic_clock_wants(const struct nic_clock *c, uint64_t now_ns);
// Stream time of a stamp in a frame that was polled at polled_ns.
uint64_t nic_clock_ns(struct nic_clock *c, uint64_t tick, uint64_t polled_ns);

#endif
