// SPDX-License-Identifier: Apache-2.0
// Follows a market's prices and prints what consumers would get, a line each, until its input ends; then
// states and counters. For tests/chain/test_prices.py.
//   prices_live ORACLE PROVIDER ASSETS[,ASSET...] URL...
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "chain/price_feed.h"
#include "evm/address.h"
#include "evm/hex.h"

enum { WAIT_MS = 20 };

static const char *hash_of(const struct word *w)
{
    static char text[2 + 2 * WORD_BYTES + 1] = "0x";
    hex_put(w->b, WORD_BYTES, text + 2);
    return text;
}

static void changes(const struct price_told *c, size_t n)
{
    char price[I256_DIGITS_MAX];
    for (size_t i = 0; i < n; i++) {
        (void)i256_format(c[i].price, price, sizeof price);
        printf(" %u:%d:%s", c[i].asset, c[i].hold, price);
    }
    printf("\n");
}

static void group(void *ctx, const struct price_group *g)
{
    (void)ctx;
    static uint64_t seq;
    if (g->seq != ++seq)
        printf("broken sequence\n");
    printf("group %d %llu %s", g->cause, (unsigned long long)g->block.number, hash_of(&g->tx_hash));
    changes(g->change, g->n);
}
static void undone(void *ctx, uint64_t number)
{
    (void)ctx;
    printf("undone %llu\n", (unsigned long long)number);
}
static void block_end(void *ctx, const struct price_block *b)
{
    (void)ctx;
    printf("end %llu %s\n", (unsigned long long)b->number, hash_of(&b->hash));
}
static void candidate(void *ctx, const struct price_candidate *c)
{
    (void)ctx;
    printf("candidate %d %s", c->report.kind, hash_of(&c->tx_hash));
    changes(c->change, c->n);
}
static void withdrawn(void *ctx, const struct word *tx, enum price_withdrawn why)
{
    (void)ctx;
    printf("withdrawn %d %s\n", why, hash_of(tx));
}
static void notice(void *ctx, const char *text)
{
    (void)ctx;
    printf("notice %s\n", text);
}

static void states(struct price_feed *f, size_t n)
{
    static const char *const mode[] = {"", "verifying", "modelled", "polled"};
    const struct prices *p = price_feed_prices(f);
    const struct prices_counters *c = prices_counters(p);
    for (size_t i = 0; i < n; i++) {
        struct price_state s;
        prices_state(p, i, &s);
        printf("state %zu %s %s %d %llu %llu %llu\n", i, mode[s.mode], source_kind_name(s.kind), s.hold,
               (unsigned long long)s.audits, (unsigned long long)s.differences,
               (unsigned long long)s.explained);
    }
    printf("sentinel %d\n", prices_sentinel(p));
    printf("counters blocks %llu lost %llu undone %llu gaps %llu failures %llu\n",
           (unsigned long long)c->blocks, (unsigned long long)c->lost, (unsigned long long)c->undone,
           (unsigned long long)c->gaps, (unsigned long long)price_feed_counters(f)->failures);
    printf("why %s\n", price_feed_why(f));
}

// One line asks for the states, the end of the input ends.
static bool asked(struct price_feed *f, size_t n)
{
    char buf[64];
    struct pollfd in = {.fd = 0, .events = POLLIN};
    if (poll(&in, 1, 0) <= 0)
        return true;
    if (read(0, buf, sizeof buf) <= 0)
        return false;
    states(f, n);
    printf("done\n");
    (void)fflush(stdout);
    return true;
}

static bool arguments(int argc, char **argv, struct price_feed_config *cfg, struct rpc_config *node,
                      struct evm_address *asset)
{
    struct err e;
    if (argc < 5 || (cfg->n = (size_t)argc - 4) > PRICE_FEED_NODES_MAX ||
        address_parse(argv[1], &cfg->prices.oracle, &e) || address_parse(argv[2], &cfg->prices.provider, &e))
        return false;
    for (char *save, *t = strtok_r(argv[3], ",", &save); t; t = strtok_r(NULL, ",", &save))
        if (cfg->prices.n_assets == PRICES_ASSETS_MAX || address_parse(t, &asset[cfg->prices.n_assets++], &e))
            return false;
    for (size_t i = 0; i < cfg->n; i++)
        node[i] = (struct rpc_config){.url = argv[4 + i]};
    cfg->node = node;
    cfg->prices.asset = asset;
    cfg->pending = true;
    return true;
}

int main(int argc, char **argv)
{
    static struct evm_address asset[PRICES_ASSETS_MAX];
    static struct rpc_config node[PRICE_FEED_NODES_MAX];
    struct price_feed_config cfg = {.prices.hooks = {group, undone, block_end, candidate, withdrawn, notice}};
    struct err e = {""};
    clock_init();
    if (!arguments(argc, argv, &cfg, node, asset)) {
        fprintf(stderr, "usage: prices_live ORACLE PROVIDER ASSET[,ASSET...] URL...\n");
        return 2;
    }
    const char *refresh = getenv("REFRESH_BLOCKS");
    cfg.prices.refresh_blocks = refresh ? (uint32_t)atoi(refresh) : 0;
    struct price_feed *f = price_feed_new(&cfg, &e);
    if (!f) {
        fprintf(stderr, "prices_live: %s\n", e.msg);
        return 1;
    }
    while (asked(f, cfg.prices.n_assets)) {
        price_feed_step(f, clock_stream_ns());
        (void)fflush(stdout);
        price_feed_wait(f, WAIT_MS);
    }
    price_feed_free(f);
    return 0;
}
