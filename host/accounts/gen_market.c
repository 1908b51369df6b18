// SPDX-License-Identifier: Apache-2.0
// Parameters are of the size that Deribit (fees, maintenance of inverse perpetuals), Binance (shape of the
// tier tables) and Aave (thresholds, bonuses) publish; they are data for tests and demonstrations, not a copy
// of any venue's current table. Fee and penalty together stay below the lowest maintenance rate, else a
// partial liquidation would never improve an account's health.
#include "accounts/gen_market.h"

#include <stdio.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/reciprocal.h"
#include "accounts/rules/rule.h"

enum {
    MARK_DECIMALS = 9,
    MARK_DECIMALS_SMALL = 12, // coins below a tenth of a cent
    INDEX_DECIMALS = 8,
    RECIPROCAL_DECIMALS = 18, // at most
    PRICE_DECIMALS = 12,      // of gen_price
    STALE_MS = 60000,
    STALE_MS_DOLLAR = 24 * 3600 * 1000, // a dollar coin's index moves rarely
    CASH_DECIMALS_QUOTE = 6,
    CASH_DECIMALS_COIN = 8,
    FEE_PPM = 500,
    PENALTY_PPM = 2500,
    RESERVE_FEE_BPS = 1000,
    FUNDING_HOURS = 8,
    SPREAD_PPM_DOLLAR = 50000, // a dollar coin's boxes beside another asset's
};

#define E12(units) (INT64_C(1000000) * 1000000 * (units))

static const struct gen_price DEFAULT_PRICES[] = {
    {"BTC-PERPETUAL", GEN_INVERSE, E12(64000)},
    {"ETH-PERPETUAL", GEN_INVERSE, E12(3200)},
    {"BTC_USDC-PERPETUAL", GEN_LINEAR, E12(64000)},
    {"ETH_USDC-PERPETUAL", GEN_LINEAR, E12(3200)},
    {"SOL_USDC-PERPETUAL", GEN_LINEAR, E12(150)},
    {"XRP_USDC-PERPETUAL", GEN_LINEAR, E12(52) / 100},
    {"DOGE_USDC-PERPETUAL", GEN_LINEAR, E12(12) / 100},
    {"PEPE_USDC-PERPETUAL", GEN_LINEAR, E12(11) / 1000000},
    {"btc_usd", GEN_INDEX, E12(64000)},
    {"eth_usd", GEN_INDEX, E12(3200)},
    {"sol_usdc", GEN_INDEX, E12(150)},
    {"usdc_usd", GEN_INDEX, E12(1)},
};

const struct gen_price *gen_default_prices(size_t *n)
{
    *n = sizeof DEFAULT_PRICES / sizeof *DEFAULT_PRICES;
    return DEFAULT_PRICES;
}

// Maintenance tables: floors in whole units of the settlement currency.
struct tier_row {
    uint32_t floor, rate_ppm;
};
enum { TABLE_ROWS = 6 };
struct tier_table {
    const char *coins; // blank-separated, "" for all others
    uint8_t kind;
    struct tier_row row[TABLE_ROWS];
    unsigned n;
};
static const struct tier_table TIER_TABLES[] = {
    {" BTC ETH ",
     INST_LINEAR,
     {{0, 10000}, {300000, 12500}, {800000, 15000}, {3000000, 20000}, {12000000, 30000}, {70000000, 50000}},
     6},
    {" SOL XRP ",
     INST_LINEAR,
     {{0, 15000}, {100000, 20000}, {500000, 30000}, {2000000, 50000}, {10000000, 100000}},
     5},
    {"", INST_LINEAR, {{0, 20000}, {50000, 25000}, {250000, 50000}, {1000000, 100000}}, 4},
    {" BTC ", INST_INVERSE, {{0, 10000}, {25, 12500}, {100, 20000}, {250, 30000}, {500, 50000}}, 5},
    {"", INST_INVERSE, {{0, 10000}, {500, 13000}, {1250, 20000}, {2500, 30000}, {5000, 50000}}, 5},
};

