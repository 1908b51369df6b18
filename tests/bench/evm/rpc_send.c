// SPDX-License-Identifier: Apache-2.0
// How long it takes to hand a request made beforehand to the kernel: rpc_send_raw, from the call to its
// return, to a sink in another thread that reads and answers nothing, awake or asleep in recv (which send()
// then has to wake); then the same with a send() that does nothing: what is ours of it. Measured.
//   rpc_send [SENDS]
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
#include "evm/rpc.h"

enum { SENDS = 200000, WARM = 2000, TX_BYTES = 420, PAUSE_NS = 5000, ROUND = 200 };

static const uint32_t SHARES[] = {50000, 90000, 99000, 99900, 99990};

struct sink {
    int listener;
    char url[128];
    char path[96];
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void sink_open(struct sink *s, bool tcp)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof in;
    (void)snprintf(s->path, sizeof s->path, "/tmp/tripline-sink-%d", (int)getpid());
    memcpy(un.sun_path, s->path, strlen(s->path) + 1);
    s->listener = socket(tcp ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s->listener, tcp ? (void *)&in : (void *)&un, tcp ? sizeof in : sizeof un) ||
        listen(s->listener, 64))
        die("sink");
    if (tcp && getsockname(s->listener, (struct sockaddr *)&in, &n))
        die("sink");
    if (tcp)
        (void)snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", ntohs(in.sin_port));
    else
        (void)snprintf(s->url, sizeof s->url, "ipc:%s", s->path);
}

static _Atomic size_t taken, accepted; // by the sink
static atomic_bool awake;              // it looks all the time instead of sleeping in recv

// Reads until the end. Answers are not its business: connections are made anew before their calls run out.
static void *sink_run(void *arg)
{
    static char buf[1 << 16];
    const struct sink *s = arg;
    for (int fd; (fd = accept(s->listener, NULL, NULL)) >= 0;) {
        atomic_fetch_add(&accepted, 1);
        for (;;) {
            ssize_t n = recv(fd, buf, sizeof buf, atomic_load(&awake) ? MSG_DONTWAIT : 0);
            if (n == 0 || (n < 0 && errno != EAGAIN))
                break;
            if (n > 0)
                atomic_fetch_add(&taken, (size_t)n);
        }
        close(fd);
    }
    return NULL;
}

// Until the sink has all and waits for more, as a node does.
static void pause_ns(size_t sent, uint64_t ns)
{
    while (atomic_load(&taken) < sent)
        (void)sched_yield();
    for (uint64_t t = clock_ticks(); clock_ns(clock_ticks() - t) < ns;) {
    }
}

static struct rpc *connected(const char *url)
{
    size_t before = atomic_load(&accepted);
    struct err e;
    struct rpc_event ev;
    struct rpc *c = rpc_new(&(struct rpc_config){.url = url}, &e);
    if (!c || rpc_connect(c, clock_stream_ns(), &e)) {
        fprintf(stderr, "rpc_send: %s\n", e.msg);
        exit(1);
    }
    while (!rpc_poll(c, clock_stream_ns(), &ev))
        rpc_wait(&c, 1, 100);
    if (ev.kind != RPC_EV_UP) {
        fprintf(stderr, "rpc_send: %s\n", ev.text);
        exit(1);
    }
    while (atomic_load(&accepted) == before)
        (void)sched_yield();
    return c;
}

static void print(const char *what, const struct hist *h)
{
    printf("%-34s", what);
    for (size_t i = 0; i < sizeof SHARES / sizeof *SHARES; i++)
        printf(" %9.2f", (double)hist_percentile(h, SHARES[i]) * 1e-3);
    printf(" %9.2f  us\n", (double)h->max * 1e-3);
}

static void measure(bool tcp, unsigned sends, struct hist *h)
{
    static uint8_t bytes[RPC_RAW_MAX], tx[TX_BYTES];
    struct sink s;
    pthread_t t;
    sink_open(&s, tcp);
    if (pthread_create(&t, NULL, sink_run, &s))
        die("thread");
    hist_init(h);
    size_t n = 0, sent = 0;
    atomic_store(&taken, 0);
    for (unsigned done = 0; done < sends + WARM;) {
        struct rpc *c = connected(s.url);
        for (unsigned i = 0; i < ROUND; i++, done++) {
            n = rpc_put_transaction(c, RPC_RAW_ID + i, tx, sizeof tx, bytes, sizeof bytes);
            pause_ns(sent, PAUSE_NS);
            sent += n;
            uint64_t now = clock_stream_ns(), from = clock_ticks_begin();
            int rc = rpc_send_raw(c, RPC_RAW_ID + i, bytes, n, now);
            uint64_t ns = clock_ns(clock_ticks_end() - from);
            if (rc != RPC_SENT) {
                fprintf(stderr, "rpc_send: not sent at once (%d)\n", rc);
                exit(1);
            }
            if (done >= WARM)
                hist_record(h, ns);
        }
        rpc_free(c);
    }
    char what[64];
    (void)snprintf(what, sizeof what, "%s, %zu bytes",
                   tcp ? "HTTP over loopback TCP" : "IPC over a Unix socket", n);
    print(what, h);
    shutdown(s.listener, SHUT_RDWR);
    (void)pthread_join(t, NULL);
    close(s.listener);
    (void)unlink(s.path);
}

// ---- what is ours of it: the same calls with a send that does nothing

static bool no_kernel;

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (no_kernel)
        return (ssize_t)n;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "send");
    return real(fd, p, n, flags);
}

static void measure_ours(unsigned sends, struct hist *h)
{
    static uint8_t bytes[RPC_RAW_MAX], tx[TX_BYTES];
    struct sink s;
    pthread_t t;
    sink_open(&s, false);
    if (pthread_create(&t, NULL, sink_run, &s))
        die("thread");
    hist_init(h);
    for (unsigned done = 0; done < sends; done += ROUND) {
        struct rpc *c = connected(s.url);
        size_t n = rpc_put_transaction(c, RPC_RAW_ID, tx, sizeof tx, bytes, sizeof bytes);
        no_kernel = true;
        uint64_t now = clock_stream_ns();
        for (unsigned i = 0; i < ROUND; i++) {
            uint64_t from = clock_ticks_begin();
            int rc = rpc_send_raw(c, RPC_RAW_ID + i, bytes, n, now);
            uint64_t ns = clock_ns(clock_ticks_end() - from);
            if (rc == RPC_SENT)
                hist_record(h, ns);
        }
        no_kernel = false;
        rpc_free(c);
    }
    print("all of it but the system call", h);
    shutdown(s.listener, SHUT_RDWR);
    (void)pthread_join(t, NULL);
    close(s.listener);
    (void)unlink(s.path);
}

int main(int argc, char **argv)
{
    unsigned sends = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : SENDS;
    static struct hist h;
    char clock[160];
    clock_init();
    printf("rpc_send: %u sends each, each at least %d us after the sink has taken the last; measured, %s\n",
           sends, PAUSE_NS / 1000, clock_describe(clock, sizeof clock));
    printf("%-34s %9s %9s %9s %9s %9s %9s\n", "", "p50", "p90", "p99", "p99.9", "p99.99", "max");
    for (int i = 0; i < 4; i++) {
        atomic_store(&awake, i < 2);
        measure(i & 1, sends, &h);
    }
    measure_ours(sends, &h);
    return 0;
}
