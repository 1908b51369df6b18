// SPDX-License-Identifier: Apache-2.0
// Brute force beside the pipeline: every account, at every update, with the exact rule, from nothing but the
// book and the prices. It shares no state with the engine's decisions and only asks it afterwards what it
// knew. Prices in quanta, by asset. The session's thread.
#ifndef TRIPLINE_RUN_AUDIT_H
#define TRIPLINE_RUN_AUDIT_H

#include "engine/engine.h"

struct audit {
    uint64_t updates, evaluations;
    uint64_t breaches;           // account-updates in which the exact rule said "may be liquidated"
    uint64_t missed;             // ... and the engine had not flagged the account at that update or before
    uint64_t unconfirmed_orders; // orders handed over for an account that the exact rule calls healthy
    uint32_t first_missed;       // id of the first account missed, 0 = none
    struct account scratch;      // unpacked from the book
};

// After an update (or an applied reply) has been taken to its verdicts.
void audit_update(struct audit *a, const struct book *b, const int64_t *px, const struct engine *g);
// When an order of this account has been handed over at these prices.
void audit_order(struct audit *a, const struct book *b, size_t account, const int64_t *px);

#endif
