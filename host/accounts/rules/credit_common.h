// SPDX-License-Identifier: Apache-2.0
// What the rules of lending protocols other than Aave share: accounts of reserves whose prices are dollars
// with 8 decimals, factors of 1e18 made of the reserve's basis points, flows, and the repayment that restores
// a target. Internal to the rules. Pure functions over caller's memory; no allocation; any thread.
//
// A reserve's names mean here (docs/rules.md, "Credit"): lt_bps the factor of the collateral in the test of
// health, lb_bps 1e4 plus what a liquidator gains, terms the rest. eMode, interest rates, ramps and
// grace periods are refused: such a market's parameters are told anew when they change.
#ifndef TRIPLINE_ACCOUNTS_RULES_CREDIT_COMMON_H
#define TRIPLINE_ACCOUNTS_RULES_CREDIT_COMMON_H

#include "accounts/rules/rule.h"
#include "accounts/rules/units.h"
#include "base/checked.h"

enum {
    CREDIT_PRICE_DECIMALS = 8,
    CREDIT_BPS = 10000,
    CREDIT_PRICE_BITS = 63,
    CREDIT_COEF_BITS = 156, // of a row's coefficient: 63 of a price, 21 of a level, 6 of 64 terms below 2^250
    CREDIT_VALUE_BITS = 200, // of a sum that a target is worked out from
};
#define CREDIT_ONE UINT64_C(1000000000000000000)

static inline i256 credit_signed(u256 v) // below 2^255
{
    return (i256){{v.w[0], v.w[1], v.w[2], v.w[3]}};
}
static inline u256 credit_unsigned(i256 v) // >= 0
{
    return (u256){{v.w[0], v.w[1], v.w[2], v.w[3]}};
}
static inline u256 credit_amount(i128 v) // >= 0
{
    return u256_from_u128((u128)v);
}
static inline u256 credit_factor(uint32_t bps) // in 1e18
{
    return u256_from_u64((uint64_t)bps * (CREDIT_ONE / CREDIT_BPS));
}
static inline u256 credit_term(const struct instrument *in, enum term key)
{
    return u256_from_u128(term_get(&in->terms, key));
}
static inline unsigned credit_bits(u128 v)
{
    return u256_bits(u256_from_u128(v));
}

// Does the supply of this position stand for the account's debts?
static inline bool credit_counts(const struct position *p)
{
    return p->supply != 0 && p->collateral;
}
unsigned credit_widest(const struct market *m, const struct account *a); // token decimals of its reserves
unsigned credit_widest_of(const struct market *m);                       // of all reserves

// A debt and what stands for it, of an account that has at most one of each; coll, back NULL: none.
struct credit_pair {
    const struct position *debt, *coll;
    const struct instrument *loan, *back; // their reserves
};
bool credit_pair_of(const struct market *m, const struct account *a,
                    struct credit_pair *out); // false: no debt
// Takes the account's next position, of reserve *in, into *so_far: one debt, in a reserve without supply, and
// one collateral are all that a `what` has. 0, or -1 with *e.
int credit_pair_add(const struct account *a, const struct position *p, const struct instrument *in,
                    const char *what, struct credit_pair *so_far, struct err *e);

// Worth of token units in 1e-8 of the unit of account.
i256 credit_worth_floor(const struct instrument *in, u256 amount, int64_t price);
i256 credit_worth_ceil(const struct instrument *in, u256 amount, int64_t price);

// The least x >= 0 with (have - weight x) 1e6 >= target (owed - x), weight in 1e18; false: none is. have may
// be below 0; all in one unit, below 2^CREDIT_VALUE_BITS.
bool credit_repay(i256 owed, i256 have, u256 weight, int64_t target_ppm, i256 *x);
int64_t credit_target(const struct size_policy *policy); // within its range
// Is what the debt leaves worth less than the policy's dust?
bool credit_dusty(const struct size_policy *policy, const struct instrument *in, i256 left, int64_t price);

// The order's two legs: at most qty of the debt, and the collateral.
void credit_order(struct order_size *out, const struct position *debt, i128 qty, const struct position *coll);
void credit_flow(struct settlement *s, uint8_t party, uint16_t instrument, i256 amount);
void credit_drop_empty(struct account *a);
// The bands of all that the account holds. 0, or -1 with *e set.
int credit_bands(const struct market *m, const struct account *a, const struct band *band, struct err *e);
// A borrower's rows, by row(): the account's requirement times req against its equity times eq. How many they
// are, 0 where nothing is owed, or -1 with *e set. row() gives -1 where the assets are more than a row holds.
int credit_rows(const struct market *m, const struct account *a, const struct band *band, uint32_t warn_ppm,
                struct affine out[RULE_ROWS_MAX],
                int (*row)(const struct market *m, const struct account *a, int64_t eq, int64_t req,
                           struct affine *f),
                struct err *e);
// Two legs over positions that have what they need; leg[0].qty > 0, leg[1].qty == 0. 0, or -1.
int credit_legs(const struct account *a, const struct order_leg *leg, unsigned n, struct err *e);
bool credit_straight(const struct market *m, const struct account *a); // rule->bends: never

// What every reserve of these rules is; then each account.
int credit_check_reserve(const struct market *m, const struct account *a, const struct instrument *in,
                         struct err *e);
int credit_check_account(const struct market *m, const struct account *a, unsigned positions_max,
                         struct err *e);
void credit_plain(struct instrument *in); // terms of a generated reserve: no eMode, rates, or growth

#endif
