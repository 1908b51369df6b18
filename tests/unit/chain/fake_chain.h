// SPDX-License-Identifier: Apache-2.0
// A chain in memory behind a chain_link: blocks with the whole state of a small pool and the logs that led to
// it, forks, and a node that fails in the ways nodes do. Every answer is JSON text as a node writes it.
#ifndef TRIPLINE_TEST_FAKE_CHAIN_H
#define TRIPLINE_TEST_FAKE_CHAIN_H

#include <check.h>
#include <stdlib.h>

#include "base/prng.h"
#include "chain/link.h"
#include "evm/abi.h"
#include "evm/hex.h"
#include "evm/keccak.h"

enum {
    F_USERS = 24,
    F_RESERVES = 6,
    F_LOGS = 40,
    F_BLOCKS = 3000,
    F_EMODES = 3,
    F_TEXT = 1 << 20,
    F_START = 200
};

struct f_user {
    bool collateral[F_RESERVES], ever;
    uint64_t supply[F_RESERVES], debt[F_RESERVES];
    unsigned emode;
};
struct f_reserve {
    bool listed, paused;
    uint64_t lt, fee, index, rate, updated, grace; // index: beyond 1 RAY
};
struct f_state {
    struct f_user user[F_USERS];
    struct f_reserve reserve[F_RESERVES];
    uint64_t emode_lt[F_EMODES + 1], emode_bits[F_EMODES + 1];
};
struct f_log {
    struct evm_address by;
    unsigned n_topics, n_words;
    struct word topic[4], word[8];
};
struct f_block {
    uint64_t number, time;
    struct word hash, parent;
    struct f_state s;
    unsigned n_logs;
    struct f_log log[F_LOGS];
};

struct fake {
    struct chain_link link; // first
    struct f_block *b;      // [0..head]
    uint64_t head, forks;
    struct prng rng;
    // faults, in parts of 1000 of the asks
    unsigned lose, churn, crash, lie;
    uint64_t range_limit, oldest; // logs of so many blocks at most; states from this block on
    bool crashed, stable;         // stable: nothing changes the pool's shape
    uint64_t asks;
    char *text;
};

static inline struct evm_address f_address(uint8_t kind, unsigned i)
{
    struct evm_address a = {{kind}};
    a.b[19] = (uint8_t)i;
    a.b[10] = 7;
    return a;
}
enum { F_POOL = 0x10, F_ASSET = 0xa0, F_ATOKEN = 0xb0, F_VTOKEN = 0xc0, F_USER = 0xd0, F_ADMIN = 0xe0 };
enum { F_PROVIDER = 1, F_CONFIGURATOR, F_ORACLE };

// ---- logs

static inline struct word f_word_of(uint8_t kind, unsigned i)
{
    struct evm_address a = f_address(kind, i);
    return word_from_address(&a);
}

// args: u a user, r a reserve, n a number, z the zero address; upper case: indexed.
static inline void f_emit(struct f_block *b, struct evm_address by, const char *signature, const char *args,
                          unsigned x, unsigned y, unsigned z)
{
    const unsigned v[] = {x, y, z, 0, 0, 0, 0};
    ck_assert_uint_lt(b->n_logs, F_LOGS);
    struct f_log *l = &b->log[b->n_logs++];
    *l = (struct f_log){.by = by, .n_topics = 1};
    l->topic[0] = abi_topic(signature);
    for (size_t i = 0; args[i]; i++) {
        unsigned k = v[i < 6 ? i : 6];
        char c = args[i];
        struct word w = c == 'u' || c == 'U'   ? f_word_of(F_USER, k)
                        : c == 'r' || c == 'R' ? f_word_of(F_ASSET, k)
                        : c == 'z' || c == 'Z' ? (struct word){{0}}
                                               : word_from_u64(k);
        if (c < 'a')
            l->topic[l->n_topics++] = w;
        else
            l->word[l->n_words++] = w;
    }
}

