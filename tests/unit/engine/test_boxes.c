// SPDX-License-Identifier: Apache-2.0
// More accounts than the device has rows: nested boxes against brute force in exact integers. Random books of
// affine and concave accounts, devices of 8 to 200 rows, prices that walk, trend, crash, jump onto the edges
// of every box, change their unit and come late; deposits, fills and refused orders in between. After every
// group the set of reported breaches must equal the set of accounts in breach. TICKS=n for another number of
// ticks in all (default about a million; 50 million take some minutes).
#include "base/test_seed.h"
#include "engine/boxes_check.h"
#include "engine/boxes_params.h"
#include "engine/boxes_paths.h"
#include "run_suite.h"

enum book_kind { BOOK_AFFINE, BOOK_CONCAVE, BOOK_WEIGHTED };

static struct rig rig;

static uint64_t ticks_wanted(void)
{
    const char *s = getenv("TICKS");
    return s && *s ? strtoull(s, NULL, 0) : test_rounds(1250000);
}

static void random_config(struct prng *p, bool bent, struct rig_config *c)
{
    static const uint32_t boxes[] = {0, 20, 300, 3000, 20000}, slices[] = {0, 1, 7, 100, 5000},
                          warns[] = {0, 1000, 100000}, bands[] = {100, 3000, 20000, 200000, 500000};
    *c = (struct rig_config){.slots_max = 40};
    c->accounts =
        (uint32_t)(bent ? prng_between(p, 10, 120) : prng_between(p, 30, prng_chance(p, 1, 6) ? 3000 : 500));
    c->assets = (uint32_t)prng_between(p, 1, prng_chance(p, 1, 5) ? 48 : 8);
    c->columns = prng_chance(p, 1, 4) ? (uint32_t)prng_between(p, 1, c->assets) : c->assets;
    c->rows = (uint32_t)prng_between(p, 8, prng_chance(p, 1, 3) ? 200 : 40);
    c->bent_pct = bent ? (unsigned)prng_between(p, 20, 100) : 0;
    c->slack_pct = prng_chance(p, 1, 2) ? 20 : 0;
    c->wide_pct = prng_chance(p, 1, 3) ? 30 : 0;
    c->engine =
        (struct engine_config){.band_ppm = bands[prng_below(p, 5)],
                               .warn_ppm = warns[prng_below(p, 3)],
                               .box_ppm = boxes[prng_below(p, 5)],
                               .near_rows = prng_chance(p, 1, 3) ? (uint32_t)prng_between(p, 1, 40) : 0,
                               .slice = slices[prng_below(p, 5)]};
}

// Orders come back, states change, the background has time: between two groups.
static void between(struct rig *r, unsigned rate)
{
    struct prng *p = &r->rng;
    unsigned n = prng_chance(p, 1, 2000) ? 4 * r->cfg.accounts : (unsigned)prng_below(p, 256) < rate;
    while (n--) {
        uint32_t i = (uint32_t)prng_below(p, r->cfg.accounts);
        if (r->n_flight && prng_chance(p, 7, 8))
            i = r->in_flight[prng_below(p, r->n_flight)];
        if (r->flight[i] && prng_chance(p, 1, 3)) {
            rig_ended(r, i);
            continue;
        }
        if (!prng_chance(p, 1, 8)) // else as it was: refused, and looked up again
            rig_new_state(r, i);
        rig_changed(r, i);
    }
    if (r->cfg.weighted && prng_chance(p, 1, 6)) // now and then many of them without any price
        for (unsigned k = prng_chance(p, 1, 200) ? 300 : 1; k--;)
            params_change(r);
    if (prng_chance(p, 1, 16))
        (void)rig_idle(r, prng_chance(p, 1, 8) ? UINT32_MAX : (uint32_t)prng_below(p, 60));
    if (prng_chance(p, 1, 300)) {
        rig_review(r);
        check_reasons(r);
    }
}

