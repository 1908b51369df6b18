// SPDX-License-Identifier: Apache-2.0
// Reads the market and accounts of an Aave V3 pool at one block, named by its hash (EIP-1898 with
// requireCanonical): a node that does not have that block, or has it no longer, refuses, and nothing is
// returned. Calls go in batches. One thread; may allocate; blocks as the link does.
#ifndef TRIPLINE_CHAIN_READ_H
#define TRIPLINE_CHAIN_READ_H

#include "accounts/account.h"
#include "accounts/rules/rule.h"
#include "chain/link.h"

enum { CHAIN_RESERVES_MAX = 128, CHAIN_READ_ACCOUNTS = 50 };

struct chain_block {
    uint64_t number, timestamp; // s
    struct word hash, parent;
};

struct chain_reserve {
    bool listed; // now; instrument stays when it no longer is
    struct evm_address asset, atoken, vtoken;
    uint16_t instrument; // in the market; UINT16_MAX: never listed
};

// The pool beside the market that the rules see. Index: the pool's id of the reserve.
struct chain_pool {
    struct evm_address pool, provider, configurator, oracle;
    uint64_t revision;  // POOL_REVISION
    bool emode_bitmaps; // categories and reserves are kept apart (3.2 and later)
    struct chain_reserve reserve[CHAIN_RESERVES_MAX];
};

// Which reserves to read; settings: everything, new reserves and categories too.
struct chain_wanted {
    bool settings;
    bool reserve[CHAIN_RESERVES_MAX];
};

// Head, or a block by number or hash; *found false (and 0) when the node does not have it. A block is what it
// was asked for, else -1.
int chain_read_head(struct chain_link *l, struct chain_block *out, struct err *e);
int chain_read_number(struct chain_link *l, uint64_t number, struct chain_block *out, bool *found,
                      struct err *e);

// Brings *p and *m to the block. A reserve seen for the first time becomes an instrument and, unless the
// market has an asset of its symbol, an asset (index, source: the symbol in lower case and "_usd", 8
// decimals); what is there already keeps its asset. A reserve that is paused, inactive or no longer listed
// has grace_until MOVING_TIME_MAX: nothing of it can be liquidated. 0, or -1 with *e set and both undefined.
int chain_read_market(struct chain_link *l, const struct word *block, const struct chain_wanted *w,
                      struct chain_pool *p, struct market *m, struct err *e);

// Positions and eMode of n <= CHAIN_READ_ACCOUNTS accounts; id, name, rule and epoch are left alone. Kept are
// debts and supplies that are enabled as collateral: other supplies can neither be counted nor be seized.
// odd[i]: it cannot be held (a debt at a stable rate, a balance beyond 126 bits); it then has no positions.
int chain_read_accounts(struct chain_link *l, const struct word *block, const struct chain_pool *p,
                        const struct evm_address *user, size_t n, struct account *const *out, bool *odd,
                        struct err *e);

// The protocol's own word: oracle prices of the instruments (0: none), and of n accounts (as above) debt in
// base currency and health factor in WAD.
int chain_read_prices(struct chain_link *l, const struct word *block, const struct chain_pool *p,
                      int64_t px[MARKET_ASSETS_MAX], const struct market *m, struct err *e);
struct chain_health {
    struct word debt, factor;
};
int chain_read_health(struct chain_link *l, const struct word *block, const struct chain_pool *p,
                      const struct evm_address *user, size_t n, struct chain_health *out, struct err *e);

#endif
