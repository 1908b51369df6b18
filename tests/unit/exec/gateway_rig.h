// SPDX-License-Identifier: Apache-2.0
// The gateway to a chain on the chain of fake_chain.h, by hand and with a made-up clock. The chain's
// transactions do what the liquidation contract does, to accounts that may be liquidated a few times each,
// and what each order has done is counted by the chain itself: an order's number is its least profit. Every
// reply is checked as it comes. A test program includes it once.
#ifndef TRIPLINE_TEST_EXEC_GATEWAY_RIG_H
#define TRIPLINE_TEST_EXEC_GATEWAY_RIG_H

#include <stdio.h>
#include <unistd.h>

#define FC_TEXT 40000
#include "base/test_seed.h"
#include "evm/abi.h"
#include "exec/evm/gateway_evm_inside.h"
#include "fake_chain.h"
#include "run_suite.h"

#define MS     UINT64_C(1000000)
#define SECOND (1000 * MS)
#define GWEI   UINT64_C(1000000000)

enum { USERS = 64, ORDERS = 6000, TOKENS = 3, CONFIRMATIONS = 3, GAS_USED = 100000, GAS_PRICE = 7 };
static const struct evm_address CONTRACT = {{0xc0}}, ROUTER = {{0xe0}};
static struct evm_address token[TOKENS] = {{{1, 1}}, {{1, 2}}, {{1, 3}}}, user[USERS];
static struct gateway_users users = {user, USERS};

// What the chain's transactions do.
static struct {
    struct {
        size_t n; // items
        uint32_t user[FLASH_BATCH_MAX], id[FLASH_BATCH_MAX];
        bool done[FLASH_BATCH_MAX], batch;
        uint64_t flags[FLASH_BATCH_MAX];
    } tx[FC_TXS];
    unsigned may[USERS]; // how often each may be liquidated
    unsigned effects[ORDERS];
} model;

static char dir[64] = "/tmp/tripline-gateway-XXXXXX", path[96];
static unsigned n_logs;
static struct private_key *key[FC_SENDERS];
static struct gateway *gw;
static struct gateway_evm_config config;
static struct evm_ground ground;
static uint64_t now, durable, applied;
static unsigned usable_nodes = FC_NODES;

// What was told of each order.
enum told { TOLD_NOTHING, TOLD_DONE, TOLD_FAILED, TOLD_UNDONE, TOLD_REFUSED };
static struct {
    bool handed;
    unsigned run; // in which
    enum told told;
    unsigned told_run;
    struct order_mined mined;
    char reason[REASON_LEN];
    uint64_t sent_after_ns;
} seen[ORDERS];
static unsigned run;
static uint32_t next_id;
// Told under a key of zeros.
static struct {
    struct order_mined m;
    bool undone;
    unsigned run;
} nobody[ORDERS];
static size_t n_nobody;

// ---- the contract

static uint64_t word_at(const uint8_t *p, size_t i)
{
    return be64_load(p + i * WORD_BYTES + 24);
}

static uint32_t user_at(const uint8_t *p)
{
    for (uint32_t i = 0; i < USERS; i++)
        if (!memcmp(user[i].b, p + 12, ADDRESS_BYTES))
            return i;
    ck_abort_msg("an item for nobody");
}

static void item_at(size_t t, const uint8_t *p)
{
    size_t i = model.tx[t].n++;
    ck_assert_uint_lt(i, FLASH_BATCH_MAX);
    model.tx[t].user[i] = user_at(p);
    model.tx[t].id[i] = (uint32_t)word_at(p, 5);
    ck_assert_uint_lt(model.tx[t].id[i], ORDERS);
    model.tx[t].flags[i] = word_at(p, 8);
    ck_assert(!memcmp(p + 3 * WORD_BYTES + 12, ROUTER.b, ADDRESS_BYTES));
}

