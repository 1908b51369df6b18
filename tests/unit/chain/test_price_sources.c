// SPDX-License-Identifier: Apache-2.0
// Price sources against a scripted chain: what is of no kind, ratios and where they come from, sources that
// rest on each other or are too many, nodes that answer from the block they are just making.
#include "prices_rig.h"
#include "run_suite.h"

static struct rig r;

static void second_thoughts(struct rig *q)
{
    price(q, 0, 100); // asked again, the node says what it should have said
}
START_TEST(test_unsteady_node)
{
    rig_open(&r, 1, false);
    simple(&r, 0, 100);
    quiet(&r, 4);
    price(&r, 0, 103);
    r.round = second_thoughts;
    quiet(&r, 1);
    is(&r, 0, 100, PRICE_FREE);
    ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
    ck_assert_uint_eq(prices_counters(r.p)->unsteady, 1);
    rig_close(&r);
}
END_TEST

static void one_block_ahead(struct rig *q)
{
    if (q->reads == 3) { // the price, two getters of the feed: then all of it once more
        feed(q, SOURCE + 1, AGGREGATOR, 100);
        price(q, 0, 103);
    }
}
// A node that answers from the block it is just making, first for the feed, then for the price.
START_TEST(test_node_ahead)
{
    rig_open(&r, 1, false);
    source(&r, 0, SOURCE);
    stable(&r, SOURCE, SOURCE + 1, 200);
    feed(&r, SOURCE + 1, AGGREGATOR, 100);
    price(&r, 0, 100);
    quiet(&r, 4);
    r.reads = 0;
    r.round = one_block_ahead;
    feed(&r, SOURCE + 1, AGGREGATOR, 103);
    quiet(&r, 1);
    is(&r, 0, 100, PRICE_FREE);
    ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
    ck_assert_uint_eq(prices_counters(r.p)->unsteady, 1);
    r.round = NULL;
    feed(&r, SOURCE + 1, AGGREGATOR, 104); // and one that changes without a log, for good
    price(&r, 0, 104);
    quiet(&r, 1);
    is(&r, 0, 104, PRICE_HELD_DIFFERS);
    rig_close(&r);
}
END_TEST

// What the oracle says at the hash of the block before once the next one is there, whatever it said then.
static void was(struct rig *q, uint64_t asset, uint64_t value)
{
    struct evm_address of = addr(ASSET + asset);
    const struct entry *e = rig_entry(q, ORACLE, "getAssetPrice(address)", &of);
    q->past[e - q->entry].value = w64(value);
}

// Both looks come while the node makes the next block: the price is held until that is there, and no longer.
START_TEST(test_node_ahead_for_long)
{
    enum { MODELLED, VERIFYING, BELIEVED, SILENT, CASES };
    for (unsigned k = 0; k < CASES; k++) {
        for (unsigned real = 0; real < 2; real++) {
            rig_open(&r, 1, false);
            simple(&r, 0, 100);
            quiet(&r, k == VERIFYING ? 2 : k == SILENT ? 15 : 4); // 16: aggregators are read again
            if (k == BELIEVED) { // differed, and is free for the first time in the block before
                price(&r, 0, 90);
                quiet(&r, 1);
                price(&r, 0, 100);
                quiet(&r, 3);
            }
            uint64_t before = prices_counters(r.p)->differences;
            enum price_mode m = mode(&r, 0);
            if (k == SILENT)
                feed(&r, SOURCE, AGGREGATOR, 103);
            price(&r, 0, 103);
            quiet(&r, 1);
            ck_assert_uint_eq(prices_counters(r.p)->differences, before + 1);
            is(&r, 0, 103, k == VERIFYING ? PRICE_FREE : PRICE_HELD_DIFFERS);
            feed(&r, SOURCE, AGGREGATOR, 103);
            next(&r);
            was(&r, 0, real ? 103 : 100);
            answered(&r, AGGREGATOR, 103, 1);
            finish(&r);
            ck_assert_uint_eq(prices_counters(r.p)->differences, before + real);
            ck_assert_uint_eq(prices_counters(r.p)->unsteady, !real);
            is(&r, 0, 103, real && k != VERIFYING ? PRICE_HELD_DIFFERS : PRICE_FREE);
            ck_assert_int_eq(mode(&r, 0), !real            ? PRICE_MODELLED
                                          : k == VERIFYING ? PRICE_POLLED
                                                           : PRICE_VERIFYING);
            ck_assert(k == VERIFYING || m == PRICE_MODELLED);
            for (unsigned more = 0; more < 3 && !real; more++) { // nor do they add up
                price(&r, 0, 105);
                quiet(&r, 1);
                price(&r, 0, 103);
                next(&r);
                was(&r, 0, 103);
                finish(&r);
                ck_assert_int_eq(mode(&r, 0), PRICE_MODELLED);
            }
            rig_close(&r);
        }
    }
}
END_TEST

