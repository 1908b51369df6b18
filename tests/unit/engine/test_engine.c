// SPDX-License-Identifier: Apache-2.0
// The engine on the model device: every breach of the exact rule is flagged at its update and only breaches
// reach the breach hook (P1, P2); the watch list forgets nothing (P4). The rule here is a plain affine one
// whose slack the test sets, so that early flags happen on purpose.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/moving.h"
#include "base/prng.h"
#include "base/test_seed.h"
#include "engine/deaf.h"
#include "engine/engine.h"
#include "run_suite.h"

enum { ASSETS = 4, ACCOUNTS = 40, GROUP = 8 };

static i128 slack_quanta; // of every row made by the rule below

// H = cash + sum size * price, liquidatable when H < 0.
static int rule_rows(const struct market *m, const struct account *a, const struct band *band,
                     uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    (void)m;
    (void)band;
    (void)e;
    for (int l = 0; l < (warn_ppm ? 2 : 1); l++) {
        struct affine *f = &out[l];
        memset(f, 0, sizeof *f);
        f->level = (uint8_t)l;
        f->c = i256_from_i128(a->cash - (l ? a->cash / 10 : 0));
        f->slack = i256_from_i128(slack_quanta);
        for (uint16_t i = 0; i < a->n_positions; i++) {
            f->asset[f->n] = a->position[i].instrument;
            f->a[f->n++] = i256_from_i128(a->position[i].size);
        }
    }
    return warn_ppm ? 2 : 1;
}

static void rule_health(const struct market *m, const struct account *a, const int64_t *px,
                        struct health *out)
{
    i128 h = a->cash;
    for (uint16_t i = 0; i < a->n_positions; i++)
        h += a->position[i].size * px[a->position[i].instrument];
    out->liquidatable = h < 0 && !grace_now(&m->instrument[0]);
    out->equity = i256_from_i128(h);
    out->requirement = i256_from_i64(0);
}

static const struct rule test_rule = {.name = "test", .rows = rule_rows, .health = rule_health};

struct rig {
    struct book book;
    struct account account[ACCOUNTS];
    struct device *dev;
    struct engine *engine;
    int64_t px[MARKET_ASSETS_MAX];
    enum engine_verdict answer;
    size_t breaches, false_breaches, fired[ACCOUNTS];
    bool in_flight[ACCOUNTS];
    size_t near_on, near_off;
    size_t triggers_armed_twice;
};

static bool exact_breach(const struct rig *r, size_t i)
{
    struct health h;
    rule_health(&r->book.market, &r->book.account[i], r->px, &h);
    return h.liquidatable;
}

static enum engine_verdict hook_breach(void *ctx, size_t account)
{
    struct rig *r = ctx;
    r->breaches++;
    r->fired[account]++;
    r->false_breaches += !exact_breach(r, account);
    ck_assert(!r->in_flight[account]); // siblings and repeated flags give one order
    r->in_flight[account] = r->answer == VERDICT_TAKEN;
    return r->answer;
}

static void hook_near(void *ctx, size_t account, bool on)
{
    struct rig *r = ctx;
    (void)account;
    if (on)
        r->near_on++;
    else
        r->near_off++;
}

static uint64_t grace_until; // of every instrument of a rig opened

static void rig_open(struct rig *r, uint32_t warn_ppm)
{
    static bool registered;
    if (!registered) {
        device_register(&device_ops_model);
        registered = true;
    }
    struct err e = {{0}};
    const struct device_config dc = {.backend = "model", .lanes = 8, .slots = 16, .assets = 16};
    ck_assert_msg(device_open(&dc, &r->dev, &e) == 0, "%s", e.msg);
    r->book.market.n_assets = ASSETS;
    r->book.market.n_instruments = ASSETS;
    for (uint16_t i = 0; i < ASSETS; i++) {
        r->book.market.asset[i] = (struct asset){.kind = ASSET_INDEX, .decimals = 6};
        r->book.market.instrument[i] =
            (struct instrument){.kind = INST_LINEAR, .asset = i, .grace_until = grace_until};
    }
    const struct engine_config ec = {.band_ppm = 20000, .warn_ppm = warn_ppm};
    const struct engine_hooks hooks = {
        .ctx = r, .commands = deaf_commands, .event = deaf_event, .breach = hook_breach, .near = hook_near};
    r->engine = engine_new(&ec, &r->book, r->dev, &hooks, &e);
    ck_assert_msg(r->engine != NULL, "%s", e.msg);
}

