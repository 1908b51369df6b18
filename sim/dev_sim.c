// SPDX-License-Identifier: Apache-2.0
// Device back end "sim": the Verilated core in this process, in lockstep (docs/device.md).
#include "device.h"

#include <stdlib.h>

#include "sim_api.h"

struct dev_sim {
    struct device dev;
    struct sim *sim;
};

static uint64_t read64(struct sim *s, uint32_t offset)
{
    uint64_t low = sim_read(s, offset); // latches the high word
    return low | (uint64_t)sim_read(s, offset + 4) << 32;
}

static void dev_close(struct device *d)
{
    struct dev_sim *s = (struct dev_sim *)d;
    if (s->sim)
        sim_close(s->sim);
    free(s);
}

// Who is there? 0, or -1 when it is not the core this program was built with.
static int identify(struct dev_sim *s, struct err *e)
{
    uint32_t magic = sim_read(s->sim, ABI_REG_MAGIC);
    if (magic != ABI_MAGIC)
        return err_set(e, "device sim: identity register reads %08x, not %08x: rebuild with `make`", magic,
                       ABI_MAGIC);
    s->dev.info = (struct device_info){.backend = "sim",
                                       .abi_version = sim_read(s->sim, ABI_REG_ABI_VERSION),
                                       .abi_hash = read64(s->sim, ABI_REG_ABI_HASH),
                                       .build_hash = read64(s->sim, ABI_REG_BUILD_HASH),
                                       .lanes = sim_read(s->sim, ABI_REG_LANES),
                                       .slots = sim_read(s->sim, ABI_REG_SLOTS),
                                       .assets = sim_read(s->sim, ABI_REG_ASSETS),
                                       .lockstep = true,
                                       .cycles = true};
    if (s->dev.info.build_hash != sim_build_hash())
        return err_set(e, "device sim: RTL build %016llx, harness built for %016llx: rebuild with `make`",
                       (unsigned long long)s->dev.info.build_hash, (unsigned long long)sim_build_hash());
    return 0;
}

static int dev_open(const struct device_config *c, struct device **out, struct err *e)
{
    struct dev_sim *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(e, "device sim: out of memory");
    s->dev.ops = &device_ops_sim;
    struct sim_config conf = {.trace = c->trace,
                              .seed = c->seed,
                              .stall_in_pct = c->stall_in_pct,
                              .stall_out_pct = c->stall_out_pct};
    const char *why = "";
    s->sim = sim_open(&conf, &why);
    if (!s->sim) {
        err_set(e, "device sim: %s%s%s", why, c->trace ? ": " : "", c->trace ? c->trace : "");
        dev_close(&s->dev);
        return -1;
    }
    if (identify(s, e)) {
        dev_close(&s->dev);
        return -1;
    }
    *out = &s->dev;
    return 0;
}

static size_t dev_submit(struct device *d, const struct beat *cmd, size_t n)
{
    return sim_submit(((struct dev_sim *)d)->sim, cmd, n);
}

static size_t dev_poll(struct device *d, struct beat *evt, size_t max)
{
    return sim_poll(((struct dev_sim *)d)->sim, evt, max);
}

static void dev_counters(struct device *d, struct device_counters *out)
{
    struct sim *s = ((struct dev_sim *)d)->sim;
    *out = (struct device_counters){.commands = read64(s, ABI_REG_COMMANDS),
                                    .events = read64(s, ABI_REG_EVENTS),
                                    .ticks = read64(s, ABI_REG_TICKS),
                                    .rows = read64(s, ABI_REG_ROWS),
                                    .triggers = read64(s, ABI_REG_TRIGGERS),
                                    .band_exits = read64(s, ABI_REG_BAND_EXITS),
                                    .errors = read64(s, ABI_REG_ERRORS),
                                    .cycles = read64(s, ABI_REG_CYCLES),
                                    .stall_in_cycles = read64(s, ABI_REG_STALL_IN),
                                    .stall_out_cycles = read64(s, ABI_REG_STALL_OUT),
                                    .frozen_cycles = read64(s, ABI_REG_FROZEN)};
}

const struct device_ops device_ops_sim = {
    .name = "sim",
    .open = dev_open,
    .submit = dev_submit,
    .poll = dev_poll,
    .counters = dev_counters,
    .close = dev_close,
};
