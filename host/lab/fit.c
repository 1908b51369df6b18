// SPDX-License-Identifier: Apache-2.0
#include "lab/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PPM = 1000000,
    TURNS = 2,
    NEWTON_STEPS = 40,
    TRIES = 12,
    // Coefficients: of calibration, then logarithms of jumps a second, down and up, and of their mean size.
    P_CONST = 0,
    P_ODDS,
    P_FAR,
    P_BURST,
    P_TREND,
    P_FALLS,
    P_RISES,
    P_SIZE,
    PARAMS
};
static const double LOG_LEAST = 1e-6, DAY_S = 86400, E3 = 1e3, E6 = 1e6, NS = 1e-9;
static const double SIGMA = 16777216, SIGMAS_MOST = 4096, DRIFT_MOST = 4, ODDS_MOST = 12, BURST_MOST = 8;
static const double NEVER = -1000; // a logarithm
static const double PRIOR = 4;     // forecasts that each coefficient's beginning counts for
static const double BEGIN[PARAMS] = {0, 1, 0, 0, 0, -8, -8, -3};
static const double LEAST[PARAMS] = {-20, 0, -20, -10, -10, -16, -16, -7};
static const double MOST[PARAMS] = {20, 5, 0, 10, 10, 0, 0, 0};

const char *fit_depth_name(enum fit_depth d)
{
    static const char *const name[FIT_DEPTHS] = {"normal", "tails", "mixed", "jumps", "calibrated"};
    return name[d];
}

struct fit_model fit_none(void)
{
    return (struct fit_model){.tail = {PPM, 0, PPM}, .outlook = {.odds_e6 = OUTLOOK_ONE}};
}

double fit_chance(const struct fit_model *m, const struct fit_case *c, uint64_t horizon_ns)
{
    return (double)outlook_probability(&c->look, horizon_ns, &m->tail, &m->outlook) / (double)BREACH_CERTAIN;
}

static double loss_of(double p, bool happened)
{
    p = happened ? p : 1 - p;
    return -log(p < LOG_LEAST ? LOG_LEAST : p);
}

double fit_loss(const struct fit_model *m, const struct fit_case *c, size_t n, size_t step,
                uint64_t horizon_ns)
{
    double sum = 0;
    size_t seen = 0;
    for (size_t i = 0; i < n; i += step, seen++)
        sum += loss_of(fit_chance(m, &c[i], horizon_ns), c[i].happened);
    return seen ? sum / (double)seen : 0;
}

// ---- over a grid

struct work {
    const struct fit_case *c;
    size_t n, step;
    uint64_t horizon_ns;
    enum fit_depth depth;
    double (*x)[4]; // features of the cases looked at: odds, far, burst, trend
};

static double model_loss(const struct work *w, const struct fit_model *m)
{
    return fit_loss(m, w->c, w->n, w->step, w->horizon_ns);
}

static double squash(double x)
{
    return 1 / (1 + exp(-x));
}

// As outlook_features(), in doubles: many thousand times as many are looked at as a live path ever does.
static void features(const struct fit_case *c, const struct fit_model *m, double *x)
{
    const struct outlook_fit *f = &m->outlook;
    const double share[OUTLOOK_MEMORIES] = {f->fast_ppm / E6, 1 - (f->fast_ppm + f->long_ppm) / E6,
                                            f->long_ppm / E6};
    const int64_t *at = c->look.distance;
    double sum = 0, middle = (double)at[OUTLOOK_MIDDLE];
    for (unsigned k = 0; k < OUTLOOK_MEMORIES; k++)
        sum += share[k] / ((double)at[k] * (double)at[k]);
    double d = sum > 0 ? fmin(1 / sqrt(sum), SIGMAS_MOST * SIGMA) : SIGMAS_MOST * SIGMA;
    double drift = (double)c->look.drift * f->drift_ppm / E6 * d / middle;
    drift = fmin(DRIFT_MOST * SIGMA, fmax(-DRIFT_MOST * SIGMA, drift));
    double p =
        (double)breach_probability_at((int64_t)fmax(1, d), (int64_t)drift, &m->tail) / (double)BREACH_CERTAIN;
    double odds = p <= 0 ? -ODDS_MOST : p >= 1 ? ODDS_MOST : log(p / (1 - p));
    x[0] = fmin(ODDS_MOST, fmax(-ODDS_MOST, odds));
    x[1] = log1p(d / SIGMA);
    x[2] = log((double)at[OUTLOOK_LONG] / (double)at[OUTLOOK_FAST]);
    x[2] = fmin(BURST_MOST, fmax(-BURST_MOST, x[2]));
    x[3] = (double)c->look.drift / SIGMA;
}

