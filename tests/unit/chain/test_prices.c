// SPDX-License-Identifier: Apache-2.0
// Prices of a market against a scripted chain: groups, verification, what is held and for how long, blocks
// that are missing, undone or lost, an oracle that changes, sources that lie, rest on each other or are too
// many, candidates from the pool.
#include "prices_rig.h"
#include "run_suite.h"

static struct rig r;

START_TEST(test_refused)
{
    struct err e = {""};
    struct evm_address a = addr(1);
    ck_assert_ptr_null(prices_new(&(struct prices_config){.asset = &a, .n_assets = 0}, &e));
    ck_assert_ptr_null(
        prices_new(&(struct prices_config){.asset = &a, .n_assets = PRICES_ASSETS_MAX + 1}, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "128"));
}
END_TEST

// A model counts after three audits that were equal; before, a log changes nothing.
START_TEST(test_verified_first)
{
    rig_open(&r, 2, false);
    simple(&r, 0, 100);
    simple(&r, 1, 200);
    quiet(&r, 2);
    is(&r, 0, 100, PRICE_FREE);
    ck_assert_int_eq(mode(&r, 0), PRICE_VERIFYING);
    next(&r);
    answered(&r, AGGREGATOR, 101, 0);
    feed(&r, SOURCE, AGGREGATOR, 101);
    price(&r, 0, 101);
    prices_logs_end(r.p);
    is(&r, 0, 100, PRICE_FREE);
    reads(&r, SIZE_MAX);
    is(&r, 0, 101, PRICE_FREE);
    ck_assert_int_eq(mode(&r, 0), PRICE_MODELLED);
    ck_assert_uint_eq(r.ends, 3);
    rig_close(&r);
}
END_TEST

// One transaction is one group, whatever it changes; what it does not change is not in it.
START_TEST(test_groups)
{
    rig_open(&r, 3, false);
    for (uint64_t i = 0; i < 3; i++)
        simple(&r, i, 100 + i);
    quiet(&r, 3);
    next(&r);
    answered(&r, AGGREGATOR, 110, 4);
    answered(&r, AGGREGATOR + 1, 111, 4);
    answered(&r, AGGREGATOR + 2, 102, 4); // as it was
    answered(&r, AGGREGATOR, 120, 9);
    answered(&r, 0x9999, 1, 9);                                               // nobody's
    log_of(&r, AGGREGATOR, "AnswerUpdated(int256,uint256,uint256)", 2, 5, 9); // another event of that name
    log_of(&r, AGGREGATOR, "NewRound(uint256,address,uint256)", 3, 5, 9);
    answered(&r, SOURCE + 1, 1, 9); // the proxy's own are none
    price(&r, 0, 120);
    price(&r, 1, 111);
    set(&r, SOURCE, "latestAnswer()", w64(120));
    set(&r, SOURCE + 1, "latestAnswer()", w64(111));
    finish(&r);
    ck_assert_uint_eq(r.n_told, 2);
    ck_assert(r.told[0].cause == PRICE_TX && r.told[0].tx_index == 4 && r.told[0].n == 2);
    ck_assert(r.told[1].cause == PRICE_TX && r.told[1].tx_index == 9 && r.told[1].n == 1);
    is(&r, 0, 120, PRICE_FREE);
    is(&r, 1, 111, PRICE_FREE);
    ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
    rig_close(&r);
}
END_TEST

enum { GAP, UNDONE, OTHER_PARENT };

