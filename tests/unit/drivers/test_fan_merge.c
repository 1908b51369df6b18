// SPDX-License-Identifier: Apache-2.0
// Several devices as one: when an event goes out, by arrival, back-pressure, what makes the whole stop.
#include "fan.h"
#include "fan_hand.h"

// ---- when an event goes out
START_TEST(lockstep_members_are_merged)
{
    struct device *d = open_hands(3, true);
    (void)submit_text(d, TICK);
    say_fire(hand[2], 1);
    say_exit(hand[0]);
    say_fire(hand[0], 0);
    say_exit(hand[1]);
    say_fire(hand[1], 0);
    say_fire(hand[1], 1);
    hand[2]->n_say = 0;
    say_exit(hand[2]);
    say_fire(hand[2], 1);
    expect(d, EXIT FIRE(0) FIRE(1) FIRE(4) FIRE(5));
    ck_assert_str_eq(d->info.fault, "");
    device_close(d);
}
END_TEST

START_TEST(an_event_waits_for_those_before_it_and_no_longer)
{
    rows_of[0] = rows_of[1] = 3;
    struct device *d = open_hands(2, false);
    (void)submit_text(d, TICK);
    ck_assert_uint_eq(hand[0]->n_got, 2); // the tick and a mark
    say_fire(hand[0], 0);                 // row 0: nothing can come before it, the band has been kept
    expect(d, FIRE(0));
    say_fire(hand[0], 1); // row 2: the other may still report row 1
    expect(d, "");
    say_fire(hand[1], 2); // row 5, so not row 1 any more; but the first may still report row 4
    expect(d, FIRE(2));
    say_sync(hand[0]);
    expect(d, FIRE(5));
    say_sync(hand[1]);
    expect(d, "");
    ck_assert_str_eq(d->info.fault, "");
    device_close(d);

    d = open_hands(2, false);
    (void)submit_text(d, TICK "arm row=1\n");
    say_exit(hand[1]);
    expect(d, EXIT); // whoever says it first
    say_fire(hand[1], 0);
    expect(d, ""); // row 0 may come
    say_exit(hand[0]);
    expect(d, "");
    say_sync(hand[0]);
    expect(d, FIRE(1));
    ck_assert_str_eq(d->info.fault, "");
    device_close(d);

    d = open_hands(2, false);
    (void)submit_text(d, "sync token=5\n");
    say_sync(hand[1]);
    expect(d, "");
    say_sync(hand[0]);
    expect(d, "sync token=5 group=0\n");
    device_close(d);
}
END_TEST

// Years of ticks: job numbers outgrow what a key holds of them, serial numbers of ticks their 32 bits.
START_TEST(numbers_wrap)
{
    for (int step = 0; step < 2; step++) {
        struct device *d = open_hands(2, step);
        struct fan *f = (struct fan *)d;
        f->base = f->end = (UINT64_C(1) << (64 - FAN_KEY_BITS)) - 3;
        f->tag = UINT32_MAX - 4;
        f->member[0].at = f->member[1].at = f->base;
        for (int i = 0; i < 8; i++) {
            (void)submit_text(d, TICK);
            for (int h = 1; h >= 0; h--) {
                say_exit(hand[h]);
                say_fire(hand[h], 0);
                if (!step)
                    say_sync(hand[h]);
            }
            if (i % 3 == 2) // also two groups at a time
                continue;
            expect(d, i % 3 || !i ? EXIT FIRE(0) FIRE(1) : EXIT FIRE(0) FIRE(1) EXIT FIRE(0) FIRE(1));
        }
        ck_assert_str_eq(d->info.fault, "");
        device_close(d);
    }
}
END_TEST

// Only a member that got the tick itself can tell that there is no BAND_EXIT to come.
START_TEST(a_substitute_says_nothing_of_the_band)
{
    columns_of[0] = 1;
    struct device *d = open_hands(2, false);
    (void)submit_text(d, "tick asset=0 price=5 last=0\n" TICK);
    struct abi_sync x; // the first tick's mark

    struct beat b;
    abi_unpack_sync(&hand[0]->got[1], &x);
    abi_pack_sync_done(&b, &(struct abi_sync_done){.token = x.token});
    say(hand[0], &b);
    say(hand[1], &b);
    say_fire(hand[0], 0);
    expect(d, "");
    say_exit(hand[1]);
    expect(d, EXIT FIRE(0));
    device_close(d);
}
END_TEST

