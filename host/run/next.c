// SPDX-License-Identifier: Apache-2.0
// With predict: what an order that waits to be made is worth. Of a paired book (docs/pairs.md) what the
// oracle may tell next decides that, at which prices it is made, and how long it is kept. Looked at after the
// orders of an update only; a function of the session's inputs alone.
#include <string.h>

#include "accounts/assets.h"
#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "run/inside.h"

enum { PPM = 1000000, MS_NS = 1000000, KEPT_A_GROUP = 2 };

static uint64_t of_ppm(uint32_t ppm)
{
    return BREACH_CERTAIN * ppm / PPM;
}

// The oracle of a told asset and the market that it follows. False: one of them has no price.
static bool feed_of(const struct session *s, uint16_t told, struct breach_feed *f)
{
    const struct expect_config *c = &s->cfg.expect;
    const int64_t *px = oracle_prices(s->oracle);
    const uint16_t market = s->pair.predicts[told];
    const bool waits = oracle_basis(s->oracle, market) == BASIS_CANDIDATE;
    const uint64_t since = s->now_ns - s->expect.changed_ns[told], due = (uint64_t)c->due_ms * MS_NS;
    *f = (struct breach_feed){.told = px[told],
                              .market = waits ? oracle_result(s->oracle, market)->price : px[market],
                              .vol_q48 = s->expect.vol_q48[market],
                              .deviation_ppm = c->deviation_ppm,
                              .due_in_ns = due == 0      ? UINT64_MAX
                                           : since < due ? due - since
                                                         : 0};
    if (waits && f->market <= 0)
        f->market = f->told;
    if (waits) {
        f->visible = px[market];
        f->visible_q32 = of_ppm(c->visible_ppm);
    }
    return f->told > 0 && f->market > 0;
}

static unsigned candidates(const struct session *s, uint16_t told,
                           struct breach_candidate out[BREACH_CANDIDATES_MAX])
{
    const struct breach_view v = {
        .horizon_ns = expect_horizon_ns(&s->expect), .rho_ppm = EXPECT_RHO_PPM, .fit = s->cfg.expect.fit};
    struct breach_feed f;
    return feed_of(s, told, &f) ? breach_candidates(&f, &v, out) : 0;
}

// As breach_with_candidates(), by the settings' fit.
static uint64_t with_next(const struct session *s, const struct breach_form *f, const uint16_t *asset,
                          unsigned which, uint64_t as_it_is)
{
    struct breach_candidate c[BREACH_CANDIDATES_MAX];
    const unsigned n = candidates(s, asset[which], c);
    uint64_t rest = BREACH_CERTAIN;
    u128 sum = 0;
    for (unsigned i = 0; i < n; i++) {
        struct breach_form at = *f;
        at.health = breach_at_price(f, which, oracle_prices(s->oracle)[asset[which]], c[i].price);
        sum += (u128)c[i].probability * expect_form(&s->expect, &at, asset, s->pair.predicts);
        rest -= c[i].probability;
    }
    return (uint64_t)((sum + (u128)rest * as_it_is) >> 32);
}

uint64_t next_breach(const struct session *s, const struct row *r, int64_t h, const uint64_t *phat)
{
    struct breach_form f;
    uint16_t asset[BREACH_ASSETS_MAX];
    expect_row(r, h, phat, &f, asset);
    const uint64_t as_it_is = expect_form(&s->expect, &f, asset, s->pair.predicts);
    uint64_t most = as_it_is;
    for (unsigned i = 0; i < f.n; i++) {
        uint64_t p = with_next(s, &f, asset, i, as_it_is);
        most = p > most ? p : most;
    }
    return most;
}

