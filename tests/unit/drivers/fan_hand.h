// SPDX-License-Identifier: Apache-2.0
// Hands: members for the tests of several devices as one, which keep what they are sent and say what the test
// tells them. And commands and events as text.
#ifndef TRIPLINE_TESTS_FAN_HAND_H
#define TRIPLINE_TESTS_FAN_HAND_H

#include "cmdfile.h"
#include "device.h"
#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- members
enum { HANDS = 32, KEEP = 4096, SAY = 512 };
struct hand {
    struct device dev;
    struct beat got[KEEP], say[SAY];
    size_t n_got, n_say, said, credit;
    size_t refill; // credit that a poll gives
    char fault[64], warning[64];
};
static struct hand *hand[HANDS];
static size_t opened, closed;
static bool lockstep = true;
static uint32_t rows_of[HANDS], columns_of[HANDS];

static inline size_t hand_submit(struct device *d, const struct beat *cmd, size_t n)
{
    struct hand *h = (struct hand *)d;
    size_t take = n < h->credit ? n : h->credit;
    ck_assert_uint_le(h->n_got + take, KEEP);
    memcpy(h->got + h->n_got, cmd, take * sizeof *cmd);
    h->n_got += take;
    h->credit -= take;
    return take;
}
static inline size_t hand_poll(struct device *d, struct beat *evt, size_t max)
{
    struct hand *h = (struct hand *)d;
    size_t n = h->n_say - h->said < max ? h->n_say - h->said : max;
    memcpy(evt, h->say + h->said, n * sizeof *evt);
    h->said += n;
    h->credit = h->refill ? h->refill : h->credit;
    return n;
}
static inline void hand_counters(struct device *d, struct device_counters *out)
{
    *out = (struct device_counters){.cycles = ((struct hand *)d)->n_got, .stall_in_cycles = 3, .ticks = 99};
}
static inline void hand_close(struct device *d)
{
    closed++;
    free(d);
}
static const struct device_ops hand_ops = {
    .submit = hand_submit, .poll = hand_poll, .counters = hand_counters, .close = hand_close};

static inline int hand_open(const struct device_config *c, struct device **out, struct err *e)
{
    (void)c;
    (void)e;
    struct hand *h = calloc(1, sizeof *h);
    ck_assert_ptr_nonnull(h);
    ck_assert_uint_lt(opened, HANDS);
    h->credit = SIZE_MAX;
    h->dev.ops = &hand_ops;
    h->dev.info = (struct device_info){.backend = "hand",
                                       .abi_version = ABI_VERSION,
                                       .abi_hash = ABI_HASH,
                                       .lanes = rows_of[opened] ? rows_of[opened] : 2,
                                       .slots = 1,
                                       .assets = columns_of[opened] ? columns_of[opened] : 8,
                                       .lockstep = lockstep,
                                       .cycles = opened != 1,
                                       .window_depth = 64u >> (opened & 3),
                                       .latency = 5 + (uint32_t)opened,
                                       .fault = h->fault,
                                       .warning = h->warning};
    hand[opened++] = h;
    *out = &h->dev;
    return 0;
}
static const struct device_ops hand_ops_open = {.name = "hand", .open = hand_open};

static inline struct device *open_fan(const char *name, bool step)
{
    struct device *d = NULL;
    struct err e = {""};
    opened = closed = 0;
    lockstep = step;
    ck_assert_msg(device_open(&(struct device_config){.backend = name}, &d, &e) == 0, "%s", e.msg);
    return d;
}

static inline struct device *open_hands(uint32_t n, bool step)
{
    char name[16];
    (void)snprintf(name, sizeof name, "hand*%u", n);
    return open_fan(name, step);
}

static inline void reset_shapes(void)
{
    memset(rows_of, 0, sizeof rows_of);
    memset(columns_of, 0, sizeof columns_of);
}

// ---- commands and events as text
static inline size_t submit_text(struct device *d, const char *text)
{
    static struct beat b[1024];
    struct err e;
    size_t taken = 0;
    for (const char *line = text; *line;) {
        int n = cmdfile_parse(line, b, 1024, &e);
        ck_assert_msg(n >= 0, "%s", e.msg);
        taken += device_submit(d, b, (size_t)n);
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    return taken;
}

static inline const char *events_of(struct device *d, size_t (*poll)(struct device *, struct beat *, size_t))
{
    static char got[8192];
    char line[CMDFILE_TEXT_MAX];
    struct beat evt;
    for (*got = 0; poll(d, &evt, 1) == 1;) {
        cmdfile_print_event(line, &evt, false);
        ck_assert_uint_lt(strlen(got) + strlen(line) + 2, sizeof got);
        strcat(strcat(got, line), "\n");
    }
    return got;
}
#define expect(d, want) ck_assert_str_eq(events_of(d, device_poll), want)

static inline uint32_t newest_tag(const struct hand *h)
{
    struct abi_tick t = {0};
    for (size_t i = 0; i < h->n_got; i++)
        if (abi_opcode(&h->got[i]) == ABI_CMD_TICK)
            abi_unpack_tick(&h->got[i], &t);
    return t.group;
}

static inline void say(struct hand *h, const struct beat *b)
{
    ck_assert_uint_lt(h->n_say, SAY);
    h->say[h->n_say++] = *b;
}
static inline void say_fire(struct hand *h, uint32_t row)
{
    struct beat b;
    abi_pack_trigger(
        &b,
        &(struct abi_trigger){
            .cause = ABI_CAUSE_TICK, .row = row, .asset = 1, .price = 70, .h = -5, .group = newest_tag(h)});
    say(h, &b);
}
static inline void say_exit(struct hand *h)
{
    struct beat b;
    abi_pack_band_exit(&b, &(struct abi_band_exit){.asset = 1, .price = 70, .group = newest_tag(h)});
    say(h, &b);
}
// Answers the newest SYNC that it was sent.
static inline void say_sync(struct hand *h)
{
    struct abi_sync x = {0};
    struct beat b;
    for (size_t i = 0; i < h->n_got; i++)
        if (abi_opcode(&h->got[i]) == ABI_CMD_SYNC)
            abi_unpack_sync(&h->got[i], &x);
    abi_pack_sync_done(&b, &(struct abi_sync_done){.token = x.token, .group = newest_tag(h)});
    say(h, &b);
}
#define FIRE(row) "trigger cause=tick row=" #row " h=-5 asset=1 price=70 group=9\n"
#define EXIT      "band_exit asset=1 price=70 group=9\n"
#define TICK      "tick asset=1 price=70 group=9\n"

static inline int run_tests(Suite *s)
{
    device_register(&device_ops_model);
    device_register(&device_ops_compare);
    device_register(&device_ops_fan);
    device_register(&hand_ops_open);
    return run_suite(s);
}

#endif