static void model_decoded(struct fc_tx *x, const struct tx_decoded *d)
{
    size_t t = (size_t)(x - fc.tx);
    model.tx[t].n = 0;
    if (x->cancel)
        return;
    ck_assert(address_equal(&d->tx.to, &CONTRACT));
    const uint8_t *p = d->tx.data + 4;
    model.tx[t].batch = word_at(p, 0) != WORD_BYTES;
    if (!model.tx[t].batch) {
        item_at(t, p + WORD_BYTES);
        return;
    }
    const uint8_t *row = p + word_at(p, 0);
    for (size_t i = 0; i < word_at(row, 0); i++)
        item_at(t, row + WORD_BYTES + word_at(row + WORD_BYTES, i));
    ck_assert_uint_eq(word_at(p, 1), 1); // required
    ck_assert_uint_le(d->tx.gas, GATEWAY_GAS_MAX);
}

static bool model_runs(struct fc_tx *x)
{
    size_t t = (size_t)(x - fc.tx), done = 0;
    if (x->cancel || x->foreign)
        return true;
    for (size_t i = 0; i < model.tx[t].n; i++) {
        bool ok = model.may[model.tx[t].user[i]] > 0;
        model.tx[t].done[i] = ok;
        model.may[model.tx[t].user[i]] -= ok;
        model.effects[model.tx[t].id[i]] += ok;
        done += ok;
    }
    return done > 0;
}

static void model_undone(struct fc_tx *x)
{
    size_t t = (size_t)(x - fc.tx);
    for (size_t i = 0; !x->foreign && i < model.tx[t].n; i++) {
        model.may[model.tx[t].user[i]] += model.tx[t].done[i];
        model.effects[model.tx[t].id[i]] -= model.tx[t].done[i];
        model.tx[t].done[i] = false;
    }
}

static u128 gas_of_tx(size_t t)
{
    return (u128)(GAS_USED + t) * GAS_PRICE;
}

static size_t put_log(size_t t, size_t i, char *out, size_t size)
{
    char topic[4][80], address[80], data[900];
    struct word who = word_from_address(&user[model.tx[t].user[i]]), a = word_from_address(&token[1]),
                b = word_from_address(&token[2]);
    struct word event = abi_topic(
        model.tx[t].done[i] ? "Liquidated(address,address,address,uint256,uint256,uint256,uint256,uint256)"
                            : "Failed(address,address,address,bytes)");
    fc_hex(event.b, WORD_BYTES, topic[0]);
    fc_hex(who.b, WORD_BYTES, topic[1]);
    fc_hex(a.b, WORD_BYTES, topic[2]);
    fc_hex(b.b, WORD_BYTES, topic[3]);
    fc_hex(CONTRACT.b, ADDRESS_BYTES, address);
    if (model.tx[t].done[i])
        (void)snprintf(data, sizeof data, "%064x%064x%064x%064x%064x", 1, 2, 3, 1000 * model.tx[t].id[i], 5);
    else
        (void)snprintf(data, sizeof data, "%064x%064x%s%056x", 32, 4, "3c05c0d1", 0); // some error
    return (size_t)snprintf(
        out, size, "%s{\"address\":\"%s\",\"topics\":[\"%s\",\"%s\",\"%s\",\"%s\"],\"data\":\"0x%s\"}",
        i ? "," : "", address, topic[0], topic[1], topic[2], topic[3], data);
}

static void model_receipt(const struct fc_tx *x, char *out, size_t size)
{
    size_t t = (size_t)(x - fc.tx), n;
    n = (size_t)snprintf(out, size, ",\"gasUsed\":\"0x%zx\",\"effectiveGasPrice\":\"0x%x\",\"logs\":[",
                         GAS_USED + t, GAS_PRICE);
    // Another contract's log stands in front.
    for (size_t i = 0; x->success && !x->foreign && i < model.tx[t].n; i++)
        n += put_log(t, i, out + n, size - n);
    (void)snprintf(out + n, size - n, "]");
}