static inline void f_rates(struct f_block *b, unsigned r)
{
    struct f_reserve *x = &b->s.reserve[r];
    x->index += 1000 + b->number;
    x->rate = 10000 + b->number * 7 + r;
    x->updated = b->time;
}

static inline void f_updated(struct f_block *b, unsigned r)
{
    f_rates(b, r);
    f_emit(b, f_address(F_POOL, 0), "ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)",
           "Rnnnnn", r, 0, 0);
}

// ---- what people do

static inline void f_enable(struct f_block *b, unsigned u, unsigned r, bool on)
{
    b->s.user[u].collateral[r] = on;
    f_emit(b, f_address(F_POOL, 0),
           on ? "ReserveUsedAsCollateralEnabled(address,address)"
              : "ReserveUsedAsCollateralDisabled(address,address)",
           "RU", r, u, 0);
}

static inline void f_supply(struct f_block *b, struct prng *g, unsigned u, unsigned r)
{
    struct f_user *x = &b->s.user[u];
    bool first = x->supply[r] == 0;
    x->supply[r] += 1 + prng_below(g, 1000000);
    f_emit(b, f_address(F_POOL, 0), "Supply(address,address,address,uint256,uint16)", "RuUnN", r, u, u);
    f_emit(b, f_address(F_ATOKEN, r), "Mint(address,address,uint256,uint256,uint256)", "UUnnn", u, u, 0);
    if (first)
        f_enable(b, u, r, true);
    f_updated(b, r);
}

static inline void f_borrow(struct f_block *b, struct prng *g, unsigned u, unsigned r)
{
    b->s.user[u].debt[r] += 1 + prng_below(g, 1000000);
    b->s.user[u].ever = true;
    f_emit(b, f_address(F_VTOKEN, r), "Transfer(address,address,uint256)", "ZUn", 0, u, 0);
    f_emit(b, f_address(F_POOL, 0), "Borrow(address,address,address,uint256,uint8,uint256,uint16)", "RuUnnnN",
           r, u, u);
    f_updated(b, r);
}

static inline void f_repay(struct f_block *b, struct prng *g, unsigned u, unsigned r)
{
    struct f_user *x = &b->s.user[u];
    x->debt[r] = prng_chance(g, 1, 2) ? 0 : x->debt[r] / 2;
    f_emit(b, f_address(F_POOL, 0), "Repay(address,address,address,uint256,bool)", "RUUnn", r, u,
           (u + 1) % F_USERS);
    f_updated(b, r);
}

static inline void f_transfer(struct f_block *b, unsigned u, unsigned v, unsigned r)
{
    struct f_user *x = &b->s.user[u], *y = &b->s.user[v];
    uint64_t part = x->supply[r] / 2 + 1;
    bool first = y->supply[r] == 0;
    x->supply[r] -= part;
    y->supply[r] += part;
    f_emit(b, f_address(F_ATOKEN, r), "BalanceTransfer(address,address,uint256,uint256)", "UUnn", u, v, 0);
    if (x->supply[r] == 0 && x->collateral[r])
        f_enable(b, u, r, false);
    if (first)
        f_enable(b, v, r, true);
}

// A liquidator takes aTokens: the collateral's index moves, and only LiquidationCall tells.
static inline void f_liquidate(struct f_block *b, unsigned u, unsigned c, unsigned d)
{
    struct f_user *x = &b->s.user[u], *y = &b->s.user[(u + 1) % F_USERS];
    uint64_t part = x->supply[c] / 3;
    x->debt[d] /= 2;
    x->supply[c] -= part;
    y->supply[c] += part;
    f_rates(b, c);
    f_rates(b, d);
    f_emit(b, f_address(F_POOL, 0), "LiquidationCall(address,address,address,uint256,uint256,address,bool)",
           "RRUnnnn", c, d, u);
    b->log[b->n_logs - 1].word[2] = f_word_of(F_USER, (u + 1) % F_USERS);
}

