// SPDX-License-Identifier: Apache-2.0
// A stretch of the hot path to count in: a session on preloaded synthetic frames with a real journal behind
// it and a gateway that takes every order. The first half of the frames is warm-up; hot_stretch() is the
// second. Prints, tab separated, the stretch's packets and orders, then each counter that the kernel gives
// for this thread alone, in user mode, or why it gives none. Usage: hot_loop [DEVICE [ISA [PACKETS]]]
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "accounts/store.h"
#include "base/clock.h"
#include "base/resident.h"
#include "exec/gateway.h"
#include "feed/gen.h"
#include "run/session.h"

enum { PACKETS = 20000, PACKETS_MAX = 1000000, ROOM = 2048, ACCOUNTS = 240, SEED = 5 };

struct frame {
    uint64_t ts;
    size_t len;
    uint8_t data[ROOM];
};

#define CACHE(cache, result)                                                                                 \
    PERF_TYPE_HW_CACHE, PERF_COUNT_HW_CACHE_##cache | PERF_COUNT_HW_CACHE_OP_READ << 8 |                     \
                            PERF_COUNT_HW_CACHE_RESULT_##result << 16
static struct counter {
    const char *name;
    uint32_t type;
    uint64_t config;
    int fd, no;
} counters[] = {
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 0, 0},
    {"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, 0, 0},
    {"branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, 0, 0},
    {"L1-dcache-load-misses", CACHE(L1D, MISS), 0, 0},
    {"LLC-load-misses", CACHE(LL, MISS), 0, 0},
    {"dTLB-load-misses", CACHE(DTLB, MISS), 0, 0},
    {"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, 0, 0},
    {"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, 0, 0},
};
enum { COUNTERS = sizeof counters / sizeof *counters };

static struct session *session;
static struct err e;

__attribute__((noreturn)) static void die(const char *what)
{
    fprintf(stderr, "hot_loop: %s: %s\n", what, e.msg);
    exit(1);
}

static struct frame *preload(size_t n)
{
    struct gen_config c;
    const uint8_t *data;
    struct frame *f = calloc(n, sizeof *f);
    gen_config_default(&c);
    c.path = GEN_CRASH;
    c.packets = n;
    struct gen *g = gen_open(&c, &e);
    if (!f || !g)
        die("frames");
    for (size_t i = 0; i < n && gen_next(g, &f[i].ts, &data, &f[i].len) && f[i].len <= ROOM; i++)
        memcpy(f[i].data, data, f[i].len);
    gen_close(g);
    return f;
}

// Not inlined, by this name: callgrind counts in it.
__attribute__((noinline)) void hot_stretch(const struct frame *f, size_t n);
void hot_stretch(const struct frame *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (session_frame(session, f[i].ts, f[i].data, f[i].len, f[i].len, &e) != 0)
            die("frame");
}

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    return journal_put2(ctx, type, a, na, b, nb);
}

static void open_session(const char *device, const char *isa, const char *path)
{
    static struct book book;
    static struct session_config cfg;
    struct journal *j;
    struct device *dev;
    const struct gen_options go = {.seed = SEED, .accounts = ACCOUNTS};
    const struct device_config dc = {.backend = device, .isa = isa, .arrival = true};
    struct gateway *gw = gateway_null_open();
    clock_init();
    config_default(&cfg);
    cfg.desk.outstanding_max = UINT32_MAX; // nobody answers
    device_register(&device_ops_model);
    device_register(&device_ops_vector);
    if (!gw || accounts_generate(&go, &book, &e) != 0 || journal_open(path, false, &j, &e) != 0 ||
        device_open(&dc, &dev, &e) != 0)
        die("set-up");
    const struct session_log log = {j, put};
    session = session_new(&cfg, &book, dev, gw, &log, false, &e);
    if (!session || session_begin(session, &e) != 0)
        die("session");
}

static void open_counter(struct counter *c)
{
    struct perf_event_attr a = {.size = sizeof a,
                                .type = c->type,
                                .config = c->config,
                                .disabled = 1,
                                .exclude_kernel = c->type != PERF_TYPE_SOFTWARE,
                                .exclude_hv = 1,
                                .read_format =
                                    PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING};
    c->fd = (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
    c->no = c->fd < 0 ? errno : 0;
}

static void print_counter(const struct counter *c)
{
    struct {
        uint64_t value, enabled, running;
    } v = {0, 0, 0};
    if (c->no == ENOENT || c->no == EOPNOTSUPP)
        printf("%s\t-\tthis machine gives no such counter\n", c->name);
    else if (c->no)
        printf("%s\t-\t%s; see kernel.perf_event_paranoid\n", c->name, strerror(c->no));
    else if (read(c->fd, &v, sizeof v) != sizeof v || v.running == 0)
        printf("%s\t-\tnever counted\n", c->name);
    else
        printf("%s\t%.0f\t%.2f of the time\n", c->name,
               (double)v.value * (double)v.enabled / (double)v.running,
               (double)v.running / (double)v.enabled);
}

static void each(unsigned long request)
{
    for (size_t i = 0; i < COUNTERS; i++)
        if (!counters[i].no)
            (void)ioctl(counters[i].fd, request, 0);
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/tl-hot-loop-XXXXXX", path[sizeof dir + 8];
    long packets = argc > 3 ? atol(argv[3]) : PACKETS;
    if (packets < 2 || packets > PACKETS_MAX || !mkdtemp(dir))
        die("usage: hot_loop [DEVICE [ISA [PACKETS]]]");
    (void)snprintf(path, sizeof path, "%s/journal", dir);
    size_t n = (size_t)packets, half = n / 2;
    struct frame *f = preload(n);
    open_session(argc > 1 ? argv[1] : "model", argc > 2 ? argv[2] : NULL, path);
    (void)unlink(path);
    (void)rmdir(dir);
    (void)resident_now();
    for (size_t i = 0; i < half; i++)
        if (session_frame(session, f[i].ts, f[i].data, f[i].len, f[i].len, &e) != 0)
            die("warm-up");
    for (size_t i = 0; i < COUNTERS; i++)
        open_counter(&counters[i]);
    const struct desk_counters *d = desk_counters(session_desk(session));
    uint64_t before = d->answer[DESK_SENT];
    each(PERF_EVENT_IOC_ENABLE);
    hot_stretch(f + half, n - half);
    each(PERF_EVENT_IOC_DISABLE);
    printf("packets\t%zu\norders\t%" PRIu64 "\n", n - half, d->answer[DESK_SENT] - before);
    for (size_t i = 0; i < COUNTERS; i++)
        print_counter(&counters[i]);
    free(f);
    return 0;
}
