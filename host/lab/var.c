// SPDX-License-Identifier: Apache-2.0
#include "lab/var.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// ---- all paths

struct severity {
    double sum;
    size_t path;
};

struct job {
    const struct world *w;
    const struct paths *p;
    const size_t
        *order; // paths from the largest fall to the largest rise: blocks of like paths reach like accounts
    struct outcome *outcome;
    atomic_size_t next, done;
    atomic_bool stop;
};

struct worker {
    struct job *job;
    struct search search;
    pthread_t thread;
};

static bool one_block(struct worker *k)
{
    struct job *j = k->job;
    size_t at = atomic_fetch_add(&j->next, REACH_LANES), left = at < j->p->n ? j->p->n - at : 0;
    unsigned n = left < REACH_LANES ? (unsigned)left : REACH_LANES;
    struct outcome out[REACH_LANES];
    if (n == 0 || atomic_load(&j->stop))
        return false;
    reach_paths(&k->search, j->p, &j->order[at], n, out, NULL);
    for (unsigned i = 0; i < n; i++)
        j->outcome[j->order[at + i]] = out[i];
    atomic_fetch_add(&j->done, n);
    return true;
}

static void *work(void *arg)
{
    while (one_block(arg))
        ;
    return NULL;
}

static int by_sum(const void *a, const void *b)
{
    const struct severity *x = a, *y = b;
    if (x->sum < y->sum || x->sum > y->sum)
        return x->sum < y->sum ? -1 : 1;
    return (x->path > y->path) - (x->path < y->path);
}

static size_t *order_of(const struct paths *p)
{
    struct severity *s = malloc((p->n + 1) * sizeof *s);
    size_t *order = malloc((p->n + 1) * sizeof *order);
    for (size_t i = 0; s && order && i < p->n; i++) {
        s[i] = (struct severity){0, i};
        for (unsigned k = 0; k < p->assets; k++)
            s[i].sum += p->x[i * p->assets + k];
    }
    if (s && order) {
        qsort(s, p->n, sizeof *s, by_sum);
        for (size_t i = 0; i < p->n; i++)
            order[i] = s[i].path;
    } else {
        free(order);
        order = NULL;
    }
    free(s);
    return order;
}

// This thread works too, and tells how far all are.
static int run_threads(struct job *j, struct worker *k, unsigned threads, const struct progress *progress,
                       struct err *e)
{
    unsigned started = 1;
    int rc = progress_step(progress, "price paths", 0, 0, j->p->n, e);
    if (rc)
        return rc;
    while (started < threads && pthread_create(&k[started].thread, NULL, work, &k[started]) == 0)
        started++;
    while (rc == 0 && one_block(&k[0])) {
        size_t done = atomic_load(&j->done);
        rc = progress_step(progress, "price paths", done, done, j->p->n, e);
    }
    if (rc)
        atomic_store(&j->stop, true);
    for (unsigned i = 1; i < started; i++)
        pthread_join(k[i].thread, NULL);
    return rc;
}

int var_run(const struct world *w, const struct paths *p, unsigned threads, const struct progress *progress,
            struct var_run *out, struct err *e)
{
    double from = now();
    size_t *order = order_of(p);
    struct worker *k = calloc(threads, sizeof *k);
    *out = (struct var_run){.n = p->n, .outcome = calloc(p->n + 1, sizeof *out->outcome)};
    struct job j = {.w = w, .p = p, .order = order, .outcome = out->outcome};
    int rc = order && k && out->outcome ? 0 : err_set(e, "out of memory");
    for (unsigned i = 0; rc == 0 && i < threads; i++)
        k[i] = (struct worker){.job = &j, .search = {.w = w}};
    if (rc == 0)
        rc = run_threads(&j, k, threads, progress, e);
    for (unsigned i = 0; rc == 0 && i < threads; i++) {
        out->looked += k[i].search.looked;
        out->exact += k[i].search.exact;
    }
    out->seconds = now() - from;
    free(order);
    free(k);
    return rc;
}

void var_run_free(struct var_run *r)
{
    free(r->outcome);
    *r = (struct var_run){0};
}

// ---- beside the naive way

static double relative(double a, double b, double scale)
{
    double d = fabs(a - b);
    return d > 0 ? d / (scale > 1 ? scale : 1) : 0;
}

