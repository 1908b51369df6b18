// SPDX-License-Identifier: Apache-2.0
// Writes a page of the laboratory, or its JSON, from a result made up here: lab_page CASE [json], CASE one of
// full, hostile (texts, values that are not finite or huge), big (series of a million points), empty. Figures
// are shaped like those of a day of liquidations and mean nothing.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "lab/html/page.h"
#include "lab/result.h"

static struct prng rng;

static double uniform(void)
{
    return (double)prng_below(&rng, 1000000) / 1e6;
}

// ---- full

static void summary(struct lab_result *r)
{
    lab_fact(r, LAB_SUMMARY, "Accounts", "240 of them near the edge", "%s", "1,000,000");
    lab_fact(r, LAB_SUMMARY, "Liquidated", "at the lowest price of the day", "%s", "22,558 accounts");
    lab_fact(r, LAB_SUMMARY, "Bad debt", "after the fund", "$ %.2f M", 3.41);
    lab_fact(r, LAB_SUMMARY, "Value at risk, 99 %", "one day, of ten thousand paths", "$ %.1f M", 18.2);
    lab_kind(r, KIND_MEASURED);
    lab_fact(r, LAB_SUMMARY, "Time of the run", "one core", "%.1f s", 41.7);
    lab_kind(r, KIND_SIMULATED);
    lab_fact(r, LAB_SUMMARY, "Largest burst", "", "%s", "22,558 events at one instant");
    lab_kind(r, KIND_MODELLED);
}

static void map(struct lab_result *r)
{
    struct lab_chart *c =
        lab_chart(r, LAB_MAP, "Value that becomes liquidatable",
                  "Each asset falls alone; joint: all fall by the same share. No depth yet.",
                  "fall of the price, %", "collateral, $");
    static const char *const names[] = {"ETH", "wBTC", "all together"};
    for (int i = 0; i < 3; i++) {
        struct lab_series *s = lab_series(r, c, names[i], i == 2 ? LAB_AREA : LAB_LINE);
        for (int k = 0; k <= 60; k++)
            lab_point(r, s, k, 4e8 * (i + 1) / (1 + exp((22 + 5 * i - k) / 4.0)));
    }
    static const char *const heads[] = {"asset", "price now", "first breach at", "value at -10 %",
                                        "accounts"};
    struct lab_table *t = lab_table(r, LAB_MAP, "By asset", "Prices as the scenario begins.", 5, heads);
    for (int i = 0; i < 4; i++) {
        lab_cell(r, t, "%s", (const char *[]){"ETH", "wBTC", "LINK", "stETH"}[i]);
        lab_cell(r, t, "$ %.2f", 2000.0 / (i + 1));
        lab_cell(r, t, "$ %.2f", 1890.0 / (i + 1));
        lab_cell(r, t, "$ %.1f M", 41.2 * (4 - i));
        lab_cell(r, t, "%d", 5310 / (i + 1));
    }
}

static void cascade(struct lab_result *r)
{
    struct lab_chart *c =
        lab_chart(r, LAB_CASCADE, "Price, with and without the sales of liquidations",
                  "Depth recovers with a half-life of 30 s; sales go to the best bid first.",
                  "minutes since the first shock", "ETH, $");
    struct lab_series *with = lab_series(r, c, "with sales", LAB_STEP);
    for (int k = 0; k < 240; k++)
        lab_point(r, with, k / 4.0, 194 - 80 * (1 - exp(-k / 60.0)) - 12 * sin(k / 9.0) * exp(-k / 120.0));
    struct lab_series *without = lab_series(r, c, "without", LAB_LINE);
    for (int k = 0; k < 240; k++)
        lab_point(r, without, k / 4.0, 194 - 60 * (1 - exp(-k / 60.0)));
    c = lab_chart(r, LAB_CASCADE, "Liquidations a minute", "Counted when the order is filled.",
                  "minutes since the first shock", "accounts");
    struct lab_series *bars[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        bars[i] = lab_series(r, c, i ? "backstop" : "on the book", LAB_BARS);
        for (int k = 0; k < 30; k++)
            lab_point(r, bars[i], 2 * k, floor((900 - 600 * i) * exp(-pow(k - 8.0 - 2 * i, 2) / 20)));
    }
}

