// SPDX-License-Identifier: Apache-2.0
#include "lab/paths.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/csv.h"
#include "accounts/decimal.h"
#include "accounts/reciprocal.h"

// ---- functions whose last bit is the same everywhere

static const double LN2_HIGH = 0x1.62e42fefa3000p-1; // 41 bits: times an exponent it is exact
static const double LN2_LOW = 0x1.3de6af278ece6p-42; // what is left, to 1e-28

static uint64_t bits_of(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static double of_bits(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

// ln m = 2 atanh((m - 1) / (m + 1)), |s| <= 0.1716: the first term left out is below 2e-19.
double lab_log(double x)
{
    enum { LAST = 23, EXPONENT = 52, BIAS = 1023 };
    int e = 0;
    if (x < 0x1p-1022) { // subnormal
        x *= 0x1p54;
        e = -54;
    }
    uint64_t u = bits_of(x);
    e += (int)(u >> EXPONENT) - BIAS;
    double m = of_bits((u & ((UINT64_C(1) << EXPONENT) - 1)) | ((uint64_t)BIAS << EXPONENT));
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    double s = (m - 1) / (m + 1), z = s * s, sum = 0;
    for (int k = LAST; k > 1; k -= 2)
        sum = (sum + 1.0 / k) * z;
    return (double)e * LN2_HIGH + ((double)e * LN2_LOW + (2 * s + 2 * s * sum));
}

// e^x = 2^n e^r, |r| <= 0.3466: the series' first term left out is below 1e-18.
double lab_exp(double x)
{
    enum { LAST = 15, EXPONENT = 52, BIAS = 1023 };
    double t = x * 1.4426950408889634;
    int n = (int)(t < 0 ? t - 0.5 : t + 0.5);
    double r = x - (double)n * LN2_HIGH - (double)n * LN2_LOW, sum = 1;
    for (int k = LAST; k > 0; k--)
        sum = 1 + sum * r / k;
    return sum * of_bits((uint64_t)(n + BIAS) << EXPONENT);
}

double lab_normal(struct prng *r)
{
    double u, v, s;
    do { // one of the pair is thrown away: no state but the generator's
        u = 2 * prng_unit(r) - 1;
        v = 2 * prng_unit(r) - 1;
        s = u * u + v * v;
    } while (s >= 1 || s == 0);
    return u * sqrt(-2 * lab_log(s) / s);
}

// ---- coins

// "BTC_USDC-PERPETUAL", "btc_usd" -> "BTC".
static void coin_name(const char *source, char *out)
{
    size_t n = 0;
    for (; n < NAME_LEN - 1 && source[n] && source[n] != '-' && source[n] != '_' && source[n] != '/'; n++)
        out[n] = (char)toupper((unsigned char)source[n]);
    out[n] = '\0';
}

static bool is_dollar(const char *coin)
{
    return strncmp(coin, "USD", 3) == 0 || strcmp(coin, "DAI") == 0;
}

int coins_of(const struct market *m, struct coins *out, struct err *e)
{
    out->n = 0;
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        char name[NAME_LEN];
        unsigned k = 0;
        if (a->kind == ASSET_RECIPROCAL)
            a = &m->asset[a->base];
        coin_name(a->source[0] ? a->source : a->name, name);
        out->of[i] = COIN_NONE;
        if (is_dollar(name))
            continue;
        while (k < out->n && strcmp(out->name[k], name) != 0)
            k++;
        if (k == COINS_MAX)
            return err_set(e, "the market has more than %d coins: leave out instruments", COINS_MAX);
        if (k == out->n)
            memcpy(out->name[out->n++], name, sizeof name);
        out->of[i] = (uint16_t)k;
    }
    return 0;
}

// ---- model

int lab_cholesky(unsigned n, double a[][COINS_MAX], double lower[][COINS_MAX])
{
    static const double NOTHING = 1e-12; // of the diagonal: no variance is left in this direction
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < n; j++)
            lower[i][j] = 0;
    for (unsigned j = 0; j < n; j++) {
        double d = a[j][j];
        for (unsigned k = 0; k < j; k++)
            d -= lower[j][k] * lower[j][k];
        if (d < -NOTHING * a[j][j] || a[j][j] < 0)
            return -1;
        bool none = d <= NOTHING * a[j][j];
        lower[j][j] = none ? 0 : sqrt(d);
        for (unsigned i = j + 1; i < n; i++) {
            double s = a[i][j];
            for (unsigned k = 0; k < j; k++)
                s -= lower[i][k] * lower[j][k];
            lower[i][j] = none ? 0 : s / lower[j][j];
        }
    }
    return 0;
}

void shocks_alike(struct shocks *s, unsigned coins, double sigma, double rho)
{
    double a[COINS_MAX][COINS_MAX];
    for (unsigned i = 0; i < coins; i++) {
        s->sigma[i] = sigma;
        for (unsigned j = 0; j < coins; j++)
            a[i][j] = i == j ? 1 : rho;
    }
    (void)lab_cholesky(coins, a, s->lower);
}

