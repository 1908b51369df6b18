// SPDX-License-Identifier: Apache-2.0
// The comparing back end must notice every kind of difference. The second device here is a model with a
// fault.
#include "device.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fault { NONE, FLIP_BIT, STAMPS_ONLY, LOSE, EXTRA, SWAP, REFUSE };

// A device that passes everything on to a model and spoils what comes back.
struct spoiled {
    struct device dev;
    struct device *inner;
    size_t seen; // events so far
    struct beat held;
    bool holding;
};

static enum fault fault;
static size_t fault_at; // event to spoil
static bool other_hash;
static uint32_t other_lanes;

static int spoiled_open(const struct device_config *c, struct device **out, struct err *e);
static size_t spoiled_submit(struct device *d, const struct beat *cmd, size_t n)
{
    return fault == REFUSE ? 0 : device_submit(((struct spoiled *)d)->inner, cmd, n);
}
static size_t spoiled_poll(struct device *d, struct beat *evt, size_t max)
{
    struct spoiled *s = (struct spoiled *)d;
    if (!max)
        return 0;
    if (s->holding) {
        s->holding = false;
        *evt = s->held;
        return 1;
    }
    if (device_poll(s->inner, evt, 1) == 0)
        return 0;
    if (fault == STAMPS_ONLY)
        evt->w[3] ^= UINT64_C(0xdeadbeef) << 30;
    if (s->seen++ != fault_at)
        return 1;
    if (fault == FLIP_BIT)
        evt->w[1] ^= UINT64_C(1) << 40;
    if (fault == LOSE)
        return device_poll(s->inner, evt, 1);
    s->held = *evt;
    s->holding = fault == EXTRA || (fault == SWAP && device_poll(s->inner, evt, 1) == 1);
    return 1;
}
static void spoiled_counters(struct device *d, struct device_counters *out)
{
    device_counters(((struct spoiled *)d)->inner, out);
}
static void spoiled_close(struct device *d)
{
    device_close(((struct spoiled *)d)->inner);
    free(d);
}
static const struct device_ops ops_spoiled = {.name = "spoiled",
                                              .open = spoiled_open,
                                              .submit = spoiled_submit,
                                              .poll = spoiled_poll,
                                              .counters = spoiled_counters,
                                              .close = spoiled_close};
static int spoiled_open(const struct device_config *c, struct device **out, struct err *e)
{
    struct spoiled *s = calloc(1, sizeof *s);
    struct device_config inner = *c;
    ck_assert_ptr_nonnull(s);
    inner.backend = "model";
    if (other_lanes)
        inner.lanes = other_lanes;
    if (device_open(&inner, &s->inner, e)) {
        free(s);
        return -1;
    }
    s->dev.info = s->inner->info;
    s->dev.info.backend = "spoiled";
    s->dev.info.abi_hash += other_hash;
    s->dev.ops = &ops_spoiled;
    *out = &s->dev;
    return 0;
}

enum { SYNCS = 5000 };

// Sends SYNCS commands through "model+spoiled"; returns what mismatch() says. Events must be the model's, all
// of them.
static bool run(char *text, size_t size)
{
    struct device *d = NULL;
    struct err e;
    ck_assert_msg(
        device_open(&(struct device_config){.backend = "model+spoiled", .lanes = 4, .slots = 2}, &d, &e) == 0,
        "%s", e.msg);
    uint64_t got = 0, sent = 0;
    struct beat b, evt[16];
    while (got < SYNCS) {
        for (int i = 0; i < 700 && sent < SYNCS; i++) {
            abi_pack_sync(&b, &(struct abi_sync){.token = sent});
            size_t taken = device_submit(d, &b, 1);
            if (!taken)
                break;
            sent += taken;
        }
        size_t n = device_poll(d, evt, 16);
        ck_assert_uint_gt(n, 0);
        for (size_t i = 0; i < n; i++) {
            struct abi_sync_done x;
            abi_unpack_sync_done(&evt[i], &x);
            ck_assert_uint_eq(x.token, got++);
        }
    }
    ck_assert_uint_eq(device_poll(d, evt, 16), 0);
    bool differ = device_mismatch(d, text, size);
    device_close(d);
    return differ;
}

START_TEST(equal_devices_agree)
{
    char text[300] = "";
    fault = NONE;
    ck_assert(!run(text, sizeof text));
    fault = STAMPS_ONLY;
    fault_at = SIZE_MAX;
    ck_assert(!run(text, sizeof text));
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(every_fault_is_noticed)
{
    static const enum fault faults[] = {FLIP_BIT, LOSE, EXTRA, SWAP};
    static const size_t places[] = {0, 1, 699, 1500, SYNCS - 2, SYNCS - 1};
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++)
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            char text[300] = "", want[40];
            fault = faults[f];
            fault_at = places[p];
            if (fault == SWAP && fault_at == SYNCS - 1)
                continue; // nothing to swap with
            ck_assert_msg(run(text, sizeof text), "fault %d at %zu not noticed", fault, fault_at);
            // An extra event shows up after the one it doubles.
            snprintf(want, sizeof want, "event %zu differs", fault_at + (fault == EXTRA));
            ck_assert_msg(strncmp(text, want, strlen(want)) == 0, "%s instead of %s", text, want);
        }
}
END_TEST

START_TEST(a_deaf_device_is_noticed)
{
    char text[300] = "";
    fault = REFUSE;
    ck_assert(run(text, sizeof text));
}
END_TEST

START_TEST(open_checks_both)
{
    struct device *d = NULL;
    struct err e;
    fault = NONE;
    other_hash = true;
    ck_assert_int_eq(device_open(&(struct device_config){.backend = "spoiled"}, &d, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "ABI"));
    ck_assert_int_eq(device_open(&(struct device_config){.backend = "model+spoiled"}, &d, &e), -1);
    other_hash = false;
    other_lanes = 8;
    ck_assert_int_eq(device_open(&(struct device_config){.backend = "model+spoiled"}, &d, &e), -1);
    other_lanes = 0;
    static const char *const bad[] = {"+", "model+", "+model", "model+model+model", "model+nothing"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(device_open(&(struct device_config){.backend = bad[i]}, &d, &e), -1);
}
END_TEST

int main(void)
{
    device_register(&device_ops_model);
    device_register(&device_ops_compare);
    device_register(&ops_spoiled);
    device_register(&ops_spoiled);
    Suite *s = suite_create("compare");
    TCase *t = tcase_create("compare");
    tcase_add_test(t, equal_devices_agree);
    tcase_add_test(t, every_fault_is_noticed);
    tcase_add_test(t, a_deaf_device_is_noticed);
    tcase_add_test(t, open_checks_both);
    suite_add_tcase(s, t);
    return run_suite(s);
}
