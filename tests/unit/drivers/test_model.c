// SPDX-License-Identifier: Apache-2.0
// The model's rules one by one, as command text in and event text out (docs/device.md); the back end `vector`
// has to give the same on every instruction set that this processor has.
#include "cmdfile.h"
#include "device.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct subject {
    const char *backend, *isa;
} subjects[] = {{"model", NULL}, {"vector", "scalar"}, {"vector", "avx2"}, {"vector", "avx512"}};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };

static int open_subject(int which, uint32_t lanes, uint32_t slots, uint32_t assets, struct device **d,
                        struct err *e)
{
    struct device_config c = {.backend = subjects[which].backend,
                              .isa = subjects[which].isa,
                              .lanes = lanes,
                              .slots = slots,
                              .assets = assets};
    return device_open(&c, d, e);
}

static struct device *open_device(int which, uint32_t lanes, uint32_t slots, uint32_t assets)
{
    struct device *d = NULL;
    struct err e = {""};
    ck_assert_msg(open_subject(which, lanes, slots, assets, &d, &e) == 0, "%s", e.msg);
    return d;
}

static void submit_text(struct device *d, const char *text)
{
    static struct beat b[1024];
    struct err e;
    for (const char *line = text; *line;) {
        int n = cmdfile_parse(line, b, 1024, &e);
        ck_assert_msg(n >= 0, "%s", e.msg);
        ck_assert_uint_eq(device_submit(d, b, (size_t)n), (size_t)n);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
}

// What the commands of `text` give must be the lines of `want`.
static void expect(struct device *d, const char *text, const char *want)
{
    char got[8192] = "", line[CMDFILE_TEXT_MAX];
    struct beat evt;
    submit_text(d, text);
    while (device_poll(d, &evt, 1) == 1) {
        cmdfile_print_event(line, &evt, false);
        ck_assert_uint_lt(strlen(got) + strlen(line) + 2, sizeof got);
        strcat(strcat(got, line), "\n");
    }
    ck_assert_str_eq(got, want);
}

START_TEST(reset_state)
{
    struct device *d = open_device(_i, 2, 2, 4);
    expect(d, "read row=0\nread row=3\ntick asset=0 price=0x3ffffffff\ntick asset=3 price=0\nsync token=9",
           "read row=0 armed=0 h=0 group=0\nread row=3 armed=0 h=0 group=0\nsync token=9 group=0\n");
    device_close(d);
}
END_TEST

START_TEST(tick_fires_in_address_order_once)
{
    struct device *d = open_device(_i, 2, 4, 4);
    expect(d,
           "row row=5 h=10 1:-2\nrow row=2 h=5 1:-1\nrow row=7 h=100 1:-1\nrow row=3 h=0 armed=0 1:-1\n"
           "tick asset=1 price=5 group=1\n"
           "tick asset=1 price=6 group=2\n"
           "tick asset=1 price=7 group=3",
           "trigger cause=tick row=2 h=-1 asset=1 price=6 group=2\n"
           "trigger cause=tick row=5 h=-2 asset=1 price=6 group=2\n");
    expect(d, "read row=5\nread row=3\nread row=7",
           "read row=5 armed=0 h=-4 group=3\nread row=3 armed=0 h=-7 group=3\nread row=7 armed=1 h=93 "
           "group=3\n");
    device_close(d);
}
END_TEST

START_TEST(group_is_judged_at_its_end)
{
    struct device *d = open_device(_i, 1, 1, 4);
    expect(d,
           "row row=0 h=0 0:-1 1:1\n"
           "tick asset=0 price=10 group=1 last=0\ntick asset=1 price=10 group=1 last=1\n"
           "tick asset=0 price=20 group=2 last=0\ntick asset=2 price=1 group=2",
           "trigger cause=tick row=0 h=-10 asset=2 price=1 group=2\n");
    device_close(d);
}
END_TEST

START_TEST(row_load)
{
    struct device *d = open_device(_i, 2, 2, 16);
    expect(d, "tick asset=0 price=7 group=4\nrow row=1 h=-1",
           "trigger cause=row row=1 h=-1 asset=0 price=0 group=4\n");
    expect(d, "row row=1 h=-1 0:1 1:1 2:1 3:1 4:1 5:1 6:1",
           "trigger cause=row row=1 h=-1 asset=0 price=0 group=4\n");
    expect(d, "row row=1 h=-1 armed=0 0:1 6:0", "");
    // Coefficients that are not named stay: 1 to 5 are 1 from before.
    expect(d, "tick asset=5 price=3 group=5\ntick asset=6 price=9 group=6\nread row=1",
           "read row=1 armed=0 h=2 group=6\n");
    // Three in the ROW beat, six and six in two more; nothing fires before the last has come.
    expect(d, "row row=1 h=-1 n=16 1:0 2:0 3:0 4:0 5:0 6:0 7:0 8:0 9:0 10:0 11:0 12:0 13:0 14:0", "");
    expect(d, "coef 15:4", "trigger cause=row row=1 h=-1 asset=0 price=0 group=6\n");
    expect(d, "coef 15:4", "error code=coef_order opcode=5 asset=0 row=0 group=6\n");
    expect(d, "row row=1 h=-1 n=4 1:0 2:0 3:0", "");
    expect(d, "coef 4:0 5:9", "trigger cause=row row=1 h=-1 asset=0 price=0 group=6\n");
    expect(d, "row row=1 h=-1 1:1 2:1 3:1\nrow row=1 h=-1 n=2 1:1 2:1 3:5\nread row=1 coef=3",
           "trigger cause=row row=1 h=-1 asset=0 price=0 group=6\n"
           "trigger cause=row row=1 h=-1 asset=0 price=0 group=6\n"
           "read row=1 armed=0 asset=3 coef=1 group=6\n");
    expect(d, "row row=1 h=0 armed=1 n=4 1:0 2:0 3:0\nread row=1\nread row=1",
           "error code=row_cut opcode=7 asset=0 row=1 group=6\nread row=1 armed=0 h=0 group=6\n");
    device_close(d);
}
END_TEST

START_TEST(reads)
{
    struct device *d = open_device(_i, 2, 2, 8);
    expect(
        d,
        "row row=1 h=50 0:-67108864 1:67108863 2:-1 7:5\nread row=1\nread row=1 coef=0\nread row=1 coef=1\n"
        "read row=1 coef=2\nread row=1 coef=3\nread row=1 coef=7\nread row=0 coef=0",
        "read row=1 armed=1 h=50 group=0\nread row=1 armed=1 asset=0 coef=-67108864 group=0\n"
        "read row=1 armed=1 asset=1 coef=67108863 group=0\nread row=1 armed=1 asset=2 coef=-1 group=0\n"
        "read row=1 armed=1 asset=3 coef=0 group=0\nread row=1 armed=1 asset=7 coef=5 group=0\n"
        "read row=0 armed=0 asset=0 coef=0 group=0\n");
    // Row before asset; without coef the asset is not looked at, and the answer has 0 there.
    expect(d, "read row=4 coef=8\nread row=1 coef=8\nread row=1 coef=4095",
           "error code=row opcode=7 asset=0 row=4 group=0\nerror code=asset opcode=7 asset=8 row=0 group=0\n"
           "error code=asset opcode=7 asset=4095 row=0 group=0\n");
    struct beat b;
    struct abi_read_data x;
    abi_pack_read(&b, &(struct abi_read){.row = 1, .asset = 4095});
    ck_assert_uint_eq(device_submit(d, &b, 1), 1);
    ck_assert_uint_eq(device_poll(d, &b, 1), 1);
    abi_unpack_read_data(&b, &x);
    ck_assert(abi_opcode(&b) == ABI_EVT_READ && x.row == 1 && x.asset == 0 && !x.coef && x.h == 50);
    device_close(d);
}
END_TEST

START_TEST(arm)
{
    struct device *d = open_device(_i, 2, 2, 4);
    expect(d, "row row=2 h=-3 armed=0\narm row=2\narm row=2\narm row=1\narm row=1 armed=0\nread row=1",
           "trigger cause=arm row=2 h=-3 asset=0 price=0 group=0\n"
           "trigger cause=arm row=2 h=-3 asset=0 price=0 group=0\n"
           "read row=1 armed=0 h=0 group=0\n");
    device_close(d);
}
END_TEST

START_TEST(bands)
{
    struct device *d = open_device(_i, 1, 1, 4);
    expect(d,
           "row row=0 h=0 1:-1\nband asset=1 lo=10 hi=20\n"
           "tick asset=1 price=10 group=1 last=0\ntick asset=1 price=20 group=2 last=0\n"
           "tick asset=1 price=9 group=3 last=0\ntick asset=1 price=21 group=4",
           "band_exit asset=1 price=9 group=3\nband_exit asset=1 price=21 group=4\n"
           "trigger cause=tick row=0 h=-21 asset=1 price=21 group=4\n");
    // A new unit: the price changes, H does not.
    expect(d, "band asset=1 lo=0 hi=5000 price=4000\nread row=0\ntick asset=1 price=4001\nread row=0",
           "read row=0 armed=0 h=-21 group=4\nread row=0 armed=0 h=-22 group=0\n");
    device_close(d);
}
END_TEST

START_TEST(arithmetic_is_modulo_2_64)
{
    struct device *d = open_device(_i, 1, 1, 4);
    expect(d, "row row=0 h=0x7fffffffffffffff 0:67108863\ntick asset=0 price=1 group=1",
           "trigger cause=tick row=0 h=-9223372036787666946 asset=0 price=1 group=1\n");
    expect(d,
           "band asset=0 lo=0 hi=0x3ffffffff price=0\nrow row=0 h=0 armed=0 0:-67108864\n"
           "tick asset=0 price=0x3ffffffff group=2\nread row=0\ntick asset=0 price=0 group=3\nread row=0",
           "read row=0 armed=0 h=-1152921504539738112 group=2\nread row=0 armed=0 h=0 group=3\n");
    device_close(d);
}
END_TEST

START_TEST(refusals)
{
    struct device *d = open_device(_i, 2, 2, 4);
    expect(
        d,
        "beat 0 0 0 0\nbeat 0 0 0 9\nread row=4\narm row=0xffffff\ntick asset=4 price=1 group=9\n"
        "tick asset=0 price=0x400000000 group=9\nband asset=5 lo=0 hi=0\nband asset=0 lo=0 hi=0x400000000\n"
        "band asset=0 lo=0 hi=1 price=0x400000000\ncoef 0:1",
        "error code=opcode opcode=0 asset=0 row=0 group=0\nerror code=opcode opcode=9 asset=0 row=0 group=0\n"
        "error code=row opcode=7 asset=0 row=4 group=0\nerror code=row opcode=6 asset=0 row=16777215 "
        "group=0\n"
        "error code=asset opcode=2 asset=4 row=0 group=0\nerror code=price opcode=2 asset=0 row=0 group=0\n"
        "error code=asset opcode=3 asset=5 row=0 group=0\nerror code=price opcode=3 asset=0 row=0 group=0\n"
        "error code=price opcode=3 asset=0 row=0 group=0\nerror code=coef_order opcode=5 asset=0 row=0 "
        "group=0\n");
    // A row that is not there: its coefficients are swallowed, and cutting that load is no further error.
    // Nor are those in its own beat looked at, and the load is over when all of them have come.
    expect(d,
           "row row=4 h=-1 0:1 9:1 0:1 0:1 0:1 9:1 0:1\ncoef 0:1\nrow row=9 h=-1 n=8 0:1 9:1\nsync token=5\n"
           "row row=9 h=0\ncoef 0:1\nrow row=9 h=0 9:1 0:67108864 0:1\ncoef 0:1",
           "error code=row opcode=4 asset=0 row=4 group=0\nerror code=coef_order opcode=5 asset=0 row=0 "
           "group=0\n"
           "error code=row opcode=4 asset=0 row=9 group=0\nsync token=5 group=0\n"
           "error code=row opcode=4 asset=0 row=9 group=0\nerror code=coef_order opcode=5 asset=0 row=0 "
           "group=0\n"
           "error code=row opcode=4 asset=0 row=9 group=0\nerror code=coef_order opcode=5 asset=0 row=0 "
           "group=0\n");
    device_close(d);
}
END_TEST

// One error each with the opcode of its beat, asset before value; the others count, the row does not arm.
START_TEST(bad_coefficients)
{
    struct device *d = open_device(_i, 2, 2, 4);
    expect(d,
           "row row=1 h=-5 0:1 4:1 1:67108864 4:-67108865 2:67108863\nread row=1\ntick asset=2 price=1\nread "
           "row=1",
           "error code=coef_asset opcode=4 asset=4 row=1 group=0\nerror code=coef_value opcode=4 asset=1 "
           "row=1 group=0\n"
           "error code=coef_asset opcode=5 asset=4 row=1 group=0\nread row=1 armed=0 h=-5 group=0\n"
           "read row=1 armed=0 h=67108858 group=0\n");
    // All in one beat: complete there, not armed, and no load is left to cut.
    expect(d,
           "row row=2 h=-5 0:3 3:-67108865 2:7\nread row=2\nread row=2 coef=0\nread row=2 coef=3\narm row=2",
           "error code=coef_value opcode=4 asset=3 row=2 group=0\nread row=2 armed=0 h=-5 group=0\n"
           "read row=2 armed=0 asset=0 coef=3 group=0\nread row=2 armed=0 asset=3 coef=0 group=0\n"
           "trigger cause=arm row=2 h=-5 asset=0 price=0 group=0\n");
    // A bad pair in the ROW beat is remembered to the end of the load; pairs that are not due are not looked
    // at.
    expect(d, "row row=2 h=-5 0:0 9:0 1:0 2:0 3:0\nread row=2\nrow row=2 h=-5 n=1 0:0 9:0 1:67108864",
           "error code=coef_asset opcode=4 asset=9 row=2 group=0\nread row=2 armed=0 h=-5 group=0\n"
           "trigger cause=row row=2 h=-5 asset=0 price=0 group=0\n");
    device_close(d);
}
END_TEST

START_TEST(cut_loads)
{
    struct device *d = open_device(_i, 2, 2, 4);
    // What cuts is refused itself, whatever it is, and with no other error.
    expect(d,
           "row row=1 h=7\nrow row=0 h=-1 n=4\nrow row=1 h=-1 n=5\ncoef 0:1 1:1\nread row=1\n"
           "row row=1 h=-1 n=4\nbeat 0 0 0 0\nrow row=1 h=-1 n=4\nread row=99\nrow row=1 h=-1 n=4\nnop\nnop",
           "error code=row_cut opcode=4 asset=0 row=0 group=0\n"
           "error code=coef_order opcode=5 asset=0 row=0 group=0\nread row=1 armed=1 h=7 group=0\n"
           "error code=row_cut opcode=0 asset=0 row=1 group=0\nerror code=row_cut opcode=7 asset=0 row=1 "
           "group=0\n"
           "error code=row_cut opcode=1 asset=0 row=1 group=0\n");
    // An armed row is disarmed by the header already; a tick that cuts moves nothing and is not the newest.
    expect(d,
           "row row=2 h=1 0:-1\nrow row=2 h=1 n=9 0:-1 1:-1 2:-1\ntick asset=0 price=9 group=1\nread row=2\n"
           "tick asset=0 price=9 group=2\nread row=2",
           "error code=row_cut opcode=2 asset=0 row=2 group=0\nread row=2 armed=0 h=1 group=0\n"
           "read row=2 armed=0 h=-8 group=2\n");
    // The load of a row that does not exist ends silently, and the command is carried out.
    expect(d, "row row=4 h=1 n=9 0:-1 1:-1 2:-1\ntick asset=0 price=10 group=3\nsync",
           "error code=row opcode=4 asset=0 row=4 group=2\nsync token=0 group=3\n");
    device_close(d);
}
END_TEST

// Nobody polls: the device stops taking commands, and nothing is lost.
START_TEST(full_ring_waits)
{
    struct device *d = open_device(_i, 4, 4, 4);
    struct beat b, evt[8];
    uint64_t sent = 0, got = 0;
    while (sent < 100000) {
        abi_pack_sync(&b, &(struct abi_sync){.token = sent});
        if (device_submit(d, &b, 1) == 1) {
            sent++;
            continue;
        }
        size_t n = device_poll(d, evt, 1 + sent % 8);
        ck_assert_uint_gt(n, 0);
        for (size_t i = 0; i < n; i++) {
            struct abi_sync_done x;
            abi_unpack_sync_done(&evt[i], &x);
            ck_assert_uint_eq(x.token, got++);
        }
    }
    size_t n;
    while ((n = device_poll(d, evt, 8)) > 0)
        got += n;
    ck_assert_uint_eq(got, sent);
    struct device_counters c;
    device_counters(d, &c);
    ck_assert_uint_eq(c.commands, sent);
    ck_assert_uint_eq(c.events, sent);
    device_close(d);
}
END_TEST

START_TEST(open_refuses)
{
    struct device *d = NULL;
    struct err e;
    ck_assert_int_eq(device_open(&(struct device_config){.backend = "fpga"}, &d, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "'fpga'"));
    ck_assert_ptr_nonnull(strstr(e.msg, "model"));
    ck_assert_int_eq(device_open(&(struct device_config){.lanes = 1u << 20, .slots = 1u << 20}, &d, &e), -1);
    ck_assert_int_eq(device_open(&(struct device_config){.assets = 4097}, &d, &e), -1);
    ck_assert_int_eq(device_open(&(struct device_config){.stall_in_pct = 100}, &d, &e), -1);
    ck_assert_int_eq(device_open(&(struct device_config){0}, &d, &e), 0);
    ck_assert_uint_eq(d->info.lanes, ABI_DEFAULT_LANES);
    ck_assert_uint_eq(d->info.assets, ABI_DEFAULT_ASSETS);
    device_close(d);
}
END_TEST

// The rules on one subject, if this processor has it.
static void add(Suite *s, int which)
{
    struct device *d = NULL;
    if (open_subject(which, 1, 1, 1, &d, NULL))
        return;
    device_close(d);
    TCase *t = tcase_create(subjects[which].isa ? subjects[which].isa : subjects[which].backend);
    tcase_add_loop_test(t, reset_state, which, which + 1);
    tcase_add_loop_test(t, tick_fires_in_address_order_once, which, which + 1);
    tcase_add_loop_test(t, group_is_judged_at_its_end, which, which + 1);
    tcase_add_loop_test(t, row_load, which, which + 1);
    tcase_add_loop_test(t, reads, which, which + 1);
    tcase_add_loop_test(t, arm, which, which + 1);
    tcase_add_loop_test(t, bands, which, which + 1);
    tcase_add_loop_test(t, arithmetic_is_modulo_2_64, which, which + 1);
    tcase_add_loop_test(t, refusals, which, which + 1);
    tcase_add_loop_test(t, bad_coefficients, which, which + 1);
    tcase_add_loop_test(t, cut_loads, which, which + 1);
    tcase_add_loop_test(t, full_ring_waits, which, which + 1);
    suite_add_tcase(s, t);
}

int main(void)
{
    device_register(&device_ops_model);
    device_register(&device_ops_vector);
    Suite *s = suite_create("model");
    for (int i = 0; i < SUBJECTS; i++)
        add(s, i);
    TCase *t = tcase_create("open");
    tcase_add_test(t, open_refuses);
    suite_add_tcase(s, t);
    return run_suite(s);
}
