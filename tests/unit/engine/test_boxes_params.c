// SPDX-License-Identifier: Apache-2.0
// Parameters that change while boxes are on the move: many accounts, spread evenly over all distances, so
// that some are just safe behind each level; lists are walked an account or two at a time, and everything is
// checked after every step. ROUNDS of it for each of some seeds.
#include "base/test_seed.h"
#include "engine/boxes_check.h"
#include "engine/boxes_params.h"
#include "run_suite.h"

enum { ACCOUNTS = 400, ROUNDS = 15, WEIGHT = 1000000, PRICE = 1000000, SIZE = 1000 };

static struct rig rig;

// Long or short, 0.1 % to 0.9 % away from zero; some hold the other asset too, some as much against
// themselves.
static void hold(struct rig *r, uint32_t i)
{
    struct account *a = &r->account[i];
    i128 value = (i128)SIZE * WEIGHT * PRICE;
    int sign = i % 2 ? 1 : -1;
    *a = (struct account){.id = i + 1, .rule = &toy_rule[0], .n_positions = 1};
    a->position[0] = (struct position){.instrument = i % 16 == 15, .size = sign * SIZE};
    if (i % 5 == 0 && a->position[0].instrument == 0)
        a->position[a->n_positions++] = (struct position){.instrument = 1, .size = SIZE / 10};
    if (i % 7 == 0)
        a->position[0].supply = SIZE - (i % 2) * SIZE / 10;
    a->cash = value / 1000000 * (1000 + 20 * i) - toy_health(a, r->now);
    rig_restate(r, i);
}

static void start(uint64_t seed)
{
    struct rig *r = &rig;
    struct rig_config c = {.accounts = ACCOUNTS, .assets = 2, .columns = 2, .rows = 40, .weighted = true};
    c.crossed_pct = 1;
    c.engine = (struct engine_config){.band_ppm = 20000, .box_ppm = 1000};
    rig_clear(r, &c, seed);
    rig_market(r);
    for (uint16_t a = 0; a < 2; a++) {
        r->now[a] = PRICE;
        r->book.market.asset[a].spread_ppm = 0;
        r->book.market.instrument[a].lt_bps = r->book.market.instrument[a].lb_bps = WEIGHT;
    }
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        r->first[i + 1] = r->first[i];
        rig_add_side(r, i, 0);
        rig_add_side(r, i, 1);
        hold(r, i);
    }
    rig_start(r);
    rig_put(r, 0, PRICE);
    rig_put(r, 1, PRICE);
    rig_send(r);
}

// A cut of up to so many ppm of what asset a counts, or a rise of what a debt in it does.
static void cut(struct rig *r, uint16_t a, int64_t ppm)
{
    static struct market was;
    struct instrument *in = &r->book.market.instrument[a];
    was = r->book.market;
    if (prng_chance(&r->rng, 1, 2))
        in->lt_bps -= (uint32_t)(in->lt_bps * prng_between(&r->rng, 0, ppm) / 1000000);
    else
        in->lb_bps += (uint32_t)(in->lb_bps * prng_between(&r->rng, 0, ppm) / 1000000);
    params_tell(r, &was, &a, 1);
}

START_TEST(changes_while_lists_are_walked)
{
    uint64_t seed = test_seed(20261202), stale = 0;
    for (uint64_t k = 0; k < test_rounds(120); k++) {
        struct rig *r = &rig;
        start(seed + k);
        int64_t small = prng_between(&r->rng, 0, 1) ? 6 : 2000, walk = prng_between(&r->rng, 0, 1) * 4000;
        for (int n = 0; n < ROUNDS; n++) {
            uint16_t a = prng_chance(&r->rng, 1, 8);
            if (walk && prng_chance(&r->rng, 1, 3)) {
                rig_put(r, a, r->px[a] + r->px[a] * prng_between(&r->rng, -walk, walk) / 1000000);
                rig_send(r);
            }
            for (uint64_t steps = walk ? prng_below(&r->rng, 30) : 0; steps--;)
                (void)rig_idle(r, 1);
            rig_check(r);
            cut(r, a, small);
            rig_check(r);
            if (prng_chance(&r->rng, 1, 3))
                (void)rig_idle(r, 100000);
            rig_check(r);
        }
        stale += engine_counters(r->g)->lines_stale;
        ck_assert_uint_gt(engine_counters(r->g)->parameters_shifted, ROUNDS / 2);
        rig_close(r);
    }
    printf("# %llu stale lines\n", (unsigned long long)stale);
    ck_assert_uint_gt(stale, 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("boxes_params");
    TCase *t = tcase_create("parameters");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, changes_while_lists_are_walked);
    suite_add_tcase(s, t);
    return run_suite(s);
}
