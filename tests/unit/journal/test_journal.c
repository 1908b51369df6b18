// SPDX-License-Identifier: Apache-2.0
// Journal: what is put is read, across processes' lives; locks, permissions, refusals; two threads (also
// under ThreadSanitizer); following a journal that grows.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include "journal/jtest.h"

START_TEST(test_round_trip_over_sessions)
{
    enum { SESSIONS = 5, RECORDS = 400 };
    struct prng r;
    prng_seed(&r, test_seed(10));
    uint64_t next = 0, last = 0;
    for (int s = 0; s < SESSIONS; s++) {
        struct journal *j = jt_open(s > 0, s % 2 ? JOURNAL_RING_MIN : JOURNAL_RING_DEFAULT);
        ck_assert_uint_eq(journal_cut(j), 0);
        for (int i = 0; i < RECORDS; i++) {
            uint64_t lsn = jt_put(j, next++);
            ck_assert_uint_gt(lsn, last);
            last = lsn;
            if (prng_chance(&r, 1, 50)) {
                ck_assert_int_eq(journal_sync(j, &jt_err), 0);
                ck_assert_uint_eq(journal_durable(j), lsn);
            }
        }
        jt_close(j);
        struct jt_read got = jt_read();
        ck_assert_int_eq(got.rc, 0);
        ck_assert_uint_eq(got.count, next);
        ck_assert_uint_eq(got.torn, 0);
        ck_assert_uint_ge(got.end, last);
    }
}
END_TEST

START_TEST(test_lsn_is_where_the_record_ends)
{
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    uint64_t first = journal_put(j, J_NOTE, "abc", 3), second = journal_put(j, J_NOTE, NULL, 0);
    jt_close(j);
    ck_assert_uint_eq(first, JF_FILE_HEAD + JF_RECORD_HEAD + 3);
    ck_assert_uint_eq(second, first + JF_RECORD_HEAD);
    struct journal_reader *r;
    struct journal_record rec;
    ck_assert_int_eq(journal_reader_open(jt_path, &r, &jt_err), 0);
    ck_assert_int_eq(journal_next(r, &rec, &jt_err), 1);
    ck_assert_uint_eq(rec.lsn, first);
    ck_assert_mem_eq(rec.data, "abc", 3);
    ck_assert_int_eq(journal_next(r, &rec, &jt_err), 1);
    ck_assert_uint_eq(rec.lsn, second);
    ck_assert_uint_eq(rec.len, 0);
    ck_assert_int_eq(journal_next(r, &rec, &jt_err), 0);
    ck_assert_int_eq(journal_next(r, &rec, &jt_err), 0); // the end stays the end
    journal_reader_close(r);
}
END_TEST

START_TEST(test_largest_records)
{
    struct journal *j = jt_open(false, (size_t)JOURNAL_RECORD_MAX * 2);
    for (uint64_t i = 0; i < 12; i++)
        ck_assert_uint_ne(jt_put_sized(j, i, JOURNAL_RECORD_MAX), 0);
    static unsigned char big[JOURNAL_RECORD_MAX];
    ck_assert_uint_ne(journal_put(j, J_NOTE, big, sizeof big), 0);
    jt_close(j);
    struct journal_reader *r;
    struct journal_record rec;
    ck_assert_int_eq(journal_reader_open(jt_path, &r, &jt_err), 0);
    int n = 0;
    while (journal_next(r, &rec, &jt_err) > 0)
        n++;
    ck_assert_int_eq(n, 13);
    ck_assert_uint_eq(journal_reader_torn(r), 0);
    journal_reader_close(r);
}
END_TEST

static void assert_too_long(size_t ring, size_t na, size_t nb)
{
    static unsigned char big[JOURNAL_RECORD_MAX + 1];
    unlink(jt_path);
    struct journal *j = jt_open(false, ring);
    uint64_t lsn = jt_put(j, 0);
    ck_assert(!journal_failed(j, NULL));
    ck_assert_uint_eq(journal_put2(j, J_NOTE, big, na, big, nb), 0);
    ck_assert(journal_failed(j, &jt_err));
    ck_assert_ptr_nonnull(strstr(jt_err.msg, "longer than"));
    ck_assert_uint_eq(jt_put(j, 1), 0);
    ck_assert_uint_ne(lsn, 0);
    ck_assert_int_eq(journal_close(j, &jt_err), -1);
}

