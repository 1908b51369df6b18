// SPDX-License-Identifier: Apache-2.0
// What is asked at a block's hash, what follows from it, and the comparison with the oracle's own answers.
// Reads come in rounds: the answers of one (a source's getters, another source) may ask for the next.
#include "chain/prices_inside.h"

#include "evm/abi.h"
#include "evm/address.h"

static const char *const CALL[N_READ_WHAT] = {
    [READ_PRICE] = "getAssetPrice(address)",
    [READ_AGAIN] = "getAssetPrice(address)",
    [READ_SOURCE_OF] = "getSourceOfAsset(address)",
    [READ_FALLBACK] = "getFallbackOracle()",
    [READ_ORACLE] = "getPriceOracle()",
    [READ_SENTINEL] = "getPriceOracleSentinel()",
    [READ_ALLOWED] = "isLiquidationAllowed()",
};
static const struct evm_address NOBODY;

static uint16_t prices_source(struct prices *p, const struct evm_address *at);

// ---- asking

static void ask(struct prices *p, struct read r)
{
    if (p->n_reads == READS_MAX)
        return; // a bound that these askers keep
    p->open[p->n_reads] = true;
    p->read[p->n_reads++] = r;
}

void prices_ask_market(struct prices *p, enum read_what what, uint16_t index)
{
    for (size_t i = p->next_read; i < p->n_reads; i++)
        if (p->read[i].what == what && p->read[i].index == index)
            return; // as many logs may ask for it as they like
    ask(p, (struct read){.what = (uint8_t)what, .index = index});
}

void prices_ask(struct prices *p, uint16_t source, uint32_t getters)
{
    struct node *n = &p->node[source];
    if (!n->asking)
        n->asked = 0;
    getters &= ~n->asked;
    if (getters == 0)
        return;
    n->asking = true;
    n->asked |= getters;
    for (unsigned g = 0; g < N_GETTER; g++)
        if (getters >> g & 1)
            ask(p, (struct read){.what = READ_GETTER, .getter = (uint8_t)g, .index = source});
}

// Sources that nobody uses any more give their places to others.
static void compact(struct prices *p)
{
    size_t used = 0;
    for (size_t i = 0; i < p->n_nodes; i++)
        used += p->node[i].used;
    if (!p->over || used == p->n_nodes)
        return;
    p->over = false;
    p->n_nodes = 0;
    prices_forget_pending(p);
    for (size_t i = 0; i < p->cfg.n_assets; i++) {
        struct asset *a = &p->asset[i];
        if (address_equal(&a->source_at, &NOBODY))
            continue;
        a->mode = a->source == SOURCE_NONE ? PRICE_VERIFYING : a->mode; // there was no place for it
        a->source = prices_source(p, &a->source_at);
    }
}

static void ask_refresh(struct prices *p)
{
    p->since_refresh = 0;
    p->n.refreshed++;
    prices_ask_market(p, READ_FALLBACK, 0);
    if (!address_equal(&p->cfg.provider, &NOBODY)) {
        prices_ask_market(p, READ_ORACLE, 0);
        prices_ask_market(p, READ_SENTINEL, 0);
    }
    for (uint16_t i = 0; i < p->cfg.n_assets; i++)
        prices_ask_market(p, READ_SOURCE_OF, i);
    for (uint16_t i = 0; i < p->n_nodes; i++)
        if (p->node[i].used)
            prices_ask(p, i, source_refresh(&p->node[i].s));
}

void prices_reads_begin(struct prices *p)
{
    compact(p);
    for (uint16_t i = 0; i < p->cfg.n_assets; i++) {
        prices_ask_market(p, READ_PRICE, i);
        p->asset[i].last.on = p->asset[i].last.on && !p->anew; // the block before is another one
        if (p->asset[i].last.on)
            prices_ask_market(p, READ_AGAIN, i);
    }
    if (p->anew || ++p->since_refresh >= p->cfg.refresh_blocks)
        ask_refresh(p);
    if (p->has_sentinel)
        prices_ask_market(p, READ_ALLOWED, 0);
    for (uint16_t i = 0; i < p->n_nodes; i++)
        if (p->node[i].used)
            prices_ask(p, i,
                       p->node[i].hidden ? source_refresh(&p->node[i].s) : source_each_block(&p->node[i].s));
}

