// SPDX-License-Identifier: Apache-2.0
// Wire form: what is written reads back equal, one value has one encoding, and nothing malformed is taken.
#include <check.h>
#include <stdlib.h>

#include "accounts/book_random.h"
#include "accounts/store.h"
#include "base/test_seed.h"
#include "run_suite.h"

static uint64_t seed;

START_TEST(test_account_round_trip)
{
    struct prng r;
    uint8_t buf[ACCOUNT_BYTES_MAX], again[ACCOUNT_BYTES_MAX];
    prng_seed(&r, seed);
    for (int i = 0; i < 3000; i++) {
        struct account a, b;
        random_account(&r, &a);
        size_t n = account_encode(&a, buf, sizeof buf);
        ck_assert_uint_gt(n, 0);
        ck_assert_uint_eq(account_decode(buf, sizeof buf, &b), n);
        ck_assert(account_equal(&a, &b));
        ck_assert_uint_eq(account_encode(&b, again, sizeof again), n);
        ck_assert_mem_eq(buf, again, n);
        ck_assert_uint_eq(account_encode(&a, again, n), n);
        ck_assert_uint_eq(account_encode(&a, again, n - 1), 0);
    }
}
END_TEST

START_TEST(test_account_extremes)
{
    static const i128 top = (i128)(~(u128)0 >> 1);
    uint8_t buf[ACCOUNT_BYTES_MAX];
    struct account a = {.id = UINT32_MAX,
                        .cash = -top - 1,
                        .epoch = UINT32_MAX,
                        .emode = 255,
                        .currency = "ABC4567",
                        .cash_decimals = 18},
                   b;
    memset(a.name, 'n', NAME_LEN - 1);
    a.rule = rule_find("perp-linear-1");
    a.n_positions = ACCOUNT_POSITIONS_MAX;
    for (unsigned i = 0; i < ACCOUNT_POSITIONS_MAX; i++)
        a.position[i] =
            (struct position){.instrument = (uint16_t)(MARKET_INSTRUMENTS_MAX - ACCOUNT_POSITIONS_MAX + i),
                              .size = -top - 1,
                              .entry = INT64_MIN,
                              .supply = top,
                              .debt = top,
                              .funding = 1 - ((i128)1 << MOVING_FUNDING_BITS)};
    size_t n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_le(n, ACCOUNT_BYTES_MAX);
    ck_assert_uint_eq(account_decode(buf, n, &b), n);
    ck_assert(account_equal(&a, &b));
}
END_TEST

// Cut anywhere it is refused; changed anywhere it is refused or is exactly the encoding of what was decoded.
static void attack_account(struct prng *r, const uint8_t *good, size_t n)
{
    uint8_t buf[ACCOUNT_BYTES_MAX], again[ACCOUNT_BYTES_MAX];
    struct account b;
    for (size_t cut = 0; cut < n; cut++)
        ck_assert_uint_eq(account_decode(good, cut, &b), 0);
    for (size_t i = 0; i < n; i++) {
        memcpy(buf, good, n);
        buf[i] ^= (uint8_t)(1 + prng_below(r, 255));
        size_t k = account_decode(buf, n, &b);
        if (k == 0)
            continue;
        ck_assert_uint_eq(account_encode(&b, again, sizeof again), k);
        ck_assert_mem_eq(buf, again, k);
        ck_assert_int_eq(account_check(NULL, &b, NULL), 0);
    }
}

START_TEST(test_account_malformed)
{
    struct prng r;
    uint8_t buf[ACCOUNT_BYTES_MAX];
    prng_seed(&r, seed + 1);
    for (int i = 0; i < 40; i++) {
        struct account a;
        random_account(&r, &a);
        a.n_positions = a.n_positions > 4 ? 4 : a.n_positions;
        attack_account(&r, buf, account_encode(&a, buf, sizeof buf));
    }
}
END_TEST

