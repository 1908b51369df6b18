// SPDX-License-Identifier: Apache-2.0
// Attacks on a price and accidents of venues: what must reach the device is said before each case, then
// shown.
#include "oracle/policytest.h"
#include "run_suite.h"

enum { DERIBIT, CDE, CME, P = 5000000 }; // 50,000.00

static const char THREE[] = "asset X\n"
                            "source deribit BTC-PERPETUAL mark max_age_ms=2000 weight=3\n"
                            "source cde BIP mark max_age_ms=2000 weight=2\n"
                            "source cme BTCZ6 mid max_age_ms=2000 weight=2\n";
static const char ONE[] = "asset X\n"
                          "source deribit BTC-PERPETUAL mark max_age_ms=2000\n"
                          "reference deribit btc_usd index max_age_ms=2000\n"
                          "guard deviation bps=200 of=reference then=hold\n";

static void three(const char *how)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%s%s", THREE, how);
    use(text);
    says(DERIBIT, P, 1);
    assert_held("absent", 0); // one of the two that are needed
    says(CDE, P + 1, 1);
    says(CME, P + 2, 1);
    assert_price(P + 1);
}

// ---- a one-source spike

// Three venues, one prints twice the price and comes back. The device sees nothing but the middle of the
// other two's range: the median moves from P + 1 to the next honest price, P + 2, and back.
START_TEST(test_spike_of_one_in_three)
{
    static const char *const how[] = {"aggregate median\n", "aggregate weighted\n"};
    for (int i = 0; i < 2; i++) {
        three(how[i]);
        says(DERIBIT, 2 * P, 5);
        assert_price(P + 2);
        says(DERIBIT, P, 5);
        assert_price(P + 1);
    }
}
END_TEST

// One venue with a reference: the spike never reaches the device, which keeps the last good price; no order
// rests on it until the source is back within 2 % of the index.
START_TEST(test_spike_of_the_only_source)
{
    use(ONE);
    says(1, P, 1);
    says(0, P + 100, 1);
    assert_price(P + 100);
    says(0, 2 * P, 5);
    assert_held("guard", P + 100);
    ck_assert_uint_eq(result.guard, 0);
    says(0, 1, 5); // and down
    assert_held("guard", P + 100);
    says(0, P - 100, 5);
    assert_price(P - 100);
    ck_assert_uint_eq(state.fired[0], 1); // it never stopped firing in between
}
END_TEST

// ---- a slow drag

// One of three is dragged away by 1 bp every 10 ms for 20 s. The device sees the honest sources' prices only.
START_TEST(test_drag_of_one_in_three)
{
    three("aggregate median\n");
    int64_t dragged = P;
    for (int i = 0; i < 2000; i++) {
        dragged += dragged / 10000;
        says(DERIBIT, dragged, 10);
        says(CDE, P + 1, 0);
        says(CME, P + 2, 0);
        ck_assert(result.reason == REASON_NONE && (result.price == P + 1 || result.price == P + 2));
    }
    ck_assert_int_gt(dragged, P * 6 / 5);
}
END_TEST

// The only source is dragged by 1 bp every 10 ms. The device follows it to exactly 2 % above the index and no
// further; from there on no order rests on the price.
START_TEST(test_drag_of_the_only_source)
{
    use(ONE);
    says(1, P, 1);
    for (int64_t p = P; p <= P * 11 / 10; p += P / 10000) {
        says(1, P, 5);
        says(0, p, 5);
        if (p <= P + P / 50)
            assert_price(p);
        else
            assert_held("guard", P + P / 50);
    }
}
END_TEST

// No other source at all: a drag is told by its trend. The mean tick of the last second may be 15 ticks (15
// bp) from that of its older half; 1 bp every 10 ms makes it 25 once the second is full of it. The device
// follows for 57 steps, then keeps its price. A market that moves so fast is held too: that is the price of
// having one source, so the guard lets pass what has lasted for 500 ms.
START_TEST(test_drag_without_a_reference)
{
    use("asset X\nsource deribit BTC-PERPETUAL mark max_age_ms=2000\ntwap geometric window_ms=1000 "
        "warmup=partial\n"
        "guard trend ticks=15 then=hold confirm_ms=500\n");
    for (int i = 0; i < 100; i++) {
        says(0, P, 10);
        assert_price(P);
    }
    int64_t p = P, held_at = 0;
    uint64_t held_ns = 0;
    for (int i = 0; i < 250; i++) {
        p += p / 10000;
        says(0, p, 10);
        if (result.reason != REASON_NONE && !held_at) {
            held_at = result.price;
            held_ns = now_ns;
        }
        if (held_at)
            ck_assert(now_ns - held_ns < UINT64_C(500000000) ? result.price == held_at : result.price == p);
    }
    ck_assert_int_eq(held_at, 5028554); // P after 57 steps of floor(p / 10000)
}
END_TEST

// ---- a crossed book

// A venue's book is crossed, or one-sided: its mid does not exist, and it does not live. The other two
// decide.
START_TEST(test_crossed_book_of_one_in_three)
{
    three("aggregate median\n");
    now_ns += 1000;
    ck_assert(observation_mid(&obs[CME], P + 50, P - 50, 0, now_ns, now_ns));
    eval();
    assert_price(P + 1); // the upper of P and P + 1
    ck_assert_uint_eq(result.live, 3);
    ck_assert(observation_mid(&obs[CME], P + 1, P + 4, 0, now_ns + 1, now_ns + 1)); // uncrossed
    eval();
    ck_assert_uint_eq(result.live, 7);
    ck_assert(observation_mid(&obs[CME], 0, P + 4, 0, now_ns + 2, now_ns + 2));
    eval();
    ck_assert_uint_eq(result.live, 3);
}
END_TEST