bool prices_read(struct prices *p, struct price_read *out)
{
    if (p->phase != PHASE_READS || p->next_read == p->n_reads)
        return false;
    const struct read *r = &p->read[p->next_read];
    uint32_t selector = r->what == READ_GETTER ? getter_selector(r->getter) : abi_selector(CALL[r->what]);
    bool argument = r->what == READ_PRICE || r->what == READ_AGAIN || r->what == READ_SOURCE_OF;
    struct abi_out o = abi_out_of(out->data, sizeof out->data);
    struct abi_head h = abi_call(&o, selector, argument);
    if (argument)
        abi_put_address(&o, &h, &p->asset[r->index].at);
    out->n = (uint8_t)abi_done(&o);
    out->id = (uint32_t)p->next_read++;
    out->at = r->what == READ_AGAIN ? p->block.parent : p->block.hash;
    out->to = p->watch_oracle;
    if (r->what == READ_GETTER)
        out->to = p->node[r->index].s.at;
    else if (r->what == READ_ORACLE || r->what == READ_SENTINEL)
        out->to = p->cfg.provider;
    else if (r->what == READ_ALLOWED)
        out->to = p->sentinel;
    p->unanswered++;
    return true;
}

// ---- the graph of sources

static uint16_t prices_source(struct prices *p, const struct evm_address *at)
{
    for (size_t i = 0; i < p->n_nodes; i++)
        if (address_equal(&p->node[i].s.at, at))
            return (uint16_t)i;
    if (p->n_nodes == PRICES_SOURCES_MAX) {
        p->over = true;
        return SOURCE_NONE;
    }
    p->node[p->n_nodes] = (struct node){.s = {.at = *at, .child = {SOURCE_NONE, SOURCE_NONE}}};
    return (uint16_t)p->n_nodes++;
}

// Is this a ratio that a feed tells? Then its logs bring it, and nothing is polled.
static void decide_ratio(struct prices *p, struct source *s)
{
    const struct source *provider = s->child[1] == SOURCE_NONE ? NULL : &p->node[s->child[1]].s;
    s->ratio_is_feed = provider && provider->kind == SOURCE_FEED && !provider->reverts &&
                       i256_cmp(provider->answer, s->ratio) == 0;
}

static void use(struct prices *p, uint16_t i, unsigned depth)
{
    if (i == SOURCE_NONE || depth == DEPTH_MAX)
        return;
    struct node *n = &p->node[i];
    n->used = true;
    n->hidden = n->hidden || (depth > 0 && n->s.kind == SOURCE_FEED);
    if (n->s.kind == SOURCE_UNREAD)
        prices_ask(p, i, GET_ALL);
    for (unsigned k = 0; k < n->s.n_rests_on; k++) {
        uint16_t child = prices_source(p, &n->s.rests_on[k]);
        bool fresh =
            n->s.child[k] != child || (child != SOURCE_NONE && p->node[child].s.kind == SOURCE_UNREAD);
        n->s.child[k] = child;
        bool provider = k == 1 && n->s.kind == SOURCE_CAPPED_RATIO;
        if (provider && (fresh || n->undecided)) {
            n->undecided = child != SOURCE_NONE && p->node[child].s.kind == SOURCE_UNREAD;
            decide_ratio(p, &n->s);
        }
        if (!provider || n->undecided || n->s.ratio_is_feed)
            use(p, child, depth + 1);
    }
}

// The graph of sources anew from the assets' own: children linked, unused ones marked.
static void prices_link(struct prices *p)
{
    for (size_t i = 0; i < p->n_nodes; i++)
        p->node[i].used = p->node[i].hidden = false;
    for (size_t i = 0; i < p->cfg.n_assets; i++)
        use(p, p->asset[i].source, 0);
}

// ---- answers

static void take_source_of(struct prices *p, struct asset *a, const struct word *w)
{
    struct evm_address at = NOBODY;
    char text[ADDRESS_TEXT], of[ADDRESS_TEXT];
    (void)word_to_address(w, &at);
    if (address_equal(&at, &a->source_at))
        return;
    address_format(&a->at, of);
    address_format(&at, text);
    prices_notice(p, "asset %s: price source %s", of, text);
    a->source_at = at;
    a->source = address_equal(&at, &NOBODY) ? SOURCE_NONE : prices_source(p, &at);
    a->mode = a->source == SOURCE_NONE ? PRICE_POLLED : PRICE_VERIFYING;
    a->good = a->bad = a->faults = 0;
    a->differs = a->last.on = false;
}