static void missing_block(int how)
{
    bool undone = how != GAP;
    rig_open(&r, 2, false);
    simple(&r, 0, 100);
    simple(&r, 1, 200);
    quiet(&r, 4);
    uint64_t last = r.number;
    begin(&r, how == GAP ? last + 3 : how == UNDONE ? last : last + 1, w64(77), w64(76));
    ck_assert_uint_eq(r.n_undone, 1);
    ck_assert_uint_eq(r.undone, how == UNDONE ? last - 1 : last);
    ck_assert(r.n_told == 1 && r.told[0].cause == PRICE_UNSURE && r.told[0].n == 2);
    is(&r, 0, 100, PRICE_HELD_UNREAD);
    answered(&r, AGGREGATOR, 107, 0); // what the logs tell is no price while others are missing
    is(&r, 0, 100, PRICE_HELD_UNREAD);
    feed(&r, SOURCE, AGGREGATOR + 5, 105); // another aggregator meanwhile
    price(&r, 0, 105);
    finish(&r);
    is(&r, 0, 105, PRICE_FREE);
    is(&r, 1, 200, PRICE_FREE);
    ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
    ck_assert_uint_eq(prices_counters(r.p)->undone, undone);
    ck_assert_uint_eq(prices_counters(r.p)->gaps, !undone);
    next(&r);
    answered(&r, AGGREGATOR + 5, 106, 1);
    is(&r, 0, 105, PRICE_FREE); // a group is told when its transaction is over
    set(&r, SOURCE, "latestAnswer()", w64(106));
    price(&r, 0, 106);
    finish(&r);
    ck_assert(r.n_told == 1 && r.told[0].cause == PRICE_TX);
    rig_close(&r);
}
START_TEST(test_gap)
{
    missing_block(GAP);
}
END_TEST
START_TEST(test_undone)
{
    missing_block(UNDONE);
    missing_block(OTHER_PARENT);
}
END_TEST

// A block that is lost after any number of answers: all is held, late answers do nothing, the next is read
// anew.
START_TEST(test_lost)
{
    for (size_t after = 0; after < 6; after++) {
        struct price_read late;
        rig_open(&r, 2, false);
        simple(&r, 0, 100);
        simple(&r, 1, 200);
        quiet(&r, 4);
        next(&r);
        answered(&r, AGGREGATOR, 150, 0);
        prices_logs_end(r.p);
        price(&r, 0, 150);
        reads(&r, after > 1 ? 1 : after); // a block has two reads
        bool open = prices_read(r.p, &late);
        prices_lost(r.p);
        ck_assert(!prices_busy(r.p));
        is(&r, 1, 200, PRICE_HELD_UNREAD);
        if (open)
            prices_answer(r.p, late.id, w64(1).b, WORD_BYTES);
        prices_lost(r.p);
        ck_assert_uint_eq(r.n_undone, 1);
        set(&r, SOURCE, "latestAnswer()", w64(150));
        next(&r);
        finish(&r);
        is(&r, 0, 150, PRICE_FREE);
        is(&r, 1, 200, PRICE_FREE);
        ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
        prices_lost(r.p); // between blocks: not heard any more
        is(&r, 0, 150, PRICE_HELD_UNREAD);
        next(&r);
        finish(&r);
        is(&r, 0, 150, PRICE_FREE);
        rig_close(&r);
    }
}
END_TEST

// A new block while one is being read: that one is lost.
START_TEST(test_overrun)
{
    rig_open(&r, 1, false);
    simple(&r, 0, 100);
    quiet(&r, 4);
    next(&r);
    prices_logs_end(r.p);
    next(&r);
    is(&r, 0, 100, PRICE_HELD_UNREAD);
    ck_assert_uint_eq(prices_counters(r.p)->lost, 1);
    finish(&r);
    is(&r, 0, 100, PRICE_FREE);
    rig_close(&r);
}
END_TEST

// Nothing positive and no fallback: absent with the very log; a fallback's price is the oracle's to tell.
START_TEST(test_absent)
{
    rig_open(&r, 1, false);
    simple(&r, 0, 100);
    quiet(&r, 4);
    for (int with = 0; with < 2; with++) {
        next(&r);
        answered(&r, AGGREGATOR, 0, 0);
        set(&r, SOURCE, "latestAnswer()", w64(0));
        if (with)
            price(&r, 0, 55);
        else
            unset(&r,
                  rig_entry(&r, ORACLE, "getAssetPrice(address)", &(struct evm_address){.b = {[18] = 0x10}}));
        prices_logs_end(r.p);
        is(&r, 0, 0, PRICE_HELD_ABSENT);
        reads(&r, SIZE_MAX);
        is(&r, 0, with ? 55 : 0, with ? PRICE_FREE : PRICE_HELD_ABSENT);
        next(&r);
        answered(&r, AGGREGATOR, 90, 0);
        log_of(&r, ORACLE, "FallbackOracleUpdated(address)", 2, 0x77, 1);
        set(&r, ORACLE, "getFallbackOracle()", w64(0x77));
        set(&r, SOURCE, "latestAnswer()", w64(90));
        price(&r, 0, 90);
        finish(&r);
        is(&r, 0, 90, PRICE_FREE);
    }
    ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
    set(&r, ORACLE, "getFallbackOracle()", w64(0));
    next(&r);
    log_of(&r, ORACLE, "FallbackOracleUpdated(address)", 2, 0, 0);
    answered(&r, AGGREGATOR, 0, 1);
    set(&r, SOURCE, "latestAnswer()", w64(0));
    price(&r, 0, 5); // from nowhere
    finish(&r);
    is(&r, 0, 5, PRICE_HELD_DIFFERS);
    rig_close(&r);
}
END_TEST

