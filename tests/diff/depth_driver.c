// SPDX-License-Identifier: Apache-2.0
// Line-driven front of what the order desk asks about depth (exec/desk_depth.c) for tests/diff/depth_diff.py:
// one command a line on stdin, decimal numbers. A malformed line ends the program with status 2. Commands
// marked -> answer one line on stdout.
//   inst I KIND SIZE_DECIMALS PRICE_DECIMALS PRICE   instrument and asset I; KIND as enum instrument_kind
//   mode MODE FEE_PPM UNKNOWN_PPM COST BY WORTH      a new desk; BY as enum desk_depth_by, WORTH as
//                                                    enum desk_worth, 0: it knows no pools
//   side ASSET BIDS KNOWN N (PRICE AMOUNT)*N
//   pools NATIVE N (A B IN_A IN_B KEEP OF GAS)*N
//   pos N (INST SIZE)*N
//   slip N (INST QTY)*N       -> slippage known
//   ranked VALUE REWARD N (INST QTY)*N -> what the ranking makes of it
//   way COLL DEBT             -> slop gas version | none
//   behind COLL DEBT          -> slop and the units that our other orders sell before | none: the same way
//   behind them none, takes ASSET BIDS COINS QTY DECIMALS, legs N (INST QTY)*N, sale COLL DEBT QTY    of the
//   order at work leaves ACCOUNT, settles ACCOUNT FILLED taken ASSET BIDS COINS    -> before another order's,
//   10^-18 bid COLL DEBT             -> slop gas best's out and in | none: the same of what an auction sells
//   book ASSET                -> version of its books for bids
//   other PRICE AMOUNT DECIMALS COINS -> amount in the other unit
//   split Q                   -> proceeds of the last way, by its venue
//   upto OUT IN               -> quantity
#include "exec/desk_inside.h"
#include "exec/exit/behind.h"

#include "talk.h"

#include <inttypes.h>

static struct desk desk;
static struct book book;
static struct account account;
static const struct rule perpetual = {.name = "perpetual"};
static struct slip_side side[MARKET_ASSETS_MAX][2];
static bool known[MARKET_ASSETS_MAX][2], quoted[MARKET_ASSETS_MAX];
static int64_t px[MARKET_ASSETS_MAX];
static struct exits_told told;
static uint32_t versions;
static const struct exit_venue *last;
static struct err error;

static int64_t num(void)
{
    return i256_to_i64(wide());
}

// Answers only who asks in the unit of the instrument: coins, of an inverse contract its quote. What a
// token's asks take of the quote is counted in that.
static const struct slip_side *find(void *ctx, uint16_t asset, bool bids, bool coins)
{
    (void)ctx;
    bool token = book.market.instrument[asset].kind == INST_RESERVE;
    bool unit = coins != quoted[asset] || (token && !bids);
    return known[asset][bids] && unit ? &side[asset][bids] : NULL;
}

static void do_inst(void)
{
    unsigned i = (unsigned)num() % MARKET_INSTRUMENTS_MAX;
    struct market *m = &book.market;
    m->instrument[i] = (struct instrument){.kind = (uint8_t)num(), .asset = (uint16_t)i};
    m->instrument[i].size_decimals = (uint8_t)num();
    m->asset[i].decimals = (uint8_t)num();
    px[i] = num();
    quoted[i] = m->instrument[i].kind == INST_INVERSE;
    if (i >= m->n_instruments)
        m->n_instruments = m->n_assets = (uint16_t)(i + 1);
}

static void do_mode(void)
{
    desk_depth_free(&desk);
    exits_free(desk.exits);
    desk = (struct desk){.book = &book, .cfg.outstanding_max = 64};
    desk.cfg.depth.mode = (uint32_t)num();
    desk.cfg.depth.fee_ppm = (uint32_t)num();
    desk.cfg.depth.unknown_ppm = (uint32_t)num();
    desk.cfg.cost_e8 = num();
    desk.cfg.depth.by = (uint32_t)num();
    desk.cfg.worth.mode = (uint32_t)num();
    desk.exits = desk.cfg.worth.mode == DESK_WORTH_OFF ? NULL : exits_new();
    if ((!desk.exits && desk.cfg.worth.mode) || desk_depth_init(&desk, &error))
        malformed(error.msg);
    desk_set_books(&desk, &(struct desk_books){NULL, find});
    memset(known, 0, sizeof known);
    book.market.n_instruments = book.market.n_assets = 0;
}

static void do_side(void)
{
    unsigned asset = (unsigned)num() % MARKET_ASSETS_MAX;
    bool bids = num() != 0;
    struct slip_side *s = &side[asset][bids];
    known[asset][bids] = num() != 0;
    s->version = ++versions;
    s->n = (uint16_t)num();
    if (s->n > SLIP_LEVELS_MAX)
        malformed("side");
    for (unsigned i = 0; i < s->n; i++) {
        s->level[i].price = num();
        s->level[i].amount = num();
    }
}

static void do_pools(void)
{
    told = (struct exits_told){.native = (uint16_t)num(), .n = (uint16_t)num()};
    for (unsigned i = 0; i < told.n; i++) {
        struct exits_pool *p = &told.pool[i];
        p->a = (uint16_t)num();
        p->b = (uint16_t)num();
        p->in_a = i256_lo(wide());
        p->in_b = i256_lo(wide());
        p->keep = (uint32_t)num();
        p->of = (uint32_t)num();
        p->gas = (uint32_t)num();
    }
    if (desk.exits && exits_take(desk.exits, &told, book.market.n_instruments, &error))
        malformed(error.msg);
    if (desk.taken)
        desk_taken_pools(&desk);
}