static void take_oracle(struct prices *p, const struct word *w)
{
    struct evm_address at;
    char text[ADDRESS_TEXT];
    if (word_to_address(w, &at) || address_equal(&at, &NOBODY) || address_equal(&at, &p->watch_oracle))
        return;
    address_format(&at, text);
    prices_notice(p, "the market has another price oracle: %s", text);
    p->watch_oracle = at;
    p->changed_oracle = true;
}

static void take_sentinel(struct prices *p, bool none, const struct word *w)
{
    p->has_sentinel = !none && word_to_address(w, &p->sentinel) == 0 && !address_equal(&p->sentinel, &NOBODY);
    if (!p->has_sentinel)
        p->sentinel_is = SENTINEL_NONE;
    else if (p->sentinel_is != SENTINEL_REFUSES && p->sentinel_is != SENTINEL_ALLOWS)
        prices_ask_market(p, READ_ALLOWED, 0);
}

static struct answer answer_of_word(bool none, const struct word *w)
{
    struct answer a = {I256_ZERO, none};
    a.reverts = none || word_to_unsigned(w, &a.value);
    if (a.reverts)
        a.value = I256_ZERO;
    return a;
}

static void take(struct prices *p, const struct read *r, bool none, const struct word *w)
{
    struct node *n = &p->node[r->index];
    struct answer said = answer_of_word(none, w);
    switch (r->what) {
    case READ_PRICE:
        p->asset[r->index].oracle_price = said.value;
        p->asset[r->index].oracle_reverts = said.reverts;
        break;
    case READ_AGAIN:
        p->asset[r->index].last.oracle = said;
        break;
    case READ_SOURCE_OF:
        take_source_of(p, &p->asset[r->index], w);
        break;
    case READ_GETTER:
        n->s.got[r->getter] = *w;
        n->s.answered = (n->s.answered & ~(UINT32_C(1) << r->getter)) | (uint32_t)!none << r->getter;
        break;
    case READ_FALLBACK:
        if (none || word_to_address(w, &p->fallback))
            p->fallback = NOBODY;
        break;
    case READ_ORACLE:
        take_oracle(p, w);
        break;
    case READ_SENTINEL:
        take_sentinel(p, none, w);
        break;
    default:
        p->sentinel_is = !none && !word_is_zero(w) ? SENTINEL_ALLOWS : SENTINEL_REFUSES;
    }
}

// What a source is after its getters were read.
static void settle_source(struct prices *p, struct node *n)
{
    struct source before = n->s;
    char text[ADDRESS_TEXT];
    n->asking = false;
    source_classify(&n->s);
    address_format(&n->s.at, text);
    if (before.kind == SOURCE_UNREAD) {
        n->undecided = true;
        prices_notice(p, "price source %s: %s", text, source_kind_name(n->s.kind));
        return;
    }
    bool aggregator = !address_equal(&before.aggregator, &n->s.aggregator);
    bool fixed = n->s.kind == SOURCE_FIXED || n->s.kind == SOURCE_CAPPED_STABLE;
    bool answer = i256_cmp(before.answer, n->s.answer) != 0 || before.reverts != n->s.reverts;
    bool cap = i256_cmp(before.cap.snapshot, n->s.cap.snapshot) != 0 || before.cap.since != n->s.cap.since ||
               i256_cmp(before.cap.growth, n->s.cap.growth) != 0;
    if (before.kind != n->s.kind || aggregator || cap || (fixed && answer)) {
        prices_notice(p, "price source %s has changed: %s", text, source_kind_name(n->s.kind));
    } else if (n->s.kind == SOURCE_FEED && answer && !p->anew) { // anew: nobody heard the logs
        n->silent = n->doubted || p->audited;
        n->doubted = true;
        if (!n->silent)
            n->s = before; // to be asked a second time
    }
    n->unsteady = p->audited && i256_cmp(before.ratio, n->s.ratio) != 0;
}

// ---- the audit

struct tree {
    bool silent, doubted, unsteady, early; // as of its nodes
};

static void of_tree(const struct prices *p, uint16_t i, unsigned depth, struct tree *t)
{
    if (i == SOURCE_NONE || depth == DEPTH_MAX)
        return;
    const struct node *n = &p->node[i];
    t->silent = t->silent || n->silent;
    t->doubted = t->doubted || n->doubted;
    t->unsteady = t->unsteady || n->unsteady;
    t->early = t->early || n->early;
    for (unsigned k = 0; k < n->s.n_rests_on; k++)
        of_tree(p, n->s.child[k], depth + 1, t);
}