static void rig_close(struct rig *r)
{
    engine_free(r->engine);
    device_close(r->dev);
}

static void set(struct rig *r, uint16_t asset, int64_t price)
{
    struct err e = {{0}};
    const struct engine_price p = {asset, price};
    r->px[asset] = price;
    ck_assert_msg(engine_group(r->engine, &p, 1, r->px, &e) == 0, "%s", e.msg);
}

// One account long `size` of asset 0 with debt so that it breaches just below `at`.
static void one_long(struct rig *r, i128 size, int64_t at)
{
    r->book.account = r->account;
    r->book.n_accounts = 1;
    r->account[0] = (struct account){.id = 1, .rule = &test_rule, .cash = -size * at, .n_positions = 1};
    r->account[0].position[0] = (struct position){.instrument = 0, .size = size};
}

START_TEST(test_fires_once_and_waits_for_the_order)
{
    static struct rig r;
    memset(&r, 0, sizeof r);
    slack_quanta = 0;
    one_long(&r, 1000, 1000000);
    rig_open(&r, 0);
    r.answer = VERDICT_TAKEN;
    set(&r, 0, 1010000);
    ck_assert_uint_eq(r.breaches, 0);
    set(&r, 0, 999999);
    ck_assert_uint_eq(r.breaches, 1);
    ck_assert(engine_flagged(r.engine, 0));
    set(&r, 0, 990000); // deeper: nothing new while the order is in flight
    ck_assert_uint_eq(r.breaches, 1);
    engine_order_ended(r.engine, 0); // refused: looked at again with the next update, not before
    struct err e;
    r.in_flight[0] = false;
    ck_assert_uint_eq(r.breaches, 1);
    set(&r, 0, 989000);
    ck_assert_uint_eq(r.breaches, 2);
    ck_assert_int_eq(engine_review(r.engine, &e), 0);
    ck_assert_uint_eq(engine_counters(r.engine)->flags[LEVEL_LIQUIDATE], 1);
    rig_close(&r);
}
END_TEST

START_TEST(test_hold_is_evaluated_at_each_update)
{
    static struct rig r;
    memset(&r, 0, sizeof r);
    slack_quanta = 0;
    one_long(&r, 1000, 1000000);
    rig_open(&r, 0);
    r.answer = VERDICT_KEEP;
    set(&r, 0, 1010000);
    for (int i = 1; i <= 5; i++) {
        set(&r, 0, 999999 - i);
        ck_assert_uint_eq(r.breaches, (size_t)i);
        ck_assert_uint_eq(engine_watching(r.engine), 1);
    }
    struct err e;
    ck_assert_int_eq(engine_review(r.engine, &e), 0); // the hold ended without a price
    ck_assert_uint_eq(r.breaches, 6);
    set(&r, 0, 1005000); // healthy again: armed again, off the list
    ck_assert_uint_eq(engine_watching(r.engine), 0);
    ck_assert_uint_eq(engine_counters(r.engine)->rearmed, 1);
    r.answer = VERDICT_TAKEN;
    set(&r, 0, 999000); // and fires anew
    ck_assert_uint_eq(r.breaches, 7);
    ck_assert_uint_eq(engine_counters(r.engine)->flags[LEVEL_LIQUIDATE], 2);
    rig_close(&r);
}
END_TEST

START_TEST(test_early_flag_is_not_acted_on_and_not_forgotten)
{
    static struct rig r;
    memset(&r, 0, sizeof r);
    one_long(&r, 1000, 1000000);
    slack_quanta = 1000 * 1000; // flags 0.1 % early
    rig_open(&r, 0);
    r.answer = VERDICT_TAKEN;
    set(&r, 0, 1010000);
    set(&r, 0, 1000500); // inside the margin
    ck_assert_uint_eq(r.breaches, 0);
    ck_assert_uint_eq(engine_counters(r.engine)->early, 1);
    ck_assert_uint_eq(engine_watching(r.engine), 1);
    set(&r, 0, 1000100);
    ck_assert_uint_eq(r.breaches, 0);
    set(&r, 0, 999999); // the true breach, its row long disarmed
    ck_assert_uint_eq(r.breaches, 1);
    ck_assert_uint_eq(r.false_breaches, 0);
    rig_close(&r);
}
END_TEST

