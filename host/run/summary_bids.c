// SPDX-License-Identifier: Apache-2.0
// What a run did in auctions.
#include <inttypes.h>

#include "run/bids.h"
#include "run/summary_inside.h"

void say_bids(struct text *t, const struct summary_input *in)
{
    const struct bids *b = session_bids(in->session);
    if (!b)
        return;
    const struct bids_counters *n = bids_counters(b);
    say(t,
        "auctions    %" PRIu64 " followed (%zu open): %" PRIu64 " takes sent, %" PRIu64 " taken; %" PRIu64
        " resets sent, %" PRIu64 " done; %" PRIu64 " refused, %" PRIu64 " fenced, %" PRIu64 " outstanding\n",
        n->told, bids_followed(b), n->takes, n->taken, n->resets, n->reset, n->refused, n->fenced,
        bids_outstanding(b));
    say_money(t, "            paid", n->paid_e8);
    say_money(t, ", profit as planned", n->net_e8);
    say(t,
        "; %" PRIu64 " wakes, %" PRIu64 " changes, %" PRIu64 " plans; %" PRIu64 " held, %" PRIu64
        " beyond the limits, %" PRIu64 " left for a reset that does not pay\n",
        n->wakes, n->replans, n->plans, n->held, n->limited, n->left);
    if (n->full || n->strange || n->not_logged || n->ring_full)
        say(t, "            %" PRIu64 " without room, %" PRIu64 " strange, %" PRIu64 " not sent\n", n->full,
            n->strange, n->not_logged + n->ring_full);
    if (session_audit(in->session))
        say(t, "audit: auctions missed=%" PRIu64 " of %" PRIu64 " judged\n", n->missed, n->judged);
}

bool bids_hold(const struct summary_input *in)
{
    const struct bids *b = session_bids(in->session);
    return !b || bids_counters(b)->missed == 0;
}
