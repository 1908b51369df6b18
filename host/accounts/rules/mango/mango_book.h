// SPDX-License-Identifier: Apache-2.0
// mango-v4-1: what an account of the book is to Mango v4 (mango_v4.h), between the rule's files. Internal to
// the rule. Pure functions over caller's memory; no allocation; any thread.
//
// A reserve is a bank: supply less debt are the bits of the indexed position. A perpetual's size is in native
// base units, a multiple of its term `lot`, as are its bids and asks; supply less debt are the bits of its
// quote balance, its funding settled; it settles in the reserve that is named as its currency, in which the
// account has a position, be it of 0. Prices are those of the program's Pyth oracles: a whole number times
// power_of_ten (oracle.rs). rule_state[0] is being_liquidated.
#ifndef TRIPLINE_ACCOUNTS_RULES_MANGO_BOOK_H
#define TRIPLINE_ACCOUNTS_RULES_MANGO_BOOK_H

#include "accounts/rules/mango/mango_v4.h"
#include "accounts/rules/rule.h"

// Ranges that validate keeps, in bits; at every int64 price nothing in the rows leaves 255 then.
enum {
    MANGO_QUOTE_DECIMALS = 6,
    MANGO_EXPONENT_LEAST = -12,
    MANGO_EXPONENT_MOST = 4,  // a price is an I80F48 then
    MANGO_NATIVE_BITS = 111,  // of a native balance, 48 of them the fraction
    MANGO_INDEXED_BITS = 120, // of an indexed one
    MANGO_INDEX_BITS = 80,
    MANGO_WEIGHT_BITS = 51,   // weights and fees below 8
    MANGO_EXPOSURE_BITS = 71, // of a perpetual's size and its price's unit together
    MANGO_SIZE_BITS = 62,
};

struct mango_book {
    struct mango_account a;
    uint16_t token_at[MANGO_TOKENS_MAX]; // where its positions are in the account's
    uint16_t perp_at[MANGO_PERPS_MAX];
    bool owes; // a debt, or a perpetual: something that can make it liquidatable
};

// I80F48 of native quote a native unit, for a price of one quantum. The asset's decimals are those of
// the oracle's exponent.
int mango_exponent(const struct market *m, const struct instrument *in);
fx mango_price_unit(const struct market *m, const struct instrument *in);
fx mango_native_of(const struct instrument *in, fx indexed); // a bank's native amount, as it stands
// The account at prices px (NULL: they stay 0).
void mango_book_set(struct mango_book *b, const struct market *m, const struct account *a, const int64_t *px);
// What has become of the positions of b, back into the account; empties are dropped.
void mango_book_back(const struct mango_book *b, const struct market *m, struct account *a);
// Is this reserve the one that the perpetual settles in?
bool mango_settles_in(const struct instrument *perp, const struct instrument *reserve);

int mango_rows(const struct market *m, const struct account *a, const struct band *band, uint32_t warn_ppm,
               struct affine out[RULE_ROWS_MAX], struct err *e);
int mango_validate(const struct market *m, const struct account *a, struct err *e);
bool mango_within(const struct market *next, unsigned i, const struct reach *r);
void mango_terms(struct instrument *in); // of a generated reserve or perpetual

#endif
