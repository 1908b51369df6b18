// SPDX-License-Identifier: Apache-2.0
// Inside of the summary: text that is cut where the buffer ends. summary.c and summary_chain.c only.
#ifndef TRIPLINE_RUN_SUMMARY_INSIDE_H
#define TRIPLINE_RUN_SUMMARY_INSIDE_H

#include "run/summary.h"

struct text {
    char *buf;
    size_t size, used;
};
__attribute__((format(printf, 2, 3))) void say(struct text *t, const char *fmt, ...);
void say_percentiles(struct text *t, const char *name, const struct hist *h);
void say_money(struct text *t, const char *name, int64_t e8);

// What the chain's line did, and what transactions have brought; nothing for a run on another venue.
void say_chain(struct text *t, const struct summary_input *in);
// From an order's hand-over until its receipt was told.
void say_receipts(struct text *t, const struct summary_input *in);
bool chain_holds(const struct summary_input *in); // no account and no price differed from the contracts'
// summary_bids.c
void say_bids(struct text *t, const struct summary_input *in);
bool bids_hold(const struct summary_input *in); // no purchase was missed
// summary_calls.c
void say_calls(struct text *t, const struct summary_input *in);
void say_calls_audit(struct text *t, const struct summary_input *in);
bool calls_hold(const struct summary_input *in); // no margin call was missed, none was unfounded

#endif
