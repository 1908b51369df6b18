// SPDX-License-Identifier: Apache-2.0
// host/risk for vol_diff.py: commands on stdin, one line each, one answer line each. Numbers are decimal.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/u256.h"
#include "risk/climb.h"
#include "risk/dynamic.h"
#include "risk/estimate.h"
#include "risk/scaled.h"
#include "risk/vol.h"

enum { ROOM = 4096 };

static struct vol_ewma ewma;
static struct vol_sample sample[ROOM];
static struct vol_window window = {.sample = sample};
static struct dynamic_rule rule;
static struct dynamic_state state;
static struct climb climb;
static struct estimate guess;
static struct aloe_iv iv;

static i256 number(void)
{
    i256 v;
    const char *s = strtok(NULL, " \n");
    if (s == NULL || i256_parse(s, &v) != 0) {
        fprintf(stderr, "vol_driver: a number is missing or too large\n");
        exit(2);
    }
    return v;
}

static i128 num(void)
{
    return i256_to_i128(number());
}

static uint64_t word(void)
{
    return (uint64_t)num();
}

static uint32_t half(void)
{
    return (uint32_t)num();
}

static u256 wide(void)
{
    u256 v;
    const char *s = strtok(NULL, " \n");
    if (s == NULL || !u256_parse(s, &v))
        exit(2);
    return v;
}

static void say(i128 v)
{
    char text[I256_DIGITS_MAX];
    (void)i256_format(i256_from_i128(v), text, sizeof text);
    printf("%s ", text);
}

static void do_ewma(void)
{
    u128 var = (u128)num();
    int64_t r = (int64_t)num();
    say((i128)vol_ewma_step(var, r, half()));
}

static void do_ewma_dt(void)
{
    u128 var = (u128)num();
    int64_t r = (int64_t)num();
    uint64_t dt = word();
    uint32_t lambda = half();
    say((i128)vol_ewma_step_dt(var, r, dt, lambda, word()));
}

static void do_follow(void)
{
    ewma = (struct vol_ewma){.lambda_ppm = half()};
    ewma.period_ms = word();
    ewma.cap_ms = word();
}

static void do_price(void)
{
    uint64_t price = word();
    say(vol_ewma_price(&ewma, price, word()));
    say((i128)ewma.var);
    say((i128)ewma.n);
}

static void do_window(void)
{
    window = (struct vol_window){.sample = sample, .room = half()};
    window.window_ms = word();
}

static void do_add(void)
{
    int64_t r = (int64_t)num();
    vol_window_add(&window, r, word());
    say((i128)vol_window_var(&window, word()));
    say(window.n);
    say((i128)window.span_ms);
}

static void do_bar(void)
{
    struct vol_bar b = {.open = word()};
    b.high = word();
    b.low = word();
    b.close = word();
    say(vol_bar_good(&b));
    for (int how = VOL_CLOSE; how <= VOL_ROGERS_SATCHELL; how++)
        say((i128)vol_bar_var(&b, (enum vol_range)how));
}

static void do_make(void)
{
    struct vol_bar b = {0};
    uint64_t n = 0, all = word();
    while (n < all)
        vol_bar_add(&b, &n, word());
    say(b.open);
    say(b.high);
    say(b.low);
    say(b.close);
}

static void do_sigma(void)
{
    u128 var = (u128)num();
    uint64_t period = word();
    say(vol_sigma_ppm(var, period, word()));
}

static void do_rule(void)
{
    rule.base_bps = half();
    rule.min_bps = half();
    rule.max_bps = half();
    rule.sigma0_ppm = word();
    rule.k_bps = word();
    rule.dead_bps = half();
    rule.rate_mbps = half();
    say(dynamic_check(&rule) == NULL);
}

static void do_begin(void)
{
    uint32_t lt = half();
    dynamic_start(&state, lt, word());
}

static void do_step(void)
{
    uint64_t sigma = word();
    say(dynamic_step_to(&rule, &state, dynamic_target(&rule, sigma), word()));
    say(state.from_bps);
    say(state.to_bps);
    say(state.start);
    say(state.end);
}

static void do_stepto(void)
{
    uint32_t target = half();
    say(dynamic_step_to(&rule, &state, target, word()));
    say(state.from_bps);
    say(state.to_bps);
    say(state.start);
    say(state.end);
}

