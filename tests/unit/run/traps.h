// SPDX-License-Identifier: Apache-2.0
// Traps on one thread while it is hot: the allocator and the locks are replaced by functions that count and
// go on (an uncontended lock makes no system call), and the kernel denies every system call. What is left
// out: locks that a library takes without calling a function (stdio's own; a spin lock in a header). A test
// program includes it once. Sanitizers replace the same functions: there TRAPPING is 0 and the path is only
// run.
#ifndef TRIPLINE_TEST_RUN_TRAPS_H
#define TRIPLINE_TEST_RUN_TRAPS_H

#include <dlfcn.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRAPPING 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TRAPPING 0
#endif
#endif
#ifndef TRAPPING
#define TRAPPING 1
#endif

// What was caught, in memory that the test's parent shares: the trapped process may not even write.
enum { TRAP_NAMED = 8 };
struct trapped {
    size_t calls; // of trapped functions
    char name[TRAP_NAMED][32];
    long minor, major; // page faults
    int system_call;   // its number, -1: none
};
static struct trapped *trapped;
static _Thread_local int trap_hot;

static inline void trap_note(const char *name)
{
    if (!trap_hot)
        return;
    if (trapped->calls < TRAP_NAMED)
        for (size_t i = 0; name[i] && i + 1 < sizeof trapped->name[0]; i++)
            trapped->name[trapped->calls][i] = name[i];
    trapped->calls++;
}

#if TRAPPING
// ---- the allocator: glibc's under its other names

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t m);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);
extern void __libc_free(void *p);

void *malloc(size_t n)
{
    trap_note("malloc");
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t m)
{
    trap_note("calloc");
    return __libc_calloc(n, m);
}
void *realloc(void *p, size_t n)
{
    trap_note("realloc");
    return __libc_realloc(p, n);
}
void *reallocarray(void *p, size_t n, size_t m)
{
    size_t bytes;
    trap_note("reallocarray");
    if (__builtin_mul_overflow(n, m, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(p, bytes);
}
void free(void *p)
{
    trap_note("free");
    __libc_free(p);
}
void *aligned_alloc(size_t align, size_t n)
{
    trap_note("aligned_alloc");
    return __libc_memalign(align, n);
}
void *memalign(size_t align, size_t n);
void *memalign(size_t align, size_t n)
{
    trap_note("memalign");
    return __libc_memalign(align, n);
}
int posix_memalign(void **out, size_t align, size_t n)
{
    trap_note("posix_memalign");
    *out = __libc_memalign(align, n);
    return *out ? 0 : ENOMEM;
}

// ---- locks: the C library's under the same name, looked up at the first call

#define TRAP(type, name, params, args)                                                                       \
    type name params                                                                                         \
    {                                                                                                        \
        static type(*real) params;                                                                           \
        trap_note(#name);                                                                                    \
        if (!real) {                                                                                         \
            void *found = dlsym(RTLD_NEXT, #name);                                                           \
            memcpy(&real, &found, sizeof real);                                                              \
        }                                                                                                    \
        return real args;                                                                                    \
    }
typedef const struct timespec when;
TRAP(int, pthread_mutex_lock, (pthread_mutex_t * m), (m))
TRAP(int, pthread_mutex_trylock, (pthread_mutex_t * m), (m))
TRAP(int, pthread_mutex_timedlock, (pthread_mutex_t *restrict m, when *restrict t), (m, t))
TRAP(int, pthread_mutex_clocklock, (pthread_mutex_t *restrict m, clockid_t c, when *restrict t), (m, c, t))
TRAP(int, pthread_spin_lock, (pthread_spinlock_t * s), (s))
TRAP(int, pthread_spin_trylock, (pthread_spinlock_t * s), (s))
TRAP(int, pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))
TRAP(int, pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l))
TRAP(int, pthread_rwlock_tryrdlock, (pthread_rwlock_t * l), (l))
TRAP(int, pthread_rwlock_trywrlock, (pthread_rwlock_t * l), (l))
TRAP(int, pthread_rwlock_timedrdlock, (pthread_rwlock_t *restrict l, when *restrict t), (l, t))
TRAP(int, pthread_rwlock_timedwrlock, (pthread_rwlock_t *restrict l, when *restrict t), (l, t))
TRAP(int, pthread_cond_signal, (pthread_cond_t * c), (c))
TRAP(int, pthread_cond_broadcast, (pthread_cond_t * c), (c))
TRAP(int, pthread_cond_wait, (pthread_cond_t *restrict c, pthread_mutex_t *restrict m), (c, m))
TRAP(int, pthread_cond_timedwait, (pthread_cond_t *restrict c, pthread_mutex_t *restrict m, when *restrict t),
     (c, m, t))
TRAP(int, pthread_barrier_wait, (pthread_barrier_t * b), (b))
TRAP(int, pthread_once, (pthread_once_t * o, void (*f)(void)), (o, f))
TRAP(int, sem_wait, (sem_t * s), (s))
TRAP(int, sem_trywait, (sem_t * s), (s))
TRAP(int, sem_timedwait, (sem_t *restrict s, when *restrict t), (s, t))
TRAP(int, sem_post, (sem_t * s), (s))
TRAP(int, mtx_lock, (mtx_t * m), (m))
TRAP(int, mtx_trylock, (mtx_t * m), (m))
TRAP(int, mtx_timedlock, (mtx_t *restrict m, when *restrict t), (m, t))
TRAP(int, cnd_signal, (cnd_t * c), (c))
TRAP(int, cnd_broadcast, (cnd_t * c), (c))
TRAP(int, cnd_wait, (cnd_t * c, mtx_t *m), (c, m))
TRAP(int, cnd_timedwait, (cnd_t *restrict c, mtx_t *restrict m, when *restrict t), (c, m, t))
#endif

// ---- system calls

static inline void trap_on_call(int sig, siginfo_t *i, void *ctx)
{
    (void)sig;
    (void)ctx;
    trapped->system_call = i->si_syscall;
    _exit(3);
}

// From here on this thread may exit the process and ask for its page faults, and with `yields` let others
// run, nothing else. Clock readings by the TSC and through the vDSO are no system calls.
static inline int trap_calls(bool yields)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(yields ? SYS_sched_yield : SYS_getrusage), 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_getrusage, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    };
    struct sock_fprog prog = {sizeof code / sizeof *code, code};
    struct sigaction sa = {.sa_sigaction = trap_on_call, .sa_flags = SA_SIGINFO};
    if (sigaction(SIGSYS, &sa, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0);
}

static inline void trap_faults(long sign)
{
    struct rusage u;
    (void)getrusage(RUSAGE_THREAD, &u);
    trapped->minor += sign * u.ru_minflt;
    trapped->major += sign * u.ru_majflt;
}

// The calling thread is hot from here on, for the rest of its life as far as system calls go. -1: no seccomp
// here.
static inline int trap_begin(bool yields)
{
    // Sanitizers make system calls of their own; there this only runs the path.
    if (TRAPPING && trap_calls(yields) != 0)
        return -1;
    trap_faults(-1);
    trap_hot = 1;
    return 0;
}

static inline void trap_end(void)
{
    trap_hot = 0;
    trap_faults(1);
}

#endif