START_TEST(test_loaded_below_zero_fires_at_once)
{
    static struct rig r;
    memset(&r, 0, sizeof r);
    slack_quanta = 0;
    one_long(&r, 1000, 1000000);
    rig_open(&r, 100000);
    r.answer = VERDICT_TAKEN;
    set(&r, 0, 900000); // first price: placement itself must flag it
    ck_assert_uint_eq(r.breaches, 1);
    ck_assert_uint_eq(engine_counters(r.engine)->flags[LEVEL_LIQUIDATE], 1);
    rig_close(&r);
}
END_TEST

START_TEST(test_jumps_beyond_the_band_and_the_number_range)
{
    static struct rig r;
    memset(&r, 0, sizeof r);
    slack_quanta = 0;
    one_long(&r, 1000, 1000000);
    rig_open(&r, 0);
    r.answer = VERDICT_KEEP;
    set(&r, 0, 1010000);
    set(&r, 0, 1600000);    // out of the band
    set(&r, 0, 1600000000); // beyond 34 bits of the unit
    ck_assert_uint_eq(r.breaches, 0);
    set(&r, 0, 999999); // and all the way down in one step
    ck_assert_uint_eq(r.breaches, 1);
    const struct engine_counters *c = engine_counters(r.engine);
    ck_assert_uint_eq(c->recentred, 3);
    ck_assert_uint_eq(c->band_exits_expected, c->band_exits_seen);
    ck_assert_uint_eq(c->device_errors, 0);
    rig_close(&r);
}
END_TEST

// One group makes an asset jump beyond its number range and prices another one for the first time: rows fire
// as they are loaded anew, and change their addresses right after.
START_TEST(test_fires_once_when_rows_move_at_the_same_time)
{
    static struct rig r;
    struct err e = {{0}};
    memset(&r, 0, sizeof r);
    slack_quanta = 0;
    one_long(&r, -1000, 5000000); // short: breaches above
    r.book.n_accounts = 2;
    r.account[1] = (struct account){.id = 2, .rule = &test_rule, .cash = -99000, .n_positions = 1};
    r.account[1].position[0] = (struct position){.instrument = 1, .size = 1};
    rig_open(&r, 0);
    r.answer = VERDICT_KEEP;
    set(&r, 0, 1000000);
    const struct engine_price both[2] = {{0, 10000000}, {1, 100000}};
    r.px[0] = both[0].price;
    r.px[1] = both[1].price;
    ck_assert_msg(engine_group(r.engine, both, 2, r.px, &e) == 0, "%s", e.msg);
    const struct engine_counters *c = engine_counters(r.engine);
    ck_assert_uint_eq(c->flags[LEVEL_LIQUIDATE], 1);
    ck_assert_uint_eq(c->confirmed, 1);
    ck_assert_uint_eq(c->early, 0);
    ck_assert(engine_flagged(r.engine, 0) && !engine_flagged(r.engine, 1));
    r.answer = VERDICT_TAKEN;
    set(&r, 1, 98000); // the other one's row works at its new place
    ck_assert_uint_eq(r.fired[1], 1);
    rig_close(&r);
}
END_TEST

START_TEST(test_first_positions_after_the_start)
{
    static struct rig r;
    struct err e = {{0}};
    memset(&r, 0, sizeof r);
    slack_quanta = 0;
    one_long(&r, 1000, 1000000);
    r.account[1] = r.account[0];
    r.account[1].id = 2;
    r.account[2] = r.account[0];
    r.account[2].id = 3;
    r.account[1].n_positions = r.account[2].n_positions = 0; // nothing yet
    r.book.n_accounts = 3;
    rig_open(&r, 50000);
    r.answer = VERDICT_TAKEN;
    set(&r, 0, 1010000);
    ck_assert(!engine_placed(r.engine, 1));
    r.account[1].n_positions = 1; // its asset has a price: placed at once
    ck_assert_int_eq(engine_account_changed(r.engine, 1, &e), 0);
    ck_assert(engine_placed(r.engine, 1));
    r.account[2].n_positions = 1; // an asset that nobody used: placed with its first price
    r.account[2].position[0].instrument = 2;
    ck_assert_int_eq(engine_account_changed(r.engine, 2, &e), 0);
    ck_assert(!engine_placed(r.engine, 2));
    set(&r, 2, 1010000);
    ck_assert(engine_placed(r.engine, 2));
    set(&r, 0, 999999);
    ck_assert_uint_eq(r.fired[0], 1);
    ck_assert_uint_eq(r.fired[1], 1);
    set(&r, 2, 999999);
    ck_assert_uint_eq(r.fired[2], 1);
    rig_close(&r);
}
END_TEST

