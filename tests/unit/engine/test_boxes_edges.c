// SPDX-License-Identifier: Apache-2.0
// Nested boxes: sequences of calls that could miss an account or stop the engine, each made by hand, and a
// device whose events come late.
#include "base/test_seed.h"
#include "engine/boxes_check.h"
#include "engine/boxes_paths.h"
#include "run_suite.h"

static struct rig rig;

// Accounts without positions that may hold every asset; all prices a million.
static struct rig *by_hand(const struct rig_config *c)
{
    struct rig *r = &rig;
    rig_clear(r, c, test_seed(20261127));
    rig_market(r);
    for (uint16_t a = 0; a < c->assets; a++) {
        r->now[a] = 1000000;
        r->book.market.asset[a].spread_ppm = 0;
    }
    for (uint32_t i = 0; i < c->accounts; i++) {
        r->first[i + 1] = r->first[i];
        for (uint16_t a = 0; a < c->assets; a++)
            rig_add_side(r, i, a);
        r->account[i] = (struct account){.id = i + 1, .rule = &toy_rule[0]};
    }
    return r;
}

// Adds a long position that alone, with the cash added, is `left_ppm` of its value above zero; assets in
// ascending order.
static void hold(struct rig *r, uint32_t i, uint16_t asset, i128 size, int64_t left_ppm)
{
    struct account *a = &r->account[i];
    i128 value = (size < 0 ? -size : size) * r->now[asset];
    a->position[a->n_positions++] = (struct position){.instrument = asset, .size = size};
    a->cash += value / 1000000 * left_ppm - size * r->now[asset];
    rig_restate(r, i);
}

static void price(struct rig *r, uint16_t asset, int64_t px)
{
    rig_put(r, asset, px);
    rig_send(r);
}

static const struct engine_config small_boxes = {.band_ppm = 20000, .box_ppm = 300};

// Accounts open before the width of the boxes has been chosen by those there at the start.
START_TEST(first_positions_before_any_width)
{
    struct rig_config c = {.accounts = 12, .assets = 2, .columns = 2, .rows = 8};
    c.engine = (struct engine_config){.band_ppm = 20000};
    struct rig *r = by_hand(&c);
    for (uint32_t i = 1; i < 12; i++)
        hold(r, i, 1, 1000, 100000);
    rig_start(r);
    ck_assert(r->g->boxed);
    price(r, 0, 1000000);
    hold(r, 0, 0, 1000, 3000);
    rig_changed(r, 0);
    struct engine_tiers t;
    engine_tiers(r->g, &t);
    ck_assert_uint_gt(t.box_ppm, 0);
    price(r, 1, 1000000); // those there at the start come now
    rig_check(r);
    for (int64_t px = 999500; px > 990000; px -= 500) {
        price(r, 0, px);
        rig_check(r);
    }
    ck_assert_uint_eq(r->firsts, 1);
    rig_close(r);
}
END_TEST

// An account near zero, with so little of an asset without a column that its coefficient is rounded to zero:
// until the other's price has fallen so far that it is not.
START_TEST(dust_without_a_column)
{
    struct rig_config c = {.accounts = 1, .assets = 2, .columns = 1, .rows = 8, .engine = small_boxes};
    c.engine.warn_ppm = _i ? 100000 : 0;
    struct rig *r = by_hand(&c);
    hold(r, 0, 0, (i128)1 << 40, 100);
    hold(r, 0, 1, _i ? 1 << 12 : 1, 0);
    rig_start(r);
    price(r, 0, 1000000);
    price(r, 1, 1000000);
    for (int64_t px = 1000000; px > 1; px = px / 5 * 4) {
        r->account[0].cash += (i128)(r->px[0] - px) * ((i128)1 << 40); // as near as before
        rig_restate(r, 0);
        price(r, 0, px);
        rig_changed(r, 0);
        rig_check(r);
    }
    ck_assert_uint_eq(engine_counters(r->g)->device_errors, 0);
    rig_close(r);
}
END_TEST

