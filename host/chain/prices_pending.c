// SPDX-License-Identifier: Apache-2.0
// Transactions that wait in the pool with a new answer for a feed.
#include "chain/prices_inside.h"

static void withdraw(struct prices *p, struct candidate *c, enum price_withdrawn why)
{
    c->on = false;
    p->n.withdrawn++;
    if (p->cfg.hooks.withdrawn)
        p->cfg.hooks.withdrawn(p->cfg.ctx, &c->hash, why);
}

void prices_settle(struct prices *p, uint16_t source, const struct word *tx_hash)
{
    const struct candidate *mined = NULL;
    for (size_t i = 0; i < PRICES_PENDING_MAX; i++) {
        struct candidate *c = &p->pending[i];
        if (c->on && c->source == source && word_equal(&c->hash, tx_hash)) {
            mined = c;
            withdraw(p, c, PENDING_MINED);
        }
    }
    if (!mined)
        return;
    for (size_t i = 0; i < PRICES_PENDING_MAX; i++) {
        struct candidate *c = &p->pending[i];
        if (c->on && c->source == source && c->report.epoch_round <= mined->report.epoch_round)
            withdraw(p, c, PENDING_OVERTAKEN);
    }
}

void prices_forget_pending(struct prices *p)
{
    for (size_t i = 0; i < PRICES_PENDING_MAX; i++)
        if (p->pending[i].on)
            withdraw(p, &p->pending[i], PENDING_PUSHED);
}

void prices_recheck_pending(struct prices *p)
{
    for (size_t i = 0; i < PRICES_PENDING_MAX; i++) {
        struct candidate *c = &p->pending[i];
        const struct node *n = &p->node[c->source];
        if (c->on &&
            !(n->used && n->s.kind == SOURCE_FEED && address_equal(&n->s.aggregator, &c->report.aggregator)))
            withdraw(p, c, PENDING_OVERTAKEN);
    }
}

// A place: a free one, or the oldest's.
static struct candidate *place(struct prices *p)
{
    struct candidate *oldest = &p->pending[0];
    for (size_t i = 0; i < PRICES_PENDING_MAX; i++) {
        if (!p->pending[i].on)
            return &p->pending[i];
        if (p->pending[i].order < oldest->order)
            oldest = &p->pending[i];
    }
    withdraw(p, oldest, PENDING_PUSHED);
    return oldest;
}

static void tell(struct prices *p, const struct candidate *c)
{
    struct price_candidate out = {
        .tx_hash = c->hash, .from = c->from, .report = c->report, .time = p->block.time};
    for (size_t i = 0; i < p->cfg.n_assets; i++) {
        const struct asset *a = &p->asset[i];
        if (a->mode != PRICE_MODELLED || a->told_hold != PRICE_FREE)
            continue;
        struct answer m = prices_model(p, a, c->source, c->report.answer);
        if (!m.reverts && i256_sign(m.value) > 0 && i256_cmp(m.value, a->told) != 0)
            p->change[out.n++] = (struct price_told){(uint16_t)i, PRICE_FREE, m.value};
    }
    out.change = p->change;
    p->n.candidates++;
    if (p->cfg.hooks.candidate)
        p->cfg.hooks.candidate(p->cfg.ctx, &out);
}

static uint16_t feed_of(const struct prices *p, const struct evm_address *aggregator)
{
    for (uint16_t i = 0; i < p->n_nodes; i++)
        if (p->node[i].used && p->node[i].s.kind == SOURCE_FEED &&
            address_equal(&p->node[i].s.aggregator, aggregator))
            return i;
    return SOURCE_NONE;
}

void prices_pending(struct prices *p, const struct pending_tx *t)
{
    struct report r;
    for (size_t i = 0; i < PRICES_PENDING_MAX; i++) {
        struct candidate *c = &p->pending[i];
        if (!c->on || !address_equal(&c->from, &t->from) || c->nonce != t->nonce)
            continue;
        if (word_equal(&c->hash, &t->hash))
            return;
        withdraw(p, c, PENDING_REPLACED);
    }
    enum report_result read = report_read(&t->to, t->data, t->n_data, &r);
    uint16_t source = read == REPORT_OTHER ? SOURCE_NONE : feed_of(p, &r.aggregator);
    if (source == SOURCE_NONE)
        return;
    if (read == REPORT_BAD) {
        p->n.bad_reports++;
        return;
    }
    struct candidate *c = place(p);
    *c = (struct candidate){.on = true,
                            .hash = t->hash,
                            .from = t->from,
                            .nonce = t->nonce,
                            .order = p->order++,
                            .source = source,
                            .report = r};
    tell(p, c);
}

bool prices_candidate(const struct prices *p, size_t i, struct word *tx_hash)
{
    for (size_t k = 0; k < PRICES_PENDING_MAX; k++) {
        if (p->pending[k].on && i-- == 0) {
            *tx_hash = p->pending[k].hash;
            return true;
        }
    }
    return false;
}

void prices_withdraw(struct prices *p, const struct word *tx_hash, enum price_withdrawn why)
{
    for (size_t i = 0; i < PRICES_PENDING_MAX; i++)
        if (p->pending[i].on && word_equal(&p->pending[i].hash, tx_hash))
            withdraw(p, &p->pending[i], why);
}
