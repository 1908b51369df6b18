// SPDX-License-Identifier: Apache-2.0
// tripline rule: the known liquidation rules, and how early their rows flag.
#include "accounts/reciprocal.h"
#include "accounts/rowc.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"
#include "base/prng.h"
#include "cli/cli.h"
#include "cli/number.h"
#include "cli/rule_eval.h"
#include "cli/start_prices.h"
#include "protocols/protocol.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char HELP[] =
    "usage: tripline rule list\n"
    "       tripline rule eval [--json] RULE FILE|-\n"
    "       tripline rule eval --example RULE\n"
    "       tripline rule margin [OPTIONS] [RULE]\n"
    "\n"
    "list    Names the rules and what each judges: those whose accounts are watched, then those that judge\n"
    "        one state (eval).\n"
    "\n"
    "eval    Judges one state of a protocol in exact integers, with the protocol's own rounding: health,\n"
    "        whether it can be liquidated, how much, and what it gives. FILE is JSON (docs/protocols.md).\n"
    "        - reads standard input: documents, each answered before the next is read. One of several lines "
    "has\n"
    "        no empty line in it, and none but its first begins with { or [.\n"
    "      --example     an example of a state\n"
    "      --json        answers as JSON, one a line; with - an error too: {\"error\": \"...\"}\n"
    "\n"
    "margin  Measures the early-flag margin: how far below the exact health H a compiled row's Ĥ lies, as a\n"
    "        fraction of the account's gross exposure, at random prices inside the bands. It has two parts:\n"
    "          quantisation  the row compiler's (27-bit coefficients, 34-bit prices); at most 1e-7\n"
    "          slack         the rule's own: what its row allows for contract rounding and reciprocals\n"
    "          chord         what a chord over a maintenance tier's edge, or the bound of an average of\n"
    "                        thresholds, lies below H\n"
    "        Accounts are those of `tripline accounts gen`: synthetic. Also counts the prices at which an "
    "account\n"
    "        was liquidatable and its row did not say so: missed, which must be 0.\n"
    "  -s, --seed S      seed of accounts and prices (default 1)\n"
    "  -n, --accounts N  accounts (default 2000)\n"
    "  -k, --samples K   prices for each account (default 20)\n"
    "  -b, --band PPM    half width of the bands (default 10000, 1 %)\n"
    "\n"
    "  -h, --help        this text\n"
    "Exit status: 0 done, 1 failed, a state was none or a breach was missed, 2 wrong usage.\n";

enum {
    EXIT_USAGE = 2,
    ACCOUNTS_MAX = 20000,
    SAMPLES_MAX = 1000,
    BAND_MAX = 500000,
    DRAWS_MAX = 100, // until a price and its reciprocal are both inside their bands
};

static const struct {
    const char *rule, *what;
} DESCRIPTIONS[] = {
    {"perp-linear-1", "linear perpetuals, cross margin, maintenance tiers; exact"},
    {"perp-portfolio-1",
     "linear perpetuals, portfolio margin: the worst of the market's scenarios, and tiers; exact"},
    {"perp-inverse-1", "inverse perpetuals of one coin, cross margin, tiers; 1e-18 of the coin"},
    {"aave-1.19",
     "Aave core 1.19 and v3.0 to v3.2: average threshold, half-up rounding, no dust rule, no deficit"},
    {"aave-3.3",
     "Aave v3.3: average threshold, half-up rounding; close factor of the position, dust, deficit"},
    {"aave-3.4", "Aave v3.4: as 3.3, interest compounded by the series of e^x"},
    {"aave-3.5", "Aave v3.5: no average, balances and values rounded against the user"},
    {"aave-3.6", "Aave v3.6: as 3.5, an eMode's collateral needs no threshold of its own"},
    {"aave-3.7", "Aave v3.7: as 3.6, amounts rounded against the liquidator, deficit by scaled balances"},
    {"morpho-blue-1",
     "Morpho Blue: one collateral, one debt in shares, exact threshold price; bad debt written off"},
    {"comet-1", "Compound III: a debt in the base token, absorbed whole; the keeper buys a collateral"},
    {"compound-v2-1",
     "Compound v2: collateral in cTokens, close factor, incentive, the reserves' share of it"},
    {"maker-dog-1", "Maker: vaults of one collateral type; bark hands them to an auction, within its room"},
    {"liquity-1", "Liquity v1: troves, closed whole, normal and recovery mode"},
    {"binance-usdm-1",
     "Binance USD-M: linear perpetuals, cross margin, brackets; the fund takes all of it over"},
    {"hyperliquid-1",
     "Hyperliquid: tiers by leverage, exactly; a part above 100,000 first, cooldown, backstop"},
    {"drift-v2-1",
     "Drift v2: spot balances and perpetuals in one cross margin, a ramp, an end above the start"},
    {"mango-v4-1", "Mango v4: tokens and perps in one account, I80F48, an end above the start"},
    {"morpho-pre-liquidation-1",
     "Morpho Blue with a pre-liquidation contract: part of a debt, before Morpho's own"},
    {"aave-v4-1", "Aave V4 spoke: bonus by health, debt to the target health, dust, premium, deficit"},
    {"evk-1", "Euler vault kit: LTVs that ramp, discount 1 - health, cool-off; bad debt socialised"},
    {"dydx-v4-1", "dYdX v4: orders at the fillable price, limits of a block, insurance fund, deleveraging"},
};

