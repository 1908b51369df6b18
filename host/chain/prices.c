// SPDX-License-Identifier: Apache-2.0
// Blocks, logs, what consumers are told. Reads and the audit: prices_read.c; the pool: prices_pending.c.
#include <stdlib.h>

#include "chain/prices_inside.h"

#include "evm/abi.h"

enum { VERIFY_BLOCKS = 3, REFRESH_BLOCKS = 16, FAULTS_MAX = 3, NOTICE_MAX = 256 };

struct prices *prices_new(const struct prices_config *cfg, struct err *e)
{
    if (cfg->n_assets == 0 || cfg->n_assets > PRICES_ASSETS_MAX) {
        (void)err_set(e, "prices of %zu assets: 1 to %d can be followed", cfg->n_assets, PRICES_ASSETS_MAX);
        return NULL;
    }
    struct prices *p = calloc(1, sizeof *p);
    if (!p) {
        (void)err_set(e, "no memory for %zu bytes of price sources", sizeof *p);
        return NULL;
    }
    p->cfg = *cfg;
    p->cfg.verify_blocks = cfg->verify_blocks ? cfg->verify_blocks : VERIFY_BLOCKS;
    p->cfg.refresh_blocks = cfg->refresh_blocks ? cfg->refresh_blocks : REFRESH_BLOCKS;
    p->cfg.faults_max = cfg->faults_max ? cfg->faults_max : FAULTS_MAX;
    p->cfg.asset = NULL;
    p->answer_updated = abi_topic("AnswerUpdated(int256,uint256,uint256)");
    p->source_updated = abi_topic("AssetSourceUpdated(address,address)");
    p->fallback_updated = abi_topic("FallbackOracleUpdated(address)");
    p->watch_oracle = cfg->oracle;
    for (size_t i = 0; i < cfg->n_assets; i++) {
        struct asset *a = &p->asset[i];
        *a = (struct asset){.at = cfg->asset[i], .source = SOURCE_NONE, .mode = PRICE_VERIFYING};
        a->hold = a->told_hold = PRICE_HELD_UNREAD;
    }
    p->anew = true;
    return p;
}

void prices_free(struct prices *p)
{
    free(p);
}

void prices_notice(struct prices *p, const char *fmt, ...)
{
    char text[NOTICE_MAX];
    va_list ap;
    if (!p->cfg.hooks.notice)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    p->cfg.hooks.notice(p->cfg.ctx, text);
}

// ---- the model

struct eval {
    const struct prices *p;
    uint16_t replaced;
    i256 with;
};

static struct answer answer_of(const struct eval *v, uint16_t source, unsigned depth)
{
    if (source == SOURCE_NONE || depth == DEPTH_MAX)
        return (struct answer){I256_ZERO, true};
    if (source == v->replaced)
        return (struct answer){v->with, false};
    const struct source *s = &v->p->node[source].s;
    struct answer child[SOURCE_CHILDREN] = {{I256_ZERO, true}, {I256_ZERO, true}};
    uint32_t decimals = 0;
    for (unsigned i = 0; i < s->n_rests_on; i++) {
        child[i] = answer_of(v, s->child[i], depth + 1);
        uint64_t d = 0;
        if (s->child[i] != SOURCE_NONE)
            (void)word_to_u64(&v->p->node[s->child[i]].s.got[GET_FEED_DECIMALS], &d);
        decimals += d > ADAPTER_DECIMALS_MAX ? ADAPTER_DECIMALS_MAX : (uint32_t)d;
    }
    return source_answer(s, child, decimals, v->p->block.time);
}

struct answer prices_model(const struct prices *p, const struct asset *a, uint16_t replaced, i256 with)
{
    struct eval v = {p, replaced, with};
    return answer_of(&v, a->source, 0);
}

bool prices_has_fallback(const struct prices *p)
{
    return !address_equal(&p->fallback, &(struct evm_address){{0}});
}

// ---- what consumers are told

static void now_of(const struct prices *p, const struct asset *a, i256 *price, enum price_hold *hold)
{
    struct answer m = {a->oracle_price, a->oracle_reverts};
    if (p->anew) {
        *price = a->told;
        *hold = PRICE_HELD_UNREAD;
        return;
    }
    if (a->mode == PRICE_MODELLED) {
        m = prices_model(p, a, SOURCE_NONE, I256_ZERO);
        // AaveOracle asks its fallback then, whose answer only an audit brings.
        if (!m.reverts && i256_sign(m.value) <= 0)
            m = (struct answer){a->oracle_price, !a->from_fallback || a->oracle_reverts};
    }
    *price = m.reverts ? I256_ZERO : m.value;
    *hold = a->differs ? PRICE_HELD_DIFFERS : i256_sign(*price) > 0 ? PRICE_FREE : PRICE_HELD_ABSENT;
}

void prices_publish(struct prices *p, enum price_cause cause)
{
    uint16_t n = 0;
    for (size_t i = 0; i < p->cfg.n_assets; i++) {
        struct asset *a = &p->asset[i];
        i256 price;
        now_of(p, a, &price, &a->hold);
        if (i256_cmp(price, a->told) == 0 && a->hold == a->told_hold)
            continue;
        a->told = price;
        a->told_hold = a->hold;
        p->change[n++] = (struct price_told){(uint16_t)i, a->hold, price};
    }
    if (n == 0)
        return;
    struct price_group g = {.seq = ++p->seq, .cause = cause, .block = p->block, .tx_index = PRICES_NO_TX};
    g.n = n;
    g.change = p->change;
    if (cause == PRICE_TX) {
        g.tx_index = p->tx_index;
        g.tx_hash = p->tx_hash;
    }
    p->n.groups++;
    if (p->cfg.hooks.group)
        p->cfg.hooks.group(p->cfg.ctx, &g);
}

