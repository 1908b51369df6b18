// SPDX-License-Identifier: Apache-2.0
// Line-driven front of host/run/next.c for tests/diff/next_diff.py: one command a line on stdin, numbers
// decimal, one line of numbers as the answer. All that next.c calls is here, so that what it asks for is seen
// and what it is told is known: chances are a hash of what they are asked for. A malformed line ends the
// program with status 2.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/assets.h"
#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "run/inside.h"

enum { LINE = 1 << 16, ASSETS = 16, ACCOUNTS = 4096, CALLS = 4096 };

static struct session session;
static struct book book;
static struct {
    int64_t px[MARKET_ASSETS_MAX];
    struct policy_result result[ASSETS];
    bool waits[ASSETS];
    struct breach_candidate candidate[ASSETS][BREACH_CANDIDATES_MAX];
    unsigned n_candidates[ASSETS];
    bool flagged[ACCOUNTS], prepared;
    size_t turns;
    struct engine_counters counters;
} world;
static struct {
    uint16_t n, asset[ASSETS];
    int64_t weight[ASSETS], least; // liquidatable: sum weight * px < least
} account[ACCOUNTS];
static bool near_room[ACCOUNTS + 1];
static struct {
    int64_t number[CALLS * 10];
    size_t n;
} said;

static void say(int64_t x)
{
    if (said.n < sizeof said.number / sizeof *said.number)
        said.number[said.n++] = x;
}
static int64_t get(void)
{
    const char *t = strtok(NULL, " \n");
    if (t)
        return strtoll(t, NULL, 10);
    fputs("next_driver: a number is missing\n", stderr);
    exit(2);
}

// ---- what next.c calls

const int64_t *oracle_prices(const struct oracle *o)
{
    (void)o;
    return world.px;
}
enum oracle_basis oracle_basis(const struct oracle *o, uint16_t asset)
{
    (void)o;
    return world.waits[asset] ? BASIS_CANDIDATE : BASIS_FEED;
}
const struct policy_result *oracle_result(const struct oracle *o, uint16_t asset)
{
    (void)o;
    return &world.result[asset];
}
// Says what it is asked; told prices name the asset.
unsigned breach_candidates(const struct breach_feed *f, const struct breach_view *v,
                           struct breach_candidate out[BREACH_CANDIDATES_MAX])
{
    unsigned a = 0;
    while (a + 1 < ASSETS && world.px[a] != f->told)
        a++;
    const int64_t asked[] = {-1,
                             f->told,
                             f->market,
                             (int64_t)f->vol_q48,
                             f->deviation_ppm,
                             (int64_t)f->due_in_ns,
                             f->visible,
                             (int64_t)f->visible_q32,
                             (int64_t)v->horizon_ns};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        say(asked[i]);
    memcpy(out, world.candidate[a], sizeof world.candidate[a]);
    return world.n_candidates[a];
}
int64_t breach_at_price(const struct breach_form *f, uint32_t which, int64_t told, int64_t price)
{
    return f->health + f->exposure[which] / told * (price - told);
}
static uint64_t hashed(int64_t h, uint64_t within)
{
    return h <= 0 ? BREACH_CERTAIN : ((uint64_t)h * 2654435761 + within * 97) % BREACH_CERTAIN;
}
uint64_t expect_form(const struct expect *x, const struct breach_form *f, const uint16_t *asset,
                     const uint16_t *by)
{
    (void)asset;
    return by == session.pair.predicts ? hashed(f->health, x->within_ns) : 0;
}
uint64_t expect_breach(const struct expect *x, const struct row *r, int64_t h, const uint64_t *phat)
{
    (void)r, (void)phat;
    return hashed(h + 1, x->within_ns);
}
void expect_row(const struct row *r, int64_t h, const uint64_t *phat, struct breach_form *f, uint16_t *asset)
{
    (void)phat;
    *f = (struct breach_form){.health = h, .n = r->n};
    for (unsigned i = 0; i < r->n; i++) {
        f->exposure[i] = r->coef[i] * world.px[r->asset[i]];
        asset[i] = r->asset[i];
    }
}
void expect_sample(struct expect *x, const int64_t *px, unsigned n, uint64_t now_ns)
{
    (void)x;
    say(-2);
    say(px == world.px && n == book.market.n_assets && now_ns == session.now_ns);
}
void expect_turn(struct expect *x, uint64_t turns, uint64_t rounds)
{
    x->within_ns = turns * 1000 + rounds;
}
uint64_t expect_horizon_ns(const struct expect *x)
{
    return x->within_ns ? x->within_ns : x->cfg.horizon_ms;
}
int64_t expect_value(const struct expect *x, const struct row *r, int64_t h, const uint64_t *phat,
                     uint64_t probability, int64_t reward, int64_t cost)
{
    (void)r, (void)phat;
    const int64_t asked[] = {-3, h, (int64_t)probability, reward, cost, (int64_t)x->within_ns};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        say(asked[i]);
    return 4711;
}
static void health(const struct market *m, const struct account *a, const int64_t *px, struct health *out)
{
    int64_t sum = 0;
    (void)m;
    for (unsigned i = 0; i < account[a->id].n; i++)
        sum += account[a->id].weight[i] * px[account[a->id].asset[i]];
    *out = (struct health){.liquidatable = sum < account[a->id].least};
}
const struct account *book_account(const struct book *b, size_t i, struct account *to)
{
    static const struct rule rule = {.health = health};
    (void)b;
    *to = (struct account){.id = (uint32_t)i, .rule = &rule};
    return to;
}
size_t account_assets(const struct market *m, const struct account *a, uint16_t out[ACCOUNT_ASSETS_MAX])
{
    (void)m;
    memcpy(out, account[a->id].asset, account[a->id].n * sizeof *out);
    return account[a->id].n;
}
bool desk_prepared(struct desk *d, size_t i, const int64_t *px)
{
    (void)d, (void)i;
    return world.prepared && px == world.px;
}
void desk_reward(struct desk *d, size_t i, const int64_t *px, int64_t *reward_e8, int64_t *cost_e8)
{
    (void)d;
    *reward_e8 = px == world.px ? (int64_t)i * 1000 + 7 : 0;
    *cost_e8 = (int64_t)i + 3;
}
void desk_prepare(struct desk *d, size_t i, const int64_t *px)
{
    (void)d;
    say(-4);
    say((int64_t)i);
    for (unsigned k = 0; k < book.market.n_assets; k++)
        say(px[k]);
}
void desk_retire(struct desk *d, size_t i)
{
    (void)d;
    say(-5);
    say((int64_t)i);
}
bool engine_flagged(const struct engine *g, size_t i)
{
    (void)g;
    return world.flagged[i];
}
size_t engine_turns(const struct engine *g)
{
    (void)g;
    return world.turns;
}
const struct engine_counters *engine_counters(const struct engine *g)
{
    (void)g;
    return &world.counters;
}

