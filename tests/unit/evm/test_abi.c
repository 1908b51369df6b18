// SPDX-License-Identifier: Apache-2.0
// Contract ABI: the examples of Solidity's specification, typed readers, heads that are not filled or filled
// too far, lengths and offsets that lie, events.
#include <check.h>

#include "evm/abi.h"
#include "evm/hex.h"
#include "run_suite.h"

static uint8_t buf[2048];

// `expect`: the selector, then each word by its digits without leading zeros; text in quotes is left-aligned.
static void check_call(size_t n, const char *expect)
{
    static char want[2 * sizeof buf + 1], have[2 * sizeof buf + 1];
    char word[80], copy[512];
    size_t used = 0;
    ck_assert_uint_lt(strlen(expect), sizeof copy);
    strcpy(copy, expect);
    for (char *save, *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
        memset(word, '0', sizeof word);
        size_t width = used ? 2 * WORD_BYTES : 8, digits = strlen(p);
        if (p[0] == '\'')
            hex_put(p + 1, digits - 1, word);
        else
            memcpy(word + width - digits, p, digits);
        memcpy(want + used, word, width);
        used += width;
    }
    want[used] = '\0';
    hex_put(buf, n, have);
    have[2 * n] = '\0';
    ck_assert_str_eq(have, want);
}

START_TEST(test_published_static)
{
    struct abi_out o = abi_out_of(buf, sizeof buf);
    struct abi_head h = abi_call(&o, abi_selector("baz(uint32,bool)"), 2);
    abi_put_u64(&o, &h, 69);
    abi_put_u64(&o, &h, true);
    check_call(abi_done(&o), "cdcd77c0 45 1");
    o = abi_out_of(buf, sizeof buf);
    h = abi_call(&o, abi_selector("bar(bytes3[2])"), 2);
    abi_put_word(&o, &h, &(struct word){"abc"});
    abi_put_word(&o, &h, &(struct word){"def"});
    check_call(abi_done(&o), "fce353f6 'abc 'def");
}
END_TEST

START_TEST(test_published_dynamic)
{
    struct abi_out o = abi_out_of(buf, sizeof buf);
    struct abi_head h = abi_call(&o, abi_selector("sam(bytes,bool,uint256[])"), 3);
    abi_put_bytes(&o, &h, "dave", 4);
    abi_put_u64(&o, &h, true);
    struct abi_head a = abi_put_array(&o, &h, 3, 1);
    for (uint64_t i = 1; i <= 3; i++)
        abi_put_u64(&o, &a, i);
    check_call(abi_done(&o), "a5643bf2 60 1 a0 4 'dave 3 1 2 3");
    o = abi_out_of(buf, sizeof buf); // ([[1, 2], [3]], ["one", "two", "three"])
    h = abi_call(&o, abi_selector("g(uint256[][],string[])"), 2);
    a = abi_put_array(&o, &h, 2, 1);
    struct abi_head b = abi_put_array(&o, &a, 2, 1);
    abi_put_u64(&o, &b, 1);
    abi_put_u64(&o, &b, 2);
    b = abi_put_array(&o, &a, 1, 1);
    abi_put_u64(&o, &b, 3);
    a = abi_put_array(&o, &h, 3, 1);
    abi_put_bytes(&o, &a, "one", 3);
    abi_put_bytes(&o, &a, "two", 3);
    abi_put_bytes(&o, &a, "three", 5);
    check_call(abi_done(&o), "2289b18c 40 140 2 40 a0 2 1 2 1 3 3 60 a0 e0 3 'one 3 'two 5 'three");
}
END_TEST