// What the clock alone makes liquidatable needs no price: a grace period that ends, in a market where nothing
// else moves.
START_TEST(test_a_grace_period_ends)
{
    static struct rig r;
    struct err e = {{0}};
    memset(&r, 0, sizeof r);
    slack_quanta = 0;
    grace_until = 100;
    one_long(&r, 1000, 1000000);
    rig_open(&r, 0);
    r.answer = VERDICT_TAKEN;
    ck_assert_int_eq(engine_time(r.engine, UINT64_C(50000000000), &e), 0);
    set(&r, 0, 990000);
    ck_assert_uint_eq(engine_watching(r.engine), 1);
    ck_assert_uint_eq(r.breaches, 0);
    ck_assert_int_eq(engine_time(r.engine, UINT64_C(50900000000), &e), 0); // the same second
    ck_assert_int_eq(engine_time(r.engine, UINT64_C(100999999999), &e), 1);
    ck_assert_int_eq(engine_review(r.engine, &e), 0);
    ck_assert_uint_eq(r.breaches, 0);
    ck_assert_int_eq(engine_time(r.engine, UINT64_C(101000000000), &e), 1);
    ck_assert_int_eq(engine_review(r.engine, &e), 0);
    ck_assert_uint_eq(r.breaches, 1);
    rig_close(&r);
    grace_until = 0;
}
END_TEST

// An account without positions has nothing that could fire: its rows are cleared, not left as they were.
START_TEST(test_positions_gone)
{
    static struct rig r;
    struct err e = {{0}};
    memset(&r, 0, sizeof r);
    slack_quanta = 0;
    one_long(&r, 1000, 1000000);
    rig_open(&r, 50000);
    set(&r, 0, 1200000);
    r.account[0].n_positions = 0;
    ck_assert_int_eq(engine_account_changed(r.engine, 0, &e), 0);
    set(&r, 0, 990000);
    ck_assert_uint_eq(engine_counters(r.engine)->flags[LEVEL_LIQUIDATE], 0);
    ck_assert_uint_eq(engine_counters(r.engine)->flags[LEVEL_WARN], 0);
    r.account[0].n_positions = 1;
    r.answer = VERDICT_TAKEN;
    ck_assert_int_eq(engine_account_changed(r.engine, 0, &e), 0);
    ck_assert_uint_eq(r.breaches, 1);
    rig_close(&r);
}
END_TEST

// Random accounts, random walk with jumps, holds that come and go, orders that fill, fail or stay open.
static void random_accounts(struct rig *r, struct prng *p)
{
    r->book.account = r->account;
    r->book.n_accounts = ACCOUNTS;
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        struct account *a = &r->account[i];
        *a = (struct account){.id = i + 1, .rule = &test_rule};
        uint16_t n = (uint16_t)(1 + prng_u64(p) % ASSETS);
        for (uint16_t k = 0; k < n; k++) {
            i128 size = (i128)(prng_u64(p) % 2000000) - 1000000;
            a->position[k] = (struct position){.instrument = k, .size = size};
            a->cash -= size * 1000000;
        }
        a->n_positions = n;
        a->cash += (i128)(prng_u64(p) % 100000) * 1000000;
    }
}

static void step_market(struct rig *r, struct prng *p)
{
    struct engine_price g[ASSETS];
    size_t n = 0;
    struct err e = {{0}};
    for (uint16_t a = 0; a < ASSETS; a++) {
        if (prng_u64(p) % 2)
            continue;
        int64_t now = r->px[a] ? r->px[a] : 1000000;
        int64_t range = prng_u64(p) % 50 == 0 ? now / 4 : now / 400;
        int64_t next = now + (int64_t)(prng_u64(p) % (uint64_t)(2 * range + 1)) - range;
        if (next < 1000)
            next = 1000;
        if (next == r->px[a])
            continue;
        r->px[a] = next;
        g[n++] = (struct engine_price){a, next};
    }
    if (n)
        ck_assert_msg(engine_group(r->engine, g, n, r->px, &e) == 0, "%s", e.msg);
}

