// SPDX-License-Identifier: Apache-2.0
// The hot path after start-up: no system call, no allocation and none given back, no lock, no page fault. A
// session on preloaded frames with a real journal, the paper gateway and its venue behind it, alone and in
// live_run()'s loop, on every software device, with boxes, policies and orders by worth. Then the traps
// themselves: each is shown to catch what it is there for.
#include "hotrig.h"

static const struct hot_way ways[] = {
    {.name = "defaults"},
    {.name = "policies", .policies = true},
    {.name = "boxes", .boxes = true},
    {.name = "several devices", .device = "model*3"},
    {.name = "vector", .device = "vector"},
    {.name = "vector, shared with a helper",
     .device = "vector",
     .accounts = 17000, // more than 16,384 rows for each of two
     .frames = 300,
     .packed = true,
     .lanes = 256,
     .slots = 256,
     .threads = 2},
    {.name = "packed", .boxes = true, .packed = true},
    {.name = "worth", .worth = true},
    {.name = "depth", .depth = true},
    {.name = "depth, worth, policies", .depth = true, .worth = true, .policies = true, .boxes = true},
    {.name = "venue", .venue = true},
    {.name = "venue, several devices", .venue = true, .device = "model*3"},
    {.name = "venue, vector, packed boxes",
     .venue = true,
     .device = "vector",
     .boxes = true,
     .packed = true,
     .policies = true},
    {.name = "venue, auctions", .venue = true, .auctions = true},
    {.name = "live", .live = true},
    {.name = "live, venue", .live = true, .venue = true},
    {.name = "live, venue, packed boxes, policies, worth",
     .live = true,
     .venue = true,
     .boxes = true,
     .packed = true,
     .policies = true,
     .worth = true},
    {.name = "live, venue, auctions", .live = true, .venue = true, .auctions = true},
    {.name = "live, venue, several vectors", .live = true, .venue = true, .device = "vector*2"},
};
enum { WAYS = sizeof ways / sizeof *ways };

static bool no_seccomp(int status)
{
    if (!WIFEXITED(status) || WEXITSTATUS(status) != HOT_NO_SECCOMP)
        return false;
    printf("# no seccomp here: not shown\n");
    return true;
}

START_TEST(test_nothing_is_caught)
{
    const struct hot_way *w = &ways[_i];
    int status = hot_run(w, NULL);
    if (no_seccomp(status))
        return;
    ck_assert_msg(trapped->system_call < 0, "%s: system call %d on the hot path", w->name,
                  trapped->system_call);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == HOT_OK, "%s: ended with %x", w->name,
                  (unsigned)status);
    ck_assert_msg(trapped->calls == 0, "%s: %zu calls on the hot path, the first of %s", w->name,
                  trapped->calls, trapped->name[0]);
    if (TRAPPING)
        ck_assert_msg(trapped->minor == 0 && trapped->major == 0, "%s: %ld minor and %ld major faults",
                      w->name, trapped->minor, trapped->major);
}
END_TEST

#if TRAPPING
// ---- the traps

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_spinlock_t spin;
static sem_t sem;
static mtx_t mtx;
static cnd_t cnd;
static void *volatile block;

static void nothing(void) {}
// Each takes what it can take at once: none of these makes a system call.
#define CATCH(name, ...)                                                                                     \
    static void do_##name(void)                                                                              \
    {                                                                                                        \
        __VA_ARGS__;                                                                                         \
    }
CATCH(malloc, block = malloc(8))
CATCH(free, free(block); block = NULL)
CATCH(calloc, block = calloc(1, 8))
CATCH(realloc, block = realloc(block, 16))
CATCH(reallocarray, block = reallocarray(block, 2, 16))
CATCH(aligned_alloc, block = aligned_alloc(64, 64))
CATCH(posix_memalign, void *p = NULL; (void)!posix_memalign(&p, 64, 64); block = p)
CATCH(strdup, block = strdup("a"))
CATCH(pthread_mutex_lock, (void)pthread_mutex_lock(&mutex); (void)pthread_mutex_unlock(&mutex))
CATCH(pthread_mutex_trylock, (void)!pthread_mutex_trylock(&mutex); (void)pthread_mutex_unlock(&mutex))
CATCH(pthread_spin_lock, (void)pthread_spin_lock(&spin); (void)pthread_spin_unlock(&spin))
CATCH(pthread_spin_trylock, (void)!pthread_spin_trylock(&spin); (void)pthread_spin_unlock(&spin))
CATCH(pthread_rwlock_rdlock, (void)pthread_rwlock_rdlock(&rwlock); (void)pthread_rwlock_unlock(&rwlock))
CATCH(pthread_rwlock_wrlock, (void)pthread_rwlock_wrlock(&rwlock); (void)pthread_rwlock_unlock(&rwlock))
CATCH(pthread_cond_signal, (void)pthread_cond_signal(&cond))
CATCH(pthread_cond_broadcast, (void)pthread_cond_broadcast(&cond))
CATCH(pthread_once, (void)pthread_once(&once, nothing))
CATCH(sem_post, (void)sem_post(&sem))
CATCH(sem_wait, (void)sem_wait(&sem); (void)sem_post(&sem))
CATCH(sem_trywait, (void)!sem_trywait(&sem); (void)sem_post(&sem))
CATCH(mtx_lock, (void)mtx_lock(&mtx); (void)mtx_unlock(&mtx))
CATCH(mtx_trylock, (void)!mtx_trylock(&mtx); (void)mtx_unlock(&mtx))
CATCH(cnd_signal, (void)cnd_signal(&cnd))

