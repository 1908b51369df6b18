// SPDX-License-Identifier: Apache-2.0
// Collateral of liquidated loans on auction while the cascade goes on (scenario key `liquidation`): what a
// settlement hands to the liquidator becomes a lot of econ/auction_clip.h, begun at the mark; at each later
// step a keeper takes as much of it as pays after gas, sold along the depth. What a lot has not raised when
// it ends is a loss like any other: the fund, then booked. docs/lab/scenarios.md, "Auctions in a cascade".
#include <stdlib.h>

#include "lab/cascade_inside.h"

enum { MONEY_DIGITS = 8, RAD_OF_MONEY = RAD_DIGITS - MONEY_DIGITS, PPM_DIGITS = 6 };

static u256 times10(struct checked *ck, u256 v, unsigned digits)
{
    return ck_mul(ck, v, u256_pow10(digits));
}

static i128 money_up(struct checked *ck, u256 rad)
{
    u256 one = u256_pow10(RAD_OF_MONEY);
    u256 v = ck_div(ck, ck_add(ck, rad, ck_sub(ck, one, u256_from_u64(1))), one);
    return (i128)u256_to_u128(v);
}

static struct clip_feed feed_of(struct checked *ck, const struct cascade *c, unsigned instrument)
{
    const struct market *m = &c->b->market;
    uint16_t asset = m->instrument[instrument].asset;
    return (struct clip_feed){
        .val = times10(ck, u256_from_u64((uint64_t)c->px[asset]), WAD_DIGITS - m->asset[asset].decimals),
        .has = true,
        .par = u256_pow10(RAY_DIGITS)};
}

static uint64_t second(const struct cascade *c)
{
    return c->s->horizon_s * c->step / c->s->steps;
}

static struct cascade_lot *room(struct cascade *c)
{
    if (c->n_lots == c->room_lots) {
        size_t more = c->room_lots ? 2 * c->room_lots : 64;
        struct cascade_lot *p = realloc(c->lot, more * sizeof *p);
        if (!p)
            return NULL;
        c->lot = p;
        c->room_lots = more;
    }
    return &c->lot[c->n_lots];
}

bool clip_begin(struct cascade *c, size_t account, unsigned instrument, i256 units, i128 tab)
{
    const struct scenario_clip *s = &c->s->clip;
    struct checked ck = {NULL};
    struct cascade_lot *l = room(c);
    unsigned d = c->b->market.instrument[instrument].size_decimals;
    if (!l || d > WAD_DIGITS || i256_sign(units) <= 0 || i256_bits(units) > 120)
        return false;
    *l = (struct cascade_lot){
        .account = account, .instrument = instrument, .began = second(c), .scale = WAD_DIGITS - d};
    l->clip.calc = (struct curve){.kind = CURVE_STAIRSTEP,
                                  .step = s->step_s,
                                  .cut = times10(&ck, u256_from_u64(s->cut_ppm), RAY_DIGITS - PPM_DIGITS)};
    l->clip.buf = times10(&ck, u256_from_u64(s->buf_ppm), RAY_DIGITS - PPM_DIGITS);
    l->clip.cusp = times10(&ck, u256_from_u64(4), RAY_DIGITS - 1);
    l->clip.tail = s->tail_s;
    const struct clip_feed feed = feed_of(&ck, c, instrument);
    u256 owed = times10(&ck, u256_from_u128((u128)(tab < 1 ? 1 : tab)), RAD_OF_MONEY);
    u256 lot = times10(&ck, u256_from_u128((u128)i256_to_i128(units)), l->scale);
    (void)clip_kick(&ck, &l->clip, &feed, second(c), owed, lot, true);
    if (!ck_ok(&ck))
        return false;
    l->top = l->clip.top;
    c->auctions.kicked = ck_add(&ck, c->auctions.kicked, owed);
    c->auctions.lots++;
    c->n_lots++;
    return true;
}

// Sold into the depth; what it brings.
static i128 sell(struct cascade *c, i128 net[SCENARIO_COINS_MAX], const struct cascade_lot *l, u256 slice,
                 i128 *fair, i128 *unsold)
{
    struct checked ck = {NULL};
    u256 units = ck_div(&ck, slice, u256_pow10(l->scale));
    return market_trade(c, net, l->instrument, i256_from_u128(u256_to_u128(units)), fair, unsold);
}

// The owner's again: as collateral, or, where its account cannot take it, outside.
static void give_back(struct cascade *c, const struct cascade_lot *l, u256 units)
{
    i256 back = i256_from_u128(u256_to_u128(units));
    c->auctions.returned += money_of_tokens(c, l->instrument, back, false);
    (void)credit_give(c, l->account, l->instrument, back);
}

