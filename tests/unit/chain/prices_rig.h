// SPDX-License-Identifier: Apache-2.0
// A chain for tests of prices.h: contracts are a table of what each call answers (what is not in it reverts);
// blocks and logs are made as the test wants them. What consumers are told is kept and checked for order.
#ifndef TRIPLINE_TEST_CHAIN_PRICES_RIG_H
#define TRIPLINE_TEST_CHAIN_PRICES_RIG_H

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "chain/prices.h"
#include "evm/abi.h"

enum { ENTRIES = 16384, EVENTS = 256 };

struct entry {
    struct evm_address at;
    uint8_t call[PRICES_CALL_MAX];
    uint8_t n;
    struct word value;
};
struct told {
    enum price_cause cause;
    uint32_t tx_index;
    uint16_t n;
};
struct rig {
    struct prices *p;
    struct entry entry[ENTRIES], past[ENTRIES]; // past: as of the block before
    size_t n_entries, n_past;
    uint64_t number, time;
    struct word hash;
    i256 price[PRICES_ASSETS_MAX];
    enum price_hold hold[PRICES_ASSETS_MAX];
    uint64_t seq, undone, n_undone, ends, reads;
    struct told told[EVENTS]; // since the last block began
    size_t n_told;
    unsigned notices, candidates, withdrawn[PENDING_PUSHED + 1];
    struct price_told candidate[PRICES_ASSETS_MAX];
    uint16_t n_candidate;
    void (*round)(struct rig *r); // after each answer
};

static inline struct evm_address addr(uint64_t n)
{
    struct evm_address a = {{0}};
    be64_store(a.b + 12, n);
    return a;
}
static inline struct word w64(uint64_t n)
{
    return word_from_u64(n);
}
static inline struct word waddr(uint64_t n)
{
    struct evm_address a = addr(n);
    return word_from_address(&a);
}

static inline struct entry *rig_entry(struct rig *r, uint64_t at, const char *signature,
                                      const struct evm_address *arg)
{
    struct entry e = {.at = addr(at)};
    struct abi_out o = abi_out_of(e.call, sizeof e.call);
    struct abi_head h = abi_call(&o, abi_selector(signature), arg != NULL);
    if (arg)
        abi_put_address(&o, &h, arg);
    e.n = (uint8_t)abi_done(&o);
    for (size_t i = 0; i < r->n_entries; i++)
        if (address_equal(&r->entry[i].at, &e.at) && r->entry[i].n == e.n &&
            memcmp(r->entry[i].call, e.call, e.n) == 0)
            return &r->entry[i];
    ck_assert_uint_lt(r->n_entries, ENTRIES);
    r->entry[r->n_entries] = e;
    return &r->entry[r->n_entries++];
}
static inline void set(struct rig *r, uint64_t at, const char *signature, struct word value)
{
    rig_entry(r, at, signature, NULL)->value = value;
}
static inline void set_of(struct rig *r, uint64_t at, const char *signature, uint64_t arg, struct word value)
{
    struct evm_address a = addr(arg);
    rig_entry(r, at, signature, &a)->value = value;
}
static inline void unset(struct rig *r, struct entry *e)
{
    *e = r->entry[--r->n_entries];
}

// ---- what is told
static inline void rig_group(void *ctx, const struct price_group *g)
{
    struct rig *r = ctx;
    ck_assert_uint_eq(g->seq, ++r->seq);
    ck_assert_uint_gt(g->n, 0);
    ck_assert((g->cause == PRICE_TX) == (g->tx_index != PRICES_NO_TX));
    ck_assert(g->cause == PRICE_UNSURE || g->block.number == r->number);
    for (size_t i = 0; i < g->n; i++) {
        ck_assert(i == 0 || g->change[i].asset > g->change[i - 1].asset);
        r->price[g->change[i].asset] = g->change[i].price;
        r->hold[g->change[i].asset] = g->change[i].hold;
    }
    ck_assert_uint_lt(r->n_told, EVENTS);
    r->told[r->n_told++] = (struct told){g->cause, g->tx_index, g->n};
}
static inline void rig_undone(void *ctx, uint64_t number)
{
    struct rig *r = ctx;
    r->undone = number;
    r->n_undone++;
}
static inline void rig_end(void *ctx, const struct price_block *b)
{
    struct rig *r = ctx;
    ck_assert_uint_eq(b->number, r->number);
    r->ends++;
    r->n_past = r->n_entries;
    memcpy(r->past, r->entry, r->n_entries * sizeof *r->past);
}
static inline void rig_candidate(void *ctx, const struct price_candidate *c)
{
    struct rig *r = ctx;
    r->candidates++;
    r->n_candidate = c->n;
    if (c->n)
        memcpy(r->candidate, c->change, c->n * sizeof *c->change);
}
static inline void rig_withdrawn(void *ctx, const struct word *tx, enum price_withdrawn why)
{
    (void)tx;
    ((struct rig *)ctx)->withdrawn[why]++;
}
static inline void rig_notice(void *ctx, const char *text)
{
    ck_assert_uint_gt(strlen(text), 0);
    ((struct rig *)ctx)->notices++;
}

enum { ORACLE = 0x0a, PROVIDER = 0x0b, ASSET = 0x1000, SOURCE = 0x2000, AGGREGATOR = 0x3000 };

