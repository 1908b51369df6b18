// SPDX-License-Identifier: Apache-2.0
// Devices of any pace under the engine: several as one whose members answer when they like, by arrival and in
// one stream, give the same commands, events, questions and orders, in the same sequence, as one lockstep
// model (P3), and after each call nothing is missed and nothing false (the rig's brute force, P1, P2, P4).
// Flags are judged as they come in, before their place is certain.
#include "../../cosim/fan_mocks.h"
#include "base/test_seed.h"
#include "engine/boxes_paths.h"
#include "run_suite.h"

enum { COLUMNS = 16, SLOW_LANES = 60, BIG_LANES = 250 };

// ---- devices

static int slow_open(const struct device_config *c, struct device **out, struct err *e)
{
    (void)c;
    return mock_open("slow", false, SLOW_LANES, COLUMNS, out, e);
}

static int big_open(const struct device_config *c, struct device **out, struct err *e)
{
    (void)c;
    return mock_open("big", false, BIG_LANES, COLUMNS, out, e);
}

// A model whose events come when `gate` is zero: each look at it is one step of time.
static unsigned gate;

static size_t gated_poll(struct device *d, struct beat *evt, size_t max)
{
    struct mock *m = (struct mock *)d;
    gate -= gate > 0;
    mock_work(m, 64);
    return gate ? 0 : device_poll(m->inner, evt, max);
}

static int gated_open(const struct device_config *c, struct device **out, struct err *e)
{
    static struct device_ops ops;
    (void)c;
    if (mock_open("gated", false, 1, COLUMNS, out, e) != 0)
        return -1;
    ops = mock_ops;
    ops.poll = gated_poll;
    (*out)->ops = &ops;
    return 0;
}

static void register_all(void)
{
    static const struct device_ops ops[] = {{.name = "slow", .open = slow_open},
                                            {.name = "big", .open = big_open},
                                            {.name = "gated", .open = gated_open}};
    static bool done;
    if (done)
        return;
    done = true;
    device_register(&device_ops_model);
    device_register(&device_ops_fan);
    mocks_register();
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        device_register(&ops[i]);
}

static const struct device_config *wanted; // NULL: the rig's own model