struct options {
    uint64_t seed, accounts, samples, band;
};

struct measure {
    double *quantisation, *chord;
    size_t n;
    double slack;
    uint64_t accounts, breaches, missed;
};

struct bench {
    const struct market *m;
    struct prng rng;
    int64_t ref[MARKET_ASSETS_MAX], px[MARKET_ASSETS_MAX];
    struct grid grid[MARKET_ASSETS_MAX];
    struct band band[MARKET_ASSETS_MAX];
};

static int list(void)
{
    for (size_t i = 0; rule_at(i); i++) {
        const char *what = "";
        for (size_t k = 0; k < sizeof DESCRIPTIONS / sizeof *DESCRIPTIONS; k++)
            if (strcmp(DESCRIPTIONS[k].rule, rule_at(i)->name) == 0)
                what = DESCRIPTIONS[k].what;
        printf("%-25s %s\n", rule_at(i)->name, what);
    }
    for (size_t i = 0; protocol_at(i); i++)
        printf("%-25s eval: %s\n", protocol_at(i)->name, protocol_at(i)->title);
    return 0;
}

static int setup(struct bench *b, const struct market *m, const struct options *o, struct err *e)
{
    struct start_prices s = {0};
    s.price = (struct gen_price *)(uintptr_t)gen_default_prices(&s.n); // only read below
    b->m = m;
    start_prices_value(&s, m, b->ref);
    for (unsigned i = 0; i < m->n_assets; i++) {
        if (grid_centre(b->ref[i], (uint32_t)o->band, &b->grid[i]))
            return err_set(e, "asset %s has no start price", m->asset[i].name);
        b->band[i] = b->grid[i].band;
    }
    prng_seed(&b->rng, o->seed);
    return 0;
}

static bool inside(const struct band *b, int64_t p)
{
    return b->lo <= p && p <= b->hi;
}

// New prices inside all bands; a reciprocal's band is narrower on one side than its base's.
static void draw_prices(struct bench *b)
{
    const struct market *m = b->m;
    for (unsigned i = 0; i < m->n_assets; i++)
        if (m->asset[i].kind != ASSET_RECIPROCAL)
            b->px[i] = prng_between(&b->rng, b->band[i].lo, b->band[i].hi);
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        if (a->kind != ASSET_RECIPROCAL)
            continue;
        unsigned base = a->base, dec = m->asset[base].decimals, n = 0;
        while (!inside(&b->band[i], b->px[i] = reciprocal_price(b->px[base], dec, a->decimals))) {
            bool again = n++ < DRAWS_MAX;
            b->px[base] = again ? prng_between(&b->rng, b->band[base].lo, b->band[base].hi) : b->ref[base];
        }
    }
}

