// SPDX-License-Identifier: Apache-2.0
// Assets, instruments, tiers and scenarios of an import. An entry that the store has already is replaced: its
// parameters may change, but not what gives the stored integers their meaning (kind, decimals, currency, the
// asset that prices it).
#include <string.h>

#include "accounts/book.h"
#include "accounts/import.h"
#include "accounts/moving.h"

enum { RAY_DECIMALS = 27 };

static int get_kind(struct import *im, const struct record *r, const char *const *names, unsigned n,
                    uint8_t *out)
{
    const char *s;
    if (get_text(im, r, "kind", true, &s))
        return -1;
    for (unsigned i = 1; i < n; i++) {
        if (names[i] && strcmp(s, names[i]) == 0) {
            *out = (uint8_t)i;
            return 0;
        }
    }
    return import_error(im, r->line, "kind '%.40s' is not one of %s, %s, %s", s, names[1], names[2],
                        names[3]);
}

// An asset named by a field.
static int get_asset(struct import *im, const struct record *r, const char *key, uint16_t *out)
{
    const char *s;
    if (get_text(im, r, key, true, &s))
        return -1;
    int i = market_asset(&im->market, s);
    if (i < 0)
        return import_error(im, r->line,
                            "%s: there is no asset '%.40s'; assets come before what refers to them", key, s);
    *out = (uint16_t)i;
    return 0;
}

// ---- assets
// --------------------------------------------------------------------------------------------------

static int read_asset(struct import *im, const struct record *r, struct asset *a)
{
    static const char *const kinds[] = {NULL, "mark", "index", "reciprocal"};
    uint64_t decimals = 0, stale = 0, guard = 0, spread = 0;
    const char *source = "";
    if (get_symbol(im, r, "name", a->name) || get_kind(im, r, kinds, 4, &a->kind) ||
        get_uint(im, r, "decimals", true, DECIMALS_MAX, &decimals))
        return -1;
    if (a->kind == ASSET_RECIPROCAL) {
        if (get_asset(im, r, "base", &a->base) || get_text(im, r, "source", false, &source))
            return -1;
        if (im->market.asset[a->base].kind == ASSET_RECIPROCAL)
            return import_error(im, r->line, "base must be a mark or index asset");
        stale = im->market.asset[a->base].stale_ms; // a reciprocal is as old as its base
    } else {
        if (get_text(im, r, "source", true, &source))
            return -1;
        if (record_text(r, "base"))
            return import_error(im, r->line, "only a reciprocal has a base");
    }
    // How old a price may be is a decision, so it has no default; 0 says "never stale" explicitly.
    if (get_uint(im, r, "stale_ms", a->kind != ASSET_RECIPROCAL, STALE_MS_MAX, &stale) ||
        get_uint(im, r, "guard_ppm", false, MARKET_PPM - 1, &guard) ||
        get_uint(im, r, "spread_ppm", false, SPREAD_PPM_MAX, &spread))
        return -1;
    if (strlen(source) >= NAME_LEN)
        return import_error(im, r->line, "source '%.40s' is longer than %d characters", source, NAME_LEN - 1);
    memcpy(a->source, source, strlen(source));
    a->decimals = (uint8_t)decimals;
    a->stale_ms = (uint32_t)stale;
    a->guard_ppm = (uint32_t)guard;
    a->spread_ppm = (uint32_t)spread;
    return 0;
}

int import_asset(struct import *im, const struct record *r)
{
    struct asset a = {0};
    struct err why;
    struct market *m = &im->market;
    if (read_asset(im, r, &a))
        return -1;
    int i = market_asset(m, a.name);
    if (i >= 0 && im->asset_line[i])
        return import_error(im, r->line, "asset %s is defined twice (first in line %u)", a.name,
                            im->asset_line[i]);
    if (i < 0 && m->n_assets == MARKET_ASSETS_MAX)
        return import_error(im, r->line, "more than %d assets", MARKET_ASSETS_MAX);
    if (i < 0)
        i = m->n_assets++;
    else if (a.kind != m->asset[i].kind || a.decimals != m->asset[i].decimals || a.base != m->asset[i].base)
        return import_error(
            im, r->line,
            "asset %s is in the store with another kind, decimals or base; amounts in the store depend on"
            " them: use a new store or a new name",
            a.name);
    m->asset[i] = a;
    im->asset_line[i] = r->line;
    return asset_check(m, (unsigned)i, &why) ? import_error(im, r->line, "%s", why.msg) : 0;
}

// ---- instruments
// ---------------------------------------------------------------------------------------------