// "BTC" of "BTC-PERPETUAL" and of "BTC_USDC-PERPETUAL", with blanks around it.
static void coin_of(const char *name, char out[NAME_LEN + 2])
{
    size_t n = strcspn(name, "-_");
    (void)snprintf(out, NAME_LEN + 2, " %.*s ", (int)n, name);
}

// Settlement currency by the venue's way of naming: the coin of an inverse perpetual ("BTC-PERPETUAL"), the
// quote of a linear one ("BTC_USDC-PERPETUAL"), USDC where it names none.
static int set_currency(struct instrument *s, struct err *e)
{
    const char *name = s->name, *quote = strrchr(name, '_');
    if (s->kind == INST_LINEAR)
        name = quote ? quote + 1 : "USDC";
    size_t n = strcspn(name, "-_");
    if (n < CURRENCY_LEN)
        memcpy(s->currency, name, n);
    return name_is_currency(s->currency)
               ? 0
               : err_set(e, "%s: '%.*s' is no settlement currency: 1 to %d upper-case letters or digits",
                         s->name, (int)n, name, CURRENCY_LEN - 1);
}

static void set_tiers(struct instrument *s)
{
    char coin[NAME_LEN + 2];
    coin_of(s->name, coin);
    const struct tier_table *t = TIER_TABLES;
    while (t->kind != s->kind || (*t->coins && !strstr(t->coins, coin)))
        t++; // the last table of a kind takes all
    i128 unit = 1;
    for (unsigned i = 0; i < s->cash_decimals; i++)
        unit *= 10;
    s->n_tiers = (uint16_t)t->n;
    for (unsigned k = 0; k < t->n; k++)
        s->tier[k] = (struct tier){unit * t->row[k].floor, t->row[k].rate_ppm};
}

struct reserve_row {
    const char *index; // blank-separated names
    const char *name;
    uint8_t decimals;
    uint16_t lt, lb;
    uint16_t emode_lt, emode_lb;                 // 0: not collateral of the eMode category
    uint32_t supply_growth_ppm, debt_growth_ppm; // what the indexes have grown since 1
    uint32_t supply_rate_ppm, debt_rate_ppm;     // a year's interest, when asked for
};
static const struct reserve_row RESERVES[] = {
    {" btc_usd ", "WBTC", 8, 7800, 10500, 0, 0, 2437, 9176, 300, 2400},
    {" eth_usd ", "WETH", 18, 8300, 10500, 9000, 10300, 41733, 62518, 18200, 24600},
    {" sol_usdc sol_usd ", "SOL", 9, 7500, 10750, 0, 0, 13981, 38204, 21000, 58000},
    {" usdc_usd ", "USDC", 6, 7800, 10450, 0, 0, 128447, 191035, 48300, 61500},
};

static const struct reserve_row *reserve_of(const char *index)
{
    char key[NAME_LEN + 2];
    (void)snprintf(key, sizeof key, " %s ", index);
    for (size_t i = 0; i < sizeof RESERVES / sizeof *RESERVES; i++)
        if (strstr(RESERVES[i].index, key))
            return &RESERVES[i];
    return NULL;
}

bool gen_is_stable(const struct asset *a)
{
    return strcmp(a->source, "usdc_usd") == 0;
}

// Quanta of a start price, rounded half up.
static int64_t to_quanta(int64_t price_e12, unsigned decimals)
{
    i128 v = price_e12;
    for (unsigned i = decimals; i < PRICE_DECIMALS; i++)
        v = i + 1 == PRICE_DECIMALS ? (v + 5) / 10 : v / 10;
    return (int64_t)v;
}

static int add_asset(struct market *m, int64_t *px, struct asset a, int64_t price, struct err *e)
{
    if (m->n_assets == MARKET_ASSETS_MAX)
        return err_set(e, "more than %d assets", MARKET_ASSETS_MAX);
    if (price <= 0)
        return err_set(e, "price of %s is too small for %u decimals", a.name, a.decimals);
    px[m->n_assets] = price;
    m->asset[m->n_assets++] = a;
    return m->n_assets - 1;
}

// Sizes whose quantum is worth at most ten units of quote currency.
static uint8_t size_decimals(int64_t price_e12)
{
    uint8_t d = 0;
    for (int64_t quantum = price_e12; quantum > E12(10); quantum /= 10)
        d++;
    return d;
}