static inline void f_admin(struct f_block *b, struct prng *g, unsigned r)
{
    struct f_state *s = &b->s;
    unsigned e = 1 + (unsigned)prng_below(g, F_EMODES);
    switch (prng_below(g, 6)) {
    case 0:
        s->reserve[r].lt = 5000 + prng_below(g, 3000);
        break;
    case 1:
        s->reserve[r].paused = !s->reserve[r].paused;
        break;
    case 2:
        s->reserve[r].grace = prng_below(g, 2) * (b->time + 100);
        break;
    case 3:
        s->emode_lt[e] = prng_below(g, 3) ? 9000 + prng_below(g, 500) : 0;
        break;
    case 4:
        s->emode_bits[e] ^= UINT64_C(1) << r;
        break;
    default:
        for (r = 0; r < F_RESERVES && s->reserve[r].listed; r++)
            ;
        if (r == F_RESERVES)
            return;
        s->reserve[r].listed = true;
    }
    f_emit(b, f_address(F_ADMIN, F_CONFIGURATOR), "SomethingChanged(address)", "R", r, 0, 0);
}

static inline void f_act(struct f_block *b, struct prng *g, bool stable)
{
    unsigned u = (unsigned)prng_below(g, F_USERS),
             v = (u + 1 + (unsigned)prng_below(g, F_USERS - 1)) % F_USERS;
    unsigned r = (unsigned)prng_below(g, F_RESERVES), d = (unsigned)prng_below(g, F_RESERVES);
    struct f_user *x = &b->s.user[u];
    unsigned what = (unsigned)prng_below(g, 16);
    if (what == 0 && !stable)
        f_admin(b, g, r);
    if (!b->s.reserve[r].listed || !b->s.reserve[d].listed)
        return;
    if (what >= 1 && what <= 4)
        f_supply(b, g, u, r);
    else if (what == 5 || what == 6)
        f_borrow(b, g, u % (F_USERS / 2), r);
    else if (what <= 8 && x->debt[r])
        f_repay(b, g, u, r);
    else if (what <= 10 && x->supply[r])
        f_transfer(b, u, v, r);
    else if (what == 11 && x->supply[r] > 3 && x->debt[d] > 3 && b->s.user[(u + 1) % F_USERS].supply[r])
        f_liquidate(b, u, r, d);
    else if (what <= 13 && x->supply[r])
        f_enable(b, u, r, !x->collateral[r]);
    else if (what == 14) {
        x->emode = (unsigned)prng_below(g, F_EMODES + 1);
        f_emit(b, f_address(F_POOL, 0), "UserEModeSet(address,uint8)", "Un", u, 1, 0);
    }
}

// ---- blocks

static inline void f_mine(struct fake *f)
{
    struct f_block *b = &f->b[f->head + 1];
    ck_assert_uint_lt(f->head + 1, F_BLOCKS);
    *b = f->b[f->head];
    b->number = ++f->head;
    b->time += 12;
    b->parent = f->b[f->head - 1].hash;
    b->n_logs = 0;
    for (uint64_t n = prng_below(&f->rng, 4); n; n--)
        f_act(b, &f->rng, f->stable);
    struct {
        struct word parent;
        uint64_t fork, number;
    } seed = {b->parent, f->forks, b->number};
    keccak256(&seed, sizeof seed, &b->hash);
}

static inline void f_fork(struct fake *f, uint64_t depth)
{
    f->forks++;
    f->head -= depth < f->head ? depth : f->head - 1;
    for (uint64_t n = depth + 1 + prng_below(&f->rng, 3); n; n--)
        f_mine(f);
}

// ---- the node

static inline const struct f_block *f_by_hash(const struct fake *f, struct rpc_span v)
{
    struct word h;
    if (rpc_json_data(v, h.b, WORD_BYTES))
        return NULL;
    for (uint64_t i = f->head + 1; i-- > 0;)
        if (word_equal(&f->b[i].hash, &h))
            return &f->b[i];
    return NULL;
}

static inline char *f_hex(char *at, const void *p, size_t n)
{
    *at++ = '0';
    *at++ = 'x';
    hex_put(p, n, at);
    return at + 2 * n;
}