// The reciprocal column of an inverse perpetual: named, or the one that the asset has.
static int get_inverse(struct import *im, const struct record *r, struct instrument *s)
{
    if (s->kind != INST_INVERSE)
        return record_text(r, "inverse")
                   ? import_error(im, r->line, "inverse applies to inverse perpetuals only")
                   : 0;
    if (record_text(r, "inverse"))
        return get_asset(im, r, "inverse", &s->inverse);
    for (uint16_t i = 0; i < im->market.n_assets; i++) {
        if (im->market.asset[i].kind == ASSET_RECIPROCAL && im->market.asset[i].base == s->asset) {
            s->inverse = i;
            return 0;
        }
    }
    return import_error(im, r->line, "an inverse perpetual needs an asset of kind reciprocal with base %s",
                        im->market.asset[s->asset].name);
}

// Funding; where there is none, the fields may be left out. An index told without a rate stands still.
static int read_funding(struct import *im, const struct record *r, struct instrument *s)
{
    i128 rate = 0;
    if (get_decimal(im, r, "funding_index", false, FUNDING_DECIMALS, &s->funding_index) ||
        get_decimal(im, r, "funding_rate", false, FUNDING_DECIMALS, &rate))
        return -1;
    if (rate < INT64_MIN || rate > INT64_MAX)
        return import_error(im, r->line, "funding_rate must be within 9.2 a second");
    s->funding_rate = (int64_t)rate;
    return get_uint(im, r, "told_at", rate != 0, MOVING_TIME_MAX, &s->told_at);
}

// What of a reserve moves with time; each may be left out.
static int read_moving(struct import *im, const struct record *r, struct instrument *s)
{
    uint64_t from = 0, emode_from = 0;
    i128 liquidity = 0, borrow = 0;
    if (get_decimal(im, r, "liquidity_rate", false, RAY_DECIMALS, &liquidity) ||
        get_decimal(im, r, "borrow_rate", false, RAY_DECIMALS, &borrow))
        return -1;
    if (liquidity < 0 || borrow < 0)
        return import_error(im, r->line, "liquidity_rate and borrow_rate must be 0 to %d a year",
                            MOVING_RATE_MAX);
    if (get_uint(im, r, "told_at", liquidity || borrow, MOVING_TIME_MAX, &s->told_at) ||
        get_uint(im, r, "ramp_from_bps", false, MARKET_BPS, &from) ||
        get_uint(im, r, "emode_ramp_from_bps", false, MARKET_BPS, &emode_from) ||
        get_uint(im, r, "ramp_start", from || emode_from, MOVING_TIME_MAX, &s->ramp_start) ||
        get_uint(im, r, "ramp_end", from || emode_from, MOVING_TIME_MAX, &s->ramp_end) ||
        get_uint(im, r, "grace_until", false, MOVING_TIME_MAX, &s->grace_until))
        return -1;
    s->liquidity_rate = (u128)liquidity;
    s->borrow_rate = (u128)borrow;
    s->ramp_from_bps = (uint32_t)from;
    s->emode_ramp_from_bps = (uint32_t)emode_from;
    return 0;
}

// Terms; each may be left out, and the rule says which it needs.
static int read_terms(struct import *im, const struct record *r, struct instrument *s)
{
    for (unsigned i = 0; i < r->n; i++) {
        enum term key = term_find(r->field[i].key);
        i128 v = 0;
        if (key == TERM_NONE || !record_text(r, r->field[i].key))
            continue;
        unsigned decimals = term_decimals(key, s->size_decimals, s->cash_decimals);
        if (term_reserve(key) != (s->kind == INST_RESERVE))
            return import_error(im, r->line, "%s is a %s's", term_name(key),
                                term_reserve(key) ? "reserve" : "perpetual");
        if (get_decimal(im, r, term_name(key), false, decimals, &v))
            return -1;
        if (v < 0)
            return import_error(im, r->line, "%s must not be negative", term_name(key));
        if (!term_set(&s->terms, key, (u128)v))
            return import_error(im, r->line, "more than %d terms", INSTRUMENT_TERMS_MAX);
    }
    return 0;
}