// A profit counts nothing, a loss counts: in the bands of the profit the asset has no weight, and still is
// one of the account's. With a jump (0), step by step (1), from a unit in which it never has any (2).
START_TEST(weight_that_comes_with_a_loss)
{
    struct rig_config c = {
        .accounts = 2, .assets = 2, .columns = 2, .rows = 8, .bent_pct = 100, .engine = small_boxes};
    struct rig *r = by_hand(&c);
    if (_i == 2)
        r->now[0] = 1;
    for (uint32_t i = 0; i < 2; i++) {
        struct account *a = &r->account[i];
        int64_t entry = _i == 2 ? 50 : 900000;
        a->rule = &toy_rule[i];
        a->position[0] =
            (struct position){.size = _i == 2 ? -1000 : 1000, .entry = entry, .collateral = true};
        a->n_positions = 1;
        a->cash = _i == 2 ? 1000 : 1000000;
        hold(r, i, 1, 1, 0);
    }
    rig_start(r);
    price(r, 0, r->now[0]);
    price(r, 1, 1000000);
    rig_check(r);
    ck_assert(!r->breach[0]);
    if (_i == 0)
        price(r, 0, 850000);
    for (int64_t px = 1000000; _i == 1 && px > 850000; px -= 100) {
        price(r, 0, px);
        rig_check(r);
    }
    for (int64_t px = 1; _i == 2 && px < 200; px += px / 2 + 1) {
        price(r, 0, px);
        rig_check(r);
    }
    ck_assert_uint_eq(r->firsts, 2);
    rig_close(r);
}
END_TEST

// Two concave accounts whose loss counts twice as much as their profit.
static struct rig *two_concave(const struct rig_config *c, int64_t entry)
{
    struct rig *r = by_hand(c);
    for (uint32_t i = 0; i < 2; i++) {
        struct account *a = &r->account[i];
        a->rule = &toy_rule[i];
        a->position[0] =
            (struct position){.instrument = 1, .size = 1000, .entry = entry, .collateral = true, .debt = 500};
        a->n_positions = 1;
        a->cash = 2000000; // gone two below the entry; at the weight of a profit it would last to four below
        rig_restate(r, i);
    }
    rig_start(r);
    price(r, 1, 1000000);
    return r;
}

// A row on the device, or without a column (2, 3) a line on the host, that is right in the compiled band
// only. With a jump over the bend (0, 2), in steps with the background's help (1, 3).
START_TEST(concave_account_near)
{
    struct rig_config c = {.accounts = 2, .assets = 2, .columns = _i < 2 ? 2 : 1, .rows = 8};
    c.engine = (struct engine_config){.band_ppm = 5, .box_ppm = 20};
    struct rig *r = two_concave(&c, 999992);
    ck_assert_uint_eq(r->g->far.in_tier[_i < 2 ? TIER_HOT : TIER_HOST], 2);
    for (int64_t px = 1000000; _i % 2 && px > 999989; px--) {
        price(r, 1, px);
        (void)rig_idle(r, 10);
        rig_check(r);
    }
    price(r, 1, 999989); // out of the band, not near the edge of the innermost box
    ck_assert_uint_eq(r->firsts, 2);
    rig_close(r);
}
END_TEST

// The band begins to move while the walk over the rows on the device, for the innermost box, is already under
// way: that walk starts anew, else those rows would stay compiled for the old band.
START_TEST(band_moves_during_a_sweep)
{
    struct rig_config c = {.accounts = 2, .assets = 2, .columns = 2, .rows = 3};
    c.engine = (struct engine_config){.band_ppm = 300, .box_ppm = 140};
    struct rig *r = two_concave(&c, 999690);
    price(r, 1, 999785);
    (void)rig_idle(r, 100);
    ck_assert_uint_eq(r->g->far.in_tier[TIER_HOT], 2);
    price(r, 1, 999970); // out of the innermost box
    ck_assert_int_eq(rig_idle(r, 1), 1);
    ck_assert(r->g->is_pending[1][TIER_HOT] && !r->g->unit_moves[1]);
    ck_assert_uint_eq(r->g->far.in_tier[TIER_HOT], 1); // the other one is still to come
    price(r, 1, 999760);                               // near the edge of the band
    (void)rig_idle(r, 1);
    ck_assert(r->g->unit_moves[1]);
    (void)rig_idle(r, 100);
    ck_assert(!r->g->unit_moves[1]);
    price(r, 1, 999687); // out of the old band
    ck_assert_uint_eq(r->firsts, 2);
    rig_check(r);
    rig_close(r);
}
END_TEST