// ---- the ground

static bool rig_head(void *ctx, uint64_t at, uint64_t *number, u128 *base)
{
    (void)ctx, (void)at;
    *number = fc.head;
    *base = fc.base;
    return true;
}

static size_t rig_usable(void *ctx, uint64_t at)
{
    (void)ctx, (void)at;
    return usable_nodes;
}

static uint64_t rig_clock(void)
{
    return now;
}

static uint64_t rig_durable(void *ctx)
{
    (void)ctx;
    return durable;
}

static bool rig_killed(void *ctx)
{
    (void)ctx;
    return fc.killed;
}

static void rig_open(void)
{
    struct err e = {""};
    gw = gateway_evm_open_on(&config, &ground, &e);
    ck_assert_msg(gw != NULL, "%s", e.msg);
    gateway_evm_applied(gw, applied);
    run++;
}

static void rig_start(unsigned n_keys, unsigned depth, bool batch, uint64_t seed)
{
    fc_start(seed);
    fc.decoded = model_decoded;
    fc.runs = model_runs;
    fc.undone = model_undone;
    fc.receipt = model_receipt;
    memset(&model, 0, sizeof model);
    memset(seen, 0, sizeof seen);
    n_nobody = 0;
    run = 0;
    next_id = 1;
    now = 1000 * SECOND;
    durable = UINT64_MAX;
    applied = 0;
    for (uint32_t i = 0; i < USERS; i++) {
        user[i] = (struct evm_address){{0xaa}};
        user[i].b[ADDRESS_BYTES - 1] = (uint8_t)(i + 1);
        model.may[i] = 1000;
    }
    for (unsigned i = 0; i < n_keys; i++) {
        uint8_t secret[WORD_BYTES] = {[30] = 1, [31] = (uint8_t)(i + 1)};
        key[i] = key_from_bytes(secret, NULL);
        fc.sender[i] = *key_address(key[i]);
    }
    fc.n_senders = n_keys;
    (void)snprintf(path, sizeof path, "%s/%d-%u", dir, (int)getpid(), n_logs++);
    config = (struct gateway_evm_config){.chain_id = FC_CHAIN_ID,
                                         .key = (const struct private_key *const *)key,
                                         .n_keys = n_keys,
                                         .txlog = path,
                                         .contract = CONTRACT,
                                         .router = ROUTER,
                                         .token = token,
                                         .n_tokens = TOKENS,
                                         .users = &users,
                                         .flags = FLASH_LOAN,
                                         .batch = batch,
                                         .durable = rig_durable,
                                         .killed = rig_killed,
                                         .sender = {.confirmations = CONFIRMATIONS,
                                                    .depth = depth,
                                                    .orders_max = 32,
                                                    .bump_after_ns = 3 * SECOND,
                                                    .give_up_ns = 12 * SECOND,
                                                    .look_ns = 200 * MS,
                                                    .one_thread = true}};
    ground = (struct evm_ground){
        .port = FC_PORT, .head = rig_head, .usable = rig_usable, .clock = rig_clock, .by_hand = true};
    rig_open();
}

static void rig_stop(void)
{
    gateway_close(gw);
    for (unsigned i = 0; i < fc.n_senders; i++)
        key_free(key[i]);
    fc_forget_answers();
    (void)unlink(path);
}

// ---- replies

static void take_nobody(const struct order_reply *r, bool undone)
{
    size_t i = 0;
    while (i < n_nobody && memcmp(nobody[i].m.hash, r->mined.hash, WORD_BYTES) != 0)
        i++;
    ck_assert(!undone || (i < n_nobody && !nobody[i].undone));
    ck_assert_uint_lt(i, ORDERS);
    n_nobody += i == n_nobody;
    nobody[i].m = r->mined;
    nobody[i].undone = undone;
    nobody[i].run = run;
}

