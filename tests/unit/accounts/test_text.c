// SPDX-License-Identifier: Apache-2.0
// The readers under the import, each by itself: decimals, CSV, JSON.
#include <check.h>
#include <stdlib.h>

#include "accounts/book_random.h"
#include "accounts/csv.h"
#include "accounts/decimal.h"
#include "accounts/json.h"
#include "base/test_seed.h"
#include "run_suite.h"

static uint64_t seed;

// ---- decimals
// ------------------------------------------------------------------------------------------------

struct decimal {
    const char *text;
    unsigned decimals;
    const char *want; // integer text, or a piece of the error
    bool ok;
};
static const struct decimal DECIMALS[] = {
    {"0", 6, "0", true},
    {"-0", 6, "0", true},
    {"1234.56", 6, "1234560000", true},
    {"+1.5", 1, "15", true},
    {"-1.50", 1, "-15", true},
    {"00012", 0, "12", true},
    {"0.1", 1, "1", true},
    {"1e3", 0, "1000", true},
    {"1.5E3", 0, "1500", true},
    {"12e-1", 1, "12", true},
    {"1000e-3", 0, "1", true},
    {"0e9999", 0, "0", true},
    {"0.000", 0, "0", true},
    {"100000000000000000000.1", 18, "100000000000000000000100000000000000000", true},
    {"170141183460469231731687303715884105727", 0, "170141183460469231731687303715884105727", true},
    {"-170141183460469231731687303715884105727", 0, "-170141183460469231731687303715884105727", true},
    {"170141183460469231731687303715884105728", 0, "out of range", false},
    {"340282366920938463463374607431768211456", 0, "out of range", false},
    {"1e39", 0, "out of range", false},
    {"1e99999999999", 0, "out of range", false},
    {"17014118346046923173168730371588410573", 1, "out of range", false},
    {"1e-99999999999", 18, "more than 18 decimals", false},
    {"0.1234567", 6, "more than 6 decimals", false},
    {"1.5", 0, "more than 0 decimals", false},
    {"", 6, "is not a number", false},
    {"-", 6, "is not a number", false},
    {".5", 6, "is not a number", false},
    {"5.", 6, "is not a number", false},
    {"1,5", 6, "is not a number", false},
    {"1 ", 6, "is not a number", false},
    {" 1", 6, "is not a number", false},
    {"0x10", 6, "is not a number", false},
    {"1e", 6, "is not a number", false},
    {"1e+", 6, "is not a number", false},
    {"1e5x", 6, "is not a number", false},
    {"--1", 6, "is not a number", false},
    {"nan", 6, "is not a number", false},
    {"inf", 6, "is not a number", false},
};

START_TEST(test_decimal)
{
    const struct decimal *d = &DECIMALS[_i];
    struct err e = {""};
    i128 v;
    char text[DEC_TEXT_MAX];
    int rc = dec_parse(d->text, d->decimals, &v, &e);
    ck_assert_msg(rc == (d->ok ? 0 : -1), "'%s': %d %s", d->text, rc, e.msg);
    if (rc == 0) {
        int_format(v, text);
        ck_assert_str_eq(text, d->want);
    } else {
        ck_assert_ptr_nonnull(strstr(e.msg, d->want));
    }
}
END_TEST

START_TEST(test_decimal_round_trip)
{
    struct prng r;
    char text[DEC_TEXT_MAX];
    prng_seed(&r, seed);
    for (unsigned i = 0; i < test_rounds(100000); i++) {
        i128 v = random_signed(&r), w;
        if (v == -(i128)(~(u128)0 >> 1) - 1)
            continue; // dec_parse is symmetric: 127 bits
        unsigned d = (unsigned)prng_below(&r, DEC_DECIMALS_MAX + 1);
        ck_assert_uint_lt(dec_format(v, d, text), sizeof text);
        ck_assert_msg(dec_parse(text, d, &w, NULL) == 0 && v == w, "%s", text);
        int_format(v, text);
        ck_assert(int_parse(text, &w) == 0 && v == w);
    }
    dec_format(-(i128)(~(u128)0 >> 1) - 1, 36, text);
    ck_assert_str_eq(text, "-170.141183460469231731687303715884105728");
    dec_format(1500000, 6, text);
    ck_assert_str_eq(text, "1.5");
    dec_format(-5, 6, text);
    ck_assert_str_eq(text, "-0.000005");
}
END_TEST

