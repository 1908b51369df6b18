// SPDX-License-Identifier: Apache-2.0
// From the trigger to the last byte in the kernel's hands, with a ready order: sender_fire over a real
// connection to a sink in another thread that reads and answers nothing; what nodes would answer is made up
// here. Also what making a ready order costs. Measured.
//   orders_bench FOLDER [ROUNDS]
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hist.h"
#include "evm/hex.h"
#include "exec/evm/sender.h"

enum { KEYS = 64, ROUNDS = 300, WARM = 5, CALL_BYTES = 164, PAUSE_NS = 5000, QUEUE = 4096, TEXT = 400 };

static const uint32_t SHARES[] = {50000, 90000, 99000, 99900, 99990};

static struct {
    struct rpc *rpc;
    struct sender *sender;
    struct txlog *log;
    struct private_key *key[KEYS];
    uint64_t now, head, nonce[KEYS];
    struct {
        uint64_t tag;
        char text[TEXT];
    } answer[QUEUE];
    size_t first, last;
    bool mined;             // receipts are there
    uint64_t at_send, sent; // ticks: the system call's begin, its return
    bool watch;
} b;

static void die(const char *what)
{
    fprintf(stderr, "orders_bench: %s\n", what);
    exit(1);
}

// ---- the sink

struct sink {
    int listener;
    char url[128], path[96];
};
static _Atomic size_t taken;
static bool awake; // the sink never sleeps: what a send costs without waking its reader

static void sink_open(struct sink *s, bool tcp)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof in;
    (void)snprintf(s->path, sizeof s->path, "/tmp/tripline-orders-%d", (int)getpid());
    memcpy(un.sun_path, s->path, strlen(s->path) + 1);
    s->listener = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s->listener, tcp ? (void *)&in : (void *)&un, tcp ? sizeof in : sizeof un) ||
        listen(s->listener, 64))
        die("cannot listen");
    if (tcp && getsockname(s->listener, (struct sockaddr *)&in, &n))
        die("no port");
    if (tcp)
        (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", ntohs(in.sin_port));
    else
        (void)snprintf(s->url, sizeof s->url, "ipc:%s", s->path);
}

static void *sink_run(void *arg)
{
    static char buf[1 << 16];
    const struct sink *s = arg;
    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0;) {
        for (ssize_t n; (n = recv(fd, buf, sizeof buf, awake ? MSG_DONTWAIT : 0)) != 0;) {
            if (n < 0 && errno != EAGAIN)
                break;
            atomic_fetch_add(&taken, n > 0 ? (size_t)n : 0);
        }
        close(fd);
    }
    return NULL;
}

// Until the sink has all and waits for more, as a node does.
static void wait_for_sink(size_t sent)
{
    while (atomic_load(&taken) < sent)
        (void)sched_yield();
    for (uint64_t t = clock_ticks(); clock_ns(clock_ticks() - t) < PAUSE_NS;) {
    }
}

// When the system call begins.
ssize_t send(int fd, const void *p, size_t n, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "send");
    if (b.watch)
        b.at_send = clock_ticks_end();
    return real(fd, p, n, flags);
}

// ---- the port: real sends, answers of our own

static size_t total;

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
    b.sent = clock_ticks_end();
    total += n;
    if (rc != RPC_SENT)
        die("not sent at once");
    return rc;
}

static bool port_usable(void *ctx, size_t link, uint64_t now)
{
    (void)ctx, (void)link, (void)now;
    return rpc_state(b.rpc) == RPC_UP;
}

