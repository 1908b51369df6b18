// SPDX-License-Identifier: Apache-2.0
#include "accounts/book.h"

#include <string.h>

#include "accounts/moving.h"
#include "accounts/rules/rule.h"

static const u128 RAY = (u128)1000000000000000000ull * 1000000000ull;

int market_asset(const struct market *m, const char *name)
{
    for (unsigned i = 0; i < m->n_assets; i++)
        if (strcmp(m->asset[i].name, name) == 0)
            return (int)i;
    return -1;
}

int market_instrument(const struct market *m, const char *name)
{
    for (unsigned i = 0; i < m->n_instruments; i++)
        if (strcmp(m->instrument[i].name, name) == 0)
            return (int)i;
    return -1;
}

bool name_is_symbol(const char *name)
{
    size_t n = strnlen(name, NAME_LEN);
    if (n == 0 || n == NAME_LEN)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= ' ' || c >= 0x7f || strchr(",;\"'=", c))
            return false;
    }
    return true;
}

bool name_is_text(const char *name)
{
    size_t n = strnlen(name, NAME_LEN);
    if (n == NAME_LEN)
        return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c < ' ' || c == 0x7f)
            return false;
    }
    return true;
}

bool name_is_currency(const char *name)
{
    size_t n = strnlen(name, CURRENCY_LEN);
    if (n == 0 || n == CURRENCY_LEN)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!(name[i] >= 'A' && name[i] <= 'Z') && !(name[i] >= '0' && name[i] <= '9'))
            return false;
    return true;
}

int asset_check(const struct market *m, unsigned i, struct err *e)
{
    const struct asset *a = &m->asset[i];
    if (!name_is_symbol(a->name))
        return err_set(e, "asset %u: name must be 1 to %d printable characters without blank , ; = or quotes",
                       i, NAME_LEN - 1);
    if (a->kind < ASSET_MARK || a->kind > ASSET_TOLD)
        return err_set(e, "asset %s: unknown kind %u", a->name, a->kind);
    if (a->decimals > DECIMALS_MAX)
        return err_set(e, "asset %s: decimals must be 0 to %d", a->name, DECIMALS_MAX);
    if (a->guard_ppm >= MARKET_PPM)
        return err_set(e, "asset %s: guard_ppm must be below %d", a->name, MARKET_PPM);
    if (a->stale_ms > STALE_MS_MAX)
        return err_set(e, "asset %s: stale_ms must be at most %d (a week)", a->name, STALE_MS_MAX);
    if (a->spread_ppm > SPREAD_PPM_MAX)
        return err_set(e, "asset %s: spread_ppm must be at most %d", a->name, SPREAD_PPM_MAX);
    if (a->kind == ASSET_TOLD)
        return a->source[0] || a->base
                   ? err_set(e, "asset %s: what is told has no source and no base", a->name)
                   : 0;
    if (a->kind != ASSET_RECIPROCAL) {
        if (!name_is_symbol(a->source))
            return err_set(e, "asset %s: needs a source: the venue's name of the instrument or index",
                           a->name);
        return a->base ? err_set(e, "asset %s: only a reciprocal has a base", a->name) : 0;
    }
    if (strnlen(a->source, NAME_LEN))
        return err_set(e, "asset %s: a reciprocal has a base, not a source", a->name);
    if (a->base >= m->n_assets ||
        (m->asset[a->base].kind != ASSET_MARK && m->asset[a->base].kind != ASSET_INDEX))
        return err_set(e, "asset %s: base must be a mark or index asset", a->name);
    return 0;
}

static int tiers_check(const struct instrument *s, struct err *e)
{
    if (s->n_tiers < 1 || s->n_tiers > TIERS_MAX)
        return err_set(e, "instrument %s: needs 1 to %d maintenance tiers", s->name, TIERS_MAX);
    if (s->tier[0].floor != 0)
        return err_set(e, "instrument %s: the first tier's floor must be 0", s->name);
    for (unsigned k = 0; k < s->n_tiers; k++) {
        if (s->tier[k].rate_ppm == 0 || s->tier[k].rate_ppm >= MARKET_PPM)
            return err_set(e, "instrument %s: tier %u: rate_ppm must be 1 to %d", s->name, k + 1,
                           MARKET_PPM - 1);
        if (k && (s->tier[k].floor <= s->tier[k - 1].floor || s->tier[k].rate_ppm <= s->tier[k - 1].rate_ppm))
            return err_set(e, "instrument %s: tier %u: floors and rates must ascend", s->name, k + 1);
    }
    return 0;
}

