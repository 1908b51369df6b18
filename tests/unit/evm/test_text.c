// SPDX-License-Identifier: Apache-2.0
// Words and their conversions, hexadecimal text, addresses (the examples of EIP-55), keccak's published
// digests. Random ones are judged by tests/diff/evm_diff.py.
#include <check.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "evm/address.h"
#include "evm/hex.h"
#include "evm/keccak.h"
#include "run_suite.h"

static struct word of_hex(const char *digits) // right-aligned
{
    struct word w;
    char text[HEX_QUANTITY_MAX];
    (void)snprintf(text, sizeof text, "0x%s", digits);
    ck_assert_int_eq(hex_quantity_get(text, strlen(text), &w), 0);
    return w;
}

START_TEST(test_what_does_not_fit_is_refused)
{
    struct word max, top, w;
    i256 v = i256_from_i64(7);
    u128 wide = 7;
    uint64_t small = 7;
    memset(&max, 0xff, sizeof max);
    memset(&top, 0, sizeof top);
    top.b[0] = 0x80; // 2^255
    ck_assert_int_eq(word_to_unsigned(&max, &v), -1);
    ck_assert_int_eq(word_to_unsigned(&top, &v), -1);
    ck_assert_int_eq(i256_cmp(v, i256_from_i64(7)), 0); // left alone
    ck_assert_int_eq(i256_cmp(word_to_signed(&max), i256_from_i64(-1)), 0);
    ck_assert_int_eq(word_from_unsigned(i256_from_i64(-1), &w), -1);
    w = of_hex("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
    ck_assert_int_eq(word_to_unsigned(&w, &v), 0);
    ck_assert_uint_eq(i256_bits(v), 255);
    w = of_hex("100000000000000000000000000000000"); // 2^128
    ck_assert_int_eq(word_to_u128(&w, &wide), -1);
    w = of_hex("ffffffffffffffffffffffffffffffff");
    ck_assert(word_to_u128(&w, &wide) == 0 && wide == (u128)-1);
    ck_assert_int_eq(word_to_u64(&w, &small), -1);
    w = of_hex("10000000000000000"); // 2^64
    ck_assert_int_eq(word_to_u64(&w, &small), -1);
    ck_assert_uint_eq(small, 7);
    w = of_hex("ffffffffffffffff");
    ck_assert(word_to_u64(&w, &small) == 0 && small == UINT64_MAX);
}
END_TEST

START_TEST(test_conversions_there_and_back)
{
    struct prng r;
    prng_seed(&r, test_seed(5));
    for (int round = 0; round < 20000; round++) {
        unsigned cut = (unsigned)prng_below(&r, 257);
        i256 v = {{prng_u64(&r), prng_u64(&r), prng_u64(&r), prng_u64(&r)}}, back;
        v = i256_sar(v, cut);
        struct word w = word_from_signed(v), unsigned_word;
        ck_assert_int_eq(i256_cmp(word_to_signed(&w), v), 0);
        ck_assert_int_eq(word_from_unsigned(v, &unsigned_word), i256_sign(v) < 0 ? -1 : 0);
        ck_assert_int_eq(word_to_unsigned(&w, &back), i256_sign(v) < 0 ? -1 : 0);
        u128 low = i256_lo(v), wide;
        w = word_from_u128(low);
        ck_assert(word_to_u128(&w, &wide) == 0 && wide == low);
        ck_assert_uint_eq(word_length(&w), (i256_bits(i256_from_u128(low)) + 7) / 8);
        ck_assert(word_is_zero(&w) == (low == 0));
        struct word next = word_from_u128(low + 1);
        ck_assert(low + 1 == 0 || (word_compare(&w, &next) < 0 && word_compare(&next, &w) > 0));
    }
}
END_TEST

START_TEST(test_address_in_a_word)
{
    struct evm_address a, back;
    for (unsigned i = 0; i < ADDRESS_BYTES; i++)
        a.b[i] = (uint8_t)(i + 1);
    struct word w = word_from_address(&a);
    ck_assert(word_to_address(&w, &back) == 0 && address_equal(&a, &back));
    for (unsigned i = 0; i < WORD_BYTES - ADDRESS_BYTES; i++) {
        struct word dirty = w;
        dirty.b[i] = 1;
        ck_assert_int_eq(word_to_address(&dirty, &back), -1);
    }
    back.b[ADDRESS_BYTES - 1] ^= 1;
    ck_assert(!address_equal(&a, &back));
}
END_TEST

START_TEST(test_hex_data)
{
    uint8_t buf[4] = {9, 9, 9, 9};
    size_t n;
    ck_assert(hex_data_get("0x00aBfF", 8, buf, 3, &n) == 0 && n == 3);
    ck_assert(buf[0] == 0 && buf[1] == 0xab && buf[2] == 0xff && buf[3] == 9);
    ck_assert_int_eq(hex_data_get("0x00aBfF", 8, buf, 2, &n), -1); // no room
    ck_assert(hex_data_get("0x", 2, buf, 0, &n) == 0 && n == 0);
    ck_assert_int_eq(hex_data_get("0x0", 3, buf, 4, &n), -1);
    ck_assert_int_eq(hex_data_get("0x0011", 5, buf, 4, &n), -1);
    ck_assert_int_eq(hex_data_get("00", 2, buf, 4, &n), -1);
    ck_assert_int_eq(hex_data_get("", 0, buf, 4, &n), -1);
    ck_assert_int_eq(hex_fixed_get("0x0001", 6, buf, 2), 0);
    ck_assert_int_eq(hex_fixed_get("0x0001", 6, buf, 3), -1);
    ck_assert_int_eq(hex_fixed_get("0x0001", 6, buf, 1), -1);
    for (unsigned c = 1; c < 256; c++) { // each character, as either digit
        char first[3] = {(char)c, '0', 0}, second[3] = {'0', (char)c, 0};
        bool digit = strchr("0123456789abcdefABCDEF", (int)c) != NULL;
        ck_assert_int_eq(hex_get(first, 2, buf), digit ? 0 : -1);
        ck_assert_int_eq(hex_get(second, 2, buf), digit ? 0 : -1);
    }
    char text[8] = "-------";
    hex_put("\x0f\xa0", 2, text);
    ck_assert_str_eq(text, "0fa0---");
}
END_TEST

static void check_digest(const char *message, const char *expect)
{
    struct word h;
    char text[2 * WORD_BYTES + 1] = "";
    keccak256(message, strlen(message), &h);
    hex_put(h.b, WORD_BYTES, text);
    ck_assert_str_eq(text, expect);
}

START_TEST(test_keccak_published)
{
    check_digest("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    check_digest("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    check_digest("Transfer(address,address,uint256)",
                 "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}
END_TEST

START_TEST(test_eip55)
{
    static const char *const examples[] = {
        "0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
        "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    };
    struct err e;
    struct evm_address a;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        char text[ADDRESS_TEXT];
        ck_assert_int_eq(address_parse(examples[i], &a, &e), 0);
        address_format(&a, text);
        ck_assert_str_eq(text, examples[i]);
    }
    ck_assert_int_eq(address_parse("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", &a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "checksum"));
    ck_assert_int_eq(address_parse("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", &a, &e), 0);
    ck_assert_int_eq(address_parse("", &a, &e), -1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evm/text");
    TCase *t = tcase_create("text");
    tcase_add_test(t, test_what_does_not_fit_is_refused);
    tcase_add_test(t, test_conversions_there_and_back);
    tcase_add_test(t, test_address_in_a_word);
    tcase_add_test(t, test_hex_data);
    tcase_add_test(t, test_keccak_published);
    tcase_add_test(t, test_eip55);
    suite_add_tcase(s, t);
    return run_suite(s);
}
