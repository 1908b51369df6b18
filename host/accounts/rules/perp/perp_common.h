// SPDX-License-Identifier: Apache-2.0
// What the perpetual rules share: valuation of a position, maintenance tiers, exact health, size and
// settlement. Internal to the rules. Pure functions over caller's memory; no allocation; any thread.
//
// Value quantum. All amounts of an account are integers in 10^-K of its settlement currency, margins in
// 10^-(K+6) (amount times a rate in ppm, never divided):
//   linear:  K = max(cash_decimals, max_i(size_decimals_i + price decimals_i)), so nothing is ever rounded;
//   inverse: K = 18 by definition of the rule, each division rounded against the account.
// Funding: a position of size s whose funding is settled up to index e loses s (index - e), an amount of
// 10^-(size_decimals + FUNDING_DECIMALS) rounded up to 10^-K: against the account.
// Bounds (perp_validate): every amount times 1e6 stays below 2^PERP_VALUE_BITS for every positive int64
// price, so that a target of 32 bits and a fraction of 30 bits on top still fit 255.
#ifndef TRIPLINE_ACCOUNTS_RULES_PERP_COMMON_H
#define TRIPLINE_ACCOUNTS_RULES_PERP_COMMON_H

#include "accounts/moving.h"
#include "accounts/rules/rule.h"
#include "accounts/rules/units.h"

enum {
    PPM = 1000000,
    PPM_DIGITS = 6,
    PERP_INVERSE_DECIMALS = 18, // K of perp-inverse-1
    PERP_SIZE_BITS = 96,        // |size| < 2^96
    PERP_CASH_BITS = 100,       // |cash|, tier floors < 2^100
    PERP_VALUE_BITS = 190,      // any sum over the account
    PERP_SUM_BITS = 8,          // 64 positions, two sides, cash: fewer than 2^8 terms
};

// A signed quantity of one perpetual at one price, in 10^-K.
struct perp_value {
    i256 pnl;      // linear: s (P - e), exact. inverse: s/e - s/P, each quotient floored
    i256 notional; // linear: |s| P, exact. inverse: |s|/P, ceiled
};

// The weight of a position's unrealised profit in equity, ppm.
static inline uint32_t perp_profit_weight(const struct instrument *in)
{
    return in->profit_weight_ppm ? in->profit_weight_ppm : PPM;
}
// A policy's figures within their ranges.
static inline int64_t perp_dust(const struct size_policy *policy)
{
    return policy->dust > 0 ? policy->dust : 0;
}
static inline int64_t perp_target(const struct size_policy *policy)
{
    return policy->target_ppm > PPM ? policy->target_ppm : PPM;
}

// K of the account's rule; kind is INST_LINEAR or INST_INVERSE.
unsigned perp_scale(const struct market *m, const struct account *a, uint8_t kind);
void perp_value(const struct instrument *in, unsigned price_decimals, i128 size, int64_t entry, int64_t px,
                unsigned k, struct perp_value *out);
// The notional alone.
i256 perp_notional(const struct instrument *in, unsigned price_decimals, i128 size, int64_t px, unsigned k);
// Inverse only: floor(s * 10^K / e), the entry side of pnl (a constant of the position).
i256 perp_inverse_entry(const struct instrument *in, unsigned price_decimals, i128 size, int64_t entry,
                        unsigned k);
// What `size` of the position owes in funding at an index, in 10^-K, rounded up; size has the position's
// sign.
i256 perp_funding(const struct instrument *in, const struct position *p, i128 size, i128 index, unsigned k);
// MM(N) = max over tiers of (rate * N - cum), N >= 0 in 10^-k, in 10^-(k+6). cash_unit = 10^(k -
// cash_decimals).
i256 perp_margin(const struct instrument *in, i256 notional, i256 cash_unit);
// An affine majorant of MM(w * x) for integer or real x in [lo, hi]: slope * x + offset, by the chord between
// the edges (MM is convex); equal to MM when no tier floor falls inside. 0 <= lo <= hi, w >= 0.
void perp_margin_chord(const struct instrument *in, i256 w, uint64_t lo, uint64_t hi, i256 cash_unit,
                       i256 *slope, i256 *offset);
// Adds a coefficient to the row, one entry an asset. 0, or -1 when the row is full.
static inline int perp_row_add(struct affine *f, uint16_t asset, i256 coef)
{
    for (unsigned i = 0; i < f->n; i++) {
        if (f->asset[i] == asset) {
            f->a[i] = i256_add(f->a[i], coef);
            return 0;
        }
    }
    if (f->n == ROW_ASSETS_MAX)
        return -1;
    f->asset[f->n] = asset;
    f->a[f->n++] = coef;
    return 0;
}

// What of a position's unrealised profit (pnl less funding, 10^-K) does not count in equity, in 10^-(K+6); 0
// of a loss.
i256 perp_uncounted(const struct instrument *in, i256 profit);

// Adds what a position of this notional (10^-K) loses in each of the market's scenarios, in 10^-(K+6); a gain
// is < 0.
void perp_losses(const struct market *m, const struct position *p, i256 notional, i256 loss[SCENARIOS_MAX]);
// The greatest of them, at least 0: the market as it is counts as one of them.
i256 perp_worst(const struct market *m, const i256 loss[SCENARIOS_MAX]);
// The most that one 10^-K of the position's notional can lose or gain in a scenario, in ppm.
int64_t perp_shock_most(const struct market *m, const struct position *p);

