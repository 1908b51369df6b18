// SPDX-License-Identifier: Apache-2.0
#include "econ/auction_english.h"

enum { ONE_DIGITS = 18, TIME_BITS = 48 };

// An error's name, with the contract's before it.
#define WHY(kind, text) ((const char *const[]){"Flipper/" text, "Flapper/" text, "Flopper/" text}[kind])

static uint64_t later(struct checked *c, uint64_t now, uint64_t seconds) // uint48
{
    uint64_t most = ((uint64_t)1 << TIME_BITS) - 1;
    if (now > most || seconds > most - now)
        ck_fail(c, "a time beyond 48 bits");
    return ck_ok(c) ? now + seconds : 0;
}

static void must(struct checked *c, bool good, const char *why)
{
    if (!good)
        ck_fail(c, why);
}

static void must_live(struct checked *c, const struct english *a)
{
    must(c, a->kind == ENGLISH_FLIP || a->live, WHY(a->kind, "not-live"));
}

void english_kick(struct checked *c, struct english *a, uint64_t now, uint64_t guy, u256 tab, u256 lot,
                  u256 bid)
{
    must_live(c, a);
    u256 fill = a->fill;
    if (a->kind == ENGLISH_FLAP) {
        fill = ck_add(c, fill, lot);
        must(c, u256_cmp(fill, a->lid) <= 0, "Flapper/over-lid");
    }
    uint64_t end = later(c, now, a->tau);
    if (!ck_ok(c))
        return;
    a->fill = fill;
    a->guy = guy;
    a->tab = tab;
    a->lot = lot;
    a->bid = bid;
    a->tic = 0;
    a->end = end;
}

void english_tick(struct checked *c, struct english *a, uint64_t now)
{
    must(c, a->end < now, WHY(a->kind, "not-finished"));
    must(c, a->tic == 0, WHY(a->kind, "bid-already-placed"));
    u256 lot = a->lot;
    if (a->kind == ENGLISH_FLOP)
        lot = ck_mul_div(c, a->pad, lot, u256_pow10(ONE_DIGITS));
    uint64_t end = later(c, now, a->tau);
    if (!ck_ok(c))
        return;
    a->lot = lot;
    a->end = end;
}

static void must_run(struct checked *c, const struct english *a, uint64_t now)
{
    must_live(c, a);
    must(c, a->guy != 0, WHY(a->kind, "guy-not-set"));
    must(c, a->tic > now || a->tic == 0, WHY(a->kind, "already-finished-tic"));
    must(c, a->end > now, WHY(a->kind, "already-finished-end"));
}

struct english_moves english_tend(struct checked *c, struct english *a, uint64_t now, uint64_t who, u256 lot,
                                  u256 bid)
{
    bool flip = a->kind == ENGLISH_FLIP;
    must(c, a->kind != ENGLISH_FLOP, "a flop has no tend");
    must_run(c, a, now);
    must(c, u256_cmp(lot, a->lot) == 0, WHY(a->kind, "lot-not-matching"));
    must(c, !flip || u256_cmp(bid, a->tab) <= 0, WHY(a->kind, "higher-than-tab"));
    must(c, u256_cmp(bid, a->bid) > 0, WHY(a->kind, "bid-not-higher"));
    u256 gives = ck_mul(c, bid, u256_pow10(ONE_DIGITS)), wants = ck_mul(c, a->beg, a->bid);
    bool all = flip && u256_cmp(bid, a->tab) == 0; // the last step may be smaller
    must(c, u256_cmp(gives, wants) >= 0 || all, WHY(a->kind, "insufficient-increase"));
    uint64_t tic = later(c, now, a->ttl);
    if (!ck_ok(c))
        return (struct english_moves){0};
    struct english_moves m = {.income = ck_sub(c, bid, a->bid)};
    m.refund = who != a->guy ? a->bid : U256_ZERO;
    a->guy = who;
    a->bid = bid;
    a->tic = tic;
    return m;
}

struct english_moves english_dent(struct checked *c, struct english *a, uint64_t now, uint64_t who, u256 lot,
                                  u256 bid)
{
    bool flip = a->kind == ENGLISH_FLIP;
    must(c, a->kind != ENGLISH_FLAP, "a flap has no dent");
    must_run(c, a, now);
    must(c, u256_cmp(bid, a->bid) == 0, WHY(a->kind, "not-matching-bid"));
    must(c, !flip || u256_cmp(bid, a->tab) == 0, WHY(a->kind, "tend-not-finished"));
    must(c, ck_lt(lot, a->lot), WHY(a->kind, "lot-not-lower"));
    u256 asks = ck_mul(c, a->beg, lot), most = ck_mul(c, a->lot, u256_pow10(ONE_DIGITS));
    must(c, u256_cmp(asks, most) <= 0, WHY(a->kind, "insufficient-decrease"));
    uint64_t tic = later(c, now, a->ttl);
    if (!ck_ok(c))
        return (struct english_moves){0};
    struct english_moves m = {.refund = who != a->guy ? bid : U256_ZERO};
    m.back = flip ? ck_sub(c, a->lot, lot) : U256_ZERO;
    a->guy = who;
    a->lot = lot;
    a->tic = tic;
    return m;
}

u256 english_deal(struct checked *c, struct english *a, uint64_t now)
{
    must_live(c, a);
    must(c, a->tic != 0 && (a->tic < now || a->end < now), WHY(a->kind, "not-finished"));
    u256 lot = a->lot, fill = a->kind == ENGLISH_FLAP ? ck_sub(c, a->fill, lot) : a->fill;
    if (!ck_ok(c))
        return U256_ZERO;
    a->fill = fill;
    a->guy = a->tic = a->end = 0;
    a->bid = a->lot = a->tab = U256_ZERO;
    return lot;
}

u256 english_least_bid(struct checked *c, const struct english *a)
{
    bool flip = a->kind == ENGLISH_FLIP;
    must(c, a->kind != ENGLISH_FLOP, "a flop has no tend");
    must(c, !flip || ck_lt(a->bid, a->tab), "the bid is the tab");
    u256 step = ck_mul_div_up(c, a->beg, a->bid, u256_pow10(ONE_DIGITS));
    u256 next = ck_max(step, ck_add(c, a->bid, ck_u64(1)));
    return flip ? ck_min(next, a->tab) : next;
}

u256 english_most_lot(struct checked *c, const struct english *a)
{
    must(c, a->kind != ENGLISH_FLAP, "a flap has no dent");
    must(c, a->kind != ENGLISH_FLIP || u256_cmp(a->bid, a->tab) == 0, "the bid is below the tab");
    u256 less = ck_sub(c, a->lot, ck_u64(1)); // fails at 0: there is nothing to ask less of
    if (u256_is_zero(a->beg))
        return less;
    return ck_min(less, ck_mul_div(c, a->lot, u256_pow10(ONE_DIGITS), a->beg));
}

uint64_t english_due(const struct english *a)
{
    return (a->tic != 0 && a->tic < a->end ? a->tic : a->end) + 1;
}
