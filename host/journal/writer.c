// SPDX-License-Identifier: Apache-2.0
// The writing half: a byte ring between the thread that puts and the thread that writes. Positions in the
// ring are file offsets (index = offset modulo size), so the ring holds exactly the bytes of the file that
// are under way, but for the headers' checksums, which the writer fills in: they would cost the hot thread
// more than the copy does.
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "journal/file.h"
#include "journal/format.h"

// Keeps what one thread writes off the cache lines (and prefetched neighbours) of the other.
enum { GAP = 128 };
enum { RING_MAX = 1 << 30 };
// An idle writer looks again after this; a put must not wake it, as that would be a system call. Doubles up
// to max.
enum { NAP_MIN_NS = 20000, NAP_MAX_NS = 500000 };

enum { OK = 0, FAILING = 1, FAILED = 2 };

struct journal {
    // Set before the threads start.
    unsigned char *ring;
    uint64_t mask;
    int fd;
    int wake; // eventfd: journal_sync and journal_close cut a nap short
    uint32_t seed;
    uint64_t start; // file offset at open
    uint64_t cut;
    char *path;
    pthread_t thread;
    unsigned char gap0[GAP];
    uint64_t head;      // file offset past the last put; the producer's
    uint64_t tail_seen; // its last look at tail
    uint64_t waits;
    unsigned char gap1[GAP];
    uint64_t tail;    // file offset past what is written; the writer's
    uint64_t durable; // and past what fdatasync has returned for
    unsigned char gap2[GAP];
    int state; // OK, FAILING (error is being written), FAILED
    bool stop;
    struct err error;
};
static_assert(offsetof(struct journal, head) > offsetof(struct journal, thread) + GAP,
              "what both threads read is apart from the producer's");
static_assert(offsetof(struct journal, tail) > offsetof(struct journal, waits) + GAP,
              "the writer moves tail and durable without touching the producer's lines");
static_assert(offsetof(struct journal, state) > offsetof(struct journal, durable) + GAP,
              "the producer reads state at each record: it stays where it is while the writer works");

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

// ---- failure ----

