// SPDX-License-Identifier: Apache-2.0
// A line (run/chain_line_inside.h) over a chain in memory, with an exchange beside its pool and a stand-in
// for the gateway of orders, stepped by the test itself.
#ifndef TRIPLINE_TEST_LINEWORLD_H
#define TRIPLINE_TEST_LINEWORLD_H

#include <inttypes.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "base/clock.h"
#include "base/test_seed.h"
#include "chain/fake_chain.h"
#include "run/chain_line_inside.h"
#include "run_suite.h"

enum { W_ROUTER = 0x70, W_FACTORY = 0x71, W_PAIR = 0x72, W_CONTRACT = 0x73 };
enum { W_PAIRS = 4, W_IDS = 64, W_REPLIES = 16 };

// ---- the gateway of orders

static struct {
    struct gateway base;
    struct order_reply reply[W_REPLIES];
    unsigned n, submitted, offered, dropped, outstanding;
    uint64_t applied;
    bool full, failed;
    void (*on_applied)(uint64_t block);
} orders;

static int o_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    (void)o;
    orders.submitted += !orders.full;
    orders.outstanding += !orders.full;
    return orders.full ? -1 : 0;
}
static int o_poll(struct gateway *g, struct order_reply *out)
{
    (void)g;
    if (orders.n == 0)
        return 0;
    *out = orders.reply[0];
    memmove(&orders.reply[0], &orders.reply[1], --orders.n * sizeof orders.reply[0]);
    orders.outstanding--;
    return 1;
}
static int o_wait(struct gateway *g, int timeout_ms)
{
    (void)g;
    (void)timeout_ms;
    return orders.n ? 1 : orders.outstanding ? -1 : 0;
}
static void o_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    *out = (struct gateway_counters){.submitted = orders.submitted};
}
static void o_close(struct gateway *g)
{
    (void)g;
}
static void o_offer(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    (void)o;
    orders.offered++;
}
static void o_drop(struct gateway *g, const struct order_key *k)
{
    (void)g;
    (void)k;
    orders.dropped++;
}

struct gateway *gateway_evm_open(const struct gateway_evm_config *c, struct err *e)
{
    static const struct gateway_ops ops = {.submit = o_submit,
                                           .poll = o_poll,
                                           .wait = o_wait,
                                           .counters = o_counters,
                                           .close = o_close,
                                           .offer = o_offer,
                                           .drop = o_drop};
    (void)c;
    (void)e;
    memset(&orders, 0, sizeof orders);
    orders.base.ops = &ops;
    return &orders.base;
}
void gateway_evm_applied(struct gateway *g, uint64_t block)
{
    (void)g;
    orders.applied = block;
    if (orders.on_applied)
        orders.on_applied(block);
}
bool gateway_evm_earlier(const struct gateway *g, const struct order_key *k)
{
    (void)g;
    (void)k;
    return false;
}

bool gateway_evm_failed(const struct gateway *g, struct err *e)
{
    (void)g;
    return orders.failed && (err_set(e, "no room on the disk"), true);
}
size_t gateway_evm_open_flights(const struct gateway *g)
{
    (void)g;
    return 0;
}
void gateway_evm_counters(const struct gateway *g, struct gateway_evm_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}

static inline void o_reply(uint8_t status, uint32_t account)
{
    ck_assert_uint_lt(orders.n, W_REPLIES);
    orders.reply[orders.n++] = (struct order_reply){.status = status, .key = {1, account, 0, 1}};
    orders.outstanding++;
}

// ---- the exchange: what it says follows from the block's hash alone

static struct {
    struct chain_link link; // first
    struct fake *chain;
    uint64_t more[2], fee; // by side, on top
    bool flat;             // reserves and base fee stay as they are
    unsigned empty;        // pairs from here on are empty
    unsigned odd_factory;  // this pair is of another factory; W_PAIRS: none
    // The liquidation contract says something else: 'p' its pool, 'w' its token, 'r' no router, 'c' no
    // caller.
    char odd_contract;
} world;

static inline u128 w_reserve(const struct word *block, unsigned pair, unsigned side)
{
    if (pair >= world.empty)
        return 0;
    return (u128)1000000 * (pair + 1) * (side + 1) + (world.flat ? 0 : block->b[pair % 32]) +
           world.more[side];
}
static inline uint64_t w_base_fee(const struct word *block)
{
    return 1000000000 + world.fee + (world.flat ? 0 : (uint64_t)block->b[7] << 8);
}

struct w_answer {
    chain_take *take;
    void *to;
    size_t i;
};
static int w_forward(void *to, size_t i, const struct chain_answer *a, struct err *e)
{
    const struct w_answer *w = to;
    (void)i;
    return w->take(w->to, w->i, a, e);
}

static inline bool w_asks(const char *params, const char *signature)
{
    char sel[11];
    (void)snprintf(sel, sizeof sel, "0x%08x", abi_selector(signature));
    return strstr(params, sel) != NULL;
}

static struct word w_contract(const char *params)
{
    const char odd = world.odd_contract;
    if (w_asks(params, "POOL()"))
        return f_word_of(F_POOL, odd == 'p');
    if (w_asks(params, "WETH()"))
        return f_word_of(F_ASSET, odd == 'w');
    return word_from_u128(odd != (w_asks(params, "routers(address)") ? 'r' : 'c'));
}

