// SPDX-License-Identifier: Apache-2.0
#include "lab/score.h"

#include <math.h>

static const double EDGE[LAB_SCORE_BINS + 1] = {0,   0.001, 0.01, 0.05, 0.1, 0.2, 0.3,
                                                0.4, 0.5,   0.6,  0.7,  0.9, 1};
static const double LOG_LEAST = 1e-6;

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
