// SPDX-License-Identifier: Apache-2.0
// States as JSON, checked arithmetic and outcomes: what is read, which fault is told, what stays after one.
#include "base/checked.h"
#include "protocols/evaluate.h"
#include "run_suite.h"

#include <check.h>
#include <string.h>

static struct json_doc doc;
static struct err err;

static struct state opened(struct state *s, const char *text)
{
    json_free(&doc);
    ck_assert_int_eq(json_parse(text, strlen(text), &doc), 0);
    err.msg[0] = '\0';
    state_open(s, doc.root, "f", &err);
    return *s;
}

static bool is(u256 v, uint64_t w)
{
    return u256_cmp(v, u256_from_u64(w)) == 0;
}

START_TEST(reads)
{
    static const char *const names[] = {"a", "b"};
    struct state s;
    opened(&s, "{\"n\": 7, \"t\": \"0x10\", \"m\": -8, \"w\": \"-128\", \"b\": true, \"x\": \"word\", \"c\": "
               "\"b\", \"u\": 5}");
    ck_assert(is(state_u256(&s, "n", 3), 7));
    ck_assert(is(state_u256(&s, "t", 256), 16));
    ck_assert(i256_to_i64(state_i256(&s, "m", 256)) == -8);
    ck_assert(i256_to_i64(state_i256(&s, "w", 8)) == -128);
    ck_assert(state_bool_or(&s, "b", false));
    ck_assert_str_eq(state_text_or(&s, "x", ""), "word");
    ck_assert_uint_eq(state_choice(&s, "c", names, 2, false), 1);
    ck_assert_uint_eq(state_u64(&s, "u", 5), 5);
    ck_assert(is(state_u256_or(&s, "none", 256, u256_from_u64(3)), 3));
    ck_assert_uint_eq(state_u64_or(&s, "none", 9, 4), 4);
    ck_assert(i256_to_i64(state_i256_or(&s, "none", 9, i256_from_i64(-4))) == -4);
    ck_assert(state_bool_or(&s, "none", true));
    ck_assert_uint_eq(state_choice(&s, "none", names, 2, true), 0);
    ck_assert(state_has(&s, "n") && !state_has(&s, "none"));
    ck_assert(state_done(&s) && !s.failed);
}
END_TEST

// The first fault stays, and everything after it is 0.
START_TEST(faults)
{
    struct state s;
    opened(&s, "{\n\"a\": 8,\n\"b\": 1}");
    ck_assert(is(state_u256(&s, "a", 3), 0));
    ck_assert_str_eq(err.msg,
                     "f:2: \"a\" must be an integer from 0 to 2^3 - 1, without sign, fraction or exponent");
    ck_assert(is(state_u256(&s, "b", 3), 0));
    state_fail(&s, 9, "another");
    ck_assert(strncmp(err.msg, "f:2:", 4) == 0 && s.failed && !state_done(&s));
    opened(&s, "{\"m\": \"128\"}");
    (void)state_i256(&s, "m", 8);
    ck_assert(strstr(err.msg, "from -2^7 to 2^7 - 1") != NULL);
    opened(&s, "{\"m\": \"-129\"}");
    (void)state_i256(&s, "m", 8);
    ck_assert(s.failed);
    opened(&s, "{\"m\": 1.0}");
    (void)state_u64(&s, "m", 8);
    ck_assert(s.failed);
    opened(&s, "{\n\"a\": 1,\n\n\"z\": 1}");
    (void)state_u64(&s, "a", 8);
    ck_assert(!state_done(&s));
    ck_assert_str_eq(err.msg, "f:4: \"z\" is not known here: correct its name or leave it out");
    static const char *const names[] = {"a", "b"};
    opened(&s, "{\"c\": \"d\"}");
    (void)state_choice(&s, "c", names, 2, true);
    ck_assert_str_eq(err.msg, "f:1: \"c\" must be one of \"a\", \"b\"");
    opened(&s, "[1]");
    ck_assert(s.failed && strstr(err.msg, "a state is an object"));
}
END_TEST

START_TEST(nested)
{
    struct state s, i;
    const struct json *it = NULL;
    bool there;
    uint64_t sum = 0;
    opened(&s, "{\"list\": [{\"v\": 1}, {\"v\": 2}], \"o\": {\"v\": 4}}");
    while (state_next(&s, "list", 2, &it, &i)) {
        sum += state_u64(&i, "v", 9);
        ck_assert(state_done(&i));
    }
    struct state o = state_object(&s, "o", &there);
    ck_assert(there && sum + state_u64(&o, "v", 9) == 7 && state_done(&o) && state_done(&s));
    struct state none = state_object(&s, "none", &there);
    ck_assert(!there && state_done(&none) && !s.failed);
    it = NULL;
    ck_assert(!state_next(&s, "none", 2, &it, &i) && !s.failed);
    it = NULL; // a fault below is one of the whole document
    opened(&s, "{\"list\": [{\"v\": 1}, {\"w\": 2}], \"o\": 1}");
    while (state_next(&s, "list", 2, &it, &i))
        (void)state_u64(&i, "v", 9);
    ck_assert(s.failed && strstr(err.msg, "\"v\" is missing"));
    ck_assert_uint_eq(state_u64(&s, "o", 9), 0);
    it = NULL;
    opened(&s, "{\"list\": [{}, {}, {}]}");
    ck_assert(!state_next(&s, "list", 2, &it, &i) && strstr(err.msg, "3 elements; 2 are the most"));
}
END_TEST

