// SPDX-License-Identifier: Apache-2.0
// P1 and P2 end to end with the real rules: random books on the edge of their thresholds, the row compiler,
// the engine and the device, along random walks with jumps, prices put exactly on an account's threshold,
// assets that get their first price in the middle of a jump, and orders that come back in every way. After
// each group every account is judged by brute force with the exact rule. In some books of nested boxes
// warning levels are guarded too: who falls below one has been flagged. Some seconds.
#include <check.h>
#include <stdlib.h>

#include "accounts/moving.h"
#include "base/test_seed.h"
#include "engine/deaf.h"
#include "engine/engine.h"
#include "engine/walk_book.h"
#include "engine/walk_params.h"
#include "run_suite.h"

enum { ACCOUNTS = 60, BOOKS = 24, GROUPS = 120, GROUP_ASSETS_MAX = 24 };
#define PRICE_MAX (INT64_C(1) << 61)
#define SECOND    UINT64_C(1000000000)

struct walk {
    struct prng rng;
    struct book book;
    struct account account[ACCOUNTS];
    struct device *dev;
    struct engine *engine;
    uint64_t now_s;
    bool moves;
    struct market was, next;
    int64_t px[MARKET_ASSETS_MAX];
    bool blind[MARKET_ASSETS_MAX]; // its reciprocal does not fit: the oracle holds these accounts
    bool in_flight[ACCOUNTS];
    uint32_t call_ppm[ENGINE_CALLS];
    bool guarded; // these are
    uint8_t level[ACCOUNTS];
    size_t breaches, missed, false_breaches, told, calls, returns, uncalled;
};

struct sums {
    uint64_t breaches, told, shifted, rebuilt, narrowed, stale, calls, returns;
};

static enum engine_verdict hook_breach(void *ctx, size_t account)
{
    struct walk *w = ctx;
    w->breaches++;
    w->false_breaches += !walk_liquidatable(&w->book.market, &w->account[account], w->px);
    ck_assert(!w->in_flight[account]);
    w->in_flight[account] = prng_chance(&w->rng, 1, 2);
    return w->in_flight[account] ? VERDICT_TAKEN : VERDICT_KEEP;
}

// Interest, funding and a threshold's ramp in some books; every account is judged at the moment itself.
static void let_move(struct walk *w, struct market *m)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    w->now_s = 1790000000;
    if (prng_chance(&w->rng, 1, 2))
        return;
    w->moves = true;
    for (uint16_t i = 0; i < m->n_instruments; i++) {
        struct instrument *in = &m->instrument[i];
        if (prng_chance(&w->rng, 1, 3))
            continue;
        in->told_at = w->now_s - (uint64_t)prng_between(&w->rng, 0, 100000);
        if (in->kind == INST_RESERVE) {
            in->liquidity_rate = ray / 1000 * (uint64_t)prng_between(&w->rng, 0, 300);
            in->borrow_rate = ray / 1000 * (uint64_t)prng_between(&w->rng, 0, 3000);
            if (in->lt_bps > 100 && prng_chance(&w->rng, 1, 3)) {
                in->ramp_from_bps = in->lt_bps;
                in->lt_bps -= (uint32_t)prng_between(&w->rng, 1, in->lt_bps / 2);
                in->ramp_start = w->now_s + (uint64_t)prng_between(&w->rng, 0, 10000);
                in->ramp_end = in->ramp_start + (uint64_t)prng_between(&w->rng, 1, 1000000);
            }
        } else {
            in->funding_rate = prng_between(&w->rng, -1000000, 1000000);
        }
    }
    market_now(m, w->now_s * SECOND);
}