// Its line for all prices would be far below zero: concave accounts that are safe are not kept near for that.
START_TEST(concave_accounts_go_far)
{
    struct rig_config c = {.accounts = 60, .assets = 1, .columns = 1, .rows = 8, .engine = small_boxes};
    struct rig *r = by_hand(&c);
    for (uint32_t i = 0; i < 60; i++) {
        struct account *a = &r->account[i];
        int64_t entry = 900000 + 4000 * i;
        a->rule = &toy_rule[i % 2];
        a->position[0] = (struct position){
            .size = i % 3 ? 1000 : -1000, .entry = entry, .collateral = i % 5 < 3, .debt = 500};
        a->n_positions = 1;
        a->cash = 0;
        a->cash = (i128)400000000 * TOY_MILLE - toy_health(a, r->now);
        rig_restate(r, i);
    }
    rig_start(r);
    for (int64_t px = 1000000; px > 900000; px -= px / 1000)
        price(r, 0, px);
    struct engine_tiers t;
    engine_tiers(r->g, &t);
    ck_assert_uint_eq(t.device + t.host + t.flagged + t.none, 0);
    ck_assert_uint_eq(t.beyond[0] + t.beyond[1] + t.beyond[2], 0);
    rig_check(r);
    rig_close(r);
}
END_TEST

// Orders under way and accounts on the watch list while the unit of their price changes, up and down again.
START_TEST(flagged_while_the_unit_changes)
{
    struct rig_config c = {.accounts = 40, .assets = 1, .columns = 1, .rows = 8, .engine = small_boxes};
    struct rig *r = by_hand(&c);
    for (uint32_t i = 0; i < 40; i++)
        hold(r, i, 0, i % 2 ? -1000 : 1000, 1000 * (i + 1));
    rig_start(r);
    r->keep_of_8 = 4;
    int64_t px = 1000000;
    price(r, 0, px);
    for (int k = 0; k < 24; k++) {
        px = k % 12 < 6 ? px * 16 : px / 16;
        price(r, 0, px);
        rig_check(r);
        for (uint32_t i = 0; i < 40; i++)
            if (r->flight[i] && prng_chance(&r->rng, 1, 3)) {
                rig_ended(r, i);
            } else if (prng_chance(&r->rng, 1, 10)) {
                r->account[i].cash = r->account[i].n_positions = 0;
                r->now[0] = px;
                hold(r, i, 0, i % 2 ? -1000 : 1000, 1000 * (i + 1));
                rig_changed(r, i);
            }
        price(r, 0, px + px / 100);
        price(r, 0, px);
    }
    ck_assert_uint_ge(engine_counters(r->g)->units_changed, 16);
    ck_assert_uint_gt(r->firsts, 40);
    rig_close(r);
}
END_TEST

// All rows on the device: a placed account comes to hold an asset that has a price and that nobody held
// before.
START_TEST(asset_that_nobody_held)
{
    struct rig_config c = {.accounts = 2, .assets = 2, .columns = 2, .rows = 8};
    c.engine = (struct engine_config){.band_ppm = 20000, .box_ppm = _i ? 300 : 0};
    struct rig *r = by_hand(&c);
    hold(r, 0, 0, 1000, 10000);
    rig_start(r);
    ck_assert(r->g->boxed == (_i == 1));
    price(r, 0, 1000000);
    price(r, 1, 1000000);
    hold(r, 0, 1, 1000, 10000);
    rig_changed(r, 0);
    price(r, 1, 975000);
    ck_assert(r->breach[0]);
    rig_check(r);
    rig_close(r);
}
END_TEST