static int port_call(void *ctx, size_t link, const char *method, const char *params, uint64_t tag,
                     uint64_t now)
{
    (void)ctx, (void)link, (void)now;
    if (b.last - b.first == QUEUE)
        return -1;
    char *out = b.answer[b.last % QUEUE].text;
    b.answer[b.last++ % QUEUE].tag = tag;
    uint8_t a[ADDRESS_BYTES];
    size_t k = 0;
    if (!strcmp(method, "eth_getTransactionCount")) {
        if (hex_fixed_get(params + 2, 2 + 2 * ADDRESS_BYTES, a, sizeof a))
            die("bad call");
        while (k < KEYS && memcmp(key_address(b.key[k])->b, a, sizeof a) != 0)
            k++;
        (void)snprintf(out, TEXT, "\"0x%llx\"", (unsigned long long)b.nonce[k]);
    } else if (!strcmp(method, "eth_getBalance")) {
        (void)snprintf(out, TEXT, "\"0xde0b6b3a7640000\"");
    } else if (!strcmp(method, "eth_getTransactionReceipt") && b.mined) {
        (void)snprintf(out, TEXT,
                       "{\"transactionHash\":%.68s,\"status\":\"0x1\",\"blockNumber\":\"0x%llx\","
                       "\"blockHash\":\"0x%064llx\"}",
                       params + 1, (unsigned long long)b.head, (unsigned long long)b.head);
    } else {
        (void)snprintf(out, TEXT, "null");
    }
    return 0;
}

static int port_poll(void *ctx, uint64_t now, struct port_event *ev)
{
    (void)ctx, (void)now;
    if (b.first == b.last)
        return 0;
    *ev = (struct port_event){.rpc = {.kind = RPC_EV_REPLY, .tag = b.answer[b.first % QUEUE].tag}};
    ev->rpc.result =
        (struct rpc_span){b.answer[b.first % QUEUE].text, strlen(b.answer[b.first % QUEUE].text)};
    b.first++;
    return 1;
}

static const struct evm_port_ops OPS = {port_put, port_send, port_usable, port_call, port_poll};

// ---- rounds of as many orders as there are keys

static void connect_again(void)
{
    struct rpc_event ev;
    struct err e;
    rpc_drop(b.rpc, "a round's end");
    while (rpc_poll(b.rpc, clock_stream_ns(), &ev)) {
    }
    if (rpc_connect(b.rpc, clock_stream_ns(), &e))
        die(e.msg);
    while (rpc_state(b.rpc) != RPC_UP) {
        while (rpc_poll(b.rpc, clock_stream_ns(), &ev)) {
        }
        rpc_wait(&b.rpc, 1, 10);
    }
}

static void step(void)
{
    struct sender_event ev;
    b.now += 1000000;
    sender_step(b.sender, b.now);
    while (sender_poll(b.sender, &ev)) {
    }
}

static void offer_all(uint32_t *name, uint32_t round)
{
    uint8_t call[CALL_BYTES] = {0};
    struct err e;
    for (uint32_t k = 0; k < KEYS; k++) {
        memcpy(call, &round, sizeof round);
        memcpy(call + 4, &k, sizeof k);
        struct signed_order o = {.key = {1, round * KEYS + k, 1, 1},
                                 .to = {{1}},
                                 .gas = 500000,
                                 .data = call,
                                 .n_data = CALL_BYTES,
                                 .worth = 1,
                                 .expires_ns = UINT64_MAX,
                                 .tip = {1000000000},
                                 .n_tips = 1};
        name[k] = signed_offer(sender_orders(b.sender), SIGNED_NONE, &o, &e);
        if (name[k] == SIGNED_NONE)
            die(e.msg);
    }
    for (unsigned ready = 0; ready < KEYS;) {
        step();
        (void)sched_yield();
        for (ready = 0; ready < KEYS && signed_ready(sender_orders(b.sender), name[ready], 0, 1, b.now);)
            ready++;
    }
}

struct figures {
    struct hist whole, ours, call;
};

static void fire_all(const uint32_t *name, struct figures *f)
{
    for (unsigned k = 0; k < KEYS; k++) {
        wait_for_sink(total);
        b.watch = true;
        uint64_t from = clock_ticks_begin();
        enum fire_answer a = sender_fire(b.sender, name[k], 0, false, b.now);
        uint64_t back = clock_ticks_end();
        b.watch = false;
        if (a != FIRE_SENT)
            die(fire_answer_name(a));
        hist_record(&f->whole, clock_ns(b.sent - from));
        hist_record(&f->ours, clock_ns(b.at_send - from));
        hist_record(&f->call, clock_ns(back - from));
    }
}

