// SPDX-License-Identifier: Apache-2.0
// A book of one borrower whose figures can be followed by hand: 120,000 of collateral at a threshold of 80 %,
// a spread of 5 %, 100,000 of debt, health 0.96. Both tokens are worth a dollar. book_free() gives it back.
#ifndef TRIPLINE_TEST_ONE_BORROWER_H
#define TRIPLINE_TEST_ONE_BORROWER_H

#include <check.h>
#include <stdlib.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"

#define RAY   ((u128)1000000000 * 1000000000 * 1000000000)
#define MONEY INT64_C(1000000) // a token of six decimals, one dollar
enum { COLL, DEBT };

static inline void one_borrower(struct book *book, int64_t px[2])
{
    *book = (struct book){.n_accounts = 1};
    book->account = calloc(1, sizeof *book->account);
    ck_assert_ptr_nonnull(book->account);
    struct market *m = &book->market;
    m->n_assets = m->n_instruments = 2;
    for (unsigned i = 0; i < 2; i++) {
        m->asset[i] = (struct asset){.name = {(char)('A' + i)}, .decimals = 8};
        m->instrument[i] = (struct instrument){.name = {(char)('A' + i)},
                                               .kind = INST_RESERVE,
                                               .asset = (uint16_t)i,
                                               .size_decimals = 6,
                                               .lt_bps = 8000,
                                               .lb_bps = 10500,
                                               .liquidity_index = RAY,
                                               .borrow_index = RAY};
        px[i] = 100000000;
    }
    struct account *a = &book->account[0];
    *a = (struct account){.id = 7, .rule = &rule_aave_3_5, .n_positions = 2};
    a->position[0] =
        (struct position){.instrument = COLL, .collateral = true, .supply = (i128)120000 * MONEY};
    a->position[1] = (struct position){.instrument = DEBT, .debt = (i128)100000 * MONEY};
}

#endif
