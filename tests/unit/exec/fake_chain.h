// SPDX-License-Identifier: Apache-2.0
// A chain of a few nodes inside the test, as the sender's port: pools with geth's replacement rule, blocks,
// reorganisations by one block, another user of our keys, and faults by a seed: lost answers and sends,
// answers in any order, nodes that are away. It decodes and checks every transaction itself. A test program
// includes it once.
#ifndef TRIPLINE_TEST_EXEC_FAKE_CHAIN_H
#define TRIPLINE_TEST_EXEC_FAKE_CHAIN_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "evm/hex.h"
#include "exec/evm/port.h"
#include "exec/evm/sender.h"

enum {
    FC_NODES = 3,
    FC_TXS = 20000,
    FC_BLOCKS = 20000,
    FC_SENDERS = 4,
    FC_QUEUE = 4096,
    FC_CHAIN_ID = 7,
};
#ifndef FC_TEXT // of an answer at most
#define FC_TEXT 700
#endif

struct fc_tx {
    struct word hash;
    unsigned sender;
    uint64_t nonce;
    u128 tip, fee;
    bool cancel, foreign;
    uint32_t account; // of its order, from the calldata
    bool pool[FC_NODES];
    unsigned handed; // times it was given to a node
    int block;       // -1: in none
    bool success;
};
struct fc_answer {
    size_t link;
    bool raw;
    uint64_t tag;
    enum rpc_event_kind kind;
    char text[FC_TEXT], message[80];
};
static struct {
    struct prng r;
    struct evm_address sender[FC_SENDERS];
    unsigned n_senders;
    uint64_t nonce[FC_SENDERS];
    struct fc_tx tx[FC_TXS];
    size_t n;
    struct {
        uint64_t salt;
        size_t tx[FC_SENDERS * 2];
        size_t n;
    } block[FC_BLOCKS];
    uint64_t head;
    u128 base;
    bool down[FC_NODES], deaf[FC_NODES]; // deaf: takes bytes and drops them
    unsigned faults;                     // of 100
    unsigned mine_of_100;
    bool reverts, no_money, killed, no_receipts, no_calls; // killed: no order may be sent
    struct fc_answer *queue[FC_QUEUE];
    size_t n_queue;
    struct fc_answer *last;
    uint64_t sends;
    // What a test adds: what transactions do.
    void (*decoded)(struct fc_tx *t, const struct tx_decoded *d);
    bool (*runs)(struct fc_tx *t); // in a block; whether it goes through
    void (*undone)(struct fc_tx *t);
    void (*receipt)(const struct fc_tx *t, char *out, size_t size); // further members
} fc;

static void fc_hex(const void *b, size_t n, char *out)
{
    memcpy(out, "0x", 2);
    hex_put(b, n, out + 2);
    out[2 + 2 * n] = 0;
}

static void fc_block_hash(uint64_t number, struct word *out)
{
    *out = word_from_u128((u128)fc.block[number].salt << 64 | number);
}

static struct fc_tx *fc_find(const struct word *hash)
{
    for (size_t i = fc.n; i-- > 0;)
        if (word_equal(&fc.tx[i].hash, hash))
            return &fc.tx[i];
    return NULL;
}

static bool fc_chance(unsigned of_100)
{
    return prng_chance(&fc.r, of_100, 100);
}

// ---- transactions

static struct fc_tx *fc_decode(const uint8_t *raw, size_t n)
{
    struct tx_decoded d;
    struct evm_address from;
    struct err e;
    ck_assert_msg(tx_decode(raw, n, &d, &e) == 0, "%s", e.msg);
    ck_assert_int_eq(tx_sender(&d, &from), 0);
    ck_assert_uint_eq(d.tx.chain_id, FC_CHAIN_ID);
    struct fc_tx *t = fc_find(&d.hash);
    if (t)
        return t;
    ck_assert_uint_lt(fc.n, FC_TXS);
    t = &fc.tx[fc.n++];
    *t = (struct fc_tx){.hash = d.hash, .nonce = d.tx.nonce, .tip = d.tx.tip, .fee = d.tx.fee, .block = -1};
    while (t->sender < fc.n_senders && !address_equal(&fc.sender[t->sender], &from))
        t->sender++;
    ck_assert_uint_lt(t->sender, fc.n_senders);
    t->cancel = address_equal(&d.tx.to, &from);
    ck_assert(t->cancel ? d.tx.n_data == 0 && d.tx.gas == 21000 : d.tx.n_data >= 4);
    t->account = t->cancel ? 0 : le32_load(d.tx.data);
    if (fc.decoded)
        fc.decoded(t, &d);
    return t;
}