// As many decimals as leave the reciprocal a factor of a thousand below what 64 bits hold: a price that falls
// that far within a run would leave the column without a value.
static uint8_t reciprocal_decimals(int64_t price, unsigned dec_p)
{
    unsigned d = RECIPROCAL_DECIMALS;
    while (d > 0 &&
           (reciprocal_price(price, dec_p, d) == 0 || reciprocal_price(price, dec_p, d) > INT64_MAX / 1000))
        d--;
    return (uint8_t)d;
}

// Longs pay a hundredth of a per cent of the notional in eight hours, at the start price.
static void set_funding(const struct gen_price *p, uint64_t told_at, struct instrument *s)
{
    const i128 e12 = E12(1), parts = (i128)10000 * FUNDING_HOURS * 3600;
    i128 rate = s->kind == INST_LINEAR ? p->price_e12 * (i128)1000000 / parts
                                       : e12 * e12 * 1000000 / p->price_e12 / parts;
    s->told_at = told_at;
    s->funding_rate = rate < INT64_MAX ? (int64_t)rate : INT64_MAX;
}

static int add_perp(const struct gen_options *o, const struct gen_price *p, struct market *m, int64_t *px,
                    struct err *e)
{
    struct asset a = {
        .kind = ASSET_MARK, .stale_ms = STALE_MS, .guard_ppm = o->guard_ppm, .spread_ppm = MARKET_PPM};
    a.decimals = p->price_e12 < E12(1) / 1000 ? MARK_DECIMALS_SMALL : MARK_DECIMALS;
    memcpy(a.name, p->name, NAME_LEN);
    memcpy(a.source, p->name, NAME_LEN);
    int asset = add_asset(m, px, a, to_quanta(p->price_e12, a.decimals), e);
    if (asset < 0)
        return -1;
    struct instrument s = {.kind = p->kind == GEN_INVERSE ? INST_INVERSE : INST_LINEAR,
                           .asset = (uint16_t)asset,
                           .fee_ppm = FEE_PPM,
                           .penalty_ppm = PENALTY_PPM};
    memcpy(s.name, p->name, NAME_LEN);
    if (set_currency(&s, e))
        return -1;
    if (s.kind == INST_INVERSE) {
        struct asset r = {.kind = ASSET_RECIPROCAL,
                          .decimals = reciprocal_decimals(px[asset], a.decimals),
                          .base = (uint16_t)asset,
                          .stale_ms = STALE_MS,
                          .spread_ppm = MARKET_PPM};
        if (snprintf(r.name, sizeof r.name, "1/%s", p->name) >= (int)sizeof r.name)
            return err_set(e, "instrument name %s is too long", p->name);
        int inverse = add_asset(m, px, r, reciprocal_price(px[asset], a.decimals, r.decimals), e);
        if (inverse < 0)
            return -1;
        s.inverse = (uint16_t)inverse;
    }
    if (o->rates_at)
        set_funding(p, o->rates_at, &s);
    s.cash_decimals = s.kind == INST_INVERSE ? CASH_DECIMALS_COIN : CASH_DECIMALS_QUOTE;
    s.size_decimals = s.kind == INST_INVERSE ? 0 : size_decimals(p->price_e12);
    set_tiers(&s);
    const struct rule *rule = o->perp && s.kind == INST_LINEAR ? rule_find(o->perp) : NULL;
    if (rule && rule->trading)
        rule->trading->terms(&s);
    else if (rule && rule->borrowing && rule->borrowing->terms)
        rule->borrowing->terms(&s);
    m->instrument[m->n_instruments++] = s;
    return 0;
}