// No model: the oracle's word, and nothing is held for it.
START_TEST(test_polled)
{
    rig_open(&r, 2, false);
    source(&r, 0, SOURCE); // answers nothing
    price(&r, 0, 10);
    source(&r, 1, 0); // none: the fallback's
    price(&r, 1, 20);
    quiet(&r, 1);
    for (uint64_t i = 0; i < 20; i++) {
        price(&r, 0, 11 + i);
        price(&r, 1, 21 + i);
        quiet(&r, 1);
        ck_assert(r.n_told == 1 && r.told[0].cause == PRICE_READ);
        is(&r, 0, 11 + i, PRICE_FREE);
        is(&r, 1, 21 + i, PRICE_FREE);
    }
    ck_assert(mode(&r, 0) == PRICE_POLLED && mode(&r, 1) == PRICE_POLLED);
    ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
    rig_close(&r);
}
END_TEST

// A difference holds the asset until the model was equal three times; one that stays becomes polled.
START_TEST(test_differs)
{
    rig_open(&r, 1, false);
    simple(&r, 0, 100);
    quiet(&r, 4);
    price(&r, 0, 103);
    quiet(&r, 1);
    is(&r, 0, 103, PRICE_HELD_DIFFERS);
    ck_assert_uint_eq(prices_counters(r.p)->differences, 1);
    price(&r, 0, 100);
    quiet(&r, 2);
    is(&r, 0, 100, PRICE_HELD_DIFFERS);
    quiet(&r, 1);
    is(&r, 0, 100, PRICE_FREE);
    ck_assert_int_eq(mode(&r, 0), PRICE_MODELLED);
    price(&r, 0, 103);
    quiet(&r, 3);
    is(&r, 0, 103, PRICE_HELD_DIFFERS);
    quiet(&r, 1);
    is(&r, 0, 103, PRICE_FREE);
    ck_assert_int_eq(mode(&r, 0), PRICE_POLLED);
    next(&r);
    source(&r, 0, SOURCE + 5); // another source is another chance, from the beginning
    feed(&r, SOURCE + 5, AGGREGATOR + 5, 103);
    log_of(&r, ORACLE, "AssetSourceUpdated(address,address)", 3, ASSET, 0);
    finish(&r);
    quiet(&r, 1);
    ck_assert_int_eq(mode(&r, 0), PRICE_VERIFYING);
    quiet(&r, 1);
    ck_assert_int_eq(mode(&r, 0), PRICE_MODELLED);
    price(&r, 0, 104);
    quiet(&r, 1);
    price(&r, 0, 103);
    quiet(&r, 3);
    ck_assert_int_eq(mode(&r, 0), PRICE_MODELLED); // its first difference, the asset's third
    rig_close(&r);
}
END_TEST

// An answer that comes twice, or to nothing, does not end a block.
START_TEST(test_answer_twice)
{
    struct price_read a, b;
    rig_open(&r, 2, false);
    simple(&r, 0, 100);
    simple(&r, 1, 200);
    quiet(&r, 4);
    next(&r);
    prices_logs_end(r.p);
    ck_assert(prices_read(r.p, &a) && prices_read(r.p, &b) && !prices_read(r.p, &(struct price_read){0}));
    prices_answer(r.p, a.id, w64(100).b, WORD_BYTES);
    prices_answer(r.p, a.id, w64(300).b, WORD_BYTES);
    prices_answer(r.p, 9999, w64(300).b, WORD_BYTES);
    ck_assert(prices_busy(r.p));
    prices_answer(r.p, b.id, w64(200).b, WORD_BYTES);
    ck_assert(!prices_busy(r.p));
    is(&r, 0, 100, PRICE_FREE);
    rig_close(&r);
}
END_TEST

