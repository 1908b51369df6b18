// SPDX-License-Identifier: Apache-2.0
// Line-driven front of exec/exit for tests/diff/worth_diff.py: one command a line on stdin, decimal numbers.
// A malformed line ends the program with status 2. Commands marked -> answer one line on stdout.
//   paths GAS N (HOPS (IN OUT KEEP OF)*HOPS)*N     the way out: pools; -> ok | err TEXT
//   book GAS LOT UNIT DECIMALS FEE TICK SIZE_LOT N (PRICE SIZE)*N   bids; -> ok | err TEXT
//   nothing                      no way out
//   getout IN OUT KEEP OF Q     -> cpmm_out
//   getin IN OUT KEEP OF Q      -> cpmm_in
//   out Q                       -> proceeds, slop
//   split Q                     -> proceeds part*8
//   upto OUT IN                 -> quantity
//   root A                      -> floor(sqrt(A))
//   way I GAS REVERT_GAS PREMIUM
//   bids FLOOR CAP MIN_PROFIT MIN_EXPECTED SCAN N (SHARE WIN)*N    -> ok | err TEXT
//   gas BASE_FEE NATIVE
//   reset                        market and account
//   reserve I SIZE_DEC PX LT LB FEE LIQUIDITY_INDEX BORROW_INDEX   asset I, 8 decimals
//   pos INSTRUMENT COLLATERAL SUPPLY DEBT
//   best WAY                    -> the result (see put_worth)
//   value WAY DEBT COLL PAID GOT FEE  -> the result
//   again WAY PAID GOT PX_DEBT  -> 0 | 1, of the last best or value
#include "exec/exit/cpmm.h"
#include "exec/exit/depth.h"
#include "exec/exit/worth.h"

#include "reserves.h"

#include <inttypes.h>

static struct cpmm pools;
static struct depth book;
static const struct exit_venue *venue;
static struct worth_params params;
static struct worth_gas gas;
static struct worth last;
static struct err error;

static void put_u(u128 v)
{
    say(i256_from_u128(v));
}

static void put_i(i128 v)
{
    say(i256_from_i128(v));
}

static void told(int failed)
{
    printf("%s%s\n", failed ? "err " : "ok", failed ? error.msg : "");
}

static struct cpmm_pool pool(void)
{
    struct cpmm_pool p;
    p.in = big();
    p.out = big();
    p.keep = (uint32_t)num();
    p.of = (uint32_t)num();
    return p;
}

static void do_paths(void)
{
    uint32_t g = (uint32_t)num();
    unsigned n = (unsigned)num();
    for (unsigned i = 0; i < n && i < CPMM_PATHS_MAX; i++) {
        pools.path[i].n = (uint8_t)num();
        for (unsigned k = 0; k < pools.path[i].n && k < CPMM_HOPS_MAX; k++)
            pools.path[i].pool[k] = pool();
    }
    venue = &pools.venue;
    told(cpmm_set(&pools, n, g, &error));
}

static void do_book(void)
{
    uint32_t g = (uint32_t)num();
    u128 lot = big();
    uint64_t unit = num();
    uint8_t decimals = (uint8_t)num();
    int bad = depth_begin(&book, lot, unit, decimals, (uint32_t)num(), &error);
    int64_t tick = (int64_t)num(), size_lot = (int64_t)num();
    for (unsigned n = (unsigned)num(); n > 0; n--) {
        int64_t price = (int64_t)num();
        bad = depth_add(&book, price, tick, (int64_t)num(), size_lot, &error) || bad;
    }
    depth_end(&book);
    book.venue.gas = g;
    venue = &book.venue;
    told(bad);
}

static void do_nothing(void)
{
    venue = NULL;
}

static void do_getout(void)
{
    struct cpmm_pool p = pool();
    put_u(cpmm_out(&p, big()));
    putchar('\n');
}

static void do_getin(void)
{
    struct cpmm_pool p = pool();
    put_u(cpmm_in(&p, big()));
    putchar('\n');
}

static void do_out(void)
{
    put_u(venue->out(venue, big()));
    put_u(venue->slop);
    putchar('\n');
}

