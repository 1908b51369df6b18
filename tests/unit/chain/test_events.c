// SPDX-License-Identifier: Apache-2.0
// Events of the market: whom each concerns, by topics written out (as ethers 6 gives them for Aave's
// interface files), and the refusal of everything that is not as the contract emits it.
#include <check.h>

#include "chain/events.h"
#include "evm/hex.h"
#include "run_suite.h"

static struct word topic_of(const char *hex)
{
    struct word w;
    ck_assert_int_eq(hex_get(hex, 64, w.b), 0);
    return w;
}

static struct word who(uint8_t n)
{
    struct word w = {{0}};
    w.b[12] = 0xaa;
    w.b[31] = n;
    return w;
}

static uint8_t data[CHAIN_LOG_DATA_MAX];

static struct abi_log log_of(const char *topic, unsigned indexed, size_t words)
{
    struct abi_log l = {.n_topics = (uint8_t)(1 + indexed), .data = data, .n_data = words * WORD_BYTES};
    l.topic[0] = topic_of(topic);
    for (uint8_t i = 1; i <= indexed; i++)
        l.topic[i] = who(i);
    memset(data, 0, sizeof data);
    return l;
}

#define BORROW   "b3d084820fb1a9decffb176436bd02558d15fac9b0ddfed8c465bc7359d7dce0"
#define TRANSFER "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
#define ENABLED  "00058a56ea94653cdf4f152d227ace22d4c00ad99e2a43f58cb7d9e3feb295f2"

static bool is(const struct evm_address *a, uint8_t n)
{
    struct word w = word_from_address(a), v = who(n);
    return word_equal(&w, &v);
}

// Topics of the contracts' own ABIs (Aave 3.6 and 1.19), with what is indexed and words of data.
static const struct {
    const char *topic;
    enum chain_emitter by;
    unsigned indexed, words;
} published[] = {
    {"2b627736bca15cd5381dcf80b0bf11fd197d01a037c52b927a881a10fb73ba61", EMITTER_POOL, 3, 2},
    {"3115d1449a7b732c986cba18244e897a450f61e1bb8d589cd2e69e6c8924f9f7", EMITTER_POOL, 3, 1},
    {"b3d084820fb1a9decffb176436bd02558d15fac9b0ddfed8c465bc7359d7dce0", EMITTER_POOL, 3, 4},
    {"a534c8dbe71f871f9f3530e97a74601fea17b426cae02e1c5aee42c96c784051", EMITTER_POOL, 3, 2},
    {"e413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286", EMITTER_POOL, 3, 4},
    {"00058a56ea94653cdf4f152d227ace22d4c00ad99e2a43f58cb7d9e3feb295f2", EMITTER_POOL, 2, 0},
    {"44c58d81365b66dd4b1a7f36c25aa97b8c71c361ee4937adc1a00000227db5dd", EMITTER_POOL, 2, 0},
    {"d728da875fc88944cbf17638bcbe4af0eedaef63becd1d1c57cc097eb4608d84", EMITTER_POOL, 1, 1},
    {"804c9b842b2748a22bb64b345453a3de7ca54a6ca45ce00d415894979e22897a", EMITTER_POOL, 1, 5},
    {"2bccfb3fad376d59d7accf970515eb77b2f27b082c90ed0fb15583dd5a942699", EMITTER_POOL, 2, 1},
    {"f25af37b3d3ec226063dc9bdc103ece7eb110a50f340fe854bb7bc1b0676d7d0", EMITTER_POOL, 3, 2},
    {"281596e92b2d974beb7d4f124df30a0b39067b096893e95011ce4bdad798b759", EMITTER_POOL, 2, 2},
    {"7962b394d85a534033ba2efcf43cd36de57b7ebeb3de0ca4428965d9b3ddc481", EMITTER_POOL, 2, 1},
    {"ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef", EMITTER_TOKEN, 2, 1},
    {"4beccb90f994c31aced7a23b5611020728a23d8ec5cddd1a3e9d97b96fda8666", EMITTER_TOKEN, 2, 2},
    {"458f5fa412d0f69b08dd84872b0215675cc67bc1d5b6fd93300a1c3878b86196", EMITTER_TOKEN, 2, 3},
    {"4cf25bc1d991c17529c25213d3cc0cda295eeaad5f13f361969b12ea48015f90", EMITTER_TOKEN, 2, 3},
};

START_TEST(test_published)
{
    struct chain_event ev;
    struct err e;
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        struct abi_log l = log_of(published[i].topic, published[i].indexed, published[i].words);
        ck_assert_msg(chain_event_get(&l, published[i].by, &ev, &e) == 0, "%s", e.msg);
        ck_assert_msg(ev.n_users + ev.n_reserves > 0, "%s is not known", published[i].topic);
    }
}
END_TEST