// A placed account comes to hold an asset that has no price yet: it waits for it, and its rows are nobody's
// meanwhile.
START_TEST(asset_without_a_price_yet)
{
    struct rig_config c = {.accounts = 3, .assets = 3, .columns = 3, .rows = 8};
    c.engine = (struct engine_config){.band_ppm = 20000, .box_ppm = _i ? 300 : 0};
    struct rig *r = by_hand(&c);
    for (uint32_t i = 0; i < 3; i++)
        hold(r, i, 0, 1000, 10000 + i);
    rig_start(r);
    price(r, 0, 1000000);
    hold(r, 0, 1, 1000, 10000);
    rig_changed(r, 0);
    ck_assert(!engine_placed(r->g, 0));
    ck_assert_uint_eq(engine_unplaced(r->g), 1);
    hold(r, 1, 2, 1000, 10000);
    rig_changed(r, 1);
    price(r, 0, 985000); // what they held before says nothing any more
    ck_assert(!engine_flagged(r->g, 0) && !engine_flagged(r->g, 1) && engine_flagged(r->g, 2));
    price(r, 1, 1000000); // the first one is placed again, the second waits
    ck_assert(engine_placed(r->g, 0) && !engine_placed(r->g, 1));
    price(r, 2, 1000000);
    ck_assert_uint_eq(engine_unplaced(r->g), 0);
    price(r, 1, 975000);
    ck_assert(r->breach[0] && !r->breach[1]);
    price(r, 2, 975000);
    ck_assert(r->breach[1]);
    rig_check(r);
    rig_close(r);
}
END_TEST

// More accounts than rows, hardly any of which has positions at the start: the others come later.
START_TEST(accounts_that_begin_empty)
{
    struct rig_config c = {.accounts = 20, .assets = 1, .columns = 1, .rows = 8};
    c.engine = (struct engine_config){.band_ppm = 20000};
    struct rig *r = by_hand(&c);
    hold(r, 0, 0, 1000, 1000);
    rig_start(r);
    price(r, 0, 1000000);
    for (uint32_t i = 1; i < 20; i++) {
        hold(r, i, 0, 1000, 1000);
        rig_changed(r, i);
    }
    price(r, 0, 998990);
    ck_assert_uint_eq(r->firsts, 20);
    rig_check(r);
    rig_close(r);
}
END_TEST

START_TEST(empty_books)
{
    struct rig_config c = {
        .accounts = _i ? 3 : 0, .assets = 1, .columns = 1, .rows = 8, .engine = small_boxes};
    struct rig *r = by_hand(&c);
    rig_start(r);
    for (int64_t px = 1000000; px < 2000000; px += px / 50)
        price(r, 0, px);
    ck_assert_int_eq(rig_idle(r, 10), 0);
    rig_check(r);
    rig_close(r);
}
END_TEST

// ---- what an update costs

// Accounts looked at in a calm market, none of which is near: as many for 4,000 as for 400.
static uint64_t looked_at(uint32_t accounts)
{
    struct rig_config c = {
        .accounts = accounts, .assets = 4, .columns = 4, .rows = 32, .engine = small_boxes};
    c.engine.slice = 20;
    struct rig *r = by_hand(&c);
    for (uint32_t i = 0; i < accounts; i++)
        for (uint16_t a = 0; a < 4; a++)
            if (i >> a & 1 || i % 16 == 0)
                hold(r, i, a, 1000, 300000);
    rig_start(r);
    for (uint16_t a = 0; a < 4; a++)
        price(r, a, 1000000);
    const struct engine_counters *n = engine_counters(r->g);
    uint64_t before = n->looked_background + n->looked_foreground;
    for (int k = 0; k < 5000; k++) {
        uint16_t a = (uint16_t)prng_below(&r->rng, 4);
        price(r, a, r->px[a] + prng_between(&r->rng, -200, 200));
    }
    uint64_t looked = n->looked_background + n->looked_foreground - before;
    rig_check(r);
    rig_close(r);
    return looked;
}

START_TEST(calm_updates_cost_the_same_for_more_accounts)
{
    uint64_t few = looked_at(400), many = looked_at(4000);
    printf("# accounts looked at in 5,000 calm updates: %llu of 400, %llu of 4,000\n",
           (unsigned long long)few, (unsigned long long)many);
    ck_assert_uint_le(many, few + few / 2 + 100);
}
END_TEST

