// SPDX-License-Identifier: Apache-2.0
// Node connections against real nodes: test_rpc_live URL... Each URL is one way to a development node (it
// must take evm_mine); several ways may lead to the same one. Prints TAP. CA_FILE: certificates to trust.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "evm/rpc.h"

enum { WAIT_MS = 20000, MANY = 200 };
#define CALL_NS UINT64_C(20000000000)

static int n_tests, n_failed;

static bool report(bool ok, const char *where, const char *what, const char *detail)
{
    n_tests++;
    n_failed += !ok;
    printf("%s %d - %s: %s\n", ok ? "ok" : "not ok", n_tests, where, what);
    if (!ok)
        printf("# %s\n", detail ? detail : "");
    (void)fflush(stdout);
    return ok;
}

// The next event of that kind (any: 0), others are passed over; false when none comes or the connection ends.
static bool next(struct rpc *c, enum rpc_event_kind kind, struct rpc_event *ev)
{
    uint64_t now = clock_stream_ns(), end = now + WAIT_MS * UINT64_C(1000000);
    for (; now < end; now = clock_stream_ns()) {
        while (rpc_poll(c, now, ev)) {
            if (ev->kind == kind || kind == 0)
                return true;
            if (ev->kind == RPC_EV_DOWN) {
                printf("# down: %s\n", ev->text);
                return false;
            }
        }
        rpc_wait(&c, 1, 50);
    }
    return false;
}

// False: there is no node.
static bool calls(struct rpc *c, const char *at)
{
    struct rpc_event ev;
    struct err e = {""};
    uint64_t chain = 0;
    if (!report(rpc_call_wait(c, "eth_chainId", "[]", WAIT_MS, &ev, &e) == 0 &&
                    rpc_json_quantity(ev.result, &chain) == 0 && chain > 0,
                at, "connects, tells its chain id", e.msg))
        return false;
    report(rpc_call_wait(c, "no_suchMethod", "[]", WAIT_MS, &ev, &e) == -1 && strstr(e.msg, "error -326"), at,
           "an unknown method is an error of its own, the connection lives", e.msg);
    report(rpc_call_wait(c, "eth_getBlockByNumber", "[\"latest\",false]", WAIT_MS, &ev, &e) == 0 &&
               rpc_json_get(ev.result, "hash").p,
           at, "the latest block", e.msg);
    return true;
}

// Single calls without waiting between them; then as one batch.
static void many(struct rpc *c, const char *at, bool batch)
{
    struct rpc_event ev;
    bool seen[MANY] = {false};
    unsigned n = 0;
    if (batch)
        rpc_batch_begin(c);
    for (unsigned i = 0; i < MANY; i++)
        n += rpc_call(c, "eth_getBalance", "[\"0x00000000000000000000000000000000000000aa\",\"latest\"]", i,
                      clock_stream_ns()) >= 0;
    bool ok = n == MANY && (!batch || rpc_batch_end(c) == 0);
    for (n = 0; ok && n < MANY; n++) {
        uint64_t zero = 1;
        ok = next(c, RPC_EV_REPLY, &ev) && ev.tag < MANY && !seen[ev.tag] &&
             rpc_json_quantity(ev.result, &zero) == 0 && zero == 0;
        if (ok)
            seen[ev.tag] = true;
    }
    report(ok, at,
           batch ? "200 calls as one batch, each answered once" : "200 calls at once, each answered once",
           NULL);
}

static void raw(struct rpc *c, const char *at)
{
    struct rpc_event ev;
    static uint8_t bytes[RPC_RAW_MAX];
    uint8_t tx[40] = {2}; // no transaction: the node must say so, under our id
    unsigned ok = 0;
    for (uint64_t i = 0; i < 20; i++) {
        size_t n = rpc_put_transaction(c, RPC_RAW_ID + i, tx, sizeof tx, bytes, sizeof bytes);
        ok += n > 0 && rpc_send_raw(c, RPC_RAW_ID + i, bytes, n, clock_stream_ns()) == RPC_SENT;
    }
    for (unsigned i = 0; i < 20; i++)
        ok += next(c, RPC_EV_ERROR, &ev) && ev.id >= RPC_RAW_ID && ev.id < RPC_RAW_ID + 20;
    report(ok == 40, at, "20 requests made beforehand, sent at once, each refused under its id", NULL);
}

static void heads(struct rpc *c, const char *at)
{
    struct rpc_event ev;
    struct err e = {""};
    char sub[80] = "";
    uint64_t first = 0, number = 0;
    bool ok = rpc_call_wait(c, "eth_subscribe", "[\"newHeads\"]", WAIT_MS, &ev, &e) == 0;
    if (ok)
        rpc_json_print(ev.result, sub, sizeof sub);
    for (uint64_t i = 0; ok && i < 5; i++) {
        ok = rpc_call(c, "evm_mine", "[]", 0, clock_stream_ns()) >= 0 && next(c, RPC_EV_NOTICE, &ev) &&
             rpc_span_is(ev.subscription, sub) &&
             rpc_json_quantity(rpc_json_get(ev.result, "number"), &number) == 0;
        first = i == 0 ? number : first;
        ok = ok && number == first + i;
    }
    report(ok, at, "a subscription tells five new blocks in their order", e.msg);
}

static void all(struct rpc *c)
{
    const char *at = rpc_where(c)->shown;
    if (!calls(c, at))
        return;
    many(c, at, false);
    many(c, at, true);
    raw(c, at);
    if (rpc_where(c)->transport != RPC_HTTP)
        heads(c, at);
    const struct rpc_counters *n = rpc_counters(c);
    report(n->malformed == 0 && n->strays == 0 && n->lost == 0, at,
           "nothing malformed, nothing lost, no answer to nothing", NULL);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: test_rpc_live URL...\n");
        return 2;
    }
    clock_init();
    for (int i = 1; i < argc; i++) {
        struct err e;
        struct rpc *c = rpc_new(
            &(struct rpc_config){.url = argv[i], .call_ns = CALL_NS, .ca_file = getenv("CA_FILE")}, &e);
        if (!c) {
            report(false, argv[i], "is a URL", e.msg);
            continue;
        }
        all(c);
        rpc_free(c);
    }
    printf("1..%d\n", n_tests);
    return n_failed != 0;
}