static void settle_all(void)
{
    for (unsigned k = 0; k < KEYS; k++)
        b.nonce[k]++;
    b.mined = true;
    sender_head(b.sender, ++b.head, 1000000000, b.now);
    while (sender_flights(b.sender))
        step();
    b.mined = false;
}

static void print(const char *what, const struct hist *h)
{
    printf("%-46s", what);
    for (size_t i = 0; i < sizeof SHARES / sizeof *SHARES; i++)
        printf(" %8.2f", (double)hist_percentile(h, SHARES[i]) * 1e-3);
    printf(" %8.2f  us\n", (double)h->max * 1e-3);
}

static void start(const struct sink *s, const char *folder)
{
    char path[256];
    struct err e;
    static const struct evm_port port = {&OPS, NULL, 1};
    (void)snprintf(path, sizeof path, "%s/orders-%d.log", folder, (int)getpid());
    (void)unlink(path);
    b.head = 1;
    b.now = 1000000000;
    memset(b.nonce, 0, sizeof b.nonce);
    for (unsigned k = 0; k < KEYS; k++) {
        uint8_t secret[WORD_BYTES] = {[30] = 2, [31] = (uint8_t)(k + 1)};
        b.key[k] = key_from_bytes(secret, &e);
    }
    const struct sender_config c = {.chain_id = 1,
                                    .key = (const struct private_key *const *)b.key,
                                    .n_keys = KEYS,
                                    .bytes_max = 1024,
                                    .confirmations = 1,
                                    .signatures_per_s = 1000000000};
    b.rpc = rpc_new(&(struct rpc_config){.url = s->url}, &e);
    if (!b.rpc || txlog_open(path, 1, &b.log, &e) || !(b.sender = sender_new(&c, &port, b.log, &e)))
        die(e.msg);
    (void)unlink(path);
    sender_head(b.sender, b.head, 1000000000, b.now);
}

static void measure(const char *folder, bool tcp, bool spin, unsigned rounds)
{
    struct sink s;
    pthread_t t;
    static struct figures f;
    uint32_t name[KEYS];
    hist_init(&f.whole), hist_init(&f.ours), hist_init(&f.call);
    awake = spin;
    sink_open(&s, tcp);
    if (pthread_create(&t, NULL, sink_run, &s))
        die("thread");
    atomic_store(&taken, 0);
    total = 0;
    start(&s, folder);
    for (uint32_t r = 0; r < rounds + WARM; r++) {
        connect_again();
        offer_all(name, r);
        fire_all(name, &f);
        settle_all();
        if (r + 1 == WARM)
            hist_init(&f.whole), hist_init(&f.ours), hist_init(&f.call);
    }
    char what[80];
    (void)snprintf(what, sizeof what, "%s, reader %s", tcp ? "HTTP over TCP" : "Unix socket",
                   spin ? "awake" : "asleep");
    print(what, &f.whole);
    print("  of it before the system call", &f.ours);
    print("  until sender_fire is back", &f.call);
    sender_free(b.sender);
    (void)txlog_close(b.log, NULL);
    rpc_free(b.rpc);
    for (unsigned k = 0; k < KEYS; k++)
        key_free(b.key[k]);
    shutdown(s.listener, SHUT_RDWR);
    (void)pthread_join(t, NULL);
    close(s.listener);
    (void)unlink(s.path);
}

int main(int argc, char **argv)
{
    char clock[160];
    unsigned rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : ROUNDS;
    if (argc < 2 || rounds == 0)
        die("orders_bench FOLDER [ROUNDS]");
    clock_init();
    printf("orders: %u rounds of %d ready orders, %d bytes of calldata, one node; measured, %s\n", rounds,
           KEYS, CALL_BYTES, clock_describe(clock, sizeof clock));
    printf("%-46s %8s %8s %8s %8s %8s %8s\n", "trigger to last byte:", "p50", "p90", "p99", "p99.9", "p99.99",
           "max");
    for (int k = 0; k < 4; k++)
        measure(argv[1], k % 2 != 0, k / 2 != 0, rounds);
    return 0;
}
