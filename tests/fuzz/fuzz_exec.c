// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: everything that the order desk, the gateway and the paper venue decode. The first byte
// chooses the decoder. What decodes must encode to the same bytes. Build: clang
// -fsanitize=fuzzer,address,undefined with host/exec/order.c, host/exec/stages.c, host/exec/paper/wire.c,
// host/exec/paper/market_parts.c, host/accounts/*.c, host/accounts/rules/*.c, host/base/*.c.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/store.h"
#include "exec/order.h"
#include "exec/paper/market_parts.h"
#include "exec/paper/wire.h"
#include "exec/stages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A property that no input may break.
#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static uint8_t again[WIRE_MAX];

static void fuzz_order(const uint8_t *p, size_t n)
{
    struct order o;
    if (order_decode(p, n, &o))
        return;
    HOLDS(o.n >= 1 && o.n <= ORDER_LEGS_MAX);
    HOLDS(order_encode(&o, again, sizeof again) == n && memcmp(again, p, n) == 0);
}

static void fuzz_reply(const uint8_t *p, size_t n)
{
    static struct order_reply r;
    if (reply_decode(p, n, &r))
        return;
    HOLDS(r.has_account == (r.status == ORDER_FILLED || r.status == ORDER_STATE));
    HOLDS(reply_encode(&r, again, sizeof again) == n && memcmp(again, p, n) == 0);
}

static void fuzz_records(const uint8_t *p, size_t n)
{
    struct order_key k;
    struct order_record r;
    const uint8_t *bytes;
    size_t m;
    if (ready_record_decode(p, n, &k, &bytes, &m) == 0)
        HOLDS(ready_record_encode(&k, bytes, m, again, sizeof again) == n && memcmp(again, p, n) == 0);
    if (order_record_decode(p, n, &r) == 0) {
        HOLDS(order_record_encode(&r, again) == n);
        HOLDS(memcmp(again, p, n) == 0);
    }
}

static void fuzz_stage(const uint8_t *p, size_t n)
{
    struct staging st;
    uint32_t account;
    uint8_t stage[STAGE_BYTES];
    if (stage_decode(p, n, &account, &st))
        return;
    HOLDS(st.policy < STAGES_COUNT && st.is.s.at < STAGED_COUNT && st.before.s.at < STAGED_COUNT);
    stage_encode(account, &st, stage);
    HOLDS(n == sizeof stage && memcmp(stage, p, n) == 0);
    stage_settled(&st, n % 2 == 0);
}

static size_t encode_order(const struct wire_order *w)
{
    static struct gateway_order g;
    g.second = w->second;
    g.n_marks = w->n_marks;
    memcpy(g.mark, w->mark, sizeof g.mark);
    g.n_bytes = w->n_bytes;
    memcpy(g.bytes, w->bytes, w->n_bytes);
    return wire_put_order(&g, again, sizeof again);
}

static void fuzz_states(struct wire_states s)
{
    static struct account a;
    int rc;
    while ((rc = wire_next_state(&s, &a)) == 1)
        HOLDS(a.rule && a.n_positions <= ACCOUNT_POSITIONS_MAX);
}

// A part alone: what it makes of parts that came before it, and a market that is whole in one packet.
static void fuzz_parts(const struct wire_part *p)
{
    static struct market_parts parts;
    static struct market m;
    int rc = market_parts_take(&parts, p);
    HOLDS(rc != 1 || (parts.have == parts.total && parts.total <= MARKET_BYTES_MAX));
    if (rc == 1)
        (void)market_decode(parts.bytes, parts.total, &m);
}

static void fuzz_wire(const uint8_t *p, size_t n)
{
    static struct wire_msg m;
    size_t done = 0;
    uint32_t sent;
    if (wire_decode(p, n, &m))
        return;
    switch (m.type) {
    case WIRE_ORDER:
        done = encode_order(&m.u.order);
        fuzz_order(m.u.order.bytes, m.u.order.n_bytes);
        break;
    case WIRE_LOOKUP:
        done = wire_put_lookup(m.u.lookup.mode, m.u.lookup.key, m.u.lookup.n, again, sizeof again);
        break;
    case WIRE_STATE:
        done = wire_put_state(m.u.first_id, again, sizeof again);
        break;
    case WIRE_LEDGER:
        done = wire_put_ledger(m.u.first_row, again, sizeof again);
        break;
    case WIRE_WELCOME:
        done = wire_put_welcome(&m.u.welcome, again, sizeof again);
        break;
    case WIRE_ABSENT:
        done = wire_put_absent(&m.u.absent, again, sizeof again);
        break;
    case WIRE_BALANCES:
        done = wire_put_balances(&m.u.balances, again, sizeof again);
        break;
    case WIRE_ERROR:
        done = wire_put_error(m.u.error.code, &m.u.error.key, m.u.error.text, again, sizeof again);
        break;
    case WIRE_WATCH:
        done = wire_put_watch(m.u.watch.after, m.u.watch.room, m.u.watch.market, again, sizeof again);
        break;
    case WIRE_MARKET:
        done = wire_put_market(again, sizeof again);
        break;
    case WIRE_SET_MARKET:
    case WIRE_MARKET_PART:
        done = wire_put_part(m.type, &m.u.part, again, sizeof again, &sent);
        HOLDS(sent == m.u.part.len);
        fuzz_parts(&m.u.part);
        break;
    case WIRE_IS_SET:
        done = wire_put_is_set(m.u.is_set.id, m.u.is_set.epoch, again, sizeof again);
        break;
    case WIRE_TOLD:
        fuzz_reply(m.u.told.p, m.u.told.len);
        return;
    case WIRE_REPLY:
        fuzz_reply(m.u.reply.p, m.u.reply.len);
        return;
    case WIRE_STATES:
        fuzz_states(m.u.states);
        return;
    default:
        return; // SET: an account, which has a fuzzer of its own. HELLO: any version decodes, only one is
                // ever written
    }
    HOLDS(done == n && memcmp(again, p, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] & 3) {
    case 0:
        fuzz_order(data + 1, size - 1);
        break;
    case 1:
        fuzz_reply(data + 1, size - 1);
        break;
    case 2:
        fuzz_records(data + 1, size - 1);
        fuzz_stage(data + 1, size - 1);
        break;
    default:
        fuzz_wire(data + 1, size - 1);
    }
    return 0;
}