// Chance of a case and its derivatives; the sizes of a horizon and of the case's reach are seconds and parts.
static double told(const double *theta, const double *x, const struct outlook_look *l, double horizon,
                   double *d)
{
    double odds = theta[P_CONST] + theta[P_ODDS] * x[0] + theta[P_FAR] * x[1] + theta[P_BURST] * x[2] +
                  theta[P_TREND] * x[3];
    double p = squash(odds), slope = p * (1 - p), jump = 0;
    unsigned side = l->side > 0 ? P_FALLS : P_RISES;
    memset(d, 0, PARAMS * sizeof *d);
    if (l->side && l->reach_ppm != UINT32_MAX) {
        double times = exp(theta[side]) * horizon, far = l->reach_ppm / E6 * exp(-theta[P_SIZE]);
        double any = 1 - exp(-times), enough = exp(-far);
        jump = any * enough;
        d[side] = (1 - p) * enough * (1 - any) * times;
        d[P_SIZE] = (1 - p) * any * enough * far;
    }
    d[P_CONST] = (1 - jump) * slope;
    for (unsigned k = 0; k < 4; k++)
        d[P_ODDS + k] = d[P_CONST] * x[k];
    return p + jump - p * jump;
}

// The same of all, with coefficients that stay.
static double grid_loss(const struct work *w, const struct fit_model *m, const double *theta)
{
    const double horizon = (double)w->horizon_ns * NS;
    double sum = 0;
    size_t seen = 0;
    for (size_t i = 0; i < w->n; i += w->step, seen++) {
        double x[4], d[PARAMS];
        features(&w->c[i], m, x);
        sum += loss_of(told(theta, x, &w->c[i].look, horizon, d), w->c[i].happened);
    }
    return sum / (double)seen;
}

struct grid {
    size_t offset; // of a uint32_t in struct fit_model
    enum fit_depth from;
    unsigned n;
    uint32_t value[14];
};
#define AT(field) offsetof(struct fit_model, field)
static const struct grid GRID[] = {
    {AT(tail.scale_ppm),
     FIT_TAILS,
     14,
     {300000, 400000, 500000, 600000, 700000, 800000, 900000, 1000000, 1150000, 1300000, 1500000, 1750000,
      2000000, 3000000}},
    {AT(outlook.drift_ppm), FIT_MIXED, 5, {0, 250000, 500000, 750000, 1000000}},
    {AT(outlook.fast_ppm), FIT_MIXED, 4, {0, 125000, 250000, 500000}},
    {AT(outlook.long_ppm), FIT_MIXED, 4, {0, 125000, 250000, 500000}},
    {AT(tail.weight_ppm), FIT_TAILS, 8, {0, 5000, 10000, 20000, 50000, 100000, 200000, 300000}},
    {AT(tail.ratio_ppm), FIT_TAILS, 4, {2000000, 3000000, 5000000, 10000000}},
};

static void set(struct fit_model *m, size_t offset, uint32_t value)
{
    memcpy((char *)m + offset, &value, sizeof value);
    if (offset == AT(tail.weight_ppm) && value && m->tail.ratio_ppm == PPM)
        m->tail.ratio_ppm = 3 * PPM;
}

