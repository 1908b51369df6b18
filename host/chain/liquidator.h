// SPDX-License-Identifier: Apache-2.0
// Is the liquidation contract (exec/evm/contracts/Liquidator.sol) there, is it this pool's, and does it take
// these senders' orders? Asked at one block, named by its hash (EIP-1898): a wrong address would cost the gas
// of every order. One thread; may allocate; blocks as the link does.
#ifndef TRIPLINE_CHAIN_LIQUIDATOR_H
#define TRIPLINE_CHAIN_LIQUIDATOR_H

#include "chain/link.h"

struct liquidator_wanted {
    struct evm_address contract, pool, native;
    const struct evm_address *router; // NULL: none is used
    const struct evm_address *sender;
    size_t n_senders; // at most LIQUIDATOR_SENDERS_MAX
};
enum { LIQUIDATOR_SENDERS_MAX = 64 };

// 0, or -1 with *e set: what is wrong and who can mend it, or the node's failure.
int liquidator_check(struct chain_link *l, const struct word *block, const struct liquidator_wanted *w,
                     struct err *e);

#endif