static inline char *f_put_log(char *at, const struct f_block *b, unsigned i)
{
    const struct f_log *l = &b->log[i];
    at += sprintf(at, "{\"removed\":false,\"blockNumber\":\"0x%llx\",\"logIndex\":\"0x%x\",\"address\":\"",
                  (unsigned long long)b->number, i);
    at = f_hex(at, l->by.b, ADDRESS_BYTES);
    at += sprintf(at, "\",\"blockHash\":\"");
    at = f_hex(at, b->hash.b, WORD_BYTES);
    at += sprintf(at, "\",\"topics\":[");
    for (unsigned k = 0; k < l->n_topics; k++) {
        at += sprintf(at, k ? ",\"" : "\"");
        at = f_hex(at, l->topic[k].b, WORD_BYTES);
        *at++ = '"';
    }
    at += sprintf(at, "],\"data\":\"");
    at = f_hex(at, l->word, l->n_words * sizeof l->word[0]);
    return at + sprintf(at, "\"}");
}

static inline bool f_asked(struct rpc_span filter, const struct f_log *l)
{
    struct rpc_json_iter it;
    struct rpc_span key, v, topics = rpc_json_get(filter, "topics");
    bool match = false;
    struct evm_address a;
    ck_assert(rpc_json_begin(&it, rpc_json_get(filter, "address")));
    while (rpc_json_next(&it, &key, &v) == 1)
        match |= rpc_json_data(v, a.b, ADDRESS_BYTES) == 0 && address_equal(&a, &l->by);
    if (!topics.p)
        return match;
    struct word t = abi_topic("Borrow(address,address,address,uint256,uint8,uint256,uint16)");
    return match && word_equal(&t, &l->topic[0]);
}

static inline bool f_any_asked(const struct fake *f, uint64_t number, struct rpc_span filter)
{
    for (unsigned i = 0; i < f->b[number].n_logs; i++)
        if (f_asked(filter, &f->b[number].log[i]))
            return true;
    return false;
}

static inline const char *f_logs(struct fake *f, struct rpc_span filter)
{
    uint64_t first, last;
    struct rpc_span hash = rpc_json_get(filter, "blockHash");
    if (hash.p) {
        const struct f_block *b = f_by_hash(f, hash);
        if (!b)
            return NULL;
        first = last = b->number;
        // The logs of another block: what a node does that mixes up its heads. (That it has none cannot be
        // seen.)
        if (prng_chance(&f->rng, f->lie, 1000) && f_any_asked(f, first - 1, filter))
            first = last = first - 1;
    } else {
        ck_assert_int_eq(rpc_json_quantity(rpc_json_get(filter, "fromBlock"), &first), 0);
        ck_assert_int_eq(rpc_json_quantity(rpc_json_get(filter, "toBlock"), &last), 0);
        if (last - first >= f->range_limit)
            return NULL;
    }
    char *at = f->text;
    *at++ = '[';
    for (uint64_t n = first; n <= last && n <= f->head; n++)
        for (unsigned i = 0; i < f->b[n].n_logs; i++)
            if (f_asked(filter, &f->b[n].log[i])) {
                if (at[-1] != '[')
                    *at++ = ',';
                at = f_put_log(at, &f->b[n], i);
            }
    (void)sprintf(at, "]");
    return f->text;
}

static inline const char *f_block_text(struct fake *f, struct rpc_span tag)
{
    uint64_t n = f->head;
    if (!rpc_span_is(tag, "\"latest\""))
        ck_assert_int_eq(rpc_json_quantity(tag, &n), 0);
    if (n > f->head)
        return "null";
    const struct f_block *b = &f->b[n];
    char *at = f->text + sprintf(f->text, "{\"number\":\"0x%llx\",\"timestamp\":\"0x%llx\",\"hash\":\"",
                                 (unsigned long long)b->number, (unsigned long long)b->time);
    at = f_hex(at, b->hash.b, WORD_BYTES);
    at += sprintf(at, "\",\"parentHash\":\"");
    at = f_hex(at, b->parent.b, WORD_BYTES);
    (void)sprintf(at, "\"}");
    return f->text;
}