int shocks_from_history(struct shocks *s, const struct history *h, double lambda, struct err *e)
{
    double a[COINS_MAX][COINS_MAX] = {{0}}, sum = 0, w = 1;
    for (size_t t = h->n; t-- > 0; w *= lambda) {
        const double *r = &h->r[t * h->coins];
        sum += w;
        for (unsigned i = 0; i < h->coins; i++)
            for (unsigned j = 0; j < h->coins; j++)
                a[i][j] += w * r[i] * r[j];
    }
    for (unsigned i = 0; i < h->coins; i++)
        s->sigma[i] = sqrt(a[i][i] / sum);
    for (unsigned i = 0; i < h->coins; i++)
        for (unsigned j = 0; j < h->coins; j++) {
            double d = s->sigma[i] * s->sigma[j];
            a[i][j] = i == j ? 1 : d > 0 ? a[i][j] / sum / d : 0;
        }
    return lab_cholesky(h->coins, a, s->lower) ? err_set(e, "the history's correlations are no correlations")
                                               : 0;
}

// ---- paths

static const int64_t START_MAX = INT64_C(1) << 57; // times WORLD_FACTOR it still fits

int paths_alloc(struct paths *p, const struct market *m, const int64_t *px0, size_t n, struct err *e)
{
    *p = (struct paths){.assets = m->n_assets, .n = n};
    for (unsigned k = 0; k < m->n_assets; k++)
        if (px0[k] <= 0 || px0[k] > START_MAX)
            return err_set(e, "asset %s has no start price, or one above 2^57 quanta: give it by --price",
                           m->asset[k].name);
    size_t cells = n * m->n_assets;
    p->px = malloc((cells + 1) * sizeof *p->px);
    p->x = malloc((cells + 1) * sizeof *p->x);
    return p->px && p->x ? 0 : err_set(e, "out of memory for %zu paths: take fewer", n);
}

void paths_free(struct paths *p)
{
    free(p->px);
    free(p->x);
    *p = (struct paths){0};
}

void paths_set(struct paths *p, const struct market *m, const struct coins *c, const int64_t *px0, size_t i,
               const double *log_return)
{
    int64_t *px = &p->px[i * p->assets];
    for (unsigned k = 0; k < p->assets; k++) {
        double r = c->of[k] == COIN_NONE ? 0 : log_return[c->of[k]];
        r = r > SHOCK_LOG_MAX ? SHOCK_LOG_MAX : r < -SHOCK_LOG_MAX ? -SHOCK_LOG_MAX : r;
        px[k] = r == 0 ? px0[k] : (int64_t)((double)px0[k] * lab_exp(r) + 0.5);
        px[k] = px[k] < 1 ? 1 : px[k];
    }
    for (unsigned k = 0; k < p->assets; k++) {
        const struct asset *a = &m->asset[k];
        if (a->kind == ASSET_RECIPROCAL)
            px[k] = reciprocal_price(px[a->base], m->asset[a->base].decimals, a->decimals);
        px[k] = px[k] < 1 ? 1 : px[k];
        p->x[i * p->assets + k] = (double)px[k] / (double)px0[k];
    }
}

static void draw(const struct shocks *s, unsigned coins, struct prng *r, double *out)
{
    double z[COINS_MAX], scale = sqrt(s->days), jump = 0;
    for (unsigned i = 0; i < coins; i++)
        z[i] = lab_normal(r);
    if (s->df) { // unit variance: t has df / (df - 2)
        double chi2 = 0;
        for (unsigned k = 0; k < s->df; k++) {
            double n = lab_normal(r);
            chi2 += n * n;
        }
        scale *= sqrt((double)(s->df - 2) / chi2);
    }
    if (s->jump_rate > 0 && prng_unit(r) < 1 - lab_exp(-s->jump_rate * s->days))
        jump = s->jump_mean + s->jump_sd * lab_normal(r);
    for (unsigned i = 0; i < coins; i++) {
        double v = 0;
        for (unsigned k = 0; k <= i; k++)
            v += s->lower[i][k] * z[k];
        out[i] = scale * s->sigma[i] * v + jump;
    }
}

int paths_draw(struct paths *p, const struct market *m, const struct coins *c, const int64_t *px0,
               const struct shocks *s, size_t n, uint64_t seed, struct err *e)
{
    if (paths_alloc(p, m, px0, n, e))
        return -1;
    for (size_t i = 0; i < n; i++) {
        double r[COINS_MAX];
        struct prng rng;
        uint64_t mix = seed;
        mix = splitmix64(&mix) + i; // paths of seeds that follow each other are not each other's
        prng_seed(&rng, splitmix64(&mix));
        draw(s, c->n, &rng, r);
        paths_set(p, m, c, px0, i, r);
    }
    return 0;
}

