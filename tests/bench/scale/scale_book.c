// SPDX-License-Identifier: Apache-2.0
#include "scale_book.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "accounts/rules/rule.h"
#include "base/clock.h"

enum { STABLES = 2 };

static const struct {
    const char *name;
    double price; // dollars
    uint32_t lt_bps;
    uint8_t decimals;
    double weight; // as a collateral
} reserves[SCALE_ASSETS] = {
    {"ETH", 3100, 8300, 18, 40}, {"BTC", 96000, 7800, 8, 20}, {"STETH", 3090, 8100, 18, 15},
    {"LINK", 14.2, 7500, 18, 6}, {"UNI", 8.9, 7000, 18, 4},   {"AAVE", 172, 7300, 18, 4},
    {"SOL", 205, 7000, 9, 3},    {"CRV", 0.44, 6100, 18, 2},  {"MKR", 1520, 7000, 18, 2},
    {"BAL", 2.1, 5900, 18, 1},   {"USDC", 1.0, 7800, 6, 2},   {"USDT", 1.0, 7800, 6, 1},
};

static bool stable(unsigned i)
{
    return i >= SCALE_ASSETS - STABLES;
}

static void make_market(struct market *m, int64_t *px)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    memset(m, 0, sizeof *m);
    m->n_assets = m->n_instruments = SCALE_ASSETS;
    for (uint16_t i = 0; i < SCALE_ASSETS; i++) {
        struct asset *a = &m->asset[i];
        struct instrument *s = &m->instrument[i];
        (void)snprintf(a->name, sizeof a->name, "%s", reserves[i].name);
        (void)snprintf(a->source, sizeof a->source, "%s", reserves[i].name);
        (void)snprintf(s->name, sizeof s->name, "%s", reserves[i].name);
        a->kind = ASSET_INDEX;
        a->decimals = 8;
        a->spread_ppm = stable(i) ? 50000 : 0;
        s->kind = INST_RESERVE;
        s->asset = i;
        s->size_decimals = reserves[i].decimals;
        s->lt_bps = reserves[i].lt_bps;
        s->lb_bps = 10500;
        s->fee_bps = 1000;
        s->liquidity_index = s->borrow_index = ray;
        px[i] = (int64_t)(reserves[i].price * 1e8);
    }
}

static double uniform(struct prng *r)
{
    return (double)(prng_u64(r) >> 11) * 0x1p-53;
}

static unsigned pick(struct prng *r, double sum)
{
    double x = uniform(r) * sum;
    for (unsigned i = 0;; i++)
        if ((x -= reserves[i].weight) < 0 || i == SCALE_ASSETS - 1)
            return i;
}

static i128 tokens(double dollars, unsigned i)
{
    return (i128)(dollars / reserves[i].price * pow(10, reserves[i].decimals));
}

static void make_account(struct prng *r, uint32_t id, struct account *a)
{
    double sum = 0, adjusted = 0, dollars = 1000 * exp(6 * uniform(r));
    for (unsigned i = 0; i < SCALE_ASSETS; i++)
        sum += reserves[i].weight;
    unsigned n = 1 + (unsigned)prng_below(r, 2), first = pick(r, sum), second = pick(r, sum), debt;
    bool short_of_it = prng_chance(r, 15, 100); // dollars held, something else borrowed
    if (short_of_it)
        first = SCALE_ASSETS - 1 - (unsigned)prng_below(r, STABLES);
    do
        debt = short_of_it ? pick(r, sum) : SCALE_ASSETS - 1 - (unsigned)prng_below(r, STABLES);
    while (debt == first);
    if (second == first || second == debt)
        n = 1;
    double health = prng_chance(r, 1, 10) ? 1.0002 + 0.2 * uniform(r) : 1.2 + 3.8 * uniform(r);
    memset(a, 0, offsetof(struct account, position));
    memset(a->position, 0, 4 * sizeof a->position[0]);
    a->id = id;
    a->rule = &rule_aave_3_5;
    for (unsigned i = 0; i < SCALE_ASSETS; i++) {
        struct position p = {.instrument = (uint16_t)i};
        if (i == first || (n == 2 && i == second)) {
            double part = n == 1 ? dollars : dollars / 2;
            p.collateral = true;
            p.supply = tokens(part, i);
            adjusted += part * reserves[i].lt_bps / 10000;
        } else if (i != debt) {
            continue;
        }
        a->position[a->n_positions++] = p;
    }
    for (unsigned k = 0; k < a->n_positions; k++)
        if (a->position[k].instrument == debt)
            a->position[k].debt = tokens(adjusted / health, debt);
}