// A card that halts takes no command and gives no event: the engine must stop, not wait for ever, and also if
// the card does not say why.
static size_t takes_nothing(struct device *d, const struct beat *b, size_t n)
{
    (void)d;
    (void)b;
    (void)n;
    return 0;
}

START_TEST(test_a_device_that_stops_is_an_error)
{
    static struct rig r;
    memset(&r, 0, sizeof r);
    slack_quanta = 0;
    one_long(&r, 1000, 1000000);
    rig_open(&r, 0);
    set(&r, 0, 1100000);
    struct device_ops halted = *r.dev->ops;
    halted.submit = takes_nothing;
    r.dev->ops = &halted;
    r.dev->info.fault = _i == 0 ? "the card has halted" : "";
    struct err e = {{0}};
    const struct engine_price p = {0, 1110000};
    ck_assert_int_eq(engine_group(r.engine, &p, 1, r.px, &e), -1);
    const char *why = _i == 0 ? "the card has halted" : "takes no more commands";
    ck_assert_msg(strstr(e.msg, why) != NULL, "%s", e.msg);
    rig_close(&r);
}
END_TEST

START_TEST(test_random_walk_misses_nothing)
{
    static struct rig r;
    struct prng p;
    struct err e = {{0}};
    memset(&r, 0, sizeof r);
    prng_seed(&p, test_seed(20261120));
    slack_quanta = (i128)20000000000;
    random_accounts(&r, &p);
    rig_open(&r, 50000);
    for (int step = 0; step < 20000; step++) {
        if (step % 7 == 0)
            r.answer = prng_u64(&p) % 3 ? VERDICT_TAKEN : VERDICT_KEEP;
        step_market(&r, &p);
        for (size_t i = 0; i < ACCOUNTS; i++) {
            if (engine_placed(r.engine, i) && exact_breach(&r, i))
                ck_assert_msg(engine_flagged(r.engine, i), "account %zu missed at step %d", i, step);
            if (!r.in_flight[i] || prng_u64(&p) % 20)
                continue;
            r.in_flight[i] = false;
            if (prng_u64(&p) % 2) { // filled: the venue made it healthy
                r.account[i].cash += (i128)200000 * 1000000;
                ck_assert_msg(engine_account_changed(r.engine, i, &e) == 0, "%s", e.msg);
            } else {
                engine_order_ended(r.engine, i);
            }
        }
    }
    const struct engine_counters *c = engine_counters(r.engine);
    printf("# %zu breaches, %llu early flags, %llu re-armed, %llu re-centred\n", r.breaches,
           (unsigned long long)c->early, (unsigned long long)c->rearmed, (unsigned long long)c->recentred);
    ck_assert_uint_eq(r.false_breaches, 0);
    ck_assert_uint_gt(r.breaches, 100);
    ck_assert_uint_gt(c->early, 10);
    ck_assert_uint_gt(c->recentred, 100);
    ck_assert_uint_eq(c->band_exits_expected, c->band_exits_seen);
    ck_assert_uint_eq(c->device_errors, 0);
    ck_assert_uint_gt(r.near_on, 0);
    ck_assert_uint_gt(r.near_off, 0);
    rig_close(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("engine");
    TCase *t = tcase_create("engine");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, test_fires_once_and_waits_for_the_order);
    tcase_add_test(t, test_hold_is_evaluated_at_each_update);
    tcase_add_test(t, test_early_flag_is_not_acted_on_and_not_forgotten);
    tcase_add_test(t, test_loaded_below_zero_fires_at_once);
    tcase_add_test(t, test_jumps_beyond_the_band_and_the_number_range);
    tcase_add_test(t, test_fires_once_when_rows_move_at_the_same_time);
    tcase_add_test(t, test_first_positions_after_the_start);
    tcase_add_test(t, test_positions_gone);
    tcase_add_test(t, test_a_grace_period_ends);
    tcase_add_loop_test(t, test_a_device_that_stops_is_an_error, 0, 2);
    tcase_add_test(t, test_random_walk_misses_nothing);
    suite_add_tcase(s, t);
    return run_suite(s);
}