static void refresh_tree(struct prices *p, uint16_t i, unsigned depth)
{
    if (i == SOURCE_NONE || depth == DEPTH_MAX || !p->node[i].used)
        return;
    prices_ask(p, i, source_refresh(&p->node[i].s));
    for (unsigned k = 0; k < p->node[i].s.n_rests_on; k++)
        refresh_tree(p, p->node[i].s.child[k], depth + 1);
}

static bool modelled_kind(const struct prices *p, const struct asset *a)
{
    return a->source != SOURCE_NONE && p->node[a->source].s.kind != SOURCE_OTHER;
}

// AaveOracle asks its fallback where a source answers nothing positive; what that says is not modelled.
static bool asks_fallback(const struct prices *p, const struct answer *m)
{
    return !m->reverts && i256_sign(m->value) <= 0 && prices_has_fallback(p);
}

static bool equal(const struct prices *p, const struct asset *a)
{
    struct answer m = prices_model(p, a, SOURCE_NONE, I256_ZERO);
    if (asks_fallback(p, &m))
        return true;
    bool none = m.reverts || i256_sign(m.value) <= 0;
    return none == a->oracle_reverts && (none || i256_cmp(m.value, a->oracle_price) == 0);
}

// For take_back(). What a silent feed made of the price is not what it should have been: that was told
// already.
static void remember(const struct prices *p, struct asset *a, bool silent)
{
    a->last = (struct difference){.on = !silent || a->mode == PRICE_MODELLED,
                                  .silent = silent,
                                  .model = prices_model(p, a, SOURCE_NONE, I256_ZERO),
                                  .mode = a->mode,
                                  .differs = a->differs,
                                  .good = a->good,
                                  .faults = a->faults};
    if (silent)
        a->last.model = (struct answer){a->told, a->told_hold == PRICE_HELD_ABSENT};
}

// A difference of the block before that was none.
static void take_back(struct prices *p, struct asset *a)
{
    const struct difference *d = &a->last;
    struct tree t = {0};
    char text[ADDRESS_TEXT];
    if (!d->on)
        return;
    a->last.on = false;
    of_tree(p, a->source, 0, &t);
    bool none = d->model.reverts || i256_sign(d->model.value) <= 0;
    if (none != d->oracle.reverts || (!none && i256_cmp(d->model.value, d->oracle.value) != 0) ||
        (d->silent && t.early))
        return;
    a->mode = d->mode;
    a->differs = d->differs;
    a->good = d->good;
    a->bad = 0;
    a->faults = d->faults;
    a->n.differences--;
    p->n.differences--;
    p->n.unsteady++;
    address_format(&a->at, text);
    prices_notice(p, "asset %s: the node had answered from the block that it was making; no difference",
                  text);
}

static void tell_fault(struct prices *p, const struct asset *a, bool silent)
{
    char text[ADDRESS_TEXT], ours[I256_DIGITS_MAX], theirs[I256_DIGITS_MAX];
    struct answer m = prices_model(p, a, SOURCE_NONE, I256_ZERO);
    unsigned long long number = p->block.number;
    address_format(&a->at, text);
    (void)i256_format(m.value, ours, sizeof ours);
    (void)i256_format(a->oracle_price, theirs, sizeof theirs);
    if (silent)
        prices_notice(p, "asset %s, block %llu: a feed changed without a log, to %s", text, number, theirs);
    else
        prices_notice(p, "asset %s, block %llu: modelled price %s%s, the oracle's %s%s", text, number, ours,
                      m.reverts ? " (none)" : "", theirs, a->oracle_reverts ? " (none)" : "");
}

static void fault(struct prices *p, struct asset *a, bool silent)
{
    tell_fault(p, a, silent);
    remember(p, a, silent);
    a->n.differences++;
    p->n.differences++;
    a->good = 0;
    a->bad++;
    if (a->mode == PRICE_MODELLED) {
        a->differs = true;
        a->mode = PRICE_VERIFYING;
        a->faults++;
        a->bad = 1;
    } else if (!a->differs || a->bad > p->cfg.verify_blocks) {
        char text[ADDRESS_TEXT];
        address_format(&a->at, text);
        prices_notice(p, "asset %s: no model of its price source; the oracle is asked at each block", text);
        a->mode = PRICE_POLLED;
        a->differs = false;
    }
}