// A row of a linear account in one scenario (NULL: the market as it is): coefficients and constant of H with
// the requirement multiplied by `req` and the rest by `eq` (both 1 for a liquidation row; 1e6 + warn and 1e6
// for the warning row).
int perp_linear_row(const struct market *m, const struct account *a, const struct band *band, int64_t eq,
                    int64_t req, const struct scenario *x, struct affine *f, struct err *e);

// All rows of a linear account: the one to liquidate by, and where warn_ppm > 0 its warning. See struct rule.
int perp_linear_rows(const struct market *m, const struct account *a, const struct band *band,
                     uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e);

// The three below: kind is INST_LINEAR or INST_INVERSE; shocked: the requirement has the worst scenario's
// loss in it (perp-portfolio-1).
void perp_health(const struct market *m, const struct account *a, const int64_t *px, uint8_t kind,
                 bool shocked, struct health *out);
int perp_size(const struct market *m, const struct account *a, const int64_t *px,
              const struct size_policy *policy, uint8_t kind, bool shocked, struct order_size *out);
int perp_settle(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                unsigned n, uint8_t kind, bool shocked, struct settlement *out, struct err *e);
// perp_settle without asking whether the account is liquidatable.
int perp_settle_legs(const struct market *m, struct account *a, const int64_t *px,
                     const struct order_leg *leg, unsigned n, uint8_t kind, struct settlement *out,
                     struct err *e);
// The venue (its fund, its vault) takes the whole account over, position and margin: what the margin is worth
// at the marks is PARTY_VENUE's, a lack PARTY_DEFICIT's; neither fee nor penalty. That is to close at the
// bankruptcy price and to mark the position at once. Each position's P&L is floored to cash quanta. The legs
// must be all positions, whole. 0, or -1 with *e set and the account as it was.
int perp_take_over(const struct market *m, struct account *a, const int64_t *px, const struct order_leg *leg,
                   unsigned n, uint8_t kind, struct settlement *out, struct err *e);
// Are the legs all positions, whole?
bool perp_whole(const struct account *a, const struct order_leg *leg, unsigned n);
// A size without a reward that is built leg by leg: begin, then each leg of a linear perpetual with its
// value. full holds as long as every leg is its whole position.
void perp_size_begin(struct order_size *out);
void perp_size_leg(const struct market *m, const struct position *p, i128 qty, const int64_t *px,
                   struct order_size *out);
// The two ways of perp_health and perp_size (perp_sums.h): in 256 bits, and in 128, for accounts that fit.
void perp_health_of(const struct market *m, const struct account *a, const int64_t *px, uint8_t kind,
                    bool shocked, struct health *out);
int perp_size_of(const struct market *m, const struct account *a, const int64_t *px,
                 const struct size_policy *policy, uint8_t kind, bool shocked, struct order_size *out);
// Does all that health_of works out stay within 128 bits? With a policy: all that size_of does.
bool perp_narrow_fits(const struct market *m, const struct account *a, const int64_t *px,
                      const struct size_policy *policy, uint8_t kind);
void perp_narrow_health_of(const struct market *m, const struct account *a, const int64_t *px, uint8_t kind,
                           bool shocked, struct health *out);
int perp_narrow_size_of(const struct market *m, const struct account *a, const int64_t *px,
                        const struct size_policy *policy, uint8_t kind, bool shocked, struct order_size *out);
// See struct rule; the exact size is not looked at.
bool perp_takes(const struct market *m, const struct account *a, const int64_t *px,
                const struct order_leg *leg, unsigned n, uint8_t kind);
bool perp_bends(const struct market *m, const struct account *a);
// See struct rule. A scenario counts for perp-portfolio-1 alone; of inverse perpetuals no bound is given.
bool perp_linear_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                       const uint64_t *until_s, unsigned n, struct shift *out, bool *spared);
bool perp_portfolio_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                          const uint64_t *until_s, unsigned n, struct shift *out, bool *spared);
bool perp_inverse_shift(const struct market *m, const struct instrument *was, const struct instrument *is,
                        const uint64_t *until_s, unsigned n, struct shift *out, bool *spared);
bool perp_crossed(const struct market *m, const struct account *a);
bool perp_within(const struct market *next, unsigned i, const struct reach *r, uint8_t kind);
int perp_validate(const struct market *m, const struct account *a, uint8_t kind, struct err *e);
// The two with instruments that may have the terms keys[0..n-1]; perp_within and perp_validate allow none.
bool perp_within_terms(const struct market *next, unsigned i, const struct reach *r, uint8_t kind,
                       const enum term *keys, unsigned n);
int perp_validate_terms(const struct market *m, const struct account *a, uint8_t kind, const enum term *keys,
                        unsigned n, struct err *e);

// What closing `qty` (> 0) of position p at px moves, in cash quanta. Rounding, always against the account:
// pnl, less the funding of what is closed, floored; penalty and fee ceiled.
struct perp_close {
    i256 pnl, penalty, fee;
};
void perp_close(const struct market *m, const struct account *a, const struct position *p, i128 qty,
                const int64_t *px, unsigned k, struct perp_close *out);

static inline i128 perp_abs(i128 v)
{
    return v < 0 ? -v : v;
}
// Bits of |v|.
static inline unsigned perp_bits(i128 v)
{
    u128 u = (u128)perp_abs(v);
    uint64_t hi = (uint64_t)(u >> 64), lo = (uint64_t)u;
    return hi ? 128 - (unsigned)__builtin_clzll(hi) : lo ? 64 - (unsigned)__builtin_clzll(lo) : 0;
}
// Bits of 10^n, n <= 76: log2(10) = 3.3219.
static inline unsigned perp_bits10(unsigned n)
{
    return n * 6803 / 2048 + 1;
}

#endif