START_TEST(test_account_refused)
{
    uint8_t buf[ACCOUNT_BYTES_MAX];
    struct account b;
    struct account a = {.id = 5, .name = "five", .rule = rule_find("aave-3.5"), .n_positions = 2};
    a.position[0] = (struct position){.instrument = 3, .supply = 1};
    a.position[1] = (struct position){.instrument = 4, .debt = 1};
    size_t n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_eq(account_decode(buf, n, &b), n);
    buf[0]++; // version
    ck_assert_uint_eq(account_decode(buf, n, &b), 0);
    a.position[1].instrument = 3; // not ascending
    n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_eq(account_decode(buf, n, &b), 0);
    a.position[1].instrument = MARKET_INSTRUMENTS_MAX;
    n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_eq(account_decode(buf, n, &b), 0);
    a.position[1].instrument = 4;
    a.position[1].debt = -1;
    n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_eq(account_decode(buf, n, &b), 0);
    a.position[1].debt = 1;
    a.id = 0;
    n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_eq(account_decode(buf, n, &b), 0);
    struct rule unknown = {.name = "no-such-rule-1"};
    a.id = 5;
    a.rule = &unknown;
    n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_eq(account_decode(buf, n, &b), 0);
    a.rule = rule_find("perp-linear-1");
    a.position[0] = a.position[1] = (struct position){0};
    a.n_positions = 0;
    memcpy(a.currency, "usdc", 5);
    n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_eq(account_decode(buf, n, &b), 0);
    memcpy(a.currency, "USDC", 5);
    n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_eq(account_decode(buf, n, &b), n);
    ck_assert_str_eq(b.currency, "USDC");
    memset(a.currency, 'A', sizeof a.currency); // not terminated
    ck_assert_uint_eq(account_encode(&a, buf, sizeof buf), 0);
    memset(a.currency, 0, sizeof a.currency);
    a.rule = NULL;
    ck_assert_uint_eq(account_encode(&a, buf, sizeof buf), 0);
}
END_TEST

// {version, id as a varint}: an id padded with a zero group must not be another spelling of the same account.
START_TEST(test_padded_varint_refused)
{
    uint8_t buf[ACCOUNT_BYTES_MAX], padded[ACCOUNT_BYTES_MAX];
    struct account b, a = {.id = 5, .rule = rule_find("aave-3.5")};
    size_t n = account_encode(&a, buf, sizeof buf);
    ck_assert_uint_eq(buf[1], 5);
    padded[0] = buf[0];
    padded[1] = 0x85;
    padded[2] = 0x00;
    memcpy(padded + 3, buf + 2, n - 2);
    ck_assert_uint_eq(account_decode(padded, n + 1, &b), 0);
}
END_TEST

// The last of a varint's 19 groups has two bits left of 128; a twentieth group none.
START_TEST(test_varint_overflow_refused)
{
    uint8_t buf[ACCOUNT_BYTES_MAX] = {0};
    struct account b, a = {.id = 5, .rule = rule_find("aave-3.5"), .cash = -(i128)(~(u128)0 >> 1) - 1};
    size_t n = account_encode(&a, buf, sizeof buf);
    uint8_t *last = buf + n - 2; // cash ends before the byte that counts the positions
    ck_assert_uint_eq(*last, 3);
    ck_assert_uint_eq(account_decode(buf, n, &b), n);
    *last = 4;
    ck_assert_uint_eq(account_decode(buf, n, &b), 0);
    *last = 0x83;
    last[1] = 1;
    ck_assert_uint_eq(account_decode(buf, n + 1, &b), 0);
}
END_TEST

