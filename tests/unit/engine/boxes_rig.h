// SPDX-License-Identifier: Apache-2.0
// Rig of the tests of the nested boxes: a random book under the toy rules, an engine with a small device, and
// beside it every account's exact health, kept up to date by brute force. After each group of prices the set
// of accounts whose breach the engine reported must equal the set of those in breach (without an order under
// way): so none is missed, none is false, and each is reported at the tick of its first breach.
#ifndef TRIPLINE_TEST_BOXES_RIG_H
#define TRIPLINE_TEST_BOXES_RIG_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "engine/deaf.h"
#include "engine/internal.h"
#include "engine/toy_rule.h"

enum { RIG_ACCOUNTS_MAX = 4096, RIG_SLOTS_MAX = 64 };
#define RIG_PRICE_MAX (INT64_C(1) << TOY_PRICE_BITS)
#define must(ok, ...) ((ok) ? (void)0 : ck_abort_msg(__VA_ARGS__)) // cheap where it holds: for inner loops

// What an account holds or may come to hold of one asset.
struct rig_side {
    uint32_t account;
    uint16_t asset;
    struct toy_term term;
    i128 value; // at the price now
};

struct rig_config {
    uint32_t accounts, assets, columns, rows, slots_max; // slots: most assets of an account
    unsigned bent_pct, slack_pct, wide_pct, crossed_pct;
    bool weighted; // parameters count, and may change
    struct engine_config engine;
};

struct rig {
    struct rig_config cfg;
    struct prng rng;
    struct book book;
    struct account account[RIG_ACCOUNTS_MAX];
    struct device *dev;
    struct device *(*wrap)(struct device *, uint64_t seed); // what stands before it, NULL: nothing
    struct engine *g;

    int64_t px[MARKET_ASSETS_MAX];  // 0: none yet, as the engine is told
    int64_t now[MARKET_ASSETS_MAX]; // what the price is or will be
    struct engine_price changed[MARKET_ASSETS_MAX];
    bool in_group[MARKET_ASSETS_MAX];
    size_t n_changed;

    uint32_t first[RIG_ACCOUNTS_MAX + 1]; // of an account's sides
    struct rig_side *side;
    uint32_t *holder[MARKET_ASSETS_MAX], n_holders[MARKET_ASSETS_MAX]; // sides by asset

    i128 h[RIG_ACCOUNTS_MAX];
    uint8_t priced[RIG_ACCOUNTS_MAX], breach[RIG_ACCOUNTS_MAX], flight[RIG_ACCOUNTS_MAX];
    uint8_t want[RIG_ACCOUNTS_MAX], fired[RIG_ACCOUNTS_MAX], was[RIG_ACCOUNTS_MAX];
    uint32_t looked[RIG_ACCOUNTS_MAX]; // exact evaluations of fresh flags
    bool any_fired;
    uint32_t in_flight[RIG_ACCOUNTS_MAX], n_flight;
    unsigned keep_of_8; // breaches answered with VERDICT_KEEP

    uint64_t ticks, groups, breaches, firsts, changes, checks, edges;
};

// ---- exact health

static inline void rig_judge(struct rig *r, uint32_t i)
{
    r->breach[i] = r->priced[i] && r->account[i].n_positions && r->h[i] < 0;
}

// From nothing: positions, prices, all sums.
static inline void rig_restate(struct rig *r, uint32_t i)
{
    const struct account *a = &r->account[i];
    r->h[i] = a->cash;
    r->priced[i] = a->n_positions > 0;
    uint16_t at = 0;
    for (uint32_t s = r->first[i]; s < r->first[i + 1]; s++) {
        struct rig_side *x = &r->side[s];
        x->term.n = 0;
        x->value = 0;
        if (at == a->n_positions || a->position[at].instrument != x->asset)
            continue;
        toy_term(&a->position[at++], &x->term);
        if (r->px[x->asset] == 0)
            r->priced[i] = 0;
        else
            x->value = toy_value(&x->term, r->px[x->asset]);
        r->h[i] += x->value;
    }
    ck_assert_uint_eq(at, a->n_positions);
    rig_judge(r, i);
}

static inline void rig_reprice(struct rig *r, uint16_t asset, int64_t price)
{
    bool first = r->px[asset] == 0;
    r->px[asset] = r->now[asset] = price;
    for (uint32_t k = 0; k < r->n_holders[asset]; k++) {
        struct rig_side *x = &r->side[r->holder[asset][k]];
        if (x->term.n == 0)
            continue;
        if (first) {
            rig_restate(r, x->account);
            continue;
        }
        i128 v = toy_value(&x->term, price);
        r->h[x->account] += v - x->value;
        x->value = v;
        rig_judge(r, x->account);
    }
}