START_TEST(by_arrival)
{
    struct device *d = NULL;
    opened = closed = 0;
    lockstep = false;
    ck_assert_int_eq(device_open(&(struct device_config){.backend = "hand*2", .arrival = true}, &d, NULL), 0);
    ck_assert(d->info.arrival);
    (void)submit_text(d, TICK "sync token=5\n");
    say_fire(hand[1], 0);
    expect(d, FIRE(1));
    ck_assert_str_eq(events_of(d, device_merged), "");
    say_fire(hand[0], 0);
    expect(d, FIRE(0));
    ck_assert_str_eq(events_of(d, device_merged), FIRE(0) FIRE(1));
    device_close(d);
}
END_TEST

// Reports that nobody asked for, numbered: many from each of n members.
static struct device *open_talkers(uint32_t n, uint16_t reports)
{
    char name[16];
    struct device *d = NULL;
    struct beat b;
    opened = closed = 0;
    lockstep = true;
    (void)snprintf(name, sizeof name, "hand*%u", n);
    ck_assert_int_eq(device_open(&(struct device_config){.backend = name, .arrival = true}, &d, NULL), 0);
    for (uint32_t m = 0; m < n; m++)
        for (uint16_t i = 0; i < reports; i++) {
            abi_pack_error(&b, &(struct abi_error){.code = ABI_ERR_PARITY, .asset = i});
            say(hand[m], &b);
        }
    return d;
}

// Takes all that there is; each member's reports must come in their order.
static size_t take_reports(struct device *d, size_t (*poll)(struct device *, struct beat *, size_t),
                           uint32_t *next)
{
    struct beat evt[100];
    size_t n, total = 0;
    for (; (n = poll(d, evt, 100)) > 0; total += n)
        for (size_t i = 0; i < n; i++) {
            struct abi_error x;
            abi_unpack_error(&evt[i], &x);
            ck_assert_uint_lt(x.row, HANDS);
            ck_assert_uint_eq(x.asset, next[x.row]++);
        }
    return total;
}

START_TEST(by_arrival_the_merged_order_has_to_be_taken_too)
{
    uint32_t came[HANDS] = {0}, merged[HANDS] = {0};
    struct device *d = open_talkers(2, 400);
    size_t first = take_reports(d, device_poll, came);
    ck_assert(first > 200 && first < 800); // held up
    ck_assert_uint_eq(take_reports(d, device_merged, merged), first);
    first += take_reports(d, device_poll, came);
    ck_assert_uint_eq(first, 800);
    (void)take_reports(d, device_merged, merged);
    ck_assert(came[0] == 400 && came[1] == 400 && merged[0] == 400 && merged[1] == 400);
    device_close(d);

    memset(came, 0, sizeof came);
    memset(merged, 0, sizeof merged);
    d = open_talkers(20, 64);
    ck_assert_uint_eq(take_reports(d, device_poll, came), 20 * 64);
    ck_assert_uint_eq(take_reports(d, device_merged, merged), 20 * 64);
    device_close(d);
}
END_TEST

START_TEST(back_pressure)
{
    struct device *d = open_hands(2, false);
    struct beat b;
    size_t sent = 0, n;
    hand[1]->credit = 0;
    for (; sent < KEEP; sent += n) { // SYNCs, numbered
        abi_pack_sync(&b, &(struct abi_sync){.token = sent});
        n = device_submit(d, &b, 1);
        if (n == 0)
            break;
    }
    ck_assert_uint_gt(sent, 100);
    ck_assert_uint_lt(sent, KEEP);
    ck_assert_uint_eq(hand[0]->n_got, sent); // what the other takes it is given
    ck_assert_uint_eq(device_submit(d, &b, 1), 0);
    hand[1]->credit = SIZE_MAX;
    expect(d, "");
    ck_assert_uint_eq(hand[1]->n_got, sent);
    for (size_t i = 0; i < sent; i++) {
        struct abi_sync x;
        abi_unpack_sync(&hand[1]->got[i], &x);
        ck_assert_uint_eq(x.token, i);
    }
    ck_assert_uint_eq(device_submit(d, &b, 1), 1);
    device_close(d);

    d = open_hands(2, true); // a small window, and nothing to say
    hand[0]->credit = hand[0]->refill = 1;
    ck_assert_uint_eq(submit_text(d, "nop\nnop\nnop\nnop\nnop\n"), 5);
    expect(d, "");
    ck_assert_uint_eq(hand[0]->n_got, 5);
    ck_assert_str_eq(d->info.fault, "");
    device_close(d);

    d = open_hands(2, false); // who takes everything and answers nothing
    for (sent = 0, n = 1; sent < KEEP && n; sent += n)
        n = device_submit(d, &b, 1);
    ck_assert_uint_gt(sent, 100);
    ck_assert_uint_lt(sent, KEEP);
    device_close(d);
}
END_TEST

