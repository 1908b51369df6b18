// SPDX-License-Identifier: Apache-2.0
// Several devices as one: which row is whose, names and shares, who gets which command. Random streams
// against a model: tests/cosim/fan.c.
#include "fan_hand.h"

// ---- which row is whose
START_TEST(rows_go_round)
{
    static const uint32_t sizes[] = {5, 2, 3}, whose[] = {0, 1, 2, 0, 1, 2, 0, 2, 0, 0},
                          own[] = {0, 0, 0, 1, 1, 1, 2, 2, 3, 4};
    memcpy(rows_of, sizes, sizeof sizes);
    struct device *d = open_hands(3, true);
    ck_assert_uint_eq(d->info.lanes * d->info.slots, 10);
    for (uint32_t row = 0; row < 10; row++) {
        struct abi_row x;
        struct beat b;
        abi_pack_row(&b, &(struct abi_row){.row = row, .n = 1, .h = 7, .coef = {-3}, .asset = {4}});
        ck_assert_uint_eq(device_submit(d, &b, 1), 1);
        const struct hand *h = hand[whose[row]];
        ck_assert_uint_eq(hand[0]->n_got + hand[1]->n_got + hand[2]->n_got, row + 1);
        abi_unpack_row(&h->got[h->n_got - 1], &x);
        ck_assert_uint_eq(x.row, own[row]);
        ck_assert(x.h == 7 && x.n == 1 && x.coef[0] == -3 && x.asset[0] == 4);
    }
    expect(d, "");
    device_close(d);
    ck_assert_uint_eq(closed, 3);
}
END_TEST

START_TEST(info_is_of_the_whole)
{
    rows_of[1] = 6;
    columns_of[2] = 16;
    struct device *d = open_hands(3, true);
    const struct device_info *i = &d->info;
    ck_assert_str_eq(i->backend, "hand*3");
    ck_assert(i->lanes == 10 && i->slots == 1 && i->assets == 16 && i->lockstep && !i->cycles && !i->arrival);
    ck_assert(i->window_depth == 16 && i->latency == 7);
    ck_assert_uint_eq(device_columns(d, 0), 8);
    ck_assert_uint_eq(device_columns(d, 2), 16);
    ck_assert_uint_eq(device_columns(d, 9), 8);
    struct device_counters c;
    (void)submit_text(d, "nop\nrow row=1 h=1\n" TICK);
    device_counters(d, &c);
    ck_assert(c.commands == 3 && c.rows == 1 && c.ticks == 1 && c.cycles == 3 && c.stall_in_cycles == 9);
    device_close(d);
    d = open_fan("model*3,model", true);
    ck_assert(d->info.lanes == 4 * ABI_DEFAULT_LANES && d->info.slots == ABI_DEFAULT_SLOTS);
    ck_assert_uint_eq(device_merged(d, &(struct beat){{0}}, 1), 0);
    device_close(d);
    d = open_fan("hand,hand*2", false);
    ck_assert(!d->info.lockstep);
    device_close(d);
}
END_TEST

START_TEST(in_a_comparison)
{
    struct device *d = NULL;
    columns_of[0] = 4;
    opened = closed = 0;
    lockstep = true;
    ck_assert_int_eq(
        device_open(&(struct device_config){.backend = "hand*2+model", .arrival = true}, &d, NULL), 0);
    ck_assert(!d->info.arrival && d->info.assets == 8);
    ck_assert_uint_eq(device_columns(d, 0), 4);
    ck_assert_uint_eq(device_columns(d, 1), 8);
    device_close(d);
}
END_TEST

// The rows that are asked for are those of the whole.
START_TEST(shares)
{
    static const struct {
        const char *name;
        uint32_t lanes, slots, last_columns; // the last row is the largest member's
        bool good;
    } plan[] = {{"model*3", 7, 3, 8, true},   {"model,hand", 7, 3, 8, true}, {"model*4", 1, 16, 8, true},
                {"model*4", 1, 4, 8, true},   {"model*4", 1, 3, 8, false},   {"model,hand", 2, 1, 8, false},
                {"hand,model", 3, 1, 8, true}};
    for (size_t i = 0; i < sizeof plan / sizeof *plan; i++) {
        struct device *d = NULL;
        struct err e;
        opened = closed = 0;
        const struct device_config c = {
            .backend = plan[i].name, .lanes = plan[i].lanes, .slots = plan[i].slots, .assets = 8};
        ck_assert_int_eq(device_open(&c, &d, &e) == 0, plan[i].good);
        if (plan[i].good) {
            ck_assert(d->info.lanes == plan[i].lanes && d->info.slots == plan[i].slots);
            ck_assert_uint_eq(device_columns(d, plan[i].lanes * plan[i].slots - 1), plan[i].last_columns);
            device_close(d);
        }
        ck_assert_uint_eq(opened, closed);
    }
}
END_TEST

START_TEST(names_that_are_refused)
{
    static const char *const bad[] = {
        "*",        "model*",   "model*0",           "*2",           "model,",   ",model",   "model*2x",
        "model*-1", "model*65", "model*40,model*25", "model,abacus", "model**2", "model* 2", "hand,abacus*2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct device *d = NULL;
        struct err e;
        opened = closed = 0;
        ck_assert_msg(device_open(&(struct device_config){.backend = bad[i]}, &d, &e) == -1, "%s", bad[i]);
        ck_assert_msg(strstr(e.msg, bad[i]), "%s", e.msg);
        ck_assert_uint_eq(opened, closed);
    }
}
END_TEST