static int read_perp(struct import *im, const struct record *r, struct instrument *s)
{
    uint64_t cash = 0, fee = 0, penalty = 0, weight = 0;
    if (get_currency(im, r, true, s->currency) ||
        get_uint(im, r, "cash_decimals", true, DECIMALS_MAX, &cash) ||
        get_uint(im, r, "fee_ppm", true, MARKET_PPM - 1, &fee) ||
        get_uint(im, r, "penalty_ppm", true, MARKET_PPM - 1, &penalty) ||
        get_uint(im, r, "profit_weight_ppm", false, MARKET_PPM, &weight) || get_inverse(im, r, s) ||
        read_funding(im, r, s))
        return -1;
    s->cash_decimals = (uint8_t)cash;
    s->fee_ppm = (uint32_t)fee;
    s->penalty_ppm = (uint32_t)penalty;
    s->profit_weight_ppm = (uint32_t)weight;
    return read_terms(im, r, s); // whose units are known now
}

static int read_reserve(struct import *im, const struct record *r, struct instrument *s)
{
    uint64_t lt = 0, lb = 0, fee = 0, emode = 0, elt = 0, elb = 0;
    i128 liquidity = 0, borrow = 0;
    if (get_uint(im, r, "lt_bps", true, MARKET_BPS, &lt) ||
        get_uint(im, r, "lb_bps", lt != 0, LB_BPS_MAX, &lb) ||
        get_uint(im, r, "fee_bps", true, MARKET_BPS, &fee) ||
        get_uint(im, r, "emode", false, UINT8_MAX, &emode) ||
        get_uint(im, r, "emode_lt_bps", emode != 0, MARKET_BPS, &elt) ||
        get_uint(im, r, "emode_lb_bps", emode != 0, LB_BPS_MAX, &elb) ||
        get_decimal(im, r, "liquidity_index", true, RAY_DECIMALS, &liquidity) ||
        get_decimal(im, r, "borrow_index", true, RAY_DECIMALS, &borrow) || get_inverse(im, r, s) ||
        read_moving(im, r, s) || read_terms(im, r, s))
        return -1;
    if (liquidity < 0 || borrow < 0)
        return import_error(im, r->line, "liquidity_index and borrow_index must be 1 to 1000000");
    s->lt_bps = (uint32_t)lt;
    s->lb_bps = (uint32_t)lb;
    s->fee_bps = (uint32_t)fee;
    s->emode = (uint8_t)emode;
    s->emode_lt_bps = (uint32_t)elt;
    s->emode_lb_bps = (uint32_t)elb;
    s->liquidity_index = (u128)liquidity;
    s->borrow_index = (u128)borrow;
    return 0;
}

// A field that the kind does not have would be dropped in silence: refuse it.
static int refuse_foreign(struct import *im, const struct record *r, uint8_t kind)
{
    static const char *const perp[] = {"currency",      "cash_decimals", "tiers",
                                       "fee_ppm",       "penalty_ppm",   "profit_weight_ppm",
                                       "funding_index", "funding_rate",  NULL};
    static const char *const reserve[] = {"lt_bps",          "lb_bps",        "fee_bps",
                                          "emode",           "emode_lt_bps",  "emode_lb_bps",
                                          "liquidity_index", "borrow_index",  "liquidity_rate",
                                          "borrow_rate",     "ramp_from_bps", "emode_ramp_from_bps",
                                          "ramp_start",      "ramp_end",      "grace_until",
                                          "emodes",          "exchange_rate", "close_factor",
                                          "borrow_assets",   "borrow_shares", NULL};
    for (const char *const *key = kind == INST_RESERVE ? perp : reserve; *key; key++)
        if (record_text(r, *key))
            return import_error(im, r->line, "%s does not apply to a %s", *key,
                                kind == INST_RESERVE ? "reserve" : "perpetual");
    return 0;
}

int import_instrument(struct import *im, const struct record *r)
{
    static const char *const kinds[] = {NULL, "linear", "inverse", "reserve"};
    struct instrument s = {0};
    struct market *m = &im->market;
    uint64_t size = 0;
    if (get_symbol(im, r, "name", s.name) || get_kind(im, r, kinds, 4, &s.kind) ||
        refuse_foreign(im, r, s.kind) || get_asset(im, r, "asset", &s.asset) ||
        get_uint(im, r, "size_decimals", true, DECIMALS_MAX, &size))
        return -1;
    s.size_decimals = (uint8_t)size;
    if (s.kind == INST_RESERVE ? read_reserve(im, r, &s) : read_perp(im, r, &s))
        return -1;
    int i = market_instrument(m, s.name);
    if (i >= 0 && im->instrument_line[i])
        return import_error(im, r->line, "instrument %s is defined twice (first in line %u)", s.name,
                            im->instrument_line[i]);
    if (i < 0 && m->n_instruments == MARKET_INSTRUMENTS_MAX)
        return import_error(im, r->line, "more than %d instruments", MARKET_INSTRUMENTS_MAX);
    if (i < 0) {
        i = m->n_instruments++;
    } else {
        const struct instrument *old = &m->instrument[i];
        if (s.kind != old->kind || s.asset != old->asset || s.size_decimals != old->size_decimals ||
            s.cash_decimals != old->cash_decimals || strcmp(s.currency, old->currency) != 0)
            return import_error(im, r->line,
                                "instrument %s is in the store with another kind, asset, currency or "
                                "decimals; positions in the"
                                " store depend on them: use a new store or a new name",
                                s.name);
    }
    m->instrument[i] = s;
    im->instrument_line[i] = r->line;
    return i;
}

