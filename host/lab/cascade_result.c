// SPDX-License-Identifier: Apache-2.0
// What a run found, as facts and charts. Doubles are for pictures only: whole units of account and parts of
// the start price.
#include "lab/cascade.h"
#include "lab/cascade_inside.h"

static const char SYNTHETIC[] =
    "Synthetic: accounts, depth and prices are the scenario's, nothing was measured.";

static double units(i128 money)
{
    return (double)money / (double)SCENARIO_MONEY;
}

static double hours(const struct cascade *c, uint32_t step)
{
    return (double)c->s->horizon_s * step / c->s->steps / 3600.0;
}

static void money_fact(struct lab_result *r, enum lab_section at, const char *name, const char *note,
                       i128 money)
{
    lab_fact(r, at, name, note, "%.2f", units(money));
}

static void summary(const struct cascade *c, const struct cascade *plain, struct lab_result *r)
{
    const struct cascade_totals *t = &c->sum;
    lab_fact(r, LAB_SUMMARY, "Kind", "every figure on this page", "synthetic");
    lab_fact(r, LAB_SUMMARY, "Accounts", "", "%zu", c->b->n_accounts);
    lab_fact(r, LAB_SUMMARY, "Breaches", "orders asked for; one account may breach again", "%llu",
             (unsigned long long)t->breached);
    lab_fact(r, LAB_SUMMARY, "Liquidations", "executed", "%llu", (unsigned long long)t->executed);
    if (plain)
        lab_fact(r, LAB_SUMMARY, "Liquidations without feedback", "the same prices with endless depth",
                 "%llu", (unsigned long long)plain->sum.executed);
    lab_fact(r, LAB_SUMMARY, "Most at one instant", "breaches in the first round of a step", "%u at step %u",
             t->most_at_once, t->most_step);
    lab_fact(r, LAB_SUMMARY, "Recovered", "healthy again before their order was executed", "%llu",
             (unsigned long long)t->recovered);
    lab_fact(r, LAB_SUMMARY, "Tries that did not pay", "gas and slippage above bonus or penalty", "%llu",
             (unsigned long long)t->unpaid);
    lab_fact(r, LAB_SUMMARY, "Refused", "by the rule, at any size asked for", "%llu",
             (unsigned long long)t->refused);
    money_fact(r, LAB_SUMMARY, "Liquidated value", "units of account", t->value);
    money_fact(r, LAB_SUMMARY, "Slippage", "units of account, against the marks", t->slippage);
    money_fact(r, LAB_SUMMARY, "Keeper's result", "after gas and slippage", t->keeper);
    lab_fact(r, LAB_SUMMARY, "Looks saved", "accounts that a box proved healthy, of all looks", "%.1f %%",
             100.0 * (double)t->skipped / (double)(t->skipped + t->evaluations + 1));
}

static void prices(const struct cascade *c, struct lab_result *r)
{
    for (unsigned k = 0; k < c->s->n_coins; k++) {
        char title[96];
        (void)snprintf(title, sizeof title, "%s: price with and without feedback", c->s->coin[k].name);
        struct lab_chart *ch = lab_chart(r, LAB_CASCADE, title, SYNTHETIC, "hours", "% of the start price");
        for (int with = 0; ch && with < 2; with++) {
            struct lab_series *x = lab_series(r, ch, with ? "mark, with feedback" : "from outside", LAB_LINE);
            for (uint32_t i = 0; x && i <= c->s->steps; i++)
                lab_point(r, x, hours(c, i),
                          (double)(with ? c->steps[i].mark[k] : c->steps[i].outside[k]) * 100 /
                              (double)SCENARIO_FACTOR);
        }
    }
}

static void step_series(const struct cascade *c, struct lab_result *r, struct lab_chart *ch, const char *name,
                        enum lab_shape shape, double (*value)(const struct cascade *c, uint32_t step))
{
    struct lab_series *x = ch ? lab_series(r, ch, name, shape) : NULL;
    for (uint32_t i = 0; x && i <= c->s->steps; i++)
        lab_point(r, x, hours(c, i), value(c, i));
}

