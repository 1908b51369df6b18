// SPDX-License-Identifier: Apache-2.0
// The writer against a disk that misbehaves. This program brings its own pread, pwritev and fdatasync, which
// stand before the C library's: short and interrupted writes, a full disk, a failing flush, a slow one, and
// power loss, where any sector that was not yet flushed may be missing whatever the order of writing.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "journal/jtest.h"

enum { SECTOR = 512 };

// What the disk does; set before the writer starts or through atomics.
static struct {
    bool short_writes;
    uint64_t full_at;      // no byte at or beyond this offset can be written; 0: no limit
    int flush_fails_after; // this many flushes succeed, the next fails with EIO; -1: all succeed
    bool gate_closed;      // pwritev waits while set
    bool power_loss;       // before each flush, cut the power in a copy and look at it
    struct prng r;         // the writer thread's
    uint64_t written;      // end of what pwritev took
    uint64_t flushed;      // end of what fdatasync has returned for
    uint64_t flushes;
    uint64_t losses;
    uint64_t ends_at; // the file ends there until a read has met its end; 0: no
} disk;

static void reset_disk(uint64_t seed)
{
    memset(&disk, 0, sizeof disk);
    disk.flush_fails_after = -1;
    disk.flushed = disk.written = JF_FILE_HEAD;
    prng_seed(&disk.r, seed);
}

ssize_t pread(int fd, void *buf, size_t n, off_t at)
{
    if (disk.ends_at && (uint64_t)at + n > disk.ends_at)
        n = (uint64_t)at < disk.ends_at ? (size_t)(disk.ends_at - (uint64_t)at) : 0;
    if (n == 0)
        disk.ends_at = 0;
    return syscall(SYS_pread64, fd, buf, n, at);
}

ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    while (__atomic_load_n(&disk.gate_closed, __ATOMIC_ACQUIRE))
        sched_yield();
    size_t len = v[0].iov_len;
    if (disk.short_writes && prng_chance(&disk.r, 1, 4)) {
        errno = EINTR;
        return -1;
    }
    if (disk.short_writes && len > 1)
        len = 1 + prng_below(&disk.r, len < 100 ? len : 100);
    if (disk.full_at && (uint64_t)at + len > disk.full_at)
        len = (uint64_t)at < disk.full_at ? (size_t)(disk.full_at - (uint64_t)at) : 0;
    if (len == 0 && v[0].iov_len > 0) {
        errno = ENOSPC;
        return -1;
    }
    bool all = len == v[0].iov_len && !disk.short_writes && !disk.full_at;
    long got = all ? syscall(SYS_pwritev, fd, v, n, at, 0) : pwrite(fd, v[0].iov_base, len, at);
    if (got > 0)
        __atomic_store_n(&disk.written, (uint64_t)at + (uint64_t)got, __ATOMIC_RELEASE);
    return got;
}

static void lose_power(void);

int fdatasync(int fd)
{
    uint64_t written = __atomic_load_n(&disk.written, __ATOMIC_ACQUIRE);
    if (disk.power_loss)
        lose_power();
    if (disk.flush_fails_after >= 0 && (int)disk.flushes >= disk.flush_fails_after) {
        disk.flushes++;
        errno = EIO;
        return -1;
    }
    disk.flushes++;
    int rc = (int)syscall(SYS_fdatasync, fd);
    __atomic_store_n(&disk.flushed, written, __ATOMIC_RELEASE);
    return rc;
}

static uint64_t end_of_record(uint64_t n) // file offset past record n - 1, when no marks lie between
{
    static unsigned char buf[JT_BUF];
    uint64_t at = JF_FILE_HEAD;
    for (uint64_t i = 0; i < n; i++)
        at += JF_RECORD_HEAD + jt_record(i, JT_MAX, buf);
    return at;
}

