// SPDX-License-Identifier: Apache-2.0
// Prices that are told (ASSET_TOLD), and those of the assets that predict them.
#include "oracle/inside.h"
#include "oracle/told.h"

static const uint64_t NS_PER_MS = 1000000;

bool oracle_knows(const struct oracle *o, const struct told_group *g)
{
    for (unsigned i = 0; i < g->n; i++)
        if (g->change[i].asset >= o->m->n_assets || o->m->asset[g->change[i].asset].kind != ASSET_TOLD)
            return false;
    return true;
}

static void set_price(struct oracle *o, uint16_t asset, int64_t price)
{
    if (price <= 0 || price == o->price[asset])
        return;
    o->price[asset] = price;
    set_add(&o->changed, asset);
}

// Its predicting asset may have to follow.
static void follow(struct oracle *o, uint16_t asset)
{
    if (o->half && asset < o->half)
        set_add(&o->predict, (uint16_t)(asset + o->half));
}

static void take_price(struct oracle *o, const struct told_price *t)
{
    struct decided *d = &o->decided[t->asset];
    struct policy_result *r = &o->asset[t->asset].result;
    if (d->hold != t->hold) {
        o->count.holds[t->hold] += t->hold != HOLD_NONE;
        o->touched = true;
    }
    d->hold = (enum hold)t->hold;
    set_price(o, t->asset, t->price);
    r->reason = t->hold;
    r->price = o->price[t->asset];
    r->by = t->hold == HOLD_NONE ? BY_SOURCES : BY_NOBODY;
    o->count.updates++;
    follow(o, t->asset);
}

static void take_candidate(struct oracle *o, const struct told_price *t, uint64_t at_ns)
{
    o->decided[t->asset].candidate = t->price;
    o->decided[t->asset].candidate_ns = at_ns;
    o->touched = true;
    follow(o, t->asset);
}

size_t oracle_tell(struct oracle *o, const struct told_group *g, uint64_t now_ns,
                   struct price_change *changed, bool *touched)
{
    if (g->kind == TOLD_BLOCK) {
        o->block_ns = g->at_ns > o->block_ns ? g->at_ns : o->block_ns;
        o->touched = true; // what was stale may not be any more
    }
    for (unsigned i = 0; i < g->n; i++)
        if (g->kind == TOLD_CANDIDATE)
            take_candidate(o, &g->change[i], g->at_ns);
        else
            take_price(o, &g->change[i]);
    return oracle_end_group(o, now_ns, changed, touched);
}

static enum policy_reason still(const struct oracle *o, uint16_t asset, uint64_t now_ns)
{
    const struct priced *a = &o->asset[asset];
    return policy_still(&a->policy, &a->state, a->obs, &a->result, now_ns);
}

void oracle_choose(struct oracle *o, uint16_t asset)
{
    const uint16_t told = (uint16_t)(asset - o->half);
    const struct policy_result *own = &o->asset[asset].result;
    enum oracle_basis b = BASIS_TOLD;
    int64_t price = o->price[told];
    if (own->price > 0 && still(o, asset, o->now_ns) == REASON_NONE) {
        b = BASIS_FEED;
        price = own->price;
    }
    if (o->decided[told].candidate) {
        b = BASIS_CANDIDATE;
        price = o->decided[told].candidate;
    }
    o->basis[asset] = price > 0 ? (uint8_t)b : BASIS_NONE;
    if (b == BASIS_FEED)
        set_add(&o->fed, asset);
    else
        set_remove(&o->fed, asset);
    set_price(o, asset, price);
}

void oracle_look_at_fed(struct oracle *o)
{
    for (uint16_t i = o->half; i < o->m->n_assets && o->half; i++)
        if (set_has(&o->fed, i) && still(o, i, o->now_ns) != REASON_NONE)
            set_add(&o->predict, i);
}

enum hold oracle_told_hold(const struct oracle *o, uint16_t asset, uint64_t now_ns)
{
    const uint64_t stale = o->m->asset[asset].stale_ms * NS_PER_MS;
    if (o->decided[asset].hold != HOLD_NONE)
        return o->decided[asset].hold;
    return stale && now_ns > o->block_ns && now_ns - o->block_ns > stale ? HOLD_STALE : HOLD_NONE;
}

enum hold oracle_predicting_hold(const struct oracle *o, uint16_t asset, uint64_t now_ns)
{
    switch (oracle_basis(o, asset)) {
    case BASIS_NONE:
        return HOLD_ABSENT;
    case BASIS_FEED:
        return (enum hold)still(o, asset, now_ns);
    default:
        return HOLD_NONE;
    }
}

uint64_t oracle_predicting_time(const struct oracle *o, uint16_t asset)
{
    uint64_t told = o->decided[asset - o->half].candidate_ns;
    switch (oracle_basis(o, asset)) {
    case BASIS_FEED:
        return o->asset[asset].result.time_ns;
    case BASIS_CANDIDATE:
        return told > o->block_ns ? told : o->block_ns;
    default:
        return o->block_ns;
    }
}

enum oracle_basis oracle_basis(const struct oracle *o, uint16_t asset)
{
    return (enum oracle_basis)o->basis[asset];
}