// The market's oracle is another one: its sources and prices, at the same block.
START_TEST(test_another_oracle)
{
    rig_open(&r, 1, true);
    simple(&r, 0, 100);
    set(&r, PROVIDER, "getPriceOracle()", waddr(ORACLE));
    set(&r, PROVIDER, "getPriceOracleSentinel()", w64(0));
    quiet(&r, 4);
    ck_assert_int_eq(prices_sentinel(r.p), SENTINEL_NONE);
    set(&r, PROVIDER, "getPriceOracle()", waddr(0x55));
    set(&r, PROVIDER, "getPriceOracleSentinel()", waddr(0x66));
    set(&r, 0x66, "isLiquidationAllowed()", w64(1));
    set(&r, 0x55, "getFallbackOracle()", w64(0));
    set_of(&r, 0x55, "getSourceOfAsset(address)", ASSET, waddr(SOURCE + 9));
    set_of(&r, 0x55, "getAssetPrice(address)", ASSET, w64(777));
    feed(&r, SOURCE + 9, AGGREGATOR + 9, 777);
    quiet(&r, 12);
    is(&r, 0, 100, PRICE_FREE);
    quiet(&r, 1); // the sixteenth block after the first
    is(&r, 0, 777, PRICE_FREE);
    ck_assert_uint_eq(prices_counters(r.p)->differences, 0);
    ck_assert_int_eq(prices_sentinel(r.p), SENTINEL_ALLOWS);
    set(&r, PROVIDER, "getPriceOracle()", w64(0)); // none: no reason to leave the one there is
    quiet(&r, 17);
    is(&r, 0, 777, PRICE_FREE);
    set(&r, 0x66, "isLiquidationAllowed()", w64(0));
    quiet(&r, 1);
    ck_assert_int_eq(prices_sentinel(r.p), SENTINEL_REFUSES);
    struct evm_address watch[PRICES_WATCH_MAX];
    size_t n = prices_watch(r.p, watch, PRICES_WATCH_MAX);
    ck_assert_uint_eq(n, 3); // that oracle, proxy, aggregator; nothing of the old one
    for (size_t i = 0; i < n; i++)
        ck_assert(address_equal(
            &watch[i], &(struct evm_address[]){addr(0x55), addr(SOURCE + 9), addr(AGGREGATOR + 9)}[i]));
    rig_close(&r);
}
END_TEST

// ---- the pool

static size_t transmission(uint8_t *buf, size_t size, uint64_t epoch_round, uint64_t answer)
{
    struct abi_out o = abi_out_of(buf, size);
    struct abi_head h = abi_call(&o, abi_selector("transmit(bytes,bytes32[],bytes32[],bytes32)"), 4);
    uint8_t report[256];
    struct abi_out in = abi_out_of(report, sizeof report);
    struct abi_head row = abi_row(&in, 3);
    abi_put_u64(&in, &row, epoch_round);
    abi_put_u64(&in, &row, 0);
    struct abi_head list = abi_put_array(&in, &row, 1, 1);
    abi_put_u64(&in, &list, answer);
    abi_put_bytes(&o, &h, report, abi_done(&in));
    (void)abi_put_array(&o, &h, 0, 1);
    (void)abi_put_array(&o, &h, 0, 1);
    abi_put_u64(&o, &h, 0);
    size_t n = abi_done(&o);
    ck_assert_uint_gt(n, 0);
    return n;
}
static void pool(uint64_t hash, uint64_t nonce, uint64_t to, uint64_t epoch_round, uint64_t answer)
{
    uint8_t data[1024];
    struct pending_tx t = {
        .hash = w64(hash), .from = addr(0x700), .to = addr(to), .nonce = nonce, .data = data};
    t.n_data = transmission(data, sizeof data, epoch_round, answer);
    prices_pending(r.p, &t);
}

