// SPDX-License-Identifier: Apache-2.0
// How an account comes about: positions are drawn first, then the one free quantity (cash of a perpetual
// account, the size of a borrower's debts) is found by bisection with the rule's own exact health, so that
// the account's distance to liquidation is what was drawn for it, whatever the rule's arithmetic is. Doubles
// draw sizes only. They use + - * / alone, which IEEE 754 fixes to the bit; libm differs between platforms.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/gen_draw.h"
#include "accounts/gen_market.h"
#include "accounts/gen_quote.h"
#include "accounts/reciprocal.h"
#include "accounts/rules/rule.h"
#include "base/prng.h"

enum {
    WEIGHT_LINEAR = 60,
    WEIGHT_INVERSE = 20,
    WEIGHT_LENDING = 20,
    POSITIONS_MAX = 5,
    LONG_PERCENT = 65,  // the crowd is long more often than short
    ALONG_PERCENT = 80, // positions that go with their account's direction
    MARGIN_PPM = 300,   // healthy within this distance of the start
    BASE_MM_PPM = 10000,
    EMODE_PERCENT = 40,
    SHAPE_COIN = 60, // per cent of borrowers that have coins against dollars
    BISECT_STEPS = 127,
    CASH_PROBE_BITS = 40, // cash that shows how health rises with it
    DEBT_GUESS = 2,       // of 2^32
};
static const double CASH_GUESS_MAX = 1e36;
static const double NEAR_LO = 0.0005,
                    NEAR_HI = 0.03;               // market move that liquidates an account of the near share
static const double FAR_LO = 0.03, FAR_HI = 0.60; // and a borrower of the rest
static const double LEAST_PRICE = 0.001;          // where prices have six decimals
static const double LEVERAGE_MAX = 40, ENTRY_SPREAD = 0.08;
static const double NOTIONAL_MEDIAN = 30000, NOTIONAL_MIN = 300, NOTIONAL_MAX = 10e6;
static const double NOTIONAL_SPREAD = 1.8; // doublings in a standard deviation

struct book_gen {
    struct gen_options o; // without the prices, which are the caller's
    struct prng rng;
    struct market market;
    const struct market *m; // &market
    uint32_t made;
    const struct rule *linear, *inverse, *lending;
    uint16_t of_kind[INST_RESERVE + 1][MARKET_INSTRUMENTS_MAX];
    unsigned n_of_kind[INST_RESERVE + 1];
    int dollar; // the reserve of a dollar coin, or -1
    struct log_range near, far, leverage;
    int64_t px[MARKET_ASSETS_MAX];
    int64_t lo[MARKET_ASSETS_MAX], hi[MARKET_ASSETS_MAX]; // start less and plus MARGIN_PPM
};

// ---- numbers
// -------------------------------------------------------------------------------------------------

static double draw_notional(struct prng *r)
{
    double v = NOTIONAL_MEDIAN * exp2_exact_steps(NOTIONAL_SPREAD * draw_normal(r));
    return v < NOTIONAL_MIN ? NOTIONAL_MIN : v > NOTIONAL_MAX ? NOTIONAL_MAX : v;
}

static double pow10_of(unsigned n)
{
    double v = 1;
    while (n--)
        v *= 10;
    return v;
}

// Price of an instrument in units of quote currency.
static double price_of(const struct book_gen *g, const struct instrument *s)
{
    return (double)g->px[s->asset] / pow10_of(g->m->asset[s->asset].decimals);
}

// ---- moved prices
// --------------------------------------------------------------------------------------------

// All prices but those of dollar coins moved by `move` (-0.02: down 2 %).
static void move_all(const struct book_gen *g, double move, int64_t *out)
{
    for (unsigned i = 0; i < g->m->n_assets; i++) {
        const struct asset *a = &g->m->asset[i];
        if (a->kind == ASSET_RECIPROCAL)
            continue;
        out[i] = gen_is_stable(a) ? g->px[i] : (int64_t)((double)g->px[i] * (1 + move));
        out[i] = out[i] < 1 ? 1 : out[i];
    }
    for (unsigned i = 0; i < g->m->n_assets; i++) {
        const struct asset *a = &g->m->asset[i];
        if (a->kind == ASSET_RECIPROCAL)
            out[i] = reciprocal_price(out[a->base], g->m->asset[a->base].decimals, a->decimals);
    }
}