static void walk_open(struct walk *w, uint64_t seed)
{
    static const uint32_t bands[] = {100, 3000, 20000, 200000, 500000}, warns[] = {0, 1000, 300000};
    static int64_t at[MARKET_ASSETS_MAX];
    memset(w, 0, sizeof *w);
    prng_seed(&w->rng, seed);
    struct market *m = &w->book.market;
    walk_market(&w->rng, m, at);
    let_move(w, m);
    for (uint32_t i = 0; i < ACCOUNTS; i++)
        walk_account(&w->rng, m, at, i + 1, &w->account[i]);
    w->book.account = w->account;
    w->book.n_accounts = ACCOUNTS;
    memcpy(w->px, at, sizeof at); // engine_group() tells which of them the engine knows
    struct err e = {{0}};
    const struct device_config dc = {.backend = getenv("WALK_DEVICE"),
                                     .lanes = 16,
                                     .slots = prng_chance(&w->rng, 1, 2) ? 8 : 80, // 80: room for all
                                     .assets = prng_chance(&w->rng, 1, 4) ? 20 : 0,
                                     .seed = seed,
                                     .stall_out_pct = 20};
    ck_assert_msg(device_open(&dc, &w->dev, &e) == 0, "%s", e.msg);
    // Half of the books have room for all on the device, the others live in nested boxes.
    static const uint32_t boxes[] = {0, 20, 300, 5000, 20000}, rooms[] = {1, 2, 9, 40, 128},
                          slices[] = {0, 1, 5, 200};
    struct engine_config ec = {.band_ppm = bands[prng_below(&w->rng, 5)],
                               .warn_ppm = warns[prng_below(&w->rng, 3)]};
    if (prng_chance(&w->rng, 1, 2)) {
        ec.box_ppm = boxes[prng_below(&w->rng, 5)];
        ec.near_rows = rooms[prng_below(&w->rng, 5)];
        ec.slice = slices[prng_below(&w->rng, 4)];
        static const uint32_t levels[][ENGINE_CALLS] = {{0}, {1000}, {300000, 100000, 20000}, {1000000, 1}};
        memcpy(w->call_ppm, levels[prng_below(&w->rng, 4)], sizeof w->call_ppm);
        memcpy(ec.call_ppm, w->call_ppm, sizeof ec.call_ppm);
    }
    for (uint16_t i = 0; i < m->n_assets; i++)
        m->asset[i].spread_ppm = prng_chance(&w->rng, 1, 3) ? (uint32_t)prng_between(&w->rng, 1, 2000000) : 0;
    const struct engine_hooks hooks = {
        .ctx = w, .commands = deaf_commands, .event = deaf_event, .breach = hook_breach, .near = deaf_near};
    w->engine = engine_new(&ec, &w->book, w->dev, &hooks, &e);
    ck_assert_msg(w->engine != NULL, "%s", e.msg);
    struct engine_tiers t;
    engine_tiers(w->engine, &t);
    w->guarded = t.boxed && w->call_ppm[0];
}

static void walk_close(struct walk *w)
{
    engine_free(w->engine);
    device_close(w->dev);
}

// ---- one group, made as the oracle makes it: ascending assets, a reciprocal together with its base

struct group {
    bool in[MARKET_ASSETS_MAX];
    int64_t price[MARKET_ASSETS_MAX];
};

static void put(struct group *g, uint16_t asset, i128 price)
{
    g->in[asset] = true;
    g->price[asset] = (int64_t)(price < 1 ? 1 : price > PRICE_MAX ? PRICE_MAX : price);
}

static bool uses_blind(const struct walk *w, size_t account)
{
    uint16_t assets[ACCOUNT_ASSETS_MAX];
    for (size_t k = account_assets(&w->book.market, &w->account[account], assets); k--;)
        if (w->blind[assets[k]])
            return true;
    return false;
}

static bool below(const struct walk *w, size_t i, const int64_t *px, uint32_t ppm)
{
    struct health h;
    w->account[i].rule->health(&w->book.market, &w->account[i], px, &h);
    return i256_cmp(i256_mul_i64(h.equity, 1000000), i256_mul_i64(h.requirement, 1000000 + (int64_t)ppm)) < 0;
}

// The first level that the account has not been called at, 0: none.
static uint32_t next_call(const struct walk *w, size_t i)
{
    return w->guarded && w->level[i] < ENGINE_CALLS ? w->call_ppm[w->level[i]] : 0;
}

// Who is flagged is called; nobody else is below the level that comes next. A call is taken back at times.
static void judge_calls(struct walk *w, size_t i)
{
    uint32_t ppm;
    while ((ppm = next_call(w, i)) != 0 && below(w, i, w->px, ppm)) {
        if (!engine_flagged(w->engine, i)) {
            printf("# account %u (%s) is below %u ppm, not flagged\n", w->account[i].id,
                   w->account[i].rule->name, (unsigned)ppm);
            w->uncalled++;
        }
        w->level[i]++;
        w->calls++;
    }
    if (w->level[i] && prng_chance(&w->rng, 1, 4) && !below(w, i, w->px, w->call_ppm[w->level[i] - 1])) {
        w->level[i]--;
        w->returns++;
    }
    engine_called(w->engine, i, w->level[i]);
}