static void compare(const struct outcome *fast, const struct outcome *slow, const uint8_t *a,
                    const uint8_t *b, size_t bytes, struct var_check *out)
{
    for (size_t i = 0; i < bytes; i++)
        out->differ += (uint64_t)__builtin_popcount((unsigned)(a[i] ^ b[i]));
    if (fast->breached != slow->breached && out->differ == 0)
        out->differ = 1;              // the maps agree, the counts do not
    double scale = fabs(slow->value); // a small loss is a difference of values
    double v = relative(fast->value, slow->value, scale), l = relative(fast->loss, slow->loss, scale);
    out->worst = v > out->worst ? v : out->worst;
    out->worst = l > out->worst ? l : out->worst;
}

int var_check(const struct world *w, const struct paths *p, const struct var_run *run, size_t n,
              const struct progress *progress, struct var_check *out, struct err *e)
{
    size_t bytes = w->book->n_accounts / 8 + 1;
    uint8_t *seen = malloc(2 * bytes);
    struct search *s = calloc(1, sizeof *s);
    int rc = seen && s ? 0 : err_set(e, "out of memory");
    *out = (struct var_check){0};
    n = n < p->n ? n : p->n;
    for (size_t k = 0; rc == 0 && k < n; k++) {
        size_t path = k * p->n / n;
        struct outcome fast, slow;
        uint8_t *map[1] = {seen};
        for (size_t i = 0; i < 2 * bytes; i++)
            seen[i] = 0;
        double from = now();
        s->w = w;
        reach_paths(s, p, &path, 1, &fast, map);
        double then = now();
        naive_path(w, p, path, &s->scratch, &slow, seen + bytes);
        out->fast_seconds += then - from;
        out->seconds += now() - then;
        out->paths++;
        out->accounts += w->book->n_accounts;
        compare(&run->outcome[path], &slow, seen, seen + bytes, bytes, out);
        rc = progress_step(progress, "the naive way", k + 1, k + 1, n, e);
    }
    free(seen);
    free(s);
    return rc;
}

// ---- statistics

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void losses_sort(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
}

double losses_mean(const double *v, size_t n, double *error)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (v[i] - mean) * (v[i] - mean);
    *error = n > 1 ? sqrt(squares / (double)(n - 1) / (double)n) : 0;
    return mean;
}

// ceil(q n), which doubles must not push over a whole number.
static size_t rank_of(double q, size_t n)
{
    double r = ceil(q * (double)n * (1 - 1e-14));
    return r < 1 ? 1 : r > (double)n ? n : (size_t)r;
}

void tail_of(const double *sorted, size_t n, double q, struct tail *out)
{
    const double z = 1.959963984540054;
    size_t k = rank_of(q, n);
    double count = (double)n, weight = (1 - q) * count, sum = 0, squares = 0;
    double half = z * sqrt(count * q * (1 - q)), lo = q * count - half, hi = q * count + half + 1;
    *out = (struct tail){.q = q, .var = sorted[k - 1]};
    out->lo = sorted[lo < 1 ? 0 : (size_t)lo - 1];
    out->hi = sorted[hi > count ? n - 1 : (size_t)ceil(hi) - 1 < n ? (size_t)ceil(hi) - 1 : n - 1];
    for (size_t i = k; i < n; i++)
        sum += sorted[i];
    out->es = (sum + ((double)k - q * count) * out->var) / weight;
    for (size_t i = k; i < n; i++)
        squares += (sorted[i] - out->es) * (sorted[i] - out->es);
    squares += ((double)k - q * count) * (out->var - out->es) * (out->var - out->es);
    out->es_error = sqrt((squares / weight + q * (out->es - out->var) * (out->es - out->var)) / weight);
}

// x ln y, 0 for x = 0.
static double times_log(double x, double y)
{
    return x > 0 ? x * lab_log(y) : 0;
}

double kupiec_pof(size_t exceeded, size_t days, double p)
{
    double t = (double)days, x = (double)exceeded, f = days ? x / t : 0;
    double lr = 2 * (times_log(t - x, 1 - f) + times_log(x, f) - times_log(t - x, 1 - p) - times_log(x, p));
    return lr > 0 ? lr : 0;
}
