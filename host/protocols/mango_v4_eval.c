// SPDX-License-Identifier: Apache-2.0
// Mango v4 as a protocol: reads a state, asks mango_v4.h, tells what it says (docs/protocols/mango-v4.md).
#include "accounts/rules/mango/mango_v4.h"
#include "protocols/protocol.h"

#include <stdlib.h>

extern const struct protocol protocol_mango_v4;

#define F32_NO_LIMIT 0xbf800000u // -1.0

static const char *const ACTIONS[] = {"token_liq_with_token", "perp_liq_base_or_positive_pnl",
                                      "perp_liq_negative_pnl_or_bankruptcy", "token_liq_bankruptcy"};
enum action { TOKEN_LIQ, PERP_LIQ, PERP_LOSS, TOKEN_BANKRUPTCY, N_ACTIONS };
static const char *const STATUS[] = {"not liquidatable", "became not liquidatable", "liquidatable"};

struct order {
    bool there;
    enum action action;
    unsigned asset, liab, perp;
    fx max_liab;
    int64_t max_base;
    uint64_t most; // max_pnl or max_liab of a perp
};

// ---- reading

static fx need(struct state *s, const char *name)
{
    return i256_to_i128(state_i256(s, name, 128));
}

static fx opt(struct state *s, const char *name, fx absent)
{
    return i256_to_i128(state_i256_or(s, name, 128, fx_wide(absent)));
}

static int64_t whole(struct state *s, const char *name)
{
    return i256_to_i64(state_i256_or(s, name, 64, I256_ZERO));
}

// IEEE 754 bits; not negative.
static struct soft bits(struct state *s, const char *name, uint64_t absent)
{
    struct soft v = {0};
    uint64_t b = state_u64_or(s, name, UINT64_MAX, absent);
    if (!soft_of_bits(b, &v) || v.neg)
        state_fail(s, s->at->line, "%s: bits of a finite f64 that is not negative are expected", name);
    return v;
}

static void read_bank(struct state *s, struct mango_bank *b)
{
    b->oracle = need(s, "oracle_price");
    b->stable = opt(s, "stable_price", b->oracle);
    b->deposit_index = opt(s, "deposit_index", FX_ONE);
    b->borrow_index = opt(s, "borrow_index", FX_ONE);
    b->indexed_deposits = opt(s, "indexed_deposits", 0);
    b->indexed_borrows = opt(s, "indexed_borrows", 0);
    b->maint_asset = need(s, "maint_asset_weight");
    b->maint_liab = need(s, "maint_liab_weight");
    b->init_asset = need(s, "init_asset_weight");
    b->init_liab = need(s, "init_liab_weight");
    b->shift_start = state_u64_or(s, "shift_start", UINT64_MAX, 0);
    b->shift_end = state_u64_or(s, "shift_end", UINT64_MAX, 0);
    b->shift_duration_inv = opt(s, "shift_duration_inv", 0);
    b->shift_asset = opt(s, "shift_asset_target", 0);
    b->shift_liab = opt(s, "shift_liab_target", 0);
    uint64_t d = state_u64_or(s, "deposit_scale_start_f64", UINT64_MAX, F64_MAX_BITS);
    uint64_t w = state_u64_or(s, "borrow_scale_start_f64", UINT64_MAX, F64_MAX_BITS);
    b->deposit_unscaled = d == F64_MAX_BITS;
    b->borrow_unscaled = w == F64_MAX_BITS;
    b->deposit_scale_start = bits(s, "deposit_scale_start_f64", F64_MAX_BITS);
    b->borrow_scale_start = bits(s, "borrow_scale_start_f64", F64_MAX_BITS);
    b->potential_serum_tokens = state_u64_or(s, "potential_serum_tokens", UINT64_MAX, 0);
    b->liquidation_fee = opt(s, "liquidation_fee", 0);
    b->platform_liquidation_fee = opt(s, "platform_liquidation_fee", 0);
    b->loan_origination_fee_rate = opt(s, "loan_origination_fee_rate", 0);
    b->no_asset_liquidation = state_bool_or(s, "disable_asset_liquidation", false);
    b->insured = state_bool_or(s, "group_insurance_fund", false);
}

// Its place among the tokens; n_tokens: it is not among them.
static unsigned token_at(const struct mango_account *a, unsigned index)
{
    unsigned i = 0;
    while (i < a->n_tokens && a->token[i].index != index)
        i++;
    return i;
}