// ---- what is nobody's answer
START_TEST(flipped_bits)
{
    struct device *d = open_hands(3, true);
    struct beat b;
    abi_pack_error(&b, &(struct abi_error){.code = ABI_ERR_PARITY, .row = 1, .asset = 3});
    say(hand[2], &b);
    abi_pack_error(&b, &(struct abi_error){.code = ABI_ERR_PARITY, .row = 0xffffff});
    say(hand[2], &b);
    expect(d, "error code=parity opcode=0 asset=3 row=5 group=0\n"
              "error code=parity opcode=0 asset=0 row=16777215 group=0\n");
    (void)submit_text(d, TICK);
    say(hand[0], &b);
    say_fire(hand[0], 1);
    say(hand[0], &b);
    expect(d, "error code=parity opcode=0 asset=0 row=16777215 group=9\n" FIRE(
                  3) "error code=parity opcode=0 asset=0 row=16777215 group=9\n");
    ck_assert_str_eq(d->info.fault, "");
    device_close(d);
}
END_TEST

// ---- what makes it stop
static void stopped(struct device *d, const char *why)
{
    struct beat evt;
    while (device_poll(d, &evt, 1) == 1)
        ;
    ck_assert_msg(strstr(d->info.fault, why), "'%s' instead of '%s'", d->info.fault, why);
    ck_assert_uint_eq(submit_text(d, "nop"), 0);
    ck_assert_uint_eq(device_poll(d, &evt, 1), 0);
    device_close(d);
}

START_TEST(faults)
{
    struct beat b;
    struct device *d = open_hands(3, true);
    (void)submit_text(d, TICK);
    say_fire(hand[0], 0);
    strcpy(hand[1]->fault, "the ring is on fire");
    stopped(d, "member 2 (hand) of device hand*3: the ring is on fire");

    d = open_hands(2, true);
    (void)submit_text(d, "read row=1\n");
    stopped(d, "member 2 (hand) of device hand*2: is at rest and has not answered");

    d = open_hands(2, true);
    say_sync(hand[0]);
    stopped(d, "member 1 (hand) of device hand*2: gave an event (kind 84) that no command asked for");

    d = open_hands(2, true);
    (void)submit_text(d, TICK);
    say_exit(hand[1]);
    stopped(d, "1 of 2 members say that asset 1 has left its band");

    d = open_hands(2, true);
    (void)submit_text(d, TICK);
    say_fire(hand[1], 1);
    say_fire(hand[1], 0);
    stopped(d, "member 2 (hand) of device hand*2: reports its row 0 after row 1");

    d = open_hands(2, true);
    (void)submit_text(d, TICK);
    say_fire(hand[1], 2);
    stopped(d, "speaks of its row 2, but has 2");

    d = open_hands(2, true);
    hand[1]->credit = 0;
    (void)submit_text(d, TICK);
    stopped(d, "member 2 (hand) of device hand*2: takes no more commands");

    d = open_hands(2, false);
    (void)submit_text(d, TICK);
    abi_pack_read_data(&b, &(struct abi_read_data){0});
    say(hand[0], &b);
    stopped(d, "gave an event of another command before its mark");

    d = open_hands(2, false);
    (void)submit_text(d, TICK);
    abi_pack_sync_done(&b, &(struct abi_sync_done){.token = 12345});
    say(hand[0], &b);
    stopped(d, "answered SYNC 12345");

    d = open_hands(2, true);
    (void)submit_text(d, "read row=0\n");
    b = (struct beat){{0x8f}};
    say(hand[0], &b);
    stopped(d, "unknown kind 8f");
}
END_TEST

START_TEST(warnings)
{
    struct device *d = open_hands(2, true);
    expect(d, "");
    ck_assert_str_eq(d->info.warning, "");
    strcpy(hand[1]->warning, "slow");
    (void)submit_text(d, "nop");
    expect(d, "");
    ck_assert_str_eq(d->info.warning, "member 2 (hand): slow");
    device_close(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fan-merge");
    TCase *t = tcase_create("fan-merge");
    tcase_add_checked_fixture(t, reset_shapes, NULL);
    tcase_add_test(t, lockstep_members_are_merged);
    tcase_add_test(t, an_event_waits_for_those_before_it_and_no_longer);
    tcase_add_test(t, numbers_wrap);
    tcase_add_test(t, a_substitute_says_nothing_of_the_band);
    tcase_add_test(t, by_arrival);
    tcase_add_test(t, by_arrival_the_merged_order_has_to_be_taken_too);
    tcase_add_test(t, back_pressure);
    tcase_add_test(t, flipped_bits);
    tcase_add_test(t, faults);
    tcase_add_test(t, warnings);
    suite_add_tcase(s, t);
    return run_tests(s);
}
