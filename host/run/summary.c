// SPDX-License-Identifier: Apache-2.0
#include "run/summary_inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void say(struct text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->buf + t->used, t->size - t->used, fmt, ap);
    va_end(ap);
    if (n > 0)
        t->used = t->used + (size_t)n < t->size ? t->used + (size_t)n : t->size - 1;
}

static void say_feed(struct text *t, const struct summary_input *in)
{
    const struct feed_counters *f = feed_counters(session_feed(in->session));
    const struct oracle_counters *o = oracle_counters(session_oracle(in->session));
    const struct engine_counters *g = engine_counters(session_engine(in->session));
    say(t, "source      %s%s\n", in->source, in->interrupted ? " (interrupted)" : "");
    if (in->port_missed + in->port_errors + in->port_no_buffer + in->port_bad_sums)
        say(t,
            "port losses %" PRIu64 " missed, %" PRIu64 " errors, %" PRIu64 " without a buffer, %" PRIu64
            " bad checksums\n",
            in->port_missed, in->port_errors, in->port_no_buffer, in->port_bad_sums);
    size_t unplaced = engine_unplaced(session_engine(in->session));
    if (unplaced)
        say(t, "accounts    %zu wait for a first price of some asset they depend on\n", unplaced);
    say(t, "packets     %" PRIu64 " frames, %" PRIu64 " decoded", f->frames, f->packets);
    for (int d = DROP_NONE + 1; d < DROP_COUNT; d++)
        if (f->drop[d])
            say(t, ", %" PRIu64 " %s", f->drop[d], feed_drop_name((enum feed_drop)d));
    say(t, "; %" PRIu64 " gaps (%" PRIu64 " missing), %" PRIu64 " duplicates\n", f->gaps, f->missing,
        f->duplicates);
    say(t,
        "messages    %" PRIu64 ": %" PRIu64 " tickers, %" PRIu64 " indexes, %" PRIu64 " instruments, %" PRIu64
        " walked past\n",
        f->messages, f->tickers, f->indexes, f->instruments, f->other_messages);
    say(t,
        "prices      %" PRIu64 " updates in %" PRIu64 " groups, %" PRIu64 " of other instruments, %" PRIu64
        " refused",
        o->updates, o->groups, o->unknown, o->bad_price);
    bool any = false;
    for (int h = HOLD_NONE + 1; h < HOLD_COUNT; h++)
        if (o->holds[h]) {
            say(t, "%s %s %" PRIu64, any ? "," : "; held:", hold_name((enum hold)h), o->holds[h]);
            any = true;
        }
    say(t, "\n");
    say(t,
        "ticks       %" PRIu64 " to the device; %" PRIu64 " bands re-centred, %" PRIu64
        " rows loaded, band exits %" PRIu64 " expected %" PRIu64 " seen\n",
        g->ticks, g->recentred, g->rows_loaded, g->band_exits_expected, g->band_exits_seen);
}

// Where the accounts are when not all are on the device, and what moving the boxes has cost.
static void say_tiers(struct text *t, const struct summary_input *in)
{
    const struct engine_counters *g = engine_counters(session_engine(in->session));
    struct engine_tiers x;
    uint64_t beyond = 0;
    engine_tiers(session_engine(in->session), &x);
    if (!x.boxed)
        return;
    for (int k = 0; k < ENGINE_TIERS; k++)
        beyond += x.beyond[k];
    say(t,
        "tiers       box %" PRIu32 " ppm; %" PRIu64 " accounts on the device (%" PRIu64 " rows), %" PRIu64
        " evaluated on the host, %" PRIu64 " beyond box 0, %" PRIu64 " flagged, %" PRIu64
        " without a row; %zu MB\n",
        x.box_ppm, x.device, x.rows_used, x.host, beyond, x.flagged, x.none, x.bytes >> 20);
    say(t, "            beyond each box:");
    for (int k = 0; k < ENGINE_TIERS; k++)
        say(t, " %" PRIu64, x.beyond[k]);
    say(t,
        "\nboxes       %" PRIu64 " moved in the background (%" PRIu64 " accounts looked at), %" PRIu64
        " after a jump (%" PRIu64 ", in %" PRIu64 " updates); %" PRIu64 " changes of tier, %" PRIu64
        " units changed\n            host: %" PRIu64 " rows evaluated, %" PRIu64
        " flags without the device\n",
        g->boxes_background, g->looked_background, g->boxes_foreground, g->looked_foreground,
        g->updates_foreground, g->tier_changes, g->units_changed, g->host_evaluations, g->host_flags);
}

void say_money(struct text *t, const char *name, int64_t e8)
{
    say(t, "%s %s%" PRIu64 ".%02" PRIu64, name, e8 < 0 ? "-" : "", (uint64_t)(e8 < 0 ? -e8 : e8) / 100000000u,
        (uint64_t)(e8 < 0 ? -e8 : e8) / 1000000u % 100u);
}

