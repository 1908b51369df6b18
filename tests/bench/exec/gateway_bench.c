// SPDX-License-Identifier: Apache-2.0
// Through the whole gateway, its thread spinning: from gateway_submit to the last byte of the transaction in
// the kernel's hands, for one ready order at a time, and for bursts of more orders than there are keys, of
// which some are ready and the rest goes into batches. The node is this program: a Unix socket that it reads
// itself between orders; what nodes would answer to questions is made up here. Measured.
//   gateway_bench FOLDER [ROUNDS]
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hist.h"
#include "exec/evm/gateway_evm_inside.h"

enum { KEYS = 8, BURST = 100, ROUNDS = 300, WARM = 5, QUEUE = 8192, TEXT = 320, GAS = 640000, USERS = 256 };
static const uint32_t SHARES[] = {50000, 90000, 99000, 99900, 99990};

static struct {
    struct gateway *gw;
    struct rpc *rpc;
    struct private_key *key[KEYS];
    int listener, fd;
    char path[96], url[128];
    uint32_t revision;
    uint64_t sent; // ticks at the return of the last send; atomic
    // the gateway's thread's
    struct {
        uint64_t tag;
        char text[TEXT];
    } answer[QUEUE];
    size_t first, last;
} b;
static struct evm_address user[USERS], token[2] = {{{1}}, {{2}}};
static const struct gateway_users users = {user, USERS};

static void die(const char *what)
{
    fprintf(stderr, "gateway_bench: %s\n", what);
    exit(1);
}

// ---- the node

static void node_open(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    (void)snprintf(b.path, sizeof b.path, "/tmp/tripline-gateway-%d", (int)getpid());
    (void)snprintf(b.url, sizeof b.url, "ipc:%s", b.path);
    memcpy(un.sun_path, b.path, strlen(b.path) + 1);
    b.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(b.listener, (void *)&un, sizeof un) || listen(b.listener, 4))
        die("cannot listen");
}

// Takes what is there and says that it has it.
static void node_read(void)
{
    static char buf[1 << 20];
    static size_t n;
    ssize_t got = recv(b.fd, buf + n, sizeof buf - n, MSG_DONTWAIT);
    n += got > 0 ? (size_t)got : 0;
    for (char *end; (end = memchr(buf, '\n', n));) {
        char out[96];
        const char *id = strstr(buf, "\"id\":");
        if (!id || id > end)
            die("a request without an id");
        int len = snprintf(out, sizeof out, "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"result\":\"0x\"}\n",
                           strtoull(id + 5, NULL, 10));
        if (send(b.fd, out, (size_t)len, MSG_NOSIGNAL) != len)
            die("cannot answer");
        n -= (size_t)(end + 1 - buf);
        memmove(buf, end + 1, n);
    }
}

static void node_connect(void)
{
    struct rpc_event ev;
    struct err e;
    b.rpc = rpc_new(&(struct rpc_config){.url = b.url}, &e);
    if (!b.rpc || rpc_connect(b.rpc, clock_stream_ns(), &e) || (b.fd = accept(b.listener, NULL, NULL)) < 0)
        die("cannot connect");
    while (rpc_state(b.rpc) != RPC_UP)
        while (rpc_poll(b.rpc, clock_stream_ns(), &ev)) {
        }
}

// ---- the port: sends are real, answers to questions our own

static size_t port_put(void *ctx, size_t link, uint64_t serial, const uint8_t *tx, size_t n, uint8_t *out,
                       size_t size)
{
    (void)ctx, (void)link;
    return rpc_put_transaction(b.rpc, RPC_RAW_ID + serial, tx, n, out, size);
}

static int port_send(void *ctx, size_t link, uint64_t serial, const uint8_t *bytes, size_t n, uint64_t now)
{
    (void)ctx, (void)link;
    int rc = rpc_send_raw(b.rpc, RPC_RAW_ID + serial, bytes, n, now);
    __atomic_store_n(&b.sent, clock_ticks_end(), __ATOMIC_RELEASE);
    if (rc != RPC_SENT)
        die("not sent at once");
    return rc;
}

static bool port_usable(void *ctx, size_t link, uint64_t now)
{
    (void)ctx, (void)link, (void)now;
    return true;
}