static void believe(struct prices *p, struct asset *a)
{
    char text[ADDRESS_TEXT];
    a->bad = 0;
    if (a->mode != PRICE_VERIFYING || ++a->good < p->cfg.verify_blocks)
        return;
    a->differs = false;
    a->mode = a->faults < p->cfg.faults_max ? PRICE_MODELLED : PRICE_POLLED;
    address_format(&a->at, text);
    prices_notice(p, "asset %s: %s", text,
                  a->mode == PRICE_MODELLED
                      ? "its price is modelled from its sources"
                      : "its model was wrong too often; the oracle is asked at each block");
}

// The oracle answered in two ways, and one of them is the model's.
static bool equal_once(const struct prices *p, struct asset *a)
{
    if (equal(p, a))
        return true;
    struct answer second = {a->oracle_price, a->oracle_reverts};
    a->oracle_price = a->first_price;
    a->oracle_reverts = a->first_reverts;
    if (a->twice && equal(p, a))
        return true;
    a->oracle_price = second.value;
    a->oracle_reverts = second.reverts;
    return false;
}

static void judge(struct prices *p, struct asset *a)
{
    struct tree t = {0};
    a->n.audits++;
    p->n.audits++;
    if (!modelled_kind(p, a)) {
        a->mode = PRICE_POLLED;
        a->differs = false;
    }
    if (a->mode == PRICE_POLLED)
        return;
    of_tree(p, a->source, 0, &t);
    struct answer m = prices_model(p, a, SOURCE_NONE, I256_ZERO);
    a->from_fallback = asks_fallback(p, &m);
    bool unsteady = a->twice && (t.unsteady || i256_cmp(a->first_price, a->oracle_price) != 0);
    if (t.silent || !equal_once(p, a)) {
        fault(p, a, t.silent);
        return;
    }
    p->n.unsteady += unsteady;
    a->n.explained += a->suspect && !unsteady;
    p->n.explained += a->suspect && !unsteady;
    believe(p, a);
}

// Before a difference counts, everything in question is asked a second time: the source may be another one
// since this block, and some nodes calculate with the state or time of the block that they are just making.
static bool second_look(struct prices *p)
{
    bool any = false;
    for (uint16_t i = 0; i < p->cfg.n_assets; i++) {
        struct asset *a = &p->asset[i];
        struct tree t = {0};
        a->suspect = a->twice = false;
        if (a->mode == PRICE_POLLED || !modelled_kind(p, a))
            continue;
        of_tree(p, a->source, 0, &t);
        a->suspect = !equal(p, a);
        if (!a->suspect && !t.doubted)
            continue;
        any = a->twice = true;
        a->first_price = a->oracle_price;
        a->first_reverts = a->oracle_reverts;
        prices_ask_market(p, READ_PRICE, i);
        prices_ask_market(p, READ_SOURCE_OF, i);
        refresh_tree(p, a->source, 0);
    }
    return any;
}

static void end_block(struct prices *p)
{
    for (size_t i = 0; i < p->cfg.n_assets; i++)
        judge(p, &p->asset[i]);
    p->anew = false;
    p->has_block = true;
    p->phase = PHASE_IDLE;
    prices_publish(p, PRICE_READ);
    if (p->cfg.hooks.block_end)
        p->cfg.hooks.block_end(p->cfg.ctx, &p->block);
}

static void end_round(struct prices *p)
{
    p->n_reads = p->next_read = 0;
    for (size_t i = 0; i < p->n_nodes; i++)
        if (p->node[i].asking)
            settle_source(p, &p->node[i]);
    if (p->changed_oracle) { // everything of it anew, at this same block
        p->changed_oracle = false;
        p->anew = true;
        prices_publish(p, PRICE_UNSURE);
        prices_reads_begin(p);
        return;
    }
    prices_link(p);
    prices_recheck_pending(p);
    if (p->n_reads > 0)
        return;
    if (!p->audited) {
        p->audited = true;
        for (size_t i = 0; i < p->cfg.n_assets; i++)
            take_back(p, &p->asset[i]);
        if (second_look(p))
            return;
    }
    end_block(p);
}

void prices_answer(struct prices *p, uint32_t id, const uint8_t *data, size_t n)
{
    struct word w = {{0}};
    if (p->phase != PHASE_READS || id >= p->next_read || !p->open[id])
        return;
    bool none = n < WORD_BYTES;
    if (!none)
        memcpy(w.b, data, WORD_BYTES);
    p->open[id] = false;
    take(p, &p->read[id], none, &w);
    if (--p->unanswered == 0 && p->next_read == p->n_reads)
        end_round(p);
}