// Instruments' parameters that were told, and what that cost.
static void say_parameters(struct text *t, const struct summary_input *in)
{
    const struct engine_counters *g = engine_counters(session_engine(in->session));
    const struct session_counters *s = session_counters(in->session);
    struct engine_tiers x;
    if (!s->markets[0] && !s->markets[1])
        return;
    say(t, "parameters  %" PRIu64 " changes taken, %" PRIu64 " refused", s->markets[0], s->markets[1]);
    engine_tiers(session_engine(in->session), &x);
    if (x.boxed)
        say(t,
            "; of assets' rows %" PRIu64 " within the rules' bounds, %" PRIu64 " all made anew; %" PRIu64
            " boxes narrowed, %" PRIu64 " accounts made anew when looked at, %" PRIu64 " crossed",
            g->parameters_shifted, g->parameters_rebuilt, g->boxes_narrowed, g->lines_stale, x.crossed);
    say(t, "\n");
}

// Liquidation by stages: one order for a transition, so this is what the transitions were.
static void say_stages(struct text *t, const struct summary_input *in)
{
    const struct desk_counters *d = desk_counters(in->desk);
    uint32_t policy = session_stages(in->session);
    if (policy == STAGES_NONE)
        return;
    say(t,
        "stages      %s: orders %" PRIu64 " partial, %" PRIu64 " full, %" PRIu64 " backstop, %" PRIu64
        " bankrupt; %" PRIu64 " taken back, %" PRIu64 " liquidations ended\n",
        stages_name[policy], d->stage[STAGED_PARTIAL], d->stage[STAGED_FULL], d->stage[STAGED_BACKSTOP],
        d->stage[STAGED_BANKRUPT], d->stages_undone, d->stages_ended);
}

static void say_orders(struct text *t, const struct summary_input *in)
{
    const struct engine_counters *g = engine_counters(session_engine(in->session));
    const struct session_counters *s = session_counters(in->session);
    const struct desk_counters *d = desk_counters(in->desk);
    struct gateway_counters w;
    bool states = false;
    in->gateway->ops->counters(in->gateway, &w);
    say(t,
        "flags       %" PRIu64 " liquidation, %" PRIu64 " warning; confirmed %" PRIu64 ", early %" PRIu64
        ", re-armed %" PRIu64 ", still watched %zu\n",
        g->flags[LEVEL_LIQUIDATE], g->flags[LEVEL_WARN], g->confirmed, g->early, g->rearmed,
        engine_watching(session_engine(in->session)));
    say(t, "held        ");
    bool any = false;
    for (int h = HOLD_NONE + 1; h < HOLD_COUNT; h++)
        if (s->held[h]) {
            say(t, "%s%s %" PRIu64, any ? ", " : "", hold_name((enum hold)h), s->held[h]);
            any = true;
        }
    for (int a = DESK_SENT + 1; a < DESK_ANSWER_COUNT; a++)
        if (s->refused_by_desk[a]) {
            say(t, "%s%s %" PRIu64, any ? ", " : "", desk_answer_name((enum desk_answer)a),
                s->refused_by_desk[a]);
            any = true;
        }
    say(t, "%s\n", any ? "" : "none");
    say(t,
        "orders      %" PRIu64 " handed over (%" PRIu64 " ready beforehand, %" PRIu64
        " made at the trigger): %" PRIu64 " filled, %" PRIu64 " refused, %" PRIu64 " fenced, %" PRIu64
        " outstanding; %" PRIu64 " sent again",
        d->answer[DESK_SENT], d->ready_used, d->cold, d->filled, d->refused, d->fenced, d->outstanding,
        w.resent);
    if (w.expired)
        say(t, ", %" PRIu64 " not sent (waited too long)", w.expired);
    say(t, "\n");
    for (int k = 0; k < DESK_TOLD_COUNT; k++)
        if (d->told[k]) {
            say(t, "%s %s %" PRIu64, states ? "," : "states     ", desk_told_name((enum desk_told)k),
                d->told[k]);
            states = true;
        }
    if (states)
        say(t, " (without an order of ours)\n");
    say_stages(t, in);
    say_calls(t, in);
    say_parameters(t, in);
    say_bids(t, in);
    say_money(t, "value      ", d->value_e8);
    say_money(t, " handed over, reward as planned", d->reward_e8);
    say(t, " (units of account)\n");
}

void say_percentiles(struct text *t, const char *name, const struct hist *h)
{
    static const struct {
        const char *name;
        uint32_t share;
        uint64_t least; // samples below which this percentile would only be the maximum
    } p[] = {{"p50", 50000, 1}, {"p99", 99000, 100}, {"p99.9", 99900, 1000}, {"p99.99", 99990, 10000}};
    say(t, "  %-18s n=%-8" PRIu64 " min %-7" PRIu64, name, h->count, h->min);
    for (size_t i = 0; i < sizeof p / sizeof *p; i++) {
        if (h->count >= p[i].least)
            say(t, " %s %-7" PRIu64, p[i].name, hist_percentile(h, p[i].share));
        else
            say(t, " %s %-7s", p[i].name, "-");
    }
    say(t, " max %" PRIu64 "\n", h->max);
}

