// SPDX-License-Identifier: Apache-2.0
// What an interrupted or damaged file gives: torn at every byte, flipped bits in the tail and before it,
// tails of zeros, garbage and stale records. Nothing committed is lost, and nothing that was not put is ever
// returned.
#include "journal/jtest.h"
#include "run_suite.h"

enum { RECORDS = 60 };

static struct jt_bytes whole;      // a closed journal of RECORDS records in several batches
static uint64_t lsn[RECORDS];      // of its records
static uint64_t begin_of_mark;     // where the closing mark begins
static uint64_t batch_of[RECORDS]; // file offset where the record's batch begins

// Reads the batch structure off the headers, as what the writer grouped depends on timing.
static void find_batches(void)
{
    uint32_t seed = jf_seed(le64_load(whole.p + 16));
    for (uint64_t i = 0, at = JF_FILE_HEAD; i < RECORDS; at = lsn[i++]) {
        struct jf_head h;
        ck_assert(jf_head_load(whole.p + at, seed, at, &h));
        ck_assert_uint_eq(at + JF_RECORD_HEAD + h.len, lsn[i]);
        batch_of[i] = at - h.back;
    }
}

static void setup_whole(void)
{
    jt_setup();
    struct prng r;
    prng_seed(&r, test_seed(20));
    struct journal *j = jt_open(false, JOURNAL_RING_MIN);
    for (uint64_t i = 0; i < RECORDS; i++) {
        lsn[i] = jt_put(j, i);
        if (prng_chance(&r, 1, 5))
            ck_assert_int_eq(journal_sync(j, &jt_err), 0);
    }
    jt_close(j);
    whole = jt_slurp();
    begin_of_mark = lsn[RECORDS - 1];
    ck_assert_uint_eq(whole.n, begin_of_mark + JF_RECORD_HEAD);
    find_batches();
}

static void teardown_whole(void)
{
    free(whole.p);
    jt_teardown();
}

static uint64_t begin_of(uint64_t i)
{
    return i ? lsn[i - 1] : JF_FILE_HEAD;
}

static uint64_t whole_records(uint64_t bytes)
{
    uint64_t n = 0;
    while (n < RECORDS && lsn[n] <= bytes)
        n++;
    return n;
}

// A reader sees n records and a torn tail from end on; a writer cuts just that and goes on.
static void assert_torn(size_t file_size, uint64_t n, uint64_t end, bool append_too)
{
    struct jt_read got = jt_read();
    ck_assert_msg(got.rc == 0, "%d: %s", got.rc, jt_err.msg);
    ck_assert_uint_eq(got.count, n);
    ck_assert_uint_eq(got.end, end);
    ck_assert_uint_eq(got.torn, file_size - end);
    if (!append_too)
        return;
    struct journal *j = jt_open(true, JOURNAL_RING_MIN);
    ck_assert_uint_eq(journal_cut(j), file_size - end);
    ck_assert_uint_eq(journal_durable(j), end ? end : JF_FILE_HEAD);
    jt_put(j, n);
    jt_put(j, n + 1);
    jt_close(j);
    got = jt_read();
    ck_assert_msg(got.rc == 0, "%s", jt_err.msg);
    ck_assert_uint_eq(got.count, n + 2);
    ck_assert_uint_eq(got.torn, 0);
}

START_TEST(test_every_byte_offset)
{
    for (size_t cut = 0; cut <= whole.n; cut++) {
        uint64_t n = whole_records(cut), end = cut < JF_FILE_HEAD ? 0 : n ? lsn[n - 1] : JF_FILE_HEAD;
        if (cut == whole.n)
            end = cut;
        // Through all of creation, and all of the last ten records.
        bool append_too = cut <= lsn[0] || cut >= lsn[RECORDS - 11];
        if (!append_too && cut % test_stride(7))
            continue;
        jt_spit(whole.p, cut);
        assert_torn(cut, n, end, append_too);
    }
}
END_TEST

