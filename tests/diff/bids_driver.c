// SPDX-License-Identifier: Apache-2.0
// Line-driven front of host/run/bids.c for tests/diff/bids_diff.py: one command a line on stdin, numbers
// decimal, one answer a line on stdout. Commands are in main(). A malformed line ends the program with
// status 2.
#include "exec/exit/route.h"
#include "run/bids.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// In place of host/exec/order.c, which needs the accounts' store.
void order_key_encode(const struct order_key *k, uint8_t buf[ORDER_KEY_BYTES])
{
    memcpy(buf, k, ORDER_KEY_BYTES);
}
void order_key_decode(const uint8_t buf[ORDER_KEY_BYTES], struct order_key *k)
{
    memcpy(k, buf, ORDER_KEY_BYTES);
}
static struct market market;
static int64_t px[MARKET_ASSETS_MAX];
static struct bids *bids;
static bool is_held, is_killed;
static struct gateway_order sent[4096];
static unsigned n_sent, n_put;

static int submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    gateway_order_copy(&sent[n_sent++ % 4096], o);
    return 0;
}
static const struct gateway_ops ops = {.submit = submit};
static struct gateway gw = {&ops};

static uint64_t put(void *ctx, enum journal_type type, const void *data, size_t n)
{
    struct bid b;
    (void)ctx;
    if (type != J_BID || bid_decode(data, n, &b) != 0)
        exit(3);
    return ++n_put;
}
static bool held(void *ctx, uint16_t asset)
{
    (void)ctx;
    return is_held && asset == 0;
}
static bool killed(void *ctx)
{
    (void)ctx;
    return is_killed;
}
static struct depth levels;
static struct route route;
static bool has_book;
static uint64_t version[MARKET_ASSETS_MAX];

static const struct exit_venue *way_out(void *ctx, uint16_t coll, uint16_t debt, const int64_t *at)
{
    (void)ctx;
    if (coll != 0 || debt != 1 || at != px)
        exit(7);
    return has_book ? &route.venue : NULL;
}

static uint64_t book(void *ctx, uint16_t asset)
{
    (void)ctx;
    return version[asset];
}

static u256 get(void)
{
    u256 v;
    const char *t = strtok(NULL, " \n");
    if (!t || !u256_parse(t, &v))
        exit(2);
    return v;
}
static uint64_t small(void)
{
    return get().w[0];
}
static void show(u256 v)
{
    char text[U256_DIGITS_MAX];
    u256_format(v, text);
    printf(" %s", text);
}

static void cmd_new(void)
{
    const struct bids_hooks h = {NULL, put, held, killed, way_out, book};
    struct bids_config c = {.max = (uint32_t)small(), .slippage_ppm = (uint32_t)small(), .by = BIDS_BY_REST};
    struct err e;
    c.lead_ms = (uint32_t)small();
    c.depth_e8 = (int64_t)small();
    c.gas_e8 = (int64_t)small();
    c.profit_e8 = (int64_t)small();
    c.once_e8 = (int64_t)small();
    c.total_e8 = (int64_t)small();
    market = (struct market){.n_assets = 2, .n_instruments = 2};
    for (uint16_t i = 0; i < 2; i++) {
        market.asset[i].decimals = (uint8_t)small();
        market.instrument[i] =
            (struct instrument){.kind = INST_RESERVE, .asset = i, .size_decimals = (uint8_t)small()};
    }
    bids_free(bids);
    bids = bids_new(&c, 7, &market, &gw, &h, true, &e);
    is_held = is_killed = has_book = false;
    memset(version, 0, sizeof version);
    n_sent = 0;
    if (!bids)
        exit(4);
}

// The book that it is sold into, of the collateral's (0) or the debt's (1) change; no level and a fee of
// 10^6: it is not known.
static void cmd_book(void)
{
    struct err e;
    version[small() % 2]++;
    uint32_t fee = (uint32_t)small();
    unsigned n = (unsigned)small();
    has_book = fee < 1000000;
    if (!has_book)
        return;
    if (depth_begin(&levels, 1, 1, 3, fee, &e))
        exit(8);
    for (unsigned i = 0; i < n; i++) {
        int64_t price = (int64_t)small();
        if (depth_add(&levels, price, 1, (int64_t)small(), 1, &e))
            exit(8);
    }
    depth_end(&levels);
    route.path[0] = (struct route_path){.n = 1, .hop = {{.book = &levels}}};
    if (route_set(&route, 1, 0, &e))
        exit(8);
}