START_TEST(test_candidates)
{
    rig_open(&r, 3, false);
    simple(&r, 0, 100);
    source(&r, 1, SOURCE + 20); // capped, on the same feed
    stable(&r, SOURCE + 20, SOURCE, 104);
    price(&r, 1, 100);
    simple(&r, 2, 300);
    pool(1, 1, AGGREGATOR, 1, 110);
    ck_assert_uint_eq(r.candidates, 0); // nothing is known yet
    quiet(&r, 4);
    pool(1, 1, AGGREGATOR, 1, 110);
    ck_assert_uint_eq(r.candidates, 1);
    ck_assert(r.n_candidate == 2 && r.candidate[0].asset == 0 && r.candidate[1].asset == 1);
    ck_assert(i256_to_i64(r.candidate[0].price) == 110 && i256_to_i64(r.candidate[1].price) == 104);
    is(&r, 0, 100, PRICE_FREE); // it is no price
    pool(1, 1, AGGREGATOR, 1, 110);
    ck_assert_uint_eq(r.candidates, 1); // seen before
    pool(2, 1, AGGREGATOR, 2, 120);
    ck_assert_uint_eq(r.withdrawn[PENDING_REPLACED], 1);
    pool(3, 2, AGGREGATOR, 1, 130);
    pool(4, 3, AGGREGATOR, 3, 140);
    pool(5, 4, 0x9999, 3, 140);
    ck_assert_uint_eq(r.candidates, 4);
    pool(6, 5, AGGREGATOR, 2, 150);
    struct price_log l = {.address = addr(AGGREGATOR), .n_topics = 3, .tx_hash = w64(2)};
    l.topic[0] = abi_topic("AnswerUpdated(int256,uint256,uint256)");
    l.topic[1] = w64(120);
    next(&r);
    prices_log(r.p, &l);
    ck_assert_uint_eq(r.withdrawn[PENDING_MINED], 1);
    ck_assert_uint_eq(r.withdrawn[PENDING_OVERTAKEN], 2); // reports as old or older, not the newer one
    feed(&r, SOURCE, AGGREGATOR + 7, 120);
    price(&r, 0, 120);
    price(&r, 1, 104);
    log_of(&r, SOURCE, "AggregatorConfirmed(address,address)", 3, 0, 1);
    finish(&r);
    ck_assert_uint_eq(r.withdrawn[PENDING_OVERTAKEN], 3); // that aggregator counts no more
    struct word none;
    ck_assert(!prices_candidate(r.p, 0, &none));
    rig_close(&r);
}
END_TEST

START_TEST(test_pool_full)
{
    rig_open(&r, 1, false);
    simple(&r, 0, 100);
    quiet(&r, 4);
    for (uint64_t i = 0; i < PRICES_PENDING_MAX + 5; i++)
        pool(100 + i, i, AGGREGATOR, i + 1, 1000 + i);
    ck_assert_uint_eq(r.withdrawn[PENDING_PUSHED], 5);
    struct word h;
    for (size_t i = 0; prices_candidate(r.p, i, &h); i++)
        ck_assert(word_compare(&h, &(struct word[]){w64(104)}[0]) > 0); // the oldest went
    prices_withdraw(r.p, &(struct word[]){w64(110)}[0], PENDING_DROPPED);
    ck_assert_uint_eq(r.withdrawn[PENDING_DROPPED], 1);
    price(&r, 0, 103); // held: no candidate rests on it
    quiet(&r, 1);
    pool(999, 999, AGGREGATOR, 999, 5000);
    ck_assert_uint_eq(r.n_candidate, 0);
    rig_close(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prices");
    TCase *t = tcase_create("prices");
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_verified_first);
    tcase_add_test(t, test_groups);
    tcase_add_test(t, test_gap);
    tcase_add_test(t, test_undone);
    tcase_add_test(t, test_lost);
    tcase_add_test(t, test_overrun);
    tcase_add_test(t, test_absent);
    tcase_add_test(t, test_polled);
    tcase_add_test(t, test_differs);
    tcase_add_test(t, test_answer_twice);
    tcase_add_test(t, test_another_oracle);
    tcase_add_test(t, test_candidates);
    tcase_add_test(t, test_pool_full);
    suite_add_tcase(s, t);
    return run_suite(s);
}