// What the chords of row k of `rows` cost at px: a row made for the band of this one price has none.
static int chord_cost(const struct bench *b, const struct account *a, const struct affine *rows, unsigned k,
                      double *out, struct err *e)
{
    static struct affine made[RULE_ROWS_MAX];
    const struct affine *wide = &rows[k], *point = &made[k];
    struct band here[MARKET_ASSETS_MAX];
    for (unsigned i = 0; i < b->m->n_assets; i++)
        here[i] = (struct band){b->px[i], b->px[i]};
    if (a->rule->rows(b->m, a, here, 0, made, e) < 0)
        return -1;
    i256 gap = i256_sub(point->c, wide->c), gross = i256_abs(wide->c);
    for (unsigned i = 0; i < wide->n; i++) { // same rule, same account: the same assets in the same order
        gap = i256_add(gap, i256_mul_i64(i256_sub(point->a[i], wide->a[i]), b->px[wide->asset[i]]));
        gross = i256_add(gross, i256_abs(i256_mul_i64(wide->a[i], b->px[wide->asset[i]])));
    }
    double g = i256_to_double(gross);
    *out = g > 0 ? i256_to_double(gap) / g : 0;
    return 0;
}

static bool flagged(const struct row *row, int n, const uint64_t *phat)
{
    for (int i = 0; i < n; i++)
        if (row_eval(&row[i], phat) < 0)
            return true;
    return false;
}

static int measure_account(struct bench *b, const struct account *a, uint64_t samples, struct measure *out,
                           struct err *e)
{
    static struct affine f[RULE_ROWS_MAX];
    static struct row row[RULE_ROWS_MAX];
    int n = a->rule->rows(b->m, a, b->band, 0, f, e);
    for (int i = 0; i < n; i++)
        if (row_compile(&f[i], b->grid, &row[i], e))
            return -1;
    if (n <= 0)
        return n; // no requirement, or refused
    out->accounts++;
    for (uint64_t k = 0; k < samples; k++) {
        uint64_t phat[MARKET_ASSETS_MAX];
        struct health h;
        double slack;
        draw_prices(b);
        for (unsigned i = 0; i < b->m->n_assets; i++)
            phat[i] = grid_phat(&b->grid[i], b->px[i], NULL);
        a->rule->health(b->m, a, b->px, &h);
        unsigned i = (unsigned)(k % (uint64_t)n); // of several rows each in turn
        row_margin(&f[i], &row[i], b->grid, b->px, &out->quantisation[out->n], &slack);
        if (chord_cost(b, a, f, i, &out->chord[out->n], e))
            return -1;
        out->n++;
        out->slack = slack > out->slack ? slack : out->slack;
        out->breaches += h.liquidatable;
        out->missed += h.liquidatable && !flagged(row, n, phat);
    }
    return 0;
}

static int by_value(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return a < b ? -1 : a > b;
}

static double percentile(double *v, size_t n, double q)
{
    qsort(v, n, sizeof *v, by_value);
    return n ? v[(size_t)((double)(n - 1) * q)] : 0;
}

static void print_row(const char *rule, struct measure *r)
{
    double q99 = percentile(r->quantisation, r->n, 0.99), q = percentile(r->quantisation, r->n, 1);
    double c99 = percentile(r->chord, r->n, 0.99), c = percentile(r->chord, r->n, 1);
    printf("%-24s %8" PRIu64 " %9zu  %9.2e %9.2e  %9.2e  %9.2e %9.2e  %8" PRIu64 " %6" PRIu64 "\n", rule,
           r->accounts, r->n, q, q99, r->slack, c, c99, r->breaches, r->missed);
}

// A generated market has no scenarios, and rules with several rows are about them: everything falls or rises.
static void set_scenarios(struct market *m)
{
    enum { SHOCK_PPM = 20000 };
    m->n_scenarios = 2;
    for (unsigned x = 0; x < m->n_scenarios; x++) {
        (void)snprintf(m->scenario[x].name, sizeof m->scenario[x].name, x ? "up" : "down");
        for (unsigned i = 0; i < m->n_instruments; i++)
            if (m->instrument[i].kind == INST_LINEAR)
                m->scenario[x].shock_ppm[i] = x ? SHOCK_PPM : -SHOCK_PPM;
    }
}

// The accounts of one rule; *missed grows.
static int margin_of_rule(const struct rule *rule, bool even_none, const struct options *o, struct measure *r,
                          uint64_t *missed, struct err *e)
{
    static struct bench bench;
    struct gen_options g = {.seed = o->seed,
                            .accounts = (uint32_t)o->accounts,
                            .lending = rule->holding ? rule->name : NULL,
                            .perp = rule_linear(rule) ? rule->name : NULL,
                            .near_ppm = GEN_NEAR_PPM};
    struct book book = {0};
    *r = (struct measure){.quantisation = r->quantisation, .chord = r->chord};
    int rc = accounts_generate(&g, &book, e);
    if (rc)
        return rc;
    if (rule->most_rows)
        set_scenarios(&book.market);
    rc = setup(&bench, &book.market, o, e);
    for (size_t k = 0; rc == 0 && k < book.n_accounts; k++)
        if (book.account[k].rule == rule)
            rc = measure_account(&bench, &book.account[k], o->samples, r, e);
    if (rc == 0 && (r->accounts || even_none))
        print_row(rule->name, r);
    *missed += r->missed;
    book_free(&book);
    return rc;
}

