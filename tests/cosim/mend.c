// SPDX-License-Identifier: Apache-2.0
// The engine on a Verilated device with parity whose memories lose bits while prices move: after every price
// group each account that the exact rule calls liquidatable is known to the engine, and nothing else reaches
// the breach hook (P1, P2). Seen by brute force over all accounts. Bits flip between groups and while a
// group's beats are on their way.
// usage: mend [--seed N]    prints TAP. Seed also from env SEED.
#include "../unit/base/test_seed.h"
#include "base/prng.h"
#include "board.h"
#include "engine/engine.h"
#include "sim_api.h"
#include "tap.h"

#include <string.h>

enum {
    ASSETS = 4,
    ACCOUNTS_MAX = 16,
    START = 1000000,
    SETTLES = 20, // groups; by then every asset has had ticks, so a flip that none has met was overwritten
};

static struct {
    uint64_t seed;
    struct prng r;
} t;

// ---- a plain affine rule: H = cash + sum size * price, liquidatable when H < 0
static int rule_rows(const struct market *m, const struct account *a, const struct band *band,
                     uint32_t warn_ppm, struct affine out[RULE_ROWS_MAX], struct err *e)
{
    (void)m, (void)band, (void)e;
    for (int l = 0; l < (warn_ppm ? 2 : 1); l++) {
        struct affine *f = &out[l];
        memset(f, 0, sizeof *f);
        f->level = (uint8_t)l;
        f->c = i256_from_i128(a->cash - (l ? a->cash / 10 : 0));
        for (uint16_t i = 0; i < a->n_positions; i++) {
            f->asset[f->n] = a->position[i].instrument;
            f->a[f->n++] = i256_from_i128(a->position[i].size);
        }
    }
    return warn_ppm ? 2 : 1;
}

static void rule_health(const struct market *m, const struct account *a, const int64_t *px,
                        struct health *out)
{
    i128 h = a->cash;
    (void)m;
    for (uint16_t i = 0; i < a->n_positions; i++)
        h += a->position[i].size * px[a->position[i].instrument];
    out->liquidatable = h < 0;
    out->equity = i256_from_i128(h);
    out->requirement = i256_from_i64(0);
}

static const struct rule affine_rule = {.name = "affine", .rows = rule_rows, .health = rule_health};

static struct rig {
    struct book book;
    struct account account[ACCOUNTS_MAX];
    struct device *dev;
    struct engine *engine;
    int64_t px[MARKET_ASSETS_MAX];
    unsigned per_mille; // chance of a flip before a group, and at each batch of commands
    unsigned waits;     // groups without a flip, since parity tells of one in a word and not of two
    unsigned flips, wrong, orders, breaches, missed;
} g;

static bool breached(size_t i)
{
    struct health h;
    rule_health(&g.book.market, &g.book.account[i], g.px, &h);
    return h.liquidatable;
}

static void flip_somewhere(void)
{
    const struct device_info *i = &g.dev->info;
    const struct {
        enum board_memory m;
        unsigned words, bits;
    } which[] = {{BOARD_COEF, ASSETS * i->slots, ABI_COEF_BITS},
                 {BOARD_H, i->slots, ABI_H_BITS},
                 {BOARD_ARMED, i->slots, i->lanes},
                 {BOARD_ARMED_AGAIN, i->slots, i->lanes},
                 {BOARD_PRICE, ASSETS, ABI_PRICE_BITS},
                 {BOARD_BAND_LO, ASSETS, ABI_PRICE_BITS},
                 {BOARD_BAND_HI, ASSETS, ABI_PRICE_BITS},
                 {BOARD_USED, ASSETS, 1}};
    if (g.waits)
        return;
    // Mostly what hides a breach: the upper bits of H and of a coefficient, armed bits.
    size_t k = prng_below(&t.r, 4) ? prng_below(&t.r, 4) : prng_below(&t.r, sizeof which / sizeof *which);
    bool flipped =
        board_flip(sim_board(sim_of(g.dev)), which[k].m, (unsigned)prng_below(&t.r, i->lanes),
                   (unsigned)prng_below(&t.r, which[k].words), (unsigned)prng_below(&t.r, which[k].bits));
    g.flips += flipped;
    g.waits = flipped ? SETTLES : 0;
}

static void hook_commands(void *ctx, const struct beat *b, size_t n)
{
    (void)ctx, (void)b, (void)n;
    if (prng_below(&t.r, 1000) < g.per_mille)
        flip_somewhere();
}

static void hook_event(void *ctx, const struct beat *b)
{
    (void)ctx;
    if (abi_opcode(b) == ABI_EVT_ERROR)
        g.waits = 0;
}

static enum engine_verdict hook_breach(void *ctx, size_t account)
{
    (void)ctx;
    g.orders++;
    g.wrong += !breached(account);
    return prng_below(&t.r, 2) ? VERDICT_TAKEN : VERDICT_KEEP;
}