// Cash is counted in quanta: a currency with two of them could not be added up.
static int currency_check(const struct market *m, const struct instrument *s, struct err *e)
{
    if (!name_is_currency(s->currency))
        return err_set(e, "instrument %s: currency must be 1 to %d upper-case letters or digits", s->name,
                       CURRENCY_LEN - 1);
    for (unsigned i = 0; i < m->n_instruments; i++) {
        const struct instrument *o = &m->instrument[i];
        if (o->kind != INST_RESERVE && strncmp(o->currency, s->currency, CURRENCY_LEN) == 0 &&
            o->cash_decimals != s->cash_decimals)
            return err_set(e, "instrument %s: cash_decimals of %s are %u, but %u for instrument %s", s->name,
                           s->currency, s->cash_decimals, o->cash_decimals, o->name);
    }
    return 0;
}

static int terms_check(const struct instrument *s, struct err *e)
{
    const u128 one = (u128)1000000000 * 1000000000;
    if (!terms_sound(&s->terms))
        return err_set(e, "instrument %s: at most %d terms, each once and below 2^%d quanta", s->name,
                       INSTRUMENT_TERMS_MAX, TERM_BITS);
    for (unsigned k = 0; k < s->terms.n; k++) {
        enum term key = (enum term)s->terms.key[k];
        if (term_reserve(key) != (s->kind == INST_RESERVE))
            return err_set(e, "instrument %s: %s is a %s's", s->name, term_name(key),
                           term_reserve(key) ? "reserve" : "perpetual");
    }
    return term_get(&s->terms, TERM_CLOSE_FACTOR) <= one
               ? 0
               : err_set(e, "instrument %s: close_factor must be 0 to 1", s->name);
}

static int perp_check(const struct market *m, const struct instrument *s, struct err *e)
{
    if (currency_check(m, s, e))
        return -1;
    if (s->cash_decimals > DECIMALS_MAX)
        return err_set(e, "instrument %s: cash_decimals must be 0 to %d", s->name, DECIMALS_MAX);
    if (s->fee_ppm >= MARKET_PPM || s->penalty_ppm >= MARKET_PPM)
        return err_set(e, "instrument %s: fee_ppm and penalty_ppm must be below %d", s->name, MARKET_PPM);
    if (terms_check(s, e))
        return -1;
    if (s->profit_weight_ppm > (s->kind == INST_LINEAR ? MARKET_PPM : 0))
        return err_set(e, "instrument %s: profit_weight_ppm must be 0 to %d, and 0 for an inverse perpetual",
                       s->name, MARKET_PPM);
    if (s->lt_bps || s->lb_bps || s->fee_bps || s->emode || s->emode_lt_bps || s->emode_lb_bps ||
        s->n_emodes || s->liquidity_index || s->borrow_index)
        return err_set(e, "instrument %s: reserve parameters on a perpetual", s->name);
    if (s->kind == INST_LINEAR && s->inverse)
        return err_set(e, "instrument %s: only an inverse perpetual names a reciprocal asset", s->name);
    if (s->kind == INST_INVERSE) {
        if (s->inverse >= m->n_assets || m->asset[s->inverse].kind != ASSET_RECIPROCAL ||
            m->asset[s->inverse].base != s->asset)
            return err_set(e, "instrument %s: inverse must name the reciprocal of asset %s", s->name,
                           m->asset[s->asset].name);
    }
    return tiers_check(s, e);
}

static int emodes_check(const struct instrument *s, struct err *e)
{
    if (s->emode == 0 && (s->emode_lt_bps || s->emode_lb_bps || s->n_emodes))
        return err_set(e, "instrument %s: eMode parameters without an emode category", s->name);
    if (s->emode && (s->emode_lb_bps < MARKET_BPS || s->emode_lb_bps > LB_BPS_MAX))
        return err_set(e, "instrument %s: emode_lb_bps must be %d to %d", s->name, MARKET_BPS, LB_BPS_MAX);
    if (s->n_emodes > EMODES_MAX)
        return err_set(e, "instrument %s: more than %d eMode categories", s->name, EMODES_MAX + 1);
    for (unsigned k = 0; k < s->n_emodes; k++) {
        const struct emode *x = &s->emodes[k];
        if (x->id == s->emode || x->id <= (k ? s->emodes[k - 1].id : 0))
            return err_set(e, "instrument %s: eMode category %u: categories are 1 to 255, each once", s->name,
                           x->id);
        if (x->lt_bps > MARKET_BPS || x->lb_bps < MARKET_BPS || x->lb_bps > LB_BPS_MAX)
            return err_set(e, "instrument %s: eMode category %u: lt_bps must be at most %d, lb_bps %d to %d",
                           s->name, x->id, MARKET_BPS, MARKET_BPS, LB_BPS_MAX);
    }
    return 0;
}