START_TEST(test_too_long_fails_the_journal)
{
    assert_too_long(JOURNAL_RING_DEFAULT, JOURNAL_RECORD_MAX + 1, 0);
    assert_too_long(JOURNAL_RING_DEFAULT, JOURNAL_RECORD_MAX, 1);
    assert_too_long(JOURNAL_RING_DEFAULT, SIZE_MAX, 1);
    assert_too_long(JOURNAL_RING_DEFAULT, 1, SIZE_MAX);
    assert_too_long(JOURNAL_RING_MIN, JOURNAL_RING_MIN - JF_RECORD_HEAD + 1, 0);
}
END_TEST

START_TEST(test_exactly_the_ring)
{
    static unsigned char full[JOURNAL_RING_MIN - JF_RECORD_HEAD];
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_ne(journal_put(j, J_NOTE, full, sizeof full), 0);
    jt_close(j);
    struct stat st;
    ck_assert_int_eq(stat(jt_path, &st), 0);
    ck_assert_int_eq(st.st_size, JF_FILE_HEAD + 5 * JOURNAL_RING_MIN + JF_RECORD_HEAD);
}
END_TEST

START_TEST(test_lock_and_mode)
{
    struct journal *j = jt_open(false, JOURNAL_RING_MIN), *k = NULL;
    struct stat st;
    ck_assert_int_eq(stat(jt_path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(journal_open(jt_path, true, &k, &jt_err), -1);
    ck_assert_ptr_nonnull(strstr(jt_err.msg, "another tripline"));
    ck_assert_ptr_nonnull(strstr(jt_err.msg, jt_path));
    jt_put(j, 0);
    jt_close(j);
    ck_assert_int_eq(journal_open(jt_path, false, &k, &jt_err), -1); // create: there is one
    ck_assert_ptr_nonnull(strstr(jt_err.msg, "exists"));
    jt_close(jt_open(true, JOURNAL_RING_MIN)); // the lock went with the writer
    ck_assert_uint_eq(jt_read().count, 1);
}
END_TEST

static void assert_refused(const char *path, bool append, size_t ring, const char *because)
{
    struct journal *j = NULL;
    ck_assert_int_eq(journal_open_ring(path, append, ring, &j, &jt_err), -1);
    ck_assert_msg(strstr(jt_err.msg, because) != NULL, "%s lacks %s", jt_err.msg, because);
    ck_assert_ptr_null(j);
}

START_TEST(test_refusals)
{
    struct journal_reader *r;
    assert_refused(jt_path, true, JOURNAL_RING_MIN, "No such file");
    assert_refused("/nonexistent-dir/j", false, JOURNAL_RING_MIN, "create its directory");
    assert_refused("/dev/full", true, JOURNAL_RING_MIN, "not a regular file");
    assert_refused(jt_dir, true, JOURNAL_RING_MIN, "directory");
    assert_refused(jt_path, false, JOURNAL_RING_MIN - 1, "power of two");
    assert_refused(jt_path, false, JOURNAL_RING_MIN + 1, "power of two");
    assert_refused(jt_path, false, 0, "power of two");
    ck_assert_int_eq(access(jt_path, F_OK), -1);
    ck_assert_int_eq(journal_reader_open(jt_path, &r, &jt_err), -1);
    ck_assert_int_eq(journal_reader_open(jt_dir, &r, &jt_err), -1);
    ck_assert_int_eq(journal_reader_open("/dev/full", &r, &jt_err), -1);
    static const char text[] = "time,price\n1,2\n3,4\n5,6\n7,8\n9,10\n11,12\n13,14\n";
    jt_spit((const unsigned char *)text, sizeof text - 1);
    ck_assert_int_eq(journal_reader_open(jt_path, &r, &jt_err), -1);
    ck_assert_ptr_nonnull(strstr(jt_err.msg, "not a tripline journal"));
    assert_refused(jt_path, true, JOURNAL_RING_MIN, "not a tripline journal");
    jt_assert_file_is((struct jt_bytes){(unsigned char *)(uintptr_t)text, sizeof text - 1});
    jt_spit((const unsigned char *)text, 20); // no longer than a header, but not an interrupted one
    assert_refused(jt_path, true, JOURNAL_RING_MIN, "not a tripline journal");
    ck_assert_int_eq(journal_close(NULL, &jt_err), 0);
    journal_reader_close(NULL);
}
END_TEST

START_TEST(test_other_version)
{
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    jt_put(j, 0);
    jt_close(j);
    struct jt_bytes b = jt_slurp();
    le32_store(b.p + 8, JF_VERSION + 1);
    le32_store(b.p + 28, crc32c(0, b.p, 28));
    for (int k = 0; k < 2; k++) {
        size_t n = k ? JF_FILE_HEAD : b.n; // also when nothing follows: not to be taken for unborn
        jt_spit(b.p, n);
        ck_assert_int_eq(jt_read().rc, -2);
        ck_assert_ptr_nonnull(strstr(jt_err.msg, "version 2"));
        assert_refused(jt_path, true, JOURNAL_RING_MIN, "version 2");
        jt_assert_file_is((struct jt_bytes){b.p, n});
    }
    free(b.p);
}
END_TEST

// The limit on file size stands for a full disk: write fails, in the middle of a record. No SIG_IGN for
// SIGXFSZ: the writer thread blocks it.
START_TEST(test_file_size_limit)
{
    struct rlimit before, lim;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    lim = before;
    lim.rlim_cur = 100000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &lim), 0);
    uint64_t i = 0, committed = 0;
    while (i < 100000) {
        uint64_t lsn = jt_put(j, i);
        if (lsn == 0)
            break;
        i++;
        if (i % 50 == 0 && journal_sync(j, NULL) == 0)
            committed = i;
    }
    ck_assert_uint_lt(i, 100000);
    ck_assert_uint_gt(committed, 0);
    ck_assert(journal_failed(j, &jt_err));
    ck_assert_ptr_nonnull(strstr(jt_err.msg, "cannot write at offset"));
    ck_assert_ptr_nonnull(strstr(jt_err.msg, "raise the limit"));
    ck_assert_int_eq(journal_sync(j, &jt_err), -1);
    uint64_t durable = journal_durable(j);
    ck_assert_uint_le(durable, 100000);
    ck_assert_int_eq(journal_close(j, &jt_err), -1);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    struct jt_read got = jt_read();
    ck_assert_int_eq(got.rc, 0);
    ck_assert_uint_ge(got.count, committed);
    ck_assert_uint_ge(got.end, durable);
    j = jt_open(true, JOURNAL_RING_MIN); // with room again it goes on
    ck_assert_uint_eq(journal_cut(j), got.torn);
    jt_put(j, got.count);
    jt_close(j);
    ck_assert_uint_eq(jt_read().count, got.count + 1);
}
END_TEST