static inline u128 f_ray(uint64_t more)
{
    return (u128)1000000000 * 1000000000 * 1000000000 + more;
}

static inline size_t f_reserve_words(const struct f_reserve *r, unsigned id, struct word *w)
{
    u128 low = (u128)r->lt << 16 | (u128)10500 << 32 | (u128)18 << 48 | (u128)1 << 56 | (u128)r->paused << 60;
    w[0] = word_from_u128(low);
    w[0].b[31 - 152 / 8] = (uint8_t)r->fee;
    w[1] = w[3] = word_from_u128(f_ray(r->index));
    w[2] = w[4] = word_from_u64(r->rate);
    w[6] = word_from_u64(r->updated);
    w[7] = word_from_u64(id);
    w[8] = f_word_of(F_ATOKEN, id);
    w[10] = f_word_of(F_VTOKEN, id);
    return 15;
}

static inline size_t f_pool_call(const struct f_state *s, uint32_t sel, unsigned x, struct word *w)
{
    if (sel == abi_selector("getReservesList()")) {
        uint64_t n = 0;
        for (unsigned r = 0; r < F_RESERVES; r++)
            if (s->reserve[r].listed)
                w[2 + n++] = f_word_of(F_ASSET, r);
        w[0] = word_from_u64(32);
        w[1] = word_from_u64(n);
        return 2 + n;
    }
    if (sel == abi_selector("getReserveData(address)"))
        return f_reserve_words(&s->reserve[x], x, w);
    if (sel == abi_selector("getUserConfiguration(address)")) {
        uint64_t bits = 0;
        for (unsigned r = 0; r < F_RESERVES; r++)
            bits |= (uint64_t)(s->user[x].debt[r] != 0) << 2 * r | (uint64_t)s->user[x].collateral[r]
                                                                       << (2 * r + 1);
        w[0] = word_from_u64(bits);
    } else if (sel == abi_selector("getEModeCategoryCollateralConfig(uint8)")) {
        w[1] = word_from_u64(x <= F_EMODES ? s->emode_lt[x] : 0);
        w[2] = word_from_u64(10100);
        return 3;
    } else if (sel == abi_selector("getEModeCategoryCollateralBitmap(uint8)")) {
        w[0] = word_from_u64(x <= F_EMODES ? s->emode_bits[x] : 0);
    } else if (sel == abi_selector("ADDRESSES_PROVIDER()")) {
        w[0] = f_word_of(F_ADMIN, F_PROVIDER);
    } else {
        w[0] = word_from_u64(sel == abi_selector("getUserEMode(address)")                ? s->user[x].emode
                             : sel == abi_selector("getLiquidationGracePeriod(address)") ? s->reserve[x].grace
                                                                                         : 10);
    }
    return 1;
}

// Words of a result, 0: reverts.
static inline size_t f_view(const struct f_state *s, const struct evm_address *to, uint32_t sel, unsigned x,
                            struct word *w)
{
    switch (to->b[0]) {
    case F_POOL:
        return f_pool_call(s, sel, x, w);
    case F_ATOKEN:
        w[0] = word_from_u64(s->user[x].supply[to->b[19]]);
        return 1;
    case F_VTOKEN:
        w[0] = word_from_u64(s->user[x].debt[to->b[19]]);
        return 1;
    case F_ADMIN:
        w[0] = f_word_of(F_ADMIN, sel == abi_selector("getPriceOracle()") ? F_ORACLE : F_CONFIGURATOR);
        return 1;
    default:
        return 0;
    }
}

