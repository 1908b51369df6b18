// SPDX-License-Identifier: Apache-2.0
// What a run's margin calls were.
#include <inttypes.h>

#include "run/calls.h"
#include "run/summary_inside.h"

void say_calls(struct text *t, const struct summary_input *in)
{
    const struct calls *x = session_calls(in->session);
    if (!x)
        return;
    const struct calls_config *c = calls_settings(x);
    const struct calls_counters *n = calls_counters(x);
    say(t, "calls      ");
    for (int k = 0; k < CALL_LEVELS && c->level_ppm[k]; k++)
        say(t, "%s level %d (%" PRIu32 " ppm) %" PRIu64 " entered, %" PRIu64 " left, %" PRIu64 " standing",
            k ? ";" : "", k + 1, c->level_ppm[k], n->entered[k], n->left[k], n->standing[k]);
    say(t, "; %" PRIu64 " looks", n->looks);
    if (n->restored)
        say(t, ", %" PRIu64 " accounts called before", n->restored);
    say(t, "\n");
}

void say_calls_audit(struct text *t, const struct summary_input *in)
{
    const struct calls *x = session_calls(in->session);
    if (!x)
        return;
    const struct calls_counters *n = calls_counters(x);
    say(t, "audit: missed_calls=%" PRIu64 " unfounded_calls=%" PRIu64 "\n", n->missed, n->unfounded);
    if (n->missed)
        say(t, "audit: first account not called: %" PRIu32 "\n", n->first_missed);
}

bool calls_hold(const struct summary_input *in)
{
    const struct calls *x = session_calls(in->session);
    return !x || (calls_counters(x)->missed == 0 && calls_counters(x)->unfounded == 0);
}