static unsigned perp_at(const struct mango_account *a, unsigned market) // n_perps: none
{
    unsigned i = 0;
    while (i < a->n_perps && a->perp[i].market != market)
        i++;
    return i;
}

static void read_token(struct state *s, struct mango_account *a)
{
    struct mango_token *t = &a->token[a->n_tokens];
    t->index = (uint16_t)state_u64(s, "index", UINT16_MAX);
    if (token_at(a, t->index) < a->n_tokens)
        state_fail(s, s->at->line, "token %u is there twice", t->index);
    t->active = state_bool_or(s, "active", true);
    read_bank(s, &t->bank);
    t->liqee.indexed = opt(s, "position", 0);
    t->liqee.in_use = state_bool_or(s, "in_use", false);
    t->liqor.indexed = opt(s, "liqor_position", 0);
    t->liqor.in_use = state_bool_or(s, "liqor_in_use", false);
    if (!t->active && t->liqee.indexed != 0)
        state_fail(s, s->at->line, "token %u: an account without the token has no position in it", t->index);
    a->n_tokens++;
    state_done(s);
}

// The place of a token that the account must have, by its index.
static unsigned place(struct state *s, const char *name, const struct mango_account *a)
{
    uint64_t index = state_u64(s, name, UINT16_MAX);
    unsigned i = token_at(a, (unsigned)index);
    if (i < a->n_tokens && a->token[i].active)
        return i;
    state_fail(s, s->at->line, "%s: the account has no token %u", name, (unsigned)index);
    return 0;
}

static void read_spot(struct state *s, struct mango_account *a)
{
    struct mango_spot *p = &a->spot[a->n_spots++];
    struct checked c = {0};
    p->base = place(s, "base", a);
    p->quote = place(s, "quote", a);
    a->token[p->base].liqee.in_use = a->token[p->quote].liqee.in_use = true;
    p->base_total = state_u64_or(s, "base_total", UINT64_MAX, 0);
    p->base_free = state_u64_or(s, "base_free", UINT64_MAX, 0);
    p->quote_total = state_u64_or(s, "quote_total", UINT64_MAX, 0);
    p->quote_free = state_u64_or(s, "quote_free", UINT64_MAX, 0);
    p->rebates = state_u64_or(s, "referrer_rebates", UINT64_MAX, 0);
    p->lowest_ask = fx_of_soft(&c, bits(s, "lowest_placed_ask_f64", 0));
    p->highest_bid_inv = fx_of_soft(&c, bits(s, "highest_placed_bid_inv_f64", 0));
    if (!ck_ok(&c))
        state_fail(s, s->at->line, "the price of an order does not fit I80F48");
    state_done(s);
}

static void read_position(struct state *s, struct mango_perp *p)
{
    p->base_lots = whole(s, "base_lots");
    p->bids = whole(s, "bids_base_lots");
    p->asks = whole(s, "asks_base_lots");
    p->taker_base_lots = whole(s, "taker_base_lots");
    p->taker_quote_lots = whole(s, "taker_quote_lots");
    p->quote = opt(s, "quote", 0);
    p->long_settled = opt(s, "long_settled_funding", 0);
    p->short_settled = opt(s, "short_settled_funding", 0);
    p->oneshot = opt(s, "oneshot_settle_allowance", 0);
    p->recurring = whole(s, "recurring_settle_allowance");
    p->settled_in_window = whole(s, "settled_in_window");
    p->window = (uint32_t)state_u64_or(s, "settle_window", UINT32_MAX, 0);
    p->liqor_base_lots = whole(s, "liqor_base_lots");
    p->liqor_quote = opt(s, "liqor_quote", 0);
}

