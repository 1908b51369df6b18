// SPDX-License-Identifier: Apache-2.0
// The accounts of a scenario: a store's or generated ones, and those of a burst, which are made so that the
// outside price of one step breaches all of them.
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/reciprocal.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"
#include "base/prng.h"
#include "lab/cascade.h"

enum {
    BURST_LEAST = 200,
    BURST_MOST = 20000, /* units of account */
    THRESHOLD_LO = 2000,
    THRESHOLD_HI = 30000, /* ppm above the step's price */
    PPM_ONE = 1000000,
    E12_DIGITS = 12
};

static int64_t from_e12(int64_t price_e12, unsigned decimals)
{
    i128 v = price_e12;
    for (unsigned k = E12_DIGITS; k < decimals; k++)
        v *= 10;
    for (unsigned k = decimals; k < E12_DIGITS; k++)
        v = k + 1 == E12_DIGITS ? (v + 5) / 10 : v / 10;
    return v > INT64_MAX ? 0 : (int64_t)v;
}

// The generator's prices, by the name of an asset's source.
static int start_prices(const struct market *m, int64_t start[MARKET_ASSETS_MAX], struct err *e)
{
    size_t n;
    const struct gen_price *p = gen_default_prices(&n);
    for (unsigned i = 0; i < m->n_assets; i++) {
        start[i] = 0;
        for (size_t k = 0; k < n; k++)
            if (strcmp(p[k].name, m->asset[i].source) == 0)
                start[i] = from_e12(p[k].price_e12, m->asset[i].decimals);
        if (start[i] == 0 && m->asset[i].kind != ASSET_RECIPROCAL)
            return err_set(e,
                           "asset %s of the store has no start price: the laboratory knows those of "
                           "`tripline gen` only",
                           m->asset[i].name);
    }
    for (unsigned i = 0; i < m->n_assets; i++)
        if (m->asset[i].kind == ASSET_RECIPROCAL)
            start[i] = reciprocal_price(start[m->asset[i].base], m->asset[m->asset[i].base].decimals,
                                        m->asset[i].decimals);
    return 0;
}

static bool healthy(const struct market *m, const struct account *a, const int64_t *px)
{
    struct health h;
    a->rule->health(m, a, px, &h);
    return !h.liquidatable;
}

// The least cash with which the account is healthy at px.
static i128 least_cash(const struct market *m, struct account *a, const int64_t *px)
{
    i128 lo = -((i128)1 << 80), hi = (i128)1 << 80;
    while (hi - lo > 1) {
        a->cash = lo + (hi - lo) / 2;
        if (healthy(m, a, px))
            hi = a->cash;
        else
            lo = a->cash;
    }
    return hi;
}

static void burst_account(struct prng *r, const struct market *m, unsigned instrument, int64_t outside,
                          const int64_t *start, const struct rule *rule, struct account *a)
{
    const struct instrument *in = &m->instrument[instrument];
    int64_t px[MARKET_ASSETS_MAX];
    memcpy(px, start, m->n_assets * sizeof *px);
    i128 size = (i128)prng_between(r, BURST_LEAST, BURST_MOST);
    for (unsigned k = 0; k < (unsigned)in->size_decimals + m->asset[in->asset].decimals; k++)
        size *= 10;
    size /= start[in->asset];
    i128 above = (i128)PPM_ONE + prng_between(r, THRESHOLD_LO, THRESHOLD_HI);
    px[in->asset] = (int64_t)((i128)start[in->asset] * outside / SCENARIO_FACTOR * above / PPM_ONE);
    a->rule = rule;
    memcpy(a->currency, in->currency, sizeof a->currency);
    a->cash_decimals = in->cash_decimals;
    a->n_positions = 1;
    a->position[0] = (struct position){
        .instrument = (uint16_t)instrument, .size = size < 1 ? 1 : size, .entry = start[in->asset]};
    a->cash = least_cash(m, a, px);
    (void)snprintf(a->name, sizeof a->name, "burst-%u", a->id);
}

static int add_burst(const struct lab_scenario *s, struct book *b, const int64_t *start, struct err *e)
{
    struct market *m = &b->market;
    struct prng r;
    const struct rule *rule = s->perp[0] ? rule_find(s->perp) : &rule_perp_linear_1;
    int i = market_instrument(m, s->burst_instrument), k = -1;
    if (i < 0 || m->instrument[i].kind != INST_LINEAR)
        return err_set(e, "%s:%zu: burst: the market has no linear perpetual %s", s->path, s->burst_line,
                       s->burst_instrument);
    for (unsigned c = 0; c < s->n_coins; c++)
        for (unsigned j = 0; j < s->coin[c].n; j++)
            if (strcmp(s->coin[c].asset[j], m->asset[m->instrument[i].asset].name) == 0 ||
                strcmp(s->coin[c].asset[j], m->asset[m->instrument[i].asset].source) == 0)
                k = (int)c;
    if (k < 0)
        return err_set(e, "%s:%zu: burst: the price of %s belongs to no coin: add it to one", s->path,
                       s->burst_line, s->burst_instrument);
    if (rule->borrowing)
        return err_set(e,
                       "%s:%zu: burst: its accounts have cash, those of %s have reserves: name another perp",
                       s->path, s->burst_line, rule->name);
    prng_seed(&r, s->seed ^ UINT64_C(0x6275727374));
    for (uint32_t n = 0; n < s->burst_events; n++) {
        struct account *a = &b->account[b->n_accounts++];
        memset(a, 0, sizeof *a);
        a->id = n ? a[-1].id + 1 : b->n_accounts > 1 ? a[-1].id + 1 : 1;
        burst_account(&r, m, (unsigned)i, s->coin[k].factor[s->burst_at], start, rule, a);
        if (account_validate(m, a, e) != 0)
            return -1;
    }
    return 0;
}

int cascade_book_make(const struct lab_scenario *s, struct book *b, int64_t start[MARKET_ASSETS_MAX],
                      struct err *e)
{
    memset(b, 0, sizeof *b);
    int rc = 0;
    if (s->store[0]) {
        rc = store_load(s->store, b, e);
        if (rc == 0)
            rc = book_unpack(b, SCENARIO_ACCOUNTS_MAX, e);
    } else {
        const struct gen_options o = {.seed = s->seed,
                                      .accounts = s->accounts,
                                      .near_ppm = s->near_ppm,
                                      .lending = s->lending[0] ? s->lending : NULL,
                                      .perp = s->perp[0] ? s->perp : NULL};
        rc = accounts_generate(&o, b, e);
        struct account *more =
            rc ? NULL : realloc(b->account, ((size_t)s->accounts + s->burst_events) * sizeof *more);
        if (rc == 0 && !more)
            rc = err_set(e, "out of memory for %u accounts", s->accounts + s->burst_events);
        b->account = more ? more : b->account;
    }
    if (rc == 0)
        rc = start_prices(&b->market, start, e);
    if (rc == 0 && s->burst_events)
        rc = add_burst(s, b, start, e);
    if (rc != 0)
        book_free(b);
    return rc;
}
