// SPDX-License-Identifier: Apache-2.0
// What the journal's tests share: a directory of their own, whole files in memory, and records whose type,
// length and bytes follow from their number, so that a reader can tell a lost, moved or changed one.
#ifndef TRIPLINE_TEST_JTEST_H
#define TRIPLINE_TEST_JTEST_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "journal/format.h"
#include "journal/journal.h"

static char jt_dir[64];
static char jt_path[80]; // the journal under test
static struct err jt_err;

// In memory where possible: these tests sync thousands of times, and what a disk does is not what they are
// about.
static void jt_setup(void)
{
    snprintf(jt_dir, sizeof jt_dir, "%s/tripline-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(jt_dir));
    snprintf(jt_path, sizeof jt_path, "%s/j", jt_dir);
    jt_err.msg[0] = 0;
}

static void jt_teardown(void)
{
    unlink(jt_path);
    rmdir(jt_dir);
}

struct jt_bytes {
    unsigned char *p;
    size_t n;
};

static inline struct jt_bytes jt_slurp(void)
{
    struct stat st;
    int fd = open(jt_path, O_RDONLY);
    ck_assert(fd >= 0 && fstat(fd, &st) == 0);
    struct jt_bytes b = {malloc((size_t)st.st_size + 1), (size_t)st.st_size};
    ck_assert_ptr_nonnull(b.p);
    ck_assert_int_eq(read(fd, b.p, b.n), (ssize_t)b.n);
    close(fd);
    return b;
}

static inline void jt_spit(const unsigned char *p, size_t n)
{
    unlink(jt_path);
    int fd = open(jt_path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert(n == 0 || write(fd, p, n) == (ssize_t)n);
    close(fd);
}

static inline void jt_assert_file_is(struct jt_bytes b)
{
    struct jt_bytes now = jt_slurp();
    ck_assert_uint_eq(now.n, b.n);
    ck_assert(memcmp(now.p, b.p, b.n) == 0);
    free(now.p);
}

// Record i: header of the payload and body apart, as journal_put2 takes them.
static inline size_t jt_record(uint64_t i, size_t max, unsigned char *buf)
{
    struct prng r;
    prng_seed(&r, i);
    size_t n = prng_below(&r, max + 1);
    for (size_t k = 0; k < n; k++)
        buf[k] = (unsigned char)prng_u64(&r);
    return n;
}

static inline uint8_t jt_type(uint64_t i)
{
    return (uint8_t)(1 + i % J_END);
}

enum { JT_MAX = 200, JT_BUF = JOURNAL_RECORD_MAX };

static inline uint64_t jt_put_sized(struct journal *j, uint64_t i, size_t max)
{
    static _Thread_local unsigned char buf[JT_BUF];
    size_t n = jt_record(i, max, buf), cut = n / 3;
    if (i % 2)
        return journal_put(j, (enum journal_type)jt_type(i), buf, n);
    return journal_put2(j, (enum journal_type)jt_type(i), buf, cut, buf + cut, n - cut);
}

static inline uint64_t jt_put(struct journal *j, uint64_t i)
{
    return jt_put_sized(j, i, JT_MAX);
}

static inline struct journal *jt_open(bool append, size_t ring)
{
    struct journal *j = NULL;
    ck_assert_msg(journal_open_ring(jt_path, append, ring, &j, &jt_err) == 0, "%s", jt_err.msg);
    return j;
}

static inline void jt_close(struct journal *j)
{
    ck_assert_msg(journal_close(j, &jt_err) == 0, "%s", jt_err.msg);
}

struct jt_read {
    int rc;         // last of journal_next; -2 when the file could not be opened
    uint64_t count; // records read, all of which were as they should be
    uint64_t torn;
    uint64_t end;
};

// Reads all; asserts that record k is record k.
static inline struct jt_read jt_read_sized(size_t max)
{
    static unsigned char buf[JT_BUF];
    struct journal_reader *r;
    struct journal_record rec;
    struct jt_read got = {.rc = -2};
    if (journal_reader_open(jt_path, &r, &jt_err) != 0)
        return got;
    uint64_t last = 0;
    while ((got.rc = journal_next(r, &rec, &jt_err)) > 0) {
        size_t n = jt_record(got.count, max, buf);
        ck_assert_uint_eq(rec.len, n);
        ck_assert_uint_eq(rec.type, jt_type(got.count));
        ck_assert(memcmp(rec.data, buf, n) == 0);
        ck_assert_uint_gt(rec.lsn, last);
        last = rec.lsn;
        got.count++;
    }
    got.torn = journal_reader_torn(r);
    got.end = journal_reader_end(r);
    journal_reader_close(r);
    return got;
}

static inline struct jt_read jt_read(void)
{
    return jt_read_sized(JT_MAX);
}

static inline int jt_main(const char *name, const TTest *const *tests, double timeout_s)
{
    Suite *s = suite_create(name);
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, timeout_s);
    tcase_add_checked_fixture(t, jt_setup, jt_teardown);
    for (; *tests; tests++)
        tcase_add_test(t, *tests);
    suite_add_tcase(s, t);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