int paths_of_history(struct paths *p, const struct market *m, const struct coins *c, const int64_t *px0,
                     const struct history *h, struct err *e)
{
    if (paths_alloc(p, m, px0, h->n, e))
        return -1;
    for (size_t i = 0; i < h->n; i++)
        paths_set(p, m, c, px0, i, &h->r[i * h->coins]);
    return 0;
}

// ---- history

enum { COLUMNS_MAX = 256, HISTORY_BYTES_MAX = 1 << 28, PRICE_DECIMALS = 12 };

void history_free(struct history *h)
{
    free(h->r);
    *h = (struct history){0};
}

static char *read_text(const char *path, size_t *len, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        (void)err_set(e, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = NULL;
    long size = fseek(f, 0, SEEK_END) ? -1 : ftell(f);
    if (size < 0 || size >= HISTORY_BYTES_MAX)
        (void)err_set(e, "%s: no file of less than 256 MiB", path);
    else if (!(text = malloc((size_t)size + 1)))
        (void)err_set(e, "out of memory");
    rewind(f);
    *len = text ? fread(text, 1, (size_t)size, f) : 0;
    fclose(f);
    return text;
}

// Which coin a column is of, by coin, asset or source; COIN_NONE: none of the book's.
static uint16_t column_coin(const char *head, const struct market *m, const struct coins *c)
{
    for (unsigned k = 0; k < m->n_assets; k++)
        if (strcmp(m->asset[k].name, head) == 0 || strcmp(m->asset[k].source, head) == 0)
            return c->of[k];
    char name[NAME_LEN];
    coin_name(head, name);
    for (unsigned k = 0; k < c->n; k++)
        if (strcmp(c->name[k], name) == 0)
            return (uint16_t)k;
    return COIN_NONE;
}

struct columns {
    int n;
    uint16_t coin[COLUMNS_MAX];
};

static int read_head(char **field, int n, const struct market *m, const struct coins *c, struct columns *out,
                     struct err *e)
{
    bool have[COINS_MAX] = {false};
    out->n = n;
    for (int i = 1; i < n; i++) {
        uint16_t k = column_coin(field[i], m, c);
        if (k != COIN_NONE && have[k])
            k = COIN_NONE; // the first column of a coin counts
        if (k != COIN_NONE)
            have[k] = true;
        out->coin[i] = k;
    }
    for (unsigned k = 0; k < c->n; k++)
        if (!have[k])
            return err_set(e, "no column for %s, which the book has: add one", c->name[k]);
    return 0;
}

static int read_row(char **field, int n, const struct columns *col, const struct coins *c, struct history *h,
                    size_t *cap, double *last, bool first, struct err *e)
{
    double *r = NULL;
    if (n != col->n)
        return err_set(e, "%d columns, the head has %d", n, col->n);
    if (!first && h->n == *cap) {
        *cap = *cap ? *cap * 2 : 256;
        double *more =
            *cap <= 2 * (size_t)HISTORY_ROWS_MAX ? realloc(h->r, *cap * (c->n + 1) * sizeof *more) : NULL;
        if (!more)
            return err_set(e, "more than %d rows, or out of memory", HISTORY_ROWS_MAX);
        h->r = more;
    }
    if (!first)
        r = &h->r[h->n++ * c->n];
    for (int i = 1; i < n; i++) {
        i128 v;
        if (col->coin[i] == COIN_NONE)
            continue;
        if (dec_parse(field[i], PRICE_DECIMALS, &v, e))
            return -1;
        if (v <= 0)
            return err_set(e, "price '%.40s' must be above 0", field[i]);
        double p = lab_log((double)v);
        if (r)
            r[col->coin[i]] = p - last[col->coin[i]];
        last[col->coin[i]] = p;
    }
    return 0;
}

int history_read(const char *path, const struct market *m, const struct coins *c, struct history *out,
                 struct err *e)
{
    size_t len, cap = 0;
    struct csv csv;
    struct columns col = {0};
    struct err why = {{0}};
    char *field[COLUMNS_MAX], *text = read_text(path, &len, e);
    double last[COINS_MAX];
    int n, rc = 0, rows = 0;
    *out = (struct history){.coins = c->n};
    if (!text)
        return -1;
    csv_init(&csv, text, len);
    while (rc == 0 && (n = csv_next(&csv, field, COLUMNS_MAX)) > 0) {
        rc = rows == 0 ? read_head(field, n, m, c, &col, &why)
                       : read_row(field, n, &col, c, out, &cap, last, rows == 1, &why);
        rows++;
    }
    if (rc == 0 && n < 0)
        rc = err_set(&why, "%s", csv.error);
    if (rc == 0 && out->n == 0)
        rc = err_set(&why, "a head and two rows of prices at least are needed");
    if (rc)
        (void)err_set(e, "%.200s:%u: %.250s", path, csv.line, why.msg);
    free(text);
    if (rc)
        history_free(out);
    return rc;
}
