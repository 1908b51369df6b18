// SPDX-License-Identifier: Apache-2.0
// What moves with time: indexes worked out by hand, edges of ramps and grace periods, markets that stand
// still; and rows compiled once for a span against the exact rule at moments of it: no breach without Ĥ < 0
// (docs/numerics.md, "Rows in time"). tests/diff/moving_diff.py has the independent judge of the values
// themselves.
#include <check.h>
#include <stdlib.h>

#include "accounts/moving.h"
#include "accounts/rowc.h"
#include "base/test_seed.h"
#include "engine/walk_book.h"
#include "run_suite.h"

static const u128 RAY = (u128)1000000000000000000ull * 1000000000ull;
static const uint64_t NS = 1000000000, YEAR = 31536000, T0 = 1790000000;

static u128 whole(const char *s)
{
    u128 v = 0;
    for (; *s; s++)
        v = v * 10 + (unsigned)(*s - '0');
    return v;
}

START_TEST(test_indexes_by_hand)
{
    u128 tenth = RAY / 10;
    ck_assert(index_linear(RAY, tenth, YEAR) == RAY + tenth);
    ck_assert(index_linear(2 * RAY, tenth, YEAR / 2) == 2 * RAY + tenth);
    ck_assert(index_linear(RAY, tenth, 0) == RAY && index_compounded(RAY, tenth, 0) == RAY);
    // 1 + 0.1 + 0.005 + 0.000166..., rounded half up twice.
    ck_assert(index_compounded(RAY, tenth, YEAR) == whole("1105166666666666666666666667"));
    // One second: x = 0.1 / 31536000 floored; x^2 / 2 = 5.03e-18, x^3 / 6 = 5.3e-27.
    ck_assert(index_linear(RAY, tenth, 1) == whole("1000000003170979198376458650"));
    ck_assert(index_compounded(RAY, tenth, 1) == whole("1000000003170979203404013194"));
    // The most that is accepted, 1000 % for a century: 1 + 1000 + 1000^2 / 2 + 1000^3 / 6, its sixth floored.
    // Up to 3.3: (1 + rate / year)^n, b2 and b3 of the contract floored.
    ck_assert(index_binomial(RAY, tenth, 0) == RAY);
    ck_assert(index_binomial(RAY, tenth, 1) == whole("1000000003170979198376458650"));
    ck_assert(index_binomial(RAY, tenth, 2) == whole("1000000006341958406808026376"));
    ck_assert(index_binomial(RAY, tenth, YEAR) == whole("1105162042821782412575504000"));
    ck_assert(index_compounded(RAY, 10 * RAY, MOVING_SECONDS_MAX) ==
              whole("167167667666666666666666666666000000"));
}
END_TEST

static struct market *one_reserve(void)
{
    struct market *m = calloc(1, sizeof *m);
    m->n_assets = m->n_instruments = 1;
    m->instrument[0] = (struct instrument){.kind = INST_RESERVE,
                                           .name = "X",
                                           .lt_bps = 7000,
                                           .lb_bps = 10500,
                                           .emode = 1,
                                           .emode_lt_bps = 9000,
                                           .emode_lb_bps = 10100,
                                           .liquidity_index = RAY,
                                           .borrow_index = RAY};
    return m;
}

START_TEST(test_edges)
{
    struct market *m = one_reserve();
    struct instrument *in = &m->instrument[0];
    in->ramp_from_bps = 8000;
    in->emode_ramp_from_bps = 9500;
    in->ramp_start = T0;
    in->ramp_end = T0 + 1000;
    in->grace_until = T0 + 500;
    in->borrow_rate = RAY / 10;
    in->told_at = T0 + 100;
    // As told: the ramp has not begun, the grace period lasts.
    ck_assert(lt_now(in) == 8000 && emode_lt_now(in) == 9500 && grace_now(in) && borrow_index_now(in) == RAY);
    static const struct {
        uint64_t at;
        uint32_t lt, emode_lt;
        bool grace;
    } steps[] = {{0, 8000, 9500, true},    {1, 7999, 9499, true},     {2, 7998, 9499, true},
                 {100, 7900, 9450, true},  {500, 7500, 9250, true},   {501, 7499, 9249, false},
                 {999, 7001, 9000, false}, {1000, 7000, 9000, false}, {5000, 7000, 9000, false}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        market_now(m, (T0 + steps[i].at) * NS + NS - 1); // to the end of the second nothing changes
        ck_assert_uint_eq(lt_now(in), steps[i].lt);
        ck_assert_uint_eq(emode_lt_now(in), steps[i].emode_lt);
        ck_assert(grace_now(in) == steps[i].grace);
        uint64_t since = steps[i].at > 100 ? steps[i].at - 100 : 0;
        ck_assert(borrow_index_now(in) == index_compounded(RAY, RAY / 10, since));
        ck_assert(market_moves(m));
    }
    market_window(m, T0 * NS, (T0 + 500) * NS + 7);
    ck_assert(lt_span(in) == 7500 && liquidity_index_span(in) == RAY &&
              borrow_index_span(in) == index_compounded(RAY, RAY / 10, 400));
    // Told again, within the same second.
    in->borrow_index = 2 * RAY;
    in->borrow_rate = 0;
    market_told(m, 0);
    ck_assert(borrow_index_now(in) == 2 * RAY && borrow_index_span(in) == 2 * RAY && market_moves(m));
    market_now(m, (T0 + 5000) * NS);
    ck_assert(borrow_index_now(in) == 2 * RAY && lt_now(in) == 7000);
    ck_assert(!market_moves(m)); // the ramp is over
    free(m);
}
END_TEST

