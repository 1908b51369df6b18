// SPDX-License-Identifier: Apache-2.0
// perp-portfolio-1: linear perpetuals under portfolio margin. As perp-linear-1, but the requirement also has
// the loss in the worst of the market's scenarios:
//   H = cash + sum min(u_i, w_i u_i) - sum max_k(rate_k N_i - cum_k) - max(0, max_x sum -s_i P_i shock_xi);
//   liquidatable <=> H < 0 and the requirement is > 0. The tiers are the contingency: one of rate r makes it
//   r sum N_i.
// H is the minimum of one form for each scenario and one for the market as it is, so it has that many rows,
// each as exact as a row of perp-linear-1 (docs/numerics.md, section 5).
#include "accounts/rules/perp/perp_common.h"

int64_t perp_shock_most(const struct market *m, const struct position *p)
{
    int64_t most = 0;
    for (unsigned x = 0; x < m->n_scenarios; x++) {
        int64_t shock = m->scenario[x].shock_ppm[p->instrument];
        shock = shock < 0 ? -shock : shock;
        most = shock > most ? shock : most;
    }
    return most;
}

// The scenario that is worst in the middle of the bands, NULL: none loses anything there.
static const struct scenario *worst_inside(const struct market *m, const struct account *a,
                                           const struct band *band)
{
    unsigned k = perp_scale(m, a, INST_LINEAR);
    i256 loss[SCENARIOS_MAX] = {I256_ZERO};
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        const struct instrument *in = &m->instrument[p->instrument];
        int64_t mid = band[in->asset].lo + (band[in->asset].hi - band[in->asset].lo) / 2;
        perp_losses(m, p, perp_notional(in, m->asset[in->asset].decimals, p->size, mid, k), loss);
    }
    i256 worst = perp_worst(m, loss);
    for (unsigned x = 0; x < m->n_scenarios && i256_sign(worst) > 0; x++)
        if (i256_cmp(loss[x], worst) == 0)
            return &m->scenario[x];
    return NULL;
}

static int all_rows(const struct market *m, const struct account *a, const struct band *band, int64_t eq,
                    int64_t req, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    int n = m->n_scenarios + 1;
    for (int i = 0; i < n; i++) {
        out[i].level = LEVEL_LIQUIDATE;
        if (perp_linear_row(m, a, band, eq, req, i ? &m->scenario[i - 1] : NULL, &out[i], e))
            return -1;
    }
    return n;
}

static int portfolio_rows_at(const struct market *m, const struct account *a, const struct band *band,
                             uint32_t ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    return a->n_positions == 0 ? 0 : all_rows(m, a, band, PPM, (int64_t)PPM + ppm, out, e);
}

// One warning row for all scenarios: that of the worst one. It says when to make an order ready, nothing
// hangs on it.
static int portfolio_rows(const struct market *m, const struct account *a, const struct band *band,
                          uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    if (a->n_positions == 0)
        return 0; // no requirement: never liquidatable
    int n = all_rows(m, a, band, 1, 1, out, e);
    if (n < 0 || warn_ppm == 0)
        return n;
    out[n].level = LEVEL_WARN;
    const struct scenario *worst = worst_inside(m, a, band);
    return perp_linear_row(m, a, band, PPM, (int64_t)PPM + warn_ppm, worst, &out[n], e) ? -1 : n + 1;
}

static unsigned portfolio_most_rows(const struct market *m)
{
    return m->n_scenarios + 1u;
}

static void portfolio_health(const struct market *m, const struct account *a, const int64_t *px,
                             struct health *out)
{
    perp_health(m, a, px, INST_LINEAR, true, out);
}

static int portfolio_size(const struct market *m, const struct account *a, const int64_t *px,
                          const struct size_policy *policy, struct order_size *out)
{
    return perp_size(m, a, px, policy, INST_LINEAR, true, out);
}

static int portfolio_settle(const struct market *m, struct account *a, const int64_t *px,
                            const struct order_leg *leg, unsigned n, struct settlement *out, struct err *e)
{
    return perp_settle(m, a, px, leg, n, INST_LINEAR, true, out, e);
}

static bool portfolio_takes(const struct market *m, const struct account *a, const int64_t *px,
                            const struct order_leg *leg, unsigned n, const struct order_size *exact)
{
    (void)exact;
    return perp_takes(m, a, px, leg, n, INST_LINEAR);
}

static int portfolio_validate(const struct market *m, const struct account *a, struct err *e)
{
    return perp_validate(m, a, INST_LINEAR, e);
}

static bool portfolio_within(const struct market *next, unsigned i, const struct reach *r)
{
    return perp_within(next, i, r, INST_LINEAR);
}

const struct rule rule_perp_portfolio_1 = {
    .name = "perp-portfolio-1",
    .rows = portfolio_rows,
    .health = portfolio_health,
    .size = portfolio_size,
    .settle = portfolio_settle,
    .takes = portfolio_takes,
    .bends = perp_bends,
    .most_rows = portfolio_most_rows,
    .shift = perp_portfolio_shift,
    .rows_at = portfolio_rows_at,
    .crossed = perp_crossed,
    .within = portfolio_within,
    .validate = portfolio_validate,
};