// Whatever was sent is in the block that there is.
static int port_call(void *ctx, size_t link, const char *method, const char *params, uint64_t tag,
                     uint64_t now)
{
    (void)ctx, (void)link, (void)now;
    if (b.last - b.first == QUEUE)
        return -1;
    char *out = b.answer[b.last % QUEUE].text;
    b.answer[b.last++ % QUEUE].tag = tag;
    if (!strcmp(method, "eth_getTransactionCount"))
        (void)snprintf(out, TEXT, "\"0x0\"");
    else if (!strcmp(method, "eth_getBalance"))
        (void)snprintf(out, TEXT, "\"0xffffffffffffffffffffffff\"");
    else if (!strcmp(method, "eth_getTransactionReceipt"))
        (void)snprintf(out, TEXT,
                       "{\"transactionHash\":%.68s,\"status\":\"0x1\",\"blockNumber\":\"0x1\","
                       "\"blockHash\":\"0x%064x\"}",
                       params + 1, 1);
    else
        (void)snprintf(out, TEXT, "null");
    return 0;
}

static int port_poll(void *ctx, uint64_t now, struct port_event *ev)
{
    (void)ctx;
    *ev = (struct port_event){.rpc = {.kind = RPC_EV_REPLY}};
    if (b.first == b.last)
        return rpc_poll(b.rpc, now, &ev->rpc);
    const char *text = b.answer[b.first % QUEUE].text;
    ev->rpc.tag = b.answer[b.first++ % QUEUE].tag;
    ev->rpc.result = (struct rpc_span){text, strlen(text)};
    return 1;
}

static bool head(void *ctx, uint64_t now, uint64_t *number, u128 *base_fee)
{
    (void)ctx, (void)now;
    *number = 1;
    *base_fee = 1000000000;
    return true;
}

static size_t usable(void *ctx, uint64_t now)
{
    (void)ctx, (void)now;
    return 1;
}

// ---- orders

static void start(const char *folder, bool batch)
{
    static const struct evm_port_ops ops = {port_put, port_send, port_usable, port_call, port_poll};
    char path[256];
    struct err e;
    (void)snprintf(path, sizeof path, "%s/gateway-%d.log", folder, (int)getpid());
    (void)unlink(path);
    for (unsigned i = 0; i < USERS; i++)
        user[i] = (struct evm_address){{0xaa, [18] = (uint8_t)(i >> 4), [19] = (uint8_t)(i + 1)}};
    for (unsigned k = 0; k < KEYS; k++) {
        uint8_t secret[WORD_BYTES] = {[30] = 2, [31] = (uint8_t)(k + 1)};
        b.key[k] = key_from_bytes(secret, &e);
    }
    const struct gateway_evm_config c = {
        .chain_id = 1,
        .key = (const struct private_key *const *)b.key,
        .n_keys = KEYS,
        .txlog = path,
        .contract = {{0xc0}},
        .router = {{0xe0}},
        .token = token,
        .n_tokens = 2,
        .users = &users,
        .flags = FLASH_LOAN,
        .batch = batch,
        .spin = true,
        .max_wait_ms = 60000,
        .expires_ns = UINT64_C(1000000000000),
        .sender = {
            .confirmations = 1, .look_ns = 2000000, .wallet_ns = UINT64_MAX, .signatures_per_s = 1000000000}};
    const struct evm_ground ground = {
        .port = {&ops, NULL, 1}, .head = head, .usable = usable, .clock = clock_stream_ns};
    node_connect();
    b.first = b.last = 0;
    if (!(b.gw = gateway_evm_open_on(&c, &ground, &e)))
        die(e.msg);
    gateway_evm_applied(b.gw, 1);
    (void)unlink(path);
}

static void stop(void)
{
    gateway_close(b.gw);
    rpc_free(b.rpc);
    close(b.fd);
    for (unsigned k = 0; k < KEYS; k++)
        key_free(b.key[k]);
}

static struct gateway_order order(uint32_t u)
{
    struct order o = {.key = {1, 2 * u, 1, ++b.revision}, .n = 2};
    o.leg[0] = (struct order_leg){0, 1000000};
    o.leg[1] = (struct order_leg){1, 0};
    struct gateway_order g = {.key = o.key, .lsn = 1};
    g.n_bytes = (uint16_t)order_encode(&o, g.bytes, sizeof g.bytes);
    g.terms = (struct gateway_terms){.worth_e8 = 1000 - u, .least_profit = 1, .tip = 1000000000, .gas = GAS};
    return g;
}

// Until all is answered and its keys are free again; sent_after of each by its place in o.
static void answers(const struct gateway_order *o, size_t n, uint64_t *after)
{
    static struct order_reply r;
    for (size_t got = 0; got < n;) {
        node_read();
        if (!gateway_poll(b.gw, &r)) {
            (void)usleep(50);
            continue;
        }
        for (size_t i = 0; i < n; i++)
            if (order_key_cmp(&o[i].key, &r.key) == 0)
                after[i] = r.sent_after_ns;
        if (r.status != ORDER_MINED)
            die(r.reason);
        got++;
    }
}

