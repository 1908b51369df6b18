// SPDX-License-Identifier: Apache-2.0
// What the line tells of the oracle's prices: groups, holds, blocks, candidates, as their follower says them.
#include "lineworld.h"

static struct order_reply reply;

enum { Q_ASSETS = 5, Q_TOKENS = 7 };

static void q_open(void)
{
    static const uint16_t asset[Q_TOKENS] = {0, 1, 1, 2, 3, 3, 4};
    struct quotes *q;
    w_open();
    while (gateway_poll(chain_line_gateway(line), &reply)) // what is there at the start
        ;
    q = &line->quotes;
    q->n = Q_TOKENS;
    for (uint16_t i = 0; i < Q_TOKENS; i++) {
        q->asset[i] = asset[i];
        q->now[i] = (struct told_price){.asset = asset[i], .hold = HOLD_GAP};
    }
    for (uint16_t i = 0; i < Q_ASSETS; i++)
        q->said[i] = (struct told_price){.asset = i, .hold = HOLD_ABSENT};
}

// What a session knows after all that was told, and how often a group said what it knew already.
static struct told_price known[Q_ASSETS];
static int64_t expected[Q_ASSETS];
static unsigned blocks_told, repeats;

static void q_take(void)
{
    struct told_group g;
    while (gateway_poll(chain_line_gateway(line), &reply)) {
        ck_assert(reply.status == ORDER_INPUT && reply.input.type == J_TOLD);
        ck_assert_int_eq(told_decode(reply.input.data, reply.input.n, &g), 0);
        blocks_told += g.kind == TOLD_BLOCK;
        for (unsigned i = 0; i < g.n; i++) {
            const struct told_price *c = &g.change[i];
            ck_assert_uint_lt(c->asset, Q_ASSETS);
            if (g.kind == TOLD_CANDIDATE) {
                repeats += expected[c->asset] == c->price;
                expected[c->asset] = c->price;
            } else {
                repeats += known[c->asset].hold == c->hold && known[c->asset].price == c->price;
                known[c->asset] = *c;
            }
        }
    }
}

// The follower of prices' own state, as the test has told it.
static struct {
    int64_t price[Q_TOKENS];
    enum price_hold hold[Q_TOKENS];
    bool beyond[Q_TOKENS], refused;
    struct {
        struct word hash;
        bool on;
        uint64_t order;
        int64_t price[Q_TOKENS];
    } tx[PRICES_PENDING_MAX];
} truth;

static void check_quotes(void)
{
    static const uint8_t holds[] = {HOLD_NONE, HOLD_GAP, HOLD_ABSENT, HOLD_GUARD};
    const struct quotes *q = &line->quotes;
    for (unsigned a = 0; a < Q_ASSETS; a++) {
        unsigned first = Q_TOKENS, free_tokens = 0, tokens = 0;
        bool same = true;
        for (unsigned i = 0; i < Q_TOKENS; i++) {
            if (q->asset[i] != a)
                continue;
            first = first == Q_TOKENS ? i : first;
            tokens++;
            free_tokens += truth.hold[i] == PRICE_FREE && !truth.beyond[i];
            same &= truth.price[i] == truth.price[first];
        }
        bool free_asset = free_tokens == tokens && same && !truth.refused;
        ck_assert_int_eq(known[a].hold == HOLD_NONE, free_asset);
        if (free_asset)
            ck_assert_int_eq(known[a].price, truth.price[first]);
        if (tokens == 1 && truth.hold[first] != PRICE_FREE)
            ck_assert_uint_eq(known[a].hold, holds[truth.hold[first]]);
        int64_t newest = 0;
        uint64_t order = 0;
        for (unsigned k = 0; k < PRICES_PENDING_MAX; k++)
            if (truth.tx[k].on && truth.tx[k].price[first] && truth.tx[k].order > order) {
                order = truth.tx[k].order;
                newest = truth.tx[k].price[first];
            }
        ck_assert_int_eq(expected[a], newest);
    }
}

static void q_group(struct prng *g, const struct price_hooks *h)
{
    struct price_told change[Q_TOKENS];
    struct price_group group = {.block = {.number = 7, .time = 9}, .change = change};
    for (uint16_t i = 0; i < Q_TOKENS; i++) {
        if (!prng_chance(g, 1, 2))
            continue;
        struct price_told *c = &change[group.n++];
        bool twin = i && line->quotes.asset[i] == line->quotes.asset[i - 1] && prng_chance(g, 2, 3);
        truth.price[i] = twin ? truth.price[i - 1] : 1 + (int64_t)prng_below(g, 3);
        truth.hold[i] = prng_chance(g, 1, 3) ? (enum price_hold)prng_below(g, 4) : PRICE_FREE;
        truth.beyond[i] = prng_chance(g, 1, 12);
        c->asset = i;
        c->hold = truth.hold[i];
        c->price = i256_from_i64(truth.price[i]);
        if (truth.beyond[i])
            c->price = i256_from_u128((u128)1 << 63);
    }
    if (group.n)
        h->group(line, &group);
}