static void judge(struct walk *w, bool priced[MARKET_ASSETS_MAX])
{
    for (size_t i = 0; i < ACCOUNTS; i++) {
        const struct account *a = &w->account[i];
        uint16_t assets[ACCOUNT_ASSETS_MAX];
        bool all = a->n_positions > 0;
        for (size_t k = account_assets(&w->book.market, a, assets); k--;)
            all = all && priced[assets[k]];
        if (!all || uses_blind(w, i))
            continue;
        ck_assert(engine_placed(w->engine, i));
        if (walk_liquidatable(&w->book.market, a, w->px) && !engine_flagged(w->engine, i)) {
            printf("# missed account %u (%s)\n", a->id, a->rule->name);
            w->missed++;
        }
        if (w->guarded)
            judge_calls(w, i);
    }
}

static void send(struct walk *w, const struct group *g, bool priced[MARKET_ASSETS_MAX])
{
    const struct market *m = &w->book.market;
    struct engine_price changed[MARKET_ASSETS_MAX];
    int64_t table[MARKET_ASSETS_MAX] = {0};
    size_t n = 0;
    for (uint16_t i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        int64_t p = g->price[i];
        if (a->kind == ASSET_RECIPROCAL) {
            if (!g->in[a->base])
                continue;
            p = reciprocal_price(w->px[a->base], m->asset[a->base].decimals, a->decimals);
            w->blind[i] = p == 0;
        } else if (!g->in[i]) {
            continue;
        }
        if (p == 0 || (priced[i] && p == w->px[i]))
            continue;
        w->px[i] = p;
        priced[i] = true;
        changed[n++] = (struct engine_price){i, p};
    }
    if (n == 0)
        return;
    for (uint16_t i = 0; i < m->n_assets; i++)
        table[i] = priced[i] ? w->px[i] : 0;
    struct err e = {{0}};
    ck_assert_msg(engine_group(w->engine, changed, n, table, &e) == 0, "%s", e.msg);
    judge(w, priced);
}

// The last price of `asset`, between now and twice or half of it, before `account` changes sides; then that
// price or the next one. Now when it does not change sides.
static int64_t edge_price(struct walk *w, size_t account, uint16_t asset)
{
    int64_t px[MARKET_ASSETS_MAX];
    memcpy(px, w->px, sizeof px);
    const struct market *m = &w->book.market;
    const struct account *a = &w->account[account];
    int64_t near = px[asset], far = prng_chance(&w->rng, 1, 2) ? near / 2 + 1 : near + near / 2 + 1;
    uint32_t ppm = prng_chance(&w->rng, 1, 2) ? next_call(w, account) : 0;
    bool now = ppm ? below(w, account, px, ppm) : walk_liquidatable(m, a, px);
    px[asset] = far;
    if ((ppm ? below(w, account, px, ppm) : walk_liquidatable(m, a, px)) == now)
        return near;
    while (far - near > 1 || near - far > 1) {
        px[asset] = near + (far - near) / 2;
        if ((ppm ? below(w, account, px, ppm) : walk_liquidatable(m, a, px)) == now)
            near = px[asset];
        else
            far = px[asset];
    }
    return prng_chance(&w->rng, 1, 2) ? near : far;
}

static void edge_group(struct walk *w, struct group *g)
{
    size_t i = prng_below(&w->rng, ACCOUNTS);
    const struct account *a = &w->account[i];
    if (a->n_positions == 0)
        return;
    const struct position *p = &a->position[prng_below(&w->rng, a->n_positions)];
    uint16_t asset = w->book.market.instrument[p->instrument].asset;
    put(g, asset, edge_price(w, i, asset));
}

static void move_group(struct walk *w, struct group *g, bool jump)
{
    unsigned n = (unsigned)prng_between(&w->rng, 1, jump ? 6 : GROUP_ASSETS_MAX);
    int64_t step = jump ? 900000 : prng_between(&w->rng, 1, 20000); // ppm
    for (unsigned k = 0; k < n; k++) {
        uint16_t asset = (uint16_t)prng_below(&w->rng, w->book.market.n_assets);
        if (w->book.market.asset[asset].kind == ASSET_RECIPROCAL)
            continue;
        i128 now = w->px[asset];
        if (jump && prng_chance(&w->rng, 1, 8))
            now = prng_chance(&w->rng, 1, 2) ? now * 5000 : now / 5000;
        put(g, asset, now + now * prng_between(&w->rng, -step, step) / 1000000);
    }
}