// Takes the file as it is, drops random sectors and maybe the end of what lies beyond the last flush, and
// reads it: every durable record is there, the journal opens, and going on from it works. On a copy; the run
// goes on.
static void lose_power(void)
{
    if (!prng_chance(&disk.r, 1, 3))
        return;
    char live[sizeof jt_path];
    memcpy(live, jt_path, sizeof live);
    struct jt_bytes b = jt_slurp();
    uint64_t safe = disk.flushed;
    if (prng_chance(&disk.r, 1, 4))
        b.n = safe + prng_below(&disk.r, b.n - safe + 1);
    unsigned odds = 1 + (unsigned)prng_below(&disk.r, 4);
    for (uint64_t s = safe / SECTOR; s * SECTOR < b.n; s++) {
        uint64_t from = s * SECTOR < safe ? safe : s * SECTOR;
        uint64_t to = (s + 1) * SECTOR < b.n ? (s + 1) * SECTOR : b.n;
        if (prng_chance(&disk.r, 1, odds))
            memset(b.p + from, 0, to - from);
    }
    snprintf(jt_path, sizeof jt_path, "%s/lost", jt_dir);
    jt_spit(b.p, b.n);
    free(b.p);
    disk.power_loss = false; // the writer opened below flushes too
    struct jt_read got = jt_read();
    ck_assert_msg(got.rc == 0, "%s", jt_err.msg);
    ck_assert_uint_ge(got.end, safe);
    ck_assert_uint_le(end_of_record(got.count), got.end);
    ck_assert_uint_ge(end_of_record(got.count), safe);
    uint64_t flushed = disk.flushed, written = disk.written;
    struct journal *j = jt_open(true, JOURNAL_RING_MIN);
    jt_put(j, got.count);
    jt_close(j);
    ck_assert_uint_eq(jt_read().count, got.count + 1);
    unlink(jt_path);
    memcpy(jt_path, live, sizeof live);
    disk.flushed = flushed;
    disk.written = written;
    disk.power_loss = true;
    disk.losses++;
}

START_TEST(test_short_and_interrupted_writes)
{
    reset_disk(test_seed(30));
    disk.short_writes = true;
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    for (uint64_t i = 0; i < 500; i++)
        ck_assert_uint_ne(jt_put(j, i), 0);
    jt_close(j);
    struct jt_read got = jt_read();
    ck_assert_int_eq(got.rc, 0);
    ck_assert_uint_eq(got.count, 500);
    ck_assert_uint_eq(got.torn, 0);
}
END_TEST

// Whoever follows a journal may find a record's first half, and then the rest of it and more.
START_TEST(test_grows_between_two_looks)
{
    reset_disk(0);
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    uint64_t end[3];
    for (uint64_t i = 0; i < 3; i++) {
        end[i] = jt_put(j, i);
        ck_assert_int_eq(journal_sync(j, &jt_err), 0);
    }
    jt_close(j);
    for (uint64_t at = end[0] + 1; at < end[1]; at++) {
        disk.ends_at = at;
        struct jt_read got = jt_read();
        ck_assert_msg(got.rc == 0 && got.count == 3, "at %llu: %s", (unsigned long long)at, jt_err.msg);
        ck_assert_uint_eq(disk.ends_at, 0);
    }
}
END_TEST

START_TEST(test_disk_full)
{
    uint64_t seed = test_seed(31);
    for (uint64_t room = 0; room < 400; room += 13) {
        reset_disk(seed + room);
        unlink(jt_path);
        disk.full_at = 3000 + room;
        struct journal *j = jt_open(false, JOURNAL_RING_MIN);
        uint64_t i = 0;
        while (i < 1000 && jt_put(j, i) != 0)
            i++;
        ck_assert_uint_lt(i, 1000);
        ck_assert(journal_failed(j, &jt_err));
        ck_assert_ptr_nonnull(strstr(jt_err.msg, "No space left"));
        ck_assert_ptr_nonnull(strstr(jt_err.msg, "free some space"));
        uint64_t durable = journal_durable(j);
        ck_assert_int_eq(journal_close(j, &jt_err), -1);
        struct jt_read got = jt_read();
        ck_assert_int_eq(got.rc, 0);
        ck_assert_uint_ge(got.end, durable);
        ck_assert_uint_le(got.end + got.torn, disk.full_at);
        disk.full_at = 0;
        j = jt_open(true, JOURNAL_RING_MIN);
        jt_put(j, got.count);
        jt_close(j);
        ck_assert_uint_eq(jt_read().count, got.count + 1);
    }
}
END_TEST

