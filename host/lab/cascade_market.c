// SPDX-License-Identifier: Apache-2.0
// Prices, quantities as money, and trades along the depth curve.
#include "lab/cascade_inside.h"

#include <string.h>

#include "accounts/reciprocal.h"

enum { MONEY_DECIMALS = 8 };

// a 10^up / 10^down, floor or ceiling.
static i256 scaled(i256 a, unsigned up, unsigned down, bool ceil)
{
    a = i256_mul(a, i256_pow10(up > down ? up - down : 0));
    if (up >= down)
        return a;
    return ceil ? i256_div10_ceil(a, down - up) : i256_div10_floor(a, down - up);
}

// Money may not leave 2^120: amounts beyond come from no account that passes its rule's validation.
static i128 narrow(i256 v)
{
    const i128 most = (i128)1 << 120;
    if (i256_bits(v) > 120)
        return i256_sign(v) < 0 ? -most : most;
    return i256_to_i128(v);
}

int market_begin(struct cascade *c, struct err *e)
{
    const struct market *m = &c->b->market;
    for (unsigned i = 0; i < m->n_assets; i++)
        c->coin[i] = NO_COIN;
    for (unsigned k = 0; k < c->s->n_coins; k++) {
        const struct scenario_coin *coin = &c->s->coin[k];
        for (unsigned j = 0; j < coin->n; j++) {
            unsigned i = 0;
            while (i < m->n_assets && strcmp(m->asset[i].name, coin->asset[j]) != 0 &&
                   strcmp(m->asset[i].source, coin->asset[j]) != 0)
                i++;
            if (i == m->n_assets || m->asset[i].kind == ASSET_RECIPROCAL)
                return err_set(e,
                               "%s:%zu: coin %s: the market has no asset %s; "
                               "`tripline accounts show --market` lists a store's",
                               c->s->path, coin->line, coin->name, coin->asset[j]);
            if (c->coin[i] != NO_COIN)
                return err_set(e, "%s:%zu: asset %s is named twice: remove one", c->s->path, coin->line,
                               coin->asset[j]);
            c->coin[i] = (int)k;
        }
    }
    for (unsigned i = 0; i < m->n_assets; i++)
        if (m->asset[i].kind == ASSET_RECIPROCAL)
            c->coin[i] = c->coin[m->asset[i].base];
    return 0;
}

void market_prices(struct cascade *c)
{
    const struct market *m = &c->b->market;
    for (unsigned k = 0; k < c->s->n_coins; k++)
        c->mark[k] =
            (int64_t)((i128)c->outside[k] * curve_price_at(&c->s->coin[k].depth, c->net[k]) / CURVE_ONE);
    for (unsigned i = 0; i < m->n_assets; i++) {
        if (c->coin[i] == NO_COIN || m->asset[i].kind == ASSET_RECIPROCAL)
            continue;
        i128 p = (i128)c->start[i] * c->mark[c->coin[i]] / SCENARIO_FACTOR;
        c->px[i] = p < 1 ? 1 : p > INT64_MAX ? INT64_MAX : (int64_t)p;
    }
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        int64_t p = 0;
        if (a->kind == ASSET_RECIPROCAL && c->coin[i] != NO_COIN)
            p = reciprocal_price(c->px[a->base], m->asset[a->base].decimals, a->decimals);
        if (p > 0)
            c->px[i] = p;
    }
}

int currency_of(const struct market *m, const char *currency)
{
    for (unsigned i = 0; i < m->n_instruments; i++)
        if (m->instrument[i].kind != INST_RESERVE && strcmp(m->instrument[i].currency, currency) == 0)
            return (int)i;
    return -1;
}

i128 money_of_cash(const struct cascade *c, int currency, i256 quanta, bool up)
{
    const struct instrument *in = &c->b->market.instrument[currency];
    if (in->kind == INST_LINEAR)
        return narrow(scaled(quanta, MONEY_DECIMALS, in->cash_decimals, up));
    unsigned down = (unsigned)in->cash_decimals + c->b->market.asset[in->asset].decimals;
    return narrow(scaled(i256_mul_i64(quanta, c->px[in->asset]), MONEY_DECIMALS, down, up));
}

i128 money_of_tokens(const struct cascade *c, unsigned instrument, i256 units, bool up)
{
    const struct instrument *in = &c->b->market.instrument[instrument];
    unsigned down = (unsigned)in->size_decimals + c->b->market.asset[in->asset].decimals;
    return narrow(scaled(i256_mul_i64(units, c->px[in->asset]), MONEY_DECIMALS, down, up));
}

// A quantity at the start price; > 0. An inverse contract is sized in the quote currency: it is as many coins
// as that buys now.
static i128 quantity(const struct cascade *c, unsigned instrument, i256 qty)
{
    const struct instrument *in = &c->b->market.instrument[instrument];
    int64_t start = c->start[in->asset], now = c->px[in->asset];
    if (in->kind == INST_INVERSE) {
        i256 money = i256_mul_i64(scaled(qty, MONEY_DECIMALS, in->size_decimals, false), start);
        return narrow(i256_div_floor(money, i256_from_i64(now)));
    }
    unsigned down = (unsigned)in->size_decimals + c->b->market.asset[in->asset].decimals;
    return narrow(scaled(i256_mul_i64(qty, start), MONEY_DECIMALS, down, false));
}

i128 market_trade(struct cascade *c, i128 net[SCENARIO_COINS_MAX], unsigned instrument, i256 qty, i128 *fair,
                  i128 *unsold)
{
    int k = c->coin[c->b->market.instrument[instrument].asset];
    bool sold = i256_sign(qty) > 0;
    *unsold = 0;
    if (k == NO_COIN) { // a dollar coin: at its price, in any quantity
        *fair = money_of_tokens(c, instrument, qty, false);
        return *fair;
    }
    i128 q = quantity(c, instrument, i256_abs(qty)), sign = sold ? 1 : -1;
    const struct depth_curve *d = &c->s->coin[k].depth;
    i128 to = net[k] + sign * q, room = curve_room(d, to > 0);
    if (sign * to > room) { // the rest finds nobody
        *unsold = econ_min(q, sign * to - room);
        to -= sign * *unsold;
    }
    i128 gain = curve_value(d, to) - curve_value(d, net[k]);
    if (!sold) // owed all the same, at the most that a purchase may cost
        gain -= *unsold * (CURVE_MOST / CURVE_ONE);
    *fair = sign * narrow(i256_div10_floor(i256_mul(i256_from_i128(q), i256_from_i64(c->mark[k])), 12));
    net[k] = to;
    return narrow(i256_div10_floor(i256_mul(i256_from_i128(gain), i256_from_i64(c->outside[k])), 12));
}
