// SPDX-License-Identifier: Apache-2.0
// Line-driven front of the venues' rules for tests/diff/venues_rule_diff.py: the commands of rules_driver.c,
// and
//   term I NAME VALUE           a term of instrument I
//   state W0 W1                 what the account's rule remembers
//   memory                   -> the same
//   band I                   -> lo hi
//   edge HI N                -> N prices: those of assets 0 to N-1 are put on their bands' edges, the upper
//                               ones if HI
//   bends                    -> 0 | 1
//   takes N (INSTRUMENT QTY)*N -> 0 | 1
//   within I BITS            -> 0 | 1: instrument I as it is now, held up to so many bits of size
//   shift I N (FLOOR RATE)*N (NAME VALUE)* -> none | down up spared, parts of 2^60; I has these tiers and
//                               terms, or funding_index, from here on
#define main rules_driver_main
int rules_driver_main(void);
#include "rules_driver.c"
#undef main

static void do_memory(void)
{
    printf("%" PRIu64 " %" PRIu64 "\n", account.rule_state[0], account.rule_state[1]);
}

static void do_band(void)
{
    const struct band *b = &grids[num(0, MARKET_ASSETS_MAX - 1)].band;
    printf("%" PRId64 " %" PRId64 "\n", b->lo, b->hi);
}

static void do_edge(void)
{
    bool hi = num(0, 1) != 0;
    unsigned n = (unsigned)num(1, MARKET_ASSETS_MAX);
    for (unsigned i = 0; i < n; i++) {
        px[i] = hi ? grids[i].band.hi : grids[i].band.lo;
        printf("%" PRId64 "%c", px[i], i + 1 < n ? ' ' : '\n');
    }
}

static void do_bends(void)
{
    printf("%d\n", account.rule->bends(&market, &account));
}

static void do_takes(void)
{
    struct order_leg leg[ORDER_LEGS_MAX];
    unsigned n = (unsigned)num(0, ORDER_LEGS_MAX);
    for (unsigned i = 0; i < n; i++) {
        leg[i].instrument = (uint16_t)num(0, UINT16_MAX);
        leg[i].qty = big();
    }
    printf("%d\n", account.rule->takes(&market, &account, px, leg, n, NULL));
}

static void do_within_size(void)
{
    unsigned i = (unsigned)num(0, MARKET_INSTRUMENTS_MAX - 1);
    struct reach r = {.held = true, .size_bits = (uint8_t)num(0, 128)};
    printf("%d\n", account.rule->within(&market, i, &r));
}

static void do_shift(void)
{
    unsigned i = (unsigned)num(0, MARKET_INSTRUMENTS_MAX - 1);
    struct instrument *is = &market.instrument[i], was = *is;
    struct shift s;
    bool spared;
    uint64_t until = 1;
    is->n_tiers = (uint16_t)num(0, TIERS_MAX);
    for (unsigned t = 0; t < is->n_tiers; t++) {
        is->tier[t].floor = big();
        is->tier[t].rate_ppm = (uint32_t)num(0, UINT32_MAX);
    }
    for (const char *w = strtok(NULL, " \n"); w; w = strtok(NULL, " \n"))
        if (strcmp(w, "funding_index") == 0)
            is->funding_index = big();
        else if (!term_set(&is->terms, term_find(w), (u128)big()))
            malformed("term");
    if (account.rule->shift(&market, &was, is, &until, 1, &s, &spared))
        printf("%" PRIu64 " %" PRIu64 " %d\n", s.down, s.up, spared);
    else
        puts("none");
}

static const struct {
    const char *name;
    void (*run)(void);
} more[] = {
    {"memory", do_memory}, {"band", do_band},          {"bends", do_bends}, {"edge", do_edge},
    {"takes", do_takes},   {"within", do_within_size}, {"shift", do_shift},
};

int main(void)
{
    static char line[65536];
    while (fgets(line, sizeof line, stdin)) {
        const char *name = strtok(line, " \n");
        size_t i = 0, j = 0;
        while (name && i < sizeof more / sizeof more[0] && strcmp(more[i].name, name) != 0)
            i++;
        while (name && j < sizeof commands / sizeof commands[0] && strcmp(commands[j].name, name) != 0)
            j++;
        if (i < sizeof more / sizeof more[0])
            more[i].run();
        else if (j == sizeof commands / sizeof commands[0])
            malformed("command");
        else if (commands[j].needs_account && !accepted)
            puts("refused");
        else
            commands[j].run();
    }
    return 0;
}
