// SPDX-License-Identifier: Apache-2.0
// What clients are told without an order, in the order in which it came to be: accounts with a new state,
// each once, at the place of its last change, so that a client that reads slowly costs no memory and gets
// what is newest; and changes of the market's parameters, each at its own place, so that nobody gets a state
// before the parameters that it was made under. An entry goes by an index: an account's in the book, or
// TOLD_MARKET + a version. One thread; allocates in told_room and told_market only.
#ifndef TRIPLINE_EXEC_PAPER_VENUE_TOLD_H
#define TRIPLINE_EXEC_PAPER_VENUE_TOLD_H

#include <stdint.h>

#include "base/err.h"

#define TOLD_NONE   UINT32_MAX
#define TOLD_MARKET (UINT32_C(1) << 31) // accounts are fewer, versions too

struct told_node {
    uint32_t before, after; // TOLD_NONE at the ends
    uint64_t seq;           // 0: never changed, not in the list
};
struct told_list {
    struct told_node *account, *market;
    uint32_t n, n_markets; // of versions 0 (never) to n_markets - 1
    uint32_t first, last;
    uint64_t seq; // of the last change
};

int told_room(struct told_list *l, uint32_t n, struct err *e); // for n accounts in all; *l all zero at first
int told_market(struct told_list *l, uint32_t version,
                struct err *e); // room up to this version; after told_room
void told_free(struct told_list *l);
struct told_node *told_node(const struct told_list *l, uint32_t i);
// Entry i has changed under this number, which is above all before.
void told_mark(struct told_list *l, uint32_t i, uint64_t seq);
// The first that changed after `seq`, TOLD_NONE when there is none. Walks back from the last.
uint32_t told_after(const struct told_list *l, uint64_t seq);

#endif