static int margin_of(const struct rule *only, const struct options *o, struct err *e)
{
    uint64_t missed = 0;
    size_t room = (size_t)(o->accounts * o->samples);
    struct measure r = {.quantisation = malloc(room * sizeof(double)),
                        .chord = malloc(room * sizeof(double))};
    int rc = r.quantisation && r.chord ? 0 : err_set(e, "out of memory");
    printf("Early-flag margin as a fraction of gross exposure; %" PRIu64 " synthetic accounts, seed %" PRIu64
           ", bands of %g %%.\n",
           o->accounts, o->seed, (double)o->band / 1e4);
    puts("                                             quantisation         slack      chord                "
         "breaches\n"
         "rule                     accounts    prices        max       p99        max        max       p99   "
         "   seen "
         "missed");
    for (size_t i = 0; rc == 0 && rule_at(i); i++)
        if (!only || rule_at(i) == only) // a row without accounts only where it was asked for
            rc = margin_of_rule(rule_at(i), only != NULL, o, &r, &missed, e);
    free(r.quantisation);
    free(r.chord);
    if (rc == 0 && missed)
        return err_set(e, "%" PRIu64 " breaches without a flag: a row or the row compiler is wrong", missed);
    return rc;
}

static int margin(const struct rule *only, const struct options *o)
{
    struct err e;
    int rc = margin_of(only, o, &e);
    if (rc)
        fprintf(stderr, "tripline rule margin: %s\n", e.msg);
    return rc ? 1 : 0;
}

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "tripline rule: %s%s; `tripline rule --help` shows the usage\n", why, what);
    return EXIT_USAGE;
}

int cmd_rule(int argc, char **argv)
{
    static const struct option longs[] = {
        {"seed", required_argument, NULL, 's'},    {"accounts", required_argument, NULL, 'n'},
        {"samples", required_argument, NULL, 'k'}, {"band", required_argument, NULL, 'b'},
        {"help", no_argument, NULL, 'h'},          {"json", no_argument, NULL, 'j'},
        {"example", no_argument, NULL, 'e'},       {NULL, 0, NULL, 0},
    };
    bool json = false, example = false;
    struct options o = {.seed = 1, .accounts = 2000, .samples = 20, .band = 10000};
    int c, rc = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, "s:n:k:b:h", longs, NULL)) != -1) {
        if (c == 's')
            rc = number_parse(optarg, 0, UINT64_MAX, &o.seed);
        else if (c == 'n')
            rc = number_parse(optarg, 1, ACCOUNTS_MAX, &o.accounts);
        else if (c == 'k')
            rc = number_parse(optarg, 1, SAMPLES_MAX, &o.samples);
        else if (c == 'b')
            rc = number_parse(optarg, 1, BAND_MAX, &o.band);
        else if (c == 'j')
            json = true;
        else if (c == 'e')
            example = true;
        else if (c == 'h')
            return fputs(HELP, stdout) < 0;
        else
            return usage("wrong option", "");
        if (rc)
            return usage("out of range or not a number: ", optarg);
    }
    int left = argc - optind;
    const char *verb = left > 0 ? argv[optind] : "";
    if (strcmp(verb, "eval") == 0)
        return rule_eval(left - 1, argv + optind + 1, json, example);
    if (json || example)
        return usage("--json and --example belong to ", "eval");
    if (strcmp(verb, "list") == 0 && left == 1)
        return list();
    if (strcmp(verb, "margin") != 0 || left > 2)
        return usage(left ? "unknown command or too many words: " : "list, eval or margin is needed", verb);
    const struct rule *only = left == 2 ? rule_find(argv[optind + 1]) : NULL;
    if (left == 2 && !only)
        return usage("unknown rule (see `tripline rule list`): ", argv[optind + 1]);
    return margin(only, &o);
}
