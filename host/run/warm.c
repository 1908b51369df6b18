// SPDX-License-Identifier: Apache-2.0
// Between two polls: idle work, and what the next frame will need is brought into the caches, by which no
// state changes.
#include "run/inside.h"

#include <stddef.h>

#include "base/bytes.h"
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

int session_idle(struct session *s, uint32_t accounts, struct err *e)
{
    uint8_t rec[4];
    if (s->failed || !engine_moving(s->engine))
        return session_verdict(s, e);
    le32_store(rec, accounts);
    session_put(s, J_IDLE, rec, sizeof rec, NULL, 0);
    session_forget(s);
    if (engine_idle(s->engine, accounts, &s->why) < 0)
        s->failed = -1;
    else if (s->audited)
        audit_update(&s->audit, s->book, oracle_prices(s->oracle), s->engine);
    session_warm(s);
    return session_verdict(s, e);
}