int import_tier(struct import *im, unsigned instrument, const struct record *r)
{
    struct instrument *s = &im->market.instrument[instrument];
    struct tier t = {0};
    uint64_t rate = 0;
    if (s->kind == INST_RESERVE)
        return import_error(im, r->line, "tiers do not apply to a reserve");
    if (s->n_tiers == TIERS_MAX)
        return import_error(im, r->line, "instrument %s: more than %d tiers", s->name, TIERS_MAX);
    if (get_decimal(im, r, "floor", true, s->cash_decimals, &t.floor) ||
        get_uint(im, r, "rate_ppm", true, MARKET_PPM - 1, &rate))
        return -1;
    t.rate_ppm = (uint32_t)rate;
    s->tier[s->n_tiers++] = t;
    return 0;
}

int import_emode(struct import *im, unsigned instrument, const struct record *r)
{
    struct instrument *s = &im->market.instrument[instrument];
    uint64_t id = 0, lt = 0, lb = 0;
    if (s->kind != INST_RESERVE)
        return import_error(im, r->line, "emodes does not apply to a perpetual");
    if (s->n_emodes == EMODES_MAX)
        return import_error(im, r->line, "instrument %s: more than %d further eMode categories", s->name,
                            EMODES_MAX);
    if (get_uint(im, r, "emode", true, UINT8_MAX, &id) || get_uint(im, r, "lt_bps", true, MARKET_BPS, &lt) ||
        get_uint(im, r, "lb_bps", true, LB_BPS_MAX, &lb))
        return -1;
    unsigned k = s->n_emodes++;
    for (; k > 0 && s->emodes[k - 1].id > id; k--)
        s->emodes[k] = s->emodes[k - 1];
    s->emodes[k] = (struct emode){.id = (uint8_t)id, .lt_bps = (uint16_t)lt, .lb_bps = (uint16_t)lb};
    return 0;
}

int import_instrument_end(struct import *im, unsigned instrument, unsigned line)
{
    struct err why;
    return instrument_check(&im->market, instrument, &why) ? import_error(im, line, "%s", why.msg) : 0;
}

// ---- scenarios
// ---------------------------------------------------------------------------------------------------

// The scenario of this name. One that the store has is replaced by the file's as a whole.
static int get_scenario(struct import *im, const struct record *r, unsigned *out)
{
    struct market *m = &im->market;
    char name[NAME_LEN];
    unsigned x = 0;
    if (get_symbol(im, r, "scenario", name))
        return -1;
    while (x < m->n_scenarios && strcmp(m->scenario[x].name, name) != 0)
        x++;
    if (x == SCENARIOS_MAX)
        return import_error(im, r->line, "more than %d scenarios", SCENARIOS_MAX);
    if (!im->scenario_line[x]) {
        m->scenario[x] = (struct scenario){0};
        memcpy(m->scenario[x].name, name, NAME_LEN);
        if (x == m->n_scenarios)
            m->n_scenarios++;
        im->scenario_line[x] = r->line;
    }
    *out = x;
    return 0;
}

int import_shock(struct import *im, const struct record *r)
{
    const char *name;
    i128 shock = 0;
    unsigned x = 0;
    if (get_scenario(im, r, &x) || get_text(im, r, "instrument", true, &name) ||
        get_decimal(im, r, "shock_ppm", true, 0, &shock))
        return -1;
    int i = market_instrument(&im->market, name);
    if (i < 0 || im->market.instrument[i].kind != INST_LINEAR)
        return import_error(im, r->line, "instrument: there is no linear perpetual '%.40s'", name);
    if (shock == 0 || shock < -MARKET_PPM || shock > MARKET_PPM)
        return import_error(im, r->line, "shock_ppm must be within %d, and not 0", MARKET_PPM);
    int32_t *at = &im->market.scenario[x].shock_ppm[i];
    if (*at)
        return import_error(im, r->line, "scenario %s shocks %s twice", im->market.scenario[x].name, name);
    *at = (int32_t)shock;
    return 0;
}
