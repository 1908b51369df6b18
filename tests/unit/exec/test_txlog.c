// SPDX-License-Identifier: Apache-2.0
// The log of transactions over many lives: what is open is found again, serials are never used twice, and a
// file that is mostly of the past is replaced by one without it, in which nothing is lost however it ends
// (P6).
#include "base/prng.h"
#include "base/test_seed.h"
#include "evm/tx.h"
#include "exec/evm/txlog.h"
#include "journal/journal.h"
#include "run_suite.h"
#include "txlog_disk.h"

enum { CHAIN = 7, KEYS = 2, OPEN_MAX = 64, DATA = 20000, T_SIGNED = 2, T_GIVEN = 7 };

static struct private_key *key[KEYS];
static struct txlog *l;
static struct err e;
static uint64_t seed;

// What the log has to say.
static struct {
    struct {
        struct txlog_signed tx;
        size_t key;
        bool sent;
    } open[OPEN_MAX];
    size_t n;
    uint64_t nonce[KEYS], serial; // the next nonces, the last serial
    size_t bytes;                 // put in this file, about
} want;

static void setup(void)
{
    memset(&want, 0, sizeof want);
    (void)snprintf(dir, sizeof dir, "%s/tripline-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"); // flushes by the hundred
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/log", dir);
    (void)snprintf(new_path, sizeof new_path, "%s.compact", path);
    for (unsigned i = 0; i < KEYS; i++) {
        uint8_t secret[WORD_BYTES] = {[31] = (uint8_t)(i + 1)};
        key[i] = key_from_bytes(secret, NULL);
    }
}