// Short numbers have a way of their own; an exponent of 0 sends the same number the long way.
START_TEST(test_decimal_both_ways)
{
    struct prng r;
    char text[64], longer[80];
    unsigned good = 0, bad = 0;
    prng_seed(&r, seed + 3);
    for (unsigned i = 0; i < test_rounds(300000); i++) {
        size_t n = 0;
        if (prng_chance(&r, 1, 3))
            text[n++] = '-';
        for (uint64_t k = prng_below(&r, 22); k--;)
            text[n++] = (char)('0' + (prng_chance(&r, 1, 3) ? 0 : prng_below(&r, 10)));
        if (prng_chance(&r, 1, 2)) {
            text[n++] = '.';
            for (uint64_t k = prng_below(&r, 12); k--;)
                text[n++] = (char)('0' + (prng_chance(&r, 1, 2) ? 0 : prng_below(&r, 10)));
        }
        if (prng_chance(&r, 1, 50))
            text[n++] = "x.-e, "[prng_below(&r, 6)];
        text[n] = '\0';
        (void)snprintf(longer, sizeof longer, "%se0", text);
        unsigned decimals = (unsigned)prng_below(&r, 25);
        i128 a = -77, b = -77;
        int rc = dec_parse(text, decimals, &a, NULL);
        bool valid = strchr(text, 'e') == NULL;
        ck_assert_msg(!valid || (rc == dec_parse(longer, decimals, &b, NULL) && a == b), "%s with %u", text,
                      decimals);
        good += rc == 0;
        bad += rc != 0;
    }
    ck_assert(good > test_rounds(10000) && bad > test_rounds(10000));
}
END_TEST

// ---- CSV and JSON as such
// ------------------------------------------------------------------------------------

START_TEST(test_csv_fields)
{
    char text[] = "\xEF\xBB\xBF"
                  "a, b ,\"c,\"\"d\"\"\"\r\n"
                  "\r\n   \n# comment, \"not closed\n"
                  "\"\",, \" x \" \t\n"
                  "last";
    static const char *const want[][3] = {{"a", "b", "c,\"d\""}, {"", "", " x "}, {"last", NULL, NULL}};
    static const unsigned lines[] = {1, 5, 6};
    struct csv c;
    char *field[3];
    csv_init(&c, text, sizeof text - 1);
    for (int row = 0; row < 3; row++) {
        int n = csv_next(&c, field, 3);
        ck_assert_int_eq(n, row < 2 ? 3 : 1);
        ck_assert_uint_eq(c.line, lines[row]);
        for (int i = 0; i < n; i++)
            ck_assert_str_eq(field[i], want[row][i]);
    }
    ck_assert_int_eq(csv_next(&c, field, 3), 0);
}
END_TEST

struct refused {
    const char *text, *error;
    unsigned line;
};
static const struct refused CSV_REFUSED[] = {
    {"a\n\"b", "closing quote", 2},         {"a\n\"b\nc\"", "closing quote", 2},
    {"\"a\"b", "behind a quoted field", 1}, {"a\nb\"c\"", "quote inside", 2},
    {"a,b,c,d", "too many columns", 1},     {"a\rb\nc", "carriage return", 1},
};

struct pieces {
    const char *text;
    size_t len, most; // bytes that one read gives
    struct prng *r;
};

static ssize_t read_pieces(void *ctx, uint64_t at, char *to, size_t n)
{
    struct pieces *p = ctx;
    size_t left = p->len - (size_t)at, some = 1 + (size_t)prng_below(p->r, p->most);
    n = n < left ? n : left;
    n = n < some ? n : some;
    memcpy(to, p->text + at, n);
    return (ssize_t)n;
}