// The answer to a question about the exchange or the contract; false: it is none.
static bool w_exchange(const struct chain_call *c, char *text)
{
    struct word w[3] = {{{0}}}, block = {{0}};
    const char *hash = strstr(c->params, "\"blockHash\":\"0x");
    bool base = strcmp(c->method, "eth_getBlockByHash") == 0;
    size_t n = 1;
    hash = base ? strstr(c->params, "0x") + 2 : hash ? hash + 15 : NULL;
    if (hash)
        (void)hex_get(hash, 2 * WORD_BYTES, block.b);
    if (base) {
        (void)sprintf(text, "{\"baseFeePerGas\":\"0x%" PRIx64 "\"}", w_base_fee(&block));
        return true;
    }
    const char *to = strstr(c->params, "\"to\":\"0x");
    struct evm_address at = {{0}};
    if (!to || hex_get(to + 8, 2 * ADDRESS_BYTES, at.b) || at.b[0] < W_ROUTER || at.b[0] > W_CONTRACT)
        return false;
    unsigned pair = at.b[19];
    if (at.b[0] == W_CONTRACT)
        w[0] = w_contract(c->params);
    else if (w_asks(c->params, "factory()"))
        w[0] = f_word_of(W_FACTORY, at.b[0] == W_PAIR && pair == world.odd_factory);
    else if (w_asks(c->params, "token0()"))
        w[0] = f_word_of(F_ASSET, pair);
    else if (w_asks(c->params, "token1()"))
        w[0] = f_word_of(F_ASSET, (pair + 1) % W_PAIRS);
    else {
        n = 3;
        w[0] = word_from_u128(w_reserve(&block, pair, 0));
        w[1] = word_from_u128(w_reserve(&block, pair, 1));
    }
    *text++ = '"';
    text = f_hex(text, w, n * sizeof w[0]);
    (void)sprintf(text, "\"");
    return true;
}

static int w_ask(struct chain_link *l, const struct chain_call *c, size_t n, chain_take *take, void *to,
                 struct err *e)
{
    char text[512];
    (void)l;
    for (size_t i = 0; i < n; i++) {
        struct w_answer w = {take, to, i};
        if (w_exchange(&c[i], text)) {
            struct chain_answer a = {true, rpc_json_whole(text, strlen(text)), 0, NULL};
            if (take(to, i, &a, e) != 0)
                return -1;
        } else if (chain_ask(&world.chain->link, &c[i], 1, w_forward, &w, e) != 0) {
            return -1;
        }
    }
    return 0;
}
static void w_close(struct chain_link *l)
{
    (void)l;
}

// ---- the line

static char db[64];
static uint64_t seed;
static struct chain_line *line;
static struct book book;
static struct chain_pool_config pool[W_PAIRS];
static unsigned notices;

static void on_notice(void *ctx, const char *text)
{
    (void)ctx;
    (void)text;
    notices++;
}

static void w_index(void)
{
    struct err e;
    const struct follower_config cfg = {.db = db, .pool = f_address(F_POOL, 0), .rule = "aave-3.5"};
    struct follower *f = follower_open(&cfg, &world.chain->link, &e);
    ck_assert_msg(f != NULL, "%s", e.msg);
    enum follower_result r;
    while ((r = follower_step(f, &e)) == FOLLOWER_WORKED)
        ;
    ck_assert_msg(r == FOLLOWER_IDLE, "%s", e.msg);
    follower_close(f);
}

static int w_try_open(struct err *e)
{
    struct chain_block at;
    uint64_t s;
    struct chain_line_config cfg = {.db = db,
                                    .native = f_address(F_ASSET, 0),
                                    .pool = pool,
                                    .n_pools = W_PAIRS,
                                    .accounts_max = W_IDS,
                                    .orders = {.router = f_address(W_ROUTER, 0)},
                                    .notice = on_notice};
    for (unsigned i = 0; i < W_PAIRS; i++)
        pool[i].pair = f_address(W_PAIR, i);
    line = calloc(1, sizeof *line);
    ck_assert_int_eq(line_init(line, &cfg, e), 0);
    line->link = &world.link;
    line->orders = gateway_evm_open(&cfg.orders, e);
    if (chain_states_bring(line, &s, e) || line_load(line, s, &book, &at, e) ||
        chain_exits_open(line, &at.hash, e) || chain_states_open(line, s, e) || book_pair(&book, e))
        return -1;
    orders.applied = at.number;
    return 0;
}

static void w_open(void)
{
    struct err e;
    ck_assert_msg(w_try_open(&e) == 0, "%s", e.msg);
}

static void w_shut(void)
{
    chain_line_close(line);
    book_free(&book);
    line = NULL;
}

static void w_setup(void)
{
    seed = test_seed(20261121);
    clock_init();
    (void)snprintf(db, sizeof db, "/tmp/test_chain_line.%d.db", (int)getpid());
    (void)unlink(db);
    memset(&world, 0, sizeof world);
    world.link.ask = w_ask;
    world.link.close = w_close;
    world.chain = f_new(seed);
    world.chain->stable = true;
    world.empty = world.odd_factory = W_PAIRS;
    notices = 0;
    w_index();
}

static void w_teardown(void)
{
    f_free(world.chain);
    (void)unlink(db);
}

// One step, before which `take` empties the line where the follower would wait for that.
static enum follower_result w_step(void (*take)(void))
{
    if (line->markets - line->markets_done == MARKETS)
        take();
    return chain_states_step(line);
}

// Until the follower has nothing more to do.
static inline void w_follow(void (*take)(void))
{
    enum follower_result r;
    do
        r = w_step(take);
    while (r == FOLLOWER_WORKED || (r == FOLLOWER_RETRY && !chain_line_failed(line, NULL)));
}

// The follower of prices has read a block.
static inline void tell_block(uint64_t number)
{
    const struct price_block b = {.number = number, .time = 5};
    chain_quotes_block(line, &b, SENTINEL_NONE);
}

#endif
