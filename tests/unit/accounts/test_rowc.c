// SPDX-License-Identifier: Apache-2.0
// Row compiler: results worked out by hand, refusals, and the limits of its ranges. Random forms against
// exact fractions are in tests/diff/rowc_diff.py.
#include "accounts/rowc.h"
#include "run_suite.h"

#include <check.h>
#include <string.h>

static struct grid grids[MARKET_ASSETS_MAX];
static struct affine form;
static struct row row;
static struct err error;

static void reset(void)
{
    memset(grids, 0, sizeof grids);
    memset(&row, 0xa5, sizeof row);
    form = (struct affine){.level = LEVEL_LIQUIDATE};
    error.msg[0] = '\0';
}

static void add(uint16_t asset, i256 a)
{
    form.asset[form.n] = asset;
    form.a[form.n++] = a;
}

static i256 pow2(unsigned n)
{
    return i256_shl(i256_from_i64(1), n);
}

START_TEST(grid_units)
{
    static const struct {
        int64_t ref;
        int shift;
        uint64_t phat;
    } t[] = {
        {1, -31, 1u << 31},
        {3, -30, 3u << 30},
        {((int64_t)1 << 31) - 1, -1, 0xfffffffe},
        {(int64_t)1 << 31, 0, 1u << 31},
        {((int64_t)1 << 32) - 1, 0, UINT32_MAX},
        {(int64_t)1 << 32, 1, 1u << 31},
        {((int64_t)1 << 33) - 1, 2, 1u << 31}, // rounds up to 2^32 at shift 1
        {(int64_t)1 << 62, 31, 1u << 31},
        {INT64_MAX, 32, 1u << 31},
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct grid g;
        ck_assert_int_eq(grid_centre(t[i].ref, 20000, &g), 0);
        ck_assert_int_eq(g.shift, t[i].shift);
        bool fits = false;
        ck_assert_uint_eq(grid_phat(&g, t[i].ref, &fits), t[i].phat);
        ck_assert(fits && g.phat_lo <= t[i].phat && t[i].phat <= g.phat_hi);
        ck_assert(g.band.lo >= 1 && g.band.lo <= t[i].ref && t[i].ref <= g.band.hi);
    }
    struct grid g;
    ck_assert_int_eq(grid_centre(0, 20000, &g), -1);
    ck_assert_int_eq(grid_centre(-1, 20000, &g), -1);
}
END_TEST

START_TEST(grid_band_is_whole_steps)
{
    struct grid g;
    ck_assert_int_eq(grid_centre(9876543210, 20000, &g), 0); // shift 2: P̂ steps of four prices
    ck_assert_int_eq(g.shift, 2);
    ck_assert_int_eq(g.band.lo, 9679012346); // ref - 197530864 = ...346; P̂ 2419753087 covers ...346..349
    ck_assert_uint_eq(g.phat_lo, 2419753087);
    ck_assert_int_eq(g.band.hi, 10074074077); // ref + 197530864 = ...074; P̂ 2518518519 covers ...074..077
    ck_assert_uint_eq(g.phat_hi, 2518518519);
    ck_assert_uint_eq(grid_phat(&g, g.band.lo - 1, NULL), g.phat_lo - 1);
    ck_assert_uint_eq(grid_phat(&g, g.band.hi + 1, NULL), g.phat_hi + 1);
    struct grid before = g;
    ck_assert_int_eq(grid_set_band(&g, 5, 4), -1);
    ck_assert_int_eq(grid_set_band(&g, -9, 0), -1);
    ck_assert_int_eq(grid_set_band(&g, (int64_t)1 << 40, INT64_MAX), -1); // nothing of it fits 34 bits
    ck_assert(g.shift == before.shift && g.band.lo == before.band.lo && g.band.hi == before.band.hi &&
              g.phat_lo == before.phat_lo && g.phat_hi == before.phat_hi);
    ck_assert_int_eq(grid_set_band(&g, -9, INT64_MAX), 0);
    ck_assert_int_eq(g.band.lo, 1);
    ck_assert_uint_eq(g.phat_lo, 0);
    ck_assert_uint_eq(g.phat_hi, ((uint64_t)1 << 34) - 1);
    ck_assert_int_eq(g.band.hi, ((int64_t)1 << 36) - 3); // (2^34 - ½) * 4 - 1
    bool fits = false;
    ck_assert_uint_eq(grid_phat(&g, g.band.hi, &fits), g.phat_hi);
    ck_assert(fits);
    ck_assert_uint_eq(grid_phat(&g, g.band.hi + 1, &fits), g.phat_hi);
    ck_assert(!fits);
    ck_assert_uint_eq(grid_phat(&g, -1, &fits), 0);
    ck_assert(!fits);
    // Small prices: exact, and clipped at a whole price.
    ck_assert_int_eq(grid_centre(5, 3000000, &g), 0); // shift -29
    ck_assert_int_eq(g.shift, -29);
    ck_assert_int_eq(g.band.hi, 20);
    ck_assert_int_eq(grid_set_band(&g, 1, 1000), 0);
    ck_assert_int_eq(g.band.hi, 31);
    ck_assert_uint_eq(g.phat_hi, (uint64_t)31 << 29);
    ck_assert_uint_eq(grid_phat(&g, 32, &fits), ((uint64_t)1 << 34) - 1);
    ck_assert(!fits);
}
END_TEST