// The odd account of a pair stands for the even one's order. With stages a turn is for more than the order.
int64_t next_value(struct session *s, size_t account, const struct row *r, int64_t h, const uint64_t *phat)
{
    int64_t reward, cost;
    const int64_t *px = oracle_prices(s->oracle);
    const bool by_turn = s->cfg.expect.by == EXPECT_BY_TURN, told = s->paired && !is_odd(s, account);
    if (by_turn && !s->paired && !s->staged && desk_prepared(s->desk, account, px))
        return INT64_MIN;
    expect_sample(&s->expect, px, s->book->market.n_assets, s->now_ns);
    if (by_turn)
        expect_turn(&s->expect, engine_turns(s->engine), engine_counters(s->engine)->groups);
    desk_reward(s->desk, is_odd(s, account) ? pairs_even(account) : account, px, &reward, &cost);
    const uint64_t p = told ? next_breach(s, r, h, phat) : expect_breach(&s->expect, r, h, phat);
    s->expect.within_ns = 0;
    return expect_value(&s->expect, r, h, phat, p, reward, cost);
}

bool next_wanted(const struct session *s)
{
    return s->cfg.engine.predict && s->cfg.expect.keep_ppm;
}

// The prices told now but for the likeliest one to come next that liquidates the account by its exact rule;
// NULL: none of the chance that is set.
const int64_t *next_prices(struct session *s, size_t even)
{
    const struct account *a = book_account(s->book, even, &s->account);
    const int64_t *px = oracle_prices(s->oracle);
    expect_sample(&s->expect, px, s->book->market.n_assets, s->now_ns);
    const unsigned n_px = s->book->market.n_assets;
    uint16_t asset[ACCOUNT_ASSETS_MAX], which = 0;
    uint64_t most = 0;
    int64_t price = 0;
    size_t n = account_assets(&s->book->market, a, asset);
    for (size_t i = 0; i < n; i++)
        if (px[asset[i]] <= 0)
            return NULL;
    memcpy(s->ahead.px, px, n_px * sizeof *px);
    for (size_t i = 0; i < n; i++) {
        struct breach_candidate c[BREACH_CANDIDATES_MAX];
        const unsigned have = candidates(s, asset[i], c);
        for (unsigned k = 0; k < have; k++) {
            struct health h;
            if (c[k].probability < of_ppm(s->cfg.expect.keep_ppm) || c[k].probability <= most)
                continue;
            s->ahead.px[asset[i]] = c[k].price;
            a->rule->health(&s->book->market, a, s->ahead.px, &h);
            s->ahead.px[asset[i]] = px[asset[i]];
            if (!h.liquidatable)
                continue;
            most = c[k].probability;
            which = asset[i];
            price = c[k].price;
        }
    }
    if (most == 0)
        return NULL;
    s->ahead.px[which] = price;
    return s->ahead.px;
}

static bool on_list(const struct session *s, size_t even)
{
    for (size_t i = 0; i < s->ahead.n; i++)
        if (s->ahead.kept[i] == even)
            return true;
    return false;
}

void next_keep(struct session *s, size_t even)
{
    const int64_t *px = next_wanted(s) ? next_prices(s, even) : NULL;
    if (!px || (!on_list(s, even) && s->ahead.n == NEXT_KEPT_MAX)) {
        desk_retire(s->desk, even);
        return;
    }
    desk_prepare(s->desk, even, px);
    s->count.kept++;
    if (!on_list(s, even))
        s->ahead.kept[s->ahead.n++] = (uint32_t)even;
}

// Who is near again is the engine's business; who would not breach any more needs no order.
void next_review(struct session *s)
{
    for (unsigned k = 0; k < KEPT_A_GROUP && s->ahead.n; k++) {
        if (s->ahead.at >= s->ahead.n)
            s->ahead.at = 0;
        const size_t even = s->ahead.kept[s->ahead.at];
        const bool near = s->near[even] || s->near[even + 1] || engine_flagged(s->engine, even + 1);
        const int64_t *px = near ? NULL : next_prices(s, even);
        if (px) {
            desk_prepare(s->desk, even, px); // by a new state it may have none any more
            s->ahead.at++;
            continue;
        }
        if (!near)
            desk_retire(s->desk, even);
        s->ahead.kept[s->ahead.at] = s->ahead.kept[--s->ahead.n];
    }
}
