// SPDX-License-Identifier: Apache-2.0
// Margin calls: where a level begins and where it ends, to the unit; records; what may be asked for.
#include <check.h>
#include <string.h>

#include "run/config.h"
#include "run_suite.h"

static const struct calls_config three = {{300000, 100000, 20000}, 10000};

static unsigned level(const struct calls_config *c, int64_t equity, int64_t requirement, unsigned before)
{
    const struct health h = {.equity = i256_from_i64(equity), .requirement = i256_from_i64(requirement)};
    return calls_level(c, &h, before);
}

START_TEST(levels_to_the_unit)
{
    ck_assert_uint_eq(level(&three, 1300000, 1000000, 0), 0); // at a level: not below it
    ck_assert_uint_eq(level(&three, 1299999, 1000000, 0), 1);
    ck_assert_uint_eq(level(&three, 1100000, 1000000, 0), 1);
    ck_assert_uint_eq(level(&three, 1099999, 1000000, 0), 2);
    ck_assert_uint_eq(level(&three, 1019999, 1000000, 0), 3); // all three at once
    ck_assert_uint_eq(level(&three, -5, 1000000, 1), 3);
    ck_assert_uint_eq(level(&three, 0, 0, 3), 0); // owes nothing
}
END_TEST

START_TEST(hysteresis_to_the_unit)
{
    ck_assert_uint_eq(level(&three, 1029999, 1000000, 3), 3); // above the level, not clear of it
    ck_assert_uint_eq(level(&three, 1030000, 1000000, 3), 2);
    ck_assert_uint_eq(level(&three, 1309999, 1000000, 3), 1);
    ck_assert_uint_eq(level(&three, 1310000, 1000000, 3), 0);
    ck_assert_uint_eq(level(&three, 1309999, 1000000, 0), 0); // who was never called is not
    const struct calls_config sharp = {{50000}, 0};
    ck_assert_uint_eq(level(&sharp, 1049999, 1000000, 0), 1);
    ck_assert_uint_eq(level(&sharp, 1050000, 1000000, 1), 0);
    ck_assert_uint_eq(level(&sharp, 1, 1000000, 0), 1); // levels that are not used
}
END_TEST

START_TEST(records)
{
    struct call_record c = {.account = 0xfedcba98u, .level = 3, .entered = true, .ns = UINT64_MAX - 1}, back;
    uint8_t buf[CALL_BYTES + 1] = {0};
    call_encode(&c, buf);
    ck_assert(call_decode(buf, CALL_BYTES, &back) == 0 && back.account == c.account && back.level == 3 &&
              back.entered && back.ns == c.ns);
    for (size_t n = 0; n < CALL_BYTES; n++)
        ck_assert_int_eq(call_decode(buf, n, &back), -1);
    ck_assert_int_eq(call_decode(buf, sizeof buf, &back), -1);
    static const struct {
        size_t at;
        uint8_t bad;
    } wrong[] = {{4, 0}, {4, CALL_LEVELS + 1}, {5, 2}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        call_encode(&c, buf);
        buf[wrong[i].at] = wrong[i].bad;
        ck_assert_int_eq(call_decode(buf, CALL_BYTES, &back), -1);
    }
}
END_TEST

START_TEST(settings)
{
    static const struct {
        struct calls_config c;
        uint32_t warn;
        bool good;
    } is[] = {{{{0, 0, 0}, 0}, 0, true},
              {{{300000, 100000, 20000}, 0}, 300000, true},
              {{{300000, 0, 0}, 0}, 299999, false},
              {{{5, 5, 0}, 0}, 10, false},
              {{{5, 4, 4}, 0}, 10, false},
              {{{0, 5, 0}, 0}, 10, false},
              {{{5, 0, 4}, 0}, 10, false},
              {{{5, 4, 0}, 0}, 5, true}};
    for (size_t i = 0; i < sizeof is / sizeof *is; i++) {
        struct err e = {{0}};
        ck_assert_msg((calls_check(&is[i].c, is[i].warn, &e) == 0) == is[i].good, "case %zu", i);
        ck_assert(is[i].good || strstr(e.msg, "margin_call"));
    }
}
END_TEST

START_TEST(restored)
{
    const struct calls_config two = {{300000, 100000}, 10000};
    struct calls *c = calls_new(&two, false, 4);
    ck_assert_ptr_nonnull(c);
    calls_restore(c, 1, 3); // of a run with more levels
    calls_restore(c, 1, 1); // known already
    calls_restore(c, 2, 1);
    calls_restore(c, 3, 0);
    const struct calls_counters *n = calls_counters(c);
    ck_assert(n->restored == 2 && n->standing[0] == 2 && n->standing[1] == 1 && n->standing[2] == 0);
    ck_assert(n->entered[0] == 0);
    calls_free(c);
    calls_free(NULL);
}
END_TEST

// Journals from before there were these settings: no calls, the rest after the cooldown, the ramp as it was.
START_TEST(older_headers)
{
    static struct session_config c, now;
    const char text[] = "stages=1\ntarget_ppm=1100000\n";
    struct err e;
    ck_assert_int_eq(config_parse(text, sizeof text - 1, &c, &e), 0);
    ck_assert(c.desk.stages == STAGES_HYPERLIQUID && c.desk.stage.rest == REST_AFTER &&
              !calls_wanted(&c.calls));
    ck_assert(c.desk.stage.ramp_ms == 60000 && c.desk.stage.ramp_initial == 1000 &&
              c.desk.stage.ramp_steps == 10);
    config_default(&now);
    ck_assert(now.desk.stage.rest == REST_WITHIN && !calls_wanted(&now.calls));
    ck_assert_int_eq(config_set(&now, "stages_rest", "after", &e), 0);
    ck_assert_int_eq(config_set(&now, "stages_rest", "often", &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "within"));
    static char header[4096];
    size_t n = config_format(&now, header, sizeof header);
    ck_assert_uint_gt(n, 0);
    ck_assert(config_parse(header, n, &c, &e) == 0 && c.desk.stage.rest == REST_AFTER);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("calls");
    TCase *t = tcase_create("calls");
    tcase_add_test(t, levels_to_the_unit);
    tcase_add_test(t, hysteresis_to_the_unit);
    tcase_add_test(t, records);
    tcase_add_test(t, settings);
    tcase_add_test(t, restored);
    tcase_add_test(t, older_headers);
    suite_add_tcase(s, t);
    return run_suite(s);
}