START_TEST(test_topics)
{
    struct abi_log l = log_of(BORROW, 3, 4);
    struct chain_event ev;
    struct err e;
    ck_assert(word_equal(chain_topic_borrow(), &l.topic[0]));
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), 0);
    ck_assert(ev.borrow && ev.n_users == 1 && is(&ev.user[0], 2) && ev.n_reserves == 1 &&
              is(&ev.reserve[0], 1));
    l = log_of(ENABLED, 2, 0);
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), 0);
    ck_assert(!ev.borrow && ev.n_users == 1 && is(&ev.user[0], 2) && ev.n_reserves == 0);
    l = log_of(TRANSFER, 2, 1);
    ck_assert_int_eq(chain_event_get(&l, EMITTER_TOKEN, &ev, &e), 0);
    ck_assert(ev.n_users == 2 && is(&ev.user[0], 1) && is(&ev.user[1], 2));
    l.topic[1] = (struct word){{0}}; // made out of nothing
    ck_assert_int_eq(chain_event_get(&l, EMITTER_TOKEN, &ev, &e), 0);
    ck_assert(ev.n_users == 1 && is(&ev.user[0], 2));
    // The same log of somebody else's says nothing.
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), 0);
    ck_assert(ev.n_users == 0 && !ev.settings && !ev.sources);
}
END_TEST

START_TEST(test_liquidation)
{
    struct abi_log l = log_of(BORROW, 3, 4);
    struct chain_event ev;
    struct err e;
    struct word w = who(9);
    l.topic[0] = abi_topic("LiquidationCall(address,address,address,uint256,uint256,address,bool)");
    memcpy(data + 2 * WORD_BYTES, w.b, WORD_BYTES);
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), 0);
    ck_assert(ev.n_users == 2 && is(&ev.user[0], 3) && is(&ev.user[1], 9));
    ck_assert(ev.n_reserves == 2 && is(&ev.reserve[0], 1) && is(&ev.reserve[1], 2));
    data[2 * WORD_BYTES] = 1; // dirty upper bytes
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), -1);
}
END_TEST

START_TEST(test_shapes)
{
    struct abi_log l = log_of(BORROW, 3, 4);
    struct chain_event ev;
    struct err e;
    l.n_topics = 3;
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "Borrow"));
    l = log_of(BORROW, 3, 5);
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), -1);
    l = log_of(BORROW, 3, 4);
    l.n_data--;
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), -1);
    l = log_of(BORROW, 3, 4);
    l.topic[2].b[11] = 1;
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), -1);
}
END_TEST

START_TEST(test_parameters_and_sources)
{
    struct abi_log l = log_of(TRANSFER, 0, 0);
    struct chain_event ev;
    struct err e;
    ck_assert_int_eq(chain_event_get(&l, EMITTER_CONFIGURATOR, &ev, &e), 0);
    ck_assert(ev.settings && !ev.sources);
    ck_assert_int_eq(chain_event_get(&l, EMITTER_PROVIDER, &ev, &e), 0);
    ck_assert(ev.settings && ev.sources);
    ck_assert_int_eq(chain_event_get(&l, EMITTER_ORACLE, &ev, &e), 0);
    ck_assert(!ev.settings && ev.sources);
    l.n_topics = 0;
    ck_assert_int_eq(chain_event_get(&l, EMITTER_POOL, &ev, &e), 0);
    ck_assert(ev.n_users == 0);
}
END_TEST

#define A20 "\"0x00000000000000000000000000000000000000a1\""
#define H32 "\"0x00000000000000000000000000000000000000000000000000000000000000b2\""

static int get(const char *text, struct chain_log *out)
{
    struct err e;
    return chain_log_get((struct rpc_span){text, strlen(text)}, out, data, &e);
}

START_TEST(test_text)
{
    struct chain_log l;
    ck_assert_int_eq(get("{\"address\":" A20 ",\"topics\":[" H32 "," H32
                         "],\"data\":\"0x0102\",\"blockNumber\":\"0x10\","
                         "\"logIndex\":\"0x3\",\"blockHash\":" H32 ",\"removed\":false}",
                         &l),
                     0);
    ck_assert(l.block == 16 && l.index == 3 && l.block_hash.b[31] == 0xb2 && l.log.address.b[19] == 0xa1);
    ck_assert(l.log.n_topics == 2 && l.log.n_data == 2 && data[1] == 2);
    ck_assert_int_eq(get("{\"address\":" A20
                         ",\"topics\":[],\"data\":\"0x\",\"blockNumber\":\"0x10\",\"logIndex\":\"0x3\","
                         "\"blockHash\":" H32 ",\"removed\":true}",
                         &l),
                     -1);
    ck_assert_int_eq(get("{\"address\":" A20
                         ",\"topics\":[],\"data\":\"0x\",\"blockNumber\":null,\"logIndex\":\"0x3\","
                         "\"blockHash\":null}",
                         &l),
                     -1); // pending
    ck_assert_int_eq(get("{\"address\":" A20 ",\"topics\":[" H32 "," H32 "," H32 "," H32 "," H32
                         "],\"data\":\"0x\",\"blockNumber\":\"0x1\",\"logIndex\":\"0x3\",\"blockHash\":" H32
                         "}",
                         &l),
                     -1);
    ck_assert_int_eq(get("{\"address\":" A20
                         ",\"topics\":[],\"data\":\"0x1\",\"blockNumber\":\"0x1\",\"logIndex\":\"0x3\","
                         "\"blockHash\":" H32 "}",
                         &l),
                     -1);
    ck_assert_int_eq(get("[]", &l), -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("events");
    TCase *t = tcase_create("events");
    chain_topics_init();
    tcase_add_test(t, test_published);
    tcase_add_test(t, test_topics);
    tcase_add_test(t, test_liquidation);
    tcase_add_test(t, test_shapes);
    tcase_add_test(t, test_parameters_and_sources);
    tcase_add_test(t, test_text);
    suite_add_tcase(s, t);
    return run_suite(s);
}