// Fields and line ends of every kind.
static size_t random_csv(struct prng *r, char *text)
{
    static const char *const part[] = {"a",    "12.5", "",          "\"x, y\"", "\"say \"\"yes\"\"\"",
                                       " b ",  ",",    ",",         ",",        "\n",
                                       "\r\n", "\n\n", "\n# note\n"};
    size_t n = 0;
    for (uint64_t k = prng_below(r, 60); k--;) {
        const char *s = part[prng_below(r, prng_chance(r, 1, 40) ? 13 : 3 + prng_below(r, 11))];
        bool field = strchr("\n\r,", s[0]) == NULL || !*s;
        n += (size_t)sprintf(text + n, "%s%s", s, field ? "," : "");
    }
    return n;
}

// A stream in small pieces through a small buffer gives what the whole text gives, to the line and the byte.
START_TEST(test_csv_stream)
{
    struct prng r;
    static char text[4096], copy[4096], buf[256];
    unsigned rows = 0, errors = 0;
    prng_seed(&r, seed + 4);
    for (unsigned round = 0; round < test_rounds(20000); round++) {
        size_t n = prng_chance(&r, 1, 8) ? (size_t)sprintf(text, "\xEF\xBB\xBF") : 0;
        n += random_csv(&r, text + n);
        struct pieces p = {text, n, 1 + (size_t)prng_below(&r, 100), &r};
        struct csv whole, stream;
        char *f[16], *g[16];
        memcpy(copy, text, n + 1);
        csv_init(&whole, copy, n);
        csv_stream(&stream, buf, sizeof buf, read_pieces, &p);
        int k;
        do {
            k = csv_next(&whole, f, 16);
            int m = csv_next(&stream, g, 16);
            if (stream.error &&
                strstr(stream.error, "line too long")) { // the one thing that only a text may have
                ck_assert_ptr_null(memchr(text + stream.base, '\n', sizeof buf - 1));
                break;
            }
            ck_assert_int_eq(k, m);
            ck_assert_uint_eq(whole.line, stream.line);
            ck_assert(k <= 0 || whole.at == stream.at);
            ck_assert(k >= 0 || strcmp(whole.error, stream.error) == 0);
            for (int i = 0; i < k; i++)
                ck_assert_str_eq(f[i], g[i]);
            rows += k > 0;
            errors += k < 0;
        } while (k > 0);
    }
    ck_assert_msg(rows > test_rounds(10000) && errors > test_rounds(100), "%u rows, %u errors", rows, errors);
}
END_TEST

static ssize_t read_fails(void *ctx, uint64_t at, char *to, size_t n)
{
    (void)ctx;
    (void)n;
    memcpy(to, "a,b\n1,", 6);
    return at == 0 ? 6 : -1;
}

START_TEST(test_csv_stream_fails)
{
    struct csv c;
    char buf[64], *f[4];
    csv_stream(&c, buf, sizeof buf, read_fails, NULL);
    ck_assert_int_eq(csv_next(&c, f, 4), 2);
    ck_assert_int_eq(csv_next(&c, f, 4), -1);
    ck_assert_ptr_nonnull(strstr(c.error, "cannot be read"));
    ck_assert_uint_eq(c.line, 2);
}
END_TEST

START_TEST(test_csv_refused)
{
    const struct refused *t = &CSV_REFUSED[_i];
    char text[64], *field[3];
    struct csv c;
    int n;
    (void)snprintf(text, sizeof text, "%s", t->text);
    csv_init(&c, text, strlen(text));
    while ((n = csv_next(&c, field, 3)) > 0)
        ;
    ck_assert_int_eq(n, -1);
    ck_assert_msg(strstr(c.error, t->error) != NULL, "%s", c.error);
    ck_assert_uint_eq(c.line, t->line);
}
END_TEST

START_TEST(test_csv_nul)
{
    char text[] = "a,b\0c\n", *field[3];
    struct csv c;
    csv_init(&c, text, sizeof text - 1);
    ck_assert_int_eq(csv_next(&c, field, 3), -1);
    ck_assert_ptr_nonnull(strstr(c.error, "NUL"));
}
END_TEST