static void settle(void)
{
    struct gateway_evm_counters c = {.flights = 1};
    while (c.flights) {
        node_read();
        (void)usleep(1500);
        gateway_evm_counters(b.gw, &c);
    }
}

static void print(const char *what, const struct hist *h)
{
    printf("%-46s", what);
    for (size_t i = 0; i < sizeof SHARES / sizeof *SHARES; i++)
        printf(" %8.2f", (double)hist_percentile(h, SHARES[i]) * 1e-3);
    printf(" %8.2f  us\n", (double)h->max * 1e-3);
}

// As many ready orders as keys, one at a time.
static void singles(const char *folder, unsigned rounds)
{
    static struct hist h;
    struct gateway_order o[KEYS];
    struct gateway_evm_counters c;
    uint64_t after[KEYS];
    hist_init(&h);
    start(folder, false);
    for (unsigned r = 0; r < rounds + WARM; r++) {
        if (r == WARM)
            hist_init(&h);
        for (uint32_t i = 0; i < KEYS; i++) {
            o[i] = order(i);
            gateway_offer(b.gw, &o[i]);
        }
        (void)usleep(8000); // signed and on disk
        for (uint32_t i = 0; i < KEYS; i++) {
            node_read();
            (void)usleep(20);
            uint64_t was = __atomic_load_n(&b.sent, __ATOMIC_RELAXED), from = clock_ticks_begin(), at;
            if (gateway_submit(b.gw, &o[i]))
                die("no room");
            while ((at = __atomic_load_n(&b.sent, __ATOMIC_ACQUIRE)) == was) {
            }
            hist_record(&h, clock_ns(at - from));
        }
        answers(o, KEYS, after);
        settle();
    }
    gateway_evm_counters(b.gw, &c);
    print("one ready order, submit to last byte", &h);
    printf("  orders %u, of them not ready when they came: %llu\n", (rounds + WARM) * KEYS,
           (unsigned long long)c.cold_sent);
    stop();
}

static uint64_t burst(struct hist *each)
{
    static struct gateway_order o[BURST];
    uint64_t at[BURST], after[BURST], last = 0;
    for (uint32_t i = 0; i < BURST; i++) {
        o[i] = order(i);
        gateway_offer(b.gw, &o[i]);
    }
    (void)usleep(20000);
    for (uint32_t i = 0; i < BURST; i++) {
        at[i] = clock_stream_ns();
        if (gateway_submit(b.gw, &o[i]))
            die("no room");
    }
    answers(o, BURST, after);
    for (uint32_t i = 0; i < BURST; i++) {
        last = at[i] + after[i] > last ? at[i] + after[i] : last;
        if (each)
            hist_record(each, after[i]);
    }
    settle();
    return last - at[0];
}

static void bursts(const char *folder, unsigned rounds)
{
    static struct hist each, whole;
    struct gateway_evm_counters c, was;
    hist_init(&each), hist_init(&whole);
    start(folder, true);
    for (unsigned r = 0; r < WARM; r++)
        (void)burst(NULL);
    gateway_evm_counters(b.gw, &was);
    for (unsigned r = 0; r < rounds; r++)
        hist_record(&whole, burst(&each));
    gateway_evm_counters(b.gw, &c);
    (void)printf("burst of %d orders on %d keys:\n", BURST, KEYS);
    print("  an order, its submit to its last byte", &each);
    print("  first submit to the last byte of all", &whole);
    printf("  a burst: %.1f ready, %.1f alone but cold, %.1f in batches\n",
           (double)(c.ready_sent - was.ready_sent) / rounds, (double)(c.cold_sent - was.cold_sent) / rounds,
           (double)(c.batched - was.batched) / rounds);
    stop();
}

int main(int argc, char **argv)
{
    char clock[160];
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : ROUNDS;
    if (argc < 2 || rounds == 0)
        die("gateway_bench FOLDER [ROUNDS]");
    clock_init();
    node_open();
    printf("gateway, spinning: %d keys, one node by Unix socket, %u rounds; measured, %s\n", KEYS, rounds,
           clock_describe(clock, sizeof clock));
    printf("%-46s %8s %8s %8s %8s %8s %8s\n", "", "p50", "p90", "p99", "p99.9", "p99.99", "max");
    singles(argv[1], rounds);
    bursts(argv[1], rounds / 10 + 1);
    close(b.listener);
    (void)unlink(b.path);
    return 0;
}