static void teardown(void)
{
    for (size_t i = 0; i < want.n; i++)
        free((void *)(uintptr_t)want.open[i].tx.raw);
    for (unsigned i = 0; i < KEYS; i++)
        key_free(key[i]);
    ck_assert_int_ne(access(new_path, F_OK), 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}

// ---- what is put

static void forget(size_t i)
{
    free((void *)(uintptr_t)want.open[i].tx.raw);
    want.n--;
    memmove(want.open + i, want.open + i + 1, (want.n - i) * sizeof want.open[0]);
}

// These carry the orders of two further accounts.
static bool is_batch(const struct txlog_signed *t)
{
    return t->serial % 3 == 0;
}

static void put_signed(size_t k)
{
    static uint8_t data[DATA], mem[TX_TEMPLATE_ROOM(DATA, 0)];
    const struct tx t = {
        .type = TX_1559, .chain_id = CHAIN, .gas = 21000, .data = data, .n_data = sizeof data};
    struct tx_template template;
    struct tx_signed made;
    uint8_t *raw = malloc(TX_ROOM(DATA, 0));
    ck_assert_int_eq(tx_template_init(&template, &t, mem, sizeof mem, &e), 0);
    uint64_t serial = txlog_next_serial(l);
    ck_assert_msg(serial > want.serial, "serial %llu is used twice", (unsigned long long)serial);
    ck_assert_int_eq(tx_sign(&template, key[k], want.nonce[k], 1, serial, raw, TX_ROOM(DATA, 0), &made), 0);
    struct txlog_signed s = {.serial = serial,
                             .kind = serial % 5 ? TX_ORDER : TX_CANCEL,
                             .key = {1, (uint32_t)serial, 2, 3},
                             .sender = *key_address(key[k]),
                             .nonce = want.nonce[k],
                             .hash = made.hash,
                             .expires_ns = serial * 1000,
                             .raw = raw,
                             .n = made.n};
    struct order_key orders[] = {s.key, {1, 7, 2, 9}, {1, 8, 2, s.key.account}};
    if (is_batch(&s))
        txlog_put_orders(l, orders, 3);
    ck_assert_uint_ne(txlog_put_signed(l, &s), 0);
    ck_assert_uint_lt(want.n, OPEN_MAX);
    want.open[want.n].key = k;
    want.open[want.n].sent = false;
    want.open[want.n++].tx = s;
    want.serial = serial;
    want.bytes += made.n;
}

static void put_sent(size_t i)
{
    txlog_put_sent(l, want.open[i].tx.serial);
    want.open[i].sent = true;
}

static void put_retired(size_t i)
{
    txlog_put_retired(l, want.open[i].tx.serial);
    forget(i);
}

static void put_ended(size_t k)
{
    txlog_put_ended(l, key_address(key[k]), want.nonce[k]);
    for (size_t i = want.n; i-- > 0;)
        if (want.open[i].key == k && want.open[i].tx.nonce == want.nonce[k])
            forget(i);
    want.nonce[k]++;
}

// The file holds n open transactions, every other one sent, and so much of the past that it will be replaced.
static void fill(size_t n)
{
    do {
        put_signed(0);
        put_retired(want.n - 1);
        put_signed(1);
        put_sent(want.n - 1);
        put_ended(1);
    } while (want.bytes < TXLOG_COMPACT_BYTES + n * DATA);
    while (want.n < n) {
        put_signed(want.n % KEYS);
        if (want.n % 2)
            put_sent(want.n - 1);
    }
}

// ---- what is found

static void check_orders(const struct txlog *log, const struct txlog_signed *t)
{
    size_t n;
    const struct order_key *k = txlog_orders(log, &t->key, &n);
    ck_assert_uint_eq(n, is_batch(t) ? 3 : 0);
    if (n) {
        ck_assert_int_eq(order_key_cmp(&k[0], &t->key), 0);
        ck_assert(k[1].account == 7 && k[2].account == 8 && k[2].revision == t->key.account);
    }
}

static void check_found(const struct txlog *log)
{
    size_t n;
    const struct txlog_found *f = txlog_found(log, &n);
    ck_assert_uint_eq(n, want.n);
    for (size_t i = 0; i < n; i++) {
        const struct txlog_signed *a = &f[i].tx, *b = &want.open[i].tx;
        ck_assert_uint_eq(a->serial, b->serial);
        ck_assert(a->kind == b->kind && a->nonce == b->nonce && a->expires_ns == b->expires_ns);
        ck_assert_int_eq(order_key_cmp(&a->key, &b->key), 0);
        ck_assert(word_equal(&a->hash, &b->hash) && address_equal(&a->sender, &b->sender));
        ck_assert(a->n == b->n && memcmp(a->raw, b->raw, a->n) == 0);
        ck_assert(f[i].sent == want.open[i].sent);
        check_orders(log, a);
    }
}

static void open_log(void)
{
    ck_assert_msg(txlog_open(path, CHAIN, &l, &e) == 0, "%s", e.msg);
    check_found(l);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    want.bytes = (size_t)st.st_size;
}

static void close_log(void)
{
    ck_assert_msg(txlog_close(l, &e) == 0, "%s", e.msg);
}

static ino_t inode(void)
{
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_ino;
}

START_TEST(what_is_open_is_carried_over)
{
    size_t n = _i ? 9 : 0;
    open_log();
    ck_assert_uint_gt(disk.folder_flushes, 0);
    fill(n);
    close_log();
    ino_t was = inode();
    open_log();
    ck_assert_uint_ne(inode(), was);
    ck_assert_uint_lt(want.bytes, (n + 1) * (DATA + 500));
    put_signed(0);
    ck_assert_uint_eq(want.serial, want.open[want.n - 1].tx.serial);
    close_log();
    ck_assert_int_eq(txlog_open(path, CHAIN + 1, &l, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "another chain"));
    was = inode();
    open_log(); // small now
    ck_assert_uint_eq(inode(), was);
    close_log();
}
END_TEST

// Small, mostly open, or known by a second name.
START_TEST(a_file_that_is_no_case_for_it_stays)
{
    char other[96];
    open_log();
    while (want.bytes < TXLOG_COMPACT_BYTES - 2 * DATA) {
        put_signed(0);
        put_retired(0);
    }
    close_log();
    ino_t was = inode();
    open_log();
    ck_assert_uint_eq(inode(), was);
    while (want.n < 56)
        put_signed(0);
    close_log();
    open_log();
    ck_assert_uint_eq(inode(), was);
    ck_assert_uint_gt(want.bytes, 3 * TXLOG_COMPACT_BYTES / 2);
    put_ended(0);
    close_log();
    (void)snprintf(other, sizeof other, "%s/other", dir);
    ck_assert_int_eq(link(path, other), 0);
    open_log();
    ck_assert_uint_eq(inode(), was);
    close_log();
    ck_assert_int_eq(unlink(other), 0);
    open_log();
    ck_assert_uint_ne(inode(), was);
    close_log();
}
END_TEST

START_TEST(a_link_stays_a_link)
{
    char away[80], target[96];
    struct stat st, folder;
    open_log();
    fill(1);
    close_log();
    (void)snprintf(away, sizeof away, "%s/away", dir);
    (void)snprintf(target, sizeof target, "%s/log", away);
    ck_assert_int_eq(mkdir(away, 0700), 0);
    ck_assert_int_eq(rename(path, target), 0);
    ck_assert_int_eq(symlink("away/log", path), 0);
    ino_t was = inode();
    open_log();
    ck_assert_uint_ne(inode(), was);
    ck_assert(lstat(path, &st) == 0 && S_ISLNK(st.st_mode));
    close_log();
    disk.folder = 0;
    open_log();
    ck_assert(stat(away, &folder) == 0 && folder.st_ino == disk.folder); // where the name is
    close_log();
    ck_assert(unlink(target) == 0 && rmdir(away) == 0);
}
END_TEST

// Serials are compared with the last one of all lives; ends of all kinds.
START_TEST(random_lives)
{
    struct prng r;
    unsigned replaced = 0;
    prng_seed(&r, seed + (unsigned)_i);
    for (unsigned life = 0; life < 12; life++) {
        ino_t was = access(path, F_OK) ? 0 : inode();
        open_log();
        replaced += was && inode() != was;
        for (uint64_t k = prng_below(&r, 80); k > 0; k--) {
            uint64_t what = prng_below(&r, 8), i = want.n ? prng_below(&r, want.n) : 0;
            if (what < 4 && want.n < 30)
                put_signed(prng_below(&r, KEYS));
            else if (what == 4 && want.n)
                put_sent(i);
            else if (what < 7 && want.n)
                put_retired(i);
            else
                put_ended(prng_below(&r, KEYS));
        }
        close_log();
    }
    ck_assert_uint_gt(replaced, 0);
}
END_TEST

// ---- crashes

// What was left is taken up by another process: nothing is missing, no serial comes again, and its folder is
// flushed before anything new goes into it.
static void take_up(const struct bytes *log, const struct bytes *new)
{
    char here[80], left[sizeof here + 16];
    struct txlog *other;
    struct err why;
    struct stat st;
    ck_assert_ptr_nonnull(log);
    (void)snprintf(here, sizeof here, "%s/left", dir);
    ck_assert_int_eq(mkdir(here, 0700), 0);
    (void)snprintf(left, sizeof left, "%s/log.compact", here);
    if (new)
        spit(left, new);
    (void)snprintf(left, sizeof left, "%s/log", here);
    spit(left, log);
    unsigned flushes = disk.folder_flushes;
    ck_assert_msg(txlog_open(left, CHAIN, &other, &why) == 0, "%s", why.msg);
    ck_assert_uint_gt(disk.folder_flushes, flushes);
    check_found(other);
    ck_assert_uint_gt(txlog_next_serial(other), want.serial);
    ck_assert(stat(left, &st) == 0 && st.st_size < TXLOG_COMPACT_BYTES);
    ck_assert_int_eq(txlog_close(other, &why), 0);
    ck_assert_int_eq(unlink(left), 0);
    ck_assert_msg(rmdir(here) == 0, "something is left over");
}

START_TEST(it_may_end_at_any_moment)
{
    size_t n = _i ? 5 : 0;
    open_log();
    fill(n);
    close_log();
    ino_t was = inode();
    watch(take_up);
    ck_assert_msg(txlog_open(path, CHAIN, &l, &e) == 0, "%s", e.msg);
    moment();
    ck_assert_uint_ne(inode(), was);
    ck_assert_uint_gt(disk.moments, 8);
    // What is durable from now on is so under the name.
    disk.look = NULL;
    put_signed(0);
    ck_assert_int_eq(txlog_sync(l, &e), 0);
    disk.look = take_up;
    moment();
    disk.watched = false;
    close_log();
}
END_TEST

// ---- faults

START_TEST(without_room_it_stays_as_it_is)
{
    open_log();
    fill(3);
    close_log();
    ino_t was = inode();
    disk.full = _i == 0;
    disk.fills = _i == 1;
    disk.rename_fails = _i == 2;
    open_log();
    ck_assert_uint_eq(inode(), was);
    ck_assert_int_ne(access(new_path, F_OK), 0);
    put_signed(0);
    close_log();
    disk.full = disk.fills = disk.rename_fails = false;
    open_log();
    ck_assert_uint_ne(inode(), was);
    close_log();
}
END_TEST

START_TEST(an_unsure_name_is_refused)
{
    open_log();
    fill(3);
    close_log();
    disk.folder_fails = true;
    for (int i = 0; i < 2; i++) { // also while the new file has the name already
        ck_assert_int_eq(txlog_open(path, CHAIN, &l, &e), -1);
        ck_assert_ptr_nonnull(strstr(e.msg, "directory entry"));
    }
    disk.folder_fails = false;
    open_log();
    close_log();
}
END_TEST

// ---- two processes

static void another_replaces_it(void)
{
    struct txlog *other;
    ck_assert_msg(txlog_open(path, CHAIN, &other, &e) == 0, "%s", e.msg);
    ck_assert_int_eq(txlog_close(other, &e), 0);
}

static void another_is_refused(void)
{
    struct txlog *other;
    ck_assert_int_eq(txlog_open(path, CHAIN, &other, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "open for writing"));
}

START_TEST(one_process_at_a_time)
{
    open_log();
    fill(2);
    close_log();
    // It has opened the old file; before it can lock it, another one has replaced it and gone.
    ino_t was = inode();
    disk.before_lock = another_replaces_it;
    ck_assert_int_eq(txlog_open(path, CHAIN, &l, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "another file has taken its name"));
    ck_assert_uint_ne(inode(), was);
    open_log();
    fill(2);
    close_log();
    // Until the new file has the name, and after.
    was = inode();
    disk.before_rename = another_is_refused;
    open_log();
    ck_assert_uint_ne(inode(), was);
    ck_assert(!disk.before_rename);
    another_is_refused();
    close_log();
}
END_TEST

// ---- records that this program has not written

static void put_raw(uint8_t type, const void *p, size_t n)
{
    struct journal *j;
    ck_assert_int_eq(journal_open(path, true, &j, &e), 0);
    ck_assert_uint_ne(journal_put(j, (enum journal_type)type, p, n), 0);
    ck_assert_int_eq(journal_close(j, &e), 0);
}

// A serial from before the compaction, and one that goes back.
START_TEST(serials_that_go_back_are_refused)
{
    open_log();
    fill(1);
    close_log();
    struct journal_reader *r;
    struct journal_record rec;
    uint8_t *old = NULL;
    size_t n = 0;
    ck_assert_int_eq(journal_reader_open(path, &r, &e), 0);
    while (!old && journal_next(r, &rec, &e) == 1)
        if (rec.type == T_SIGNED) {
            old = malloc(n = rec.len);
            memcpy(old, rec.data, n);
        }
    journal_reader_close(r);
    open_log(); // replaced
    close_log();
    if (_i == 0)
        put_raw(T_SIGNED, old, n);
    else
        put_raw(T_GIVEN, _i == 1 ? (uint8_t[8]){1} : (uint8_t[8]){0, 0, 0, 1}, _i == 1 ? 8 : 7);
    free(old);
    ck_assert_int_eq(txlog_open(path, CHAIN, &l, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "none of this file's"));
}
END_TEST

int main(void)
{
    seed = test_seed(20261123);
    Suite *s = suite_create("exec/txlog");
    TCase *t = tcase_create("txlog");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, what_is_open_is_carried_over, 0, 2);
    tcase_add_test(t, a_file_that_is_no_case_for_it_stays);
    tcase_add_test(t, a_link_stays_a_link);
    tcase_add_loop_test(t, random_lives, 0, (int)test_rounds(8));
    tcase_add_loop_test(t, it_may_end_at_any_moment, 0, 2);
    tcase_add_loop_test(t, without_room_it_stays_as_it_is, 0, 3);
    tcase_add_test(t, an_unsure_name_is_refused);
    tcase_add_test(t, one_process_at_a_time);
    tcase_add_loop_test(t, serials_that_go_back_are_refused, 0, 3);
    suite_add_tcase(s, t);
    return run_suite(s);
}
