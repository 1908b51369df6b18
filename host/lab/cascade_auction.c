// SPDX-License-Identifier: Apache-2.0
// A falling auction (Maker's clip) of the scenario's coin, begun at the start price, and the second at which
// a keeper's bid pays: with the usual gas and with that of the spike. The contract's own arithmetic
// (econ/auction_clip.h, econ/bidder.h); doubles for the picture only.
#include <string.h>

#include "econ/bidder.h"
#include "lab/cascade.h"

enum { PPM_ONE = 1000000, CURVE_POINTS = 200, POOL_FEE_PPM = 3000, GAS_DIGITS = RAD_DIGITS - 8 };

// Price of a coin in rays: the auction sells `lot` coins for what `tab` is worth at the start, with top above
// the price at which both are equal.
static u256 times10(struct checked *ck, uint64_t v, unsigned digits)
{
    return ck_mul(ck, u256_from_u64(v), u256_pow10(digits));
}

static double as_double(u256 v, unsigned digits)
{
    double d = 0, one = 1;
    for (unsigned i = 4; i-- > 0;)
        d = d * 18446744073709551616.0 + (double)v.w[i];
    for (unsigned i = 0; i < digits; i++)
        one *= 10;
    return d / one;
}

static void kick(struct checked *ck, const struct lab_scenario *s, struct clip *k)
{
    memset(k, 0, sizeof *k);
    k->calc = (struct curve){.kind = CURVE_STAIRSTEP,
                             .step = s->auction_step_s,
                             .cut = times10(ck, s->auction_cut_ppm, RAY_DIGITS - 6)};
    k->buf = times10(ck, s->auction_buf_ppm, RAY_DIGITS - 6);
    k->cusp = times10(ck, 4, RAY_DIGITS - 1);
    k->tail = s->auction_tail_s;
    // The oracle's price: such that the lot is worth a tenth more than what is to be raised.
    const struct clip_feed feed = {
        .val = ck_div(ck, times10(ck, s->auction_tab * 11, WAD_DIGITS - 1), u256_from_u64(s->auction_lot)),
        .has = true,
        .par = u256_pow10(RAY_DIGITS)};
    (void)clip_kick(ck, k, &feed, 0, times10(ck, s->auction_tab, RAD_DIGITS),
                    times10(ck, s->auction_lot, WAD_DIGITS), true);
}

static void when_it_pays(struct checked *ck, const struct lab_scenario *s, const struct clip *k, int64_t gas,
                         const char *name, struct lab_result *r)
{
    const struct scenario_coin *coin = s->coin;
    while (strcmp(coin->name, s->auction_coin) != 0)
        coin++;
    // Pool of the scenario's reserve, at the oracle's price: coins of one side, units of account of the
    // other.
    u256 units = ck_div(ck, u256_from_u128((u128)coin->depth.pool), u256_from_u64(SCENARIO_MONEY));
    u256 coins = ck_mul_div(ck, ck_mul(ck, units, u256_pow10(WAD_DIGITS)), u256_from_u64(s->auction_lot * 10),
                            u256_from_u64(s->auction_tab * 11));
    const struct bidder_pool pool =
        bidder_pool(coins, ck_mul(ck, units, u256_pow10(RAD_DIGITS)), POOL_FEE_PPM);
    const struct bidder_terms terms = {
        .sale = &pool.sale, .gas = times10(ck, (uint64_t)gas, GAS_DIGITS), .profit = u256_from_u64(1)};
    const struct bidder_budget all = {.once = U256_MAX, .total = U256_MAX};
    struct bidder_plan p = bidder_first(k, &terms, &all, 0);
    if (p.pays)
        lab_fact(r, LAB_AUCTIONS, name, "first second at which a bid brings more than gas and slippage",
                 "%llu s, %.2f coins for %.2f", (unsigned long long)p.at,
                 as_double(p.taken.slice, WAD_DIGITS), as_double(p.taken.owe, RAD_DIGITS));
    else
        lab_fact(r, LAB_AUCTIONS, name, "no second before a reset is due", "never: %s", p.why ? p.why : "");
}

void auction_result(const struct lab_scenario *s, struct lab_result *r)
{
    struct checked ck = {NULL};
    struct clip k;
    if (s->auction_lot == 0)
        return;
    kick(&ck, s, &k);
    struct lab_chart *ch =
        lab_chart(r, LAB_AUCTIONS, "A falling auction",
                  "Stairstep price of Maker's clip; the lot is worth a tenth more than what is "
                  "to be raised. Synthetic.",
                  "seconds since it began", "units of account a coin");
    struct lab_series *x = ch && ck_ok(&ck) ? lab_series(r, ch, "price", LAB_STEP) : NULL;
    uint64_t end = ck_ok(&ck) ? clip_redo_at(&ck, &k) : 0;
    for (uint64_t i = 0; x && end && i < CURVE_POINTS; i++) {
        bool done = false;
        uint64_t at = end * i / CURVE_POINTS;
        u256 price = clip_status(&ck, &k, at, &done);
        if (ck_ok(&ck))
            lab_point(r, x, (double)at, as_double(price, RAY_DIGITS));
    }
    when_it_pays(&ck, s, &k, s->keeper.gas, "A bid pays, usual gas", r);
    if (s->keeper.spike_gas)
        when_it_pays(&ck, s, &k, s->keeper.spike_gas, "A bid pays, gas of the spike", r);
    if (!ck_ok(&ck))
        lab_fact(r, LAB_AUCTIONS, "Auction", "these parameters the contract refuses", "%s", ck.why);
}