struct feeder {
    struct journal *j;
    uint64_t records;
    uint64_t last;
};

static void *feed(void *arg)
{
    struct feeder *f = arg;
    for (uint64_t i = 0; i < f->records; i++)
        f->last = jt_put(f->j, i);
    return NULL;
}

// Producer, writer, one that asks, and one that follows the file as it grows.
START_TEST(test_threads)
{
    struct feeder f = {.j = jt_open(false, 1 << 14), .records = 60000};
    struct journal_reader *r;
    struct journal_record rec;
    pthread_t t;
    ck_assert_int_eq(journal_reader_open(jt_path, &r, &jt_err), 0);
    ck_assert_int_eq(pthread_create(&t, NULL, feed, &f), 0);
    static unsigned char buf[JT_BUF];
    uint64_t seen = 0, durable = 0;
    while (seen < f.records) {
        uint64_t d = journal_durable(f.j);
        ck_assert_uint_ge(d, durable);
        durable = d;
        ck_assert(!journal_failed(f.j, NULL));
        int rc = journal_next(r, &rec, &jt_err);
        ck_assert_msg(rc >= 0, "%s", jt_err.msg);
        if (rc == 0) {
            ck_assert_uint_ge(journal_reader_end(r), durable); // all that is durable can be read
            sched_yield();
            continue;
        }
        size_t n = jt_record(seen, JT_MAX, buf);
        ck_assert(rec.len == n && rec.type == jt_type(seen) && memcmp(rec.data, buf, n) == 0);
        seen++;
    }
    pthread_join(t, NULL);
    ck_assert_uint_eq(rec.lsn, f.last);
    ck_assert_int_eq(journal_sync(f.j, &jt_err), 0);
    ck_assert_uint_eq(journal_durable(f.j), f.last);
    printf("# %llu puts waited for the 16 KiB ring\n", (unsigned long long)journal_full_waits(f.j));
    journal_reader_close(r);
    jt_close(f.j);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_round_trip_over_sessions,
                                  test_lsn_is_where_the_record_ends,
                                  test_largest_records,
                                  test_too_long_fails_the_journal,
                                  test_exactly_the_ring,
                                  test_lock_and_mode,
                                  test_refusals,
                                  test_other_version,
                                  test_file_size_limit,
                                  test_threads,
                                  NULL};
    return jt_main("journal", tests, 60);
}