static void q_pending(struct prng *g, const struct price_hooks *h, uint64_t n)
{
    unsigned k = (unsigned)prng_below(g, PRICES_PENDING_MAX);
    if (truth.tx[k].on) {
        truth.tx[k].on = false;
        h->withdrawn(line, &truth.tx[k].hash, PENDING_DROPPED);
        return;
    }
    struct price_told change[Q_TOKENS];
    struct price_candidate c = {.change = change};
    memset(&truth.tx[k], 0, sizeof truth.tx[k]);
    truth.tx[k].on = true;
    truth.tx[k].order = n + 1;
    for (uint16_t i = 0; i < Q_TOKENS; i++)
        if (prng_chance(g, 1, 3)) {
            truth.tx[k].price[i] = 1 + (int64_t)prng_below(g, 4);
            change[c.n++] = (struct price_told){i, PRICE_FREE, i256_from_i64(truth.tx[k].price[i])};
        }
    truth.tx[k].hash = c.tx_hash = word_from_u64(n + 1);
    h->candidate(line, &c);
}

START_TEST(prices_are_told_as_the_oracle_has_them)
{
    struct price_hooks h;
    struct prng g;
    q_open();
    chain_quotes_hooks(&h);
    prng_seed(&g, seed);
    memset(&truth, 0, sizeof truth);
    memset(expected, 0, sizeof expected);
    for (unsigned i = 0; i < Q_TOKENS; i++)
        truth.hold[i] = PRICE_HELD_UNREAD;
    for (unsigned a = 0; a < Q_ASSETS; a++)
        known[a] = (struct told_price){.asset = (uint16_t)a, .hold = HOLD_ABSENT};
    repeats = 0;
    q_group(&g, &h);
    for (unsigned i = 0; i < Q_TOKENS; i++) // all are told once
        truth.hold[i] = PRICE_HELD_UNREAD;
    struct price_told all[Q_TOKENS];
    for (uint16_t i = 0; i < Q_TOKENS; i++) {
        all[i] = (struct price_told){i, PRICE_HELD_UNREAD, i256_from_i64(truth.price[i])};
        truth.beyond[i] = false;
    }
    const struct price_group unsure = {.n = Q_TOKENS, .change = all};
    h.group(line, &unsure);
    for (uint64_t n = 0; n < 4000; n++) {
        unsigned what = (unsigned)prng_below(&g, 8);
        if (what < 4)
            q_group(&g, &h);
        else if (what < 7)
            q_pending(&g, &h, n);
        else {
            const struct price_block b = {.number = line->block, .time = 3};
            truth.refused = prng_chance(&g, 1, 3);
            chain_quotes_block(line, &b, truth.refused ? SENTINEL_REFUSES : SENTINEL_ALLOWS);
        }
        q_take();
        check_quotes();
    }
    ck_assert_uint_eq(repeats, 0);
    w_shut();
}
END_TEST

START_TEST(a_block_does_not_count_while_accounts_are_behind)
{
    q_open();
    blocks_told = 0;
    tell_block(line->block);
    tell_block(line->block + 4);
    q_take();
    ck_assert_uint_eq(blocks_told, 2);
    tell_block(line->block + 5);
    chain_quotes_late(line);
    q_take();
    ck_assert_uint_eq(blocks_told, 2);
    line->block++; // they have come
    chain_quotes_late(line);
    chain_quotes_late(line);
    q_take();
    ck_assert_uint_eq(blocks_told, 3);
    tell_block(line->block + 5);
    const struct price_told unsure = {0, PRICE_HELD_UNREAD, i256_from_i64(1)};
    const struct price_group g = {.cause = PRICE_UNSURE, .n = 1, .change = &unsure};
    struct price_hooks h;
    chain_quotes_hooks(&h);
    h.group(line, &g); // a block that is unsure again is not told any more
    line->block += 5;
    chain_quotes_late(line);
    q_take();
    ck_assert_uint_eq(blocks_told, 3);
    w_shut();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("chain quotes");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, w_setup, w_teardown);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, prices_are_told_as_the_oracle_has_them);
    tcase_add_test(t, a_block_does_not_count_while_accounts_are_behind);
    suite_add_tcase(s, t);
    return run_suite(s);
}
