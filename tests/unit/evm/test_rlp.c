// SPDX-License-Identifier: Apache-2.0
// RLP: the published examples, what is not canonical, the caller's flag, buffers that are too small.
#include <check.h>

#include "evm/hex.h"
#include "evm/rlp.h"
#include "run_suite.h"

static void check_bytes(const struct rlp_out *o, const char *expect)
{
    char text[256] = "";
    size_t n = rlp_mark(o);
    ck_assert(!o->bad && n < sizeof text / 2);
    hex_put(o->at, n, text);
    ck_assert_str_eq(text, expect);
}

static void check_string(const char *s, const char *expect)
{
    uint8_t buf[100];
    struct rlp_out o = rlp_out_of(buf, sizeof buf);
    rlp_put_bytes(&o, s, strlen(s));
    check_bytes(&o, expect);
}

static void check_number(uint64_t v, const char *expect)
{
    uint8_t buf[100];
    struct rlp_out o = rlp_out_of(buf, sizeof buf);
    rlp_put_u64(&o, v);
    check_bytes(&o, expect);
    struct word w = word_from_u64(v);
    o = rlp_out_of(buf, sizeof buf);
    rlp_put_word(&o, &w);
    check_bytes(&o, expect);
    bool bad = false;
    struct rlp_in in = rlp_in_of(o.at, rlp_mark(&o), &bad);
    ck_assert(rlp_get_u64(&in) == v && rlp_end(&in));
}

START_TEST(test_published)
{
    uint8_t buf[100];
    check_string("dog", "83646f67");
    check_string("", "80");
    check_string("\x0f", "0f");
    check_string("\x04\x01", "820401");
    check_string(
        "Lorem ipsum dolor sit amet, consectetur adipisicing elit",
        "b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069"
        "736963696e6720656c6974");
    check_number(0, "80");
    check_number(15, "0f");
    check_number(127, "7f");
    check_number(128, "8180");
    check_number(1024, "820400");
    check_number(UINT64_MAX, "88ffffffffffffffff");
    struct rlp_out o = rlp_out_of(buf, sizeof buf); // ["cat", "dog"], from the end
    rlp_put_bytes(&o, "dog", 3);
    rlp_put_bytes(&o, "cat", 3);
    rlp_put_list(&o, 0);
    check_bytes(&o, "c88363617483646f67");
    o = rlp_out_of(buf, sizeof buf); // [ [], [[]], [ [], [[]] ] ]
    rlp_put_list(&o, rlp_mark(&o));
    rlp_put_list(&o, 0);
    rlp_put_list(&o, rlp_mark(&o));
    rlp_put_list(&o, 0);
    size_t second = rlp_mark(&o);
    rlp_put_list(&o, rlp_mark(&o));
    rlp_put_list(&o, second);
    rlp_put_list(&o, rlp_mark(&o));
    rlp_put_list(&o, 0);
    check_bytes(&o, "c7c0c1c0c3c0c1c0");
}
END_TEST

// Whether it is one string, and nothing else.
static bool is_string(const char *digits)
{
    uint8_t bytes[100];
    bool bad = false;
    size_t n;
    ck_assert_int_eq(hex_get(digits, strlen(digits), bytes), 0);
    struct rlp_in in = rlp_in_of(bytes, strlen(digits) / 2, &bad);
    (void)rlp_get_bytes(&in, &n);
    return rlp_end(&in);
}

START_TEST(test_one_encoding_each)
{
    ck_assert(is_string("00") && is_string("7f") && is_string("8180") && is_string("80"));
    ck_assert(!is_string("8100") && !is_string("817f")); // stand for themselves
    ck_assert(!is_string("b800") && !is_string("b80101") && !is_string("b90001ff"));
    ck_assert(!is_string("") && !is_string("81") && !is_string("820a") && !is_string("b8"));
    ck_assert(!is_string("bfffffffffffffffff") && !is_string("bfffffffffffffffffaa") &&
              !is_string("bf0000000000000038aa"));
    ck_assert(!is_string("c0") && !is_string("0000"));
    char digits[2 * 60] = "b838"; // 56 bytes, the least long form; then one less in the long form, and cut
    memset(digits + 4, '1', 2 * 56);
    ck_assert(is_string(digits));
    char list[2 * 67] = "c0010000000000000038"; // as a string's header, a length of nine bytes
    memset(list + 20, '1', 2 * 56);
    ck_assert(!is_string(list));
    digits[2 * 57] = '\0';
    ck_assert(!is_string(digits));
    memcpy(digits, "b837", 4);
    ck_assert(!is_string(digits));
}
END_TEST

