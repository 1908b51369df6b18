// SPDX-License-Identifier: Apache-2.0
// What a journal leaves open of bids on auctions: keys given out, bids whose outcome it does not know, and
// what was paid. Inside of recover.c only; one thread.
#ifndef TRIPLINE_RUN_RECOVER_BIDS_H
#define TRIPLINE_RUN_RECOVER_BIDS_H

#include "exec/auction.h"
#include "journal/journal.h"

struct bids_scan {
    struct open_bid {
        struct order_key key;
        int64_t value_e8;
    } * open;
    size_t n, room;
    uint32_t revision; // the highest given out
    int64_t paid_e8;   // and what open bids may have paid
};
// A J_BID or J_BUDGET. 0, or -1 with *e set.
int bids_scan_record(struct bids_scan *s, const struct journal_record *rec, struct err *e);
void bids_scan_reply(struct bids_scan *s, const struct order_reply *r);
void bids_scan_restore(struct bids_scan *s, uint32_t revision);

#endif