START_TEST(worked_example)
{
    // The example of docs/numerics.md: H = 17 p0 - 10^8 p1 - 5000, slack 3; the prices' units are 2^2 and
    // 2^-31.
    reset();
    ck_assert_int_eq(grid_centre(9876543210, 20000, &grids[0]), 0);
    ck_assert_int_eq(grid_centre(1, 500000, &grids[1]), 0);
    add(0, i256_from_i64(17));
    add(1, i256_from_i64(-100000000));
    form.c = i256_from_i64(-5000);
    form.slack = i256_from_i64(3);
    form.level = LEVEL_WARN;
    ck_assert_int_eq(row_compile(&form, grids, &row, &error), 0);
    ck_assert_int_eq(row.level, LEVEL_WARN);
    ck_assert_int_eq(row.scale, 19); // 17 * 2^(19+2) = 35651584 < 2^26
    ck_assert_int_eq(row.n, 2);
    ck_assert_int_eq(row.asset[0], 0);
    ck_assert_int_eq(row.coef[0], 35651584);
    ck_assert_int_eq(row.asset[1], 1);
    ck_assert_int_eq(row.coef[1], -24414); // -10^8 * 2^-12 = -24414.0625
    // -5003 * 2^19 - 0.0625 * 2^31 - 35651584 / 2
    ck_assert_int_eq(row.chat, -2623012864 - 134217728 - 17825792);
    uint64_t phat[2] = {2469135803, (uint64_t)1 << 31};
    ck_assert_int_eq(row_eval(&row, phat), row.chat + 35651584 * 2469135803 - 24414 * ((int64_t)1 << 31));
}
END_TEST

START_TEST(rows_without_coefficients)
{
    reset(); // nothing at all
    ck_assert_int_eq(row_compile(&form, grids, &row, &error), 0);
    ck_assert_int_eq(row.n, 0);
    ck_assert_int_eq(row_eval(&row, NULL), 0);
    form.c = i256_from_i64(-1); // a constant debt is below zero whatever the prices
    ck_assert_int_eq(row_compile(&form, grids, &row, &error), 0);
    ck_assert_int_lt(row_eval(&row, NULL), 0);
    form.c = i256_from_i64(7);
    form.slack = i256_from_i64(7);
    ck_assert_int_eq(row_compile(&form, grids, &row, &error), 0);
    ck_assert_int_eq(row_eval(&row, NULL), 0);
    reset(); // a zero coefficient needs no grid
    add(3, I256_ZERO);
    form.c = i256_from_i64(1);
    ck_assert_int_eq(row_compile(&form, grids, &row, &error), 0);
    ck_assert_int_eq(row.n, 0);
    ck_assert_int_gt(row_eval(&row, NULL), 0);
    reset(); // a constant far above the exposure: every coefficient vanishes, what it may cost stays in Ĉ
    ck_assert_int_eq(grid_centre(1000, 20000, &grids[0]), 0);
    add(0, i256_from_i64(-1));
    form.c = i256_sub(pow2(AFFINE_CONST_BITS), i256_from_i64(1));
    ck_assert_int_eq(row_compile(&form, grids, &row, &error), 0);
    ck_assert_int_eq(row.n, 0);
    ck_assert_int_eq(row.chat, ((int64_t)1 << 61) - 1 + (((int64_t)1 << 61))); // floor(2^62 - tiny)
}
END_TEST

