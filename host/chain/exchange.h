// SPDX-License-Identifier: Apache-2.0
// Reads the pairs of an exchange of Uniswap V2's kind at one block, named by its hash (EIP-1898), and what
// gas costs there. One thread; may allocate; blocks as the link does. 0, or -1 with *e set.
#ifndef TRIPLINE_CHAIN_EXCHANGE_H
#define TRIPLINE_CHAIN_EXCHANGE_H

#include "base/wide.h"
#include "chain/link.h"

struct exchange_pair {
    struct evm_address pair, token0, token1; // token0, token1: read
};
struct exchange_reserves {
    u128 r0, r1; // token units, below 2^112
};

// The tokens of each pair, which must be of the router's own factory: a sale along a path goes through that
// one's pairs.
int exchange_read_pairs(struct chain_link *l, const struct word *block, const struct evm_address *router,
                        struct exchange_pair *p, size_t n, struct err *e);
int exchange_read_reserves(struct chain_link *l, const struct word *block, const struct exchange_pair *p,
                           size_t n, struct exchange_reserves *out, struct err *e);
// The block's own base fee, wei a unit of gas.
int exchange_read_base_fee(struct chain_link *l, const struct word *block, uint64_t *wei, struct err *e);

#endif