// What a node says: NULL, it takes it.
static const char *fc_take(size_t node, struct fc_tx *t)
{
    t->handed++;
    if (t->nonce < fc.nonce[t->sender])
        return "nonce too low";
    if (fc.no_money)
        return "insufficient funds for gas * price + value";
    if (t->pool[node])
        return "already known";
    for (size_t i = 0; i < fc.n; i++) {
        struct fc_tx *o = &fc.tx[i];
        if (o == t || !o->pool[node] || o->sender != t->sender || o->nonce != t->nonce)
            continue;
        // geth's rule: both at least (100 + 10) % of the old ones
        if (t->fee * 100 < o->fee * 110 || t->tip * 100 < o->tip * 110)
            return "replacement transaction underpriced";
        o->pool[node] = false;
    }
    t->pool[node] = true;
    return NULL;
}

// ---- the chain

static void fc_include(struct fc_tx *t)
{
    for (size_t i = 0; i < FC_NODES; i++)
        t->pool[i] = false;
    t->block = (int)fc.head;
    t->success = fc.runs ? fc.runs(t) : t->cancel || !fc.reverts || fc_chance(70);
    fc.block[fc.head].tx[fc.block[fc.head].n++] = (size_t)(t - fc.tx);
    fc.nonce[t->sender]++;
}

static void fc_mine(void)
{
    ck_assert_uint_lt(fc.head + 1, FC_BLOCKS);
    fc.head++;
    fc.block[fc.head].salt = prng_u64(&fc.r);
    fc.block[fc.head].n = 0;
    for (unsigned s = 0; s < fc.n_senders; s++) {
        struct fc_tx *best = NULL;
        for (size_t i = 0; i < fc.n; i++) {
            struct fc_tx *t = &fc.tx[i];
            bool pooled = t->pool[0] || t->pool[1] || t->pool[2];
            if (pooled && t->sender == s && t->nonce == fc.nonce[s] && t->fee >= fc.base &&
                (!best || t->tip > best->tip))
                best = t;
        }
        if (best && fc_chance(fc.mine_of_100))
            fc_include(best);
        // Under a nonce that is used, pools keep nothing.
        for (size_t i = 0; i < fc.n; i++)
            for (size_t k = 0; fc.tx[i].sender == s && fc.tx[i].nonce < fc.nonce[s] && k < FC_NODES; k++)
                fc.tx[i].pool[k] = false;
    }
}

// The last block is gone, another comes in its place; its transactions go back to pools, or are lost.
static inline void fc_reorg(void)
{
    if (fc.head < 2)
        return;
    size_t n = fc.block[fc.head].n;
    for (size_t i = n; i-- > 0;) {
        struct fc_tx *t = &fc.tx[fc.block[fc.head].tx[i]];
        t->block = -1;
        if (fc.undone)
            fc.undone(t);
        fc.nonce[t->sender]--;
        for (size_t k = 0; k < FC_NODES; k++)
            t->pool[k] = fc_chance(60);
    }
    fc.head--;
    fc_mine();
}

// Somebody else uses our key.
static inline void fc_foreign(unsigned s)
{
    ck_assert_uint_lt(fc.n, FC_TXS);
    struct fc_tx *t = &fc.tx[fc.n++];
    *t = (struct fc_tx){.sender = s, .nonce = fc.nonce[s], .foreign = true, .block = -1, .success = true};
    t->hash = word_from_u128((u128)prng_u64(&fc.r) << 64 | fc.n);
    fc.head++;
    fc.block[fc.head].salt = prng_u64(&fc.r);
    fc.block[fc.head].n = 0;
    fc_include(t);
    fc.tx[fc.n - 1].block = (int)fc.head;
}