static const char *jitter_text(const struct device_card *card, char *text, size_t size)
{
    text[0] = '\0';
    if (card->jitter_pct)
        snprintf(text, size, ", each up to %u %% longer at random", card->jitter_pct);
    return text;
}

static void say_latency(struct text *t, const struct summary_input *in)
{
    const struct engine_counters *g = engine_counters(session_engine(in->session));
    const struct hist *c = session_cycles(in->session);
    say(t, "latency     device: tick-to-trigger, RTL cycles (simulated; from the events' own stamps)\n");
    if (c->count)
        say_percentiles(t, "trigger", c);
    else
        say(t, "  %s\n", in->device->info.cycles ? "no tick fired" : "this back end has no cycles");
    const struct device_card *card = &in->device->info.card;
    char jitter[64];
    struct device_counters d;
    device_counters(in->device, &d);
    if (card->clock_mhz)
        say(t,
            "            PCIe: %u ns to the device, %u ns back, %u ns a register read%s (modelled, "
            "docs/device.md; %u MHz "
            "assumed)%s\n",
            card->write_ns, card->event_ns, card->read_ns, jitter_text(card, jitter, sizeof jitter),
            card->clock_mhz, d.ring_full_cycles ? "" : "; in none of these figures");
    if (d.ring_full_cycles)
        say(t,
            "            events waited %" PRIu64
            " cycles for the modelled host to give ring places back, so the "
            "device's figures are partly modelled (--ring)\n",
            d.ring_full_cycles);
    if (g->device_faults)
        say(t,
            "            memory: %" PRIu64 " flipped bits reported, %" PRIu64 " rows loaded anew for them\n",
            g->device_faults, g->rows_mended);
    if (in->device->info.warning && in->device->info.warning[0])
        say(t, "            warning: %s\n", in->device->info.warning);
    say(t,
        "            host: nanoseconds per stage (measured; %s; send: CLOCK_MONOTONIC); the device's time is "
        "in %s\n",
        in->clock, in->device->info.cycles ? "none of them" : "those from tick-to-flag on, in no other");
    for (int i = 0; i < STAGE_COUNT; i++)
        if (session_stage(in->session, (enum stage)i)->count &&
            !(in->device->info.cycles && stage_holds_device((enum stage)i)))
            say_percentiles(t, stage_name((enum stage)i), session_stage(in->session, (enum stage)i));
    say_receipts(t, in);
}

static const char *compared(const struct summary_input *in, char *text, size_t size)
{
    struct device *d = in->device;
    if (!d->ops->mismatch)
        return "not compared";
    return device_mismatch(d, text, size) ? text : "identical";
}

// Which two were, or would be: "model==rtl", or "A==B" by name for another pair A+B.
static void say_pair(struct text *t, const char *backend)
{
    const char *plus = strchr(backend, '+');
    if (plus && !(strstr(backend, "sim") && strstr(backend, "model")))
        say(t, "%.*s==%s: ", (int)(plus - backend), backend, plus + 1);
    else
        say(t, "model==rtl: ");
}

static void say_audit(struct text *t, const struct summary_input *in)
{
    const struct audit *a = session_audit(in->session);
    char diff[200];
    if (!a)
        return;
    say(t,
        "audit       %" PRIu64 " exact evaluations over %" PRIu64 " updates, %" PRIu64
        " account-updates in breach\n",
        a->evaluations, a->updates, a->breaches);
    say(t, "audit: missed=%" PRIu64 " unconfirmed_orders=%" PRIu64 " ", a->missed, a->unconfirmed_orders);
    say_pair(t, in->device->info.backend);
    say(t, "%s\n", compared(in, diff, sizeof diff));
    say_calls_audit(t, in);
    if (a->missed)
        say(t, "audit: first account missed: %" PRIu32 "\n", a->first_missed);
}

size_t summary_text(const struct summary_input *in, char *buf, size_t size)
{
    struct text t = {buf, size, 0};
    buf[0] = '\0';
    say_feed(&t, in);
    say_tiers(&t, in);
    say_orders(&t, in);
    say_chain(&t, in);
    say_latency(&t, in);
    say_audit(&t, in);
    return t.used;
}

bool summary_judged(const struct summary_input *in)
{
    const struct audit *a = session_audit(in->session);
    return !a || a->evaluations > 0;
}

bool summary_holds(const struct summary_input *in)
{
    const struct audit *a = session_audit(in->session);
    const struct engine_counters *g = engine_counters(session_engine(in->session));
    char diff[200];
    // A flipped bit may be one of a band.
    bool exits = g->band_exits_expected == g->band_exits_seen || g->device_faults;
    return summary_judged(in) && device_mismatch(in->device, diff, sizeof diff) == 0 && exits &&
           g->device_errors == 0 && chain_holds(in) && bids_hold(in) && calls_hold(in) &&
           (!a || (a->missed == 0 && a->unconfirmed_orders == 0));
}