// One way for a long time: accounts are looked at when they change their tier, not more than some times as
// often.
START_TEST(a_trend_costs_the_tiers_that_change)
{
    struct rig_config c = {.accounts = 2000, .assets = 1, .columns = 1, .rows = 64, .engine = small_boxes};
    c.engine.slice = 50;
    struct rig *r = by_hand(&c);
    for (uint32_t i = 0; i < 2000; i++)
        hold(r, i, 0, 1000, 1000 + 400 * i); // breaches spread over the whole way
    rig_start(r);
    price(r, 0, 1000000);
    for (int64_t px = 1000000; px > 300000; px -= px / 10000)
        price(r, 0, px);
    const struct engine_counters *n = engine_counters(r->g);
    uint64_t looked = n->looked_background + n->looked_foreground;
    printf("# trend: %llu looked at, %llu changes of tier\n", (unsigned long long)looked,
           (unsigned long long)n->tier_changes);
    ck_assert_uint_gt(r->firsts, 1500);
    ck_assert_uint_gt(n->tier_changes, 2000);
    ck_assert_uint_lt(looked, 10 * n->tier_changes);
    rig_check(r);
    rig_close(r);
}
END_TEST

// ---- a device whose events come late

struct late {
    struct device dev;
    struct device *inner;
    struct prng rng;
    unsigned wait; // polls without an answer
    bool prompt;
};

static size_t late_submit(struct device *d, const struct beat *cmd, size_t n)
{
    struct late *l = (struct late *)d;
    return device_submit(l->inner, cmd, 1 + prng_below(&l->rng, n));
}

static size_t late_poll(struct device *d, struct beat *evt, size_t max)
{
    struct late *l = (struct late *)d;
    if (l->wait && !l->prompt) {
        l->wait--;
        return 0;
    }
    l->wait = (unsigned)(prng_u64(&l->rng) >> prng_between(&l->rng, 54, 63));
    return device_poll(l->inner, evt, l->prompt ? max : prng_below(&l->rng, max + 1));
}

static void late_close(struct device *d)
{
    device_close(((struct late *)d)->inner);
    free(d);
}

static struct device *be_late(struct device *inner, uint64_t seed)
{
    static const struct device_ops ops = {
        .name = "late", .submit = late_submit, .poll = late_poll, .close = late_close};
    struct late *l = calloc(1, sizeof *l);
    ck_assert(l != NULL);
    *l = (struct late){.dev = {.ops = &ops, .info = inner->info}, .inner = inner};
    l->dev.info.lockstep = false;
    prng_seed(&l->rng, seed);
    return &l->dev;
}

static void check_late(struct rig *r)
{
    struct late *l = (struct late *)r->dev;
    l->prompt = true; // its rows are read here, past the engine
    rig_check(r);
    l->prompt = false;
}

static void late_change(struct rig *r)
{
    uint32_t i = (uint32_t)prng_below(&r->rng, r->cfg.accounts);
    if (r->n_flight && prng_chance(&r->rng, 3, 4))
        i = r->in_flight[prng_below(&r->rng, r->n_flight)];
    if (r->flight[i] && prng_chance(&r->rng, 1, 3)) {
        rig_ended(r, i);
        return;
    }
    rig_new_state(r, i);
    rig_changed(r, i);
}

