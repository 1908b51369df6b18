// SPDX-License-Identifier: Apache-2.0
// Gradual reduction: at a step's end the venue closes so much of each linear perpetual account that is likely
// to breach within the next steps that it no longer is (breach_reduction_ppm), at the mark, without penalty;
// what the sale brings less than the mark, or more, is
// the account's. Variances are the marks' own, a step; nothing of later
// steps is known.
#include <string.h>

#include "base/wide.h"
#include "lab/cascade_inside.h"
#include "lab/edge.h"
#include "risk/breach.h"

enum { MEMORY_STEPS = 16, RHO_PPM = 700000, PPM = 1000000, MOVE_BITS = 32, FAR = 6 };
static const uint64_t STEP_NS = 1000000000; // a step is the unit of time

// Squared relative moves of the marks, 2^-64, mean of about so many steps.
static void learn(struct cascade *c)
{
    struct cascade_reduce *r = &c->reduce;
    const u128 memory = r->seen < MEMORY_STEPS ? r->seen : MEMORY_STEPS;
    for (unsigned k = 0; k < c->s->n_coins; k++) {
        const int64_t from = r->mark[k];
        r->mark[k] = c->mark[k];
        if (from <= 0)
            continue;
        const i128 most = (i128)1 << (MOVE_BITS - 1);
        i128 move = ((i128)c->mark[k] - from) * ((i128)1 << MOVE_BITS) / from;
        move = move > most ? most : move < -most ? -most : move;
        r->variance_q64[k] = (uint64_t)((r->variance_q64[k] * memory + (u128)(move * move)) / (memory + 1));
    }
    r->seen += c->step > 0;
}

// Is every price so far, FAR sigmas of the wildest coin, from the box's edge? Then the box proves of its
// accounts that nothing is likely. A box lies around the price at which it was made, not around the present
// one.
static bool out_of_reach(const struct cascade *c, unsigned tier, uint64_t far_ppm)
{
    const struct market *m = &c->b->market;
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct band *b = &c->box[tier][i];
        const i128 px = c->px[i], room = econ_min(px - b->lo, b->hi - px);
        if (c->coin[i] != NO_COIN && m->asset[i].kind != ASSET_RECIPROCAL && room * PPM < px * (i128)far_ppm)
            return false;
    }
    return true;
}

static bool left_alone(const struct cascade *c, size_t i)
{
    const struct cascade_account *s = &c->state[i];
    const struct account *a = &c->b->account[i];
    return s->asked || s->failed || a->n_positions == 0 || a->rule != &rule_perp_linear_1 ||
           (s->staged.at != STAGED_HEALTHY && s->staged.at != STAGED_WARNED) ||
           (i >= c->burst_from && c->step < c->s->burst_at);
}

// A part of one position into the depth; not what the depth does not take as a whole.
static bool close_some(struct cascade *c, size_t i, unsigned instrument, i128 size, uint32_t ppm)
{
    const i128 unit = money_a_quantum(&c->b->market, instrument);
    i128 all = size < 0 ? -size : size, qty = (all * ppm + PPM - 1) / PPM, fair, unsold, paid;
    i128 net[SCENARIO_COINS_MAX];
    memcpy(net, c->net, sizeof net);
    i128 gain = market_trade(c, net, instrument, i256_from_i128(size < 0 ? -qty : qty), &fair, &unsold);
    if (unsold > 0)
        return false;
    memcpy(c->net, net, sizeof net);
    // Less than nothing, where others have moved the price in its favour within the step.
    i128 slip = fair > gain ? (fair - gain + unit - 1) / unit : -((gain - fair) / unit);
    cascade_close_part(c, i, instrument, qty, slip, PARTY_LIQUIDATOR, &paid);
    c->sum.reduced_value += fair < 0 ? -fair : fair;
    c->sum.reduced_slippage += fair - gain;
    c->sum.slippage += fair - gain;
    c->sum.keeper += paid * unit - (fair - gain);
    return true;
}