static int reserve_check(const struct instrument *s, struct err *e)
{
    if (s->n_tiers || s->fee_ppm || s->penalty_ppm || s->profit_weight_ppm || s->inverse ||
        s->cash_decimals || s->currency[0])
        return err_set(e, "instrument %s: perpetual's parameters on a reserve", s->name);
    if (s->lt_bps > MARKET_BPS || s->emode_lt_bps > MARKET_BPS)
        return err_set(e, "instrument %s: liquidation thresholds must be at most %d bps", s->name,
                       MARKET_BPS);
    // A reserve that is never collateral (threshold 0) needs no bonus.
    if (((s->lt_bps || s->ramp_from_bps) && s->lb_bps < MARKET_BPS) || s->lb_bps > LB_BPS_MAX)
        return err_set(e, "instrument %s: lb_bps must be %d to %d (10500 is a bonus of 5 %%)", s->name,
                       MARKET_BPS, LB_BPS_MAX);
    if (s->fee_bps > MARKET_BPS)
        return err_set(e, "instrument %s: fee_bps must be at most %d", s->name, MARKET_BPS);
    if (emodes_check(s, e) || terms_check(s, e))
        return -1;
    if (s->liquidity_index < RAY || s->borrow_index < RAY || s->liquidity_index > RAY * 1000000 ||
        s->borrow_index > RAY * 1000000)
        return err_set(e, "instrument %s: liquidity_index and borrow_index must be 1 to 1000000", s->name);
    return 0;
}

int instrument_check(const struct market *m, unsigned i, struct err *e)
{
    const struct instrument *s = &m->instrument[i];
    if (!name_is_symbol(s->name))
        return err_set(
            e, "instrument %u: name must be 1 to %d printable characters without blank , ; = or quotes", i,
            NAME_LEN - 1);
    if (s->size_decimals > DECIMALS_MAX)
        return err_set(e, "instrument %s: size_decimals must be 0 to %d", s->name, DECIMALS_MAX);
    if (s->asset >= m->n_assets || m->asset[s->asset].kind == ASSET_RECIPROCAL)
        return err_set(e, "instrument %s: asset must be a mark or index asset", s->name);
    if (s->kind < INST_LINEAR || s->kind > INST_RESERVE)
        return err_set(e, "instrument %s: unknown kind %u", s->name, s->kind);
    if (s->kind == INST_RESERVE ? reserve_check(s, e) : perp_check(m, s, e))
        return -1;
    return instrument_moving_check(s, e);
}

static int scenario_check(const struct market *m, unsigned x, struct err *e)
{
    const struct scenario *s = &m->scenario[x];
    bool any = false;
    if (!name_is_symbol(s->name))
        return err_set(e,
                       "scenario %u: name must be 1 to %d printable characters without blank , ; = or quotes",
                       x, NAME_LEN - 1);
    for (unsigned k = 0; k < x; k++)
        if (strcmp(m->scenario[k].name, s->name) == 0)
            return err_set(e, "scenario %s: name used twice", s->name);
    for (unsigned i = 0; i < MARKET_INSTRUMENTS_MAX; i++) {
        int32_t shock = s->shock_ppm[i];
        any |= shock != 0;
        if (shock < -MARKET_PPM || shock > MARKET_PPM)
            return err_set(e, "scenario %s: shock_ppm must be within %d", s->name, MARKET_PPM);
        if (shock && (i >= m->n_instruments || m->instrument[i].kind != INST_LINEAR))
            return err_set(e, "scenario %s: only linear perpetuals are shocked", s->name);
    }
    return any ? 0 : err_set(e, "scenario %s: shocks nothing", s->name);
}