// It stays a difference where the block before is undone, the source is another one, or no log tells of it.
START_TEST(test_no_difference_is_forgotten)
{
    for (unsigned k = 0; k < 3; k++) {
        rig_open(&r, 1, false);
        simple(&r, 0, 100);
        quiet(&r, k == 2 ? 15 : 4);
        if (k == 2)
            feed(&r, SOURCE, AGGREGATOR, 103);
        price(&r, 0, 103);
        quiet(&r, 1);
        is(&r, 0, 103, PRICE_HELD_DIFFERS);
        if (k == 0)
            begin(&r, r.number, w64(4711), w64(4712));
        else
            next(&r);
        was(&r, 0, 100);
        if (k == 1) {
            source(&r, 0, SOURCE + 9);
            feed(&r, SOURCE + 9, AGGREGATOR + 9, 103);
            log_of(&r, ORACLE, "AssetSourceUpdated(address,address)", 3, ASSET, 1);
        }
        finish(&r);
        ck_assert_uint_eq(prices_counters(r.p)->differences, 1 + (k == 0));
        ck_assert_uint_eq(prices_counters(r.p)->unsteady, 0);
        ck_assert_int_ne(mode(&r, 0), PRICE_MODELLED);
        rig_close(&r);
    }
}
END_TEST

static void capped_ratio(struct rig *q, uint64_t at, uint64_t base, uint64_t decimals)
{
    set(q, at, "BASE_TO_USD_AGGREGATOR()", waddr(base));
    set(q, at, "RATIO_DECIMALS()", w64(decimals));
    set(q, at, "getRatio()", w64(110));
    set(q, at, "getSnapshotRatio()", w64(120));
    set(q, at, "getSnapshotTimestamp()", w64(1600000000));
    set(q, at, "getMaxRatioGrowthPerSecond()", w64(0));
}

static void ratio_ahead(struct rig *q)
{
    if (q->reads == 4) // the price, the ratio, two getters of the base feed
        set(q, SOURCE, "getRatio()", w64(110));
}
// A ratio of the block that the node is just making is asked for again.
START_TEST(test_ratio_ahead)
{
    rig_open(&r, 1, false);
    source(&r, 0, SOURCE);
    capped_ratio(&r, SOURCE, SOURCE + 1, 2);
    feed(&r, SOURCE + 1, AGGREGATOR + 1, 1000);
    price(&r, 0, 1100);
    quiet(&r, 4);
    ck_assert_int_eq(mode(&r, 0), PRICE_MODELLED);
    r.reads = 0;
    r.round = ratio_ahead;
    set(&r, SOURCE, "getRatio()", w64(115));
    quiet(&r, 1);
    is(&r, 0, 1100, PRICE_FREE);
    ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
    ck_assert_uint_eq(prices_counters(r.p)->unsteady, 1);
    rig_close(&r);
}
END_TEST

// What looks like a kind but has parameters that no adapter has is of no kind.
START_TEST(test_no_kind)
{
    struct price_state s;
    rig_open(&r, 4, false);
    for (uint64_t i = 0; i < 4; i++) {
        source(&r, i, SOURCE + 10 * i);
        price(&r, i, 6);
    }
    set(&r, SOURCE, "price()", w64(5));
    set(&r, SOURCE, "latestAnswer()", w64(6));
    feed(&r, SOURCE + 10, SOURCE + 10, 6); // its own aggregator
    capped_ratio(&r, SOURCE + 20, SOURCE + 21, 200);
    feed(&r, SOURCE + 21, AGGREGATOR, 1000);
    capped_ratio(&r, SOURCE + 30, SOURCE + 21, 2); // and one that is a kind
    quiet(&r, 1);
    for (size_t i = 0; i < 4; i++) {
        prices_state(r.p, i, &s);
        ck_assert_int_eq(s.kind, i < 3 ? SOURCE_OTHER : SOURCE_CAPPED_RATIO);
        is(&r, i, 6, PRICE_FREE);
    }
    rig_close(&r);
}
END_TEST