// ---- blocks and logs

static void begin_anew(struct prices *p, uint64_t last)
{
    p->anew = true;
    if (p->cfg.hooks.undone)
        p->cfg.hooks.undone(p->cfg.ctx, last);
}

static void forget(struct node *n)
{
    n->early = n->silent;
    n->asking = n->doubted = n->silent = n->unsteady = false;
}

void prices_block(struct prices *p, const struct price_block *b)
{
    if (p->phase != PHASE_IDLE)
        prices_lost(p);
    bool follows = p->has_block && word_equal(&b->parent, &p->block.hash);
    if (p->has_block && !follows) {
        bool gap = b->number > p->block.number + 1;
        p->n.gaps += gap;
        p->n.undone += !gap;
        begin_anew(p, gap ? p->block.number : b->number ? b->number - 1 : 0);
    }
    p->n.blocks++;
    p->block = *b;
    p->has_block = p->audited = p->in_tx = false;
    p->n_reads = p->next_read = p->unanswered = 0;
    for (size_t i = 0; i < p->n_nodes; i++)
        forget(&p->node[i]);
    p->phase = PHASE_LOGS;
    prices_publish(p, p->anew ? PRICE_UNSURE : PRICE_TIME);
}

void prices_lost(struct prices *p)
{
    if (p->phase != PHASE_IDLE) {
        p->n.lost++;
        p->phase = PHASE_IDLE;
        p->in_tx = false;
        if (!p->anew)
            begin_anew(p, p->block.number - 1);
    } else if (p->has_block && !p->anew) {
        begin_anew(p, p->block.number);
    }
    prices_publish(p, PRICE_UNSURE);
}

static void end_tx(struct prices *p)
{
    if (p->in_tx)
        prices_publish(p, PRICE_TX);
    p->in_tx = false;
}

static bool is_event(const struct price_log *l, const struct word *topic, unsigned indexed)
{
    return l->n_topics == indexed + 1 && word_equal(&l->topic[0], topic);
}

static void oracle_log(struct prices *p, const struct price_log *l)
{
    struct evm_address at;
    if (is_event(l, &p->fallback_updated, 1))
        prices_ask_market(p, READ_FALLBACK, 0);
    if (!is_event(l, &p->source_updated, 2) || word_to_address(&l->topic[1], &at))
        return;
    for (size_t i = 0; i < p->cfg.n_assets; i++)
        if (address_equal(&p->asset[i].at, &at))
            prices_ask_market(p, READ_SOURCE_OF, (uint16_t)i);
}

static void source_log(struct prices *p, uint16_t i, const struct price_log *l)
{
    struct source *s = &p->node[i].s;
    bool feed = s->kind == SOURCE_FEED;
    if (feed && address_equal(&s->aggregator, &l->address) && is_event(l, &p->answer_updated, 2)) {
        struct answer said = {word_to_signed(&l->topic[1]), false};
        p->node[i].early = p->node[i].early && i256_cmp(said.value, s->answer) != 0;
        s->answer = said.value;
        s->reverts = false;
        prices_settle(p, i, &l->tx_hash);
    } else if (address_equal(&s->at, &l->address) && !(feed && address_equal(&s->aggregator, &s->at))) {
        prices_ask(p, i, source_refresh(s)); // another aggregator, other parameters
    }
}

void prices_log(struct prices *p, const struct price_log *l)
{
    if (p->phase != PHASE_LOGS)
        return;
    if (p->in_tx && !word_equal(&p->tx_hash, &l->tx_hash))
        end_tx(p);
    p->in_tx = true;
    p->tx_hash = l->tx_hash;
    p->tx_index = l->tx_index;
    if (address_equal(&l->address, &p->watch_oracle))
        oracle_log(p, l);
    for (size_t i = 0; i < p->n_nodes; i++)
        if (p->node[i].used)
            source_log(p, (uint16_t)i, l);
}

void prices_logs_end(struct prices *p)
{
    if (p->phase != PHASE_LOGS)
        return;
    end_tx(p);
    p->phase = PHASE_READS;
    prices_reads_begin(p);
}

// ---- looking

bool prices_busy(const struct prices *p)
{
    return p->phase != PHASE_IDLE;
}

size_t prices_watch(const struct prices *p, struct evm_address *out, size_t max)
{
    size_t n = 0;
    if (n < max)
        out[n++] = p->watch_oracle;
    for (size_t i = 0; i < p->n_nodes; i++) {
        const struct source *s = &p->node[i].s;
        if (!p->node[i].used)
            continue;
        if (n < max)
            out[n++] = s->at;
        if (s->kind == SOURCE_FEED && !address_equal(&s->aggregator, &s->at) && n < max)
            out[n++] = s->aggregator;
    }
    return n;
}

void prices_state(const struct prices *p, size_t asset, struct price_state *out)
{
    const struct asset *a = &p->asset[asset];
    *out = a->n;
    out->mode = a->mode;
    out->hold = a->told_hold;
    out->price = a->told;
    out->source = a->source_at;
    if (a->source != SOURCE_NONE) {
        out->kind = p->node[a->source].s.kind;
        out->aggregator = p->node[a->source].s.aggregator;
    }
}

const struct prices_counters *prices_counters(const struct prices *p)
{
    return &p->n;
}

enum price_sentinel prices_sentinel(const struct prices *p)
{
    return p->sentinel_is;
}