START_TEST(test_who_moves)
{
    struct market *m = one_reserve();
    struct account a = {.rule = &rule_aave_3_5, .n_positions = 1};
    struct instrument *in = &m->instrument[0];
    ck_assert(!market_moves(m) && !account_moves(m, &a));
    in->grace_until = T0; // rows do not know it
    ck_assert(!market_moves(m));
    a.position[0].debt = 5;
    in->liquidity_rate = 1;
    ck_assert(market_moves(m) && !account_moves(m, &a)); // only its debt does not
    in->borrow_rate = 1;
    ck_assert(account_moves(m, &a));
    a.position[0] = (struct position){.supply = 5};
    ck_assert(!account_moves(m, &a)); // no collateral: it counts for nothing
    a.position[0].collateral = true;
    ck_assert(account_moves(m, &a));
    in->liquidity_rate = in->borrow_rate = 0;
    ck_assert(!account_moves(m, &a));
    in->ramp_from_bps = 8000;
    in->ramp_start = T0;
    in->ramp_end = T0 + 5;
    ck_assert(account_moves(m, &a));
    market_now(m, (T0 + 4) * NS);
    ck_assert(account_moves(m, &a));
    market_now(m, (T0 + 5) * NS);
    ck_assert(!account_moves(m, &a));
    *in = (struct instrument){.kind = INST_LINEAR, .funding_rate = -1};
    a.position[0] = (struct position){.size = -3};
    ck_assert(market_moves(m) && account_moves(m, &a));
    free(m);
}
END_TEST

// ---- random markets

struct rig {
    struct prng r;
    struct market m;
    int64_t px[MARKET_ASSETS_MAX], at[MARKET_ASSETS_MAX];
    struct grid grid[MARKET_ASSETS_MAX];
    struct band band[MARKET_ASSETS_MAX];
    uint64_t breaches, healthy, above; // above: samples with Ĥ >= 0
};

enum { ACCOUNTS = 40, MOMENTS = 24 };
static struct account account[ACCOUNTS];
static struct row row[ACCOUNTS][RULE_ROWS_MAX]; // all its liquidation rows; prices are chosen for one of them
static int n_rows[ACCOUNTS];

static void tell(struct rig *w)
{
    for (unsigned i = 0; i < w->m.n_instruments; i++) {
        struct instrument *in = &w->m.instrument[i];
        in->told_at = T0 - prng_below(&w->r, 100000);
        if (in->kind == INST_RESERVE) {
            in->liquidity_rate = RAY / (1 + prng_below(&w->r, 1000));
            in->borrow_rate = RAY / (1 + prng_below(&w->r, 1000));
            if (prng_chance(&w->r, 1, 3) && in->lt_bps) {
                in->ramp_from_bps = in->lt_bps + (uint32_t)prng_between(&w->r, 1, 500);
                in->emode_ramp_from_bps =
                    in->emode ? in->emode_lt_bps + (uint32_t)prng_between(&w->r, 1, 300) : 0;
                in->ramp_start = T0 - prng_below(&w->r, 5000);
                in->ramp_end = T0 + 1 + prng_below(&w->r, 10000);
            }
            in->grace_until = prng_chance(&w->r, 1, 10) ? T0 + prng_below(&w->r, 100) : 0;
            continue;
        }
        // Some 0.01 % of the price in eight hours, and up to a thousand times that.
        i128 unit = walk_pow10(18 - w->m.asset[in->asset].decimals);
        i128 one =
            in->kind == INST_LINEAR ? w->px[in->asset] * unit : walk_pow10(36) / (w->px[in->asset] * unit);
        i128 rate =
            one / 288000000 * (i128)prng_between(&w->r, -1000, 1000) / (prng_chance(&w->r, 1, 2) ? 1 : 1000);
        in->funding_rate = rate > INT64_MAX ? INT64_MAX : rate < INT64_MIN ? INT64_MIN : (int64_t)rate;
        in->funding_index = in->funding_rate * (i128)prng_between(&w->r, -1000, 1000);
    }
}

