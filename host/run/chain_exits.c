// SPDX-License-Identifier: Apache-2.0
// The ways out of collateral: the exchange's pools and the price of gas, read at a block's hash and told when
// they are new.
#include "chain/liquidator.h"
#include "evm/address.h"
#include "run/chain_line_inside.h"

enum { KEEP = 997, OF = 1000, SALE_GAS = 90000 };

static const struct evm_address NOBODY;

static uint16_t instrument_of(const struct chain_line *l, const struct evm_address *token)
{
    for (uint16_t i = 0; i < l->n_tokens; i++)
        if (address_equal(&l->token[i], token))
            return i;
    return UINT16_MAX;
}

static int take_pool(struct chain_line *l, size_t i, struct err *e)
{
    struct pools *p = &l->pools;
    const struct chain_pool_config *c = &l->cfg.pool[i];
    const struct exchange_pair *x = &p->pair[i];
    char pair[ADDRESS_TEXT], token[ADDRESS_TEXT];
    struct exits_pool *out = &p->all[i];
    out->a = instrument_of(l, &x->token0);
    out->b = instrument_of(l, &x->token1);
    out->keep = c->of ? c->keep : KEEP;
    out->of = c->of ? c->of : OF;
    out->gas = c->gas ? c->gas : SALE_GAS;
    address_format(&x->pair, pair);
    if (out->a == UINT16_MAX || out->b == UINT16_MAX) {
        address_format(out->a == UINT16_MAX ? &x->token0 : &x->token1, token);
        return err_set(e, "the pair %s sells %s, which is no reserve of the pool", pair, token);
    }
    for (size_t k = 0; k < i; k++)
        if ((p->all[k].a == out->a && p->all[k].b == out->b) ||
            (p->all[k].a == out->b && p->all[k].b == out->a))
            return err_set(e, "the pair %s has the tokens of another one: name one of them", pair);
    return 0;
}

int chain_exits_open(struct chain_line *l, const struct word *block, struct err *e)
{
    struct pools *p = &l->pools;
    char text[ADDRESS_TEXT];
    if (l->cfg.n_pools > EXITS_POOLS_MAX)
        return err_set(e, "%zu pools of the exchange; there is room for %d", l->cfg.n_pools, EXITS_POOLS_MAX);
    p->n = l->cfg.n_pools;
    p->told.native = instrument_of(l, &l->cfg.native);
    address_format(&l->cfg.native, text);
    if (p->told.native == UINT16_MAX || address_equal(&l->cfg.native, &NOBODY))
        return err_set(e, "the native coin's token %s is no reserve of the pool: gas would have no price",
                       text);
    l->n.native = p->told.native;
    for (size_t i = 0; i < p->n; i++)
        p->pair[i].pair = l->cfg.pool[i].pair;
    if (exchange_read_pairs(l->link, block, &l->cfg.orders.router, p->pair, p->n, e) != 0)
        return -1;
    for (size_t i = 0; i < p->n; i++)
        if (take_pool(l, i, e) != 0)
            return -1;
    return 0;
}

// Without keys nothing is sent, and nobody is asked.
int chain_exits_contract(struct chain_line *l, const struct word *block, struct err *e)
{
    const struct gateway_evm_config *o = &l->cfg.orders;
    struct evm_address sender[LIQUIDATOR_SENDERS_MAX];
    const struct liquidator_wanted w = {.contract = o->contract,
                                        .pool = l->pool->pool,
                                        .native = l->cfg.native,
                                        .router = l->cfg.n_pools ? &o->router : NULL,
                                        .sender = sender,
                                        .n_senders = o->n_keys};
    for (size_t i = 0; i < o->n_keys && i < LIQUIDATOR_SENDERS_MAX; i++)
        sender[i] = *key_address(o->key[i]);
    return o->n_keys ? liquidator_check(l->link, block, &w, e) : 0;
}

// The pools that have something, with their reserves; whether that, or the price of gas, differs from what
// was told last.
static bool make(struct pools *p, const struct chain_block *at, uint64_t base_fee)
{
    struct exits_told *t = &p->told;
    bool differs = t->block == 0 || t->base_fee != base_fee;
    uint16_t n = 0;
    for (size_t i = 0; i < p->n; i++) {
        struct exits_pool now = p->all[i];
        now.in_a = p->reserves[i].r0;
        now.in_b = p->reserves[i].r1;
        if (now.in_a == 0 || now.in_b == 0)
            continue;
        const struct exits_pool *was = &t->pool[n];
        differs |=
            n >= t->n || was->a != now.a || was->b != now.b || was->in_a != now.in_a || was->in_b != now.in_b;
        t->pool[n++] = now;
    }
    differs |= n != t->n;
    t->n = n;
    t->block = at->number;
    t->base_fee = base_fee;
    return differs;
}

int chain_exits_tell(struct chain_line *l, const struct chain_block *at, struct err *e)
{
    struct pools *p = &l->pools;
    uint64_t base_fee;
    if (word_equal(&p->at, &at->hash))
        return 0;
    if (exchange_read_base_fee(l->link, &at->hash, &base_fee, e) != 0 ||
        exchange_read_reserves(l->link, &at->hash, p->pair, p->n, p->reserves, e) != 0)
        return -1;
    p->at = at->hash;
    if (!make(p, at, base_fee))
        return 0;
    struct state_entry *s = line_state(l, TELL_EXITS);
    if (!s)
        return 0;
    size_t n = exits_encode(&p->told, s->u.bytes, sizeof s->u.bytes);
    if (n == 0)
        return err_set(e, "the pools' reserves at block %llu do not fit a record",
                       (unsigned long long)at->number);
    s->n = (uint16_t)n;
    spsc_commit(&l->states);
    return 0;
}
