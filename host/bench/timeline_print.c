// SPDX-License-Identifier: Apache-2.0
// The time line as text and as JSON (docs/bench_format.md).
#include <inttypes.h>

#include "bench/timeline_inside.h"

enum { SHARES = 6, PS_PER_NS = 1000 };
static const struct {
    uint32_t share; // of HIST_WHOLE
    const char *name;
} shares[SHARES] = {{50000, "50"},   {90000, "90"},    {99000, "99"},
                    {99900, "99.9"}, {99990, "99.99"}, {99999, "99.999"}};

// A percentile needs as many values that one of them lies above it.
static bool enough(const struct hist *h, uint32_t share)
{
    return h->count * (HIST_WHOLE - share) >= HIST_WHOLE;
}

static uint64_t least(const struct hist *h)
{
    return h->count ? h->min : 0;
}

// ---- text

// At least a percentile that there are values for, or "-".
static const char *percentile(char *buf, size_t size, const struct hist *h, uint32_t share)
{
    if (enough(h, share))
        (void)snprintf(buf, size, "%" PRIu64, hist_percentile(h, share));
    else
        (void)snprintf(buf, size, "-");
    return buf;
}

static void print_line(FILE *f, const char *name, const char *kind, const struct hist *h)
{
    char buf[24];
    (void)fprintf(f, "  %-26s %-10s %9" PRIu64, name, kind, least(h));
    for (int i = 0; i < SHARES - 2; i++)
        (void)fprintf(f, " %9s", percentile(buf, sizeof buf, h, shares[i].share));
    (void)fprintf(f, " %9" PRIu64 "\n", h->max);
}

static void print_whatif(FILE *f, const struct timeline_whatif *w, size_t n)
{
    (void)fprintf(f,
                  "\nWhat if: the same ticks; clocks are assumed, links modelled, cycles by the formula\n"
                  "  %-46s %8s %8s %8s %8s %8s %8s\n",
                  "ns", "card 50", "99", "max", "whole 50", "99", "max");
    for (size_t i = 0; i < n; i++) {
        const struct hist *of[] = {&w[i].device, &w[i].whole};
        char p50[24], p99[24];
        (void)fprintf(f, "  %-46s", w[i].config.name);
        for (int k = 0; k < 2; k++)
            (void)fprintf(f, " %8s %8s %8" PRIu64, percentile(p50, sizeof p50, of[k], shares[0].share),
                          percentile(p99, sizeof p99, of[k], shares[2].share), of[k]->max);
        (void)fprintf(f, "\n");
    }
}

// What takes from the figures' worth.
static void print_doubts(FILE *f, const struct timeline_report *r)
{
    const struct timeline_result *t = r->result;
    if (r->check && (r->check->differed || r->check->early))
        (void)fprintf(f, "  THE FORMULA DOES NOT HOLD: the card's parts and what-if are worth nothing\n");
    if (t->unmatched)
        (void)fprintf(f,
                      "  The two runs are not wholly alike: in %" PRIu64
                      " frames other flags or orders, since a reply or idle work came at another\n"
                      "  time. Those are left out of the line.\n",
                      t->unmatched);
    if (t->dropped)
        (void)fprintf(f, "  %" PRIu64 " frames found no room and are left out: the line is a beginning\n",
                      t->dropped);
}

void timeline_print(FILE *f, const struct timeline_report *r)
{
    const struct timeline_result *t = r->result;
    const struct timeline_config *c = &r->own;
    (void)fprintf(f,
                  "Time line of %" PRIu64
                  " ticks that led to an order: host measured, card simulated (%ux%u, %u MHz assumed),\n"
                  "link modelled (%u ns there, %u ns back, each up to %u %% longer)\n"
                  "  %-26s %-10s %9s %9s %9s %9s %9s %9s\n",
                  t->frames, c->lanes, c->slots, c->clock_mhz, c->write_ns, c->event_ns, c->jitter_pct, "ns",
                  "kind", "min", "p50", "p90", "p99", "p99.9", "max");
    print_line(f, "waiting for the host", "all three", &t->waited);
    for (enum timeline_part p = 0; p < PART_COUNT; p++)
        print_line(f, timeline_part_name(p), timeline_kind_name(timeline_part_kind(p)), &t->part[p]);
    print_line(f, "sum, frame to order", "all three", &t->whole);
    (void)fprintf(f,
                  "  not in it: %" PRIu64 " frames without an order, %" PRIu64
                  " that differ between the two runs, %" PRIu64 " beyond the rows, %" PRIu64
                  " without room\n",
                  t->quiet, t->unmatched, t->not_fit, t->dropped);
    if (r->check)
        (void)fprintf(f,
                      "  cycles by the formula and by the RTL's stamps: %" PRIu64 " events (%" PRIu64
                      " triggers) compared, %" PRIu64 " differ,\n  %" PRIu64
                      " commands taken too early; not compared: %" PRIu64 "\n",
                      r->check->events, r->check->triggers, r->check->differed, r->check->early,
                      r->check->apart);
    print_doubts(f, r);
    if (r->n_whatif)
        print_whatif(f, r->whatif, r->n_whatif);
}