START_TEST(test_types_are_kept)
{
    static const uint8_t list[] = {0xc2, 0x01, 0x80}, zero[] = {0x00}, leading[] = {0x82, 0x00, 0x01};
    uint8_t long_number[34] = {0xa1, 1}, eleven[10] = {0x89, 1};
    bool bad = false;
    struct rlp_in in = rlp_in_of(list, sizeof list, &bad), inner = rlp_get_list(&in);
    ck_assert(rlp_get_u64(&inner) == 1 && rlp_more(&inner) && rlp_get_u64(&inner) == 0);
    ck_assert(!rlp_more(&inner) && rlp_end(&inner) && rlp_end(&in));
    (void)rlp_get_u64(&inner); // one too many: all that share the flag are bad
    ck_assert(bad && !rlp_end(&in) && !rlp_more(&in));
    const struct {
        const uint8_t *p;
        size_t n;
    } wrong[] = {
        {zero, 1}, {leading, 3}, {long_number, sizeof long_number}, {eleven, sizeof eleven}, {list, 3}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bad = false;
        in = rlp_in_of(wrong[i].p, wrong[i].n, &bad);
        ck_assert_uint_eq(rlp_get_u64(&in), 0);
        ck_assert(bad);
        struct word w = rlp_get_word(&in);
        ck_assert(word_is_zero(&w));
    }
    bad = false;
    in = rlp_in_of(zero, 1, &bad);
    (void)rlp_get_list(&in);
    ck_assert(bad);
}
END_TEST

START_TEST(test_fixed)
{
    static const uint8_t three[] = {0x83, 1, 2, 3};
    uint8_t out[4];
    for (size_t n = 0; n <= 4; n++) {
        bool bad = false;
        struct rlp_in in = rlp_in_of(three, sizeof three, &bad);
        memset(out, 0xee, sizeof out);
        rlp_get_fixed(&in, out, n);
        ck_assert(bad == (n != 3));
        for (size_t i = 0; i < n; i++)
            ck_assert_uint_eq(out[i], n == 3 ? i + 1 : 0);
    }
}
END_TEST

START_TEST(test_every_buffer_that_is_too_small)
{
    uint8_t buf[80];
    char text[60];
    memset(text, 'x', sizeof text);
    for (size_t size = 0; size <= 65; size++) { // [60 bytes, 300]: 2 + 2 + 60 + 3 = 67 bytes
        memset(buf, 0xee, sizeof buf);
        struct rlp_out o = rlp_out_of(buf + 1, size);
        rlp_put_u64(&o, 300);
        rlp_put_bytes(&o, text, sizeof text);
        rlp_put_list(&o, 0);
        rlp_put_u64(&o, 1);
        ck_assert(o.bad);
        ck_assert(buf[0] == 0xee && buf[1 + size] == 0xee);
        size_t written = rlp_mark(&o);
        rlp_put_bytes(&o, "", 0); // nor anything that would fit
        ck_assert_uint_eq(rlp_mark(&o), written);
    }
    struct rlp_out o = rlp_out_of(buf, 67);
    rlp_put_u64(&o, 300);
    rlp_put_bytes(&o, text, sizeof text);
    rlp_put_list(&o, 0);
    ck_assert(!o.bad && rlp_mark(&o) == 67 && o.at == buf);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evm/rlp");
    TCase *t = tcase_create("rlp");
    tcase_add_test(t, test_published);
    tcase_add_test(t, test_one_encoding_each);
    tcase_add_test(t, test_types_are_kept);
    tcase_add_test(t, test_fixed);
    tcase_add_test(t, test_every_buffer_that_is_too_small);
    suite_add_tcase(s, t);
    return run_suite(s);
}