// The file got longer but its bytes did not arrive: zeros, or (on some file systems) whatever was there
// before.
START_TEST(test_tail_of_zeros_or_garbage)
{
    struct prng r;
    prng_seed(&r, test_seed(21));
    size_t room = whole.n + 5000;
    unsigned char *p = malloc(room);
    ck_assert_ptr_nonnull(p);
    for (unsigned round = 0; round < test_rounds(400); round++) {
        uint64_t keep = begin_of(RECORDS - 1) + prng_below(&r, lsn[RECORDS - 1] - begin_of(RECORDS - 1));
        size_t n = keep + JF_RECORD_HEAD + prng_below(&r, 4900);
        memcpy(p, whole.p, whole.n);
        for (size_t i = keep; i < n; i++)
            p[i] = round % 2 ? (unsigned char)prng_u64(&r) : 0;
        if (keep > begin_of(RECORDS - 1) && memcmp(p + keep, whole.p + keep, lsn[RECORDS - 1] - keep) == 0)
            continue; // by chance the same bytes
        jt_spit(p, n);
        assert_torn(n, RECORDS - 1, begin_of(RECORDS - 1), round % 8 == 0);
    }
    free(p);
}
END_TEST

// Whole records from elsewhere in this journal, or of another one at the very same offset, are not this
// journal's.
START_TEST(test_stale_records_in_the_tail)
{
    struct prng r;
    prng_seed(&r, test_seed(22));
    unsigned char *p = malloc(2 * whole.n);
    ck_assert_ptr_nonnull(p);
    for (unsigned round = 0; round < test_rounds(300); round++) {
        uint64_t from = prng_below(&r, RECORDS), keep = 1 + prng_below(&r, RECORDS - 1);
        if (from == keep)
            continue;
        size_t n = lsn[keep - 1] + (whole.n - begin_of(from));
        memcpy(p, whole.p, lsn[keep - 1]);
        memcpy(p + lsn[keep - 1], whole.p + begin_of(from), whole.n - begin_of(from));
        jt_spit(p, n);
        assert_torn(n, keep, lsn[keep - 1], round % 16 == 0);
    }
    // The same records under another nonce.
    memcpy(p, whole.p, whole.n);
    jf_file_head_store(p, le64_load(whole.p + 16) + 1);
    jt_spit(p, whole.n);
    assert_torn(whole.n, 0, JF_FILE_HEAD, true);
    free(p);
}
END_TEST

// A payload may carry whole journal records (someone's packet could). Torn in it, they must not count as
// proof.
START_TEST(test_records_inside_a_payload)
{
    unlink(jt_path);
    struct journal *j = jt_open(false, 1 << 20);
    uint64_t first = jt_put(j, 0);
    journal_put(j, J_FRAME, whole.p, whole.n);
    jt_close(j);
    struct jt_bytes b = jt_slurp();
    for (uint64_t cut = first + 1; cut < b.n - JF_RECORD_HEAD; cut += 7) {
        jt_spit(b.p, cut);
        assert_torn(cut, 1, first, cut % 50 == 0);
    }
    free(b.p);
}
END_TEST

// As a process leaves it that was killed: no closing mark. Damage in the last batch looks like a torn tail.
START_TEST(test_bit_flips_in_the_last_batch)
{
    struct prng r;
    prng_seed(&r, test_seed(23));
    uint64_t from = batch_of[RECORDS - 1];
    for (unsigned round = 0; round < test_rounds(1500); round++) {
        uint64_t at = from + prng_below(&r, begin_of_mark - from);
        int bit = (int)prng_below(&r, 8);
        whole.p[at] ^= (unsigned char)(1 << bit);
        jt_spit(whole.p, begin_of_mark);
        uint64_t n = whole_records(at); // all records before the one that is hit
        assert_torn(begin_of_mark, n, n ? lsn[n - 1] : JF_FILE_HEAD, round % 16 == 0);
        whole.p[at] ^= (unsigned char)(1 << bit);
    }
}
END_TEST