// One coordinate after the other, until none gets better.
static void walk_grid(const struct work *w, const double *theta, struct fit_model *best)
{
    double least = grid_loss(w, best, theta);
    for (bool better = true; better;) {
        better = false;
        for (size_t g = 0; g < sizeof GRID / sizeof *GRID; g++)
            for (unsigned k = 0; k < GRID[g].n && GRID[g].from <= w->depth; k++) {
                struct fit_model m = *best;
                if (GRID[g].offset == AT(tail.ratio_ppm) && m.tail.weight_ppm == 0)
                    break;
                set(&m, GRID[g].offset, GRID[g].value[k]);
                double loss = grid_loss(w, &m, theta);
                if (loss < least - 1e-7) {
                    least = loss;
                    *best = m;
                    better = true;
                }
            }
    }
}

// ---- Newton steps

struct state {
    double theta[PARAMS], loss, gradient[PARAMS], information[PARAMS][PARAMS];
};

static bool is_free(const struct work *w, unsigned p)
{
    return w->depth >= (p < P_FALLS ? FIT_CALIBRATED : FIT_JUMPS);
}

static void look(const struct work *w, struct state *s)
{
    const double horizon = (double)w->horizon_ns * NS;
    size_t at = 0;
    s->loss = 0;
    memset(s->gradient, 0, sizeof s->gradient);
    memset(s->information, 0, sizeof s->information);
    for (size_t i = 0; i < w->n; i += w->step, at++) {
        double d[PARAMS], p = told(s->theta, w->x[at], &w->c[i].look, horizon, d);
        p = p < LOG_LEAST ? LOG_LEAST : p > 1 - LOG_LEAST ? 1 - LOG_LEAST : p;
        s->loss += loss_of(p, w->c[i].happened);
        double miss = (p - w->c[i].happened) / (p * (1 - p)), weight = 1 / (p * (1 - p));
        for (unsigned a = 0; a < PARAMS; a++) {
            s->gradient[a] += miss * d[a];
            for (unsigned b = 0; b <= a; b++)
                s->information[a][b] += weight * d[a] * d[b];
        }
    }
    for (unsigned a = 0; a < PARAMS; a++) {
        double off = s->theta[a] - BEGIN[a];
        s->loss += PRIOR / 2 * off * off;
        s->gradient[a] += PRIOR * off;
        s->information[a][a] += PRIOR;
        for (unsigned b = 0; b < a; b++)
            s->information[b][a] = s->information[a][b];
    }
}