static const struct refused JSON_REFUSED[] = {
    {"", "ends too early", 1},
    {"\n\n{\n", "a name in quotes", 4},
    {"{\"a\": 1,\n}", "a name in quotes", 2},
    {"{\"a\"\n 1}", "':' was expected", 2},
    {"[1\n\n2]", "',' or ']'", 3},
    {"{\"a\": 1 \"b\": 2}", "',' or '}'", 1},
    {"{\"a\": 1,\n \"a\": 2}", "used twice", 2},
    {"[1] x", "behind the end", 1},
    {"[01]", "',' or ']'", 1},
    {"[-]", "malformed number", 1},
    {"[1.]", "malformed number", 1},
    {"[1e]", "malformed number", 1},
    {"[.5]", "a value was expected", 1},
    {"[NaN]", "a value was expected", 1},
    {"[tru]", "a value was expected", 1},
    {"[\"a\nb\"]", "control character", 1},
    {"[\"a", "closing quote", 1},
    {"[\"a\\", "closing quote", 1},
    {"[\"\\x\"]", "unknown escape", 1},
    {"[\"\\u12\"]", "hexadecimal", 1},
    {"[\"\\u0000\"]", "u0000", 1},
    {"[\"\\ud800\"]", "surrogate", 1},
    {"[\"\\udc00\\ud800\"]", "surrogate", 1},
    {"[\"\\ud800\\u0041\"]", "surrogate", 1},
    {"[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]", "too deeply", 1},
};

START_TEST(test_json_refused)
{
    const struct refused *t = &JSON_REFUSED[_i];
    struct json_doc doc;
    ck_assert_int_eq(json_parse(t->text, strlen(t->text), &doc), -1);
    ck_assert_msg(strstr(doc.error, t->error) != NULL, "%s: %s", t->text, doc.error);
    ck_assert_uint_eq(doc.error_line, t->line);
    json_free(&doc);
}
END_TEST

START_TEST(test_json_values)
{
    static const char text[] =
        "\xEF\xBB\xBF{\"n\": -1.500e+3,\n \"s\": \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\\u0041\","
        "\n\n \"l\": [true, false, null, [], {}]}";
    struct json_doc doc;
    ck_assert_int_eq(json_parse(text, sizeof text - 1, &doc), 0);
    const struct json *n = doc.root->child, *s = n->next, *l = s->next;
    ck_assert_int_eq(n->type, JSON_NUMBER);
    ck_assert_str_eq(n->text, "-1.500e+3");
    ck_assert_str_eq(s->text, "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80"
                              "A");
    ck_assert_uint_eq(s->line, 2);
    ck_assert_uint_eq(l->line, 4);
    ck_assert_ptr_null(l->next);
    static const enum json_type types[] = {JSON_BOOL, JSON_BOOL, JSON_NULL, JSON_ARRAY, JSON_OBJECT};
    const struct json *v = l->child;
    for (int i = 0; i < 5; i++, v = v->next)
        ck_assert_int_eq(v->type, types[i]);
    ck_assert_ptr_null(v);
    ck_assert_str_eq(l->child->text, "true");
    ck_assert_str_eq(l->child->next->text, "false");
    json_free(&doc);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof *(a))

int main(void)
{
    seed = test_seed(20261120);
    Suite *s = suite_create("accounts/text");
    TCase *t = tcase_create("text");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_decimal, 0, COUNT(DECIMALS));
    tcase_add_test(t, test_decimal_round_trip);
    tcase_add_test(t, test_csv_fields);
    tcase_add_test(t, test_decimal_both_ways);
    tcase_add_test(t, test_csv_stream);
    tcase_add_test(t, test_csv_stream_fails);
    tcase_add_loop_test(t, test_csv_refused, 0, COUNT(CSV_REFUSED));
    tcase_add_test(t, test_csv_nul);
    tcase_add_loop_test(t, test_json_refused, 0, COUNT(JSON_REFUSED));
    tcase_add_test(t, test_json_values);
    suite_add_tcase(s, t);
    return run_suite(s);
}