// After a clean close the mark vouches for everything: no damage before it passes as a torn tail.
START_TEST(test_bit_flips_in_committed_records)
{
    for (uint64_t at = JF_FILE_HEAD; at < begin_of_mark; at += test_stride(7)) {
        whole.p[at] ^= (unsigned char)(1 << (at % 8));
        jt_spit(whole.p, whole.n);
        uint64_t n = whole_records(at);
        struct jt_read got = jt_read();
        ck_assert_int_eq(got.rc, -1);
        ck_assert_uint_eq(got.count, n);
        char where[64];
        snprintf(where, sizeof where, "damaged at offset %llu:", (unsigned long long)begin_of(n));
        ck_assert_msg(strstr(jt_err.msg, where) != NULL, "%s lacks %s", jt_err.msg, where);
        if (at % 16 == 0) { // and a writer refuses it, and leaves it as it is
            struct journal *j;
            ck_assert_int_eq(journal_open(jt_path, true, &j, &jt_err), -1);
            ck_assert_ptr_nonnull(strstr(jt_err.msg, where));
            jt_assert_file_is(whole);
        }
        whole.p[at] ^= (unsigned char)(1 << (at % 8));
    }
}
END_TEST

// Without a mark, a record of a later batch proves as much, even when its own payload is torn.
START_TEST(test_damage_before_the_last_batch)
{
    uint64_t last = batch_of[RECORDS - 1];
    ck_assert_uint_gt(last, JF_FILE_HEAD);
    for (uint64_t at = JF_FILE_HEAD; at < last; at += 5) {
        whole.p[at] ^= 0x10;
        jt_spit(whole.p, last + JF_RECORD_HEAD);
        ck_assert_int_eq(jt_read().rc, -1);
        whole.p[at] ^= 0x10;
    }
}
END_TEST

START_TEST(test_missing_middle)
{
    // Bytes removed, so that all later records are at the wrong place: nothing proves anything, nothing is
    // returned.
    uint64_t hole = begin_of(RECORDS / 2);
    memmove(whole.p + hole, whole.p + hole + 1, whole.n - hole - 1);
    jt_spit(whole.p, whole.n - 1);
    assert_torn(whole.n - 1, RECORDS / 2, hole, false);
}
END_TEST

START_TEST(test_file_header_damage)
{
    for (int bit = 0; bit < JF_FILE_HEAD * 8; bit++) {
        whole.p[bit / 8] ^= (unsigned char)(1 << (bit % 8));
        jt_spit(whole.p, whole.n);
        struct journal *j;
        struct journal_reader *r;
        ck_assert_int_eq(journal_reader_open(jt_path, &r, &jt_err), -1);
        ck_assert_int_eq(journal_open(jt_path, true, &j, &jt_err), -1);
        jt_assert_file_is(whole);
        whole.p[bit / 8] ^= (unsigned char)(1 << (bit % 8));
    }
    static const unsigned char zeros[JF_FILE_HEAD];
    for (size_t n = 0; n <= sizeof zeros; n++) { // creation interrupted: length without bytes
        jt_spit(zeros, n);
        assert_torn(n, 0, 0, true);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal torn");
    TCase *t = tcase_create("journal torn");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup_whole, teardown_whole);
    tcase_add_test(t, test_every_byte_offset);
    tcase_add_test(t, test_tail_of_zeros_or_garbage);
    tcase_add_test(t, test_stale_records_in_the_tail);
    tcase_add_test(t, test_records_inside_a_payload);
    tcase_add_test(t, test_bit_flips_in_the_last_batch);
    tcase_add_test(t, test_bit_flips_in_committed_records);
    tcase_add_test(t, test_damage_before_the_last_batch);
    tcase_add_test(t, test_missing_middle);
    tcase_add_test(t, test_file_header_damage);
    suite_add_tcase(s, t);
    return run_suite(s);
}