static void reduce(struct cascade *c, size_t i, const struct breach_view *v, uint64_t most)
{
    static struct edge g;
    struct breach_asset a[BREACH_ASSETS_MAX] = {{0}};
    const struct account *was = &c->b->account[i];
    struct position position[ACCOUNT_POSITIONS_MAX];
    const unsigned n = was->n_positions;
    if (!edge_of(&c->b->market, was, c->px, &g) || g.form.health <= 0)
        return;
    for (unsigned k = 0; k < g.form.n; k++) {
        const int coin = c->coin[g.asset[k]];
        a[k].vol_q48 = coin == NO_COIN ? 0 : c->reduce.vol_q48[coin];
    }
    const uint32_t ppm = breach_reduction_ppm(&g.form, a, v, most);
    if (ppm == 0)
        return;
    if (c->each)
        c->each(c->ctx, &(struct cascade_event){
                            .step = c->step, .round = c->round, .id = was->id, .reduce_ppm = ppm});
    for (unsigned k = 0; k < n; k++)
        position[k] = was->position[k];
    bool any = false;
    for (unsigned k = 0; k < n; k++)
        any |= close_some(c, i, position[k].instrument, position[k].size, ppm);
    c->sum.reduced += any;
    c->steps[c->step].reduced += any;
}

void reduce_step(struct cascade *c)
{
    const struct breach_view v = {.horizon_ns = c->s->reduce_steps * STEP_NS, .rho_ppm = RHO_PPM};
    const uint64_t most = BREACH_CERTAIN * c->s->reduce_chance_ppm / PPM;
    uint64_t wildest = 0;
    if (c->s->reduce_chance_ppm == 0)
        return;
    learn(c);
    for (unsigned k = 0; k < c->s->n_coins; k++) {
        const uint64_t vol = breach_vol_q48(c->reduce.variance_q64[k]);
        c->reduce.vol_q48[k] = vol;
        wildest = vol > wildest ? vol : wildest;
    }
    // sigma of the horizon is at most that of a step by its steps: no root is needed to be on the safe side
    const uint64_t far_ppm = (uint64_t)(((u128)wildest * FAR * c->s->reduce_steps * PPM) >> 48) + 1;
    bool safe[TIER_NEVER + 1] = {[TIER_NEVER] = true};
    for (unsigned t = 0; t < BOX_TIERS; t++)
        safe[t] = out_of_reach(c, t, far_ppm);
    for (size_t i = 0; i < c->b->n_accounts; i++)
        if (!safe[c->state[i].tier] && !left_alone(c, i))
            reduce(c, i, &v, most);
}

void reduce_result(const struct cascade *c, const struct cascade *without, struct lab_result *r)
{
    const struct cascade_totals *with = &c->sum, *t;
    const double unit = (double)SCENARIO_MONEY;
    lab_fact(r, LAB_SUMMARY, "Reduced beforehand", "times that an account likely to breach was made smaller",
             "%llu", (unsigned long long)with->reduced);
    lab_fact(r, LAB_SUMMARY, "Value reduced", "units of account", "%.2f", (double)with->reduced_value / unit);
    lab_fact(r, LAB_SUMMARY, "Slippage of reducing", "units of account; the accounts bear it", "%.2f",
             (double)with->reduced_slippage / unit);
    if (!without)
        return;
    t = &without->sum;
    lab_fact(r, LAB_SUMMARY, "Liquidations without reduction", "the same scenario, reduce left out", "%llu",
             (unsigned long long)t->executed);
    lab_fact(r, LAB_SUMMARY, "Liquidated without reduction", "units of account", "%.2f",
             (double)t->value / unit);
    lab_fact(r, LAB_SUMMARY, "Slippage without reduction", "units of account", "%.2f",
             (double)t->slippage / unit);
    lab_fact(r, LAB_WATERFALL, "Lost without reduction", "what accounts could not pay", "%.2f",
             (double)t->lost / unit);
}
