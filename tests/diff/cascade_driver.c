// SPDX-License-Identifier: Apache-2.0
// Driver of cascade_diff.py: a market, accounts and a scenario's text on standard input, a line each; what
// the cascade did on standard output.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "lab/cascade_inside.h"

enum { ACCOUNTS_MAX = 64, TEXT_MAX = 1 << 16 };
static struct book book;
static int64_t start[MARKET_ASSETS_MAX];

static i128 wide(const char *s)
{
    i256 v;
    if (i256_parse(s, &v) != 0)
        exit(3);
    return i256_to_i128(v);
}

static void put(i128 v)
{
    char text[I256_DIGITS_MAX];
    (void)i256_format(i256_from_i128(v), text, sizeof text);
    printf(" %s", text);
}

static void event(void *ctx, const struct cascade_event *e)
{
    (void)ctx;
    if (e->reduce_ppm) {
        printf("reduce %u %u %u\n", e->step, e->id, e->reduce_ppm);
        return;
    }
    printf("event %u %u %u %u", e->step, e->round, e->id, e->state);
    put(e->value);
    put(e->keeper);
    puts("");
}

static void asset(char **w)
{
    struct asset *a = &book.market.asset[book.market.n_assets];
    start[book.market.n_assets++] = (int64_t)wide(w[2]);
    (void)snprintf(a->name, sizeof a->name, "%s", w[1]);
    (void)snprintf(a->source, sizeof a->source, "%s", w[1]);
    a->kind = ASSET_INDEX;
    a->decimals = 8;
}

// perp ASSET SIZE_DECIMALS FEE PENALTY N FLOOR RATE ...
static void perp(char **w)
{
    struct instrument *in = &book.market.instrument[book.market.n_instruments];
    (void)snprintf(in->name, sizeof in->name, "I%u", book.market.n_instruments++);
    in->kind = INST_LINEAR;
    memcpy(in->currency, "USDC", 5);
    in->cash_decimals = 6;
    in->asset = (uint16_t)atoi(w[1]);
    in->size_decimals = (uint8_t)atoi(w[2]);
    in->fee_ppm = (uint32_t)atoi(w[3]);
    in->penalty_ppm = (uint32_t)atoi(w[4]);
    in->n_tiers = (uint16_t)atoi(w[5]);
    for (unsigned k = 0; k < in->n_tiers; k++)
        in->tier[k] = (struct tier){wide(w[6 + 2 * k]), (uint32_t)atoi(w[7 + 2 * k])};
}

// reserve ASSET DECIMALS LT LB FEE LIQUIDITY_INDEX BORROW_INDEX
static void reserve(char **w)
{
    struct instrument *in = &book.market.instrument[book.market.n_instruments];
    (void)snprintf(in->name, sizeof in->name, "I%u", book.market.n_instruments++);
    in->kind = INST_RESERVE;
    in->asset = (uint16_t)atoi(w[1]);
    in->size_decimals = (uint8_t)atoi(w[2]);
    in->lt_bps = (uint32_t)atoi(w[3]);
    in->lb_bps = (uint32_t)atoi(w[4]);
    in->fee_bps = (uint32_t)atoi(w[5]);
    in->liquidity_index = (u128)wide(w[6]);
    in->borrow_index = (u128)wide(w[7]);
}

static void account(char **w)
{
    struct account *a = &book.account[book.n_accounts++];
    memset(a, 0, sizeof *a);
    a->id = (uint32_t)atoi(w[1]);
    a->rule = rule_find(w[2]);
    a->cash = wide(w[3]);
    if (!a->rule->holding) {
        memcpy(a->currency, "USDC", 5);
        a->cash_decimals = 6;
    }
}

static void position(char **w)
{
    struct account *a = &book.account[book.n_accounts - 1];
    a->position[a->n_positions++] = (struct position){.instrument = (uint16_t)atoi(w[1]),
                                                      .size = wide(w[2]),
                                                      .entry = (int64_t)wide(w[3]),
                                                      .supply = wide(w[4]),
                                                      .debt = wide(w[5]),
                                                      .collateral = atoi(w[6]) != 0};
}