static void take_mined(const struct order_reply *r)
{
    const struct order_key none = {0};
    bool undone = r->status == ORDER_UNDONE;
    if (order_key_cmp(&r->key, &none) == 0) {
        ck_assert(!r->mined.success);
        take_nobody(r, undone);
        return;
    }
    uint32_t id = r->key.revision;
    if (undone) {
        ck_assert(seen[id].told == TOLD_DONE || seen[id].told == TOLD_FAILED);
        ck_assert(seen[id].told_run == run && !memcmp(&r->mined, &seen[id].mined, sizeof r->mined));
        seen[id].told = TOLD_UNDONE;
        return;
    }
    // A crash may make it be told twice, but never otherwise.
    ck_assert(seen[id].told == TOLD_NOTHING || seen[id].told == TOLD_UNDONE || seen[id].told_run != run);
    ck_assert_msg(!r->mined.success || applied >= r->mined.block, "told before its account's state");
    ck_assert(r->mined.success || r->reason[0]);
    ck_assert(!r->mined.success || (r->mined.instrument == 1 && r->mined.profit == 1000 * (u128)id &&
                                    r->mined.paid_wei == 5 && !r->reason[0]));
    seen[id].told = r->mined.success ? TOLD_DONE : TOLD_FAILED;
    seen[id].mined = r->mined;
}

static void take_replies(void)
{
    static struct order_reply r, back;
    static uint8_t buf[REPLY_BYTES_MAX];
    while (gateway_poll(gw, &r)) {
        uint32_t id = r.key.revision;
        size_t n = reply_encode(&r, buf, sizeof buf);
        ck_assert_uint_gt(n, 0);
        ck_assert_int_eq(reply_decode(buf, n, &back), 0);
        ck_assert_uint_lt(id, ORDERS);
        if (r.status == ORDER_REFUSED) {
            ck_assert(seen[id].told == TOLD_NOTHING || seen[id].told == TOLD_UNDONE ||
                      seen[id].told_run != run);
            seen[id].told = TOLD_REFUSED;
        } else {
            ck_assert(r.status == ORDER_MINED || r.status == ORDER_UNDONE);
            take_mined(&r);
        }
        seen[id].told_run = run;
        seen[id].sent_after_ns = r.sent_after_ns;
        memcpy(seen[id].reason, r.reason, REASON_LEN);
    }
}

// What the log was given is on disk first, so that a run depends on its seed alone.
static void turn(uint64_t ns)
{
    now += ns;
    ck_assert_int_eq(txlog_sync(((struct evm_gateway *)gw)->log, NULL), 0);
    gateway_evm_turn(gw);
    take_replies();
}

static void turns(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        turn(MS);
}

static void apply(uint64_t block)
{
    applied = block;
    gateway_evm_applied(gw, block);
}

// A block, and its states are taken.
static void block(void)
{
    fc_mine();
    apply(fc.head);
    turns(4);
}

// ---- orders

static struct gateway_order order(uint32_t u, int64_t worth)
{
    struct order o = {.key = {1, 2 * u, 1, next_id}, .n = 2, .value_e8 = 1, .reward_e8 = 1};
    o.leg[0] = (struct order_leg){1, 1000};
    o.leg[1] = (struct order_leg){2, 0};
    struct gateway_order g = {.key = o.key, .lsn = next_id};
    g.n_bytes = (uint16_t)order_encode(&o, g.bytes, sizeof g.bytes);
    g.terms = (struct gateway_terms){
        .worth_e8 = worth, .least_profit = next_id, .tip = GWEI, .gas = 600000, .n_via = 0};
    ck_assert_uint_lt(next_id, ORDERS - 1);
    next_id++;
    return g;
}

static uint32_t submit(const struct gateway_order *o)
{
    ck_assert_int_eq(gateway_submit(gw, o), 0);
    seen[o->key.revision].handed = true;
    seen[o->key.revision].run = run;
    return o->key.revision;
}

