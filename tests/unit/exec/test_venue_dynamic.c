// SPDX-License-Identifier: Apache-2.0
// Parameters of the paper venue that follow its marks: what an instrument looks like after one, without a
// venue around.
#include <check.h>
#include <string.h>

#include "exec/paper/venue_dynamic.h"
#include "run_suite.h"

static struct market market;
static struct dynamic_follow follow;
static struct dynamic_spec spec;
static struct err err;

static void a_market(void)
{
    memset(&market, 0, sizeof market);
    market.n_assets = 1;
    market.asset[0].decimals = 2;
    market.n_instruments = 2;
    market.instrument[0] = (struct instrument){.name = "P",
                                               .kind = INST_LINEAR,
                                               .size_decimals = 1,
                                               .n_tiers = 3,
                                               .tier = {{0, 10000}, {100, 20000}, {400, 40000}}};
    market.instrument[1] = (struct instrument){.name = "R",
                                               .kind = INST_RESERVE,
                                               .size_decimals = 1,
                                               .lt_bps = 8000,
                                               .emode = 1,
                                               .emode_lt_bps = 9000};
}

static bool begin(const char *text, const struct market *first)
{
    return dynamic_spec_parse(text, &spec, &err) == 0 &&
           dynamic_follow(&follow, &spec, &market, first, &err) == 0;
}

static bool mark(int64_t price, uint64_t at, int64_t held)
{
    struct dynamic_seen seen = {
        .price = price, .second = at, .now = at, .held = i256_from_i64(held), .price_decimals = 2};
    return dynamic_mark(&follow, &seen, &market.instrument[follow.instrument]);
}

#define OI "instrument=P,policy=open-interest,lower=100,upper=200,max_bps=20000,dead_bps=0,rate_mbps=100000"

START_TEST(test_open_interest_by_ramps)
{
    const struct instrument *in = &market.instrument[0];
    a_market();
    ck_assert(begin(OI, NULL));
    ck_assert(
        !mark(1000, 1000, 200)); // 200 tenths at 10.00 are 200: the goal is 20000, nothing is earned yet
    ck_assert(mark(0, 1010, 0)); // an order without its mark: the ramp goes on, 100 bps a second
    ck_assert_uint_eq(in->tier[0].rate_ppm, 11000);
    ck_assert_uint_eq(in->tier[2].rate_ppm, 44000);
    ck_assert(mark(1000, 1020, 150)); // half way: 15000
    ck_assert_uint_eq(in->tier[1].rate_ppm, 24000);
    ck_assert(mark(1000, 1100, 150));
    ck_assert_uint_eq(in->tier[1].rate_ppm, 30000);
    ck_assert(!mark(1000, 1100, 0)); // counted once a second
    ck_assert(mark(1000, 1110, 50)); // below lower: back down, as slowly
    ck_assert_uint_eq(in->tier[1].rate_ppm, 28000);
}
END_TEST

START_TEST(test_started_anew_and_pushed)
{
    static struct market first;
    a_market();
    first = market;
    ck_assert(begin(OI, &first));
    mark(1000, 1000, 200);
    mark(1000, 1050, 200);
    ck_assert_uint_eq(market.instrument[0].tier[0].rate_ppm, 15000);
    market.now_s = 1050;
    ck_assert(begin(OI, &first)); // recognised: not 1.5 times 1.5
    ck_assert_uint_eq(follow.climb.at_bps, 15000);
    ck_assert(mark(1000, 1060, 200));
    ck_assert_uint_eq(market.instrument[0].tier[0].rate_ppm, 16000);
    market.instrument[0].tier[0].rate_ppm = 7000; // somebody else's: a new base
    ck_assert(!mark(1000, 1070, 200));
    ck_assert(mark(1000, 1080, 200));
    ck_assert_uint_eq(market.instrument[0].tier[0].rate_ppm, 7700);
    ck_assert(follow.climb.at_bps == 11000);
}
END_TEST

START_TEST(test_size)
{
    a_market();
    ck_assert(begin("instrument=P,policy=size,k_bps=100000,sigma0_ppm=0,max_bps=20000,dead_bps=0,"
                    "rate_mbps=100000000,least=1",
                    NULL));
    ck_assert(!mark(1000, 1000, 0));
    ck_assert(mark(2000, 1001, 0)); // the first return: to the bound, as fast as the rate lets
    ck_assert_uint_eq(market.instrument[0].tier[0].rate_ppm, 10000); // the first floor is 0
    ck_assert_uint_eq(market.instrument[0].tier[1].rate_ppm, 30000); // root of a quarter
    ck_assert_uint_eq(market.instrument[0].tier[2].rate_ppm, 80000);
}
END_TEST

START_TEST(test_emode_keeps_its_distance)
{
    const struct instrument *in = &market.instrument[1];
    a_market();
    ck_assert(begin("instrument=R,policy=scaled,quote=100,min_bps=5000,dead_bps=0", NULL));
    ck_assert(mark(1000, 1000, 160)); // 160 deposited: 8000 * 100 / 160
    ck_assert_uint_eq(in->lt_bps, 5000);
    ck_assert_uint_eq(in->ramp_from_bps, 8000);
    ck_assert_uint_eq(in->emode_lt_bps, 6000);
    ck_assert_uint_eq(in->emode_ramp_from_bps, 9000);
    ck_assert_uint_eq(in->ramp_end - in->ramp_start, 3000);
    market.now_s = 1500;
    ck_assert(begin("instrument=R,policy=scaled,quote=100,base_bps=8000,min_bps=5000,dead_bps=0", NULL));
    ck_assert_int_eq(follow.emode_gap, 1000); // found again within the ramp
    market.instrument[1].emode_ramp_from_bps = 8500;
    ck_assert(!begin("instrument=R,k_bps=1,min_bps=5000,base_bps=8000", NULL));
    ck_assert_ptr_nonnull(strstr(err.msg, "e-mode ramp"));
    a_market();
    ck_assert(!begin("instrument=R,k_bps=1,min_bps=5000,max_bps=9500", NULL));
    ck_assert_ptr_nonnull(strstr(err.msg, "keeps its distance"));
}
END_TEST

START_TEST(test_implied)
{
    const struct instrument *in = &market.instrument[1];
    a_market();
    ck_assert(begin("instrument=R,policy=implied,n_tenths=50,min_bps=1,dead_bps=0,least=1", NULL));
    ck_assert(!mark(1000, 1000000, 0));
    ck_assert(
        mark(1000, 1000001, 0)); // calm: between Aloe's cold start and a hundredth below, 8000 e^-(5 iv)
    ck_assert_uint_eq(in->lt_bps, 4220);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("exec/venue_dynamic");
    TCase *t = tcase_create("marks");
    tcase_add_test(t, test_open_interest_by_ramps);
    tcase_add_test(t, test_started_anew_and_pushed);
    tcase_add_test(t, test_size);
    tcase_add_test(t, test_emode_keeps_its_distance);
    tcase_add_test(t, test_implied);
    suite_add_tcase(s, t);
    return run_suite(s);
}