START_TEST(test_market_round_trip)
{
    struct prng r;
    uint8_t *buf = malloc(MARKET_BYTES_MAX);
    struct market *m = malloc(sizeof *m), *b = malloc(sizeof *b);
    prng_seed(&r, seed + 2);
    for (int i = 0; i < 200; i++) {
        bool full = i == 0;
        random_market(&r, m, full ? MARKET_ASSETS_MAX : 2 * (1 + (unsigned)prng_below(&r, 128)),
                      full ? MARKET_INSTRUMENTS_MAX : (unsigned)prng_below(&r, MARKET_INSTRUMENTS_MAX + 1));
        struct err e = {""};
        ck_assert_msg(market_check(m, &e) == 0, "%s", e.msg);
        size_t n = market_encode(m, buf, MARKET_BYTES_MAX);
        ck_assert_uint_gt(n, 0);
        ck_assert_uint_eq(market_decode(buf, n, b), n);
        ck_assert_mem_eq(m, b, sizeof *m);
        ck_assert_uint_eq(market_encode(m, buf, n - 1), 0);
    }
    free(buf);
    free(m);
    free(b);
}
END_TEST

START_TEST(test_market_malformed)
{
    struct prng r;
    uint8_t *good = malloc(MARKET_BYTES_MAX), *buf = malloc(MARKET_BYTES_MAX),
            *again = malloc(MARKET_BYTES_MAX);
    struct market *m = malloc(sizeof *m);
    prng_seed(&r, seed + 3);
    random_market(&r, m, 4, 5);
    size_t n = market_encode(m, good, MARKET_BYTES_MAX);
    for (size_t cut = 0; cut < n; cut++)
        ck_assert_uint_eq(market_decode(good, cut, m), 0);
    for (size_t i = 0; i < 4 * n; i++) {
        memcpy(buf, good, n);
        buf[i % n] ^= (uint8_t)(1 + prng_below(&r, 255));
        size_t k = market_decode(buf, n, m);
        if (k == 0)
            continue;
        ck_assert_int_eq(market_check(m, NULL), 0);
        ck_assert_uint_eq(market_encode(m, again, MARKET_BYTES_MAX), k);
        ck_assert_mem_eq(buf, again, k);
    }
    free(good);
    free(buf);
    free(again);
    free(m);
}
END_TEST

// Bytes of version 2, of before anything moved: they read, and the same state writes them again.
static const uint8_t ACCOUNT_OF_2[] = {0xA2, 7,   0,   13,  'p', 'e', 'r', 'p', '-', 'l', 'i', 'n',
                                       'e',  'a', 'r', '-', '1', 4,   'U', 'S', 'D', 'C', 6,   0,
                                       2,    199, 1,   1,   3,   0,   20,  14,  0,   0};