// ---- JSON. Names and texts here hold nothing that needs escaping.

static void json_shares(FILE *f, const struct hist *h)
{
    (void)fprintf(f, "{");
    for (int i = 0; i < SHARES; i++) {
        (void)fprintf(f, "%s\"%s\": ", i ? ", " : "", shares[i].name);
        if (enough(h, shares[i].share))
            (void)fprintf(f, "%" PRIu64, hist_percentile(h, shares[i].share));
        else
            (void)fprintf(f, "null");
    }
}

static void json_curve(FILE *f, const struct hist *h)
{
    // Finer and finer towards the end, as a reader of tails wants it.
    static const struct {
        uint32_t to, step;
    } pieces[] = {{99000, 1000}, {99900, 100}, {99990, 10}, {HIST_WHOLE, 1}};
    uint32_t share = 1000;
    (void)fprintf(f, ", \"curve\": [");
    if (h->count)
        (void)fprintf(f, "[0, %" PRIu64 "]", least(h));
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces && h->count; i++)
        for (; share < pieces[i].to && enough(h, share); share += pieces[i].step)
            (void)fprintf(f, ", [%u.%03u, %" PRIu64 "]", share / 1000, share % 1000,
                          hist_percentile(h, share));
    if (h->count)
        (void)fprintf(f, ", [100, %" PRIu64 "]", h->max);
    (void)fprintf(f, "]");
}

// Without its closing brace.
static void json_stage(FILE *f, const char *name, const struct hist *h)
{
    (void)fprintf(f,
                  "{\"name\": \"%s\", \"unit\": \"ns\", \"count\": %" PRIu64 ", \"min\": %" PRIu64
                  ", \"mean\": %" PRIu64 ", \"max\": %" PRIu64 ", \"p\": ",
                  name, h->count, least(h), hist_mean(h), h->max);
    json_shares(f, h);
    (void)fprintf(f, "}");
    json_curve(f, h);
}

static void json_config(FILE *f, const struct timeline_config *c)
{
    (void)fprintf(f,
                  "\"clock_mhz\": %u, \"write_ns\": %u, \"event_ns\": %u, \"jitter_pct\": %u, \"lanes\": %u, "
                  "\"slots\": %u",
                  c->clock_mhz, c->write_ns, c->event_ns, c->jitter_pct, c->lanes, c->slots);
}

static void json_whatif(FILE *f, const struct timeline_whatif *w)
{
    (void)fprintf(f, "{\"name\": \"%s\", ", w->config.name);
    json_config(f, &w->config);
    (void)fprintf(f, ", \"fabric\": %s, \"device\": {\"p\": ", w->config.fabric ? "true" : "false");
    json_shares(f, &w->device);
    (void)fprintf(f, ", \"max\": %" PRIu64 "}}, \"whole\": {\"p\": ", w->device.max);
    json_shares(f, &w->whole);
    (void)fprintf(f, ", \"max\": %" PRIu64 "}}}", w->whole.max);
}

static const char *command_name(uint8_t opcode)
{
    static const char *const name[] = {"", "NOP", "TICK", "BAND", "ROW", "COEF", "ARM", "READ", "SYNC"};
    return opcode < sizeof name / sizeof *name ? name[opcode] : "?";
}

static const char *event_name(uint8_t kind)
{
    static const char *const name[] = {"BAND_EXIT", "TRIGGER", "READ", "SYNC", "ERROR"};
    unsigned i = kind - (unsigned)ABI_EVT_BAND_EXIT;
    return kind ? i < sizeof name / sizeof *name ? name[i] : "?" : "";
}

enum wave_signal {
    WAVE_CMD_VALID,
    WAVE_CMD_READY,
    WAVE_CMD,
    WAVE_A,
    WAVE_A_SLOT,
    WAVE_M,
    WAVE_P,
    WAVE_H,
    WAVE_H_SLOT,
    WAVE_HITS,
    WAVE_EVT_VALID,
    WAVE_EVT_READY,
    WAVE_EVT,
    WAVE_SIGNALS
};
static const struct {
    const char *name;
    bool bus;
} wave_signals[WAVE_SIGNALS] = {
    {"command valid", false}, {"command ready", false},    {"command", true},      {"a: coefficient", false},
    {"a: slot", true},        {"m: multiplier", false},    {"p: products", false}, {"h: H and sign", false},
    {"h: slot", true},        {"h: rows that fire", true}, {"event valid", false}, {"event ready", false},
    {"event", true},
};