static bool healthy_at(const struct book_gen *g, const struct account *a, const int64_t *px)
{
    struct health h;
    struct account copy;
    a->rule->health(g->m, gen_quoted(g->m, g->dollar, a, &copy), px, &h);
    return !h.liquidatable;
}

static bool healthy_around_start(const struct book_gen *g, const struct account *a)
{
    return healthy_at(g, a, g->px) && healthy_at(g, a, g->lo) && healthy_at(g, a, g->hi);
}

// Equity less requirement grows when the market falls?
static bool gains_from_fall(const struct book_gen *g, const struct account *a)
{
    struct health lo, hi;
    struct account copy;
    a = gen_quoted(g->m, g->dollar, a, &copy);
    a->rule->health(g->m, a, g->lo, &lo);
    a->rule->health(g->m, a, g->hi, &hi);
    return i256_cmp(i256_sub(lo.equity, lo.requirement), i256_sub(hi.equity, hi.requirement)) > 0;
}

// ---- perpetuals
// ----------------------------------------------------------------------------------------------

// n of the `of` first entries of `list`, ascending.
static void draw_subset(struct prng *r, const uint16_t *list, unsigned of, unsigned n, uint16_t *out)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < of && taken < n; i++)
        if (prng_below(r, of - i) < n - taken) // exactly n, each subset equally likely
            out[taken++] = list[i];
}

// Equity less requirement, in quanta of the rule; for estimates only.
static double surplus(const struct book_gen *g, const struct account *a, const int64_t *px)
{
    struct health h;
    struct account copy;
    a->rule->health(g->m, gen_quoted(g->m, g->dollar, a, &copy), px, &h);
    return i256_to_double(i256_sub(h.equity, h.requirement));
}

// Smallest cash at which the account is healthy at px. Health rises with cash by definition of every rule, so
// there is one, and where the search begins, at a value that doubles give, changes its length only.
static i128 least_cash(const struct book_gen *g, struct account *a, const int64_t *px)
{
    a->cash = 0;
    double at0 = surplus(g, a, px);
    a->cash = (i128)1 << CASH_PROBE_BITS;
    double slope = (surplus(g, a, px) - at0) / (double)a->cash, guess = slope > 0 ? -at0 / slope : 0;
    a->cash = guess > -CASH_GUESS_MAX && guess < CASH_GUESS_MAX ? (i128)guess : 0;
    bool up = !healthy_at(g, a, px);
    i128 last, step = 1;
    do { // in growing steps to the other side
        last = a->cash;
        a->cash += up ? step : -step;
        step *= 2;
    } while (healthy_at(g, a, px) != up);
    i128 lo = up ? last : a->cash, hi = up ? a->cash : last;
    for (unsigned i = 0; i < BISECT_STEPS && hi - lo > 1; i++) {
        a->cash = lo + (hi - lo) / 2;
        if (healthy_at(g, a, px))
            hi = a->cash;
        else
            lo = a->cash;
    }
    return hi;
}

static void draw_perp_position(struct book_gen *g, struct position *p, double notional, bool is_long)
{
    const struct instrument *s = &g->m->instrument[p->instrument];
    double price = price_of(g, s);
    double units = s->kind == INST_LINEAR ? notional / price : notional;
    double quanta = units * pow10_of(s->size_decimals);
    p->size = quanta < 1 ? 1 : (i128)quanta;
    if (!is_long)
        p->size = -p->size;
    double entry = (double)g->px[s->asset] * (1 + ENTRY_SPREAD * (2 * prng_unit(&g->rng) - 1));
    p->entry = entry < 1 ? 1 : (int64_t)entry;
}

// Notional of the whole account in cash quanta.
static double gross_cash(const struct book_gen *g, const struct account *a)
{
    double sum = 0;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct instrument *s = &g->m->instrument[a->position[i].instrument];
        double units = (double)a->position[i].size / pow10_of(s->size_decimals);
        units = units < 0 ? -units : units;
        sum += s->kind == INST_LINEAR ? units * price_of(g, s) : units / price_of(g, s);
    }
    return sum * pow10_of(a->cash_decimals);
}