START_TEST(test_account_of_version_2)
{
    uint8_t buf[ACCOUNT_BYTES_MAX], newer[sizeof ACCOUNT_OF_2 + 1];
    struct account a;
    ck_assert_uint_eq(account_decode(ACCOUNT_OF_2, sizeof ACCOUNT_OF_2, &a), sizeof ACCOUNT_OF_2);
    ck_assert(a.id == 7 && a.epoch == 2 && a.cash == -100 && a.n_positions == 1);
    ck_assert(a.position[0].instrument == 3 && a.position[0].size == 10 && a.position[0].entry == 7);
    ck_assert_uint_eq(account_encode(&a, buf, sizeof buf), sizeof ACCOUNT_OF_2);
    ck_assert_mem_eq(buf, ACCOUNT_OF_2, sizeof ACCOUNT_OF_2);
    // Version 3 is for what version 2 cannot hold, and refused else.
    memcpy(newer, ACCOUNT_OF_2, sizeof ACCOUNT_OF_2);
    newer[0] = CODEC_ACCOUNT_3;
    newer[sizeof newer - 1] = 0;
    ck_assert_uint_eq(account_decode(newer, sizeof newer, &a), 0);
    newer[sizeof newer - 1] = 1; // funding -1
    ck_assert_uint_eq(account_decode(newer, sizeof newer, &a), sizeof newer);
    ck_assert(a.position[0].funding == -1);
    a.position[0].funding = (i128)1 << MOVING_FUNDING_BITS;
    ck_assert_uint_eq(account_decode(buf, account_encode(&a, buf, sizeof buf), &a), 0);
    // Version 5 is for open orders alone, and only of a rule that knows them.
    struct account b = {.id = 7, .rule = rule_find("drift-v2-1"), .n_positions = 1};
    b.position[0] = (struct position){.instrument = 3, .orders = 255, .bids = INT64_MAX, .asks = 1};
    size_t n = account_encode(&b, buf, sizeof buf);
    ck_assert_uint_eq(buf[0], CODEC_ACCOUNT);
    ck_assert_uint_eq(account_decode(buf, n, &a), n);
    ck_assert(account_equal(&a, &b));
    b.position[0].orders = 0;
    ck_assert_uint_eq(account_encode(&b, buf, sizeof buf),
                      n - 14);                                  // two words of state, funding, a count, 9 + 1
    ck_assert_uint_eq(account_decode(buf, n - 14, &a), n - 14); // the amounts go with the count
    ck_assert(buf[0] == CODEC_ACCOUNT_2 && a.position[0].bids == 0);
    b.position[0].orders = 1;
    b.position[0].asks = -1;
    ck_assert_uint_eq(account_decode(buf, account_encode(&b, buf, sizeof buf), &a), 0);
    b.position[0].asks = 1;
    b.rule = rule_find("perp-linear-1");
    ck_assert_uint_eq(account_decode(buf, account_encode(&b, buf, sizeof buf), &a), 0);
    ck_assert(codec_known(0xA2) && codec_known(0xA3) && codec_known(0xB2) && codec_known(0xB3) &&
              codec_known(0xB4) && codec_known(0xB5) && codec_known(0xA4) && codec_known(0xB6) &&
              codec_known(0xA5));
    ck_assert(!codec_known(0xA6) && !codec_known(0xB7) && !codec_known(0xA1) && !codec_known(0));
}
END_TEST

// The first reserve with an eMode category; n_instruments: none has.
static unsigned categorised(const struct market *m)
{
    unsigned i = 0;
    while (i < m->n_instruments && (m->instrument[i].kind != INST_RESERVE || m->instrument[i].emode == 0))
        i++;
    return i;
}

