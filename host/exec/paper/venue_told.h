// SPDX-License-Identifier: Apache-2.0
// Which accounts have a new state that no order brought, in the order of their last change: each stands in
// the list once, with the number of that change, so a client that reads slowly costs no memory and gets what
// is newest. One thread; allocates in told_room only.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_TOLD_H
#define TRIPLINE_EXEC_PAPER_VENUE_TOLD_H

#include <stdint.h>

#include "base/err.h"

#define TOLD_NONE UINT32_MAX

struct told_list {
    struct told_node {
        uint32_t before, after; // TOLD_NONE at the ends
        uint64_t seq;           // 0: never changed, not in the list
    } * node;                   // by index of the account
    uint32_t n, first, last;
    uint64_t seq; // of the last change
};

int told_room(struct told_list *l, uint32_t n, struct err *e); // for n accounts in all; *l all zero at first
void told_free(struct told_list *l);
// The account has changed under this number, which is above all before.
void told_mark(struct told_list *l, uint32_t i, uint64_t seq);
// The first that changed after `seq`, TOLD_NONE when there is none. Walks back from the last.
uint32_t told_after(const struct told_list *l, uint64_t seq);

#endif
