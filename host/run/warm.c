// SPDX-License-Identifier: Apache-2.0
// What the next frame will need is brought into the caches between two polls: no state changes by it.
#include "run/inside.h"

#include <stddef.h>

#include "base/warm.h"

// What a flag would need, code and branches too, is gone over in full; not each time, as that costs as
// much as confirming does, and a few groups do not put it out of the caches.
enum { REHEARSED_EVERY = 4 };

static void rehearse(struct session *s)
{
    size_t account = engine_rehearse(s->engine);
    uint64_t age;
    if (account == SIZE_MAX || is_odd(s, account))
        return;
    __builtin_prefetch(&s->reason[account], 1);
    (void)session_hold(s, account, &age);
    desk_rehearse(s->desk, account, oracle_prices(s->oracle));
    session_forget(s);
}

void session_warm(struct session *s)
{
    if (s->stamps.at[STAMP_SUBMITTED] && ++s->rehearsed % REHEARSED_EVERY == 0)
        rehearse(s);
    warm(s, offsetof(struct session, audit));
    warm(&s->asked, offsetof(struct session, stage) - offsetof(struct session, asked));
    feed_warm(s->feed);
    oracle_warm(s->oracle);
    engine_warm(s->engine);
}