static void do_climb(void) // at now; is the rule one?
{
    climb.at_bps = half();
    climb.since = word();
    say(climb_check(&rule) == NULL);
}

static void do_climbto(void) // target now
{
    uint32_t target = half();
    say(climb_step(&rule, &climb, target, word()));
    say(climb.at_bps);
}

static void do_interest(void) // value lower upper
{
    u128 value = (u128)num(), lower = (u128)num();
    say(climb_open_interest(&rule, value, lower, (u128)num()));
}

static void
do_tiers(void) // rooted factor lo hi n, then floor and rate of each: the new rates, the factor found
{
    uint32_t rooted = half(), factor = half(), lo = half(), hi = half(), n = half(), found = 0;
    i128 floor[CLIMB_TIERS_MAX];
    uint32_t rate[CLIMB_TIERS_MAX], root[CLIMB_TIERS_MAX], out[CLIMB_TIERS_MAX];
    for (uint32_t k = 0; k < n; k++) {
        floor[k] = num();
        rate[k] = half();
    }
    if (n > 1)
        climb_roots(floor, n, root);
    for (uint32_t k = 0; k < n; k++) {
        out[k] = climb_rate(rate[k], factor, rooted ? &root[k] : NULL);
        say(out[k]);
    }
    say(climb_fit(rate, rooted ? root : NULL, n, out, lo, hi, &found));
    say(found);
    out[0]++; // no factor makes this, unless by chance
    say(climb_fit(rate, rooted ? root : NULL, n, out, lo, hi, &found));
    say(found);
}

static void do_reserve(void) // deposits quote iv tenths
{
    u128 deposits = (u128)num(), quote = (u128)num();
    say(scaled_threshold(&rule, deposits, quote));
    uint64_t v = word();
    say(implied_threshold(&rule, v, half()));
}

static void do_guess(void) // kind span period lambda
{
    uint32_t kind = half(), span = half();
    uint64_t period = word();
    estimate_begin(&guess, (enum estimate_kind)kind, span, period, half());
}

static void do_mark(void) // price at
{
    uint64_t price = word();
    struct estimate copy = guess; // as whoever keeps it may move it
    say(estimate_price(&copy, price, word()));
    guess = copy;
    say((i128)estimate_var(&guess));
    say((i128)guess.n);
}

static void do_iv(void)
{
    iv.at = word();
    iv.before = (u128)num();
    iv.now = (u128)num();
}

static void do_update(void)
{
    u256 estimate = wide();
    uint32_t dt = half();
    say(aloe_update(&iv, estimate, dt, word()));
    say((i128)iv.before);
    say((i128)iv.now);
}

static void do_one(const char *what)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } table[] = {
        {"ewma", do_ewma},       {"ewmadt", do_ewma_dt},    {"follow", do_follow}, {"price", do_price},
        {"window", do_window},   {"add", do_add},           {"bar", do_bar},       {"make", do_make},
        {"sigma", do_sigma},     {"rule", do_rule},         {"begin", do_begin},   {"step", do_step},
        {"iv", do_iv},           {"update", do_update},     {"stepto", do_stepto}, {"climb", do_climb},
        {"climbto", do_climbto}, {"interest", do_interest}, {"tiers", do_tiers},   {"reserve", do_reserve},
        {"guess", do_guess},     {"mark", do_mark}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(what, table[i].name) == 0) {
            table[i].run();
            return;
        }
    }
    if (strcmp(what, "ln") == 0)
        say(vol_ln(word()));
    else if (strcmp(what, "exp") == 0)
        say((i128)vol_exp_neg(word()));
    else if (strcmp(what, "square") == 0)
        say((i128)vol_square((int64_t)num()));
    else if (strcmp(what, "target") == 0)
        say(dynamic_target(&rule, word()));
    else if (strcmp(what, "factor") == 0)
        say(climb_target(&rule, word()));
    else if (strcmp(what, "at") == 0)
        say(dynamic_at(&state, word()));
    else if (strcmp(what, "ivat") == 0)
        say((i128)aloe_at(&iv, word()));
    else
        exit(2);
}

int main(void)
{
    static char line[8192];
    while (fgets(line, sizeof line, stdin) != NULL) {
        do_one(strtok(line, " \n"));
        printf("\n");
        fflush(stdout);
    }
    return 0;
}
