// SPDX-License-Identifier: Apache-2.0
#include "exec/exit/across.h"

enum { PPM = 1000000, QUOTIENT_BITS = 36, LEAST_BITS = 20, UNIT_DIGITS = 18 };

// A leg's levels one after the other: what is left of the present one, in the quote (asks) or in lots (bids).
struct walk {
    const struct across_leg *leg;
    unsigned at;
    i256 left;
};

static int64_t price_at(const struct walk *w)
{
    return w->leg->side ? w->leg->side->level[w->at].price : w->leg->price;
}

static bool ended(const struct walk *w)
{
    return w->leg->side ? w->at >= w->leg->side->n : w->at > 0;
}

// The present level's amount in 10^-digits of the token; of a price alone there is no end.
static i256 amount_at(const struct walk *w, unsigned digits)
{
    if (!w->leg->side)
        return i256_from_i64(INT64_MAX);
    i256 amount = i256_from_i64(w->leg->side->level[w->at].amount);
    return i256_div10_floor(i256_mul(amount, i256_pow10(digits)), SLIP_AMOUNT_DECIMALS);
}

// The common figures: money in the quote is in 10^-money of it.
struct scale {
    unsigned digits; // a lot is 10^-digits of the token sold
    unsigned bid_up; // a lot at one quantum of the bid is 10^bid_up money
    unsigned ask_up; // 10^-8 of the token bought at one quantum of the ask is 10^ask_up
    unsigned more;   // a tick is 10^-more of the prices' quotient in quanta
    uint64_t unit;   // depth.h
    uint8_t unit_decimals;
};

static unsigned larger(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static i256 quotient(int64_t bid, int64_t ask, unsigned more)
{
    return i256_div_floor(i256_mul(i256_from_i64(bid), i256_pow10(more)), i256_from_i64(ask));
}

// As many digits of the quotient as have QUOTIENT_BITS at the best prices; false: too few do.
static bool scale_of(const struct across_leg *sold, const struct across_leg *bought, int64_t bid, int64_t ask,
                     struct scale *s)
{
    s->digits = sold->token_decimals < SLIP_AMOUNT_DECIMALS ? sold->token_decimals : SLIP_AMOUNT_DECIMALS;
    unsigned bids = s->digits + sold->price_decimals, asks = SLIP_AMOUNT_DECIMALS + bought->price_decimals;
    s->bid_up = larger(bids, asks) - bids;
    s->ask_up = larger(bids, asks) - asks;
    // A lot at a quotient of one quantum by another is 10^up units of the token bought.
    int up = bought->token_decimals + bought->price_decimals - (int)bids;
    int most = up + UNIT_DIGITS; // finer than that depth.h has no unit
    for (s->more = 0; (int)s->more < most && i256_bits(quotient(bid, ask, s->more + 1)) <= QUOTIENT_BITS;)
        s->more++;
    int bits = (int)i256_bits(quotient(bid, ask, s->more)), left = up - (int)s->more;
    s->unit_decimals = left < 0 ? (uint8_t)-left : 0;
    s->unit = left > 0 && left <= UNIT_DIGITS ? (uint64_t)i256_lo(i256_pow10((unsigned)left)) : 1;
    return most >= 0 && left <= UNIT_DIGITS && bits >= LEAST_BITS && bits < 63;
}

static void next_level(struct walk *w, const struct scale *s, bool ask)
{
    if (ended(w))
        return;
    if (!ask) {
        w->left = amount_at(w, s->digits);
        return;
    }
    i256 money = i256_mul(i256_from_i64(price_at(w)), i256_pow10(s->ask_up));
    w->left = i256_mul(amount_at(w, SLIP_AMOUNT_DECIMALS), money);
}

// Level meets level until one side ends.
static bool meet(struct depth *d, const struct scale *s, struct walk *bid, struct walk *ask)
{
    struct err e;
    next_level(bid, s, false);
    next_level(ask, s, true);
    while (!ended(bid) && !ended(ask)) {
        i256 lot = i256_mul(i256_from_i64(price_at(bid)), i256_pow10(s->bid_up)); // money
        i256 lots = ask->leg->side ? i256_min(bid->left, i256_div_floor(ask->left, lot)) : bid->left;
        lots = i256_min(lots, i256_from_i64(INT64_MAX));
        int64_t ticks = i256_to_i64(quotient(price_at(bid), price_at(ask), s->more));
        if (depth_add(d, ticks, 1, i256_to_i64(lots), 1, &e))
            return false;
        bid->left = i256_sub(bid->left, lots);
        ask->left = i256_sub(ask->left, i256_mul(lots, lot));
        bool bid_done = i256_sign(bid->left) <= 0;
        struct walk *done = bid_done ? bid : ask; // an ask with less than a lot left is done
        done->at++;
        next_level(done, s, !bid_done);
    }
    return true;
}

bool across_fill(struct depth *d, const struct across_leg *sold, const struct across_leg *bought,
                 uint32_t fee_ppm)
{
    struct walk bid = {.leg = sold}, ask = {.leg = bought};
    struct scale s;
    struct err e;
    d->n = 0;
    if (ended(&bid) || ended(&ask)) { // known, and empty
        s = (struct scale){.unit = 1};
    } else if (!scale_of(sold, bought, price_at(&bid), price_at(&ask), &s)) {
        return false;
    }
    uint64_t keep = PPM - fee_ppm; // both fees are of what is left: rounded up together
    uint32_t fee = sold->side && bought->side ? (uint32_t)(PPM - keep * keep / PPM) : fee_ppm;
    i256 lot = i256_pow10(sold->token_decimals - s.digits);
    if (depth_begin(d, i256_lo(lot), s.unit, s.unit_decimals, fee, &e) || !meet(d, &s, &bid, &ask))
        return false;
    depth_end(d);
    return true;
}