static void do_pos(void)
{
    account = (struct account){.rule = &perpetual, .n_positions = (uint16_t)num()};
    for (unsigned i = 0; i < account.n_positions; i++) {
        account.position[i].instrument = (uint16_t)num();
        account.position[i].size = i256_to_i128(wide());
    }
}

static unsigned legs(struct order_leg leg[ORDER_LEGS_MAX])
{
    unsigned n = (unsigned)num();
    for (unsigned i = 0; i < n; i++) {
        leg[i].instrument = (uint16_t)num();
        leg[i].qty = i256_to_i128(wide());
    }
    return n;
}

static void do_slip(void)
{
    struct order_leg leg[ORDER_LEGS_MAX];
    unsigned n = legs(leg);
    int64_t slip = desk_slip(&desk, &account, px, leg, n, true);
    printf("%" PRId64 " %d\n", slip, desk.slip_known);
}

static void do_ranked(void)
{
    struct order_leg leg[ORDER_LEGS_MAX];
    int64_t value = num(), reward = num();
    unsigned n = legs(leg);
    printf("%" PRId64 "\n", desk_ranked(&desk, &account, px, leg, n, value, reward));
}

static void do_way(void)
{
    uint16_t coll = (uint16_t)num(), debt = (uint16_t)num();
    last = desk_way(&desk, coll, debt, px);
    if (!last) {
        puts("none");
        return;
    }
    say(i256_from_u128(last->slop));
    printf("%" PRIu32 " %" PRIu32 "\n", last->gas, desk_way_version(&desk, coll, debt, px));
}

static void do_behind(void)
{
    static struct behind b;
    uint16_t coll = (uint16_t)num(), debt = (uint16_t)num();
    last = desk_way(&desk, coll, debt, px);
    if (!last) {
        puts("none");
        return;
    }
    u128 gone = desk_way_gone(&desk, coll, debt, px);
    last = behind_of(&b, last, gone);
    say(i256_from_u128(last->slop));
    say(i256_from_u128(gone));
    putchar('\n');
}

static void do_none(void)
{
    desk_takes_none(&desk);
}

static void do_takes(void)
{
    uint16_t asset = (uint16_t)num();
    bool bids = num() != 0, coins = num() != 0;
    i128 qty = i256_to_i128(wide());
    desk_takes(&desk, asset, bids, coins, qty, (unsigned)num());
}

static void do_legs(void)
{
    struct order_leg leg[ORDER_LEGS_MAX];
    desk_takes_legs(&desk, &account, leg, legs(leg));
}

static void do_sale(void)
{
    desk.sale.coll = (uint16_t)num();
    desk.sale.debt = (uint16_t)num();
    desk.sale.got = i256_lo(wide());
    desk_takes_sale(&desk, px);
}

static void do_leaves(void)
{
    if (desk.taken)
        desk_taken_leaves(&desk, (size_t)num());
}

static void do_settles(void)
{
    size_t of = (size_t)num();
    if (desk.taken)
        desk_taken_settles(&desk, of, num() != 0);
}

static void do_taken(void)
{
    uint16_t asset = (uint16_t)num();
    bool bids = num() != 0;
    say(desk_taken(&desk, asset, bids, num() != 0, px[asset]));
    putchar('\n');
}

static void do_bid(void)
{
    uint16_t coll = (uint16_t)num(), debt = (uint16_t)num();
    last = desk_way_out(&desk, coll, debt, px);
    if (!last) {
        puts("none");
        return;
    }
    struct exit_rate best = last->best ? last->best(last) : (struct exit_rate){0, 0};
    say(i256_from_u128(last->slop));
    printf("%" PRIu32 " %" PRIu64 " %" PRIu64 "\n", last->gas, best.out, best.in);
}

static void do_other(void)
{
    const int64_t price = num(), amount = num();
    const struct slip_level l = {price, amount};
    unsigned decimals = (unsigned)num();
    printf("%" PRId64 "\n", slip_other_unit(&l, decimals, num() != 0));
}

static void do_book(void)
{
    printf("%" PRIu64 "\n", desk_book_version(&desk, (uint16_t)num()));
}

static void do_split(void)
{
    if (!last)
        malformed("split without a way");
    say(i256_from_u128(last->out(last, i256_lo(wide()))));
    putchar('\n');
}

static void do_upto(void)
{
    i256 out = wide();
    if (!last)
        malformed("upto without a way");
    say(i256_from_u128(last->upto(last, exit_rate_near(out, wide()))));
    putchar('\n');
}

static const struct command commands[] = {
    {"inst", do_inst},   {"mode", do_mode},     {"side", do_side},     {"pools", do_pools},
    {"pos", do_pos},     {"slip", do_slip},     {"ranked", do_ranked}, {"way", do_way},
    {"split", do_split}, {"upto", do_upto},     {"bid", do_bid},       {"book", do_book},
    {"other", do_other}, {"behind", do_behind}, {"none", do_none},     {"takes", do_takes},
    {"legs", do_legs},   {"sale", do_sale},     {"leaves", do_leaves}, {"settles", do_settles},
    {"taken", do_taken},
};

int main(void)
{
    return talk(commands, sizeof commands / sizeof commands[0]);
}
