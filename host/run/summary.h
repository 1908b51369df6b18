// SPDX-License-Identifier: Apache-2.0
// What a run says at its end, as text: for the terminal and, in a J_NOTE record, for `tripline report`. Not
// for the hot path; the session's thread.
#ifndef TRIPLINE_RUN_SUMMARY_H
#define TRIPLINE_RUN_SUMMARY_H

#include "device.h"
#include "run/session.h"

struct chain_line;

struct summary_input {
    const struct session *session;
    struct desk *desk;
    struct device *device;
    const struct gateway *gateway;
    struct chain_line *chain;    // NULL: none
    const struct market *market; // of the session: names what transactions have brought; NULL: not told
    const char *source;          // ports or capture, one line
    const char *clock;           // what measured the host's stages, one line
    uint64_t port_missed, port_errors, port_no_buffer, port_bad_sums; // what the ports lost
    bool interrupted;
};
// Writes the text and a terminator; returns its length (clipped to size - 1).
size_t summary_text(const struct summary_input *in, char *buf, size_t size);
// Whether there was anything to judge: without audit always, else at least one evaluation.
bool summary_judged(const struct summary_input *in);
// Whether the audit holds: something judged, nothing missed, no unconfirmed order, back ends identical, bands
// agree.
bool summary_holds(const struct summary_input *in);

#endif