// First one wins; its text is complete before anyone sees FAILED.
__attribute__((format(printf, 2, 3))) static void fail(struct journal *j, const char *fmt, ...)
{
    int expected = OK;
    if (!__atomic_compare_exchange_n(&j->state, &expected, FAILING, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return;
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(j->error.msg, sizeof j->error.msg, fmt, ap);
    va_end(ap);
    __atomic_store_n(&j->state, FAILED, __ATOMIC_RELEASE);
}

bool journal_failed(const struct journal *j, struct err *e)
{
    int state;
    while ((state = __atomic_load_n(&j->state, __ATOMIC_ACQUIRE)) == FAILING)
        relax(); // a put may have returned 0 already: its caller must find the reason
    if (state == OK)
        return false;
    if (e)
        *e = j->error;
    return true;
}

// ---- producer ----

static inline void ring_copy_in(struct journal *j, uint64_t at, const void *from, size_t n)
{
    size_t i = (size_t)(at & j->mask), size = (size_t)j->mask + 1;
    if (n <= size - i) {
        if (n > 0)
            memcpy(j->ring + i, from, n);
    } else {
        memcpy(j->ring + i, from, size - i);
        memcpy(j->ring, (const unsigned char *)from + (size - i), n - (size - i));
    }
}

// Waits until the ring has room up to offset past. False when the journal fails meanwhile.
__attribute__((noinline)) static bool wait_for_room(struct journal *j, uint64_t past)
{
    bool counted = false;
    for (;;) {
        j->tail_seen = __atomic_load_n(&j->tail, __ATOMIC_ACQUIRE);
        if (past - j->tail_seen <= j->mask + 1)
            return true;
        if (!counted)
            __atomic_store_n(&j->waits, j->waits + 1, __ATOMIC_RELAXED);
        counted = true;
        if (__atomic_load_n(&j->state, __ATOMIC_RELAXED) != OK)
            return false;
        relax();
    }
}

__attribute__((noinline)) static uint64_t refuse(struct journal *j, size_t len)
{
    fail(j, "%.200s: a record of %zu bytes is longer than %d, or than the ring of %" PRIu64 " bytes", j->path,
         len, JOURNAL_RECORD_MAX, j->mask + 1);
    return 0;
}

static inline uint64_t put(struct journal *j, uint32_t type, const void *a, size_t na, const void *b,
                           size_t nb)
{
    if (__atomic_load_n(&j->state, __ATOMIC_RELAXED) != OK)
        return 0;
    uint64_t len = (uint64_t)na + nb;
    if (na > JOURNAL_RECORD_MAX || nb > JOURNAL_RECORD_MAX || len > JOURNAL_RECORD_MAX ||
        len > j->mask + 1 - JF_RECORD_HEAD)
        return refuse(j, na > nb ? na : nb);
    uint64_t at = j->head, past = at + JF_RECORD_HEAD + len;
    if (past - j->tail_seen > j->mask + 1 && !wait_for_room(j, past))
        return 0;
    unsigned char head[JF_RECORD_HEAD] = {0};
    le32_store(head, type << JF_LEN_BITS | (uint32_t)len); // the writer fills in the rest
    ring_copy_in(j, at, head, sizeof head);
    ring_copy_in(j, at + JF_RECORD_HEAD, a, na);
    ring_copy_in(j, at + JF_RECORD_HEAD + na, b, nb);
    __atomic_store_n(&j->head, past, __ATOMIC_RELEASE);
    return past;
}

uint64_t journal_put(struct journal *j, enum journal_type type, const void *data, size_t len)
{
    assert((int)type > 0 && (int)type < JF_MARK);
    return put(j, (uint32_t)type, data, len, NULL, 0);
}

uint64_t journal_put2(struct journal *j, enum journal_type type, const void *a, size_t na, const void *b,
                      size_t nb)
{
    assert((int)type > 0 && (int)type < JF_MARK);
    return put(j, (uint32_t)type, a, na, b, nb);
}

// ---- writer ----

static uint32_t ring_crc(const struct journal *j, uint64_t at, size_t n)
{
    size_t i = (size_t)(at & j->mask), size = (size_t)j->mask + 1;
    if (n <= size - i)
        return crc32c(0, j->ring + i, n);
    return crc32c(crc32c(0, j->ring + i, size - i), j->ring, n - (size - i));
}

// Fills in the headers of the batch [from, to). The writer owns these bytes until it moves tail past them.
static void seal(struct journal *j, uint64_t from, uint64_t to)
{
    size_t size = (size_t)j->mask + 1;
    for (uint64_t at = from; at < to;) {
        unsigned char head[JF_RECORD_HEAD];
        size_t i = (size_t)(at & j->mask), first = size - i < sizeof head ? size - i : sizeof head;
        memcpy(head, j->ring + i, first);
        memcpy(head + first, j->ring, sizeof head - first);
        uint32_t w = le32_load(head);
        struct jf_head h = {.type = (uint8_t)(w >> JF_LEN_BITS),
                            .len = w & ((UINT32_C(1) << JF_LEN_BITS) - 1),
                            .back = (uint32_t)(at - from)};
        h.payload_crc = ring_crc(j, at + JF_RECORD_HEAD, h.len);
        jf_head_store(head, j->seed, at, &h);
        ring_copy_in(j, at, head, sizeof head);
        at += JF_RECORD_HEAD + (uint64_t)h.len;
    }
}

static bool write_batch(struct journal *j, uint64_t from, uint64_t to)
{
    while (from < to) {
        size_t i = (size_t)(from & j->mask), n = (size_t)(to - from), size = (size_t)j->mask + 1;
        size_t first = n < size - i ? n : size - i;
        struct iovec v[2] = {{j->ring + i, first}, {j->ring, n - first}};
        ssize_t done = pwritev(j->fd, v, n > first ? 2 : 1, (off_t)from);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            int no = done < 0 ? errno : ENOSPC;
            const char *remedy = no == ENOSPC || no == EDQUOT ? "free some space"
                                 : no == EFBIG                ? "raise the limit on file size"
                                                              : "check the disk";
            fail(j, "%.200s: cannot write at offset %" PRIu64 ": %s; %s and start again", j->path, from,
                 strerror(no), remedy);
            return false;
        }
        from += (uint64_t)done;
    }
    return true;
}

// After a failed fdatasync the kernel may have dropped the dirty pages, so a second one that succeeds would
// prove nothing: the journal has failed for good.
static bool make_durable(struct journal *j)
{
    int rc;
    do {
        rc = fdatasync(j->fd);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0)
        fail(j, "%.200s: fdatasync: %s; check the disk and start again", j->path, strerror(errno));
    return rc == 0;
}

static void nap(struct journal *j, long ns)
{
    struct pollfd p = {.fd = j->wake, .events = POLLIN};
    struct timespec t = {.tv_nsec = ns};
    uint64_t count;
    if (ppoll(&p, 1, &t, NULL) > 0 && read(j->wake, &count, sizeof count) < 0)
        return; // nothing to read: somebody else's wake, harmless
}

static void *writer_main(void *arg)
{
    struct journal *j = arg;
    uint64_t written = j->start;
    long ns = NAP_MIN_NS;
    for (;;) {
        bool stop =
            __atomic_load_n(&j->stop, __ATOMIC_ACQUIRE); // before head: what was put before it is seen
        uint64_t head = __atomic_load_n(&j->head, __ATOMIC_ACQUIRE);
        if (head == written) {
            if (stop)
                return NULL;
            nap(j, ns);
            ns = ns * 2 < NAP_MAX_NS ? ns * 2 : NAP_MAX_NS;
            continue;
        }
        seal(j, written, head);
        if (!write_batch(j, written, head))
            return NULL;
        __atomic_store_n(&j->tail, head, __ATOMIC_RELEASE);
        if (!make_durable(j))
            return NULL;
        __atomic_store_n(&j->durable, head, __ATOMIC_RELEASE);
        written = head;
        ns = NAP_MIN_NS;
    }
}

// ---- open, sync, close ----

static void destroy(struct journal *j)
{
    if (j->wake >= 0)
        close(j->wake);
    if (j->fd >= 0)
        close(j->fd);
    free(j->ring);
    free(j->path);
    free(j);
}

// The thread must not be the one to run the program's signal handlers.
static int start_thread(struct journal *j)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&j->thread, NULL, writer_main, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        (void)pthread_setname_np(j->thread, "journal");
    return rc;
}