static void losses(struct lab_result *r)
{
    static const char *const heads[] = {"step", "pays", "amount", "left"};
    struct lab_table *t = lab_table(r, LAB_WATERFALL, "Waterfall", "", 4, heads);
    const char *rows[] = {"1", "insurance fund",    "$ 4.10 M", "$ 6.30 M",
                          "2", "auto-deleveraging", "$ 2.89 M", "$ 3.41 M",
                          "3", "socialised",        "$ 3.41 M"};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        lab_cell(r, t, "%s", rows[i]);
    struct lab_chart *c = lab_chart(r, LAB_LOSSES, "Distribution of bad debt",
                                    "Student's t, four degrees of freedom.", "bad debt, $", "paths");
    c->log_x = c->log_y = true;
    struct lab_series *s = lab_series(r, c, "ten thousand paths", LAB_BARS);
    for (int k = 0; k < 40; k++)
        lab_point(r, s, 1e3 * pow(1.4, k), floor(2000 * exp(-pow(k - 14.0, 2) / 60)));
    lab_fact(r, LAB_LOSSES, "Expected shortfall, 99 %", "the mean of the worst hundredth", "$ %.1f M", 27.9);
}

static void rest(struct lab_result *r)
{
    struct lab_chart *c =
        lab_chart(r, LAB_AUCTIONS, "Price curves of a Dutch auction", "The top is 1.2 of the oracle's.",
                  "s since the kick", "price of the lot, $");
    static const char *const curves[] = {"linear", "stairstep", "exponential"};
    for (int i = 0; i < 3; i++) {
        struct lab_series *s = lab_series(r, c, curves[i], i == 1 ? LAB_STEP : LAB_LINE);
        for (int k = 0; k <= 36; k++)
            lab_point(r, s, 100 * k, i == 0 ? 2400 * (1 - k / 36.0) : 2400 * pow(i == 1 ? .95 : .97, k));
    }
    c = lab_chart(r, LAB_PREDICTION, "Calibration",
                  "Breaches within 60 s; days that the estimate had not seen.", "probability foretold",
                  "share that came");
    struct lab_series *s = lab_series(r, c, "perfect", LAB_LINE);
    lab_point(r, s, 0, 0);
    lab_point(r, s, 1, 1);
    lab_kind(r, KIND_SIMULATED);
    s = lab_series(r, c, "tripline", LAB_POINTS);
    for (int k = 0; k < 10; k++)
        lab_point(r, s, .05 + .1 * k, .05 + .1 * k + .04 * (uniform() - .5));
    s = lab_series(r, c, "base rate", LAB_POINTS);
    for (int k = 0; k < 10; k++)
        lab_point(r, s, .05 + .1 * k, .31);
    lab_fact(r, LAB_PREDICTION, "Brier score", "base rate: 0.113", "%.3f", 0.041);
}

static void full(struct lab_result *r)
{
    snprintf(r->title, sizeof r->title, "A day like 10 October 2025");
    snprintf(r->scenario, sizeof r->scenario, "2025-10-10");
    r->seed = 7;
    lab_source(r, "# a burst at one instant\nname: 2025-10-10\naccounts: 1000000\nshock:\n  - {asset: ETH, "
                  "fall: 0.21}\n");
    summary(r);
    map(r);
    cascade(r);
    losses(r);
    rest(r);
}

// ---- hostile

#define EVIL                                                                                                 \
    "</script><script>alert(1)</script><img src=http://evil.example/x "                                      \
    "onerror=alert(1)>\"'&\x01\xff\xed\xa0\x80"