START_TEST(arithmetic)
{
    struct checked k = {0};
    u256 two = ck_u64(2), three = ck_u64(3), seven = ck_u64(7);
    ck_assert(is(ck_div(&k, seven, two), 3) && is(ck_div_up(&k, seven, two), 4) &&
              is(ck_div_up(&k, ck_u64(8), two), 4));
    ck_assert(is(ck_mul_div(&k, seven, three, two), 10) && is(ck_mul_div_up(&k, seven, three, two), 11));
    ck_assert(is(ck_full_div(&k, U256_MAX, seven, U256_MAX), 7) &&
              is(ck_full_div_up(&k, seven, three, two), 11));
    ck_assert(is(ck_min(two, three), 2) && is(ck_max(two, three), 3) && ck_ok(&k));
    ck_assert(is(ck_mul_div(&k, U256_MAX, seven, U256_MAX), 0)); // the product leaves the word
    ck_assert_str_eq(k.why, "arithmetic overflow");
    ck_assert(is(ck_add(&k, two, two), 0)); // nothing counts after it
    (void)ck_div(&k, two, U256_ZERO);
    ck_assert_str_eq(k.why, "arithmetic overflow");
    struct checked zero = {0}, under = {0}, own = {0}, up = {0};
    (void)ck_full_div(&zero, two, two, U256_ZERO);
    ck_assert_str_eq(zero.why, "division by zero");
    (void)ck_sub(&under, two, three);
    ck_assert_str_eq(under.why, "arithmetic underflow");
    ck_fail(&own, "first");
    ck_fail(&own, "second");
    ck_assert_str_eq(own.why, "first");
    (void)ck_full_div_up(&up, U256_MAX, ck_sub(&up, U256_MAX, two), ck_sub(&up, U256_MAX, three));
    ck_assert_str_eq(up.why, "arithmetic overflow");
}
END_TEST

static int many(struct state *s, struct outcome *out, struct err *e)
{
    char at[OUTCOME_NAME_MAX];
    (void)e;
    uint64_t n = state_u64(s, "n", 1000);
    if (!state_done(s))
        return -1;
    for (unsigned i = 0; i < n; i++)
        outcome_u256(out, outcome_at(at, "a", i, "b"), U256_MAX);
    outcome_i256(out, "low", i256_shl(i256_from_i64(-1), 255));
    outcome_text(out, "text", "a\"b\\c\n");
    return 0;
}

START_TEST(outcomes)
{
    static const struct protocol p = {.name = "p", .eval = many};
    static struct outcome out;
    static const char one[] = "{\"n\": 1}", most[] = "{\"n\": 254}", more[] = "{\"n\": 255}";
    char buf[1000] = "";
    ck_assert_int_eq(evaluate_text(&p, one, strlen(one), "f", 1, &out, &err), 0);
    FILE *f = fmemopen(buf, sizeof buf, "w");
    evaluate_json(&out, f);
    (void)fclose(f);
    ck_assert_str_eq(
        buf, "{\"a[0].b\": 115792089237316195423570985008687907853269984665640564039457584007913129639935, "
             "\"low\": -57896044618658097711785492504343953926634992332820282019728792003956564819968, "
             "\"text\": \"a\\\"b\\\\c\\u000a\"}\n");
    ck_assert_int_eq(evaluate_text(&p, most, strlen(most), "f", 1, &out, &err), 0);
    ck_assert_int_eq(evaluate_text(&p, more, strlen(more), "f", 5, &out, &err), -1);
    ck_assert_msg(strncmp(err.msg, "f:5: more than 256 results", 26) == 0, "%s", err.msg);
    ck_assert_int_eq(evaluate_text(&p, "\n{\"n\": x}", 9, "f", 5, &out, &err), -1);
    ck_assert_msg(strncmp(err.msg, "f:6: no JSON", 12) == 0, "%s", err.msg);
}
END_TEST

START_TEST(known)
{
    for (size_t i = 0; protocol_at(i); i++) {
        const struct protocol *p = protocol_at(i);
        ck_assert(protocol_find(p->name) == p && p->title[0] && p->source[0] && p->eval);
        ck_assert(i == 0 || strcmp(protocol_at(i - 1)->name, p->name) < 0);
    }
    ck_assert(protocol_find("none") == NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("protocols/state");
    TCase *t = tcase_create("state");
    tcase_add_test(t, reads);
    tcase_add_test(t, faults);
    tcase_add_test(t, nested);
    tcase_add_test(t, arithmetic);
    tcase_add_test(t, outcomes);
    tcase_add_test(t, known);
    suite_add_tcase(s, t);
    int rc = run_suite(s);
    json_free(&doc);
    return rc;
}
