// SPDX-License-Identifier: Apache-2.0
#include "econ/waterfall.h"

#include "econ/bankruptcy.h"
#include "econ/socialise.h"

const struct waterfall waterfall_dydx = {
    .name = "dydx",
    .steps = TO_MARKET | TO_FUND | TO_ADL,
    .each_fill = true,
    .fee_ppm = 5000,
    .rank = ADL_DYDX,
    .at = ADL_AT_BANKRUPTCY,
    .solvent_only = true,
    .adl_looked = 500,
};
const struct waterfall waterfall_drift = {
    .name = "drift",
    .steps = TO_MARKET | TO_FUND | TO_SOCIAL | TO_DEFICIT,
    .social = SOCIAL_RATE,
};
const struct waterfall waterfall_mango = {
    .name = "mango",
    .steps = TO_MARKET | TO_FUND | TO_SOCIAL | TO_DEFICIT,
    .social = SOCIAL_EXACT,
};
const struct waterfall waterfall_bitmex = {
    .name = "bitmex",
    .steps = TO_MARKET | TO_FUND | TO_ADL | TO_DEFICIT,
    .each_fill = true,
    .fee_ppm = ECON_PPM, // what is better than the bankruptcy price is the fund's
    .rank = ADL_BITMEX,
    .at = ADL_AT_BANKRUPTCY,
};
const struct waterfall waterfall_hyperliquid = {
    .name = "hyperliquid",
    .steps = TO_MARKET | TO_ADL | TO_DEFICIT,
    .rank = ADL_HYPERLIQUID,
    .at = ADL_AT_PRIOR,
};

i128 perp_market_money(const struct perp_market *m)
{
    i128 sum = m->fund.balance - m->deficit;
    for (size_t i = 0; i < m->n; i++)
        sum += m->account[i].cash;
    return sum;
}

// Every amount that a run multiplies is within ECON_MOST.
static bool in_range(const struct perp_market *m, uint32_t who, const struct offer *offer, size_t offers)
{
    if (who >= m->n || m->n > UINT32_MAX || m->prior <= 0 || m->prior > ECON_MOST)
        return false;
    for (size_t i = 0; i < m->n; i++)
        if (!margin_fits(&m->account[i], m->price, m->per) || !margin_fits(&m->account[i], m->prior, m->per))
            return false;
    i128 value = 0;
    for (size_t i = 0; i < offers; i++) {
        const struct offer *o = &offer[i];
        if (o->account >= m->n || o->size <= 0 || o->size > ECON_MOST || o->price <= 0 ||
            o->price > ECON_MOST || (value += margin_value(o->size, o->price, m->per)) > ECON_MOST)
            return false;
    }
    return true;
}

static void swap(struct perp_market *m, uint32_t who, uint32_t other, i128 d, i128 quote)
{
    margin_trade(&m->account[who], d, quote);
    margin_trade(&m->account[other], -d, -quote);
}

// `d` closes at most `most` of a position.
static i128 closing(const struct margin *a, i128 most)
{
    i128 part = econ_min(econ_abs(a->size), most);
    return a->size > 0 ? -part : part;
}

// What settles a fill of d for `quote` against the bankruptcy price; false: the fund cannot.
static bool settle(struct perp_market *m, const struct waterfall *w, uint32_t who, i128 d, i128 quote,
                   struct loss *out)
{
    struct margin *a = &m->account[who];
    i128 fair = bankruptcy_of(a, d, m->price, m->per, m->maintenance_ppm);
    i128 delta = insurance_delta(quote, fair, w->fee_ppm);
    if (delta < 0) {
        if (!(w->steps & TO_FUND) || fund_pays(&m->fund, -delta) != -delta)
            return false;
        out->from_fund += fund_draw(&m->fund, -delta);
    } else {
        fund_add(&m->fund, delta);
        out->fees += delta;
    }
    a->cash -= delta;
    return true;
}

static void to_market(struct perp_market *m, const struct waterfall *w, uint32_t who,
                      const struct offer *offer, size_t offers, struct loss *out)
{
    struct margin *a = &m->account[who];
    for (size_t i = 0; i < offers && a->size != 0; i++) {
        if (offer[i].account == who)
            continue;
        i128 d = closing(a, offer[i].size);
        i128 quote = -margin_value(d, offer[i].price, m->per);
        if (w->each_fill && !settle(m, w, who, d, quote, out))
            return;
        swap(m, who, offer[i].account, d, quote);
        out->sold += econ_abs(d);
    }
}

// An equity below 0 is brought back to 0 as far as the fund goes.
static void to_fund(struct perp_market *m, uint32_t who, i128 equity, struct loss *out)
{
    i128 paid = fund_draw(&m->fund, -equity);
    m->account[who].cash += paid;
    out->from_fund += paid;
}

