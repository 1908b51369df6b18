// SPDX-License-Identifier: Apache-2.0
// Keys: where they may come from, what is refused, that nothing of them is told or left; personal signatures.
// Signatures themselves are judged by tests/diff/evm_diff.py.
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "evm/hex.h"
#include "evm/key.h"
#include "run_suite.h"

#define DIGITS "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80" // the first test account's
#define OWNER  "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
#define ORDER  "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"

static char path[64];

static void write_file(const char *text, mode_t mode)
{
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    ck_assert_int_eq(fchmod(fd, mode), 0);
    (void)close(fd);
}

static void begin(void)
{
    (void)snprintf(path, sizeof path, "/tmp/tl-key-XXXXXX");
    (void)close(mkstemp(path));
}

static void end(void)
{
    (void)unlink(path);
}

static void check_owner(struct private_key *k, const char *expect)
{
    char text[ADDRESS_TEXT];
    ck_assert_ptr_nonnull(k);
    address_format(key_address(k), text);
    ck_assert_str_eq(text, expect);
    key_free(k);
}

START_TEST(test_files_that_are_taken)
{
    static const char *const texts[] = {DIGITS,      DIGITS "\n",      DIGITS "\r\n",
                                        "0x" DIGITS, "0x" DIGITS "\n", "0x" DIGITS "\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(texts[i], i % 2 ? 0600 : 0400);
        check_owner(key_from_file(path, NULL), OWNER);
    }
}
END_TEST

START_TEST(test_files_that_are_refused)
{
    static const char *const texts[] = {"",
                                        "\n",
                                        "0x",
                                        DIGITS "0",
                                        DIGITS "00",
                                        DIGITS "\n\n",
                                        " " DIGITS,
                                        DIGITS " ",
                                        "0x0x" DIGITS,
                                        DIGITS "\r\n\r\n",
                                        "0X" DIGITS,
                                        "0x" DIGITS "\r\n" DIGITS,
                                        ORDER,
                                        "0000000000000000000000000000000000000000000000000000000000000000"};
    struct err e;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_file(texts[i], 0600);
        ck_assert_msg(!key_from_file(path, &e), "text %zu", i);
        ck_assert_ptr_nonnull(strstr(e.msg, path));
        ck_assert_ptr_null(strstr(e.msg, "ac0974be"));
    }
    char bad[] = DIGITS;
    bad[63] = 'g';
    write_file(bad, 0600);
    ck_assert_ptr_null(key_from_file(path, &e));
    bad[63] = '\0';
    write_file(bad, 0600);
    ck_assert_ptr_null(key_from_file(path, &e));
    ck_assert_ptr_null(strstr(e.msg, "ac0974be"));
}
END_TEST

START_TEST(test_rights_of_the_file)
{
    struct err e;
    for (mode_t bit = 1; bit <= 040; bit <<= 1) {
        write_file(DIGITS, 0600 | bit);
        ck_assert_msg(!key_from_file(path, &e), "mode %o", 0600 | bit);
        ck_assert_ptr_nonnull(strstr(e.msg, "chmod 600"));
    }
    (void)unlink(path);
    ck_assert_ptr_null(key_from_file(path, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "No such file"));
    ck_assert_int_eq(mkfifo(path, 0600), 0); // must not wait for a writer
    ck_assert_ptr_null(key_from_file(path, &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "regular"));
    (void)unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_ptr_null(key_from_file(path, &e));
    (void)rmdir(path);
    if (geteuid() == 0) { // only then can a file be somebody else's
        write_file(DIGITS, 0600);
        ck_assert_int_eq(chown(path, 1, 1), 0);
        ck_assert_ptr_null(key_from_file(path, &e));
    }
}
END_TEST

START_TEST(test_environment_is_wiped)
{
    static char variable[] = "TL_TEST_KEY=0x" DIGITS; // putenv keeps this very memory
    struct err e;
    ck_assert_int_eq(putenv(variable), 0);
    check_owner(key_from_env("TL_TEST_KEY", &e), OWNER);
    ck_assert_ptr_null(getenv("TL_TEST_KEY"));
    for (size_t i = strlen("TL_TEST_KEY="); i < sizeof variable; i++)
        ck_assert_int_eq(variable[i], 0);
    ck_assert_ptr_null(key_from_env("TL_TEST_KEY", &e));
    ck_assert_ptr_nonnull(strstr(e.msg, "TL_TEST_KEY"));
    ck_assert_int_eq(setenv("TL_TEST_KEY", "ac0974be", 1), 0);
    ck_assert_ptr_null(key_from_env("TL_TEST_KEY", &e));
    ck_assert_ptr_null(getenv("TL_TEST_KEY")); // a wrong one too
    ck_assert_ptr_null(strstr(e.msg, "ac0974be"));
}
END_TEST

START_TEST(test_range_of_keys)
{
    uint8_t secret[WORD_BYTES] = {0};
    struct err e;
    ck_assert_ptr_null(key_from_bytes(secret, &e));
    secret[31] = 1;
    check_owner(key_from_bytes(secret, &e), "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf");
    ck_assert_int_eq(hex_get(ORDER, 64, secret), 0);
    ck_assert_ptr_null(key_from_bytes(secret, &e));
    secret[31]--;
    struct private_key *k = key_from_bytes(secret, &e);
    ck_assert_ptr_nonnull(k);
    key_free(k);
    key_free(NULL);
}
END_TEST

START_TEST(test_personal)
{
    struct word h = personal_hash("hello", 5);
    char text[2 * WORD_BYTES + 1] = "";
    hex_put(h.b, WORD_BYTES, text);
    ck_assert_str_eq(text, "50b2c43fd39106bafbba0da34fc430e1f91e3c96ea2acee2bc34119f92b37750");
}
END_TEST

// A key is shared by threads: each signs the same hashes and must get the same bytes.
static const struct private_key *shared;
static struct signature expect[32];

static void *sign_all(void *failed)
{
    for (unsigned i = 0; i < 32 * 8; i++) {
        struct word h = word_from_u64(i % 32);
        struct signature s;
        key_sign(shared, &h, &s);
        if (!word_equal(&s.r, &expect[i % 32].r) || !word_equal(&s.s, &expect[i % 32].s) ||
            s.parity != expect[i % 32].parity)
            *(bool *)failed = true;
    }
    return NULL;
}

START_TEST(test_threads_share_a_key)
{
    enum { THREADS = 3 };
    pthread_t thread[THREADS];
    bool failed[THREADS] = {false};
    struct err e;
    uint8_t secret[WORD_BYTES] = {3};
    struct private_key *k = key_from_bytes(secret, &e);
    struct evm_address signer;
    ck_assert_ptr_nonnull(k);
    for (unsigned i = 0; i < 32; i++) {
        struct word h = word_from_u64(i);
        key_sign(k, &h, &expect[i]);
        ck_assert_int_eq(signature_signer(&expect[i], &h, &signer), 0);
        ck_assert(address_equal(&signer, key_address(k)));
    }
    shared = k;
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, sign_all, &failed[i]), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
        ck_assert(!failed[i]);
    }
    key_free(k);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evm/key");
    TCase *t = tcase_create("key");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, test_files_that_are_taken);
    tcase_add_test(t, test_files_that_are_refused);
    tcase_add_test(t, test_rights_of_the_file);
    tcase_add_test(t, test_environment_is_wiped);
    tcase_add_test(t, test_range_of_keys);
    tcase_add_test(t, test_personal);
    tcase_add_test(t, test_threads_share_a_key);
    suite_add_tcase(s, t);
    return run_suite(s);
}