static void do_split(void)
{
    u128 part[CPMM_PATHS_MAX];
    put_u(cpmm_split(&pools, big(), part));
    for (unsigned i = 0; i < CPMM_PATHS_MAX; i++)
        put_u(part[i]);
    putchar('\n');
}

static void do_upto(void)
{
    u128 out = big();
    put_u(venue->upto(venue, exit_rate_of(out, big())));
    putchar('\n');
}

static void do_root(void)
{
    put_u(exit_root(wide()));
    putchar('\n');
}

static void do_way(void)
{
    struct worth_cost *c = &params.way[num() % WORTH_WAYS];
    c->gas = (uint32_t)num();
    c->revert_gas = (uint32_t)num();
    c->premium_bps = (uint16_t)num();
}

static void do_bids(void)
{
    params.tip_floor = num();
    params.tip_cap = num();
    params.min_profit = (int64_t)num();
    params.min_expected = (int64_t)num();
    params.scan = (uint16_t)num();
    params.n_levels = (uint8_t)num();
    for (unsigned i = 0; i < params.n_levels && i < WORTH_LEVELS_MAX; i++) {
        params.level[i].share_ppm = (uint32_t)num();
        params.level[i].win_ppm = (uint32_t)num();
    }
    told(worth_check(&params, &error));
}

static void do_gas(void)
{
    gas.base_fee = num();
    gas.native = (int64_t)num();
}

static void put_worth(const struct worth *w)
{
    printf("%d %u %u %d ", w->reason, w->debt, w->coll, w->full);
    put_i(w->qty);
    put_u(w->x.paid);
    put_u(w->x.got);
    put_u(w->x.fee);
    put_u(w->premium);
    put_u(w->out);
    put_i(w->bonus);
    put_i(w->fee);
    put_i(w->premium_value);
    put_i(w->slippage);
    put_i(w->gas_cost);
    put_i(w->profit);
    put_i(w->expected);
    printf("%u %" PRIu64 " ", w->level, w->tip);
    put_u(w->slack);
    putchar('\n');
}

static const struct exit_venue *find_exit(void *ctx, uint16_t coll, uint16_t debt)
{
    (void)ctx;
    (void)coll;
    (void)debt;
    return venue;
}

static void do_best(void)
{
    enum worth_way way = (enum worth_way)(num() % WORTH_WAYS);
    if (rule_aave_3_5.validate(&market, &account, &error) != 0)
        malformed(error.msg);
    struct worth_exits exits = {.find = find_exit};
    int rc = worth_best(&params, way, &gas, &market, &account, px, &exits, &last);
    if ((rc == 0) != (last.reason == WORTH_YES))
        malformed("result");
    put_worth(&last);
}

static struct worth_token token(unsigned i)
{
    return (struct worth_token){px[i], market.instrument[i].size_decimals, market.asset[i].decimals};
}

static void do_value(void)
{
    enum worth_way way = (enum worth_way)(num() % WORTH_WAYS);
    uint16_t di = (uint16_t)num(), ci = (uint16_t)num();
    struct worth_token d = token(di), c = token(ci);
    struct worth_amounts x;
    x.paid = big();
    x.got = big();
    x.fee = big();
    worth_value(&params, way, &gas, &d, &c, venue, &x, &last);
    last.debt = di;
    put_worth(&last);
}

static void do_again(void)
{
    enum worth_way way = (enum worth_way)(num() % WORTH_WAYS);
    u128 paid = big(), got = big();
    struct worth_token d = token(last.debt);
    d.px = (int64_t)num();
    printf("%d\n", worth_again(&last, &params, way, &gas, &d, venue, paid, got));
}

static const struct command commands[] = {
    {"paths", do_paths}, {"book", do_book},       {"nothing", do_nothing}, {"getout", do_getout},
    {"getin", do_getin}, {"out", do_out},         {"split", do_split},     {"upto", do_upto},
    {"root", do_root},   {"way", do_way},         {"bids", do_bids},       {"gas", do_gas},
    {"reset", do_reset}, {"reserve", do_reserve}, {"pos", do_pos},         {"best", do_best},
    {"value", do_value}, {"again", do_again},
};

int main(void)
{
    return talk(commands, sizeof commands / sizeof commands[0]);
}