static double value_at(const struct cascade *c, uint32_t i)
{
    return units(c->steps[i].value);
}
static double breached_at(const struct cascade *c, uint32_t i)
{
    return c->steps[i].breached;
}
static double executed_at(const struct cascade *c, uint32_t i)
{
    return c->steps[i].executed;
}
static double waiting_at(const struct cascade *c, uint32_t i)
{
    return c->steps[i].waiting;
}
static double fund_at(const struct cascade *c, uint32_t i)
{
    return units(c->steps[i].fund);
}
static double deficit_at(const struct cascade *c, uint32_t i)
{
    return units(c->steps[i].deficit);
}

// Sums up to a step.
static double adl_upto(const struct cascade *c, uint32_t i)
{
    i128 sum = 0;
    for (uint32_t k = 0; k <= i; k++)
        sum += c->steps[k].adl;
    return units(sum);
}
static double social_upto(const struct cascade *c, uint32_t i)
{
    i128 sum = 0;
    for (uint32_t k = 0; k <= i; k++)
        sum += c->steps[k].socialised;
    return units(sum);
}

static void depth_left(const struct cascade *c, struct lab_result *r)
{
    struct lab_chart *ch =
        lab_chart(r, LAB_CASCADE, "Depth left for sales",
                  "Bids and pool down to the lowest price, less what has been sold and not refilled.",
                  "hours", "% of the full depth");
    for (unsigned k = 0; ch && k < c->s->n_coins; k++) {
        const struct depth_curve *d = &c->s->coin[k].depth;
        if (curve_endless(d))
            continue;
        struct lab_series *x = lab_series(r, ch, c->s->coin[k].name, LAB_LINE);
        for (uint32_t i = 0; x && i <= c->s->steps; i++)
            lab_point(r, x, hours(c, i),
                      100.0 * (1 - (double)c->steps[i].net[k] / (double)curve_room(d, true)));
    }
}

static void cascade_charts(const struct cascade *c, const struct cascade *plain, struct lab_result *r)
{
    prices(c, r);
    struct lab_chart *ch =
        lab_chart(r, LAB_CASCADE, "Liquidated value", SYNTHETIC, "hours", "units of account a step");
    step_series(c, r, ch, "with feedback", LAB_STEP, value_at);
    if (plain)
        step_series(plain, r, ch, "without feedback", LAB_STEP, value_at);
    ch = lab_chart(r, LAB_CASCADE, "Accounts", SYNTHETIC, "hours", "accounts");
    step_series(c, r, ch, "breached", LAB_STEP, breached_at);
    step_series(c, r, ch, "liquidated", LAB_STEP, executed_at);
    step_series(c, r, ch, "waiting for an order", LAB_STEP, waiting_at);
    depth_left(c, r);
}

static void waterfall_result(const struct cascade *c, struct lab_result *r)
{
    const struct cascade_totals *t = &c->sum;
    lab_fact(r, LAB_WATERFALL, "Waterfall", "preset", "%s", c->s->waterfall->name);
    money_fact(r, LAB_WATERFALL, "Lost", "what accounts could not pay", t->lost);
    money_fact(r, LAB_WATERFALL, "Paid by the fund", "", t->from_fund);
    money_fact(r, LAB_WATERFALL, "Paid by deleveraged accounts", "their price less the mark", t->from_adl);
    lab_fact(r, LAB_WATERFALL, "Deleveraged", "accounts, counted each time", "%llu",
             (unsigned long long)t->adl_fills);
    money_fact(r, LAB_WATERFALL, "Socialised", "", t->socialised);
    money_fact(r, LAB_WATERFALL, "Booked as deficit", "", t->booked);
    money_fact(r, LAB_WATERFALL, "Fund at the end", "", t->fund);
    struct err e;
    lab_fact(r, LAB_WATERFALL, "Conserved", "every currency and token, fund and losses, to the unit", "%s",
             cascade_conserved(c, &e) ? "yes" : e.msg);
    struct lab_chart *ch =
        lab_chart(r, LAB_WATERFALL, "Fund and losses", SYNTHETIC, "hours", "units of account");
    step_series(c, r, ch, "fund", LAB_LINE, fund_at);
    step_series(c, r, ch, "deleveraged accounts paid, so far", LAB_LINE, adl_upto);
    step_series(c, r, ch, "socialised, so far", LAB_LINE, social_upto);
    step_series(c, r, ch, "booked deficit, so far", LAB_LINE, deficit_at);
}

void cascade_result(const struct cascade *c, const struct cascade *plain, struct lab_result *r)
{
    summary(c, plain, r);
    cascade_charts(c, plain, r);
    waterfall_result(c, r);
    clip_result(c, r);
    discount_result(c, r);
}