// After a failed flush nothing more becomes durable and no second flush is tried.
START_TEST(test_flush_fails)
{
    reset_disk(test_seed(32));
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    jt_put(j, 0);
    ck_assert_int_eq(journal_sync(j, &jt_err), 0);
    uint64_t durable = journal_durable(j), flushes = disk.flushes;
    disk.flush_fails_after = (int)flushes; // the writer is idle
    ck_assert_uint_ne(jt_put(j, 1), 0);
    ck_assert_int_eq(journal_sync(j, &jt_err), -1);
    ck_assert_ptr_nonnull(strstr(jt_err.msg, "fdatasync"));
    ck_assert_uint_eq(jt_put(j, 2), 0);
    ck_assert_uint_eq(journal_durable(j), durable);
    ck_assert_int_eq(journal_close(j, &jt_err), -1);
    ck_assert_uint_eq(disk.flushes, flushes + 1);
    ck_assert_uint_ge(jt_read().count, 1);
}
END_TEST

static void *open_gate_later(void *arg)
{
    struct journal *j = arg;
    while (journal_full_waits(j) == 0)
        sched_yield();
    __atomic_store_n(&disk.gate_closed, false, __ATOMIC_RELEASE);
    return NULL;
}

// The ring is full and the disk does not move: the put waits, is counted once, and nothing is overwritten.
START_TEST(test_full_ring_waits)
{
    reset_disk(test_seed(33));
    disk.gate_closed = true;
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    uint64_t i = 0, bytes = 0;
    static unsigned char buf[JT_BUF];
    for (;;) {
        bytes += JF_RECORD_HEAD + jt_record(i, JT_MAX, buf);
        if (bytes > JOURNAL_RING_MIN)
            break;
        ck_assert_uint_ne(jt_put(j, i++), 0);
    }
    ck_assert_uint_eq(journal_full_waits(j), 0);
    ck_assert_uint_eq(journal_durable(j), JF_FILE_HEAD);
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, open_gate_later, j), 0);
    ck_assert_uint_ne(jt_put(j, i++), 0);
    ck_assert_uint_eq(journal_full_waits(j), 1);
    pthread_join(t, NULL);
    jt_close(j);
    ck_assert_uint_eq(jt_read().count, i);
}
END_TEST

// A put that waits for room is not left waiting for a writer that has given up.
START_TEST(test_full_ring_of_a_failing_journal)
{
    reset_disk(test_seed(34));
    disk.gate_closed = true;
    disk.full_at = JF_FILE_HEAD;
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    pthread_t t;
    ck_assert_int_eq(pthread_create(&t, NULL, open_gate_later, j), 0);
    uint64_t i = 0;
    while (jt_put(j, i) != 0)
        i++;
    pthread_join(t, NULL);
    ck_assert(journal_failed(j, &jt_err));
    ck_assert_uint_eq(journal_durable(j), JF_FILE_HEAD);
    ck_assert_int_eq(journal_close(j, &jt_err), -1);
    ck_assert_uint_eq(jt_read().count, 0);
}
END_TEST

// At no moment is anything called durable that fdatasync has not returned for.
START_TEST(test_durable_follows_the_flush)
{
    reset_disk(test_seed(35));
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    uint64_t moved = 0, last = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t lsn = jt_put(j, i), durable = journal_durable(j);
        uint64_t flushed = __atomic_load_n(&disk.flushed, __ATOMIC_ACQUIRE);
        ck_assert_uint_le(durable, flushed);
        ck_assert_uint_le(durable, lsn);
        moved += durable != last;
        last = durable;
    }
    ck_assert_uint_gt(moved, 0);
    jt_close(j);
}
END_TEST

START_TEST(test_power_loss)
{
    reset_disk(test_seed(36));
    disk.power_loss = true;
    struct journal *j = jt_open(false, 1 << 15);
    const uint64_t records = test_rounds(15000);
    for (uint64_t i = 0; i < records; i++)
        ck_assert_uint_ne(jt_put(j, i), 0);
    jt_close(j);
    ck_assert_uint_eq(jt_read().count, records);
    printf("# %llu power losses in %llu flushes\n", (unsigned long long)disk.losses,
           (unsigned long long)disk.flushes);
    ck_assert_uint_gt(disk.losses, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_short_and_interrupted_writes,
                                  test_grows_between_two_looks,
                                  test_disk_full,
                                  test_flush_fails,
                                  test_full_ring_waits,
                                  test_full_ring_of_a_failing_journal,
                                  test_durable_follows_the_flush,
                                  test_power_loss,
                                  NULL};
    return jt_main("journal fault", tests, 60);
}