static void draw_cash(struct book_gen *g, struct account *a, bool near_threshold)
{
    double gross = gross_cash(g, a);
    int64_t moved[MARKET_ASSETS_MAX] = {0};
    if (near_threshold) {
        double d = draw_log_uniform(&g->rng, &g->near);
        move_all(g, gains_from_fall(g, a) ? d : -d, moved);
        a->cash = least_cash(g, a, moved);
    } else {
        double leverage = draw_log_uniform(&g->rng, &g->leverage);
        double over = 1 / leverage - (double)BASE_MM_PPM / MARKET_PPM; // least_cash covers the maintenance
        a->cash = least_cash(g, a, g->px) + (i128)(gross * (over > 0 ? over : 0));
    }
    // Holds already where health is concave along the move, but for a rule's rounding: the promise must not
    // rest on it.
    i128 step = (i128)(gross / 400) + 1;
    while (!healthy_around_start(g, a))
        a->cash += step;
}

// One account has one settlement currency, drawn with its instruments' weight: fills `list` with those that
// settle in it and returns how many. Nothing is drawn where there is but one currency.
static unsigned draw_currency(struct book_gen *g, uint8_t kind, uint16_t *list)
{
    const uint16_t *all = g->of_kind[kind];
    unsigned of = g->n_of_kind[kind], n = 0;
    const char *currency = g->m->instrument[all[0]].currency;
    bool several = false;
    for (unsigned i = 1; i < of; i++)
        several = several || strcmp(g->m->instrument[all[i]].currency, currency) != 0;
    if (several)
        currency = g->m->instrument[all[prng_below(&g->rng, of)]].currency;
    for (unsigned i = 0; i < of; i++)
        if (strcmp(g->m->instrument[all[i]].currency, currency) == 0)
            list[n++] = all[i];
    return n;
}

// A third of those who may have some coin beside their margin, a tenth of their notional.
static void draw_deposit(struct book_gen *g, struct account *a, double notional)
{
    const uint16_t *all = g->of_kind[INST_RESERVE];
    uint16_t i = all[prng_below(&g->rng, g->n_of_kind[INST_RESERVE])];
    const struct instrument *s = &g->m->instrument[i];
    double quanta = notional / 10 / price_of(g, s) * pow10_of(s->size_decimals);
    if (a->rule->uses & USE_BITS)
        quanta /= gen_supply_unit(s);
    if (prng_chance(&g->rng, 1, 3) && i != g->dollar && quanta >= 1)
        gen_deposit(a, i, (i128)quanta);
}

static void make_perp(struct book_gen *g, struct account *a, uint8_t kind, bool near_threshold)
{
    uint16_t list[MARKET_INSTRUMENTS_MAX];
    unsigned of = draw_currency(g, kind, list);
    unsigned most = of < POSITIONS_MAX ? of : POSITIONS_MAX;
    unsigned n = 1 + (unsigned)prng_below(&g->rng, most);
    uint16_t pick[POSITIONS_MAX];
    double weight[POSITIONS_MAX], sum = 0;
    draw_subset(&g->rng, list, of, n, pick);
    for (unsigned i = 0; i < n; i++)
        sum += weight[i] = 0.2 + prng_unit(&g->rng);
    double notional = draw_notional(&g->rng);
    bool is_long = prng_chance(&g->rng, LONG_PERCENT, 100);
    a->rule = kind == INST_LINEAR ? g->linear : g->inverse;
    memcpy(a->currency, g->m->instrument[pick[0]].currency, sizeof a->currency);
    a->cash_decimals = g->m->instrument[pick[0]].cash_decimals;
    a->n_positions = (uint16_t)n;
    for (unsigned i = 0; i < n; i++) {
        a->position[i].instrument = pick[i];
        draw_perp_position(g, &a->position[i], notional * weight[i] / sum,
                           prng_chance(&g->rng, ALONG_PERCENT, 100) ? is_long : !is_long);
    }
    if (a->rule->uses & USE_QUOTE)
        draw_deposit(g, a, notional);
    draw_cash(g, a, near_threshold);
    struct account copy;
    if (gen_quoted(g->m, g->dollar, a, &copy) == &copy)
        *a = copy;
}

// ---- lending
// -------------------------------------------------------------------------------------------------

// What counts `value` units of account of a reserve, `each` token units of them each.
static i128 scaled_balance(const struct book_gen *g, const struct instrument *s, double value, double each)
{
    double tokens = value / price_of(g, s);
    return (i128)(tokens * pow10_of(s->size_decimals) / each);
}

