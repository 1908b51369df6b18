// SPDX-License-Identifier: Apache-2.0
// Line-driven front of host/risk/outlook.c and host/run/expect.c for tests/diff/outlook_diff.py: one command
// a line on stdin, its numbers decimal, one line of numbers as the answer. A malformed line ends the program
// with status 2.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/expect.h"

enum { LINE = 1 << 16 };

static const char *word(void)
{
    const char *t = strtok(NULL, " \n");
    if (t)
        return t;
    fputs("outlook_driver: a number is missing\n", stderr);
    exit(2);
}
static int64_t get(void)
{
    return strtoll(word(), NULL, 10);
}
static uint64_t getu(void)
{
    return strtoull(word(), NULL, 10);
}
static uint32_t get32(void)
{
    return (uint32_t)getu();
}

static struct outlook_look look;
static struct breach_tail_fit tail;
static struct outlook_fit fit;
static struct expect expect;

// distances (fast middle long) drift reach side
static void read_look(void)
{
    for (unsigned k = 0; k < OUTLOOK_MEMORIES; k++)
        look.distance[k] = get();
    look.drift = get();
    look.reach_ppm = get32();
    look.side = (int8_t)get();
}

// scale wild ratio fast long drift falls rises jump const odds far burst trend
static void read_fit(void)
{
    tail = (struct breach_tail_fit){.scale_ppm = get32()};
    tail.weight_ppm = get32();
    tail.ratio_ppm = get32();
    fit.fast_ppm = get32();
    fit.long_ppm = get32();
    fit.drift_ppm = get32();
    fit.falls_e3 = get32();
    fit.rises_e3 = get32();
    fit.jump_ppm = get32();
    fit.const_e6 = get();
    fit.odds_e6 = get();
    fit.far_e6 = get();
    fit.burst_e6 = get();
    fit.trend_e6 = get();
}

static void judge(void)
{
    struct outlook_features f;
    int64_t drift;
    uint64_t horizon = getu();
    read_look();
    read_fit();
    outlook_features(&look, &tail, &fit, &f);
    int64_t d = outlook_distance(&look, &fit, &drift);
    printf("%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, d, drift, f.odds, f.far,
           f.burst, f.trend);
    printf(" %" PRIu64 " %" PRIu64 " %d", outlook_jump(&look, horizon, &fit),
           outlook_probability(&look, horizon, &tail, &fit), outlook_plain(&fit));
}

// horizon health n, (exposure fast middle long drift) * n
static void see(void)
{
    const struct breach_view v = {.horizon_ns = getu(), .rho_ppm = EXPECT_RHO_PPM};
    struct breach_form f = {.health = get(), .n = get32()};
    static struct outlook_asset a[BREACH_ASSETS_MAX];
    struct breach_asset one[BREACH_ASSETS_MAX] = {{0}};
    for (unsigned i = 0; i < f.n && i < BREACH_ASSETS_MAX; i++) {
        f.exposure[i] = get();
        for (unsigned k = 0; k < OUTLOOK_MEMORIES; k++)
            a[i].vol_q48[k] = getu();
        a[i].drift_q64 = get();
    }
    outlook_look(&f, a, &v, &look);
    printf("%" PRId64 " %" PRIu32 " %d", look.drift, look.reach_ppm, look.side);
    for (unsigned k = 0; k < OUTLOOK_MEMORIES; k++) { // each is what breach.h says of that variance
        int64_t drift;
        for (unsigned i = 0; i < f.n; i++)
            one[i] = (struct breach_asset){.vol_q48 = a[i].vol_q48[k], .drift_q64 = a[i].drift_q64};
        int64_t d = breach_distance(&f, one, &v, &drift);
        printf(" %d", look.distance[k] == d && (k != OUTLOOK_MIDDLE || drift == look.drift));
    }
}

// now n, price * n
static void sample(void)
{
    int64_t px[MARKET_ASSETS_MAX];
    uint64_t now = getu();
    unsigned n = get32();
    for (unsigned i = 0; i < n && i < MARKET_ASSETS_MAX; i++)
        px[i] = get();
    expect_sample(&expect, px, n, now);
    for (unsigned i = 0; i < n; i++) {
        const struct expect_more *m = &expect.more[i];
        printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRIu64 " ",
               expect.variance_q64[i], m->fast_q64, m->long_q64, m->mean_q64, m->asset.drift_q64,
               expect.changed_ns[i]);
        printf("%d ", m->asset.vol_q48[OUTLOOK_FAST] == breach_vol_q48(m->fast_q64) &&
                          m->asset.vol_q48[OUTLOOK_LONG] == breach_vol_q48(m->long_q64) &&
                          m->asset.vol_q48[OUTLOOK_MIDDLE] == expect.vol_q48[i]);
    }
}

int main(void)
{
    static char line[LINE];
    while (fgets(line, sizeof line, stdin)) {
        const char *what = strtok(line, " \n");
        if (what && strcmp(what, "judge") == 0)
            judge();
        else if (what && strcmp(what, "see") == 0)
            see();
        else if (what && strcmp(what, "sample") == 0)
            sample();
        else if (what && strcmp(what, "reset") == 0)
            memset(&expect, 0, sizeof expect);
        else
            return 2;
        putchar('\n');
        fflush(stdout);
    }
    return 0;
}
