// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/timeline_inside.h"

// Clocks to compare. None of them is claimed: there has been no vendor place and route (docs/synthesis.md).
static const unsigned clocks[] = {156, 250, 322, 644};
static const uint32_t lanes_of[] = {64, 128};
// One way, ns: half of the slower machine's 1213 ns there and back (drivers/device.h says where it is from).
enum { SLOWER_NS = 606 };

static struct timeline_config *add(struct timeline_config *out, size_t *n, const struct timeline_config *own)
{
    struct timeline_config *c = &out[(*n)++];
    *c = *own;
    return c;
}

__attribute__((format(printf, 2, 3))) static void name(struct timeline_config *c, const char *text, ...)
{
    va_list ap;
    va_start(ap, text);
    (void)vsnprintf(c->name, sizeof c->name, text, ap);
    va_end(ap);
}

static void add_links(struct timeline_config *out, size_t *n, const struct timeline_config *own)
{
    const struct {
        unsigned write_ns, event_ns;
        const char *what;
    } links[] = {{own->write_ns / 2, own->event_ns / 2, "half"},
                 {own->write_ns * 2, own->event_ns * 2, "twice"},
                 {SLOWER_NS, SLOWER_NS, "slower machine"}};
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        struct timeline_config *c = add(out, n, own);
        c->write_ns = links[i].write_ns;
        c->event_ns = links[i].event_ns;
        name(c, "link: %s, %u ns", links[i].what, c->write_ns);
    }
}

size_t timeline_whatif_set(const struct timeline_config *own, struct timeline_config out[WHATIF_MAX])
{
    size_t n = 0;
    name(add(out, &n, own), "as it is: %ux%u, %u MHz", own->lanes, own->slots, own->clock_mhz);
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        if (clocks[i] == own->clock_mhz)
            continue;
        struct timeline_config *c = add(out, &n, own);
        c->clock_mhz = clocks[i];
        name(c, "clock: %u MHz, assumed", c->clock_mhz);
    }
    for (size_t i = 0; i < sizeof lanes_of / sizeof *lanes_of; i++) {
        uint64_t rows = (uint64_t)own->lanes * own->slots;
        if (lanes_of[i] == own->lanes || rows < lanes_of[i])
            continue;
        struct timeline_config *c = add(out, &n, own);
        c->lanes = lanes_of[i];
        c->slots = (uint32_t)(rows / c->lanes);
        name(c, "lanes: %ux%u", c->lanes, c->slots);
    }
    add_links(out, &n, own);
    struct timeline_config *c = add(out, &n, own);
    c->write_ns = c->event_ns = c->jitter_pct = 0;
    c->fabric = true;
    name(c, "wholly in fabric, card alone");
    return n;
}

int timeline_whatif(const struct timeline *tl, const struct timeline_config *c, size_t n,
                    struct timeline_whatif **out, struct err *e)
{
    struct timeline_result *r = malloc(sizeof *r);
    struct timeline_whatif *w = calloc(n ? n : 1, sizeof *w);
    if (!r || !w) {
        free(r);
        free(w);
        return err_set(e, "out of memory for %zu time lines", n);
    }
    for (size_t i = 0; i < n; i++) {
        timeline_reckon(tl, &c[i], r, NULL, NULL);
        w[i].config = c[i];
        w[i].frames = r->frames;
        w[i].device = r->part[PART_DEVICE];
        w[i].whole = r->whole;
    }
    free(r);
    *out = w;
    return 0;
}