static void read_perp(struct state *s, struct mango_account *a)
{
    struct mango_perp *p = &a->perp[a->n_perps];
    p->market = (uint16_t)state_u64(s, "market", UINT16_MAX);
    if (perp_at(a, p->market) < a->n_perps)
        state_fail(s, s->at->line, "perp market %u is there twice", p->market);
    a->n_perps++;
    p->settle = place(s, "settle", a);
    a->token[p->settle].liqee.in_use = true;
    p->oracle = need(s, "oracle_price");
    p->stable = opt(s, "stable_price", p->oracle);
    p->base_lot_size = (int64_t)state_u64_or(s, "base_lot_size", INT64_MAX, 1);
    p->quote_lot_size = (int64_t)state_u64_or(s, "quote_lot_size", INT64_MAX, 1);
    p->open_interest = whole(s, "open_interest");
    p->maint_base_asset = need(s, "maint_base_asset_weight");
    p->init_base_asset = need(s, "init_base_asset_weight");
    p->maint_base_liab = need(s, "maint_base_liab_weight");
    p->init_base_liab = need(s, "init_base_liab_weight");
    p->maint_overall = need(s, "maint_overall_asset_weight");
    p->init_overall = need(s, "init_overall_asset_weight");
    p->base_liquidation_fee = opt(s, "base_liquidation_fee", 0);
    p->platform_liquidation_fee = opt(s, "platform_liquidation_fee", 0);
    p->positive_pnl_liquidation_fee = opt(s, "positive_pnl_liquidation_fee", 0);
    p->long_funding = opt(s, "long_funding", 0);
    p->short_funding = opt(s, "short_funding", 0);
    uint32_t factor = (uint32_t)state_u64_or(s, "settle_limit_factor_f32", UINT32_MAX, F32_NO_LIMIT);
    if (!soft_of_bits32(factor, &p->settle_limit_factor))
        state_fail(s, s->at->line, "settle_limit_factor_f32: bits of a finite f32 are expected");
    p->window_size = state_u64_or(s, "settle_window_size", UINT64_MAX, 86400);
    p->insured = state_bool_or(s, "group_insurance_fund", false);
    read_position(s, p);
    state_done(s);
}

static unsigned market(struct state *s, const struct mango_account *a)
{
    uint64_t m = state_u64(s, "market", UINT16_MAX);
    unsigned i = perp_at(a, (unsigned)m);
    if (i < a->n_perps)
        return i;
    state_fail(s, s->at->line, "market: the account has no perp %u", (unsigned)m);
    return 0;
}

static void read_order(struct state *s, struct mango_account *a, struct order *o)
{
    o->action = (enum action)state_choice(s, "action", ACTIONS, N_ACTIONS, false);
    bool fund = false;
    switch (o->action) {
    case TOKEN_LIQ:
        o->asset = place(s, "asset", a);
        o->liab = place(s, "liab", a);
        o->max_liab = opt(s, "max_liab", FX_MAX);
        break;
    case PERP_LIQ:
        o->perp = market(s, a);
        o->max_base = whole(s, "max_base");
        o->most = state_u64_or(s, "max_pnl", UINT64_MAX, UINT64_MAX);
        break;
    case PERP_LOSS:
        o->perp = market(s, a);
        o->most = state_u64_or(s, "max_liab", UINT64_MAX, UINT64_MAX);
        fund = true;
        break;
    default:
        o->liab = place(s, "liab", a);
        o->max_liab = opt(s, "max_liab", FX_MAX);
        fund = true;
    }
    if (fund && !mango_fund(a))
        state_fail(s, s->at->line, "the insurance fund pays in token %d: its bank is needed",
                   MANGO_INSURANCE_TOKEN);
    state_done(s);
}

static bool read_all(struct state *s, struct mango_account *a, struct order *o)
{
    const struct json *it = NULL;
    struct state x;
    a->now = state_u64_or(s, "now", UINT64_MAX, 0);
    a->being_liquidated = state_bool_or(s, "being_liquidated", false);
    a->insurance_vault = state_u64_or(s, "insurance_vault", UINT64_MAX, 0);
    while (state_next(s, "tokens", MANGO_TOKENS_MAX, &it, &x))
        read_token(&x, a);
    it = NULL;
    while (state_next(s, "spots", MANGO_SPOTS_MAX, &it, &x))
        read_spot(&x, a);
    it = NULL;
    while (state_next(s, "perps", MANGO_PERPS_MAX, &it, &x))
        read_perp(&x, a);
    x = state_object(s, "order", &o->there);
    if (o->there)
        read_order(&x, a, o);
    return state_done(s);
}

// ---- telling

// An integer, or a fixed-point number as the program has it: by its bits.
static void tell(struct outcome *out, const char *name, i128 v)
{
    outcome_i256(out, name, i256_from_i128(v));
}

