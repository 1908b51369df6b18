// SPDX-License-Identifier: Apache-2.0
// Registry of device back ends and the checks every open goes through.
#include "device.h"

#include "probe.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const struct device_card device_card_default = {
    .clock_mhz = 250, .write_ns = 270, .event_ns = 270, .read_ns = 790, .ring_log2 = 12};

enum { BACKENDS_MAX = 16 };
static const struct device_ops *backends[BACKENDS_MAX];
static size_t n_backends;

void device_register(const struct device_ops *ops)
{
    for (size_t i = 0; i < n_backends; i++)
        if (backends[i] == ops)
            return;
    assert(n_backends < BACKENDS_MAX);
    backends[n_backends++] = ops;
}

const struct device_ops *device_find(const char *name)
{
    if (strchr(name, '+'))
        name = device_ops_compare.name;
    else if (strpbrk(name, "*,"))
        name = device_ops_fan.name;
    for (size_t i = 0; i < n_backends; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

static void known(char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < n_backends; i++) {
        int n = snprintf(text + used, size - used, "%s%s", i ? ", " : "", backends[i]->name);
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}

int device_open(const struct device_config *c, struct device **out, struct err *e)
{
    struct device_config own = *c;
    if (!own.backend)
        own.backend = device_ops_model.name;
    const struct device_ops *ops = device_find(own.backend);
    if (!ops) {
        char names[160];
        known(names, sizeof names);
        return err_set(e, "device '%s' is not in this program; it has: %s", own.backend, names);
    }
    if (own.stall_in_pct > 99 || own.stall_out_pct > 99)
        return err_set(e, "device '%s': a stall of %u%%/%u%% would never end; use 0 to 99", own.backend,
                       own.stall_in_pct, own.stall_out_pct);
    struct device *d = NULL;
    if (ops->open(&own, &d, e))
        return -1;
    if (d->info.abi_version != ABI_VERSION || d->info.abi_hash != ABI_HASH) {
        err_set(e, "device '%s' speaks ABI %u/%016llx, this program %u/%016llx: rebuild one of them",
                own.backend, d->info.abi_version, (unsigned long long)d->info.abi_hash, ABI_VERSION,
                (unsigned long long)ABI_HASH);
        device_close(d);
        return -1;
    }
    *out = d;
    return 0;
}

size_t device_submit(struct device *d, const struct beat *cmd, size_t n)
{
    return d->ops->submit(d, cmd, n);
}

size_t device_poll(struct device *d, struct beat *evt, size_t max)
{
    return d->ops->poll(d, evt, max);
}

size_t device_merged(struct device *d, struct beat *evt, size_t max)
{
    return d->ops->merged ? d->ops->merged(d, evt, max) : 0;
}

uint32_t device_columns(const struct device *d, uint32_t row)
{
    return d->ops->columns ? d->ops->columns(d, row) : d->info.assets;
}

void device_counters(struct device *d, struct device_counters *out)
{
    memset(out, 0, sizeof *out);
    d->ops->counters(d, out);
}

int device_mismatch(struct device *d, char *text, size_t size)
{
    return d->ops->mismatch ? d->ops->mismatch(d, text, size) : 0;
}

int device_probe(struct device *d, struct probe *p)
{
    return d->ops->probe ? d->ops->probe(d, p) : -1;
}

void device_close(struct device *d)
{
    if (d)
        d->ops->close(d);
}