static void hostile(struct lab_result *r)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1e308, -1e308, 5e-324, -0.0, 1e15, -1};
    char wide[400];
    memset(wide, 'W', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    snprintf(r->title, sizeof r->title, "%s", EVIL);
    snprintf(r->scenario, sizeof r->scenario, "%s", "<svg onload=alert(1)>");
    lab_source(r, "</pre><script>alert(2)</script>\n" EVIL "\n");
    r->seed = ~0ull;
    lab_fact(r, LAB_SUMMARY, EVIL, EVIL, "%s", EVIL);
    lab_fact(r, LAB_SUMMARY, wide, wide, "%s", wide);
    for (unsigned mode = 0; mode < 20; mode++) {
        struct lab_chart *c =
            lab_chart(r, LAB_MAP, mode ? "odd values" : EVIL, EVIL, EVIL, mode ? wide : EVIL);
        c->log_x = mode & 1;
        c->log_y = mode & 2;
        struct lab_series *s = lab_series(r, c, mode & 4 ? wide : EVIL, (enum lab_shape)(mode / 4));
        for (unsigned i = 0; i < 9; i++)
            for (int k = 0; k < 9; k++)
                lab_point(r, s, odd[i], odd[k]);
    }
    struct lab_chart *one = lab_chart(r, LAB_CASCADE, "one point", "", "x", "y");
    lab_point(r, lab_series(r, one, "", LAB_LINE), 3, 3);
    struct lab_chart *none = lab_chart(r, LAB_CASCADE, "no points", "", "x", "y");
    lab_point(r, lab_series(r, none, "", LAB_AREA), NAN, 3);
    (void)lab_chart(r, LAB_CASCADE, "no series", "", "x", "y");
    const char *heads[] = {EVIL, wide};
    struct lab_table *t = lab_table(r, LAB_LOSSES, EVIL, EVIL, 2, heads);
    lab_cell(r, t, "%s", EVIL);
    lab_cell(r, t, "%s", wide);
    lab_cell(r, t, "a short row");
    (void)lab_table(r, LAB_LOSSES, "no rows", "", 2, heads);
}

// ---- big

enum { MILLION = 1000000 };

static void big(struct lab_result *r)
{
    snprintf(r->title, sizeof r->title, "Big series");
    for (unsigned shape = LAB_LINE; shape <= LAB_AREA; shape++) {
        struct lab_chart *c =
            lab_chart(r, LAB_CASCADE, "a million points", "A random walk with one spike each way.", "s", "$");
        struct lab_series *s = lab_series(r, c, "walk", (enum lab_shape)shape);
        double y = 1000;
        for (unsigned i = 0; i < MILLION; i++) {
            y += uniform() - .5;
            lab_point(r, s, i, i == 654321 ? 4000 : i == 123456 ? -3000 : y);
        }
    }
    struct lab_chart *c = lab_chart(r, LAB_AUCTIONS, "twelve series", "", "s", "$");
    for (int i = 0; i < 12; i++) {
        char name[32];
        snprintf(name, sizeof name, "series %d", i);
        struct lab_series *s = lab_series(r, c, name, LAB_LINE);
        for (int k = 0; k < 50; k++)
            lab_point(r, s, k + i / 10.0, 1e6 * i + 1e4 * k);
    }
}

int main(int argc, char **argv)
{
    struct lab_result r;
    const char *which = argc > 1 ? argv[1] : "";
    prng_seed(&rng, 11);
    lab_result_init(&r);
    if (strcmp(which, "full") == 0)
        full(&r);
    else if (strcmp(which, "hostile") == 0)
        hostile(&r);
    else if (strcmp(which, "big") == 0)
        big(&r);
    else if (strcmp(which, "empty") != 0)
        return 2;
    int rc = argc > 2 ? lab_result_json(&r, stdout) : lab_page_write(&r, stdout);
    lab_result_free(&r);
    return rc ? 1 : 0;
}