static uint32_t submit_new(uint32_t u)
{
    struct gateway_order o = order(u, 1);
    return submit(&o);
}

static struct gateway_evm_counters counters(void)
{
    struct gateway_evm_counters c;
    gateway_evm_counters(gw, &c);
    return c;
}

// Ready to be sent?
static inline bool ready(uint32_t id)
{
    for (uint32_t i = 0; i < ((struct evm_gateway *)gw)->orders_max; i++)
        if (((struct evm_gateway *)gw)->offered[i].revision == id)
            return signed_ready(sender_orders(((struct evm_gateway *)gw)->sender), i, 0, fc.base, now) !=
                   NULL;
    return false;
}

// ---- at the end

// What the chain charged our keys, what was told of it.
static u128 gas_charged(void)
{
    u128 sum = 0;
    for (unsigned k = 0; k < fc.n_senders; k++) {
        for (uint64_t nonce = 0; nonce < fc.nonce[k]; nonce++) {
            const struct fc_tx *t = fc_winner(k, nonce);
            ck_assert_ptr_nonnull(t);
            sum += t->foreign ? 0 : gas_of_tx((size_t)(t - fc.tx));
        }
    }
    return sum;
}

// Of a nonce that was filled nobody takes back what an earlier run was told, when its block is undone while
// none runs: there is no order by which the next run would know (docs/transactions.md).
static bool stands(size_t i)
{
    struct word hash;
    memcpy(hash.b, nobody[i].m.hash, WORD_BYTES);
    const struct fc_tx *t = fc_find(&hash);
    return !nobody[i].undone && (nobody[i].run == run || (t && t->block >= 0));
}

static u128 gas_told(void)
{
    u128 sum = 0;
    for (size_t i = 0; i < n_nobody; i++)
        sum += stands(i) ? nobody[i].m.gas_wei : 0;
    for (uint32_t i = 1; i < next_id; i++)
        if (seen[i].told == TOLD_DONE || seen[i].told == TOLD_FAILED)
            sum += seen[i].mined.gas_wei;
    return sum;
}

// At most one effect an order, and what was told is so.
static void check_all(const char *what)
{
    for (uint32_t i = 1; i < next_id; i++) {
        ck_assert_msg(model.effects[i] <= 1, "%s: order %u took effect %u times", what, i, model.effects[i]);
        ck_assert_msg((seen[i].told == TOLD_DONE) == (model.effects[i] == 1),
                      "%s: order %u: told %d (%s), the chain says %u", what, i, seen[i].told, seen[i].reason,
                      model.effects[i]);
        if (seen[i].handed && seen[i].run == run)
            ck_assert_msg(seen[i].told != TOLD_NOTHING && seen[i].told != TOLD_UNDONE,
                          "%s: order %u of this run was forgotten", what, i);
    }
    ck_assert_msg(gas_told() == gas_charged(), "%s: gas %llu told, %llu charged", what,
                  (unsigned long long)gas_told(), (unsigned long long)gas_charged());
}

static void settle(void)
{
    for (int i = 0; i < 200 && (i < 6 || sender_flights(((struct evm_gateway *)gw)->sender)); i++) {
        block();
        turn(SECOND);
    }
}

// What the log of now would be after a crash of the process.
static inline void crash(void)
{
    char to[96], cmd[256];
    (void)snprintf(to, sizeof to, "%s/%d-%u", dir, (int)getpid(), n_logs++);
    (void)snprintf(cmd, sizeof cmd, "cp %s %s", path, to);
    ck_assert_int_eq(system(cmd), 0);
    gateway_close(gw);
    (void)unlink(path);
    memcpy(path, to, sizeof path);
    fc_forget_answers();
    rig_open();
}

static int run_gateway_suite(Suite *s)
{
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    int rc = run_suite(s);
    (void)rmdir(dir);
    return rc;
}

#endif
