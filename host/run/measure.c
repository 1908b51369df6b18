// SPDX-License-Identifier: Apache-2.0
// What a session measures: stamps taken on the way, histograms filled when the frame is done.
#include "run/inside.h"

#include <string.h>

const char *stage_name(enum stage s)
{
    static const char *const names[STAGE_COUNT] = {"decode",
                                                   "submit",
                                                   "confirm",
                                                   "size",
                                                   "order",
                                                   "send",
                                                   "send-cold",
                                                   "tick-to-command",
                                                   "tick-to-flag",
                                                   "tick-to-order",
                                                   "tick-to-order-cold",
                                                   "tick-to-done"};
    return (unsigned)s < STAGE_COUNT ? names[s] : "?";
}

const char *stamp_name(enum stamp s)
{
    static const char *const names[STAMP_COUNT] = {"arrived",   "taken", "decoded", "submitted", "flag",
                                                   "confirmed", "sized", "order",   "last",      "done"};
    return (unsigned)s < STAMP_COUNT ? names[s] : "?";
}

void record_lapses(struct session *s)
{
    for (size_t i = 0; i < s->n_lapses; i++)
        hist_record(&s->stage[s->lapse[i].stage], clock_ns(s->lapse[i].ticks));
    s->n_lapses = 0;
}

void begin_stamps(struct session *s)
{
    uint64_t now = clock_ticks();
    memset(&s->stamps, 0, sizeof s->stamps);
    s->stamps.at[STAMP_ARRIVED] = s->arrived ? s->arrived : now;
    s->stamps.at[STAMP_TAKEN] = now;
    s->arrived = 0;
    s->first = true;
    s->decoded = false;
}

void end_stamps(struct session *s)
{
    const uint64_t *at = s->stamps.at;
    uint64_t done = clock_ticks();
    s->first = false;
    if (s->decoded) { // else commands were due for another reason, as the time
        took(s, STAGE_DECODE, at[STAMP_TAKEN], at[STAMP_DECODED]);
        took(s, STAGE_SUBMIT, at[STAMP_DECODED], at[STAMP_SUBMITTED]);
        took(s, STAGE_TO_COMMAND, at[STAMP_ARRIVED], at[STAMP_SUBMITTED]);
    }
    took(s, STAGE_TO_FLAG, at[STAMP_ARRIVED], at[STAMP_FLAG]);
    took(s, STAGE_TO_DONE, at[STAMP_ARRIVED], done);
    record_lapses(s);
    s->stamps.at[STAMP_DONE] = done;
}

void session_measure_anew(struct session *s)
{
    for (int i = 0; i < STAGE_COUNT; i++)
        hist_init(&s->stage[i]);
    hist_init(&s->cycles);
    s->n_lapses = 0;
}

const struct hist *session_stage(const struct session *s, enum stage st)
{
    return &s->stage[st];
}

void session_arrived(struct session *s, uint64_t ticks)
{
    s->arrived = ticks;
}

const struct frame_stamps *session_stamps(const struct session *s)
{
    return &s->stamps;
}

const struct hist *session_cycles(const struct session *s)
{
    return &s->cycles;
}
