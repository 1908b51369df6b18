// SPDX-License-Identifier: Apache-2.0
// Limits on the value of orders: one order, any 60 s of stream time, the whole run, those on predicted
// prices. Values are 1e-8 units of account and count when an order is handed over, whatever becomes of it.
// One thread; no allocation after limits_init.
#ifndef TRIPLINE_EXEC_LIMITS_H
#define TRIPLINE_EXEC_LIMITS_H

#include "base/wide.h"

enum { LIMITS_RING = 65536 }; // distinct hand-over times remembered, a power of two

#define LIMITS_WINDOW_NS UINT64_C(60000000000)

struct limits_entry {
    uint64_t ns;
    i128 value_e8;
};
// The window is exact: the sum over orders handed over at t with now - t < 60 s. When more distinct times
// than the ring holds lie inside it, the two youngest are kept as one under the later time: the sum is then
// too high, never too low, and `merged` counts it.
struct limits {
    int64_t max_order_e8, max_minute_e8, max_total_e8; // 0 = no limit
    struct limits_entry *ring;
    uint64_t head, tail;
    uint64_t now; // latest time seen: stream time that steps back is taken as standing still
    i128 minute_e8, total_e8;
    int64_t max_predicted_e8; // set after limits_init; 0: none at all
    i128 predicted_e8;
    uint64_t merged;
};

enum limits_verdict { LIMITS_OK, LIMITS_ORDER, LIMITS_MINUTE, LIMITS_TOTAL };

int limits_init(struct limits *l, int64_t max_order_e8, int64_t max_minute_e8,
                int64_t max_total_e8); // 0 or -1
void limits_free(struct limits *l);
// Would an order of this value (>= 0) be within limits now? Expires what left the window; takes nothing.
enum limits_verdict limits_check(struct limits *l, uint64_t now_ns, int64_t value_e8);
// Takes an order that came to nothing out of the total.
void limits_give_back(struct limits *l, int64_t value_e8);
// Puts it back: it has come to something after all, or may.
void limits_take_again(struct limits *l, int64_t value_e8);
// Counts an order that was handed over at the time of the last check.
void limits_take(struct limits *l, int64_t value_e8);
// The same of orders on predicted prices, beside the others.
void limits_warm(const struct limits *l);                        // limits_take() is near (base/warm.h)
bool limits_predicted(const struct limits *l, int64_t value_e8); // is it within the limit?
void limits_predicted_take(struct limits *l, int64_t value_e8);
void limits_predicted_give_back(struct limits *l, int64_t value_e8);

#endif