static void tell(const struct cascade *c, const struct lab_scenario *s)
{
    const struct cascade_totals *t = cascade_sums(c);
    for (uint32_t i = 0; i <= s->steps; i++) {
        const struct cascade_step *x = &cascade_steps(c)[i];
        printf("step %u %u %u %u %u %u", i, x->breached, x->executed, x->recovered, x->waiting, x->unpaid);
        for (unsigned k = 0; k < s->n_coins; k++) {
            printf(" %lld", (long long)x->mark[k]);
            put(x->net[k]);
        }
        put(x->fund);
        put(x->deficit);
        put(x->adl);
        put(x->socialised);
        puts("");
    }
    for (size_t i = 0; i < book.n_accounts; i++) {
        const struct account *a = &book.account[i];
        printf("account %u", a->id);
        put(a->cash);
        for (unsigned k = 0; k < a->n_positions; k++) {
            printf(" %u", a->position[k].instrument);
            put(a->position[k].size);
            put(a->position[k].supply);
            put(a->position[k].debt);
            put(a->position[k].collateral);
        }
        puts("");
    }
    printf("sum");
    for (size_t i = 0; i < 10; i++)
        put((const i128[]){t->value, t->slippage, t->keeper, t->fees_in, t->unsold, t->lost, t->from_fund,
                           t->from_adl, t->socialised, t->booked}[i]);
    printf(" %llu %llu\n", (unsigned long long)t->adl_fills, (unsigned long long)t->refused);
    printf("auctions %u %u", c->auctions.lots, c->auctions.takes);
    put(c->auctions.returned);
    printf("\nreduced %llu", (unsigned long long)t->reduced);
    put(t->reduced_value);
    put(t->reduced_slippage);
    puts("");
}

static void run(const char *text)
{
    struct lab_scenario s;
    struct err e = {""};
    struct cascade *c = NULL;
    int rc = market_check(&book.market, &e);
    for (size_t i = 0; rc == 0 && i < book.n_accounts; i++)
        rc = account_validate(&book.market, &book.account[i], &e);
    if (rc == 0)
        rc = scenario_parse("case", text, strlen(text), &s, &e);
    if (rc == 0) {
        rc = scenario_paths(&s, &e);
        c = rc == 0 ? cascade_open(&s, &book, start, &e) : NULL;
        if (c) {
            cascade_watch(c, event, NULL);
            rc = cascade_run(c, NULL, &e);
            tell(c, &s);
            printf("conserved %d\n", cascade_conserved(c, &e));
            cascade_close(c);
        } else {
            rc = -1;
        }
        scenario_free(&s);
    }
    printf("end %s\n", rc ? e.msg : "ok");
}

int main(void)
{
    static char line[TEXT_MAX], text[TEXT_MAX];
    book.account = calloc(ACCOUNTS_MAX, sizeof *book.account);
    while (fgets(line, sizeof line, stdin)) {
        if (line[0] == '|') { // of the scenario
            (void)strncat(text, line + 1, sizeof text - strlen(text) - 1);
            continue;
        }
        char *w[64] = {NULL}, *save = NULL;
        unsigned n = 0;
        for (char *p = strtok_r(line, " \n", &save); p && n < 63; p = strtok_r(NULL, " \n", &save))
            w[n++] = p;
        if (n == 0)
            continue;
        if (strcmp(w[0], "reset") == 0) {
            memset(&book.market, 0, sizeof book.market);
            book.n_accounts = 0;
            text[0] = 0;
        } else if (strcmp(w[0], "asset") == 0) {
            asset(w);
        } else if (strcmp(w[0], "perp") == 0) {
            perp(w);
        } else if (strcmp(w[0], "reserve") == 0) {
            reserve(w);
        } else if (strcmp(w[0], "account") == 0) {
            account(w);
        } else if (strcmp(w[0], "position") == 0) {
            position(w);
        } else if (strcmp(w[0], "run") == 0) {
            run(text);
        }
        (void)fflush(stdout);
    }
    free(book.account);
    return 0;
}