static void order_returns(struct walk *w, size_t i, bool priced[MARKET_ASSETS_MAX])
{
    struct account *a = &w->account[i];
    struct err e = {{0}};
    w->in_flight[i] = false;
    if (prng_chance(&w->rng, 1, 2)) {
        engine_order_ended(w->engine, i); // evaluated again from the next update on
        return;
    }
    struct account was = *a;
    switch (prng_below(&w->rng, 3)) {
    case 0: // filled: on its threshold again
        walk_place(&w->rng, &w->book.market, a, w->px);
        break;
    case 1: // filled in part: one position less
        if (a->n_positions > 1)
            a->n_positions--;
        break;
    default: // refused: nothing has changed
        break;
    }
    if (account_validate(&w->book.market, a, &e) != 0)
        *a = was;
    ck_assert_msg(engine_account_changed(w->engine, i, &e) == 0, "%s", e.msg);
    judge(w, priced);
}

// A deposit, a withdrawal, a first loan: the account's state changes without an order.
static void state_changes(struct walk *w, size_t i, bool priced[MARKET_ASSETS_MAX])
{
    struct account *a = &w->account[i];
    struct account was = *a;
    struct err e = {{0}};
    if (w->in_flight[i] || !engine_placed(w->engine, i))
        return;
    if (a->rule->holding && prng_chance(&w->rng, 1, 2))
        a->position[0].debt += (i128)walk_magnitude(&w->rng, 8, 62);
    else
        walk_place(&w->rng, &w->book.market, a, w->px);
    if (account_validate(&w->book.market, a, &e) != 0)
        *a = was;
    ck_assert_msg(engine_account_changed(w->engine, i, &e) == 0, "%s", e.msg);
    judge(w, priced);
}

static void pass_time(struct walk *w, bool priced[MARKET_ASSETS_MAX])
{
    static const int64_t steps[] = {1, 5, 60, 3600, 1000000};
    struct err e = {{0}};
    w->now_s +=
        (uint64_t)prng_between(&w->rng, 0, steps[prng_below(&w->rng, prng_chance(&w->rng, 1, 8) ? 5 : 3)]);
    int rc = engine_time(w->engine, w->now_s * SECOND + prng_below(&w->rng, SECOND), &e);
    ck_assert_msg(rc >= 0, "%s", e.msg);
    judge(w, priced);
    if (rc > 0)
        ck_assert_msg(engine_review(w->engine, &e) == 0, "%s", e.msg);
}

static bool valid_with(const struct walk *w, const struct market *next)
{
    struct err e;
    bool ok = true;
    for (unsigned i = 0; i < next->n_instruments && ok; i++)
        ok = instrument_moving_check(&next->instrument[i], &e) == 0;
    for (size_t i = 0; i < ACCOUNTS && ok; i++)
        ok = account_validate(next, &w->account[i], &e) == 0;
    return ok;
}

// One to four instruments are told anew, each account is judged by what holds from then on.
static void parameters(struct walk *w, bool priced[MARKET_ASSETS_MAX])
{
    struct market *m = &w->book.market;
    bool listed[MARKET_ASSETS_MAX] = {false};
    uint16_t asset[MARKET_ASSETS_MAX];
    struct err e = {{0}};
    size_t n = 0;
    w->was = w->next = *m;
    for (unsigned k = prng_chance(&w->rng, 1, 2) ? 1 : 4; k--;) {
        unsigned i = (unsigned)prng_below(&w->rng, m->n_instruments);
        if (prng_chance(&w->rng, 1, 2)) // reserves are the ones that are told often
            i = m->n_instruments - 1 - (unsigned)prng_below(&w->rng, WALK_RESERVES);
        if (w->next.instrument[i].kind == INST_RESERVE)
            walk_reserve(&w->rng, &w->next.instrument[i], w->now_s, w->moves);
        else
            walk_perpetual(&w->rng, &w->next.instrument[i], w->now_s, w->moves);
    }
    if (!valid_with(w, &w->next))
        return;
    for (unsigned i = 0; i < m->n_instruments; i++) {
        struct instrument *in = &m->instrument[i];
        uint16_t a = in->kind == INST_INVERSE ? in->inverse : in->asset;
        if (!instrument_differs(in, &w->next.instrument[i]))
            continue;
        *in = w->next.instrument[i];
        market_told(m, i);
        if (!listed[a])
            asset[n++] = a;
        listed[a] = true;
    }
    if (n == 0)
        return;
    ck_assert_msg(engine_market_changed(w->engine, &w->was, asset, n, &e) == 0, "%s", e.msg);
    w->told++;
    judge(w, priced);
}