START_TEST(test_typed_values)
{
    struct evm_address who = {{1, 2, 3}};
    struct word max;
    bool bad = false;
    memset(&max, 0xff, sizeof max);
    struct abi_out o = abi_out_of(buf, sizeof buf);
    struct abi_head h = abi_row(&o, 5);
    struct word minus = word_from_signed(i256_from_i64(-5)), wide;
    abi_put_u128(&o, &h, (u128)-1);
    abi_put_word(&o, &h, &minus);
    abi_put_address(&o, &h, &who);
    abi_put_word(&o, &h, &max);
    abi_put_u64(&o, &h, UINT64_MAX);
    struct abi_in in = abi_in_of(buf, abi_done(&o), &bad);
    wide = abi_get_word(&in);
    ck_assert(be64_load(wide.b + 8) == 0 && be64_load(wide.b + 16) == UINT64_MAX);
    ck_assert(be64_load(wide.b + 24) == UINT64_MAX);
    ck_assert_int_eq(i256_cmp(abi_get_signed(&in), i256_from_i64(-5)), 0);
    struct evm_address a = abi_get_address(&in);
    struct word w = abi_get_word(&in);
    ck_assert(address_equal(&a, &who) && word_equal(&w, &max));
    ck_assert(abi_get_u64(&in) == UINT64_MAX && !bad);
    ck_assert(abi_get_u64(&in) == 0 && bad); // behind the end
}
END_TEST

// Whether a reader takes the word whose byte `at` is v, all others zero.
static bool takes(int what, unsigned at, uint8_t v)
{
    struct word w = {{0}};
    bool bad = false;
    w.b[at] = v;
    struct abi_in in = abi_in_of(w.b, WORD_BYTES, &bad);
    if (what == 'q')
        (void)abi_get_u64(&in);
    else
        (void)abi_get_address(&in);
    return !bad;
}

START_TEST(test_values_of_another_type)
{
    for (unsigned at = 0; at < WORD_BYTES; at++) {
        ck_assert(takes('q', at, 1) == (at >= 24));
        ck_assert(takes('a', at, 1) == (at >= 12));
    }
}
END_TEST

START_TEST(test_heads_are_filled_exactly)
{
    struct abi_out o = abi_out_of(buf, sizeof buf);
    struct abi_head h = abi_row(&o, 2);
    ck_assert_uint_eq(abi_done(&o), 0);
    abi_put_u64(&o, &h, 1);
    ck_assert_uint_eq(abi_done(&o), 0);
    struct abi_head a = abi_put_array(&o, &h, 1, 2);
    abi_put_u64(&o, &a, 1);
    ck_assert_uint_eq(abi_done(&o), 0); // the array's item lacks a word
    abi_put_u64(&o, &a, 1);
    ck_assert_uint_eq(abi_done(&o), 5 * WORD_BYTES);
    abi_put_u64(&o, &h, 7);
    ck_assert_uint_eq(abi_done(&o), 0); // one too many, and it was not written over the array's length
    bool bad = false;
    struct abi_in in = abi_in_of(buf + WORD_BYTES, 4 * WORD_BYTES, &bad);
    buf[2 * WORD_BYTES - 1] = WORD_BYTES; // its offset, counted from here
    size_t count;
    (void)abi_get_array(&in, 2, &count);
    ck_assert(!bad && count == 1);
    o = abi_out_of(buf, sizeof buf);
    h = abi_row(&o, (size_t)1 << 59); // its bytes are 0 modulo 2^64
    ck_assert(o.bad);
    o = abi_out_of(buf, sizeof buf);
    h = abi_row(&o, 1);
    (void)abi_put_array(&o, &h, (size_t)1 << 62, 4); // its words are
    ck_assert(o.bad);
}
END_TEST

START_TEST(test_every_buffer_that_is_too_small)
{
    for (size_t size = 0; size < 4 + 32 * 6; size++) {
        memset(buf, 0xee, sizeof buf);
        struct abi_out o = abi_out_of(buf, size);
        struct abi_head h = abi_call(&o, 0x01020304, 2);
        abi_put_bytes(&o, &h, "0123456789012345678901234567890123456789", 33);
        struct abi_head t = abi_put_tuple(&o, &h, 1);
        abi_put_u64(&o, &t, 1);
        ck_assert_uint_eq(abi_done(&o), 0);
        for (size_t i = size; i < size + 64; i++)
            ck_assert_uint_eq(buf[i], 0xee);
    }
    struct abi_out o = abi_out_of(buf, 40);
    struct abi_head h = abi_row(&o, 2);
    abi_put_bytes(&o, &h, "", 0); // would fit
    ck_assert(o.bad && o.used == 0);
}
END_TEST