static void tell_health(const struct mango_account *a, struct outcome *out, struct checked *c)
{
    struct mango_cache h;
    mango_cache_set(&h, a, c);
    fx health[MANGO_TYPES], balance[MANGO_TOKENS_MAX];
    for (int t = 0; t < MANGO_TYPES; t++)
        health[t] = mango_health(&h, (enum mango_type)t, c);
    mango_balances(&h, MANGO_LIQUIDATION_END, balance, c);
    unsigned phase = mango_phase(&h, c);
    struct mango_account check = *a;
    enum mango_status status = mango_check(&check, &h, c);
    if (!ck_ok(c)) {
        outcome_bool(out, "liquidatable", false);
        return;
    }
    outcome_bool(out, "liquidatable", status == MANGO_LIQUIDATABLE);
    outcome_text(out, "status", STATUS[status]);
    tell(out, "health", health[a->being_liquidated ? MANGO_LIQUIDATION_END : MANGO_MAINT]);
    tell(out, "health_init", health[MANGO_INIT]);
    tell(out, "health_maint", health[MANGO_MAINT]);
    tell(out, "health_liquidation_end", health[MANGO_LIQUIDATION_END]);
    tell(out, "phase", phase);
    char name[OUTCOME_NAME_MAX];
    for (unsigned i = 0; i < a->n_tokens; i++) {
        if (!a->token[i].active)
            continue;
        tell(out, outcome_at(name, "token", i, "balance"), balance[i]);
        tell(out, outcome_at(name, "token", i, "init_asset_weight"), h.token[i].asset_weight[MANGO_INIT]);
        tell(out, outcome_at(name, "token", i, "init_liab_weight"), h.token[i].liab_weight[MANGO_INIT]);
    }
}

// What is there afterwards, of what an instruction can change.
static void tell_after(const struct mango_account *a, const struct order *o, struct outcome *out)
{
    char name[OUTCOME_NAME_MAX];
    for (unsigned i = 0; i < a->n_tokens; i++) {
        const struct mango_token *t = &a->token[i];
        tell(out, outcome_at(name, "after", i, "position"), t->liqee.indexed);
        tell(out, outcome_at(name, "after", i, "liqor_position"), t->liqor.indexed);
        tell(out, outcome_at(name, "after", i, "deposit_index"), t->bank.deposit_index);
        tell(out, outcome_at(name, "after", i, "indexed_deposits"), t->bank.indexed_deposits);
        tell(out, outcome_at(name, "after", i, "indexed_borrows"), t->bank.indexed_borrows);
        tell(out, outcome_at(name, "after", i, "dust"), t->bank.dust);
        tell(out, outcome_at(name, "after", i, "fees"), t->bank.collected_fees);
    }
    if (o->action == PERP_LIQ || o->action == PERP_LOSS) {
        const struct mango_perp *p = &a->perp[o->perp];
        tell(out, "perp.base_lots", p->base_lots);
        tell(out, "perp.quote", p->quote);
        tell(out, "perp.oneshot_settle_allowance", p->oneshot);
        tell(out, "perp.liqor_base_lots", p->liqor_base_lots);
        tell(out, "perp.liqor_quote", p->liqor_quote);
        tell(out, "perp.long_funding", p->long_funding);
        tell(out, "perp.short_funding", p->short_funding);
        tell(out, "perp.open_interest", p->open_interest);
        tell(out, "perp.fees", p->fees_accrued);
    }
    tell(out, "insurance_vault", a->insurance_vault);
    outcome_bool(out, "being_liquidated", a->being_liquidated);
}

// ---- the instructions: what a refused one would have moved is 0

struct moved {
    const char *name;
    i128 amount;
};

static void tell_moved(struct outcome *out, const struct moved *v, size_t n, fx health,
                       const struct checked *c)
{
    for (size_t i = 0; i < n; i++)
        tell(out, v[i].name, ck_ok(c) ? v[i].amount : 0);
    if (ck_ok(c))
        tell(out, "health_after", health);
}

static void tell_token(struct mango_account *a, const struct order *o, struct outcome *out, struct checked *c)
{
    struct mango_token_result r;
    mango_token_liq(a, o->asset, o->liab, o->max_liab, &r, c);
    const struct moved v[] = {{"liab_needed", r.needed},
                              {"liab_possible", r.possible},
                              {"liab_transfer", r.liab},
                              {"asset_to_liqor", r.asset_to_liqor},
                              {"asset_from_liqee", r.asset_from_liqee},
                              {"platform_fee", r.platform_fee},
                              {"loan_origination_fee", r.loan_fee}};
    tell_moved(out, v, sizeof v / sizeof *v, r.health, c);
}