static void idle(struct walk *w, bool priced[MARKET_ASSETS_MAX])
{
    struct err e = {{0}};
    if (!prng_chance(&w->rng, 1, 3))
        return;
    int rc = engine_idle(w->engine, (uint32_t)prng_below(&w->rng, 50), &e);
    ck_assert_msg(rc >= 0, "%s", e.msg);
    judge(w, priced);
}

static void check_counters(struct walk *w)
{
    const struct engine_counters *c = engine_counters(w->engine);
    char text[256] = "";
    ck_assert_uint_eq(c->device_errors, 0);
    ck_assert_uint_eq(c->band_exits_expected, c->band_exits_seen);
    ck_assert_uint_eq(w->missed, 0);
    ck_assert_uint_eq(w->uncalled, 0);
    ck_assert_uint_eq(w->false_breaches, 0);
    ck_assert_msg(device_mismatch(w->dev, text, sizeof text) == 0, "%s", text);
}

static void walk_once(struct walk *w, uint64_t seed, struct sums *s)
{
    static bool priced[MARKET_ASSETS_MAX];
    static struct group g;
    walk_open(w, seed);
    memset(priced, 0, sizeof priced);
    // First prices come a few at a time, between and in the same groups as moves of those already known.
    const struct market *m = &w->book.market;
    for (unsigned n = 0; n < GROUPS; n++) {
        memset(&g, 0, sizeof g);
        pass_time(w, priced);
        switch (prng_below(&w->rng, 4)) {
        case 0:
            move_group(w, &g, true);
            break;
        case 1:
            edge_group(w, &g);
            break;
        default:
            move_group(w, &g, false);
            break;
        }
        for (uint16_t i = 0; i < m->n_assets; i++)
            if (m->asset[i].kind != ASSET_RECIPROCAL && !priced[i] && !g.in[i] &&
                (n > GROUPS / 4 || prng_chance(&w->rng, 1, 12)))
                put(&g, i, w->px[i]);
        send(w, &g, priced);
        for (size_t i = 0; i < ACCOUNTS; i++)
            if (w->in_flight[i] && prng_chance(&w->rng, 1, 6))
                order_returns(w, i, priced);
        state_changes(w, prng_below(&w->rng, ACCOUNTS), priced);
        for (uint64_t k = prng_below(&w->rng, 4); k--;)
            parameters(w, priced);
        idle(w, priced);
    }
    check_counters(w);
    const struct engine_counters *c = engine_counters(w->engine);
    s->breaches += w->breaches;
    s->told += w->told;
    s->calls += w->calls;
    s->returns += w->returns;
    s->shifted += c->parameters_shifted;
    s->rebuilt += c->parameters_rebuilt;
    s->narrowed += c->boxes_narrowed;
    s->stale += c->lines_stale;
    walk_close(w);
}

START_TEST(nothing_missed_nothing_false)
{
    static struct walk w;
    uint64_t seed = test_seed(20261120);
    const char *books = getenv("BOOKS");
    unsigned n = books ? (unsigned)strtoul(books, NULL, 0) : test_rounds(BOOKS);
    struct sums s = {0};
    for (unsigned i = 0; i < n; i++) {
        printf("# book %llu\n", (unsigned long long)(seed + i));
        walk_once(&w, seed + i, &s);
    }
    printf(
        "# %llu breaches in %u books; parameters told %llu times: %llu assets within a bound, %llu all made "
        "anew, %llu guards narrowed, %llu stale lines; %llu calls, %llu taken back\n",
        (unsigned long long)s.breaches, n, (unsigned long long)s.told, (unsigned long long)s.shifted,
        (unsigned long long)s.rebuilt, (unsigned long long)s.narrowed, (unsigned long long)s.stale,
        (unsigned long long)s.calls, (unsigned long long)s.returns);
    ck_assert_uint_gt(s.breaches, n); // else the walk judged nothing
    if (n >= BOOKS) {
        ck_assert(s.calls > n && s.returns > n);
        ck_assert_uint_gt(s.shifted, s.told / 10);
        ck_assert_uint_gt(s.rebuilt, s.told / 100);
        ck_assert_uint_gt(s.narrowed, s.told / 10);
    }
}
END_TEST

int main(void)
{
    device_register(&device_ops_model);
#ifdef WALK_SIM
    device_register(&device_ops_sim);
    device_register(&device_ops_compare);
#endif
    Suite *s = suite_create("rules_walk");
    TCase *tc = tcase_create("walk");
    tcase_set_timeout(tc, 3600);
    tcase_add_test(tc, nothing_missed_nothing_false);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