// Each call waits for them: what the rig asks after it holds as with a prompt device.
START_TEST(late_events)
{
    static struct paths path;
    uint64_t seed = test_seed(20261128), breaches = 0;
    for (unsigned book = 0; book < test_rounds(40); book++) {
        struct prng p;
        prng_seed(&p, seed + book);
        struct rig_config c = {
            .accounts = 150, .assets = 5, .columns = 5, .slots_max = 5, .engine = small_boxes};
        c.rows = (uint32_t)prng_between(&p, 8, 60);
        c.bent_pct = book % 4 ? 0 : 50;
        c.engine.warn_ppm = book % 2 ? 1000 : 0;
        c.engine.slice = 20;
        rig_clear(&rig, &c, prng_u64(&p));
        rig_book(&rig);
        rig.wrap = be_late;
        rig_start(&rig);
        rig.keep_of_8 = 4;
        memset(&path, 0, sizeof path);
        path.wild = 1;
        path.busy = 3;
        for (uint16_t a = 0; a < 4; a++)
            rig_put(&rig, a, rig.now[a]);
        for (unsigned k = 0; k < 1500; k++) {
            path_group(&rig, &path);
            if (k == 400) // the last asset's first price
                rig_put(&rig, 4, rig.now[4]);
            rig_send(&rig);
            if (prng_chance(&rig.rng, 1, 3))
                late_change(&rig);
            if (prng_chance(&rig.rng, 1, 40)) {
                rig_review(&rig);
                check_late(&rig);
            }
        }
        check_late(&rig);
        breaches += rig.breaches;
        ck_assert_uint_eq(engine_counters(rig.g)->device_errors, 0);
        rig_close(&rig);
    }
    printf("# %llu reports\n", (unsigned long long)breaches);
    ck_assert_uint_gt(breaches, 1000);
}
END_TEST

// A jump makes a concave account's row, compiled for a wide band, negative (early), and its narrow boxes
// safe: it fires as it is loaded and leaves the device before that is heard. The flag is looked at all the
// same.
START_TEST(fires_and_leaves)
{
    const struct rig_config c = {
        .accounts = 1, .assets = 2, .columns = 2, .rows = 4, .engine = {.band_ppm = 200000, .box_ppm = 300}};
    struct rig *r = by_hand(&c);
    struct account *a = &r->account[0];
    a->n_positions = 2; // a bend at 1.25, beyond the band; 1e12 of each in units of the toy's
    a->position[0] =
        (struct position){.instrument = 0, .size = 1000, .entry = 1250000, .collateral = true, .debt = 500};
    a->position[1] = (struct position){.instrument = 1, .size = 1000000};
    a->cash = INT64_C(250000000000) - INT64_C(1000000000000) + 100000000;
    rig_restate(r, 0);
    rig_start(r);
    rig_put(r, 0, 1000000);
    rig_put(r, 1, 1000000);
    rig_send(r);
    ck_assert_uint_eq(r->g->far.line[0].tier, TIER_HOT);
    ck_assert_uint_eq(engine_counters(r->g)->flags[LEVEL_LIQUIDATE], 0);
    rig_put(r, 0, 1220000); // beyond the band, the bend is within the new one
    rig_put(r, 1, 799900);
    rig_send(r);
    ck_assert_uint_gt(r->g->far.line[0].tier, 1);
    ck_assert_uint_eq(r->g->acct[0].row[LEVEL_LIQUIDATE], NO_ROW);
    ck_assert_uint_eq(r->looked[0], 1);
    ck_assert_uint_eq(engine_counters(r->g)->early, 1);
    ck_assert(!engine_flagged(r->g, 0));
    rig_check(r);
    rig_close(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("boxes_edges");
    TCase *t = tcase_create("edges");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, first_positions_before_any_width);
    tcase_add_loop_test(t, dust_without_a_column, 0, 2);
    tcase_add_loop_test(t, weight_that_comes_with_a_loss, 0, 3);
    tcase_add_loop_test(t, concave_account_near, 0, 4);
    tcase_add_test(t, band_moves_during_a_sweep);
    tcase_add_test(t, concave_accounts_go_far);
    tcase_add_test(t, flagged_while_the_unit_changes);
    tcase_add_loop_test(t, asset_that_nobody_held, 0, 2);
    tcase_add_loop_test(t, asset_without_a_price_yet, 0, 2);
    tcase_add_test(t, accounts_that_begin_empty);
    tcase_add_loop_test(t, empty_books, 0, 2);
    tcase_add_test(t, calm_updates_cost_the_same_for_more_accounts);
    tcase_add_test(t, a_trend_costs_the_tiers_that_change);
    tcase_add_test(t, late_events);
    tcase_add_test(t, fires_and_leaves);
    suite_add_tcase(s, t);
    return run_suite(s);
}
