// SPDX-License-Identifier: Apache-2.0
// host/econ (fund, bankruptcy price, deleveraging, socialised loss, waterfall, staged liquidation, policies)
// for losses_diff.py: commands on stdin, one line each, one answer line each. Numbers are decimal.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "econ/bankruptcy.h"
#include "econ/policy.h"
#include "econ/socialise.h"
#include "econ/staged.h"
#include "econ/waterfall.h"

enum { ACCOUNTS = 64, OFFERS = 64 };

static struct margin account[ACCOUNTS];
static struct adl_entry scratch[ACCOUNTS];
static i128 share[2 * ACCOUNTS];
static struct perp_market market = {.account = account, .scratch = scratch, .share = share};
static struct lend_pool pool;
static struct staged_state staged;
static struct staged_rule rule;

static i128 num(void)
{
    i256 v;
    const char *s = strtok(NULL, " \n");
    if (s == NULL || i256_parse(s, &v) != 0 || !i256_fits_i128(v)) {
        fprintf(stderr, "losses_driver: a number is missing or too large\n");
        exit(2);
    }
    return i256_to_i128(v);
}

static uint32_t word(void)
{
    return (uint32_t)num();
}

static void say(i128 v)
{
    char text[I256_DIGITS_MAX];
    (void)i256_format(i256_from_i128(v), text, sizeof text);
    printf("%s ", text);
}

static void do_market(void)
{
    market.n = (size_t)num();
    market.price = num();
    market.prior = num();
    market.per = num();
    market.maintenance_ppm = word();
    market.fund = (struct fund){.balance = num()};
    market.fund.floor = num();
    market.fund.quota = num();
    if (market.fund.quota < 0)
        market.fund.quota = FUND_NO_QUOTA;
    market.fund.whole = num() != 0;
    market.deficit = 0;
    memset(account, 0, sizeof account);
}

static void do_set(void)
{
    struct margin *a = &account[word() % ACCOUNTS];
    a->cash = num();
    a->size = num();
    a->cost = num();
}

static void do_dump(void)
{
    for (size_t i = 0; i < market.n; i++) {
        say(account[i].cash);
        say(account[i].size);
        say(account[i].cost);
    }
    say(market.fund.balance);
    say(market.fund.quota);
    say(market.deficit);
    say(perp_market_money(&market));
}

static void do_price(void)
{
    market.prior = market.price;
    market.price = num();
}

static void do_trade(void)
{
    uint32_t a = word(), b = word();
    i128 size = num(), price = num();
    say(perp_market_trade(&market, a, b, size, price));
}

static void do_deposit(void)
{
    struct margin *a = &account[word() % ACCOUNTS];
    a->cash += num();
}

static void do_funding(void)
{
    say(perp_market_funding(&market, num()));
}

static void do_withdraw(void)
{
    say(fund_withdraw(&market.fund, num()));
}

static void do_cover(void)
{
    say(perp_market_cover(&market, num()));
}

static struct waterfall preset(const char *name)
{
    static const struct waterfall *const all[] = {&waterfall_dydx, &waterfall_drift, &waterfall_mango,
                                                  &waterfall_bitmex, &waterfall_hyperliquid};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(name, all[i]->name) == 0)
            return *all[i];
    struct waterfall w = {.name = name};
    w.steps = word();
    w.each_fill = num() != 0;
    w.fee_ppm = word();
    w.rank = (enum adl_rank)num();
    w.at = (enum adl_price)num();
    w.adl_solvent = num() != 0;
    w.solvent_only = num() != 0;
    w.adl_looked = word();
    w.adl_most = word();
    w.social = (enum social_way)num();
    return w;
}

static void do_run(void)
{
    struct waterfall w = preset(strtok(NULL, " \n"));
    uint32_t who = word();
    size_t start = (size_t)num(), n = (size_t)num();
    static struct offer offer[OFFERS];
    for (size_t i = 0; i < n && i < OFFERS; i++) {
        offer[i].account = word();
        offer[i].size = num();
        offer[i].price = num();
    }
    struct loss l;
    say(waterfall_run(&market, &w, who, offer, n, start, &l));
    const i128 told[] = {l.sold,      l.deleveraged, l.left, l.adl_fills, l.fees,
                         l.from_fund, l.from_others, l.over, l.booked};
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        say(told[i]);
}

static void do_order(void)
{
    int side = (int)num();
    enum adl_rank rank = (enum adl_rank)num();
    size_t start = (size_t)num();
    size_t n = adl_order(account, market.n, market.price, market.per, side, rank, start, scratch);
    for (size_t i = 0; i < n; i++)
        say(scratch[i].account);
}

static void do_bankruptcy(void)
{
    i128 dvalue = num(), equity = num(), dneed = num(), need = num(), q = 0;
    bool ok = bankruptcy_quote(dvalue, equity, dneed, need, &q);
    say(ok);
    say(ok ? q : 0);
}