static void set_grids(struct rig *w, uint32_t ppm)
{
    for (unsigned i = 0; i < w->m.n_assets; i++) {
        ck_assert_int_eq(grid_centre(w->px[i], ppm, &w->grid[i]), 0);
        w->band[i] = w->grid[i].band;
    }
}

static void compile(struct rig *w, unsigned k)
{
    struct affine f[RULE_ROWS_MAX];
    struct err e;
    int n = account[k].rule->rows(&w->m, &account[k], w->band, 0, f, &e);
    ck_assert_msg(n >= 0, "%s", e.msg);
    n_rows[k] = n;
    for (int i = 0; i < n; i++)
        ck_assert_msg(row_compile(&f[i], w->grid, &row[k][i], &e) == 0, "%s", e.msg);
}

static int64_t corner(struct rig *w, unsigned asset, unsigned how, int32_t coef)
{
    const struct band *b = &w->grid[asset].band;
    int64_t p = w->px[asset], step = (int64_t)prng_below(&w->r, 3) - 1;
    switch (how) {
    case 0:
        return p;
    case 1: // the adverse corner, or the other one
        return (coef > 0) == prng_chance(&w->r, 9, 10) ? b->lo : b->hi;
    case 2:
        return p + step < b->lo ? b->lo : p + step > b->hi ? b->hi : p + step;
    case 3:
        return prng_chance(&w->r, 1, 4) ? (coef > 0 ? b->lo : b->hi) : p;
    default:
        return prng_between(&w->r, b->lo, b->hi);
    }
}

// Prices for account k: each asset of its row at an edge, near its start or anywhere in its band. The price
// behind a reciprocal is moved instead; false when the reciprocal then leaves its band.
static bool place_prices(struct rig *w, unsigned k)
{
    unsigned how = (unsigned)prng_below(&w->r, 5);
    memcpy(w->at, w->px, sizeof w->at);
    const struct row *r = &row[k][prng_below(&w->r, (uint64_t)n_rows[k])];
    for (unsigned i = 0; i < r->n; i++) {
        unsigned x = r->asset[i];
        const struct asset *a = &w->m.asset[x];
        if (a->kind != ASSET_RECIPROCAL) {
            w->at[x] = corner(w, x, how, r->coef[i]);
            continue;
        }
        w->at[a->base] = corner(w, a->base, how, -r->coef[i]);
        w->at[x] = reciprocal_price(w->at[a->base], w->m.asset[a->base].decimals, a->decimals);
        if (w->at[x] < w->grid[x].band.lo || w->at[x] > w->grid[x].band.hi)
            return false;
    }
    return true;
}

static void sample(struct rig *w, unsigned k)
{
    uint64_t phat[MARKET_ASSETS_MAX] = {0};
    struct health h;
    if (n_rows[k] && !place_prices(w, k))
        return;
    account[k].rule->health(&w->m, &account[k], n_rows[k] ? w->at : w->px, &h);
    int64_t hat = n_rows[k] ? INT64_MAX : 0;
    for (int n = 0; n < n_rows[k]; n++) {
        const struct row *r = &row[k][n];
        for (unsigned i = 0; i < r->n; i++)
            phat[r->asset[i]] = grid_phat(&w->grid[r->asset[i]], w->at[r->asset[i]], NULL);
        int64_t h_n = row_eval(r, phat);
        hat = h_n < hat ? h_n : hat;
    }
    if (h.liquidatable && hat >= 0)
        ck_abort_msg("account %u is liquidatable %llu s after T0, its row says %lld", account[k].id,
                     (unsigned long long)(w->m.now_s - T0), (long long)hat);
    w->breaches += h.liquidatable;
    w->healthy += !h.liquidatable;
    w->above += hat >= 0;
}

