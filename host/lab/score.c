// SPDX-License-Identifier: Apache-2.0
#include "lab/score.h"

#include <math.h>
#include <stdlib.h>

#include "base/prng.h"

static const double EDGE[LAB_SCORE_BINS + 1] = {0,   0.001, 0.01, 0.05, 0.1, 0.2, 0.3,
                                                0.4, 0.5,   0.6,  0.7,  0.9, 1};
static const double LOG_LEAST = 1e-6;
static const double Z_95 = 1.959963984540054, TAIL = 0.025;
enum { DRAWS = 2000 };

static double square(double x)
{
    return x * x;
}

static double log_loss(double p, bool happened)
{
    p = happened ? p : 1 - p;
    return -log(p < LOG_LEAST ? LOG_LEAST : p);
}

static struct lab_bin *bin_of(struct lab_score *s, double p)
{
    size_t i = 0;
    while (i + 1 < LAB_SCORE_BINS && p >= EDGE[i + 1])
        i++;
    return &s->bin[i];
}

static void finish_bins(struct lab_score *s)
{
    for (size_t i = 0; i < LAB_SCORE_BINS; i++) {
        struct lab_bin *b = &s->bin[i];
        b->low = EDGE[i];
        b->high = EDGE[i + 1];
        if (b->n == 0)
            continue;
        double n = (double)b->n;
        b->mean_p /= n;
        b->rate = (double)b->happened / n;
        b->error = sqrt(b->rate * (1 - b->rate) / n);
        s->reliability += n / (double)s->n * square(b->mean_p - b->rate);
        s->resolution += n / (double)s->n * square(b->rate - s->rate);
    }
}

void lab_score(const struct lab_case *c, size_t n, struct lab_score *out)
{
    *out = (struct lab_score){.n = n};
    for (size_t i = 0; i < n; i++) {
        struct lab_bin *b = bin_of(out, c[i].p);
        b->n++;
        b->happened += c[i].happened;
        b->mean_p += c[i].p;
        out->happened += c[i].happened;
        out->brier += square(c[i].p - c[i].happened) / (double)n;
        out->log_loss += log_loss(c[i].p, c[i].happened) / (double)n;
    }
    if (n == 0)
        return;
    out->rate = (double)out->happened / (double)n;
    out->brier_base = out->rate * (1 - out->rate);
    out->log_loss_base = out->rate * log_loss(out->rate, true) + (1 - out->rate) * log_loss(out->rate, false);
    out->skill = out->brier_base > 0 ? 1 - out->brier / out->brier_base : 0;
    finish_bins(out);
}

double lab_constant_brier(const struct lab_score *s, double p)
{
    return s->n ? s->rate * square(1 - p) + (1 - s->rate) * square(p) : 0;
}

double lab_constant_loss(const struct lab_score *s, double p)
{
    return s->n ? s->rate * log_loss(p, true) + (1 - s->rate) * log_loss(p, false) : 0;
}

struct lab_interval lab_share(uint64_t k, uint64_t n)
{
    if (n == 0)
        return (struct lab_interval){0, 1};
    double all = (double)n, p = (double)k / all, z2 = square(Z_95);
    double middle = (p + z2 / (2 * all)) / (1 + z2 / all);
    double half = Z_95 / (1 + z2 / all) * sqrt(p * (1 - p) / all + z2 / (4 * square(all)));
    return (struct lab_interval){k == 0 ? 0 : middle - half, k == n ? 1 : middle + half};
}

static double difference_of(const uint64_t *all, const uint64_t *hit)
{
    double share[2];
    for (int w = 0; w < 2; w++)
        share[w] = all[w] ? (double)hit[w] / (double)all[w] : 0;
    return share[1] - share[0];
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct lab_interval lab_paired_difference(const struct lab_paired *day, size_t n, uint64_t seed,
                                          double *difference)
{
    static double draw[DRAWS];
    struct prng r;
    prng_seed(&r, seed);
    *difference = 0;
    if (n == 0)
        return (struct lab_interval){0, 0};
    for (size_t k = 0; k <= DRAWS; k++) { // the first is all days as they are
        uint64_t all[2] = {0}, hit[2] = {0};
        for (size_t i = 0; i < n; i++) {
            const struct lab_paired *d = &day[k ? prng_below(&r, n) : i];
            for (int w = 0; w < 2; w++) {
                all[w] += d->all[w];
                hit[w] += d->hit[w];
            }
        }
        if (k == 0)
            *difference = difference_of(all, hit);
        else
            draw[k - 1] = difference_of(all, hit);
    }
    qsort(draw, DRAWS, sizeof *draw, ascending);
    return (struct lab_interval){draw[(size_t)(DRAWS * TAIL)], draw[DRAWS - 1 - (size_t)(DRAWS * TAIL)]};
}