// The only book is crossed: the device keeps its price, no order leaves until the book is whole.
START_TEST(test_crossed_only_book)
{
    use("asset X\nsource cme BTCZ6 mid\nlimits max_spread_bps=100\n");
    ck_assert(observation_mid(&obs[0], P - 10, P + 10, policy[0].max_spread_ppm, 1, 1));
    eval();
    assert_price(P);
    ck_assert(observation_mid(&obs[0], P + 1, P, policy[0].max_spread_ppm, 2, 2));
    eval();
    assert_held("range", P);
    ck_assert(observation_mid(&obs[0], P, P + P / 50, policy[0].max_spread_ppm, 3, 3)); // 2 % wide
    eval();
    assert_held("range", P);
    ck_assert(observation_mid(&obs[0], P, P + 2, policy[0].max_spread_ppm, 4, 4));
    eval();
    assert_price(P + 1);
}
END_TEST

// ---- a flash crash

// The heaviest venue falls by 30 % within 3 s and recovers, the others stand: the device never leaves their
// range. Its weight, 3 of 7, is no majority.
START_TEST(test_flash_crash_on_one_venue)
{
    static const char *const how[] = {"aggregate median\n", "aggregate weighted\n",
                                      "aggregate maker quorum=3\n"};
    for (int h = 0; h < 3; h++) {
        three(how[h]);
        for (int i = 0; i <= 600; i++) {
            int64_t deep = i < 300 ? i : 600 - i;
            says(DERIBIT, P - P * 3 / 10 * deep / 300, 10);
            says(CDE, P + 1, 1);
            says(CME, P + 2, 1);
            ck_assert(result.reason == REASON_NONE && result.price >= P && result.price <= P + 2);
        }
    }
}
END_TEST

// All venues fall together: that is the market, and each update reaches the device at once. Nothing is held.
START_TEST(test_crash_of_the_market_is_not_held)
{
    three("aggregate median\n");
    for (int64_t p = P; p > P * 7 / 10; p -= P / 1000) {
        says(DERIBIT, p, 1);
        says(CDE, p, 1);
        assert_price(p); // two of three say so
        says(CME, p, 1);
        assert_price(p);
    }
}
END_TEST

// ---- a source that freezes

// One of three falls silent: after its 2000 ms it no longer counts, the other two decide. With the second
// silent no order leaves, and the device keeps its price.
START_TEST(test_freeze)
{
    three("aggregate median\n");
    for (int i = 0; i < 19; i++) {
        says(CDE, P + 100, 100);
        says(CME, P + 200, 0);
        assert_price(P + 100); // P, frozen, still counts: 2000 ms are not over
    }
    ck_assert_uint_eq(result.live, 7);
    says(CDE, P + 100, 100);
    assert_price(P + 200); // the upper of two
    ck_assert_uint_eq(result.live, 6);
    for (int i = 0; i < 19; i++)
        says(CDE, P + 300, 100);
    assert_price(P + 300);
    says(CDE, P + 400, 100);
    assert_held("stale", P + 300);
    says(CME, P + 400, 1);
    assert_price(P + 400);
}
END_TEST

// It repeats its last message, with the same exchange time, for ever: that does not make it any younger.
START_TEST(test_freeze_with_repeats)
{
    use(ONE);
    uint64_t stamp = now_ns;
    ck_assert(observation_take(&obs[0], P, now_ns, stamp));
    for (int i = 0; i <= 20; i++) {
        says(1, P, i ? 100 : 0);
        ck_assert(observation_take(&obs[0], P, now_ns, stamp));
        eval();
        assert_price(P);
    }
    says(1, P, 1);
    ck_assert(observation_take(&obs[0], P, now_ns, stamp));
    eval();
    assert_held("stale", P);
}
END_TEST

// ---- a source that replays old prices

// Yesterday's messages, in order, with their own exchange times: each is ignored. They neither move the price
// nor keep the source alive; its next true message does.
START_TEST(test_replay)
{
    three("aggregate median\n");
    struct observation before = obs[DERIBIT];
    for (int i = 0; i < 1000; i++) {
        now_ns += 1000000;
        ck_assert(!observation_take(&obs[DERIBIT], P / 2, now_ns, before.ts_ns - 1000 + (uint64_t)i));
        ck_assert(!observation_bad(&obs[DERIBIT], before.ts_ns - 1000 + (uint64_t)i));
        ck_assert(!observation_mid(&obs[DERIBIT], 1, 1, 0, now_ns, before.ts_ns - 1000 + (uint64_t)i));
        eval();
        assert_price(P + 1);
    }
    ck_assert_int_eq(memcmp(&obs[DERIBIT], &before, sizeof before), 0);
    says(CDE, P + 1, 1500);
    says(CME, P + 2, 0);
    ck_assert_uint_eq(result.live, 6);
    says(DERIBIT, P + 3, 1);
    ck_assert_uint_eq(result.live, 7);
    assert_price(P + 2);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("manipulation");
    TCase *t = tcase_create("manipulation");
    tcase_add_test(t, test_spike_of_one_in_three);
    tcase_add_test(t, test_spike_of_the_only_source);
    tcase_add_test(t, test_drag_of_one_in_three);
    tcase_add_test(t, test_drag_of_the_only_source);
    tcase_add_test(t, test_drag_without_a_reference);
    tcase_add_test(t, test_crossed_book_of_one_in_three);
    tcase_add_test(t, test_crossed_only_book);
    tcase_add_test(t, test_flash_crash_on_one_venue);
    tcase_add_test(t, test_crash_of_the_market_is_not_held);
    tcase_add_test(t, test_freeze);
    tcase_add_test(t, test_freeze_with_repeats);
    tcase_add_test(t, test_replay);
    suite_add_tcase(s, t);
    return run_suite(s);
}