int scale_book(struct book *b, uint32_t accounts, uint64_t seed, int64_t px[MARKET_ASSETS_MAX], struct err *e)
{
    struct prng rng;
    prng_seed(&rng, seed);
    memset(px, 0, MARKET_ASSETS_MAX * sizeof *px);
    if (book_packed(b, 0, e) != 0)
        return -1;
    make_market(&b->market, px);
    if (book_reserve(b, accounts, 0, e) != 0)
        return -1;
    for (uint32_t i = 0; i < accounts; i++) {
        static struct account a;
        make_account(&rng, i + 1, &a);
        if (book_add(b, &a, e) != 0)
            return -1;
    }
    return 0;
}

// ---- paths

const char *scale_path_name(enum scale_path p)
{
    static const char *const name[PATH_COUNT] = {"calm", "trend", "crash"};
    return name[p];
}

void scale_walk_begin(struct scale_walk *w, enum scale_path path, uint64_t ticks, uint64_t seed,
                      const int64_t *px)
{
    prng_seed(&w->rng, seed);
    w->path = path;
    w->tick = 0;
    w->ticks = ticks;
    for (unsigned i = 0; i < SCALE_ASSETS; i++)
        w->at[i] = w->start[i] = (double)px[i];
}

static double normal(struct prng *r)
{
    double s = 0;
    for (int i = 0; i < 12; i++)
        s += uniform(r);
    return s - 6;
}

struct engine_price scale_walk_next(struct scale_walk *w)
{
    uint16_t i = (uint16_t)prng_below(&w->rng, SCALE_ASSETS);
    double done = (double)w->tick++ / (double)w->ticks, per_asset = (double)w->ticks / SCALE_ASSETS;
    double drift = 0, sigma = 3e-5; // of one update of one asset
    if (w->path == PATH_TREND)
        drift = -0.02 / per_asset; // two percent over the run
    if (w->path == PATH_CRASH) {
        sigma = 3e-4;
        drift = done < 0.5 ? -0.7 / per_asset : 0.3 / per_asset; // thirty percent down, some of it back
        if (prng_chance(&w->rng, 1, 2000))
            drift -= 0.02; // and jumps
    }
    if (stable(i)) {
        sigma /= 30;
        drift = 0;
        w->at[i] += (w->start[i] - w->at[i]) / 1000;
    }
    w->at[i] *= 1 + drift + sigma * normal(&w->rng);
    return (struct engine_price){i, (int64_t)w->at[i]};
}

void scale_must(bool good, const struct err *e)
{
    if (good)
        return;
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, e->msg);
    exit(1);
}

static void on_commands(void *ctx, const struct beat *b, size_t n)
{
    (void)ctx;
    (void)b;
    (void)n;
}

static void on_event(void *ctx, const struct beat *b)
{
    (void)ctx;
    (void)b;
}

static enum engine_verdict on_breach(void *ctx, size_t account)
{
    (void)ctx;
    (void)account;
    return VERDICT_TAKEN;
}

static void on_near(void *ctx, size_t account, bool on)
{
    (void)ctx;
    (void)account;
    (void)on;
}

const struct engine_hooks scale_hooks = {
    .commands = on_commands, .event = on_event, .breach = on_breach, .near = on_near};

void scale_start(struct engine *g, int64_t px[MARKET_ASSETS_MAX], const int64_t *start)
{
    struct engine_price all[SCALE_ASSETS];
    struct err e;
    for (uint16_t i = 0; i < SCALE_ASSETS; i++)
        all[i] = (struct engine_price){i, px[i] = start[i]};
    scale_must(engine_group(g, all, SCALE_ASSETS, px, &e) == 0, &e);
}

uint64_t scale_service(struct scale_clock *c, uint64_t t0)
{
    enum { SUSPECT_NS = 20000 };
    struct rusage u;
    uint64_t ns = clock_ns(clock_ticks() - t0);
    if (ns < SUSPECT_NS || getrusage(RUSAGE_THREAD, &u) != 0)
        return ns;
    bool other = u.ru_nivcsw != c->switches;
    c->switches = u.ru_nivcsw;
    c->disturbed += other;
    return other ? UINT64_MAX : ns;
}