int market_check(const struct market *m, struct err *e)
{
    if (m->n_assets > MARKET_ASSETS_MAX || m->n_instruments > MARKET_INSTRUMENTS_MAX)
        return err_set(e, "more than %d assets or %d instruments", MARKET_ASSETS_MAX, MARKET_INSTRUMENTS_MAX);
    if (m->n_scenarios > SCENARIOS_MAX)
        return err_set(e, "more than %d scenarios", SCENARIOS_MAX);
    for (unsigned x = 0; x < m->n_scenarios; x++)
        if (scenario_check(m, x, e))
            return -1;
    for (unsigned i = 0; i < m->n_assets; i++) {
        if (asset_check(m, i, e))
            return -1;
        if (market_asset(m, m->asset[i].name) != (int)i)
            return err_set(e, "asset %s: name used twice", m->asset[i].name);
    }
    for (unsigned i = 0; i < m->n_instruments; i++) {
        if (instrument_check(m, i, e))
            return -1;
        if (market_instrument(m, m->instrument[i].name) != (int)i)
            return err_set(e, "instrument %s: name used twice", m->instrument[i].name);
    }
    return 0;
}

static bool same_asset(const struct asset *a, const struct asset *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->source, b->source) == 0 && a->kind == b->kind &&
           a->decimals == b->decimals && a->base == b->base && a->stale_ms == b->stale_ms &&
           a->guard_ppm == b->guard_ppm && a->spread_ppm == b->spread_ppm;
}

static bool same_kind(const struct instrument *a, const struct instrument *b)
{
    return strcmp(a->name, b->name) == 0 && a->kind == b->kind && a->size_decimals == b->size_decimals &&
           a->cash_decimals == b->cash_decimals && strcmp(a->currency, b->currency) == 0 &&
           a->asset == b->asset && a->inverse == b->inverse;
}

bool instrument_differs(const struct instrument *a, const struct instrument *b)
{
    if (a->n_emodes != b->n_emodes)
        return true;
    for (unsigned k = 0; k < a->n_emodes; k++)
        if (a->emodes[k].id != b->emodes[k].id || a->emodes[k].lt_bps != b->emodes[k].lt_bps ||
            a->emodes[k].lb_bps != b->emodes[k].lb_bps)
            return true;
    if (a->n_tiers != b->n_tiers)
        return true;
    for (unsigned k = 0; k < a->n_tiers; k++)
        if (a->tier[k].floor != b->tier[k].floor || a->tier[k].rate_ppm != b->tier[k].rate_ppm)
            return true;
    return !same_kind(a, b) || a->fee_ppm != b->fee_ppm || a->penalty_ppm != b->penalty_ppm ||
           a->funding_index != b->funding_index || a->funding_rate != b->funding_rate ||
           a->lt_bps != b->lt_bps || a->lb_bps != b->lb_bps || a->fee_bps != b->fee_bps ||
           a->emode != b->emode || a->emode_lt_bps != b->emode_lt_bps || a->emode_lb_bps != b->emode_lb_bps ||
           a->liquidity_index != b->liquidity_index || a->borrow_index != b->borrow_index ||
           a->liquidity_rate != b->liquidity_rate || a->borrow_rate != b->borrow_rate ||
           a->ramp_from_bps != b->ramp_from_bps || a->emode_ramp_from_bps != b->emode_ramp_from_bps ||
           a->ramp_start != b->ramp_start || a->ramp_end != b->ramp_end || a->grace_until != b->grace_until ||
           a->told_at != b->told_at || !terms_equal(&a->terms, &b->terms);
}

int market_follows(const struct market *m, const struct market *next, struct err *e)
{
    if (next->n_assets != m->n_assets || next->n_instruments != m->n_instruments)
        return err_set(e, "a market of %u assets and %u instruments, not of %u and %u", next->n_assets,
                       next->n_instruments, m->n_assets, m->n_instruments);
    for (unsigned i = 0; i < m->n_assets; i++)
        if (!same_asset(&m->asset[i], &next->asset[i]))
            return err_set(e, "asset %s: only instruments' parameters can change", m->asset[i].name);
    for (unsigned i = 0; i < m->n_instruments; i++)
        if (!same_kind(&m->instrument[i], &next->instrument[i]))
            return err_set(e, "instrument %s: name, kind, prices, units and currency cannot change",
                           m->instrument[i].name);
    return market_check(next, e);
}

static int orders_check(const struct account *a, const struct position *p, struct err *e)
{
    if (p->bids < 0 || p->asks < 0 || p->orders == 0)
        return err_set(e, "account %u: what open orders buy and sell must not be negative, or without orders",
                       a->id);
    return a->rule->uses & USE_ORDERS
               ? 0
               : err_set(e, "account %u: %s knows no open orders", a->id, a->rule->name);
}