static const uint64_t DEBT_ALL = UINT64_C(1) << 32; // debts worth all the collateral

struct loan {
    bool collateral[MARKET_INSTRUMENTS_MAX], debt[MARKET_INSTRUMENTS_MAX]; // by instrument
};

// Leaves `most` of the reserves drawn (0: all), `first` before others.
static void keep_most(bool *drawn, unsigned most, uint16_t first)
{
    unsigned kept = drawn[first];
    for (unsigned i = 0; most != 0 && i < MARKET_INSTRUMENTS_MAX; i++) {
        if (!drawn[i] || i == first)
            continue;
        drawn[i] = kept < most;
        kept += drawn[i];
    }
}

// Which reserves are supplied and which borrowed: coin against dollars, dollars against a coin, coin against
// coin.
static void draw_loan(struct book_gen *g, struct loan *l)
{
    const uint16_t *all = g->of_kind[INST_RESERVE];
    uint16_t coin[MARKET_INSTRUMENTS_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < g->n_of_kind[INST_RESERVE]; i++)
        if (all[i] != g->dollar)
            coin[n++] = all[i];
    for (unsigned i = n; i > 1; i--) { // Fisher-Yates
        unsigned j = (unsigned)prng_below(&g->rng, i);
        uint16_t t = coin[i - 1];
        coin[i - 1] = coin[j];
        coin[j] = t;
    }
    memset(l, 0, sizeof *l);
    uint64_t shape = prng_below(&g->rng, g->lending->borrowing->dollars ? SHAPE_COIN : 100);
    if (g->dollar < 0 ||
        (n >= 2 && shape >= 85)) { // coin against coin (accounts_generate saw to two reserves)
        l->collateral[coin[0]] = true;
        l->debt[coin[1]] = true;
        if (g->dollar >= 0)
            l->collateral[g->dollar] = prng_chance(&g->rng, 1, 2);
    } else if (shape < SHAPE_COIN) {
        l->collateral[coin[0]] = true;
        l->debt[g->dollar] = true;
        if (n >= 2 && prng_chance(&g->rng, 1, 3))
            l->collateral[coin[1]] = true;
        if (n >= 3 && prng_chance(&g->rng, 1, 6))
            l->debt[coin[2]] = true;
    } else {
        l->collateral[g->dollar] = true;
        l->debt[coin[0]] = true;
        if (n >= 2 && prng_chance(&g->rng, 1, 4))
            l->debt[coin[1]] = true;
    }
    keep_most(l->debt, g->lending->borrowing->debts,
              g->lending->borrowing->dollars ? (uint16_t)g->dollar : coin[0]);
    keep_most(l->collateral, g->lending->borrowing->collaterals, coin[0]);
}

// The move that hurts this borrower: its coins fall, or where it has supplied none, the coins it owes rise.
static void move_against(const struct book_gen *g, const struct loan *l, double d, int64_t *out)
{
    bool has_coin = false;
    memcpy(out, g->px, sizeof g->px);
    for (unsigned i = 0; i < g->m->n_instruments; i++)
        has_coin = has_coin || (l->collateral[i] && (int)i != g->dollar);
    for (unsigned i = 0; i < g->m->n_instruments; i++) {
        uint16_t asset = g->m->instrument[i].asset;
        if (has_coin && l->collateral[i] && (int)i != g->dollar)
            out[asset] = (int64_t)((double)g->px[asset] * (1 - d));
        if (!has_coin && l->debt[i])
            out[asset] = (int64_t)((double)g->px[asset] * (1 + d));
    }
}

// Debts at fraction t / 2^32 of the collateral's value, in the proportions drawn.
static void set_debts(struct account *a, const i128 *full, uint64_t t)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        a->position[i].debt = (i128)(((u128)full[i] >> 32) * t + ((((u128)full[i] & UINT32_MAX) * t) >> 32));
}

// Where health ends at px with debts that grow, going by a straight line; at most `most`.
static double debt_line(const struct book_gen *g, struct account *a, const i128 *full, const int64_t *px,
                        double most)
{
    set_debts(a, full, 0);
    double none = surplus(g, a, px);
    set_debts(a, full, DEBT_ALL);
    double end = none / (none - surplus(g, a, px)) * (double)DEBT_ALL;
    return end > 0 && end < most ? end : most;
}