static inline void rig_open(struct rig *r, size_t n_assets, bool provider)
{
    static struct evm_address asset[PRICES_ASSETS_MAX];
    struct err e;
    memset(r, 0, sizeof *r);
    for (size_t i = 0; i < n_assets; i++)
        asset[i] = addr(ASSET + i);
    struct prices_config cfg = {.oracle = addr(ORACLE), .asset = asset, .n_assets = n_assets, .ctx = r};
    cfg.hooks =
        (struct price_hooks){rig_group, rig_undone, rig_end, rig_candidate, rig_withdrawn, rig_notice};
    if (provider)
        cfg.provider = addr(PROVIDER);
    r->p = prices_new(&cfg, &e);
    ck_assert_ptr_nonnull(r->p);
    r->number = 100;
    r->time = 1700000000;
    r->hash = w64(100);
    set(r, ORACLE, "getFallbackOracle()", w64(0));
}
static inline void rig_close(struct rig *r)
{
    prices_free(r->p);
}

// ---- contracts
static inline void price(struct rig *r, uint64_t asset, uint64_t value)
{
    set_of(r, ORACLE, "getAssetPrice(address)", ASSET + asset, w64(value));
}
static inline void source(struct rig *r, uint64_t asset, uint64_t at)
{
    set_of(r, ORACLE, "getSourceOfAsset(address)", ASSET + asset, waddr(at));
}
static inline void feed(struct rig *r, uint64_t at, uint64_t aggregator, uint64_t answer)
{
    set(r, at, "aggregator()", waddr(aggregator));
    set(r, at, "latestAnswer()", w64(answer));
    set(r, at, "decimals()", w64(8));
}
static inline void stable(struct rig *r, uint64_t at, uint64_t of, uint64_t cap)
{
    set(r, at, "ASSET_TO_USD_AGGREGATOR()", waddr(of));
    set(r, at, "getPriceCap()", w64(cap));
    set(r, at, "decimals()", w64(8));
}
// An asset with a feed of its own.
static inline void simple(struct rig *r, uint64_t asset, uint64_t answer)
{
    source(r, asset, SOURCE + asset);
    feed(r, SOURCE + asset, AGGREGATOR + asset, answer);
    price(r, asset, answer);
}

// ---- blocks
static inline void begin(struct rig *r, uint64_t number, struct word hash, struct word parent)
{
    struct price_block b = {number, r->time += 12, hash, parent};
    r->number = number;
    r->hash = hash;
    r->n_told = 0;
    prices_block(r->p, &b);
}
static inline void next(struct rig *r)
{
    struct word parent = r->hash;
    begin(r, r->number + 1, w64(1000 * r->number + r->time), parent);
}
static inline void log_of(struct rig *r, uint64_t at, const char *event, unsigned n_topics, uint64_t first,
                          uint32_t tx)
{
    struct price_log l = {
        .address = addr(at), .n_topics = (uint8_t)n_topics, .tx_index = tx, .tx_hash = w64(7000 + tx)};
    l.topic[0] = abi_topic(event);
    l.topic[1] = w64(first);
    prices_log(r->p, &l);
}
static inline void answered(struct rig *r, uint64_t aggregator, uint64_t answer, uint32_t tx)
{
    log_of(r, aggregator, "AnswerUpdated(int256,uint256,uint256)", 3, answer, tx);
}
// Answers what is asked until nothing is, at most `most` reads: all that can be asked is asked first.
static inline void reads(struct rig *r, size_t most)
{
    static struct price_read q[ENTRIES];
    while (prices_busy(r->p) && most > 0) {
        size_t n = 0;
        while (n < most && n < ENTRIES && prices_read(r->p, &q[n]))
            n++;
        ck_assert_uint_gt(n, 0);
        most -= n;
        for (size_t k = 0; k < n; k++) {
            bool now = word_equal(&q[k].at, &r->hash);
            const struct entry *found = NULL, *in = now ? r->entry : r->past;
            for (size_t i = 0; i < (now ? r->n_entries : r->n_past) && !found; i++)
                if (address_equal(&in[i].at, &q[k].to) && in[i].n == q[k].n &&
                    memcmp(in[i].call, q[k].data, q[k].n) == 0)
                    found = &in[i];
            r->reads++;
            prices_answer(r->p, q[k].id, found ? found->value.b : NULL, found ? WORD_BYTES : 0);
            if (r->round)
                r->round(r);
        }
    }
}
static inline void finish(struct rig *r)
{
    prices_logs_end(r->p);
    reads(r, SIZE_MAX);
}
static inline void quiet(struct rig *r, unsigned blocks)
{
    while (blocks--) {
        next(r);
        finish(r);
    }
}
static inline enum price_mode mode(const struct rig *r, size_t asset)
{
    struct price_state s;
    prices_state(r->p, asset, &s);
    return s.mode;
}
static inline void is(const struct rig *r, size_t asset, uint64_t value, enum price_hold hold)
{
    ck_assert_msg(i256_cmp(r->price[asset], i256_from_u128(value)) == 0 && r->hold[asset] == hold,
                  "asset %zu: price %lld, hold %d instead of %llu, %d", asset,
                  (long long)i256_to_i64(r->price[asset]), r->hold[asset], (unsigned long long)value, hold);
}

#endif
