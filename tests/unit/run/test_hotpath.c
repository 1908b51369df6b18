// SPDX-License-Identifier: Apache-2.0
// The hot path takes no system call and allocates nothing after start-up: a session on preloaded frames, with
// a real journal behind it, runs on a thread to which the kernel denies every system call and with a malloc
// that counts.
#include <check.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "base/clock.h"
#include "feed/gen.h"
#include "run/session.h"
#include "run_suite.h"

enum { FRAMES = 3000, FRAME_ROOM_BYTES = 2048 };

static volatile int hot; // the hot thread only
static size_t allocations;

// glibc's allocator under its other name; ours counts while the session is hot.
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t m);
extern void *__libc_realloc(void *p, size_t n);
static _Thread_local int hot_thread;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTING 1
void *malloc(size_t n)
{
    allocations += (size_t)(hot && hot_thread);
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t m)
{
    allocations += (size_t)(hot && hot_thread);
    return __libc_calloc(n, m);
}
void *realloc(void *p, size_t n)
{
    allocations += (size_t)(hot && hot_thread);
    return __libc_realloc(p, n);
}
#else
#define COUNTING 0
#endif

static struct {
    uint64_t ts;
    size_t len;
    uint8_t data[FRAME_ROOM_BYTES];
} frame[FRAMES];

// Every aggregate, mean and kind of guard.
static const char POLICY[] =
    "asset BTC_USDC-PERPETUAL\naggregate median\nmin_live 1\n"
    "source deribit BTC_USDC-PERPETUAL mark max_age_ms=60000\n"
    "source deribit BTC-PERPETUAL mark max_age_ms=60000\n"
    "source deribit BTC-PERPETUAL mid max_age_ms=60000\n"
    "twap geometric window_ms=2000 warmup=partial\npublish twap\n"
    "guard trend ticks=5000 confirm_ms=100\nguard jump bps=9000 of=stable\n"
    "asset ETH_USDC-PERPETUAL\naggregate weighted\nmin_live 1\n"
    "source deribit ETH_USDC-PERPETUAL mark weight=3\nsource deribit ETH-PERPETUAL last weight=1\n"
    "reference deribit eth_usd index max_age_ms=60000\n"
    "guard deviation bps=9000 of=reference then=clamp\nguard rate bps=5000 every_ms=100 then=clamp\n"
    "asset SOL_USDC-PERPETUAL\naggregate maker\nsource deribit SOL_USDC-PERPETUAL mark\n"
    "twap arithmetic window_ms=500 warmup=partial\nguard ratio max=50 of=twap\n";

static size_t orders;
static int tg_submit(struct gateway *g, const struct gateway_order *o)
{
    (void)g;
    (void)o;
    orders++;
    return 0;
}
static void tg_counters(const struct gateway *g, struct gateway_counters *out)
{
    (void)g;
    memset(out, 0, sizeof *out);
}
static const struct gateway_ops tg_ops = {.submit = tg_submit, .counters = tg_counters};

static uint64_t put(void *ctx, enum journal_type type, const void *a, size_t na, const void *b, size_t nb)
{
    return journal_put2(ctx, type, a, na, b, nb);
}

static size_t preload(void)
{
    struct gen_config c;
    struct err e;
    const uint8_t *data;
    size_t n = 0, len;
    gen_config_default(&c);
    c.path = GEN_CRASH;
    c.packets = FRAMES;
    struct gen *g = gen_open(&c, &e);
    ck_assert(g != NULL);
    while (n < FRAMES && gen_next(g, &frame[n].ts, &data, &len)) {
        ck_assert_uint_le(len, FRAME_ROOM_BYTES);
        memcpy(frame[n].data, data, len);
        frame[n++].len = len;
    }
    gen_close(g);
    return n;
}