static void to_adl(struct perp_market *m, const struct waterfall *w, uint32_t who, size_t start,
                   struct loss *out)
{
    struct margin *a = &m->account[who];
    size_t n = adl_order(m->account, m->n, m->price, m->per, -econ_sign(a->size), w->rank, start, m->scratch);
    if (w->adl_looked && n > w->adl_looked)
        n = w->adl_looked;
    for (size_t i = 0; i < n && a->size != 0; i++) {
        uint32_t other = m->scratch[i].account;
        struct margin *b = &m->account[other], after = *b;
        i128 d = closing(a, econ_abs(b->size));
        i128 quote = w->at == ADL_AT_BANKRUPTCY ? bankruptcy_of(a, d, m->price, m->per, m->maintenance_ppm)
                                                : -margin_value(d, m->prior, m->per);
        margin_trade(&after, -d, -quote);
        if (w->solvent_only && margin_equity(&after, m->price, m->per) < 0)
            continue; // the two bankruptcy prices do not overlap
        swap(m, who, other, d, quote);
        out->deleveraged += econ_abs(d);
        if (++out->adl_fills == w->adl_most)
            return;
    }
}

// Returns what the others paid of it.
static i128 to_others(struct perp_market *m, const struct waterfall *w, i128 loss)
{
    i128 *size = m->share, *pay = m->share + m->n, open = 0, rate = 0, paid = 0;
    for (size_t i = 0; i < m->n; i++) {
        size[i] = econ_abs(m->account[i].size);
        open += size[i];
    }
    if (w->social == SOCIAL_EXACT ? !socialise_exact(loss, size, m->n, pay)
                                  : !socialise_rate(loss, open, &rate))
        return 0;
    for (size_t i = 0; i < m->n; i++) {
        if (w->social == SOCIAL_RATE)
            pay[i] = socialise_rate_pay(rate, size[i]);
        m->account[i].cash -= pay[i];
        paid += pay[i];
    }
    return paid;
}

// The position is gone and cash is below 0: who bears it.
static void resolve(struct perp_market *m, const struct waterfall *w, uint32_t who, struct loss *out)
{
    struct margin *a = &m->account[who];
    if (w->steps & TO_FUND)
        to_fund(m, who, a->cash, out);
    if (a->cash < 0 && (w->steps & TO_SOCIAL)) {
        i128 paid = to_others(m, w, -a->cash), used = econ_min(paid, -a->cash);
        out->from_others += paid;
        out->over += paid - used;
        fund_add(&m->fund, paid - used);
        a->cash += used;
    }
    if (a->cash < 0 && (w->steps & TO_DEFICIT)) {
        out->booked += -a->cash;
        m->deficit += -a->cash;
        a->cash = 0;
    }
}

int waterfall_run(struct perp_market *m, const struct waterfall *w, uint32_t who, const struct offer *offer,
                  size_t offers, size_t start, struct loss *out)
{
    *out = (struct loss){0};
    if (!in_range(m, who, offer, offers))
        return -1;
    struct margin *a = &m->account[who];
    if (w->steps & TO_MARKET)
        to_market(m, w, who, offer, offers, out);
    i128 equity = margin_equity(a, m->price, m->per);
    bool bankrupt = a->size != 0 && (equity < 0 || w->adl_solvent);
    if (bankrupt && !w->each_fill && (w->steps & TO_FUND))
        to_fund(m, who, equity, out);
    if (bankrupt && (w->steps & TO_ADL)) // at a price that the fund, where it paid, has brought to the mark
        to_adl(m, w, who, start, out);
    if (a->size == 0 && a->cash < 0)
        resolve(m, w, who, out);
    out->left = econ_abs(a->size);
    return 0;
}

bool perp_market_trade(struct perp_market *m, uint32_t a, uint32_t b, i128 size, i128 price)
{
    if (a >= m->n || b >= m->n || a == b || size <= 0 || size > ECON_MOST || price <= 0 ||
        price > ECON_MOST || margin_value(size, price, m->per) > ECON_MOST)
        return false;
    struct margin buyer = m->account[a], seller = m->account[b];
    i128 quote = margin_value(size, price, m->per);
    margin_trade(&buyer, size, -quote);
    margin_trade(&seller, -size, quote);
    if (!margin_fits(&buyer, m->price, m->per) || !margin_fits(&seller, m->price, m->per))
        return false;
    m->account[a] = buyer;
    m->account[b] = seller;
    return true;
}

bool perp_market_funding(struct perp_market *m, i128 rate)
{
    if (econ_abs(rate) > ECON_MOST)
        return false;
    for (size_t i = 0; i < m->n; i++)
        if (!margin_fits(&m->account[i], m->price, m->per) ||
            econ_abs(rate) * econ_abs(m->account[i].size) / m->per > ECON_MOST)
            return false;
    for (size_t i = 0; i < m->n; i++) {
        struct margin *a = &m->account[i];
        bool gets = econ_sign(a->size) != econ_sign(rate);
        i128 size = econ_abs(a->size);
        i128 q = gets ? econ_part_floor(econ_abs(rate), size, m->per)
                      : -econ_part_ceil(econ_abs(rate), size, m->per);
        a->cash += q;
        fund_add(&m->fund, -q);
    }
    return true;
}

i128 perp_market_cover(struct perp_market *m, i128 amount)
{
    i128 paid = econ_min(econ_max(amount, 0), m->deficit);
    m->deficit -= paid;
    return paid;
}