START_TEST(ends_of_the_ranges)
{
    // Largest coefficients on the coarsest and finest units, largest constant, all 64 assets.
    reset();
    i256 big = i256_sub(pow2(AFFINE_COEF_BITS), i256_from_i64(1));
    for (uint16_t i = 0; i < ROW_ASSETS_MAX; i++) {
        uint16_t asset = (uint16_t)(i * 4 + 3);
        ck_assert_int_eq(grid_centre(i % 2 ? 1 : INT64_MAX, 500000, &grids[asset]), 0);
        add(asset, i % 3 ? big : i256_neg(big));
    }
    i256 limit = i256_sub(pow2(AFFINE_CONST_BITS), i256_from_i64(1));
    for (int s = -1; s <= 1; s++) {
        form.c = i256_mul_i64(limit, s);
        form.slack = s < 0 ? limit : I256_ZERO;
        ck_assert_int_eq(row_compile(&form, grids, &row, &error), 0);
        uint64_t sum = 0;
        for (unsigned i = 0; i < row.n; i++)
            sum += (uint64_t)(row.coef[i] < 0 ? -row.coef[i] : row.coef[i]);
        ck_assert_uint_le(sum, 1u << SUM_BITS);
        ck_assert(row.chat < (int64_t)1 << CHAT_BITS && row.chat > -((int64_t)1 << CHAT_BITS));
        ck_assert_int_ge(row.scale, -171);
    }
}
END_TEST

static void ck_refused(const char *what)
{
    error.msg[0] = '\0';
    ck_assert_int_eq(row_compile(&form, grids, &row, &error), -1);
    ck_assert_msg(strstr(error.msg, what) != NULL, "'%s' does not say '%s'", error.msg, what);
    ck_assert_int_eq(row_compile(&form, grids, &row, NULL), -1);
}

START_TEST(refusals)
{
    reset();
    add(7, i256_from_i64(1));
    ck_refused("asset 7 has no price yet");
    ck_assert_int_eq(grid_centre(1000, 20000, &grids[7]), 0);
    ck_assert_int_eq(row_compile(&form, grids, &row, &error), 0);
    add(7, I256_ZERO);
    ck_refused("asset 7 twice");
    form.asset[1] = MARKET_ASSETS_MAX;
    ck_refused("asset 256");
    form.n = ROW_ASSETS_MAX + 1;
    ck_refused("65 assets");
    form.n = 1;
    form.slack = i256_from_i64(-1);
    ck_refused("negative slack");
    form.slack = pow2(AFFINE_CONST_BITS);
    ck_refused("slack exceeds 230 bits");
    form.slack = I256_ZERO;
    form.c = i256_neg(pow2(AFFINE_CONST_BITS));
    ck_refused("constant or slack exceeds 230 bits");
    form.c = I256_ZERO;
    form.a[0] = pow2(AFFINE_COEF_BITS);
    ck_refused("exceeds 160 bits");
    form.a[0] = i256_neg(pow2(255)); // |-2^255| has no positive counterpart
    ck_refused("exceeds 160 bits");
    form.a[0] = i256_from_i64(1);
    grids[7].phat_hi = (uint64_t)1 << PHAT_BITS;
    ck_refused("asset 7 has no price yet");
}
END_TEST

START_TEST(modulo_beyond_the_contract)
{
    // The device wraps modulo 2^64; so does row_eval, without undefined behaviour.
    reset();
    row = (struct row){.n = 2, .asset = {0, 1}, .coef = {INT32_MAX, INT32_MIN}, .chat = INT64_MIN};
    uint64_t phat[2] = {UINT64_MAX, UINT64_MAX - 5};
    // 2^63 - (2^31 - 1) + 2^31 * 6, all modulo 2^64
    uint64_t want = ((uint64_t)1 << 63) - 0x7fffffffu + ((uint64_t)6 << 31);
    ck_assert_uint_eq((uint64_t)row_eval(&row, phat), want);
}
END_TEST

START_TEST(margin)
{
    reset();
    ck_assert_int_eq(grid_centre(1 << 20, 20000, &grids[0]), 0);
    add(0, i256_from_i64(1 << 10));
    form.c = i256_from_i64(-(1 << 29));
    form.slack = i256_from_i64(1 << 20);
    ck_assert_int_eq(row_compile(&form, grids, &row, &error), 0);
    int64_t px = 1 << 20;
    double q, s;
    row_margin(&form, &row, grids, &px, &q, &s);
    ck_assert(q == 0); // powers of two throughout: nothing to round
    ck_assert(s == 0x1p20 / (0x1p30 + 0x1p29));
    reset();
    row_compile(&form, grids, &row, &error);
    row_margin(&form, &row, grids, &px, &q, &s);
    ck_assert(q == 0 && s == 0); // no exposure at all
}
END_TEST

int main(void)
{
    Suite *s = suite_create("accounts/rowc");
    TCase *t = tcase_create("rowc");
    tcase_add_test(t, grid_units);
    tcase_add_test(t, grid_band_is_whole_steps);
    tcase_add_test(t, worked_example);
    tcase_add_test(t, rows_without_coefficients);
    tcase_add_test(t, ends_of_the_ranges);
    tcase_add_test(t, refusals);
    tcase_add_test(t, modulo_beyond_the_contract);
    tcase_add_test(t, margin);
    suite_add_tcase(s, t);
    return run_suite(s);
}
