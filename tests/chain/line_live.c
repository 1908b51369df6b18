// SPDX-License-Identifier: Apache-2.0
// Opens a line to a chain and prints what the session would be told, a line each, until its input ends.
// Orders go nowhere: the gateway of orders is a stand-in. For tests/chain/test_line.py.
//   line_live DB LENDER ROUTER NATIVE CHAIN_ID PAIR[,PAIR...] URL...
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accounts/book.h"
#include "base/clock.h"
#include "evm/address.h"
#include "exec/exit/exits.h"
#include "oracle/told.h"
#include "run/chain_line.h"

// ---- the stand-in
struct gateway *gateway_evm_open(const struct gateway_evm_config *c, struct err *e)
{
    (void)c;
    (void)e;
    return gateway_null_open();
}
void gateway_evm_applied(struct gateway *g, uint64_t block)
{
    (void)g;
    printf("applied %" PRIu64 "\n", block);
}
bool gateway_evm_earlier(const struct gateway *g, const struct order_key *k)
{
    (void)g;
    (void)k;
    return false;
}

bool gateway_evm_failed(const struct gateway *g, struct err *e)
{
    (void)g;
    return (void)e, false;
}
size_t gateway_evm_open_flights(const struct gateway *g)
{
    (void)g;
    return 0;
}
void gateway_evm_counters(const struct gateway *g, struct gateway_evm_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}

// ---- what is told

static void number(u128 v)
{
    char digits[40];
    size_t n = 0;
    do
        digits[n++] = (char)('0' + (int)(v % 10));
    while (v /= 10);
    while (n)
        (void)putchar(digits[--n]);
}

static void account(const char *what, const struct account *a)
{
    printf("%s %" PRIu32 " %" PRIu32 " %u", what, a->id, a->epoch, a->emode);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *p = &a->position[i];
        printf(" %u:%d:", p->instrument, p->collateral);
        number((u128)p->supply);
        printf(":");
        number((u128)p->debt);
    }
    printf("\n");
}

static void market(const struct market *m)
{
    printf("market");
    for (unsigned i = 0; i < m->n_instruments; i++) {
        printf(" %u:%u:", m->instrument[i].asset, m->instrument[i].lt_bps);
        number(m->instrument[i].liquidity_index);
        printf(":");
        number(m->instrument[i].borrow_index);
    }
    printf("\n");
}

static void told(const uint8_t *data, size_t n)
{
    static const char *const kinds[] = {"?", "prices", "told", "candidate"};
    static struct told_group g;
    if (told_decode(data, n, &g) != 0) {
        printf("broken told\n");
        return;
    }
    printf("%s %" PRIu64, kinds[g.kind], g.block);
    for (unsigned i = 0; i < g.n; i++)
        printf(" %u:%u:%" PRId64, g.change[i].asset, g.change[i].hold, g.change[i].price);
    printf("\n");
}

static void exits(const uint8_t *data, size_t n)
{
    static struct exits_told x;
    if (exits_decode(data, n, &x) != 0) {
        printf("broken exits\n");
        return;
    }
    printf("exits %" PRIu64 " %" PRIu64 " %u", x.block, x.base_fee, x.native);
    for (unsigned i = 0; i < x.n; i++) {
        printf(" %u:%u:", x.pool[i].a, x.pool[i].b);
        number(x.pool[i].in_a);
        printf(":");
        number(x.pool[i].in_b);
    }
    printf("\n");
}

static void print(const struct order_reply *r)
{
    switch (r->status) {
    case ORDER_STATE:
        account("state", &r->account);
        break;
    case ORDER_MARKET:
        market(r->market);
        break;
    case ORDER_INPUT:
        if (r->input.type == J_TOLD)
            told(r->input.data, r->input.n);
        else
            exits(r->input.data, r->input.n);
        break;
    default:
        printf("broken reply %u\n", r->status);
    }
}

static void notice(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%s\n", text);
}

static bool goes_on(void)
{
    char buf[64];
    struct pollfd in = {.fd = 0, .events = POLLIN};
    return poll(&in, 1, 0) <= 0 || read(0, buf, sizeof buf) > 0;
}

static void follow(struct chain_line *l)
{
    static struct order_reply r;
    struct err e;
    while (goes_on()) {
        while (gateway_poll(chain_line_gateway(l), &r) == 1)
            print(&r);
        (void)fflush(stdout);
        if (chain_line_failed(l, &e)) {
            printf("failed %s\n", e.msg);
            return;
        }
        const struct timespec t = {0, 1000000};
        (void)nanosleep(&t, NULL);
    }
    static struct chain_line_counters n;
    chain_line_counters(l, &n);
    printf("counters reorgs %" PRIu64 " audited %" PRIu64 " differences %" PRIu64 " price_audits %" PRIu64
           " price_differences %" PRIu64 "\n",
           n.reorgs, n.audited, n.audit_differences, n.price_audits, n.price_differences);
}

int main(int argc, char **argv)
{
    static struct rpc_config node[NODES_MAX];
    static struct chain_pool_config pool[EXITS_POOLS_MAX];
    static struct book book;
    struct account scratch;
    struct err e = {""};
    struct chain_line_config c = {
        .node = node, .pool = pool, .stall_ns = UINT64_MAX, .audit = 5, .notice = notice};
    clock_init();
    if (argc < 8 || argc - 7 > NODES_MAX || address_parse(argv[2], &c.lender, &e) ||
        address_parse(argv[3], &c.orders.router, &e) || address_parse(argv[4], &c.native, &e)) {
        fprintf(stderr, "usage: line_live DB LENDER ROUTER NATIVE CHAIN_ID PAIR[,PAIR...] URL...\n");
        return 2;
    }
    c.db = argv[1];
    c.chain_id = strtoull(argv[5], NULL, 10);
    for (char *save, *t = strtok_r(argv[6], ",", &save); t && c.n_pools < EXITS_POOLS_MAX;
         t = strtok_r(NULL, ",", &save))
        if (address_parse(t, &pool[c.n_pools++].pair, &e))
            return 2;
    for (int i = 7; i < argc; i++)
        node[c.n_nodes++].url = argv[i];
    struct chain_line *l = chain_line_open(&c, &book, &e);
    if (!l) {
        fprintf(stderr, "line_live: %s\n", e.msg);
        book_free(&book);
        return 1;
    }
    market(&book.market);
    for (size_t i = 0; i < book.n_accounts; i++)
        account("loaded", book_account(&book, i, &scratch));
    follow(l);
    chain_line_close(l);
    book_free(&book);
    return 0;
}