// ---- hooks

static inline void rig_checking(void *ctx, size_t account, bool fresh)
{
    ((struct rig *)ctx)->looked[account] += fresh;
}

static inline enum engine_verdict rig_breach(void *ctx, size_t i)
{
    struct rig *r = ctx;
    must(toy_health(&r->account[i], r->px) < 0 && r->priced[i], "false breach of account %zu", i);
    must(!r->flight[i], "account %zu has an order under way already", i);
    r->breaches++;
    r->fired[i] = 1;
    r->any_fired = true;
    if (prng_below(&r->rng, 8) < r->keep_of_8)
        return VERDICT_KEEP;
    r->flight[i] = 1;
    r->in_flight[r->n_flight++] = (uint32_t)i;
    return VERDICT_TAKEN;
}

// ---- the book

// Half of the prices of everyday size, others from one quantum to as many as there are.
static inline int64_t rig_first_price(struct prng *p)
{
    if (prng_chance(p, 1, 2))
        return prng_between(p, 1000000, INT64_C(100000000000));
    return 1 + (int64_t)(prng_u64(p) >> prng_between(p, 64 - TOY_PRICE_BITS, 63));
}

static inline void rig_position(struct rig *r, struct position *p, uint16_t asset, i128 exposure)
{
    int64_t px = r->now[asset];
    i128 size = exposure / px, most = (i128)1 << (r->cfg.weighted ? TOY_WEIGHTED_BITS : TOY_SIZE_BITS);
    size = size < 1 ? 1 : size >= most ? most - 1 : size;
    *p = (struct position){.instrument = asset, .size = prng_chance(&r->rng, 1, 2) ? size : -size};
    if (r->cfg.crossed_pct && prng_below(&r->rng, 100) < r->cfg.crossed_pct)
        p->supply = size * (i128)prng_between(&r->rng, 1, 1000) / 800;
    if (prng_below(&r->rng, 100) >= r->cfg.bent_pct)
        return;
    p->entry = px + (int64_t)((i128)px * prng_between(&r->rng, -100000, 100000) / 1000000);
    p->entry = p->entry < 1 ? 1 : p->entry;
    p->collateral = prng_chance(&r->rng, 1, 2);
    p->debt = prng_chance(&r->rng, 1, 4) ? 0 : prng_between(&r->rng, 1, TOY_MILLE - 1);
}

// Cash that leaves the account a share of its exposure: on the edge, near it, far off, or below.
static inline void rig_cash(struct rig *r, struct account *a, i128 gross, i128 h)
{
    i128 left;
    switch (prng_below(&r->rng, 8)) {
    case 0:
        left = prng_between(&r->rng, -2, 2);
        break;
    case 1:
        left = -(gross >> prng_between(&r->rng, 2, 24));
        break;
    case 2:
        left = gross << prng_between(&r->rng, 0, 3);
        break;
    default:
        left = gross >> prng_between(&r->rng, 1, 14);
        left += left / 1000 * prng_between(&r->rng, 0, 1000);
        break;
    }
    a->cash = left - h;
}

// With all rows on the device, a placed account must not come to hold what has no price (the engine says so
// and stops).
static inline bool rig_may_hold(const struct rig *r, uint32_t i, uint16_t asset)
{
    return r->px[asset] || !r->g || r->g->boxed || !engine_placed(r->g, i);
}

// A new state: other positions out of its sides, other sizes, other cash, or only the last.
static inline void rig_new_state(struct rig *r, uint32_t i)
{
    struct account *a = &r->account[i];
    struct prng *p = &r->rng;
    i128 exposure = (i128)1 << prng_between(p, 24, TOY_PRICE_BITS), gross = 1;
    if (a->n_positions == 0 || prng_chance(p, 1, 3)) {
        unsigned share = (unsigned)prng_between(p, 1, 4);
        a->n_positions = 0;
        for (uint32_t s = r->first[i]; s < r->first[i + 1]; s++)
            if (rig_may_hold(r, i, r->side[s].asset) && (prng_chance(p, share, 4) || s == r->first[i]))
                rig_position(r, &a->position[a->n_positions++], r->side[s].asset,
                             exposure / (i128)prng_between(p, 1, 8));
        if (prng_chance(p, 1, 20))
            a->n_positions = 0;
    }
    for (uint16_t k = 0; k < a->n_positions; k++) {
        struct toy_term t;
        toy_term(&a->position[k], &t);
        i128 v = toy_slope(&t, r->now[a->position[k].instrument]) * r->now[a->position[k].instrument];
        gross += v < 0 ? -v : v;
    }
    a->cash = 0;
    rig_cash(r, a, gross, toy_health(a, r->now));
    a->emode = prng_below(p, 100) < r->cfg.slack_pct ? (uint8_t)prng_between(p, 8, 30) : 0;
    rig_restate(r, i);
}