// Which transaction the chain has under a nonce.
static const struct fc_tx *fc_winner(unsigned s, uint64_t nonce)
{
    for (size_t i = 0; i < fc.n; i++)
        if (fc.tx[i].sender == s && fc.tx[i].nonce == nonce && fc.tx[i].block >= 0)
            return &fc.tx[i];
    return NULL;
}

// ---- the port

static struct fc_answer *fc_push(size_t link)
{
    ck_assert_uint_lt(fc.n_queue, FC_QUEUE);
    struct fc_answer *a = calloc(1, sizeof *a);
    a->link = link;
    fc.queue[fc.n_queue++] = a;
    return a;
}

static size_t fc_put(void *ctx, size_t link, uint64_t serial, const uint8_t *tx, size_t n, uint8_t *out,
                     size_t size)
{
    (void)ctx;
    ck_assert_uint_le(n + 8, size);
    le64_store(out, serial);
    memcpy(out + 8, tx, n);
    return link < FC_NODES ? n + 8 : 0;
}

static int fc_send(void *ctx, size_t link, uint64_t serial, const uint8_t *bytes, size_t n, uint64_t now)
{
    (void)ctx, (void)now;
    ck_assert_uint_eq(le64_load(bytes), serial);
    ck_assert_msg(!fc.down[link], "sent to a node that is not usable");
    if (fc_chance(fc.faults / 2))
        return RPC_REFUSED;
    struct fc_tx *t = fc_decode(bytes + 8, n - 8);
    ck_assert_msg(!fc.killed || t->cancel, "an order left with the kill switch on");
    fc.sends++;
    bool lost = fc.deaf[link] || fc_chance(fc.faults / 2);
    if (lost)
        t->handed++;
    const char *says = lost ? NULL : fc_take(link, t);
    if (fc_chance(20)) // gossip
        (void)fc_take((link + 1) % FC_NODES, t);
    struct fc_answer *a = fc_push(link);
    a->raw = true;
    a->tag = RPC_RAW_ID + serial;
    a->kind = lost || fc_chance(fc.faults) ? RPC_EV_FAILED : says ? RPC_EV_ERROR : RPC_EV_REPLY;
    if (says)
        (void)snprintf(a->message, sizeof a->message, "\"%s\"", says);
    fc_hex(t->hash.b, WORD_BYTES, a->text);
    return RPC_SENT;
}

static bool fc_usable(void *ctx, size_t link, uint64_t now)
{
    (void)ctx, (void)now;
    return !fc.down[link];
}

static void fc_receipt(const struct fc_tx *t, char *out)
{
    static char more[FC_TEXT];
    char hash[80], block[80];
    struct word b;
    if (!t || t->block < 0) {
        (void)snprintf(out, FC_TEXT, "null");
        return;
    }
    more[0] = 0;
    if (fc.receipt)
        fc.receipt(t, more, sizeof more);
    fc_block_hash((uint64_t)t->block, &b);
    fc_hex(t->hash.b, WORD_BYTES, hash);
    fc_hex(b.b, WORD_BYTES, block);
    int n = snprintf(
        out, FC_TEXT,
        "{\"transactionHash\":\"%s\",\"status\":\"0x%d\",\"blockNumber\":\"0x%x\",\"blockHash\":\"%s\"%s}",
        hash, t->success, (unsigned)t->block, block, more);
    ck_assert_int_lt(n, FC_TEXT);
}