static struct device *instead(struct device *model, uint64_t seed)
{
    struct device *d;
    struct err e;
    if (!wanted)
        return model;
    struct device_config c = *wanted;
    c.lanes = model->info.lanes;
    c.slots = model->info.slots;
    c.assets = model->info.assets;
    device_close(model);
    mock_random_state = seed;
    ck_assert_msg(device_open(&c, &d, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq((uint64_t)d->info.lanes * d->info.slots, (uint64_t)c.lanes * c.slots);
    ck_assert_uint_eq(d->info.assets, COLUMNS);
    ck_assert(d->info.arrival == c.arrival);
    return d;
}

// ---- everything the engine tells, in its order

enum told { COMMANDS = 1, EVENT, CHECKING, BREACH, NEAR, STAKE };

static struct log {
    uint64_t *at;
    size_t n, room;
} one, other, *now_told;
static uint64_t n_ahead;
static size_t burst, longest; // flags of a call

static void put(enum told what, uint64_t x)
{
    struct log *l = now_told;
    if (l->n == l->room) {
        l->room = l->room ? 2 * l->room : 4096;
        l->at = realloc(l->at, l->room * sizeof *l->at);
        ck_assert(l->at != NULL);
    }
    l->at[l->n++] = x * 8 + what;
}

static uint64_t digest(const struct beat *b, size_t n)
{
    const unsigned char *p = (const unsigned char *)b;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n * sizeof *b; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void tell_commands(void *ctx, const struct beat *b, size_t n)
{
    (void)ctx;
    put(COMMANDS, digest(b, n));
}

static void tell_event(void *ctx, const struct beat *b)
{
    struct beat x = *b;
    (void)ctx;
    abi_event_mask(&x);
    put(EVENT, digest(&x, 1));
    burst += abi_opcode(b) == ABI_EVT_TRIGGER;
    longest = burst > longest ? burst : longest;
}

static void tell_checking(void *ctx, size_t account, bool fresh)
{
    rig_checking(ctx, account, fresh);
    put(CHECKING, account * 2 + fresh);
}

static enum engine_verdict tell_breach(void *ctx, size_t account)
{
    put(BREACH, account);
    return rig_breach(ctx, account);
}

static void tell_near(void *ctx, size_t account, bool on)
{
    (void)ctx;
    put(NEAR, account * 2 + on);
}

static int64_t tell_stake(void *ctx, size_t account)
{
    (void)ctx;
    put(STAKE, account);
    return (int64_t)(account * 7919 % 13); // many alike: depth and order of flags decide among them
}

static void tell_ahead(void *ctx, size_t account)
{
    const struct rig *r = ctx;
    must(toy_health(&r->account[account], r->px) < 0, "account %zu sized ahead, and healthy", account);
    n_ahead++;
}

static void listen(struct rig *r, struct log *l)
{
    struct engine_hooks *h = &r->g->hooks;
    h->commands = tell_commands;
    h->event = tell_event;
    h->checking = tell_checking;
    h->breach = tell_breach;
    h->near = tell_near;
    h->stake = tell_stake;
    h->ahead = tell_ahead;
    l->n = 0;
    now_told = l;
}

// ---- random books

static struct rig rig;

// Depths that differ, so that accounts of equal stake have an order.
static void deep_health(const struct market *m, const struct account *a, const int64_t *px,
                        struct health *out)
{
    toy_judge(m, a, px, out);
    out->requirement = i256_shl(i256_from_i64(1), (uint8_t)(20 + a->id % 40));
    out->equity = i256_add(out->equity, out->requirement);
}

static void go_deep(struct rig *r)
{
    static struct rule deep[3];
    for (size_t k = 0; k < 3; k++) {
        deep[k] = toy_rule[k];
        deep[k].health = deep_health;
    }
    for (uint32_t i = 0; i < r->cfg.accounts; i++)
        r->account[i].rule = &deep[r->account[i].rule - toy_rule];
}

static void between(struct rig *r)
{
    struct prng *p = &r->rng;
    uint32_t i = (uint32_t)prng_below(p, r->cfg.accounts);
    if (r->n_flight && prng_chance(p, 7, 8))
        i = r->in_flight[prng_below(p, r->n_flight)];
    burst = 0;
    if (r->flight[i] && prng_chance(p, 1, 3)) {
        rig_ended(r, i);
    } else if (prng_chance(p, 1, 2)) {
        rig_new_state(r, i);
        rig_changed(r, i);
    }
    if (prng_chance(p, 1, 8)) {
        uint64_t before = r->g->instant;
        bool moving = engine_moving(r->g);
        (void)rig_idle(r, 1 + (uint32_t)prng_below(p, 60));
        must(!moving || r->g->instant != before, "what was found out ahead outlives its call");
    }
    if (prng_chance(p, 1, 30))
        rig_review(r);
}

static void walk(const struct rig_config *c, const struct device_config *dc, uint64_t seed, struct log *l)
{
    static struct paths path;
    struct rig *r = &rig;
    rig_clear(r, c, seed);
    rig_book(r);
    go_deep(r);
    wanted = dc;
    r->wrap = instead;
    rig_start(r);
    listen(r, l);
    r->keep_of_8 = (unsigned)prng_below(&r->rng, 6);
    memset(&path, 0, sizeof path);
    path.wild = 4;
    path.busy = 3;
    path_first(r, 8);
    for (unsigned k = 0; k < 250; k++) {
        burst = 0;
        path_group(r, &path);
        if (prng_chance(&r->rng, 1, 20)) // everything falls, and comes back
            for (uint16_t a = 0; a < c->assets; a++)
                rig_put(r, a, r->px[a] - r->px[a] / 8);
        rig_send(r);
        if (prng_chance(&r->rng, 1, 2))
            between(r);
    }
    const struct engine_counters *n = engine_counters(r->g);
    put(COMMANDS, n->flags[LEVEL_LIQUIDATE]);
    put(COMMANDS, n->confirmed);
    put(COMMANDS, n->early);
    put(COMMANDS, n->watch_evaluations);
    ck_assert_uint_eq(n->device_errors, 0);
    rig_close(r);
}

static void same_log(const char *device, uint64_t seed)
{
    size_t n = one.n < other.n ? one.n : other.n, i = 0;
    while (i < n && one.at[i] == other.at[i])
        i++;
    ck_assert_msg(i == one.n && i == other.n, "%s, seed %llu: entry %zu of %zu and %zu differs (%u, %u)",
                  device, (unsigned long long)seed, i, one.n, other.n,
                  i < one.n ? (unsigned)one.at[i] % 8 : 0, i < other.n ? (unsigned)other.at[i] % 8 : 0);
}

static const struct device_config plan[] = {
    {.backend = "slow*2,model", .arrival = true},
    {.backend = "slow*2,model*2"},
    {.backend = "choosy,late,model", .arrival = true},
    {.backend = "model*3", .arrival = true},
    {.backend = "late"},
};
enum { PLANS = sizeof plan / sizeof *plan };

static struct rig_config random_config(struct prng *p, bool boxed)
{
    struct rig_config c = {.slots_max = 5, .columns = COLUMNS, .slack_pct = 20};
    c.accounts = (uint32_t)prng_between(p, 100, 300);
    c.assets = (uint32_t)prng_between(p, 1, 6);
    c.bent_pct = prng_chance(p, 1, 2) ? 30 : 0;
    c.engine = (struct engine_config){.band_ppm = 200000, .warn_ppm = prng_chance(p, 1, 2) ? 1000 : 0};
    c.rows = boxed ? (uint32_t)prng_between(p, 250, 300) : 4 * c.accounts;
    if (boxed) {
        c.engine.box_ppm = prng_chance(p, 1, 2) ? 300 : 20000;
        c.engine.slice = 20;
    }
    return c;
}

// "late" alone has 8 rows: the boxes are then short of room, and its one stream is late as well.
static void plan_run(unsigned k, bool boxed)
{
    uint64_t seed = test_seed(20261129 + k);
    struct prng p;
    n_ahead = longest = 0;
    register_all();
    prng_seed(&p, seed);
    for (unsigned round = 0; round < test_rounds(20); round++) {
        struct rig_config c = random_config(&p, boxed);
        struct device_config dc = plan[k];
        if (round == 0) { // a fall of everything stays in the boxes: a burst, whatever is drawn
            c.accounts = 300;
            c.bent_pct = 0;
            c.rows = 4 * c.accounts;
            c.engine.box_ppm = boxed ? 200000 : 0;
        }
        if (strcmp(dc.backend, "late") == 0 && boxed)
            c.rows = 8;
        else if (strcmp(dc.backend, "late") == 0)
            dc.backend = "big*3", c.rows = 6 * BIG_LANES;
        uint64_t book = prng_u64(&p);
        walk(&c, NULL, book, &one);
        walk(&c, &dc, book, &other);
        same_log(dc.backend, book);
    }
    printf("# %s%s: %zu entries, up to %zu flags of one call, %llu sized ahead\n", plan[k].backend,
           boxed ? ", boxes" : "", one.n, longest, (unsigned long long)n_ahead);
    ck_assert(plan[k].arrival == (n_ahead > 0));
    bool shortened = test_rounds(20) < 20; // under sanitizers: whether a burst is among them is luck
    ck_assert(longest > ENGINE_BATCH || shortened || (boxed && k == PLANS - 1));
}

START_TEST(all_on_the_device)
{
    plan_run((unsigned)_i, false);
}
END_TEST

START_TEST(nested_boxes)
{
    plan_run((unsigned)_i, true);
}
END_TEST

// ---- a flag that has to wait for its turn

static unsigned gate_at_health[2]; // what was left of the wait when the exact rule was asked about an account
static bool watching;

static void watched_health(const struct market *m, const struct account *a, const int64_t *px,
                           struct health *out)
{
    if (watching && gate_at_health[a->id - 1] == UINT32_MAX)
        gate_at_health[a->id - 1] = gate;
    toy_judge(m, a, px, out);
}

// Two accounts, the first on the slow member: by place its flag comes first. Returns how many steps after
// the tick the second was judged.
static unsigned steps_to_verdict(bool arrival, unsigned steps)
{
    static struct rule rule;
    struct rig *r = &rig;
    const struct rig_config c = {
        .accounts = 2, .assets = 1, .columns = COLUMNS, .rows = 4, .engine = {.band_ppm = 200000}};
    const struct device_config dc = {.backend = "gated,model", .arrival = arrival};
    struct log told = {0};
    register_all();
    rig_clear(r, &c, 1);
    rig_market(r);
    r->now[0] = 1000000;
    rule = toy_rule[0];
    rule.health = watched_health;
    for (uint32_t i = 0; i < 2; i++) {
        r->first[i + 1] = r->first[i];
        rig_add_side(r, i, 0);
        r->account[i] = (struct account){.id = i + 1, .rule = &rule, .n_positions = 1};
        r->account[i].position[0] = (struct position){.size = 1000};
        r->account[i].cash = -1000 * (990000 - 1000 * (int64_t)i); // the nearer has the lower row
        rig_restate(r, i);
    }
    wanted = &dc;
    r->wrap = instead;
    gate = 0;
    watching = false;
    rig_start(r);
    ck_assert(!r->g->boxed);
    listen(r, &told);
    path_first(r, 8);
    ck_assert(r->g->row[0].account == 0 && r->g->row[1].account == 1);
    ck_assert_uint_eq(told.n > 0, 1);
    told.n = n_ahead = 0;
    gate_at_health[0] = gate_at_health[1] = UINT32_MAX;
    gate = steps;
    watching = true;
    rig_put(r, 0, 980000);
    rig_send(r); // and both are reported
    // In the merged order: the commands, both events, then both are asked about and handed out, the greater
    // stake first.
    static const enum told order[] = {COMMANDS, EVENT, EVENT,  CHECKING, STAKE,
                                      CHECKING, STAKE, BREACH, BREACH};
    ck_assert_uint_eq(told.n, sizeof order / sizeof *order);
    for (size_t i = 0; i < told.n; i++)
        ck_assert_uint_eq(told.at[i] % 8, order[i]);
    ck_assert_uint_eq(told.at[3] / 8, 0 * 2 + 1);
    ck_assert_uint_eq(told.at[5] / 8, 1 * 2 + 1);
    ck_assert_uint_eq(n_ahead, arrival ? 2 : 0);
    ck_assert_uint_eq(gate_at_health[0], 0);
    unsigned took = steps - gate_at_health[1];
    free(told.at);
    rig_close(r);
    return took;
}

START_TEST(judged_before_its_place_is_certain)
{
    for (unsigned steps = 10; steps <= 10000; steps *= 10) {
        unsigned by_arrival = steps_to_verdict(true, steps), in_order = steps_to_verdict(false, steps);
        printf("# modelled: member of %u steps; the other's flag judged after %u, in order after %u: 1/%u\n",
               steps, by_arrival, in_order, in_order / by_arrival);
        ck_assert_uint_eq(in_order, steps);
        ck_assert_uint_le(by_arrival, 4);
    }
}
END_TEST

// In place of what was found out ahead: that somebody else's account is healthy.
static void spoil(void *ctx, const struct beat *b)
{
    struct rig *r = ctx;
    struct abi_trigger x;
    abi_unpack_trigger(b, &x);
    if (abi_opcode(b) != ABI_EVT_TRIGGER)
        return;
    ck_assert(r->g->ahead[x.row].is.liquidatable);
    r->g->ahead[x.row].account++;
    r->g->ahead[x.row].is.liquidatable = false;
}

// What was found out ahead does not outlive the state it was found for, and is no other account's.
START_TEST(not_for_another_state)
{
    struct rig *r = &rig;
    const struct rig_config c = {
        .accounts = 1, .assets = 1, .columns = COLUMNS, .rows = 12, .engine = {.band_ppm = 200000}};
    const struct device_config dc = {.backend = "late,model", .arrival = true};
    register_all();
    rig_clear(r, &c, 1);
    rig_market(r);
    r->now[0] = 1000000;
    r->first[1] = 0;
    rig_add_side(r, 0, 0);
    r->account[0] = (struct account){.id = 1, .rule = &toy_rule[0], .n_positions = 1};
    r->account[0].position[0] = (struct position){.size = 1000};
    r->account[0].cash = -INT64_C(990000000);
    r->account[0].emode = 8; // a slack of 3.9e6: early from 993,868 on
    rig_restate(r, 0);
    wanted = &dc;
    r->wrap = instead;
    rig_start(r);
    struct log told = {0};
    listen(r, &told);
    path_first(r, 8);
    if (_i == 2)
        r->g->hooks.event = spoil;
    rig_put(r, 0, _i == 2 ? 985000 : 992000);
    rig_send(r); // reports what is in breach
    ck_assert_uint_eq(engine_counters(r->g)->early, _i != 2);
    r->account[0].cash -= 5000000; // in breach at the same price
    rig_restate(r, 0);
    if (_i == 0) {
        rig_changed(r, 0); // reported
        ck_assert_uint_eq(engine_counters(r->g)->confirmed, 1);
    } else if (_i == 1) { // as if by a new parameter
        const uint16_t asset = 0;
        struct err e;
        rig_expect(r);
        ck_assert_int_eq(engine_market_changed(r->g, NULL, &asset, 1, &e), 0);
        rig_same_set(r, "parameters");
    }
    free(told.at);
    rig_close(r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("arrival");
    TCase *t = tcase_create("arrival");
    tcase_set_timeout(t, 200);
    tcase_add_loop_test(t, all_on_the_device, 0, PLANS);
    tcase_add_loop_test(t, nested_boxes, 0, PLANS);
    tcase_add_test(t, judged_before_its_place_is_certain);
    tcase_add_loop_test(t, not_for_another_state, 0, 3);
    suite_add_tcase(s, t);
    return run_suite(s);
}
