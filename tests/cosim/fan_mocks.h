// SPDX-License-Identifier: Apache-2.0
// Members for the tests of several devices as one (fan.c): models of other sizes, and models behind a way
// that delays. Each is a back end of its own name.
#ifndef TRIPLINE_TESTS_FAN_MOCKS_H
#define TRIPLINE_TESTS_FAN_MOCKS_H

#include "base/prng.h"
#include "device.h"

#include <stdlib.h>

static uint64_t mock_random_state;
static uint64_t mock_random(uint64_t n) // 0 to n - 1
{
    return splitmix64(&mock_random_state) % n;
}

// ---- models of one size, whatever is asked for
static int fixed_open(uint32_t lanes, uint32_t slots, uint32_t assets, struct device **out, struct err *e)
{
    const struct device_config c = {.backend = "model", .lanes = lanes, .slots = slots, .assets = assets};
    return device_open(&c, out, e);
}
static int small_open(const struct device_config *c, struct device **out, struct err *e)
{
    (void)c;
    return fixed_open(2, 3, 16, out, e);
}
static int narrow_open(const struct device_config *c, struct device **out, struct err *e)
{
    (void)c;
    return fixed_open(5, 2, 8, out, e);
}
static int single_open(const struct device_config *c, struct device **out, struct err *e)
{
    (void)c;
    return fixed_open(1, 1, 16, out, e);
}

// ---- a model behind a way that takes as much as it likes (late, choosy) and delivers when it likes (late)
struct mock {
    struct device dev;
    struct device *inner;
    struct beat queue[64];
    size_t head, used;
};

static size_t mock_submit(struct device *d, const struct beat *cmd, size_t n)
{
    struct mock *m = (struct mock *)d;
    size_t room = 64 - m->used, take = mock_random(8);
    take += take == 0 && m->dev.info.lockstep; // it never has nothing left to do and takes nothing
    take = take < room ? take : room;
    take = take < n ? take : n;
    for (size_t i = 0; i < take; i++)
        m->queue[(m->head + m->used++) % 64] = cmd[i];
    return take;
}

static void mock_work(struct mock *m, size_t n)
{
    while (n-- && m->used && device_submit(m->inner, &m->queue[m->head], 1) == 1) {
        m->head = (m->head + 1) % 64;
        m->used--;
    }
}

static size_t mock_poll(struct device *d, struct beat *evt, size_t max)
{
    struct mock *m = (struct mock *)d;
    if (!m->dev.info.lockstep) {
        mock_work(m, mock_random(6));
        return mock_random(3) ? 0 : device_poll(m->inner, evt, mock_random(max + 1));
    }
    for (;;) {
        size_t n = device_poll(m->inner, evt, max > 1 ? 1 + mock_random(max) : max);
        if (n || !m->used || !max)
            return n;
        mock_work(m, 1 + mock_random(5));
    }
}

static void mock_counters(struct device *d, struct device_counters *out)
{
    device_counters(((struct mock *)d)->inner, out);
}

static void mock_close(struct device *d)
{
    device_close(((struct mock *)d)->inner);
    free(d);
}

static const struct device_ops mock_ops = {
    .submit = mock_submit, .poll = mock_poll, .counters = mock_counters, .close = mock_close};

static int mock_open(const char *name, bool lockstep, uint32_t lanes, uint32_t assets, struct device **out,
                     struct err *e)
{
    struct mock *m = calloc(1, sizeof *m);
    if (!m || fixed_open(lanes, 2, assets, &m->inner, e) != 0) {
        free(m);
        return -1;
    }
    m->dev.info = m->inner->info;
    m->dev.info.backend = name;
    m->dev.info.lockstep = lockstep;
    m->dev.ops = &mock_ops;
    *out = &m->dev;
    return 0;
}
static int late_open(const struct device_config *c, struct device **out, struct err *e)
{
    (void)c;
    return mock_open("late", false, 4, 16, out, e);
}
static int thin_open(const struct device_config *c, struct device **out, struct err *e) // late, few columns
{
    (void)c;
    return mock_open("thin", false, 3, 8, out, e);
}
static int choosy_open(const struct device_config *c, struct device **out, struct err *e)
{
    (void)c;
    return mock_open("choosy", true, 6, 16, out, e);
}

static void mocks_register(void)
{
    static const struct device_ops ops[] = {
        {.name = "small", .open = small_open},   {.name = "narrow", .open = narrow_open},
        {.name = "single", .open = single_open}, {.name = "late", .open = late_open},
        {.name = "choosy", .open = choosy_open}, {.name = "thin", .open = thin_open}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        device_register(&ops[i]);
}

#endif