#define IN_TABLE(name)                                                                                       \
    {                                                                                                        \
#name, do_##name                                                                                     \
    }
static const struct {
    const char *name;
    hot_mutant *call;
} caught[] = {
    IN_TABLE(malloc),
    IN_TABLE(free),
    IN_TABLE(calloc),
    IN_TABLE(realloc),
    IN_TABLE(reallocarray),
    IN_TABLE(aligned_alloc),
    IN_TABLE(posix_memalign),
    {"malloc", do_strdup}, // the library's own calls are seen too
    IN_TABLE(pthread_mutex_lock),
    IN_TABLE(pthread_mutex_trylock),
    IN_TABLE(pthread_spin_lock),
    IN_TABLE(pthread_spin_trylock),
    IN_TABLE(pthread_rwlock_rdlock),
    IN_TABLE(pthread_rwlock_wrlock),
    IN_TABLE(pthread_cond_signal),
    IN_TABLE(pthread_cond_broadcast),
    IN_TABLE(pthread_once),
    IN_TABLE(sem_post),
    IN_TABLE(sem_wait),
    IN_TABLE(sem_trywait),
    IN_TABLE(mtx_lock),
    IN_TABLE(mtx_trylock),
    IN_TABLE(cnd_signal),
};
enum { CAUGHT = sizeof caught / sizeof *caught };

static void make_locks(void)
{
    (void)pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
    (void)sem_init(&sem, 0, 1);
    (void)mtx_init(&mtx, mtx_plain);
    (void)cnd_init(&cnd);
}

// Hot, each call is counted under its name; else, and on other threads, none is.
START_TEST(test_each_call_is_caught)
{
    static struct trapped here;
    trapped = &here;
    make_locks();
    for (int hot = 0; hot < 2; hot++) {
        memset(&here, 0, sizeof here);
        trap_hot = hot;
        caught[_i].call();
        trap_hot = 0;
        ck_assert_msg(hot == (here.calls > 0), "%s: %zu calls caught", caught[_i].name, here.calls);
    }
    ck_assert_str_eq(here.name[0], caught[_i].name);
    free(block);
}
END_TEST

// In the middle of the path itself, alone and in the live loop.
static volatile unsigned char *fresh;
static void touch_fresh(void)
{
    *fresh = 1;
}
static void do_getppid(void)
{
    (void)syscall(SYS_getppid);
}
static void do_write(void)
{
    (void)!write(STDERR_FILENO, "", 0);
}
static void do_mmap(void)
{
    block = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static const struct {
    hot_mutant *step;
    const char *name; // of the call, NULL: none is counted
    int system_call;
    long faults;
} steps[] = {
    {do_malloc, "malloc", -1, 0},   {do_pthread_mutex_lock, "pthread_mutex_lock", -1, 0},
    {touch_fresh, NULL, -1, 1},     {do_getppid, NULL, SYS_getppid, 0},
    {do_write, NULL, SYS_write, 0}, {do_mmap, NULL, SYS_mmap, 0},
};
enum { STEPS = sizeof steps / sizeof *steps };

START_TEST(test_a_step_on_the_path_is_caught)
{
    const struct hot_way w = {.name = "step", .live = _i >= STEPS};
    const int k = _i % STEPS;
    // A reservation: resident_now() leaves it alone.
    fresh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert(fresh != MAP_FAILED);
    int status = hot_run(&w, steps[k].step);
    if (no_seccomp(status))
        return;
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), steps[k].system_call < 0 ? HOT_OK : HOT_TRAPPED);
    ck_assert_int_eq(trapped->system_call, steps[k].system_call);
    if (steps[k].system_call >= 0)
        return;
    ck_assert_int_eq(trapped->minor + trapped->major, steps[k].faults);
    ck_assert_uint_eq(trapped->calls, steps[k].name != NULL);
    ck_assert_str_eq(trapped->name[0], steps[k].name ? steps[k].name : "");
}
END_TEST
#endif

int main(int argc, char **argv)
{
    if (argc >= 5 && strcmp(argv[1], "venue") == 0)
        return hot_be_venue(argv);
    Suite *su = suite_create("hotpath");
    TCase *t = tcase_create("hotpath");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, test_nothing_is_caught, 0, WAYS);
#if TRAPPING
    tcase_add_loop_test(t, test_each_call_is_caught, 0, CAUGHT);
    tcase_add_loop_test(t, test_a_step_on_the_path_is_caught, 0, 2 * STEPS);
#endif
    suite_add_tcase(su, t);
    return run_suite(su);
}