// From here on this thread may write (to tell of a failure) and exit, nothing else. Clock readings by the TSC
// and through the vDSO are no system calls.
static int deny_system_calls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_write, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog prog = {sizeof code / sizeof *code, code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

// In a child: exit status 0 when all went well, 1 a failure, 2 an allocation, 77 no seccomp here.
enum variant { DEFAULTS, POLICIES, BOXES, SEVERAL_DEVICES, VECTOR, PACKED, VARIANTS };

static void child(const char *path, size_t n, int with_call, enum variant v)
{
    static struct book book;
    static struct session_config cfg;
    static struct gateway gw = {.ops = &tg_ops};
    struct err e;
    struct journal *j;
    struct device *dev;
    const struct gen_options go = {.seed = 5, .accounts = 240};
    const struct device_config dc = {.backend = v == SEVERAL_DEVICES ? "model*3"
                                                : v == VECTOR        ? "vector"
                                                                     : "model",
                                     .arrival = true};
    clock_init();
    config_default(&cfg);
    cfg.policy = v == POLICIES ? POLICY : NULL;
    cfg.policy_len = v == POLICIES ? sizeof POLICY - 1 : 0;
    cfg.engine.near_rows = v == BOXES || v == PACKED ? 40 : 0;
    device_register(&device_ops_model);
    device_register(&device_ops_fan);
    device_register(&device_ops_vector);
    if (accounts_generate(&go, &book, &e) != 0 || (v == PACKED && book_pack(&book, &e) != 0) ||
        journal_open(path, false, &j, &e) != 0 || device_open(&dc, &dev, &e) != 0)
        _exit(1);
    const struct session_log log = {j, put};
    struct session *s = session_new(&cfg, &book, dev, &gw, &log, false, &e);
    if (!s || session_begin(s, &e) != 0)
        _exit(1);
    // Sanitizers make system calls of their own; there this only runs the path.
    if (COUNTING && deny_system_calls() != 0)
        _exit(77);
    hot_thread = hot = 1;
    for (size_t i = 0; i < n; i++)
        if (session_frame(s, frame[i].ts, frame[i].data, frame[i].len, frame[i].len, &e) != 0 ||
            session_idle(s, 8, &e) != 0)
            _exit(1);
    hot = 0;
    struct engine_tiers t;
    engine_tiers(session_engine(s), &t);
    if (t.boxed != (v == BOXES || v == PACKED))
        _exit(1);
    if (with_call)
        (void)syscall(SYS_getppid); // the filter's own test: this must kill
    _exit(allocations ? 2 : orders ? 0 : 1);
}

static int run_child(int with_call, enum variant v)
{
    char path[] = "/tmp/tl-hot-XXXXXX", file[64];
    ck_assert(mkdtemp(path) != NULL);
    (void)snprintf(file, sizeof file, "%s/journal", path);
    size_t n = preload();
    pid_t pid = fork();
    if (pid == 0)
        child(file, n, with_call, v);
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    (void)unlink(file);
    (void)rmdir(path);
    return status;
}

START_TEST(test_no_system_call_and_no_allocation)
{
    int status = run_child(0, (enum variant)_i);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        printf("# no seccomp here: not shown\n");
        return;
    }
    ck_assert_msg(!WIFSIGNALED(status), "a system call on the hot path (signal %d)", WTERMSIG(status));
    ck_assert_msg(WEXITSTATUS(status) != 2, "an allocation on the hot path");
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(test_the_filter_bites)
{
    int status = run_child(1, DEFAULTS);
    if (!COUNTING || (WIFEXITED(status) && WEXITSTATUS(status) == 77))
        return;
    ck_assert(WIFSIGNALED(status));
}
END_TEST

int main(void)
{
    Suite *su = suite_create("hotpath");
    TCase *t = tcase_create("hotpath");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_no_system_call_and_no_allocation, 0, VARIANTS);
    tcase_add_test(t, test_the_filter_bites);
    suite_add_tcase(su, t);
    return run_suite(su);
}