// As much as pays, by halving: all of it first.
static void bid(struct cascade *c, struct cascade_lot *l, u256 price)
{
    u256 amount = l->clip.lot;
    for (unsigned k = 0; k < HALVINGS; k++, amount = u256_shr(amount, 1)) {
        struct checked ck = {NULL};
        i128 net[SCENARIO_COINS_MAX], fair = 0, unsold = 0;
        struct clip_taken t = clip_quote(&ck, &l->clip, second(c), amount, price);
        if (!ck_ok(&ck) || u256_is_zero(t.slice))
            return;
        for (unsigned i = 0; i < SCENARIO_COINS_MAX; i++)
            net[i] = c->net[i];
        i128 gain = sell(c, net, l, t.slice, &fair, &unsold);
        i128 left = gain - money_up(&ck, t.owe) - cascade_gas(c);
        if (left <= 0)
            continue;
        struct dog_room all = {U256_MAX, t.dug, U256_MAX, t.dug};
        struct clip_buyer buyer = {.coin = t.owe};
        t = clip_take(&ck, &l->clip, &all, &buyer, second(c), amount, price);
        if (!ck_ok(&ck))
            return;
        for (unsigned i = 0; i < SCENARIO_COINS_MAX; i++)
            c->net[i] = net[i];
        c->auctions.raised = ck_add(&ck, c->auctions.raised, t.owe);
        c->auctions.takes++;
        c->sum.keeper += left;
        c->sum.slippage += fair - gain;
        c->sum.unsold += unsold;
        if (t.over && !u256_is_zero(t.back))
            give_back(c, l, ck_div(&ck, t.back, u256_pow10(l->scale)));
        l->missing = t.over ? ck_sub(&ck, t.dug, t.owe) : u256_from_u64(0);
        return;
    }
}

static void end_lot(struct cascade *c, struct cascade_lot *l)
{
    struct checked ck = {NULL};
    c->auctions.missing = ck_add(&ck, c->auctions.missing, l->missing);
    if (!u256_is_zero(l->missing))
        loss_book(c, money_up(&ck, l->missing));
    l->over = true;
}

static void picture(struct cascade *c, uint32_t number, const struct cascade_lot *l, u256 price)
{
    struct checked ck = {NULL};
    if (number >= CLIP_PICTURES || c->n_points == CLIP_POINTS)
        return;
    u256 ppm = ck_div(&ck, times10(&ck, price, PPM_DIGITS), l->top);
    c->point[c->n_points++] =
        (struct clip_point){number, second(c) - l->began, ck_ok(&ck) ? (uint32_t)u256_to_u128(ppm) : 0};
}

void clip_step(struct cascade *c)
{
    if (cascade_absent(c))
        return;
    for (size_t i = 0; i < c->n_lots; i++) {
        struct cascade_lot *l = &c->lot[i];
        struct checked ck = {NULL};
        bool done = false;
        if (l->over)
            continue;
        u256 price = clip_status(&ck, &l->clip, second(c), &done);
        if (ck_ok(&ck))
            picture(c, (uint32_t)i, l, price);
        if (ck_ok(&ck) && done && l->resets < c->s->clip.resets) {
            const struct clip_feed feed = feed_of(&ck, c, l->instrument);
            (void)clip_redo(&ck, &l->clip, &feed, second(c));
            l->resets++;
        } else if (!ck_ok(&ck) || done) { // nobody has wanted it: what is missing is lost
            l->missing = l->clip.tab;
            end_lot(c, l);
        } else {
            bid(c, l, price);
            if (!l->clip.running)
                end_lot(c, l);
        }
        if (!ck_ok(&ck) && !l->over) { // a reset that the contract refuses
            l->missing = l->clip.tab;
            end_lot(c, l);
        }
    }
}

bool clip_conserved(const struct cascade *c)
{
    struct checked ck = {NULL};
    u256 sum = ck_add(&ck, c->auctions.raised, c->auctions.missing);
    for (size_t i = 0; i < c->n_lots; i++)
        if (!c->lot[i].over)
            sum = ck_add(&ck, sum, c->lot[i].clip.tab);
    return ck_ok(&ck) && u256_cmp(sum, c->auctions.kicked) == 0;
}

static double money_of(u256 rad)
{
    struct checked ck = {NULL};
    return (double)money_up(&ck, rad) / (double)SCENARIO_MONEY;
}

void clip_result(const struct cascade *c, struct lab_result *r)
{
    const struct cascade_auctions *a = &c->auctions;
    uint32_t running = 0;
    if (c->s->clip.cut_ppm == 0)
        return;
    for (size_t i = 0; i < c->n_lots; i++)
        running += !c->lot[i].over;
    lab_fact(r, LAB_AUCTIONS, "Lots", "collateral of loans, auctioned", "%u, %u of them still running",
             a->lots, running);
    lab_fact(r, LAB_AUCTIONS, "Takes", "whole lots or parts", "%u", a->takes);
    lab_fact(r, LAB_AUCTIONS, "To be raised", "units of account", "%.2f", money_of(a->kicked));
    lab_fact(r, LAB_AUCTIONS, "Raised", "units of account", "%.2f", money_of(a->raised));
    lab_fact(r, LAB_AUCTIONS, "Not raised", "lots that ended below: the fund, then booked", "%.2f",
             money_of(a->missing));
    lab_fact(r, LAB_AUCTIONS, "Left for owners", "of lots that had raised all: collateral again, at the mark",
             "%.2f", (double)a->returned / (double)SCENARIO_MONEY);
    struct lab_chart *ch =
        lab_chart(r, LAB_AUCTIONS, "Prices of the first lots",
                  "While the cascade goes on; a reset begins again from the mark. Synthetic.",
                  "seconds since it began", "% of its first price");
    for (uint32_t n = 0; ch && n < CLIP_PICTURES; n++) {
        char name[24];
        struct lab_series *x = NULL;
        (void)snprintf(name, sizeof name, "lot %u", n + 1);
        for (size_t i = 0; i < c->n_points; i++) {
            if (c->point[i].lot != n)
                continue;
            x = x ? x : lab_series(r, ch, name, LAB_STEP);
            if (x)
                lab_point(r, x, (double)c->point[i].at, c->point[i].ppm / 1e4);
        }
    }
}