static bool healthy_with(const struct book_gen *g, struct account *a, const i128 *full, uint64_t t,
                         const int64_t *moved)
{
    set_debts(a, full, t);
    return healthy_at(g, a, moved) && healthy_around_start(g, a);
}

// The largest t with which the account is healthy. As with least_cash there is one, and the guess changes
// nothing.
static uint64_t most_debts(const struct book_gen *g, struct account *a, const i128 *full,
                           const int64_t *moved)
{
    uint64_t lo = 0, hi = DEBT_ALL; // healthy without debts, not with debts worth all the collateral
    double guess = debt_line(g, a, full, moved, (double)DEBT_ALL);
    guess = debt_line(g, a, full, g->lo, guess);
    guess = debt_line(g, a, full, g->hi, guess);
    uint64_t t = (uint64_t)guess;
    for (uint64_t d = DEBT_GUESS; d < DEBT_ALL && hi - lo > d; d *= 8) {
        if (t > lo + d && healthy_with(g, a, full, t - d, moved))
            lo = t - d;
        if (t + d < hi && !healthy_with(g, a, full, t + d, moved))
            hi = t + d;
    }
    while (hi - lo > 1) {
        uint64_t mid = lo + (hi - lo) / 2;
        if (healthy_with(g, a, full, mid, moved))
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

static void draw_debts(struct book_gen *g, struct account *a, const struct loan *l, const i128 *full,
                       bool near_threshold)
{
    int64_t moved[MARKET_ASSETS_MAX];
    double d = near_threshold ? draw_log_uniform(&g->rng, &g->near) : draw_log_uniform(&g->rng, &g->far);
    move_against(g, l, d, moved);
    set_debts(a, full, most_debts(g, a, full, moved));
}

static void make_lending(struct book_gen *g, struct account *a, bool near_threshold)
{
    struct loan l;
    i128 full[ACCOUNT_POSITIONS_MAX] = {0};
    double value = draw_notional(&g->rng);
    draw_loan(g, &l);
    unsigned n_coll = 0, n_debt = 0;
    bool emode = g->lending->borrowing->emodes;
    for (unsigned i = 0; i < g->m->n_instruments; i++) {
        n_coll += l.collateral[i];
        n_debt += l.debt[i];
        emode = emode && (!l.collateral[i] || g->m->instrument[i].emode == GEN_EMODE);
    }
    a->rule = g->lending;
    a->emode = emode && prng_chance(&g->rng, EMODE_PERCENT, 100) ? GEN_EMODE : 0;
    for (uint16_t i = 0; i < g->m->n_instruments; i++) {
        const struct instrument *s = &g->m->instrument[i];
        if (!l.collateral[i] && !l.debt[i])
            continue;
        struct position *p = &a->position[a->n_positions];
        p->instrument = i;
        p->collateral = l.collateral[i];
        if (l.collateral[i])
            p->supply = scaled_balance(g, s, value / n_coll, gen_supply_unit(s));
        if (l.debt[i])
            full[a->n_positions] = scaled_balance(g, s, value / n_debt, gen_debt_unit(s));
        a->n_positions++;
    }
    draw_debts(g, a, &l, full, near_threshold);
}

// ---- the book
// ------------------------------------------------------------------------------------------------

static int gen_setup(struct book_gen *g, const struct gen_options *o, struct err *e)
{
    struct market *m = &g->market;
    g->o = *o;
    g->o.prices = NULL;
    g->m = m;
    prng_seed(&g->rng, o->seed);
    g->near = log_range(NEAR_LO, NEAR_HI);
    g->far = log_range(FAR_LO, FAR_HI);
    g->leverage = log_range(1, LEVERAGE_MAX);
    if (o->near_ppm > MARKET_PPM)
        return err_set(e, "share near the threshold must be at most %d ppm", MARKET_PPM);
    g->linear = rule_find(o->perp ? o->perp : "perp-linear-1");
    g->inverse = rule_find("perp-inverse-1");
    g->lending = rule_find(o->lending ? o->lending : "aave-3.5");
    if (!g->lending || !g->lending->borrowing)
        return err_set(e, "%s is not a rule for lending", o->lending);
    if (!rule_linear(g->linear))
        return err_set(e, "%s is not a rule for linear perpetuals", o->perp);
    if (o->perp && o->lending && g->linear != g->lending && g->linear->borrowing)
        return err_set(e, "%s has reserves of its own: --lending must name it too, or be left out", o->perp);
    if (gen_market(o, m, g->px, e))
        return -1;
    if (g->linear->borrowing)
        g->lending = g->linear; // reserves are as this rule reads them
    g->dollar = -1;
    for (uint16_t i = 0; i < m->n_instruments; i++) {
        uint8_t kind = m->instrument[i].kind;
        if (kind == INST_LINEAR && (g->linear->uses & USE_QUOTE) &&
            (price_of(g, &m->instrument[i]) < LEAST_PRICE ||
             market_instrument(m, m->instrument[i].currency) < 0))
            continue; // such protocols list a million of these as one, and settle in a reserve
        g->of_kind[kind][g->n_of_kind[kind]++] = i;
        if (kind == INST_RESERVE && gen_is_stable(&m->asset[m->instrument[i].asset]))
            g->dollar = i;
    }
    if (g->linear->borrowing && g->dollar < 0)
        return err_set(e, "%s needs the price of its quote's reserve: usdc_usd", o->perp);
    if (g->lending->borrowing->dollars && g->n_of_kind[INST_RESERVE] >= 2 && g->dollar < 0)
        return err_set(e, "%s lends dollars: give the price of usdc_usd", o->lending);
    move_all(g, -(double)MARGIN_PPM / MARKET_PPM, g->lo);
    move_all(g, (double)MARGIN_PPM / MARKET_PPM, g->hi);
    if (!g->n_of_kind[INST_LINEAR] && !g->n_of_kind[INST_INVERSE] && g->n_of_kind[INST_RESERVE] < 2)
        return err_set(
            e,
            "no account can be made: give the price of a perpetual, or of two of btc_usd, eth_usd, sol_usdc,"
            " usdc_usd");
    return 0;
}

static void make_account(struct book_gen *g, struct account *a, uint32_t id)
{
    unsigned linear = g->linear && g->n_of_kind[INST_LINEAR] ? WEIGHT_LINEAR : 0;
    unsigned inverse = g->inverse && g->n_of_kind[INST_INVERSE] ? WEIGHT_INVERSE : 0;
    unsigned lending = g->lending && g->n_of_kind[INST_RESERVE] >= 2 ? WEIGHT_LENDING : 0;
    uint64_t k = prng_below(&g->rng, linear + inverse + lending);
    bool near_threshold = prng_chance(&g->rng, g->o.near_ppm, MARKET_PPM);
    memset(a, 0, sizeof *a);
    a->id = id;
    if (k < linear)
        make_perp(g, a, INST_LINEAR, near_threshold);
    else if (k < linear + inverse)
        make_perp(g, a, INST_INVERSE, near_threshold);
    else
        make_lending(g, a, near_threshold);
    (void)snprintf(a->name, sizeof a->name, "%s-%u",
                   k < linear             ? "linear"
                   : k < linear + inverse ? "inverse"
                                          : "lending",
                   id);
}

struct book_gen *book_gen_open(const struct gen_options *o, struct err *e)
{
    struct book_gen *g = calloc(1, sizeof *g);
    if (g && gen_setup(g, o, e) == 0)
        return g;
    if (!g)
        err_set(e, "out of memory");
    free(g);
    return NULL;
}

const struct market *book_gen_market(const struct book_gen *g)
{
    return &g->market;
}

int book_gen_next(struct book_gen *g, struct account *a, struct err *e)
{
    struct err why;
    make_account(g, a, ++g->made);
    return account_validate(g->m, a, &why) ? err_set(e, "generated book: %.400s", why.msg) : 0;
}

void book_gen_close(struct book_gen *g)
{
    free(g);
}

int accounts_generate(const struct gen_options *o, struct book *out, struct err *e)
{
    struct book_gen *g = book_gen_open(o, e);
    int rc = g ? 0 : -1;
    memset(out, 0, sizeof *out);
    if (g) {
        out->market = g->market;
        out->account = calloc(o->accounts ? o->accounts : 1, sizeof *out->account);
        if (!out->account)
            rc = err_set(e, "out of memory for %u accounts", o->accounts);
    }
    for (; rc == 0 && out->n_accounts < o->accounts; out->n_accounts++)
        rc = book_gen_next(g, &out->account[out->n_accounts], e);
    book_gen_close(g);
    if (rc)
        book_free(out);
    return rc;
}