static void tell_bankruptcy(struct mango_account *a, const struct order *o, struct outcome *out,
                            struct checked *c)
{
    struct mango_bankruptcy_result r;
    mango_token_bankruptcy(a, o->liab, o->max_liab, &r, c);
    const struct moved v[] = {{"loss", r.loss},
                              {"insurance_transfer", r.insurance},
                              {"liab_transfer", r.liab},
                              {"socialized_loss", r.socialized},
                              {"loan_origination_fee", r.loan_fee}};
    tell_moved(out, v, sizeof v / sizeof *v, r.health, c);
}

static void tell_perp(struct mango_account *a, const struct order *o, struct outcome *out, struct checked *c)
{
    struct mango_perp_result r;
    mango_perp_liq(a, o->perp, o->max_base, o->most, &r, c);
    const struct moved v[] = {{"base_transfer", r.base},
                              {"quote_to_liqee", r.quote_liqee},
                              {"quote_to_liqor", r.quote_liqor},
                              {"platform_fee", r.platform_fee},
                              {"pnl_transfer", r.pnl},
                              {"token_transfer", r.token},
                              {"settle_limit_recurring", r.limit_recurring},
                              {"settle_limit_oneshot", r.limit_oneshot}};
    tell_moved(out, v, sizeof v / sizeof *v, r.health, c);
}

static void tell_loss(struct mango_account *a, const struct order *o, struct outcome *out, struct checked *c)
{
    struct mango_loss_result r;
    mango_perp_loss(a, o->perp, o->most, &r, c);
    const struct moved v[] = {{"max_settle", r.max_settle},
                              {"settlement", r.settlement},
                              {"insurance_transfer", r.insurance},
                              {"insured_loss", r.insured},
                              {"socialized_loss", r.socialized}};
    tell_moved(out, v, sizeof v / sizeof *v, r.health, c);
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    static void (*const TELL[])(struct mango_account *, const struct order *, struct outcome *,
                                struct checked *) = {tell_token, tell_perp, tell_loss, tell_bankruptcy};
    struct mango_account *a = calloc(1, sizeof *a);
    if (!a)
        return err_set(e, "mango-v4: no memory");
    struct order o = {0};
    struct checked c = {0};
    bool good = read_all(s, a, &o);
    if (good)
        tell_health(a, out, &c);
    if (good && o.there && ck_ok(&c)) {
        TELL[o.action](a, &o, out, &c);
        if (ck_ok(&c))
            tell_after(a, &o, out);
    }
    if (good && (o.there || !ck_ok(&c)))
        outcome_text(out, "refused", ck_ok(&c) ? "" : c.why);
    free(a);
    return good ? 0 : -1;
}

// 1000 of a token at 5 stand against 4500 quote; the weights are those of the program's own tests.
#define EXAMPLE                                                                                              \
    "{\"tokens\": ["                                                                                         \
    "{\"index\": 0, \"oracle_price\": \"281474976710656\", \"maint_asset_weight\": \"253327479039590\","     \
    " \"init_asset_weight\": \"225179981368524\", \"maint_liab_weight\": \"309622474381721\","               \
    " \"init_liab_weight\": \"337769972052787\", \"liquidation_fee\": \"2814749767106\","                    \
    " \"indexed_borrows\": \"1266637395197952000\", \"position\": \"-1266637395197952000\"},"                \
    "{\"index\": 4, \"oracle_price\": \"1407374883553280\", \"maint_asset_weight\": \"197032483697459\","    \
    " \"init_asset_weight\": \"140737488355328\", \"maint_liab_weight\": \"365917469723852\","               \
    " \"init_liab_weight\": \"422212465065984\", \"liquidation_fee\": \"14073748835532\","                   \
    " \"platform_liquidation_fee\": \"1407374883553\","                                                      \
    " \"indexed_deposits\": \"281474976710656000\", \"position\": \"281474976710656000\"}],"                 \
    " \"order\": {\"action\": \"token_liq_with_token\", \"asset\": 4, \"liab\": 0}}"

const struct protocol protocol_mango_v4 = {
    .name = "mango-v4",
    .title = "Mango v4: health in I80F48, token and perp liquidation, bankruptcy",
    .source = "blockworks-foundation/mango-v4 864425bd: programs/mango-v4/src/health/cache.rs, "
              "instructions/token_liq_with_token.rs (others of its files in versions near it: docs page)",
    .example = EXAMPLE,
    .eval = eval,
};