static void put_word(size_t at, uint64_t v)
{
    struct word w = word_from_u64(v);
    memcpy(buf + WORD_BYTES * at, w.b, WORD_BYTES);
}

START_TEST(test_lengths_that_lie)
{
    enum { SIZE = 5 * WORD_BYTES };
    static const struct {
        uint64_t offset, length;
        bool bytes, words; // good as bytes, as an array of single words
    } cases[] = {
        {32, 0, true, true},
        {32, 3, true, true},
        {32, 4, true, false},
        {32, 96, true, false},
        {32, 97, false, false},
        {33, 0, true, true},
        {160, 0, false, false},
        {161, 0, false, false},
        {128, 0, true, true},
        {129, 0, false, false},
        {32, UINT64_MAX, false, false},
        {UINT64_MAX, 0, false, false},
        {UINT64_MAX - 31, 0, false, false},
        {32, UINT64_C(1) << 59, false, false},
        {32, (UINT64_C(1) << 59) + 1, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        bool bad = false;
        memset(buf, 0, SIZE);
        put_word(0, cases[i].offset);
        if (cases[i].length)
            put_word(1, cases[i].length);
        struct abi_in in = abi_in_of(buf, SIZE, &bad);
        (void)abi_get_bytes(&in, &n);
        ck_assert_msg(bad == !cases[i].bytes, "case %zu", i);
        ck_assert_uint_eq(n, bad ? 0 : cases[i].length);
        bad = false;
        in = abi_in_of(buf, SIZE, &bad);
        (void)abi_get_array(&in, 1, &n);
        ck_assert_msg(bad == !cases[i].words, "case %zu", i);
        ck_assert_uint_eq(n, bad ? 0 : cases[i].length);
    }
    size_t n;
    bool bad = false;
    put_word(0, 32);
    put_word(1, 3);
    struct abi_in in = abi_in_of(buf, SIZE, &bad);
    (void)abi_get_array(&in, 0, &n); // items without a size could be any number
    ck_assert(bad && n == 0);
}
END_TEST

START_TEST(test_reverts_reason) // Error(string), as a node returns it behind the selector
{
    bool bad = false;
    size_t n;
    struct abi_out o = abi_out_of(buf, sizeof buf);
    struct abi_head h = abi_call(&o, abi_selector("Error(string)"), 1);
    abi_put_bytes(&o, &h, "not healthy", 11);
    ck_assert_uint_eq(abi_done(&o), 100);
    ck_assert(memcmp(buf, "\x08\xc3\x79\xa0", 4) == 0);
    struct abi_in in = abi_in_of(buf + 4, 96, &bad);
    const uint8_t *text = abi_get_bytes(&in, &n);
    ck_assert(!bad && n == 11 && memcmp(text, "not healthy", 11) == 0);
}
END_TEST

START_TEST(test_events)
{
    struct word transfer = abi_topic("Transfer(address,address,uint256)"), other = abi_topic("Approval()");
    struct abi_log l = {.n_topics = 3, .topic = {transfer}};
    ck_assert(abi_log_is(&l, &transfer, 2) && !abi_log_is(&l, &transfer, 3) && !abi_log_is(&l, &transfer, 1));
    ck_assert(!abi_log_is(&l, &other, 2));
    l.n_topics = 0; // an anonymous event
    ck_assert(!abi_log_is(&l, &transfer, 0));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evm/abi");
    TCase *t = tcase_create("abi");
    tcase_add_test(t, test_published_static);
    tcase_add_test(t, test_published_dynamic);
    tcase_add_test(t, test_typed_values);
    tcase_add_test(t, test_values_of_another_type);
    tcase_add_test(t, test_heads_are_filled_exactly);
    tcase_add_test(t, test_every_buffer_that_is_too_small);
    tcase_add_test(t, test_lengths_that_lie);
    tcase_add_test(t, test_reverts_reason);
    tcase_add_test(t, test_events);
    suite_add_tcase(s, t);
    return run_suite(s);
}