static void hook_near(void *ctx, size_t account, bool on)
{
    (void)ctx, (void)account, (void)on;
}

static void make_accounts(size_t n)
{
    g.book.market.n_assets = g.book.market.n_instruments = ASSETS;
    for (uint16_t i = 0; i < ASSETS; i++) {
        g.book.market.asset[i] = (struct asset){.kind = ASSET_INDEX, .decimals = 6};
        g.book.market.instrument[i] = (struct instrument){.kind = INST_LINEAR, .asset = i};
        g.px[i] = START;
    }
    for (size_t k = 0; k < n; k++) {
        struct account *a = &g.account[k];
        i128 h = 0, gross = 0;
        *a = (struct account){
            .id = (uint32_t)k + 1, .rule = &affine_rule, .n_positions = 1 + (uint16_t)prng_below(&t.r, 3)};
        for (uint16_t i = 0; i < a->n_positions; i++) {
            int64_t size = prng_between(&t.r, 1000, 100000) * (prng_below(&t.r, 2) ? 1 : -1);
            a->position[i].instrument = (uint16_t)((k + i) % ASSETS);
            a->position[i].size = size;
            h += (i128)size * START;
            gross += (i128)(size < 0 ? -size : size) * START;
        }
        a->cash = gross / (i128)prng_between(&t.r, 50, 400) - h; // 0.25 to 2 % above the threshold
    }
    g.book.account = g.account;
    g.book.n_accounts = n;
}

static void open_rig(size_t accounts, uint32_t warn_ppm)
{
    struct err e = {{0}};
    const struct device_config dc = {.backend = "sim", .seed = t.seed};
    const struct engine_config ec = {.band_ppm = 20000, .warn_ppm = warn_ppm};
    const struct engine_hooks hooks = {
        .ctx = &g, .commands = hook_commands, .event = hook_event, .breach = hook_breach, .near = hook_near};
    memset(&g, 0, sizeof g);
    if (device_open(&dc, &g.dev, &e) != 0)
        bail_out(e.msg);
    make_accounts(accounts);
    if (!(g.engine = engine_new(&ec, &g.book, g.dev, &hooks, &e)))
        bail_out(e.msg);
}

static void close_rig(void)
{
    engine_free(g.engine);
    device_close(g.dev);
}

static int move(bool all, struct err *e)
{
    struct engine_price p[ASSETS];
    size_t n = 0;
    for (uint16_t a = 0; a < ASSETS; a++) {
        if (!all && n && prng_below(&t.r, 3))
            continue;
        int64_t pull = (START - g.px[a]) / 64; // it wanders about the start, so that accounts come and go
        g.px[a] += pull + prng_between(&t.r, -6000, 6000);
        p[n++] = (struct engine_price){a, g.px[a]};
    }
    return engine_group(g.engine, p, n, g.px, e);
}

static void judge(void)
{
    for (size_t i = 0; i < g.book.n_accounts; i++) {
        bool b = breached(i);
        g.breaches += b;
        g.missed += b && !engine_flagged(g.engine, i);
    }
}

static void walk(const char *name, size_t accounts, uint32_t warn_ppm, unsigned groups)
{
    struct err e = {{0}};
    open_rig(accounts, warn_ppm);
    for (unsigned i = 0; i < groups; i++) {
        g.per_mille = i ? 30 : 0; // every account is placed before the first flip
        if (prng_below(&t.r, 10) == 0 && i)
            flip_somewhere();
        if (move(i == 0, &e) != 0) {
            ok(false, "%s, group %u: %s", name, i, e.msg);
            close_rig();
            return;
        }
        judge();
        g.waits -= g.waits > 0;
        for (size_t k = 0; k < accounts; k++)
            if (prng_below(&t.r, 20) == 0)
                engine_order_ended(g.engine, k);
    }
    const struct engine_counters *c = engine_counters(g.engine);
    ok(g.missed == 0 && g.wrong == 0,
       "%s: %u breaches of accounts in %u groups, %u missed; %u calls for an order, %u wrong", name,
       g.breaches, groups, g.missed, g.orders, g.wrong);
    ok(g.flips > groups / 20 && c->device_faults > g.flips / 4 && c->rows_mended && c->device_errors == 0 &&
           g.breaches > groups / 10,
       "%s: %u flips, %" PRIu64 " reports, %" PRIu64 " rows loaded anew for them", name, g.flips,
       c->device_faults, c->rows_mended);
    close_rig();
}

int main(int argc, char **argv)
{
    t.seed = argc == 3 && strcmp(argv[1], "--seed") == 0 ? strtoull(argv[2], NULL, 0) : seed_or(20261120);
    tap.seed = &t.seed;
    prng_seed(&t.r, t.seed);
    device_register(&device_ops_sim);
    walk("one row an account", 14, 0, 6000);
    walk("with warning rows", 8, 50000, 3000);
    return tap_end();
}