struct sums {
    uint64_t ticks, groups, breaches, firsts, changes, checks, edges, books;
    uint64_t background, foreground, host, units, early, rearmed, tier_changes, flags;
    uint64_t shifted, rebuilt, narrowed, stale, crossed;
};

static void add_up(struct sums *s, const struct rig *r)
{
    const struct engine_counters *c = engine_counters(r->g);
    s->books++;
    s->ticks += r->ticks;
    s->groups += r->groups;
    s->breaches += r->breaches;
    s->firsts += r->firsts;
    s->changes += r->changes;
    s->checks += r->checks;
    s->edges += r->edges;
    s->background += c->boxes_background;
    s->foreground += c->boxes_foreground;
    s->host += c->host_flags;
    s->units += c->units_changed;
    s->early += c->early;
    s->rearmed += c->rearmed;
    s->tier_changes += c->tier_changes;
    s->flags += c->flags[LEVEL_LIQUIDATE];
    s->shifted += c->parameters_shifted;
    s->rebuilt += c->parameters_rebuilt;
    s->narrowed += c->boxes_narrowed;
    s->stale += c->lines_stale;
    s->crossed += r->g->n_crossed;
    must(c->device_errors == 0, "the device reported errors");
    must(c->band_exits_expected == c->band_exits_seen, "band exits: %llu expected, %llu seen",
         (unsigned long long)c->band_exits_expected, (unsigned long long)c->band_exits_seen);
}

static void tell(const struct sums *s)
{
    printf("# %llu books, %llu groups, %llu ticks, %llu new states, %llu jumps onto edges, %llu checks of "
           "everything\n",
           (unsigned long long)s->books, (unsigned long long)s->groups, (unsigned long long)s->ticks,
           (unsigned long long)s->changes, (unsigned long long)s->edges, (unsigned long long)s->checks);
    printf("# %llu first breaches, %llu reports; flags: %llu by the device, %llu by the host; %llu early, "
           "%llu armed again\n",
           (unsigned long long)s->firsts, (unsigned long long)s->breaches, (unsigned long long)s->flags,
           (unsigned long long)s->host, (unsigned long long)s->early, (unsigned long long)s->rearmed);
    printf("# boxes moved: %llu in the background, %llu in the foreground; %llu tier changes, %llu units\n",
           (unsigned long long)s->background, (unsigned long long)s->foreground,
           (unsigned long long)s->tier_changes, (unsigned long long)s->units);
    if (s->shifted)
        printf(
            "# parameters of an asset: %llu within a bound, %llu all made anew; %llu guards narrowed, %llu "
            "stale lines, %llu accounts crossed\n",
            (unsigned long long)s->shifted, (unsigned long long)s->rebuilt, (unsigned long long)s->narrowed,
            (unsigned long long)s->stale, (unsigned long long)s->crossed);
}

// Parameters that change, accounts that stand against themselves, stamps that run out; books without much
// else.
static void weigh(struct prng *p, struct rig_config *c)
{
    c->weighted = true;
    c->crossed_pct = prng_chance(p, 1, 2) ? (unsigned)prng_between(p, 1, 50) : 0;
    if (c->accounts > 600)
        c->accounts = 600;
}

