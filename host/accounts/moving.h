// SPDX-License-Identifier: Apache-2.0
// Parameters of a market that move with time alone: interest indexes, threshold ramps, funding, grace
// periods. An instrument holds them as last told; here they are brought to a moment (instrument.now: what the
// exact rules read) or to the worst of a span of time (instrument.span: what rows are made of, so that a row
// stays right until its horizon; docs/numerics.md, "Rows in time"). Told values are never changed; whoever
// replaces them clears now and span by instrument_told() or calls market_now and market_window again. Pure
// functions over the caller's market; no allocation; the thread that owns the market. Times are nanoseconds
// of the Unix epoch, of which whole seconds count, rounded down: a chain knows no others.
#ifndef TRIPLINE_ACCOUNTS_MOVING_H
#define TRIPLINE_ACCOUNTS_MOVING_H

#include "accounts/account.h"
#include "base/err.h"

// Time since told_at stops here (100 years of 365 days), which bounds every index; checked by
// instrument_moving_check.
#define MOVING_SECONDS_MAX (UINT64_C(100) * 31536000)
#define MOVING_TIME_MAX    ((UINT64_C(1) << 34) - 1) // told_at, ramps, grace_until: to the year 2514
enum {
    MOVING_RATE_MAX = 10,      // RAY a year: 1000 %, the most that Aave configures
    MOVING_INDEX_BITS = 126,   // of an interest index after MOVING_SECONDS_MAX
    MOVING_FUNDING_BITS = 100, // |funding index as told|, |position's|
};

// Does anything in this market, or that this account depends on, give other rows at a later moment than
// market_now was last called with? A ramp that has ended does not; a grace period does not (rows ignore it).
bool market_moves(const struct market *m);
bool account_moves(const struct market *m, const struct account *a);
// Brings what the exact rules read (health, size, settle) to now_ns. Times before what was told count as
// that. Within the second of the last call it returns at once; else it costs some hundred ns for each
// instrument that moves.
void market_now(struct market *m, uint64_t now_ns);
// Makes rule->rows give rows that hold at every moment of [from_ns, until_ns], from_ns <= until_ns. Without
// it they hold at the moment of market_now only, and as told before any of the two.
void market_window(struct market *m, uint64_t from_ns, uint64_t until_ns);
// Instrument i has been told anew: it is as told until market_now and market_window are called.
void market_told(struct market *m, unsigned i);

// Ranges that keep every later moment in range. 0, or -1 with *e set.
int instrument_moving_check(const struct instrument *in, struct err *e);

// Aave's MathUtils for `seconds` <= MOVING_SECONDS_MAX: the index, a year's rate in RAY <= MOVING_RATE_MAX
// later. calculateLinearInterest and calculateCompoundedInterest (third order), then rayMul half up. Aave
// compounds by the series of e^x from 3.4 on, by a binomial in whole seconds before.
u128 index_linear(u128 index, u128 rate, uint64_t seconds);
u128 index_compounded(u128 index, u128 rate, uint64_t seconds);
u128 index_binomial(u128 index, u128 rate, uint64_t seconds);

// An instrument's values at a second of the Unix epoch, by what was told of it.
u128 liquidity_index_at(const struct instrument *in, uint64_t at_s);
u128 borrow_index_at(const struct instrument *in, uint64_t at_s);
uint32_t lt_at(const struct instrument *in, uint64_t at_s);
uint32_t emode_lt_at(const struct instrument *in, uint64_t at_s);
// Seconds of interest until then: 0 before told_at, MOVING_SECONDS_MAX at most.
uint64_t interest_seconds(const struct instrument *in, uint64_t at_s);

// An instrument's values at their furthest, for validation: what its indexes become after MOVING_SECONDS_MAX,
// and the most that its funding index can then be away from `settled`.
u128 liquidity_index_last(const struct instrument *in);
u128 borrow_index_last(const struct instrument *in);
u128 borrow_index_binomial_last(const struct instrument *in);
u128 funding_spread_last(const struct instrument *in, i128 settled);

// ---- what the rules read

// At the present moment.
static inline u128 liquidity_index_now(const struct instrument *in)
{
    return in->now.set ? in->now.liquidity_index : in->liquidity_index;
}
static inline u128 borrow_index_now(const struct instrument *in)
{
    return in->now.set ? in->now.borrow_index : in->borrow_index;
}
static inline u128 borrow_index_binomial_now(const struct instrument *in)
{
    return in->now.set ? in->now.borrow_index_binomial : in->borrow_index;
}
static inline i128 funding_now(const struct instrument *in)
{
    return in->now.set ? in->now.funding_least : in->funding_index;
}
// Before market_now no grace period has ended.
static inline bool grace_now(const struct instrument *in)
{
    return in->now.set ? in->now.grace : in->grace_until != 0;
}

// Thresholds before any clock: a ramp has not begun.
static inline uint32_t lt_told(const struct instrument *in)
{
    return in->ramp_from_bps ? in->ramp_from_bps : in->lt_bps;
}
static inline uint32_t emode_lt_told(const struct instrument *in)
{
    return in->emode_ramp_from_bps ? in->emode_ramp_from_bps : in->emode_lt_bps;
}
static inline uint32_t lt_now(const struct instrument *in)
{
    return in->now.set ? in->now.lt_bps : lt_told(in);
}
static inline uint32_t emode_lt_now(const struct instrument *in)
{
    return in->now.set ? in->now.emode_lt_bps : emode_lt_told(in);
}

// The worst for an account within the span of market_window.
static inline u128 liquidity_index_span(const struct instrument *in)
{
    return in->span.set ? in->span.liquidity_index : liquidity_index_now(in);
}
static inline u128 borrow_index_span(const struct instrument *in)
{
    return in->span.set ? in->span.borrow_index : borrow_index_now(in);
}
static inline u128 borrow_index_binomial_span(const struct instrument *in)
{
    return in->span.set ? in->span.borrow_index_binomial : borrow_index_binomial_now(in);
}
// The other end: where more of one collateral is worse (average thresholds).
static inline u128 liquidity_index_span_most(const struct instrument *in)
{
    return in->span.set ? in->span.liquidity_index_most : liquidity_index_now(in);
}
static inline i128 funding_span(const struct instrument *in, bool is_long)
{
    if (!in->span.set)
        return funding_now(in);
    return is_long ? in->span.funding_greatest : in->span.funding_least;
}
static inline uint32_t lt_span(const struct instrument *in)
{
    return in->span.set ? in->span.lt_bps : lt_now(in);
}
static inline uint32_t emode_lt_span(const struct instrument *in)
{
    return in->span.set ? in->span.emode_lt_bps : emode_lt_now(in);
}

#endif