static int position_check(const struct market *m, const struct account *a, const struct position *p,
                          struct err *e)
{
    if (p->supply < 0 || p->debt < 0)
        return err_set(e, "account %u: supply and debt must not be negative", a->id);
    if (i256_bits(i256_from_i128(p->funding)) > MOVING_FUNDING_BITS)
        return err_set(e, "account %u: funding index of a position out of range", a->id);
    if ((p->orders | p->bids | p->asks) && orders_check(a, p, e))
        return -1;
    if (!m)
        return p->instrument < MARKET_INSTRUMENTS_MAX ? 0
                                                      : err_set(e, "account %u: no such instrument", a->id);
    if (p->instrument >= m->n_instruments)
        return err_set(e, "account %u: position in an instrument that does not exist", a->id);
    const struct instrument *s = &m->instrument[p->instrument];
    if (s->kind == INST_RESERVE) {
        if (p->entry || ((p->size || p->funding) && !(a->rule->uses & USE_PREMIUM)))
            return err_set(e, "account %u: %s is a reserve: size, entry and funding do not apply", a->id,
                           s->name);
        return 0;
    }
    bool quote = a->rule->uses & USE_QUOTE;
    if (p->collateral || ((p->supply || p->debt) && !quote))
        return err_set(e, "account %u: %s is a perpetual: supply, debt and collateral do not apply", a->id,
                       s->name);
    if (quote ? p->entry != 0 : p->size != 0 && p->entry <= 0)
        return err_set(e, "account %u: %s: entry price must be %s", a->id, s->name,
                       quote ? "left out, supply or debt tell what the position has cost" : "above 0");
    if (strncmp(s->currency, a->currency, CURRENCY_LEN) != 0)
        return err_set(e, "account %u: %s settles in %s, the account's cash is in %s", a->id, s->name,
                       s->currency, a->currency[0] ? a->currency : "no currency");
    if (s->cash_decimals != a->cash_decimals)
        return err_set(e, "account %u: %s settles with %u decimals, the account's cash has %u", a->id,
                       s->name, s->cash_decimals, a->cash_decimals);
    return 0;
}

int account_check(const struct market *m, const struct account *a, struct err *e)
{
    if (a->id == 0)
        return err_set(e, "account id must be 1 to %u", UINT32_MAX);
    if (!name_is_text(a->name))
        return err_set(e, "account %u: name must be at most %d bytes without control characters", a->id,
                       NAME_LEN - 1);
    if (!a->rule)
        return err_set(e, "account %u: has no rule", a->id);
    if (a->currency[0] && !name_is_currency(a->currency))
        return err_set(e, "account %u: currency must be 1 to %d upper-case letters or digits", a->id,
                       CURRENCY_LEN - 1);
    if (a->cash_decimals > DECIMALS_MAX)
        return err_set(e, "account %u: cash_decimals must be 0 to %d", a->id, DECIMALS_MAX);
    if (a->n_positions > ACCOUNT_POSITIONS_MAX)
        return err_set(e, "account %u: more than %d positions", a->id, ACCOUNT_POSITIONS_MAX);
    for (unsigned k = 0; k < RULE_STATE_WORDS; k++)
        if (a->rule_state[k] && (!(a->rule->uses & USE_STATE) || a->rule_state[k] >> RULE_STATE_BITS))
            return err_set(e, "account %u: rule_state: %s remembers nothing, or not this", a->id,
                           a->rule->name);
    for (unsigned i = 0; i < a->n_positions; i++) {
        if (i && a->position[i].instrument <= a->position[i - 1].instrument)
            return err_set(e, "account %u: positions must ascend by instrument, one for each", a->id);
        if (position_check(m, a, &a->position[i], e))
            return -1;
    }
    return 0;
}

int account_validate(const struct market *m, const struct account *a, struct err *e)
{
    if (account_check(m, a, e))
        return -1;
    return a->rule->validate ? a->rule->validate(m, a, e) : 0;
}

i256 account_cash(const struct market *m, const struct account *a)
{
    i256 sum = i256_from_i128(a->cash);
    for (unsigned i = 0; a->rule->uses & USE_QUOTE && a->rule->holding && i < a->n_positions; i++)
        if (m->instrument[a->position[i].instrument].kind != INST_RESERVE)
            sum = i256_add(sum, a->rule->holding(m, &a->position[i]));
    return sum;
}