static inline void rig_market(struct rig *r)
{
    struct prng *p = &r->rng;
    const struct rig_config *c = &r->cfg;
    struct market *m = &r->book.market;
    m->n_assets = m->n_instruments = (uint16_t)c->assets;
    toy_market = m;
    for (uint16_t a = 0; a < c->assets; a++) {
        r->now[a] = rig_first_price(p);
        m->asset[a] = (struct asset){.kind = ASSET_INDEX, .decimals = 6};
        m->asset[a].spread_ppm = prng_chance(p, 1, 2) ? 0 : (uint32_t)prng_between(p, 1000, 2000000);
        m->instrument[a] = (struct instrument){.kind = INST_LINEAR, .asset = a};
        if (c->weighted) {
            m->instrument[a].lt_bps = (uint32_t)prng_between(p, 1000000, 4000000);
            m->instrument[a].lb_bps = (uint32_t)prng_between(p, 1000000, 4000000);
        }
        r->holder[a] = calloc(c->accounts, sizeof *r->holder[a]);
        ck_assert(r->holder[a]);
    }
    r->side = calloc((size_t)c->accounts * RIG_SLOTS_MAX, sizeof *r->side);
    ck_assert(r->side);
}

// An account that may hold the asset; accounts and assets in ascending order.
static inline void rig_add_side(struct rig *r, uint32_t account, uint16_t asset)
{
    r->holder[asset][r->n_holders[asset]++] = r->first[account + 1];
    r->side[r->first[account + 1]++] = (struct rig_side){.account = account, .asset = asset};
}

static inline void rig_book(struct rig *r)
{
    struct prng *p = &r->rng;
    const struct rig_config *c = &r->cfg;
    rig_market(r);
    for (uint32_t i = 0; i < c->accounts; i++) {
        unsigned most = prng_below(p, 100) < c->wide_pct ? c->slots_max : 4, left;
        most = most < c->assets ? most : c->assets;
        left = (unsigned)prng_between(p, 1, most);
        r->first[i + 1] = r->first[i];
        for (uint16_t a = 0; a < c->assets && left; a++)
            if (prng_chance(p, left, c->assets - a)) {
                rig_add_side(r, i, a);
                left--;
            }
        r->account[i] = (struct account){.id = i + 1, .rule = &toy_rule[prng_below(p, 3)]};
        rig_new_state(r, i);
    }
}

// Device and engine for the book that is there.
static inline void rig_start(struct rig *r)
{
    static bool registered;
    struct err e = {{0}};
    const struct rig_config *c = &r->cfg;
    if (!registered)
        device_register(&device_ops_model);
    registered = true;
    r->book.account = r->account;
    r->book.n_accounts = c->accounts;
    const struct device_config dc = {.backend = "model", .lanes = 1, .slots = c->rows, .assets = c->columns};
    ck_assert_msg(device_open(&dc, &r->dev, &e) == 0, "%s", e.msg);
    if (r->wrap)
        r->dev = r->wrap(r->dev, prng_u64(&r->rng));
    const struct engine_hooks hooks = {.ctx = r,
                                       .commands = deaf_commands,
                                       .event = deaf_event,
                                       .checking = rig_checking,
                                       .breach = rig_breach,
                                       .near = deaf_near};
    r->g = engine_new(&c->engine, &r->book, r->dev, &hooks, &e);
    ck_assert_msg(r->g != NULL, "%s", e.msg);
}

static inline void rig_clear(struct rig *r, const struct rig_config *c, uint64_t seed)
{
    memset(r, 0, sizeof *r);
    toy_market = NULL;
    r->cfg = *c;
    prng_seed(&r->rng, seed);
}

static inline void rig_open(struct rig *r, const struct rig_config *c, uint64_t seed)
{
    rig_clear(r, c, seed);
    rig_book(r);
    rig_start(r);
}

static inline void rig_close(struct rig *r)
{
    engine_free(r->g);
    device_close(r->dev);
    free(r->side);
    for (uint32_t a = 0; a < r->cfg.assets; a++)
        free(r->holder[a]);
}

// ---- what is done to the engine, and what it must answer

