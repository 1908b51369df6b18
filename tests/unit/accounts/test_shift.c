// SPDX-License-Identifier: Apache-2.0
// rule->shift against the exact rules: an account is put just below its threshold with new parameters, at a
// moment of its old row's span; the lasting row made of the old parameters must be below zero there with the
// prices moved by the bound, and with no move where the spare is said to do. CASES=n for another number.
#include <check.h>
#include <stdlib.h>

#include "accounts/moving.h"
#include "base/test_seed.h"
#include "engine/walk_book.h"
#include "engine/walk_params.h"
#include "run_suite.h"

#define SECOND UINT64_C(1000000000)
#define ONE    ((i128)1 << SHIFT_BITS)
enum { CASES = 30000, NOW_S = 1790000000 };

static struct market was, is;
static struct account a;
static int64_t px[MARKET_ASSETS_MAX];
static struct shift moved[MARKET_ASSETS_MAX];

static void rates(struct prng *r, struct market *m)
{
    const u128 ray = (u128)1000000000000000000ull * 1000000000ull;
    for (uint16_t i = 0; i < m->n_instruments; i++) {
        struct instrument *in = &m->instrument[i];
        if (in->kind != INST_RESERVE) {
            in->n_tiers = 1;
            in->profit_weight_ppm = 0;
            continue;
        }
        in->told_at = NOW_S - (uint64_t)prng_between(r, 0, 100000);
        in->liquidity_rate = ray / 1000 * (uint64_t)prng_between(r, 0, 300);
        in->borrow_rate = ray / 1000 * (uint64_t)prng_between(r, 1, 900);
        if (in->lt_bps > 200 && prng_chance(r, 1, 3)) {
            in->ramp_from_bps = in->lt_bps;
            in->lt_bps /= 2;
            in->ramp_start = NOW_S - 1000;
            in->ramp_end = NOW_S + (uint64_t)prng_between(r, 300000, 1000000);
        }
    }
}

// Least of the account's old rows, with every price moved by its bound, in the rule's own quantum.
static i256 least_moved(const struct affine *f, int n)
{
    i256 least = I256_ZERO;
    for (int x = 0; x < n; x++) {
        i256 l = i256_sub(f[x].c, f[x].slack);
        for (unsigned k = 0; k < f[x].n; k++) {
            const struct shift *s = &moved[f[x].asset[k]];
            bool gains = i256_sign(f[x].a[k]) > 0;
            i128 p = (i128)px[f[x].asset[k]] * (gains ? ONE - (i128)s->down : ONE + (i128)s->up);
            p = gains ? p >> SHIFT_BITS : (p >> SHIFT_BITS) + 1;
            l = i256_add(l, i256_mul(f[x].a[k], i256_from_i128(p)));
        }
        if (x == 0 || i256_cmp(l, least) < 0)
            least = l;
    }
    return least;
}

// Changes what the account holds; the bounds in moved[]. False: none is known.
static bool change(struct prng *r, uint64_t now, uint64_t until, bool *spare_does)
{
    memset(moved, 0, sizeof moved);
    *spare_does = true;
    for (unsigned k = 0; k < a.n_positions; k++) {
        unsigned i = a.position[k].instrument;
        struct instrument *in = &is.instrument[i];
        struct shift s;
        bool spared;
        u128 ppm =
            prng_chance(r, 3, 4) ? 7 : prng_below(r, 2000); // of an index: what the spare just takes, or more
        if (prng_chance(r, 1, 3))
            continue;
        if (in->kind == INST_RESERVE && prng_chance(r, 1, 2)) {
            in->borrow_index += in->borrow_index / 1000000 * ppm;
            in->liquidity_index -= (in->liquidity_index - in->liquidity_index / 2) / 500000 * ppm;
            if (in->ramp_end && prng_chance(r, 1, 2))
                in->ramp_end -= 200000;
        } else if (in->kind == INST_RESERVE)
            walk_reserve(r, in, now, true);
        else
            walk_perpetual(r, in, now, true);
        if (!a.rule->shift(&is, &was.instrument[i], in, &until, 1, &s, &spared))
            return false;
        uint64_t most = s.down > s.up ? s.down : s.up;
        *spare_does &= most == 0 || (spared && most <= SHIFT_SPARE);
        moved[in->asset] = s;
    }
    return true;
}

static bool below_edge(const struct market *m)
{
    if (a.rule == &rule_aave_3_5) {
        walk_debt_edge(m, &a, px);
        for (unsigned k = 0; k < a.n_positions; k++)
            if (a.position[k].debt) {
                a.position[k].debt++;
                break;
            }
    } else {
        walk_cash_edge(m, &a, px);
        a.cash--;
    }
    return walk_liquidatable(m, &a, px);
}

struct sums {
    uint64_t judged, spared;
};

static void one_case(uint64_t seed, struct sums *s)
{
    static struct affine f[RULE_ROWS_MAX];
    struct band band[MARKET_ASSETS_MAX];
    struct prng r;
    struct err e;
    prng_seed(&r, seed);
    walk_market(&r, &was, px);
    rates(&r, &was);
    walk_account(&r, &was, px, 1, &a);
    uint64_t span = UINT64_C(64) << prng_below(&r, 13), from = NOW_S;
    uint64_t now = from + prng_below(&r, span), until = now + span + 1;
    uint64_t at = now + prng_below(&r, from + span - now + 1);
    bool spare_does;
    is = was;
    is.now_s = now;
    if (!a.rule->shift || (a.rule->crossed && a.rule->crossed(&was, &a)) ||
        !change(&r, now, until, &spare_does))
        return;
    for (unsigned i = 0; i < is.n_instruments; i++)
        market_told(&is, i);
    market_now(&is, at * SECOND);
    if (account_validate(&is, &a, &e) != 0 || !below_edge(&is) || account_validate(&was, &a, &e) != 0)
        return;
    market_window(&was, from * SECOND, (from + span) * SECOND);
    was.lasting = true;
    for (unsigned i = 0; i < was.n_assets; i++)
        band[i] = (struct band){px[i] - px[i] / 2, px[i] + px[i] / 2};
    int n = a.rule->rows(&was, &a, band, 0, f, &e);
    if (n <= 0)
        return;
    ck_assert_msg(i256_sign(least_moved(f, n)) < 0, "CASE %llu (%s): the old row promises more than there is",
                  (unsigned long long)seed, a.rule->name);
    s->judged++;
    memset(moved, 0, sizeof moved);
    s->spared += spare_does;
    ck_assert_msg(!spare_does || i256_sign(least_moved(f, n)) < 0, "CASE %llu (%s): the spare does not do",
                  (unsigned long long)seed, a.rule->name);
}

START_TEST(old_rows_promise_no_more)
{
    uint64_t seed = test_seed(20261203);
    const char *cases = getenv("CASES");
    struct sums s = {0};
    for (uint64_t k = 0; k < (cases ? strtoull(cases, NULL, 0) : test_rounds(CASES)); k++)
        one_case(seed + k, &s);
    printf("# %llu judged, %llu of them by the spare\n", (unsigned long long)s.judged,
           (unsigned long long)s.spared);
    ck_assert_uint_gt(s.judged, 200);
    ck_assert_uint_gt(s.spared, 50);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("shift");
    TCase *t = tcase_create("shift");
    tcase_set_timeout(t, 600);
    tcase_add_test(t, old_rows_promise_no_more);
    suite_add_tcase(s, t);
    return run_suite(s);
}