// ---- commands

// assets now horizon_ms deviation due_ms visible keep predict by staged paired turns groups prepared; of each
// asset: px predicts waits result vol changed, and its candidates: number, price and chance of each
static void set(void)
{
    struct expect_config *c = &session.cfg.expect;
    book.market.n_assets = (uint16_t)get();
    session.now_ns = (uint64_t)get();
    c->horizon_ms = (uint32_t)get();
    c->deviation_ppm = (uint32_t)get();
    c->due_ms = (uint32_t)get();
    c->visible_ppm = (uint32_t)get();
    c->keep_ppm = (uint32_t)get();
    session.cfg.engine.predict = (uint32_t)get();
    c->by = (uint32_t)get();
    session.staged = get();
    session.paired = get();
    world.turns = (size_t)get();
    world.counters.groups = (uint64_t)get();
    world.prepared = get();
    session.expect.cfg = *c;
    for (unsigned i = 0; i < book.market.n_assets; i++) {
        world.px[i] = get();
        session.pair.predicts[i] = (uint16_t)get();
        world.waits[i] = get();
        world.result[i].price = get();
        session.expect.vol_q48[i] = (uint64_t)get();
        session.expect.changed_ns[i] = (uint64_t)get();
        world.n_candidates[i] = (unsigned)get();
        for (unsigned k = 0; k < world.n_candidates[i]; k++) {
            world.candidate[i][k].price = get();
            world.candidate[i][k].probability = (uint64_t)get();
        }
    }
}

static void row_of(struct row *r)
{
    *r = (struct row){.n = (uint16_t)get()};
    for (unsigned i = 0; i < r->n; i++) {
        r->asset[i] = (uint16_t)get();
        r->coef[i] = (int32_t)get();
    }
}

static void own(size_t i) // least, assets; asset and weight of each
{
    account[i].least = get();
    account[i].n = (uint16_t)get();
    for (unsigned k = 0; k < account[i].n; k++) {
        account[i].asset[k] = (uint16_t)get();
        account[i].weight[k] = get();
    }
}

static void run(const char *what)
{
    struct row r;
    if (strcmp(what, "set") == 0) {
        set();
    } else if (strcmp(what, "account") == 0) {
        own((size_t)get());
    } else if (strcmp(what, "breach") == 0) {
        int64_t h = get();
        row_of(&r);
        say((int64_t)next_breach(&session, &r, h, NULL));
    } else if (strcmp(what, "value") == 0) {
        size_t i = (size_t)get();
        int64_t h = get();
        row_of(&r);
        int64_t v = next_value(&session, i, &r, h, NULL);
        say(v == INT64_MIN ? 0 : v);
        say((int64_t)session.expect.within_ns);
    } else if (strcmp(what, "prices") == 0) {
        const int64_t *px = next_prices(&session, (size_t)get());
        say(px != NULL);
        for (unsigned i = 0; px && i < book.market.n_assets; i++)
            say(px[i]);
    } else if (strcmp(what, "near") == 0) { // account, near, flagged
        size_t i = (size_t)get();
        session.near[i] = get();
        world.flagged[i] = get();
    } else if (strcmp(what, "keep") == 0) {
        next_keep(&session, (size_t)get());
    } else if (strcmp(what, "review") == 0) {
        next_review(&session);
    } else if (strcmp(what, "list") == 0) {
        say((int64_t)session.count.kept);
        for (size_t i = 0; i < session.ahead.n; i++)
            say(session.ahead.kept[i]);
    } else {
        exit(2);
    }
}

int main(void)
{
    static char line[LINE];
    session.book = &book;
    session.near = near_room;
    while (fgets(line, sizeof line, stdin)) {
        said.n = 0;
        const char *what = strtok(line, " \n");
        if (!what)
            exit(2);
        run(what);
        for (size_t i = 0; i < said.n; i++)
            printf("%s%" PRId64, i ? " " : "", said.number[i]);
        putchar('\n');
        fflush(stdout);
    }
    return 0;
}