static struct auction get_auction(void)
{
    struct auction a = {.id = (uint32_t)small(), .version = (uint32_t)small(), .coll = 0, .debt = 1};
    struct clip *k = &a.k;
    k->calc.kind = (enum curve_kind)small();
    k->calc.tau = small();
    k->calc.step = small();
    k->calc.cut = get();
    k->buf = get();
    k->cusp = get();
    k->tail = small();
    k->chip = get();
    k->tip = get();
    k->chost = get();
    k->tab = get();
    k->lot = get();
    k->top = get();
    k->tic = small();
    k->running = !u256_is_zero(k->lot);
    a.event = k->running ? AUCTION_KICKED : AUCTION_TAKEN;
    a.slice = !k->running;
    a.second = k->tic;
    return a;
}

// What is told goes the way of the wire.
static void cmd_tell(void)
{
    struct auction a = get_auction(), b;
    uint8_t bytes[AUCTION_BYTES];
    size_t n = auction_encode(&a, bytes, sizeof bytes);
    if (n != AUCTION_BYTES || auction_decode(bytes, n, &b) != 0)
        exit(5);
    printf("%d", bids_wants(bids, &b));
    bids_told(bids, &b);
}

// Everything that left since the last time.
static void cmd_run(void)
{
    unsigned from = n_sent;
    bids_run(bids, px, small());
    printf("%u", n_sent - from);
    for (unsigned i = from; i < n_sent; i++) {
        const struct gateway_order *o = &sent[i % 4096];
        struct bid b;
        if (bid_decode(o->bytes, o->n_bytes, &b) != 0 || order_key_cmp(&o->key, &b.key) != 0)
            exit(6);
        printf(" %u %u %u %u %" PRIu64, b.key.account, b.key.revision, b.what, b.version, o->second);
        show(b.amt);
        show(b.max);
        printf(" %" PRId64, b.value_e8);
    }
}

int order_key_cmp(const struct order_key *a, const struct order_key *b)
{
    return memcmp(a, b, sizeof *a);
}

static void cmd_reply(void)
{
    static struct order_reply r;
    memset(&r, 0, sizeof r);
    r.key = (struct order_key){7, (uint32_t)small(), BID_EPOCH, (uint32_t)small()};
    r.status = (uint8_t)small();
    uint64_t now = small();
    if (small()) {
        struct auction a = get_auction();
        r.n_note = (uint16_t)auction_encode(&a, r.note, sizeof r.note);
    }
    bids_reply(bids, &r, now);
}

static void cmd_counters(void)
{
    const struct bids_counters *n = bids_counters(bids);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %zu", n->wakes,
           n->replans, n->plans, n->missed, n->judged, bids_outstanding(bids), bids_followed(bids));
}

static void cmd_price(void)
{
    int64_t to[2] = {(int64_t)small(), (int64_t)small()};
    for (uint16_t i = 0; i < 2; i++)
        if (to[i] != px[i]) {
            px[i] = to[i];
            if (bids)
                bids_price(bids, i);
        }
}

int main(void)
{
    static char line[1 << 16];
    while (fgets(line, sizeof line, stdin)) {
        const char *c = strtok(line, " \n");
        if (!c)
            return 2;
        if (strcmp(c, "new") == 0)
            cmd_new();
        else if (strcmp(c, "tell") == 0)
            cmd_tell();
        else if (strcmp(c, "price") == 0)
            cmd_price();
        else if (strcmp(c, "run") == 0)
            cmd_run();
        else if (strcmp(c, "reply") == 0)
            cmd_reply();
        else if (strcmp(c, "counters") == 0)
            cmd_counters();
        else if (strcmp(c, "book") == 0)
            cmd_book();
        else if (strcmp(c, "hold") == 0)
            is_held = small() != 0;
        else if (strcmp(c, "kill") == 0) {
            is_killed = small() != 0;
            if (!is_killed)
                bids_resume(bids);
        } else
            return 2;
        printf("\n");
        fflush(stdout);
    }
    bids_free(bids);
    return 0;
}