static void one_book(struct rig *r, enum book_kind kind, uint64_t seed, uint64_t ticks, struct sums *s)
{
    bool bent = kind == BOOK_CONCAVE;
    static struct paths path;
    struct rig_config c;
    struct prng p;
    prng_seed(&p, seed);
    random_config(&p, bent || (kind == BOOK_WEIGHTED && prng_chance(&p, 1, 4)), &c);
    if (kind == BOOK_WEIGHTED)
        weigh(&p, &c);
    rig_open(r, &c, prng_u64(&p));
    if (kind == BOOK_WEIGHTED && prng_chance(&p, 1, 2))
        r->g->changes = UINT32_MAX - (uint32_t)prng_below(&p, 300);
    r->keep_of_8 = (unsigned)prng_below(&r->rng, 9);
    memset(&path, 0, sizeof path);
    path.wild = (unsigned)prng_below(&r->rng, prng_chance(&r->rng, 1, 2) ? 2 : bent ? 5 : 9);
    path.busy = (unsigned)prng_between(&r->rng, 1, c.assets < 6 ? c.assets : 6);
    unsigned rate = (unsigned)prng_below(&r->rng, bent ? 20 : 60),
             every = (unsigned)prng_between(&r->rng, 20, 400);
    ticks = (uint64_t)prng_between(&r->rng, (int64_t)ticks / 40, (int64_t)ticks);
    path_first(r, (unsigned)prng_between(&r->rng, 0, 8));
    for (uint64_t k = 0; r->ticks < ticks && k < 4 * ticks; k++) {
        path_group(r, &path);
        if (prng_chance(&r->rng, 1, 50))
            path_late(r);
        rig_send(r);
        between(r, rate);
        if (k % every == 0)
            rig_check(r);
    }
    rig_check(r);
    add_up(s, r);
    rig_close(r);
}

static struct sums books(enum book_kind kind, uint64_t ticks, uint64_t each, uint64_t seed)
{
    struct sums s = {0};
    const char *only = getenv("BOOK"); // one book alone, by the seed that was printed for it
    for (uint64_t k = 0; s.ticks < ticks; k++) {
        uint64_t book = only ? strtoull(only, NULL, 0) : seed + k;
        printf("# BOOK=%llu\n", (unsigned long long)book);
        fflush(stdout);
        one_book(&rig, kind, book, each, &s);
        if (only)
            break;
    }
    tell(&s);
    return s;
}

START_TEST(affine_accounts)
{
    uint64_t seed = test_seed(20261125), ticks = ticks_wanted() / 5 * 4;
    struct sums s = books(BOOK_AFFINE, ticks, 20000, seed);
    if (s.books == 1)
        return;
    ck_assert_uint_gt(s.firsts, s.ticks / 100); // else nothing was judged
    ck_assert_uint_gt(s.host, 1000);
    ck_assert_uint_gt(s.flags, 1000);
    ck_assert_uint_gt(s.background, 1000);
    ck_assert_uint_gt(s.foreground, 1000);
    ck_assert_uint_gt(s.units, 100);
}
END_TEST

START_TEST(concave_accounts)
{
    uint64_t seed = test_seed(20261126) + 1000000, ticks = ticks_wanted() / 5;
    struct sums s = books(BOOK_CONCAVE, ticks, 4000, seed);
    if (s.books == 1)
        return;
    ck_assert_uint_gt(s.firsts, s.ticks / 100);
    ck_assert_uint_gt(s.background, 500);
    ck_assert_uint_gt(s.foreground, 500);
    ck_assert_uint_gt(s.early, 50);
}
END_TEST

START_TEST(changing_parameters)
{
    uint64_t seed = test_seed(20261127) + 2000000, ticks = ticks_wanted() / 5;
    struct sums s = books(BOOK_WEIGHTED, ticks, 6000, seed);
    if (s.books == 1)
        return;
    ck_assert_uint_gt(s.firsts, s.ticks / 100);
    ck_assert_uint_gt(s.shifted, s.ticks / 40);
    ck_assert_uint_gt(s.rebuilt, 100);
    ck_assert_uint_gt(s.narrowed, 1000);
    ck_assert_uint_gt(s.stale, 1000);
    ck_assert_uint_gt(s.crossed, 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("boxes");
    TCase *t = tcase_create("boxes");
    tcase_set_timeout(t, 24 * 3600); // TICKS; the suite's own timeout ends a hang
    tcase_add_test(t, affine_accounts);
    tcase_add_test(t, concave_accounts);
    suite_add_tcase(s, t);
    t = tcase_create("parameters");
    tcase_set_timeout(t, 24 * 3600);
    tcase_add_test(t, changing_parameters);
    suite_add_tcase(s, t);
    return run_suite(s);
}
