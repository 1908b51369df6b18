// SPDX-License-Identifier: Apache-2.0
// Shocks of a book's prices: correlated, fat-tailed, seeded; or those of history. A path is one price an
// asset at the horizon's end. Same seed, same paths on every machine: logarithm, exponential and normal
// variates are made here of
// + - * / and square roots, which IEEE 754 fixes to the bit (docs/lab/risk.md, section 3). Path i depends on
// seed and i alone, not on how many there are. Offline only; one thread per struct, reading by any. Source of
// the model: multivariate Student t, z sqrt(nu / chi2), and Merton's jumps (J. Financial Economics 3, 1976);
// covariance by RiskMetrics' exponential weights (1996).
#ifndef TRIPLINE_LAB_PATHS_H
#define TRIPLINE_LAB_PATHS_H

#include "accounts/account.h"
#include "base/err.h"
#include "base/prng.h"

enum { COINS_MAX = 64, COIN_NONE = 0xffff, DF_MAX = 100, HISTORY_ROWS_MAX = 100000 };

// Moves beyond e^+-2.9 (5.5 % .. 1817 % of the price) count as that: the world's forms hold up to a factor
// of 20.
#define SHOCK_LOG_MAX 2.9
#define WORLD_FACTOR  20

// ln x for finite x > 0, relative error < 1e-15 away from 1, absolute error < 1e-16 near it; e^x for |x| <
// 700, relative error < 1e-15. A standard normal variate by Marsaglia's polar method (SIAM Review 6, 1964).
double lab_log(double x);
double lab_exp(double x);
double lab_normal(struct prng *r);

// What moves: assets of one coin (BTC-PERPETUAL, BTC_USDC-PERPETUAL, btc_usd) move together; dollars do not.
struct coins {
    unsigned n;
    char name[COINS_MAX][NAME_LEN];
    uint16_t of[MARKET_ASSETS_MAX]; // asset -> coin, COIN_NONE for what stays; of a reciprocal: its base's
};
// 0, or -1 with *e set: more than COINS_MAX.
int coins_of(const struct market *m, struct coins *out, struct err *e);

struct shocks {
    double sigma[COINS_MAX];              // standard deviation of a day's log return
    double lower[COINS_MAX][COINS_MAX];   // Cholesky factor of the correlations
    unsigned df;                          // 3..DF_MAX: Student's t with unit variance; 0: normal
    double days;                          // horizon, > 0
    double jump_rate, jump_mean, jump_sd; // jumps a day, log size; all coins jump together
};
// All coins alike: sigma a day, one correlation -1/(n-1) < rho <= 1.
void shocks_alike(struct shocks *s, unsigned coins, double sigma, double rho);
// Lower triangular factor of a covariance or correlation matrix (n rows of COINS_MAX). A direction without
// variance gets a column of zeros. 0, or -1: not positive semidefinite.
int lab_cholesky(unsigned n, double a[][COINS_MAX], double lower[][COINS_MAX]);

struct history {
    size_t n; // returns
    unsigned coins;
    double *r; // [n * coins] log returns, oldest first
};
// CSV: a head "time,BTC,ETH,..." (names of coins, assets or sources), then prices, oldest first. Every coin
// of the book needs a column; others are not looked at. 0, or -1 with *e naming file, line and remedy.
int history_read(const char *path, const struct market *m, const struct coins *c, struct history *out,
                 struct err *e);
void history_free(struct history *h);
// sigma and correlations of s from exponentially weighted squares, mean zero; 0 < lambda < 1 (RiskMetrics:
// 0.94).
int shocks_from_history(struct shocks *s, const struct history *h, double lambda, struct err *e);

struct paths {
    unsigned assets;
    size_t n;
    int64_t *px; // [n * assets] price quanta, >= 1
    double *x;   // [n * assets] px / start price
};
// px0 > 0 for every asset, below 2^57. 0, or -1 (out of memory, a price out of range). paths_free() in both
// cases.
int paths_draw(struct paths *p, const struct market *m, const struct coins *c, const int64_t *px0,
               const struct shocks *s, size_t n, uint64_t seed, struct err *e);
int paths_of_history(struct paths *p, const struct market *m, const struct coins *c, const int64_t *px0,
                     const struct history *h, struct err *e);
// Room for n paths that the caller fills by paths_set: log returns by coin.
int paths_alloc(struct paths *p, const struct market *m, const int64_t *px0, size_t n, struct err *e);
void paths_set(struct paths *p, const struct market *m, const struct coins *c, const int64_t *px0, size_t i,
               const double *log_return);
void paths_free(struct paths *p);

#endif
