// SPDX-License-Identifier: Apache-2.0
// Which orders the gateway of `tripline bench` takes for a hit's: those of the watched account, at the hit's
// whole price. Low digits alone are not an id: every message has some.
#include <string.h>

#include "base/clock.h"
#include "bench/load_t0.h"
#include "bench/sink.h"
#include "run_suite.h"

enum { FRAMES = 6, FIRST_ID = 0x12345, SECOND_ID = 0x54321 };

static struct load_frame frame[FRAMES];
static struct load load;
static struct sink *sink;

static void setup(void)
{
    struct err e = {""};
    memset(frame, 0, sizeof frame);
    frame[1] = (struct load_frame){.id = FIRST_ID, .hit = true};
    frame[2] = (struct load_frame){.id = (UINT64_C(1) << 63) | SECOND_ID}; // no hit, with a hit's low bits
    frame[4] = (struct load_frame){.id = SECOND_ID, .hit = true};
    load = (struct load){.kind = LOAD_T0, .frame = frame, .n = FRAMES, .hits = 2};
    const struct sink_config c = {.give_back = true, .load = &load};
    sink = sink_open(&c, &e);
    ck_assert_msg(sink != NULL, "%s", e.msg);
}

static void teardown(void)
{
    sink_close(sink);
}

static void order(uint32_t account, int64_t price)
{
    static struct gateway_order o;
    memset(&o, 0, sizeof o);
    o.key.account = account;
    o.n_marks = 1;
    o.mark[0].price = price;
    ck_assert_int_eq(gateway_submit(sink_gateway(sink), &o), 0);
}

static int64_t hit_price(uint64_t id)
{
    return t0_price(T0_STEP - T0_FALL, id);
}

static void check_hits(uint64_t matched, uint64_t missed, uint64_t extra)
{
    struct sink_hits h;
    sink_stop(sink);
    sink_hits(sink, 0, FRAMES, &h);
    ck_assert_uint_eq(h.hits, 2);
    ck_assert_uint_eq(h.matched, matched);
    ck_assert_uint_eq(h.missed, missed);
    ck_assert_uint_eq(h.extra, extra);
}

START_TEST(test_each_hit_has_its_order)
{
    order(T0_ACCOUNT, hit_price(FIRST_ID));
    order(T0_ACCOUNT, hit_price(SECOND_ID));
    check_hits(2, 0, 0);
}
END_TEST

START_TEST(test_an_order_at_another_messages_price_is_no_hits)
{
    order(T0_ACCOUNT, hit_price(FIRST_ID));
    order(T0_ACCOUNT, t0_price(T0_STEP, SECOND_ID)); // frame 2's
    check_hits(1, 1, 1);
}
END_TEST

START_TEST(test_an_order_of_another_account_is_no_hits)
{
    order(T0_ACCOUNT, hit_price(FIRST_ID));
    order(T0_ACCOUNT + 1, hit_price(SECOND_ID));
    check_hits(1, 1, 1);
}
END_TEST

START_TEST(test_a_second_order_is_too_many)
{
    order(T0_ACCOUNT, hit_price(FIRST_ID));
    order(T0_ACCOUNT, hit_price(FIRST_ID));
    check_hits(0, 1, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bench/sink");
    TCase *t = tcase_create("hits");
    clock_init();
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, test_each_hit_has_its_order);
    tcase_add_test(t, test_an_order_at_another_messages_price_is_no_hits);
    tcase_add_test(t, test_an_order_of_another_account_is_no_hits);
    tcase_add_test(t, test_a_second_order_is_too_many);
    suite_add_tcase(suite, t);
    return run_suite(suite);
}