// Solves (information + damping * its diagonal) step = gradient over the free coefficients, by Cholesky.
static bool solve(const struct work *w, const struct state *s, double damping, double *step)
{
    double a[PARAMS][PARAMS];
    for (unsigned i = 0; i < PARAMS; i++)
        for (unsigned j = 0; j < PARAMS; j++) {
            bool both = is_free(w, i) && is_free(w, j);
            a[i][j] = i == j ? (both ? s->information[i][i] * (1 + damping) : 1)
                             : (both ? s->information[i][j] : 0);
        }
    for (unsigned j = 0; j < PARAMS; j++) {
        for (unsigned k = 0; k < j; k++)
            a[j][j] -= a[j][k] * a[j][k];
        if (a[j][j] <= 0)
            return false;
        a[j][j] = sqrt(a[j][j]);
        for (unsigned i = j + 1; i < PARAMS; i++) {
            for (unsigned k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
    }
    for (unsigned i = 0; i < PARAMS; i++) {
        step[i] = is_free(w, i) ? s->gradient[i] : 0;
        for (unsigned k = 0; k < i; k++)
            step[i] -= a[i][k] * step[k];
        step[i] /= a[i][i];
    }
    for (unsigned i = PARAMS; i-- > 0;) {
        for (unsigned k = i + 1; k < PARAMS; k++)
            step[i] -= a[k][i] * step[k];
        step[i] /= a[i][i];
    }
    return true;
}

static bool newton_step(const struct work *w, struct state *s, double *damping)
{
    static struct state next;
    for (unsigned t = 0; t < TRIES; t++, *damping *= 4) {
        double step[PARAMS];
        if (!solve(w, s, *damping, step))
            continue;
        next = *s;
        for (unsigned i = 0; i < PARAMS; i++)
            next.theta[i] = fmin(MOST[i], fmax(LEAST[i], s->theta[i] - step[i]));
        look(w, &next);
        if (next.loss < s->loss - 1e-9 * fabs(s->loss)) {
            *s = next;
            *damping /= 8;
            return true;
        }
    }
    return false;
}

static void to_model(const struct work *w, const double *theta, struct fit_model *m)
{
    struct outlook_fit *o = &m->outlook;
    double a_day = DAY_S * E3;
    o->falls_e3 = (uint32_t)lround(exp(theta[P_FALLS]) * a_day);
    o->rises_e3 = (uint32_t)lround(exp(theta[P_RISES]) * a_day);
    o->jump_ppm = (uint32_t)lround(exp(theta[P_SIZE]) * E6);
    if (w->depth < FIT_CALIBRATED)
        return;
    o->const_e6 = lround(theta[P_CONST] * E6);
    o->odds_e6 = lround(theta[P_ODDS] * E6);
    o->far_e6 = lround(theta[P_FAR] * E6);
    o->burst_e6 = lround(theta[P_BURST] * E6);
    o->trend_e6 = lround(theta[P_TREND] * E6);
}

static void newton(const struct work *w, struct fit_model *m, double *theta)
{
    static struct state s;
    double damping = 1e-3;
    size_t at = 0;
    for (size_t i = 0; i < w->n; i += w->step, at++)
        features(&w->c[i], m, w->x[at]);
    memcpy(s.theta, theta, sizeof s.theta);
    look(w, &s);
    for (unsigned k = 0; k < NEWTON_STEPS && newton_step(w, &s, &damping); k++)
        ;
    memcpy(theta, s.theta, sizeof s.theta);
    to_model(w, theta, m);
}

struct fit_model fit_cases(const struct fit_case *c, size_t n, size_t most, uint64_t horizon_ns,
                           enum fit_depth depth)
{
    struct fit_model best = fit_none();
    struct work w = {
        .c = c, .n = n, .step = n / (most ? most : 1) + 1, .horizon_ns = horizon_ns, .depth = depth};
    double theta[PARAMS];
    memcpy(theta, BEGIN, sizeof theta);
    if (depth < FIT_JUMPS)
        theta[P_FALLS] = theta[P_RISES] = NEVER;
    if (n == 0 || depth == FIT_NOTHING)
        return best;
    w.x = malloc((n / w.step + 1) * sizeof *w.x);
    struct fit_model m = best;
    double least = model_loss(&w, &best);
    for (unsigned t = 0; w.x && t < TURNS; t++) {
        if (depth >= FIT_JUMPS)
            newton(&w, &m, theta);
        walk_grid(&w, theta, &m);
        if (depth >= FIT_JUMPS)
            newton(&w, &m, theta);
        double loss = model_loss(&w, &m);
        if (loss < least) {
            least = loss;
            best = m;
        }
    }
    free(w.x);
    return best;
}

// ---- held out

int fit_cross(const struct fit_case *c, size_t n, size_t most, unsigned folds, uint64_t horizon_ns,
              double loss[FIT_DEPTHS])
{
    struct fit_case *rest = malloc((n + 1) * sizeof *rest), *out = malloc((n + 1) * sizeof *out);
    double sum[FIT_DEPTHS] = {0};
    uint32_t last = 0;
    size_t seen = 0;
    bool two = false;
    for (unsigned f = 0; rest && out && f < folds; f++) {
        size_t a = 0, b = 0, days = 0;
        for (size_t i = 0; i < n; i++) {
            days += i == 0 || c[i].day != last;
            last = c[i].day;
            if ((days - 1) % folds == f)
                out[b++] = c[i];
            else
                rest[a++] = c[i];
        }
        two |= days > 1;
        for (int d = FIT_NOTHING; d < FIT_DEPTHS && a && b; d++) {
            const struct fit_model m = fit_cases(rest, a, most, horizon_ns, (enum fit_depth)d);
            sum[d] += fit_loss(&m, out, b, 1, horizon_ns) * (double)b;
        }
        seen += a ? b : 0;
    }
    for (int d = FIT_NOTHING; d < FIT_DEPTHS; d++)
        loss[d] = seen ? sum[d] / (double)seen : 0;
    bool memory = rest && out;
    free(rest);
    free(out);
    return memory && two && seen ? 0 : -1;
}