START_TEST(test_rows_hold_within_their_span)
{
    static struct rig w;
    static const uint32_t bands[] = {20, 300, 3000, 50000};
    static const uint64_t spans[] = {0, 1, 60, 3600, 500000};
    uint64_t samples = 0;
    prng_seed(&w.r, test_seed(503) + (uint64_t)_i);
    for (unsigned book = 0; book < test_rounds(60); book++) {
        uint64_t span = spans[prng_below(&w.r, 5)], from = T0 + prng_below(&w.r, 200),
                 mid = prng_below(&w.r, span + 1);
        struct err e;
        walk_market(&w.r, &w.m, w.px);
        tell(&w);
        for (unsigned i = 0; i < w.m.n_instruments; i++)
            ck_assert_msg(instrument_moving_check(&w.m.instrument[i], &e) == 0, "%s", e.msg);
        set_grids(&w, bands[prng_below(&w.r, 4)]);
        market_now(&w.m, (from + mid) * NS); // at their thresholds in the middle of the span
        for (unsigned k = 0; k < ACCOUNTS; k++)
            walk_account(&w.r, &w.m, w.px, k + 1, &account[k]);
        market_window(&w.m, from * NS + prng_below(&w.r, NS), (from + span) * NS + NS - 1);
        for (unsigned k = 0; k < ACCOUNTS; k++)
            compile(&w, k);
        for (unsigned t = 0; t < MOMENTS; t++) {
            uint64_t at = t == 0 ? 0 : t == 1 ? span : t == 2 ? mid : prng_below(&w.r, span + 1);
            market_now(&w.m, (from + at) * NS + prng_below(&w.r, NS));
            for (unsigned k = 0; k < 16 * ACCOUNTS; k++)
                sample(&w, k % ACCOUNTS);
        }
        samples += (uint64_t)MOMENTS * 16 * ACCOUNTS;
    }
    // Rows that only ever said "below 0" would show nothing, nor would accounts that never breach.
    printf("# %llu samples, %llu breaches, %llu with H at or above 0\n", (unsigned long long)samples,
           (unsigned long long)w.breaches, (unsigned long long)w.above);
    ck_assert(w.breaches > samples / 10 && w.healthy > samples / 10 && w.above > samples / 10);
}
END_TEST

// Without anything that moves neither call changes a bit of rows, health or the instruments.
START_TEST(test_standing_still)
{
    static struct rig w;
    static struct market before;
    struct affine f[RULE_ROWS_MAX], g[RULE_ROWS_MAX];
    struct health x, y;
    struct err e;
    prng_seed(&w.r, test_seed(504));
    for (unsigned book = 0; book < 5; book++) {
        memset(&w.m, 0, sizeof w.m);
        walk_market(&w.r, &w.m, w.px);
        for (unsigned i = 0; i < w.m.n_instruments; i++) // told, but without a rate
            w.m.instrument[i].told_at = T0 - 5;
        set_grids(&w, 10000);
        ck_assert(!market_moves(&w.m));
        for (unsigned k = 0; k < ACCOUNTS; k++) {
            walk_account(&w.r, &w.m, w.px, k + 1, &account[0]);
            memset(f, 0, sizeof f);
            memset(g, 0, sizeof g);
            int n = account[0].rule->rows(&w.m, &account[0], w.band, 5000, f, &e);
            account[0].rule->health(&w.m, &account[0], w.px, &x);
            before = w.m;
            market_now(&w.m, prng_u64(&w.r));
            market_window(&w.m, prng_u64(&w.r) >> 1, UINT64_MAX);
            before.now_s = w.m.now_s;
            ck_assert(memcmp(&before, &w.m, sizeof before) == 0 && !account_moves(&w.m, &account[0]));
            ck_assert_int_eq(account[0].rule->rows(&w.m, &account[0], w.band, 5000, g, &e), n);
            account[0].rule->health(&w.m, &account[0], w.px, &y);
            ck_assert(memcmp(f, g, sizeof f) == 0 && i256_cmp(x.equity, y.equity) == 0);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("accounts/moving");
    TCase *c = tcase_create("moving");
    tcase_set_timeout(c, 300);
    tcase_add_test(c, test_indexes_by_hand);
    tcase_add_test(c, test_edges);
    tcase_add_test(c, test_who_moves);
    tcase_add_loop_test(c, test_rows_hold_within_their_span, 0, 4);
    tcase_add_test(c, test_standing_still);
    suite_add_tcase(s, c);
    return run_suite(s);
}
