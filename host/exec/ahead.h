// SPDX-License-Identifier: Apache-2.0
// Sizes of orders worked out before their account has its turn: a small cache, direct-mapped by account,
// emptied when anything a size depends on may be another. What is in it decides how long an answer takes and
// nothing else. One thread; no allocation after ahead_init.
#ifndef TRIPLINE_EXEC_AHEAD_H
#define TRIPLINE_EXEC_AHEAD_H

#include "exec/staked.h"

enum { AHEAD_SLOTS = 1024 }; // power of two

struct ahead {
    struct ahead_slot {
        uint64_t generation; // 0: none yet
        size_t account;
        struct staked size;
    } * slot;
    uint64_t generation; // of what holds
    bool any;            // something does: devices that are heard in one order need no look
};

int ahead_init(struct ahead *p); // 0 or -1
void ahead_free(struct ahead *p);
// Keeps the size of an account's order at this epoch and px[] of these assets, in place of another account's
// perhaps; nothing when it is larger than a struct staked.
void ahead_keep(struct ahead *p, size_t account, uint32_t epoch, const struct order_size *size,
                const struct marks_assets *assets, const int64_t *px);
// What was kept since ahead_forget(). False: nothing, or for another epoch or other prices.
bool ahead_read(const struct ahead *p, size_t account, uint32_t epoch, const int64_t *px,
                struct order_size *size, struct marks_assets *assets);
void ahead_forget(struct ahead *p); // everything

#endif