static int add_reserve(const struct gen_options *o, const struct gen_price *p, struct market *m, int64_t *px,
                       struct err *e)
{
    const struct reserve_row *r = reserve_of(p->name);
    if (!r || market_instrument(m, r->name) >= 0)
        return 0;
    struct asset a = {
        .kind = ASSET_INDEX, .decimals = INDEX_DECIMALS, .stale_ms = STALE_MS, .spread_ppm = MARKET_PPM};
    memcpy(a.name, p->name, NAME_LEN);
    memcpy(a.source, p->name, NAME_LEN);
    if (gen_is_stable(&a)) {
        a.stale_ms = STALE_MS_DOLLAR;
        a.spread_ppm = SPREAD_PPM_DOLLAR;
    }
    int asset = add_asset(m, px, a, to_quanta(p->price_e12, a.decimals), e);
    if (asset < 0)
        return -1;
    const u128 ray_ppm = (u128)1000000000000000000ull * 1000; // RAY / 1e6
    struct instrument s = {.kind = INST_RESERVE,
                           .size_decimals = r->decimals,
                           .asset = (uint16_t)asset,
                           .lt_bps = r->lt,
                           .lb_bps = r->lb,
                           .fee_bps = RESERVE_FEE_BPS,
                           .emode = r->emode_lt ? GEN_EMODE : 0,
                           .emode_lt_bps = r->emode_lt,
                           .emode_lb_bps = r->emode_lb,
                           .liquidity_index = ray_ppm * (MARKET_PPM + r->supply_growth_ppm),
                           .borrow_index = ray_ppm * (MARKET_PPM + r->debt_growth_ppm)};
    const struct rule *rule = o->lending ? rule_find(o->lending) : NULL;
    if (o->perp && rule_find(o->perp) && rule_find(o->perp)->borrowing)
        rule = rule_find(o->perp); // its accounts have reserves too
    (void)snprintf(s.name, sizeof s.name, "%s", r->name);
    if (rule && rule->borrowing && rule->borrowing->terms) {
        rule->borrowing->terms(&s);
        if (rule->borrowing->totals)
            rule->borrowing->totals(&s, px[asset]);
    } else if (o->rates_at) {
        s.told_at = o->rates_at;
        s.liquidity_rate = ray_ppm * r->supply_rate_ppm;
        s.borrow_rate = ray_ppm * r->debt_rate_ppm;
    }
    m->instrument[m->n_instruments++] = s;
    return 0;
}

static const double FX_ONES = 0x1p96;

double gen_supply_unit(const struct instrument *s)
{
    double one = 1e18, ray = 1e27;
    u128 rate = term_get(&s->terms, TERM_EXCHANGE_RATE);
    if (term_get(&s->terms, TERM_DEPOSIT_INDEX_FX)) // both in I80F48
        return (double)term_get(&s->terms, TERM_DEPOSIT_INDEX_FX) / FX_ONES;
    u128 shares = term_get(&s->terms, TERM_VAULT_SHARES);
    if (shares)
        return (double)term_get(&s->terms, TERM_VAULT_ASSETS) / (double)shares;
    return rate ? (double)rate / one : (double)s->liquidity_index / ray;
}

double gen_debt_unit(const struct instrument *s)
{
    double ray = 1e27;
    u128 shares = term_get(&s->terms, TERM_BORROW_SHARES);
    if (term_get(&s->terms, TERM_BORROW_INDEX_FX))
        return (double)term_get(&s->terms, TERM_BORROW_INDEX_FX) / FX_ONES;
    return shares ? (double)term_get(&s->terms, TERM_BORROW_ASSETS) / (double)shares
                  : (double)s->borrow_index / ray;
}

int gen_market(const struct gen_options *o, struct market *m, int64_t px[MARKET_ASSETS_MAX], struct err *e)
{
    size_t n = o->n_prices;
    const struct gen_price *p = o->prices ? o->prices : gen_default_prices(&n);
    memset(m, 0, sizeof *m);
    for (size_t i = 0; i < n; i++) {
        if (!name_is_symbol(p[i].name) || p[i].kind < GEN_LINEAR || p[i].kind > GEN_INDEX ||
            p[i].price_e12 <= 0)
            return err_set(e, "start price %zu: needs a name, a kind and a price above 0", i + 1);
        if (m->n_instruments == MARKET_INSTRUMENTS_MAX)
            return err_set(e, "more than %d instruments", MARKET_INSTRUMENTS_MAX);
        if (p[i].kind == GEN_INDEX ? add_reserve(o, &p[i], m, px, e) : add_perp(o, &p[i], m, px, e))
            return -1;
    }
    return market_check(m, e);
}