// ---- who gets what
START_TEST(a_load_is_cut_by_another_members_command)
{
    struct device *d = open_fan("model*2", true);
    (void)submit_text(d,
                      "row row=4 h=-9 n=9 1:1 2:2 3:3\nrow row=7 h=-1\nread row=7\nread row=4\ncoef 1:1\n"
                      "row row=1 h=5 n=9 1:1 2:2 3:3\n" TICK "row row=5 h=5 n=9 1:1 2:2 3:3\nsync token=3\n"
                      "row row=0xfffff0 h=5 n=20 1:1 2:2 3:3\nsync token=4\ncoef 1:1\n");
    expect(d, "error code=row_cut opcode=4 asset=0 row=4 group=0\n"
              "read row=7 armed=0 h=0 group=0\nread row=4 armed=0 h=-9 group=0\n"
              "error code=coef_order opcode=5 asset=0 row=0 group=0\n"
              "error code=row_cut opcode=2 asset=0 row=1 group=0\n"
              "error code=row_cut opcode=8 asset=0 row=5 group=0\n"
              "error code=row opcode=4 asset=0 row=16777200 group=0\nsync token=4 group=0\n"
              "error code=coef_order opcode=5 asset=0 row=0 group=0\n");
    device_close(d);
}
END_TEST

START_TEST(a_group_reaches_members_without_its_asset)
{
    columns_of[0] = 4;
    struct device *d = open_hands(2, true);
    struct abi_tick x;
    // Nothing to judge: nothing is sent.
    (void)submit_text(d, "tick asset=6 price=1 group=1\n");
    ck_assert(hand[0]->n_got == 0 && hand[1]->n_got == 1);
    (void)submit_text(d, "tick asset=0 price=55 group=2\ntick asset=1 price=70 group=2 last=0\n");
    ck_assert(hand[0]->n_got == 2 && hand[1]->n_got == 3);
    (void)submit_text(d, "tick asset=6 price=2 group=2\n");
    ck_assert(hand[0]->n_got == 3 && hand[1]->n_got == 4);
    abi_unpack_tick(&hand[0]->got[2], &x);
    ck_assert(x.asset == 0 && x.price == 55 && x.last && x.group == newest_tag(hand[1]));
    say_exit(hand[0]); // the substitute's: nobody's business
    say_fire(hand[0], 1);
    expect(d, "trigger cause=tick row=2 h=-5 asset=6 price=2 group=2\n");
    // A member that was not told of the newest group does not say an older one.
    (void)submit_text(d, "tick asset=6 price=3 group=77\nread row=0\n");
    struct beat b;
    abi_pack_read_data(&b, &(struct abi_read_data){.group = newest_tag(hand[0])});
    say(hand[0], &b);
    expect(d, "read row=0 armed=0 h=0 group=77\n");
    // BAND with set_price moves the price that a substitute repeats.
    (void)submit_text(d,
                      "band asset=0 lo=0 hi=9 price=44\nband asset=6 lo=0 hi=9\ntick asset=1 price=1 last=0\n"
                      "tick asset=6 price=4\n");
    ck_assert_uint_eq(hand[0]->n_got, 7);
    abi_unpack_tick(&hand[0]->got[6], &x);
    ck_assert(x.asset == 0 && x.price == 44);
    device_close(d);
}
END_TEST

START_TEST(a_row_has_its_members_columns)
{
    columns_of[0] = 4;
    struct device *d = open_fan("hand,model*2", true);
    (void)submit_text(d, "row row=3 h=1 2:1 5:0\n");
    struct beat b;
    abi_pack_error(
        &b, &(struct abi_error){.code = ABI_ERR_COEF_ASSET, .asset = 5, .row = 1, .opcode = ABI_CMD_ROW});
    say(hand[0], &b);
    expect(d, "error code=coef_asset opcode=4 asset=5 row=3 group=0\n");
    device_close(d);
}
END_TEST

START_TEST(refusals_are_those_of_one_device)
{
    static const char text[] =
        "tick asset=256 price=1\ntick asset=0 price=0x400000000\nband asset=300 lo=0 hi=1\n"
        "band asset=1 lo=0 hi=0x400000000\nread row=2000\nread row=3 coef=900\narm row=1024\n"
        "beat 0 0 0 0\nbeat 0 0 0 99\ncoef 1:1\nrow row=5 h=-1 1:1 300:1 2:0x7ffffff\n";
    struct device *d = open_fan("model*2", true);
    struct device *m = NULL;
    ck_assert_int_eq(device_open(&(struct device_config){.lanes = 64}, &m, NULL), 0);
    (void)submit_text(m, text);
    char *want = strdup(events_of(m, device_poll)); // its buffer is used again
    ck_assert_ptr_nonnull(want);
    (void)submit_text(d, text);
    expect(d, want);
    free(want);
    ck_assert_str_eq(d->info.fault, "");
    device_close(m);
    device_close(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fan");
    TCase *t = tcase_create("fan");
    tcase_add_checked_fixture(t, reset_shapes, NULL);
    tcase_add_test(t, rows_go_round);
    tcase_add_test(t, info_is_of_the_whole);
    tcase_add_test(t, in_a_comparison);
    tcase_add_test(t, shares);
    tcase_add_test(t, names_that_are_refused);
    tcase_add_test(t, a_load_is_cut_by_another_members_command);
    tcase_add_test(t, a_group_reaches_members_without_its_asset);
    tcase_add_test(t, a_row_has_its_members_columns);
    tcase_add_test(t, refusals_are_those_of_one_device);
    suite_add_tcase(s, t);
    return run_tests(s);
}