static inline void rig_same_set(struct rig *r, const char *when)
{
    uint32_t n = r->cfg.accounts;
    if (memcmp(r->want, r->fired, n) != 0)
        for (uint32_t i = 0; i < n; i++)
            must(r->want[i] == r->fired[i], "%s (group %llu, tick %llu): account %u %s, tier %u", when,
                 (unsigned long long)r->groups, (unsigned long long)r->ticks, (unsigned)i,
                 r->want[i] ? "missed" : "reported twice",
                 r->g->boxed ? (unsigned)r->g->far.line[i].tier : 99);
    if (r->any_fired)
        memset(r->fired, 0, n);
    r->any_fired = false;
}

static inline void rig_expect(struct rig *r)
{
    for (uint32_t i = 0; i < r->cfg.accounts; i++)
        r->want[i] = r->breach[i] & !r->flight[i];
}

// Adds a price to the group that is being made; the last one given for an asset counts.
static inline void rig_put(struct rig *r, uint16_t asset, i128 price)
{
    price = price < 1 ? 1 : price > RIG_PRICE_MAX ? RIG_PRICE_MAX : price;
    if (r->in_group[asset]) {
        for (size_t k = 0; k < r->n_changed; k++)
            if (r->changed[k].asset == asset)
                r->changed[k].price = (int64_t)price;
        return;
    }
    r->in_group[asset] = true;
    r->changed[r->n_changed++] = (struct engine_price){asset, (int64_t)price};
}

// The price is inside of every guard once the engine has answered.
static inline void rig_inside(const struct rig *r, uint16_t a)
{
    const struct engine *g = r->g;
    const struct box_asset *x = &g->box.asset[a];
    if (!g->boxed || !g->tracked[a])
        return;
    must(g->phat[a] == grid_phat(&g->grid[a], r->px[a], NULL), "P of asset %u is not its price's", a);
    must(g->phat[a] >= x->in_lo && g->phat[a] <= x->in_hi, "asset %u is outside of a guard", a);
    must(a >= g->dev->info.assets || (g->phat[a] >= g->dev_lo[a] && g->phat[a] <= g->dev_hi[a]),
         "asset %u is outside of the device's band", a);
}

static inline void rig_send(struct rig *r)
{
    struct err e = {{0}};
    size_t n = 0;
    for (size_t k = 0; k < r->n_changed; k++) {
        struct engine_price c = r->changed[k];
        r->in_group[c.asset] = false;
        if (c.price != r->px[c.asset])
            r->changed[n++] = c;
    }
    r->n_changed = 0;
    if (n == 0)
        return;
    memcpy(r->was, r->breach, r->cfg.accounts);
    for (size_t k = 0; k < n; k++)
        rig_reprice(r, r->changed[k].asset, r->changed[k].price);
    for (uint32_t i = 0; i < r->cfg.accounts; i++)
        r->firsts += r->breach[i] & !r->was[i];
    rig_expect(r);
    r->groups++;
    r->ticks += n;
    must(engine_group(r->g, r->changed, n, r->px, &e) == 0, "group %llu: %s", (unsigned long long)r->groups,
         e.msg);
    rig_same_set(r, "group");
    for (size_t k = 0; k < n; k++)
        rig_inside(r, r->changed[k].asset);
}

static inline void rig_land(struct rig *r, uint32_t i)
{
    if (!r->flight[i])
        return;
    r->flight[i] = 0;
    uint32_t k = 0;
    while (r->in_flight[k] != i)
        k++;
    r->in_flight[k] = r->in_flight[--r->n_flight];
}

// The account's state as it stands is new to the engine: its breach is reported at once.
static inline void rig_changed(struct rig *r, uint32_t i)
{
    struct err e = {{0}};
    rig_land(r, i);
    memset(r->want, 0, r->cfg.accounts);
    r->want[i] = r->breach[i];
    r->changes++;
    must(engine_account_changed(r->g, i, &e) == 0, "account %u changed: %s", (unsigned)i, e.msg);
    rig_same_set(r, "new state");
}

// Its order had no effect: looked at again with the next group.
static inline void rig_ended(struct rig *r, uint32_t i)
{
    rig_land(r, i);
    engine_order_ended(r->g, i);
}

static inline void rig_review(struct rig *r)
{
    struct err e = {{0}};
    rig_expect(r);
    must(engine_review(r->g, &e) == 0, "review: %s", e.msg);
    rig_same_set(r, "review");
}

// The background finds no breach that was not known before.
static inline int rig_idle(struct rig *r, uint32_t accounts)
{
    struct err e = {{0}};
    int more = engine_idle(r->g, accounts, &e);
    must(more >= 0, "idle: %s", e.msg);
    memset(r->want, 0, r->cfg.accounts);
    rig_same_set(r, "background");
    return more;
}

#endif