int journal_open_ring(const char *path, bool append, size_t ring_bytes, struct journal **out, struct err *e)
{
    if (ring_bytes < JOURNAL_RING_MIN || ring_bytes > RING_MAX || (ring_bytes & (ring_bytes - 1)) != 0)
        return err_set(e, "%.200s: a journal ring of %zu bytes is no power of two in %d..%d", path,
                       ring_bytes, JOURNAL_RING_MIN, RING_MAX);
    struct journal *j = calloc(1, sizeof *j);
    if (!j)
        return err_set(e, "%.200s: out of memory", path);
    j->fd = -1;
    j->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    j->ring = malloc(ring_bytes);
    j->path = strdup(path);
    if (j->wake < 0 || !j->ring || !j->path) {
        destroy(j);
        return err_set(e, "%.200s: out of memory or descriptors for a journal ring of %zu bytes", path,
                       ring_bytes);
    }
    memset(j->ring, 0, ring_bytes); // touch every page now, not on the hot path
    struct journal_file f;
    if (journal_file_open(path, append, &f, e) != 0) {
        destroy(j);
        return -1;
    }
    j->fd = f.fd;
    j->seed = f.seed;
    j->cut = f.cut;
    j->mask = ring_bytes - 1;
    j->start = j->head = j->tail = j->tail_seen = j->durable = f.end;
    int rc = start_thread(j);
    if (rc != 0) {
        destroy(j);
        return err_set(e, "%.200s: cannot start the writer thread: %s", path, strerror(rc));
    }
    *out = j;
    return 0;
}

int journal_open(const char *path, bool append, struct journal **out, struct err *e)
{
    return journal_open_ring(path, append, JOURNAL_RING_DEFAULT, out, e);
}

uint64_t journal_durable(const struct journal *j)
{
    return __atomic_load_n(&j->durable, __ATOMIC_ACQUIRE);
}

uint64_t journal_full_waits(const struct journal *j)
{
    return __atomic_load_n(&j->waits, __ATOMIC_RELAXED);
}

uint64_t journal_cut(const struct journal *j)
{
    return j->cut;
}

static void wake(struct journal *j)
{
    uint64_t one = 1;
    if (write(j->wake, &one, sizeof one) < 0)
        return; // the counter is full: the writer is awake, or will be within a nap
}

int journal_sync(struct journal *j, struct err *e)
{
    uint64_t target = __atomic_load_n(&j->head, __ATOMIC_ACQUIRE);
    wake(j);
    while (journal_durable(j) < target) {
        if (journal_failed(j, e))
            return -1;
        nanosleep(&(struct timespec){.tv_nsec = NAP_MIN_NS}, NULL);
    }
    return 0;
}

int journal_close(struct journal *j, struct err *e)
{
    if (!j)
        return 0;
    int rc = journal_sync(j, e);
    // In a batch of its own, so that it vouches for every record before it (docs/journal.md).
    if (rc == 0 && j->head > j->start)
        (void)put(j, JF_MARK, NULL, 0, NULL, 0);
    __atomic_store_n(&j->stop, true, __ATOMIC_RELEASE);
    wake(j);
    pthread_join(j->thread, NULL);
    if (journal_failed(j, e))
        rc = -1;
    destroy(j);
    return rc;
}