static void json_wave_value(FILE *f, enum wave_signal s, const struct probe_cycle *c)
{
    const bool bit[WAVE_SIGNALS] = {[WAVE_CMD_VALID] = c->cmd_valid,
                                    [WAVE_CMD_READY] = c->cmd_ready,
                                    [WAVE_A] = c->a,
                                    [WAVE_M] = c->m,
                                    [WAVE_P] = c->p,
                                    [WAVE_H] = c->h,
                                    [WAVE_EVT_VALID] = c->evt_valid,
                                    [WAVE_EVT_READY] = c->evt_ready};
    switch (s) {
    case WAVE_CMD:
        (void)fprintf(f, "\"%s\"", command_name(c->cmd));
        break;
    case WAVE_A_SLOT: // what a slot is when nothing is in the stage, nobody knows
        (void)fprintf(f, c->a ? "\"%u\"" : "\"\"", c->a_slot);
        break;
    case WAVE_H_SLOT:
        (void)fprintf(f, c->h ? "\"%u\"" : "\"\"", c->h_slot);
        break;
    case WAVE_HITS:
        (void)fprintf(f, c->h && c->hits ? "\"%u\"" : "\"\"", c->hits);
        break;
    case WAVE_EVT:
        if (c->evt == ABI_EVT_TRIGGER)
            (void)fprintf(f, "\"TRIGGER row %u\"", c->row);
        else
            (void)fprintf(f, "\"%s\"", event_name(c->evt));
        break;
    default:
        (void)fprintf(f, "%d", bit[s]);
    }
}

static void json_wave(FILE *f, const struct timeline_wave *w)
{
    (void)fprintf(f, "{\"cycle0\": %" PRIu64 ", \"cycles\": %u, \"signals\": [", w->at[0].cycle, w->n);
    for (enum wave_signal s = 0; s < WAVE_SIGNALS; s++) {
        (void)fprintf(f, "%s{\"name\": \"%s\", \"kind\": \"%s\", \"values\": [", s ? ", " : "",
                      wave_signals[s].name, wave_signals[s].bus ? "bus" : "bit");
        for (uint32_t i = 0; i < w->n; i++) {
            if (i)
                (void)fprintf(f, ", ");
            json_wave_value(f, s, &w->at[i]);
        }
        (void)fprintf(f, "]}");
    }
    (void)fprintf(f, "]}");
}

static void json_slowest(FILE *f, const struct timeline_report *r)
{
    const struct timeline_frame *s = &r->result->slowest;
    if (r->result->frames == 0) {
        (void)fprintf(f, "null");
        return;
    }
    (void)fprintf(f, "{\"frame\": %u, \"ns\": %" PRIu64 ", \"waited\": %" PRIu64 ", \"parts\": {", s->frame,
                  s->whole / PS_PER_NS, s->waited / PS_PER_NS);
    for (enum timeline_part p = 0; p < PART_COUNT; p++)
        (void)fprintf(f, "%s\"%s\": %" PRIu64, p ? ", " : "", timeline_part_name(p), s->part[p] / PS_PER_NS);
    (void)fprintf(f, "}, \"wave\": ");
    if (r->wave && r->wave->n)
        json_wave(f, r->wave);
    else
        (void)fprintf(f, "null");
    (void)fprintf(f, "}");
}

void timeline_json(FILE *f, const struct timeline_report *r)
{
    static const char all[] = "\"kinds\": [\"measured\", \"simulated\", \"modelled\"]";
    const struct timeline_result *t = r->result;
    (void)fprintf(f, "{");
    json_config(f, &r->own);
    (void)fprintf(f,
                  ", \"seed\": \"%" PRIu64 "\", \"frames\": %" PRIu64 ", \"quiet\": %" PRIu64
                  ", \"unmatched\": %" PRIu64 ", \"not_fit\": %" PRIu64 ", \"dropped\": %" PRIu64
                  ",\n\"parts\": [",
                  r->own.seed, t->frames, t->quiet, t->unmatched, t->not_fit, t->dropped);
    for (enum timeline_part p = 0; p < PART_COUNT; p++) {
        (void)fprintf(f, "%s", p ? ",\n" : "");
        json_stage(f, timeline_part_name(p), &t->part[p]);
        (void)fprintf(f, ", \"kind\": \"%s\"}", timeline_kind_name(timeline_part_kind(p)));
    }
    (void)fprintf(f, "],\n\"waited\": ");
    json_stage(f, "waiting for the host", &t->waited);
    (void)fprintf(f, ", %s},\n\"whole\": ", all);
    json_stage(f, "frame to order", &t->whole);
    (void)fprintf(f, ", %s},\n\"check\": ", all);
    if (r->check)
        (void)fprintf(f,
                      "{\"events\": %" PRIu64 ", \"triggers\": %" PRIu64 ", \"differed\": %" PRIu64
                      ", \"apart\": %" PRIu64 ", \"commands\": %" PRIu64 ", \"early\": %" PRIu64 "}",
                      r->check->events, r->check->triggers, r->check->differed, r->check->apart,
                      r->check->taken, r->check->early);
    else
        (void)fprintf(f, "null");
    (void)fprintf(f, ",\n\"whatif\": [");
    for (size_t i = 0; i < r->n_whatif; i++) {
        (void)fprintf(f, "%s", i ? ",\n" : "");
        json_whatif(f, &r->whatif[i]);
    }
    (void)fprintf(f, "],\n\"slowest\": ");
    json_slowest(f, r);
    (void)fprintf(f, "}\n");
}