static inline const char *f_call(struct fake *f, struct rpc_span tx, struct rpc_span where, bool *reverted)
{
    uint8_t data[36] = {0};
    struct evm_address to;
    struct word w[136] = {{{0}}};
    size_t n;
    struct rpc_span text = rpc_json_string(rpc_json_get(tx, "data"));
    const struct f_block *b = f_by_hash(f, rpc_json_get(where, "blockHash"));
    ck_assert(rpc_span_is(rpc_json_get(where, "requireCanonical"), "true"));
    ck_assert_int_eq(rpc_json_data(rpc_json_get(tx, "to"), to.b, ADDRESS_BYTES), 0);
    ck_assert_int_eq(hex_data_get(text.p, text.n, data, sizeof data, &n), 0);
    if (!b || b->number < f->oldest)
        return NULL;
    uint32_t sel = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    n = f_view(&b->s, &to, sel, data[35], w);
    *reverted = n == 0;
    char *at = f->text;
    *at++ = '"';
    at = f_hex(at, w, n * sizeof w[0]);
    (void)sprintf(at, "\"");
    return n ? f->text : NULL;
}

static inline int f_ask_one(struct fake *f, const struct chain_call *c, size_t i, chain_take *take, void *to,
                            struct err *e)
{
    struct rpc_span p[2] = {{0}}, key, all = rpc_json_whole(c->params, strlen(c->params));
    struct rpc_json_iter it;
    bool reverted = false;
    ck_assert(rpc_json_begin(&it, all));
    for (size_t k = 0; k < 2; k++)
        (void)rpc_json_next(&it, &key, &p[k]);
    const char *text = strcmp(c->method, "eth_chainId") == 0            ? "\"0x5\""
                       : strcmp(c->method, "eth_getBlockByNumber") == 0 ? f_block_text(f, p[0])
                       : strcmp(c->method, "eth_getLogs") == 0          ? f_logs(f, p[0])
                                                                        : f_call(f, p[0], p[1], &reverted);
    struct chain_answer a = {
        text != NULL, {NULL, 0}, reverted ? 3 : -32000, reverted ? "execution reverted" : "no"};
    if (text)
        a.result = rpc_json_whole(text, strlen(text));
    ck_assert(!text || a.result.p);
    return take(to, i, &a, e);
}

static inline int f_ask(struct chain_link *l, const struct chain_call *c, size_t n, chain_take *take,
                        void *to, struct err *e)
{
    struct fake *f = (struct fake *)l;
    f->asks++;
    ck_assert_uint_le(n, CHAIN_CALLS_MAX);
    for (size_t i = 0; i < n; i++) {
        if (prng_chance(&f->rng, f->churn, 1000 * (uint64_t)n)) // the chain does not wait for who asks
            f_fork(f, prng_below(&f->rng, 4));
        if (prng_chance(&f->rng, f->crash, 1000 * (uint64_t)n)) {
            f->crashed = true;
            return err_set(e, "crash");
        }
        if (prng_chance(&f->rng, f->lose, 1000 * (uint64_t)n))
            return err_set(e, "lost");
        if (f_ask_one(f, &c[i], i, take, to, e))
            return -1;
    }
    return 0;
}

static inline struct fake *f_new(uint64_t seed)
{
    struct fake *f = calloc(1, sizeof *f);
    f->link.ask = f_ask;
    f->b = calloc(F_BLOCKS, sizeof *f->b);
    f->text = malloc(F_TEXT);
    f->range_limit = UINT64_MAX;
    prng_seed(&f->rng, seed);
    f->b[0].time = 1700000000;
    for (unsigned r = 0; r < F_RESERVES - 2; r++)
        f->b[0].s.reserve[r] = (struct f_reserve){.listed = true, .lt = 8000, .fee = 10};
    for (unsigned r = F_RESERVES - 2; r < F_RESERVES; r++)
        f->b[0].s.reserve[r].lt = 7000;
    f->b[0].s.emode_lt[1] = 9300;
    f->b[0].s.emode_bits[1] = 3;
    while (f->head < F_START)
        f_mine(f);
    return f;
}
static inline void f_free(struct fake *f)
{
    free(f->b);
    free(f->text);
    free(f);
}

#endif
