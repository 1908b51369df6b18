// SPDX-License-Identifier: Apache-2.0
// Margin calls in a session: after an update who has crossed a level, into the log.
#include "accounts/book.h"
#include "run/inside.h"

#include <assert.h>

static_assert((int)ENGINE_CALLS == (int)CALL_LEVELS, "the engine guards all levels");

int session_calls_open(struct session *s, struct err *e)
{
    struct engine_tiers t;
    if (calls_check(&s->cfg.calls, s->cfg.engine.warn_ppm, e) != 0)
        return -1;
    s->looks = s->audited;
    if (!calls_wanted(&s->cfg.calls))
        return 0;
    s->looks = true;
    engine_tiers(s->engine, &t);
    for (size_t i = 1; s->paired && i < book_room(s->book); i += 2)
        engine_called(s->engine, i, CALL_LEVELS); // the odd ones are not called: liquidations alone
    s->calls = calls_new(&s->cfg.calls, t.boxed, book_room(s->book));
    return s->calls ? 0
                    : err_set(e, "out of memory for the margin calls of %zu accounts", book_room(s->book));
}

static void put(void *ctx, const uint8_t *data, size_t n)
{
    session_put(ctx, J_MARGIN_CALL, data, n, NULL, 0);
}

void session_look_all(struct session *s)
{
    const int64_t *px = oracle_prices(s->oracle);
    if (s->audited)
        audit_update(&s->audit, s->book, px, s->engine);
    if (!s->calls)
        return;
    calls_update(s->calls, s->book, s->engine, px, s->paired, s->now_ns, put, s);
    if (s->audited)
        calls_audit(s->calls, s->book, px, s->paired);
}

int session_recall(struct session *s, const uint8_t *data, size_t n, struct err *e)
{
    struct call_record c;
    if (call_decode(data, n, &c) != 0)
        return err_set(e, "margin calls of %zu bytes that cannot be decoded", n);
    session_put(s, J_CALLED, data, n, NULL, 0);
    size_t i = book_find(s->book, c.account);
    if (s->calls && i != SIZE_MAX)
        engine_called(s->engine, i, calls_restore(s->calls, i, c.level));
    return 0;
}

const struct calls *session_calls(const struct session *s)
{
    return s->calls;
}