// Answers are made when asked and come later, in any order.
static void fc_reply(size_t link, const char *method, const char *params, char *out)
{
    uint8_t b[WORD_BYTES];
    struct fc_tx *t = NULL;
    unsigned s = 0;
    size_t n = !strcmp(method, "eth_getTransactionReceipt") || !strcmp(method, "eth_getTransactionByHash")
                   ? WORD_BYTES
                   : ADDRESS_BYTES;
    if (strcmp(method, "eth_call")) {
        ck_assert_int_eq(hex_fixed_get(params + 2, 2 + 2 * n, b, n), 0);
        struct word h = {{0}};
        memcpy(h.b, b, n);
        t = n == WORD_BYTES ? fc_find(&h) : NULL;
        while (n == ADDRESS_BYTES && s < fc.n_senders && memcmp(fc.sender[s].b, b, n) != 0)
            s++;
        ck_assert(n == WORD_BYTES || s < fc.n_senders);
    }
    if (!strcmp(method, "eth_getTransactionCount"))
        (void)snprintf(out, FC_TEXT, "\"0x%llx\"", (unsigned long long)fc.nonce[s]);
    else if (!strcmp(method, "eth_getBalance"))
        (void)snprintf(out, FC_TEXT, "\"0xde0b6b3a7640000\"");
    else if (!strcmp(method, "eth_getTransactionReceipt"))
        fc_receipt(t, out);
    else if (!strcmp(method, "eth_getTransactionByHash"))
        (void)snprintf(out, FC_TEXT, "%s", t && (t->pool[link] || t->block >= 0) ? "{}" : "null");
    else
        out[0] = 0; // eth_call: reverts
}

static int fc_call(void *ctx, size_t link, const char *method, const char *params, uint64_t tag, uint64_t now)
{
    (void)ctx, (void)now;
    if (fc.down[link] || fc_chance(fc.faults / 4))
        return -1;
    struct fc_answer *a = fc_push(link);
    a->tag = tag;
    bool mute = (fc.no_receipts && !strcmp(method, "eth_getTransactionReceipt")) ||
                (fc.no_calls && !strcmp(method, "eth_call"));
    a->kind = mute || fc_chance(fc.faults / 2) ? RPC_EV_FAILED : RPC_EV_REPLY;
    fc_reply(link, method, params, a->text);
    if (!a->text[0] && !mute) {
        a->kind = RPC_EV_ERROR;
        (void)snprintf(a->text, sizeof a->text, "\"0x08c379a0%064x%064x6e6f74206c697175696461746500%036x\"",
                       32, 13, 0);
    }
    return 0;
}

static int fc_poll(void *ctx, uint64_t now, struct port_event *ev)
{
    (void)ctx, (void)now;
    free(fc.last);
    fc.last = NULL;
    if (fc.n_queue == 0 || fc_chance(fc.faults))
        return 0;
    size_t i = fc.faults ? (size_t)prng_below(&fc.r, fc.n_queue) : 0;
    struct fc_answer *a = fc.last = fc.queue[i];
    fc.n_queue--;
    memmove(fc.queue + i, fc.queue + i + 1, (fc.n_queue - i) * sizeof *fc.queue);
    *ev = (struct port_event){.link = a->link};
    ev->rpc.kind = a->kind;
    *(a->raw ? &ev->rpc.id : &ev->rpc.tag) = a->tag;
    struct rpc_span text = {a->text, strlen(a->text)};
    if (a->kind == RPC_EV_ERROR) {
        ev->rpc.message = (struct rpc_span){a->message, strlen(a->message)};
        ev->rpc.data = a->raw ? (struct rpc_span){NULL, 0} : text;
    } else {
        ev->rpc.result = text;
    }
    return 1;
}

static const struct evm_port_ops FC_OPS = {fc_put, fc_send, fc_usable, fc_call, fc_poll};
static const struct evm_port FC_PORT = {&FC_OPS, NULL, FC_NODES};

static void fc_forget_answers(void)
{
    for (; fc.n_queue; fc.n_queue--)
        free(fc.queue[fc.n_queue - 1]);
}

static void fc_start(uint64_t seed)
{
    fc_forget_answers();
    free(fc.last);
    memset(&fc, 0, sizeof fc);
    prng_seed(&fc.r, seed);
    fc.head = 10;
    fc.base = 1000000000;
    fc.mine_of_100 = 100;
}

#endif
