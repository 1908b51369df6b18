// SPDX-License-Identifier: Apache-2.0
// What a journal of an earlier run leaves open (P6): keys given out, and orders whose outcome it does not
// know. A retired ready order cannot have been sent, and the journal is a prefix of what happened, so of the
// unanswered keys only the newest of each account, and those handed over, may have reached the venue. One
// scan at a time in a process.
#ifndef TRIPLINE_RUN_RECOVER_H
#define TRIPLINE_RUN_RECOVER_H

#include "exec/stages.h"
#include "run/calls.h"

struct recover_account {
    uint32_t id, epoch, revision; // newest key given out
};

struct recover {
    size_t n_accounts;
    struct recover_account *account; // ascending by id; then bids', with BID_EPOCH
    size_t n_open;
    size_t n_stages;
    uint8_t (*stage)[STAGE_BYTES]; // of accounts that have one: records as session_restage() takes them
    size_t n_called;
    uint8_t (
        *called)[CALL_BYTES]; // of accounts below a level of margin calls: as session_recall() takes them
    struct order_key *open;   // to be looked up before anything else goes out
    int64_t spent_e8;         // value handed over so far, less what came to nothing
    int64_t paid_e8;          // in auctions, open bids included
    bool clean_end;
    size_t first_accounts; // of the journal's first session: those of the store that it was made from
};

// Scans a journal. 0 with *out to be freed by recover_free(), or -1 with *e set.
int recover_scan(const char *path, struct recover *out, struct err *e);
void recover_free(struct recover *r);

#endif