START_TEST(test_market_versions)
{
    struct prng r;
    uint8_t *buf = malloc(MARKET_BYTES_MAX), *again = malloc(MARKET_BYTES_MAX);
    struct market *m = malloc(sizeof *m), *back = malloc(sizeof *m);
    unsigned i;
    prng_seed(&r, seed + 4);
    do
        random_market(&r, m, 6, 9);
    while ((i = categorised(m)) == m->n_instruments);
    for (unsigned a = 0; a < m->n_assets; a++)
        m->asset[a].spread_ppm = 0;
    for (unsigned x = 0; x < m->n_instruments; x++) {
        struct instrument *s = &m->instrument[x];
        s->told_at = s->ramp_start = s->ramp_end = s->grace_until = 0;
        s->ramp_from_bps = s->emode_ramp_from_bps = s->profit_weight_ppm = 0;
        s->liquidity_rate = s->borrow_rate = 0;
        s->funding_index = s->funding_rate = 0;
        s->n_emodes = 0;
    }
    m->n_scenarios = 0;
    memset(m->scenario, 0, sizeof m->scenario);
    size_t n = market_encode(m, buf, MARKET_BYTES_MAX);
    ck_assert_uint_eq(buf[0], CODEC_MARKET_2);
    ck_assert_uint_eq(market_decode(buf, n, back), n);
    m->asset[1].spread_ppm = 1;
    size_t k = market_encode(m, buf, MARKET_BYTES_MAX);
    ck_assert_uint_eq(buf[0], CODEC_MARKET_3);
    ck_assert_uint_eq(k, n + m->n_assets + 11 * (size_t)m->n_instruments + 1);
    m->asset[1].spread_ppm = 2;
    ck_assert_uint_eq(market_encode(m, again, MARKET_BYTES_MAX), k);
    size_t at = 0;
    while (buf[at] == again[at])
        at++;
    ck_assert_uint_eq(market_decode(again, k, back), k);
    again[at] = 0; // now version 2 would do
    ck_assert_uint_eq(market_decode(again, k, back), 0);
    m->instrument[2].grace_until = 77;
    k = market_encode(m, buf, MARKET_BYTES_MAX);
    market_now(m, 78 * UINT64_C(1000000000)); // what is made of it is not written
    ck_assert_uint_eq(market_encode(m, again, MARKET_BYTES_MAX), k);
    ck_assert_mem_eq(buf, again, k);
    // Version 4: further eMode categories.
    m->instrument[2].grace_until = 0;
    k = market_encode(m, buf, MARKET_BYTES_MAX);
    m->instrument[i].n_emodes = 1;
    m->instrument[i].emodes[0] = (struct emode){.id = 200, .lt_bps = 9300, .lb_bps = 10100};
    size_t k4 = market_encode(m, buf, MARKET_BYTES_MAX);
    ck_assert_uint_eq(buf[0], CODEC_MARKET_4);
    ck_assert_uint_eq(k4, k + m->n_instruments + 1 + 2 + 2); // a number each, and one category
    ck_assert_uint_eq(market_decode(buf, k4, back), k4);
    ck_assert(!instrument_differs(&m->instrument[i], &back->instrument[i]));
    back->instrument[i].emodes[0].lb_bps++;
    ck_assert(instrument_differs(&m->instrument[i], &back->instrument[i]));
    buf[0] = CODEC_MARKET_3; // has no place for them
    ck_assert_uint_eq(market_decode(buf, k4, back), 0);
    // Versions 5 and 6: terms.
    for (unsigned x = TERM_EXCHANGE_RATE; x <= TERM_PRE_LLTV; x++) {
        bool first = x <= TERM_BORROW_SHARES; // a place each; later ones are pairs
        struct terms *t = &m->instrument[i].terms;
        ck_assert(term_set(t, (enum term)x, 5));
        size_t k5 = market_encode(m, buf, MARKET_BYTES_MAX);
        ck_assert_uint_eq(buf[0], first ? CODEC_MARKET_5 : CODEC_MARKET);
        ck_assert_uint_eq(k5, first ? k4 + 4u * m->n_instruments : k4 + m->n_instruments + 2);
        ck_assert_uint_eq(market_decode(buf, k5, back), k5);
        ck_assert(!instrument_differs(&m->instrument[i], &back->instrument[i]));
        ck_assert(terms_equal(&m->instrument[i].terms, &back->instrument[i].terms));
        buf[0] = CODEC_MARKET_4; // has no place for them
        ck_assert_uint_eq(market_decode(buf, k5, back), 0);
        ck_assert(term_set(t, (enum term)x, 0));
        ck_assert_uint_eq(market_encode(m, again, MARKET_BYTES_MAX), k4);
        ck_assert(term_set(t, (enum term)x, (u128)1 << 127)); // more than a store can hold
        k5 = market_encode(m, buf, MARKET_BYTES_MAX);
        ck_assert_uint_eq(market_decode(buf, k5, back), 0);
        ck_assert(term_set(t, (enum term)x, 0));
    }
    free(buf);
    free(again);
    free(m);
    free(back);
}
END_TEST

int main(void)
{
    seed = test_seed(20261120);
    Suite *s = suite_create("accounts/codec");
    TCase *t = tcase_create("codec");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_account_round_trip);
    tcase_add_test(t, test_account_extremes);
    tcase_add_test(t, test_account_malformed);
    tcase_add_test(t, test_account_refused);
    tcase_add_test(t, test_padded_varint_refused);
    tcase_add_test(t, test_varint_overflow_refused);
    tcase_add_test(t, test_market_round_trip);
    tcase_add_test(t, test_market_malformed);
    tcase_add_test(t, test_account_of_version_2);
    tcase_add_test(t, test_market_versions);
    suite_add_tcase(s, t);
    return run_suite(s);
}