static void do_of(void)
{
    uint32_t who = word();
    say(bankruptcy_of(&account[who], num(), market.price, market.per, market.maintenance_ppm));
}

static void do_delta(void)
{
    i128 fill = num(), fair = num();
    say(insurance_delta(fill, fair, word()));
}

static void do_exact(void)
{
    i128 loss = num(), weight[ACCOUNTS], pay[ACCOUNTS];
    size_t n = (size_t)num();
    for (size_t i = 0; i < n && i < ACCOUNTS; i++)
        weight[i] = num();
    bool ok = socialise_exact(loss, weight, n, pay);
    say(ok);
    for (size_t i = 0; ok && i < n; i++)
        say(pay[i]);
}

static void do_rate(void)
{
    i128 loss = num(), open = num(), rate = 0;
    say(socialise_rate(loss, open, &rate));
    say(rate);
    say(socialise_rate_pay(rate, num()));
}

static void do_index(void)
{
    i128 index = num(), loss = num(), deposits = num(), after = 0;
    say(socialise_drift_index(index, loss, deposits, false));
    say(socialise_drift_index(index, loss, deposits, true));
    say(socialise_mango_index(index, loss, deposits, &after));
    say(after);
}

static void do_pool(void)
{
    pool = (struct lend_pool){.cash = num()};
    pool.borrowed = num();
    pool.supplied = pool.cash + pool.borrowed;
}

static void do_bad(void)
{
    i128 bad = num();
    enum pool_loss how = (enum pool_loss)num();
    struct pool_result r = pool_bad_debt(&pool, num() ? &market.fund : NULL, bad, how);
    say(r.from_fund);
    say(r.from_suppliers);
    say(r.booked);
}

static void do_poolcover(void)
{
    say(pool_cover(&pool, num()));
    say(pool.cash);
    say(pool.borrowed);
    say(pool.supplied);
    say(pool.deficit);
    say(market.fund.balance);
}

static void do_rule(void)
{
    memset(&staged, 0, sizeof staged);
    rule = (struct staged_rule){.warn_ppm = word()};
    rule.clear_ppm = word();
    rule.part_ppm = word();
    rule.part_above = num();
    rule.cooldown = (uint64_t)num();
    rule.rest = (enum staged_rest)num();
    rule.backstop_num = word();
    rule.backstop_den = word();
    rule.at_equal = num() != 0;
}

static void do_step(void)
{
    struct staged_view v = {.value = num()};
    v.need = num();
    v.end_value = num();
    v.end_need = num();
    v.notional = num();
    v.open = num() != 0;
    struct staged_out out;
    staged_step(&staged, &rule, &v, (uint64_t)num(), &out);
    printf("%s %s ", staged_name[out.from], staged_name[out.to]);
    say(out.order);
    say(out.size);
    say((i128)staged.orders);
}

static void do_view(void)
{
    i128 value = num(), need = num(), notional = num();
    say(staged_view_of(value, need, notional, word()).end_need);
}

static void do_part(void)
{
    i128 size = num();
    say(policy_part(size, word()));
}

static void do_ramp(void)
{
    struct policy_ramp x = {.shortage = num()};
    x.freed = num();
    x.elapsed = (uint64_t)num();
    x.duration = (uint64_t)num();
    x.initial = word();
    say(policy_ramp_pct(&x));
}

int main(void)
{
    static const struct {
        const char *name;
        void (*call)(void);
    } command[] = {
        {"market", do_market},
        {"set", do_set},
        {"dump", do_dump},
        {"price", do_price},
        {"trade", do_trade},
        {"deposit", do_deposit},
        {"funding", do_funding},
        {"withdraw", do_withdraw},
        {"cover", do_cover},
        {"run", do_run},
        {"order", do_order},
        {"of", do_of},
        {"bankruptcy", do_bankruptcy},
        {"delta", do_delta},
        {"exact", do_exact},
        {"rate", do_rate},
        {"index", do_index},
        {"pool", do_pool},
        {"bad", do_bad},
        {"step", do_step},
        {"rule", do_rule},
        {"view", do_view},
        {"poolcover", do_poolcover},
        {"part", do_part},
        {"ramp", do_ramp},
    };
    static char line[8192];
    while (fgets(line, sizeof line, stdin)) {
        const char *name = strtok(line, " \n");
        size_t i = 0;
        while (name && i < sizeof command / sizeof *command && strcmp(name, command[i].name) != 0)
            i++;
        if (name == NULL || i == sizeof command / sizeof *command) {
            fprintf(stderr, "losses_driver: no such command\n");
            return 2;
        }
        command[i].call();
        putchar('\n');
        fflush(stdout);
    }
    return 0;
}