// A ratio that its provider's feed does not tell is read from the adapter; one that it tells comes with its
// logs.
static void ratio(bool told)
{
    rig_open(&r, 1, false);
    source(&r, 0, SOURCE);
    capped_ratio(&r, SOURCE, SOURCE + 1, 2);
    set(&r, SOURCE, "RATIO_PROVIDER()", waddr(SOURCE + 2));
    feed(&r, SOURCE + 1, AGGREGATOR + 1, 1000);
    feed(&r, SOURCE + 2, AGGREGATOR + 2, told ? 110 : 111);
    price(&r, 0, 1100);
    quiet(&r, 4);
    ck_assert_int_eq(mode(&r, 0), PRICE_MODELLED);
    next(&r);
    answered(&r, AGGREGATOR + 2, 115, 0);
    set(&r, SOURCE + 2, "latestAnswer()", w64(115));
    set(&r, SOURCE, "getRatio()", w64(115));
    price(&r, 0, 1150);
    prices_logs_end(r.p);
    is(&r, 0, told ? 1150 : 1100, PRICE_FREE);
    reads(&r, SIZE_MAX);
    is(&r, 0, 1150, PRICE_FREE);
    ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
    rig_close(&r);
}
START_TEST(test_ratio)
{
    ratio(true);
    ratio(false);
}
END_TEST

// Adapters in a circle, and more of them on each other than any market has: no model, no harm.
START_TEST(test_circle)
{
    rig_open(&r, 2, false);
    source(&r, 0, SOURCE);
    stable(&r, SOURCE, SOURCE + 1, 100);
    stable(&r, SOURCE + 1, SOURCE, 100);
    price(&r, 0, 90);
    source(&r, 1, SOURCE + 10);
    for (uint64_t i = 10; i < 30; i++)
        stable(&r, SOURCE + i, SOURCE + i + 1, 1000 + i);
    feed(&r, SOURCE + 30, AGGREGATOR, 95);
    price(&r, 1, 95);
    quiet(&r, 5);
    is(&r, 0, 90, PRICE_FREE);
    is(&r, 1, 95, PRICE_FREE);
    ck_assert(mode(&r, 0) == PRICE_POLLED && mode(&r, 1) == PRICE_POLLED);
    rig_close(&r);
}
END_TEST

// More sources than there are places: what fits is modelled, the rest polled; places are given back.
START_TEST(test_many)
{
    rig_open(&r, PRICES_ASSETS_MAX, false);
    for (uint64_t i = 0; i < PRICES_ASSETS_MAX; i++) {
        uint64_t at = SOURCE + 5 * i;
        source(&r, i, at);
        set(&r, at, "ASSET_TO_PEG()", waddr(at + 1));
        set(&r, at, "PEG_TO_BASE()", waddr(at + 2));
        set(&r, at, "DECIMALS()", w64(8));
        stable(&r, at + 1, at + 3, 500000000);
        stable(&r, at + 2, at + 4, 500000000);
        feed(&r, at + 3, AGGREGATOR + 5 * i, 200000000);
        feed(&r, at + 4, AGGREGATOR + 5 * i + 1, 300000000);
        price(&r, i, 600000000);
    }
    quiet(&r, 4);
    unsigned modelled = 0;
    for (size_t i = 0; i < PRICES_ASSETS_MAX; i++) {
        is(&r, i, 600000000, PRICE_FREE);
        modelled += mode(&r, i) == PRICE_MODELLED;
    }
    ck_assert_uint_gt(modelled, 10);
    ck_assert_uint_lt(modelled, PRICES_ASSETS_MAX);
    for (uint64_t i = 0; i < PRICES_ASSETS_MAX; i++)
        source(&r, i, 0x9000);
    feed(&r, 0x9000, 0x9001, 200000000); // for which there is no place yet
    for (uint64_t i = 0; i < PRICES_ASSETS_MAX; i++)
        price(&r, i, 200000000);
    quiet(&r, 40);
    for (size_t i = 0; i < PRICES_ASSETS_MAX; i++) {
        ck_assert_int_eq(mode(&r, i), PRICE_MODELLED);
        is(&r, i, 200000000, PRICE_FREE);
    }
    rig_close(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("price sources");
    TCase *t = tcase_create("price sources");
    tcase_add_test(t, test_unsteady_node);
    tcase_add_test(t, test_node_ahead);
    tcase_add_test(t, test_node_ahead_for_long);
    tcase_add_test(t, test_no_difference_is_forgotten);
    tcase_add_test(t, test_ratio_ahead);
    tcase_add_test(t, test_no_kind);
    tcase_add_test(t, test_ratio);
    tcase_add_test(t, test_circle);
    tcase_add_test(t, test_many);
    suite_add_tcase(s, t);
    return run_suite(s);
}
