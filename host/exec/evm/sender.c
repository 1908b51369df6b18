// SPDX-License-Identifier: Apache-2.0
#include "exec/evm/sender.h"

#include <stdlib.h>
#include <string.h>

#include "exec/evm/fees.h"
#include "exec/evm/sender_inside.h"

#define GWEI UINT64_C(1000000000)

enum { PHASES = 4, ANSWERS_A_ROUND = 64 }; // of sender_piece

static const char *const STATE_NAME[] = {"sent", "pending", "mined", "taken", "ended"};
static const char *const OUTCOME_NAME[N_OUTCOMES] = {"none",      "success", "reverted",
                                                     "cancelled", "taken",   "not-included"};
static const char *const FIRE_NAME[N_FIRE_ANSWERS] = {"sent",    "no-order", "not-ready",
                                                      "refused", "full",     "no-node"};

const char *flight_state_name(enum flight_state s)
{
    return s <= FLIGHT_ENDED ? STATE_NAME[s] : "?";
}

const char *flight_outcome_name(enum flight_outcome o)
{
    return o < N_OUTCOMES ? OUTCOME_NAME[o] : "?";
}

const char *fire_answer_name(enum fire_answer a)
{
    return a < N_FIRE_ANSWERS ? FIRE_NAME[a] : "?";
}

// ---- events

// Never NULL: when nobody takes them the last place is written over, and counted.
struct sender_event *sender_tell(struct sender *s, const struct flight *f, enum sender_event_kind kind)
{
    if (s->event_head - s->event_tail == SENDER_EVENTS)
        s->n.events_lost++;
    else
        s->event_head++;
    struct sender_event *ev = &s->event[(s->event_head - 1) % SENDER_EVENTS];
    *ev = (struct sender_event){.kind = kind,
                                .key = f->key,
                                .sender = f->sender,
                                .nonce = f->nonce,
                                .to = f->state,
                                .block = f->block};
    if (f->state == FLIGHT_MINED) {
        ev->hash = f->v[f->mined].hash;
        ev->receipt = (struct rpc_span){f->receipt, f->n_receipt};
    } else if (f->n_v) {
        ev->hash = f->v[f->n_v - 1].hash;
    }
    return ev;
}

int sender_poll(struct sender *s, struct sender_event *ev)
{
    if (s->event_tail == s->event_head)
        return 0;
    *ev = s->event[s->event_tail++ % SENDER_EVENTS];
    return 1;
}

static bool on_its_way(enum flight_state s)
{
    return s == FLIGHT_SENT || s == FLIGHT_PENDING;
}

void sender_go(struct sender *s, struct flight *f, enum flight_state to)
{
    s->wallet.s[f->sender].unmined += (unsigned)on_its_way(to) - (unsigned)on_its_way(f->state);
    f->state = to;
}

void sender_end(struct sender *s, struct flight *f, enum flight_outcome how)
{
    struct sender_event *ev = sender_tell(s, f, SENDER_STATE);
    ev->to = FLIGHT_ENDED;
    ev->outcome = how;
    s->n.outcome[how]++;
    txlog_put_ended(s->log, &s->wallet.s[f->sender].address, f->nonce);
    sender_go(s, f, FLIGHT_ENDED);
    f->used = false;
    s->n_open--;
}

// ---- life

static void defaults(struct sender_config *c)
{
#define DEFAULT(field, value) c->field = c->field ? c->field : (value)
    DEFAULT(depth, 1);
    DEFAULT(orders_max, 256);
    DEFAULT(bytes_max, 4096);
    DEFAULT(flights_max, 128);
    DEFAULT(room_blocks, 3);
    DEFAULT(signatures_per_s, 2000);
    DEFAULT(signatures_burst, 256);
    DEFAULT(bump_percent, FEE_BUMP_PERCENT);
    DEFAULT(bump_after_ns, 30 * GWEI);
    DEFAULT(give_up_ns, 120 * GWEI);
    DEFAULT(look_ns, GWEI);
    DEFAULT(wallet_ns, 10 * GWEI);
    DEFAULT(confirmations, 12);
    DEFAULT(fee_max, (u128)1000 * GWEI);
    DEFAULT(cancel_tip, GWEI);
    DEFAULT(cancel_fee_max, 2 * c->fee_max);
    DEFAULT(private_blocks, 3);
#undef DEFAULT
}

static int room(struct sender *s, struct err *e)
{
    size_t each = (FLIGHT_VERSIONS + 1) * s->c.bytes_max;
    if (s->c.flights_max > UINT16_MAX || s->c.bump_percent > 1000 || s->c.cancel_fee_max > FEE_MAX)
        return err_set(e, "sender: flights_max, bump_percent or cancel_fee_max out of range");
    s->flight = calloc(s->c.flights_max, sizeof *s->flight);
    s->slab = calloc(s->c.flights_max, each);
    if (!s->flight || !s->slab)
        return err_set(e, "sender: out of memory for %zu transactions", s->c.flights_max);
    for (size_t i = 0; i < s->c.flights_max; i++) {
        uint8_t *at = s->slab + i * each;
        s->flight[i].state = FLIGHT_ENDED;
        s->flight[i].middle = at;
        for (size_t v = 0; v < FLIGHT_VERSIONS; v++)
            s->flight[i].v[v].raw = at += s->c.bytes_max;
    }
    return 0;
}

// A place, its buffers kept. NULL: all are taken.
static struct flight *new_flight(struct sender *s)
{
    for (size_t i = 0; i < s->c.flights_max; i++) {
        struct flight *f = &s->flight[i];
        if (f->used || job_state(&f->job) == JOB_BUSY)
            continue;
        f->used = true;
        f->n_v = 0;
        f->making = MAKING_NOTHING;
        f->recovered = f->looked = f->stuck_told = f->was_public = f->asked = f->due = f->reason_asked =
            false;
        f->again_ns = 0;
        f->target = f->targets_left = f->asked_ns = f->asked_head = f->taken_head = f->block = 0;
        f->taken_rounds = 0;
        f->round = 0;
        f->n_receipt = f->n_reason = 0;
        s->n_open++;
        return f;
    }
    return NULL;
}

void sender_fill(struct sender *s, size_t sender, uint64_t nonce)
{
    struct flight *f = new_flight(s);
    if (!f)
        return;
    f->sender = sender;
    f->nonce = nonce;
    f->key = (struct order_key){0};
    f->expires_ns = f->deadline_ns = f->last_sent_ns = f->again_ns = 0;
    f->looked = f->was_public = true;
    sender_go(s, f, FLIGHT_SENT);
    s->n.filled++;
}

static int recover_one(struct sender *s, const struct txlog_found *t, struct err *e)
{
    int sender = wallet_find(&s->wallet, &t->tx.sender);
    struct tx_decoded d;
    if (sender < 0) {
        char text[ADDRESS_TEXT];
        address_format(&t->tx.sender, text);
        return err_set(e, "sender: the log has unsettled transactions of %s, whose key is not given", text);
    }
    if (t->tx.n > s->c.bytes_max || tx_decode(t->tx.raw, t->tx.n, &d, e))
        return err_set(e, "sender: the log has a transaction of %zu bytes, more than bytes_max %zu", t->tx.n,
                       s->c.bytes_max);
    struct flight *f = NULL;
    for (size_t i = 0; i < s->c.flights_max && !f; i++)
        if (s->flight[i].used && s->flight[i].sender == (size_t)sender && s->flight[i].nonce == t->tx.nonce)
            f = &s->flight[i];
    if (!f) {
        f = new_flight(s);
        if (!f)
            return err_set(e, "sender: the log has more unsettled transactions than flights_max, %zu",
                           s->c.flights_max);
        f->sender = (size_t)sender;
        f->nonce = t->tx.nonce;
        f->recovered = f->was_public = true;
        f->deadline_ns =
            t->tx.expires_ns > UINT64_MAX - s->c.give_up_ns ? UINT64_MAX : t->tx.expires_ns + s->c.give_up_ns;
        s->wallet.s[sender].open++;
        sender_go(s, f, FLIGHT_SENT);
        s->n.recovered++;
    }
    if (f->n_v == FLIGHT_VERSIONS)
        return err_set(e, "sender: the log has more than %d transactions under one nonce", FLIGHT_VERSIONS);
    f->key = t->tx.key;
    f->expires_ns = t->tx.expires_ns;
    struct version *v = &f->v[f->n_v++];
    uint8_t *raw = v->raw;
    *v = (struct version){.kind = t->tx.kind,
                          .sent = t->sent,
                          .serial = t->tx.serial,
                          .tip = d.tx.tip,
                          .fee = d.tx.fee,
                          .hash = t->tx.hash,
                          .raw = raw,
                          .n = t->tx.n};
    memcpy(raw, t->tx.raw, t->tx.n);
    if (s->wallet.s[sender].next <= t->tx.nonce)
        s->wallet.s[sender].next = t->tx.nonce + 1;
    return 0;
}

static int recover(struct sender *s, struct err *e)
{
    size_t n;
    const struct txlog_found *t = txlog_found(s->log, &n);
    for (size_t i = 0; i < n; i++)
        if (recover_one(s, &t[i], e))
            return -1;
    txlog_forget(s->log);
    return 0;
}

struct sender *sender_new(const struct sender_config *cfg, const struct evm_port *port, struct txlog *log,
                          struct err *e)
{
    struct sender *s = calloc(1, sizeof *s);
    if (!s) {
        (void)err_set(e, "sender: out of memory");
        return NULL;
    }
    s->c = *cfg;
    s->port = *port;
    s->log = log;
    defaults(&s->c);
    bool ok = wallet_init(&s->wallet, s->c.key, s->c.n_keys, s->c.depth, e) == 0 && room(s, e) == 0 &&
              (s->signer = signer_new(!s->c.one_thread, e)) != NULL && recover(s, e) == 0;
    const struct signed_config pool = {.chain_id = s->c.chain_id,

                                       .orders_max = s->c.orders_max,
                                       .bytes_max = s->c.bytes_max,
                                       .room_blocks = s->c.room_blocks,
                                       .per_second = s->c.signatures_per_s,
                                       .burst = s->c.signatures_burst,
                                       .fee_max = s->c.fee_max};
    if (ok)
        s->pool = signed_new(&pool, &s->wallet, s->signer, log, port, e);
    if (!s->pool) {
        sender_free(s);
        return NULL;
    }
    return s;
}

void sender_free(struct sender *s)
{
    if (!s)
        return;
    signed_free(s->pool);
    signer_free(s->signer); // finishes the flights' jobs too
    for (size_t i = 0; s->flight && i < s->c.flights_max; i++) {
        struct flight *f = &s->flight[i];
        if (f->used && f->making == MAKING_LOGGED)
            txlog_put_retired(s->log, f->making_serial);
        free(f->receipt);
    }
    free(s->flight);
    free(s->slab);
    free(s);
}

// ---- the trigger

size_t sender_index(const struct sender *s, const struct flight *f)
{
    return (size_t)(f - s->flight);
}

static bool hand_over(struct sender *s, const struct signed_tx *x, bool by_relay, uint64_t now)
{
    if (by_relay)
        return s->c.relay.submit(s->c.relay.ctx, x->serial, x->raw, x->n, s->head + 1, now) == 0;
    unsigned sent = 0;
    for (size_t l = 0; l < s->port.links; l++) {
        if (x->n_request[l] == 0 || !s->port.ops->usable(s->port.ctx, l, now))
            continue;
        int rc = s->port.ops->send(s->port.ctx, l, x->serial, x->request[l], x->n_request[l], now);
        sent += rc != RPC_REFUSED;
        s->n.refused_sends += rc == RPC_REFUSED;
    }
    s->n.sends += sent;
    return sent > 0;
}

static void begin(struct sender *s, struct flight *f, const struct signed_entry *en,
                  const struct signed_tx *x, bool by_relay, uint64_t now)
{
    f->sender = (size_t)en->sender;
    f->nonce = x->nonce;
    f->key = en->o.key;
    f->expires_ns = en->o.expires_ns;
    f->last_sent_ns = f->asked_ns = now;
    f->asked_head = s->head;
    f->deadline_ns = now + s->c.give_up_ns;
    f->was_public = !by_relay;
    f->target = by_relay ? s->head + 1 : 0;
    f->targets_left = by_relay ? s->c.private_blocks - 1 : 0;
    struct version *v = &f->v[f->n_v++];
    uint8_t *raw = v->raw;
    *v = (struct version){.kind = TX_ORDER,
                          .sent = true,
                          .serial = x->serial,
                          .tip = x->tip,
                          .fee = x->fee,
                          .hash = x->hash,
                          .raw = raw,
                          .n = x->n};
    memcpy(raw, x->raw, x->n);
    f->looked = true;
    sender_go(s, f, FLIGHT_SENT);
    s->wallet.s[f->sender].next = f->nonce + 1;
}

enum fire_answer sender_fire(struct sender *s, uint32_t name, unsigned level, bool by_relay, uint64_t now)
{
    enum fire_answer a = FIRE_SENT;
    const struct signed_entry *en = signed_at(s->pool, name);
    const struct signed_tx *x = NULL;
    struct flight *f = NULL;
    if (!en)
        a = FIRE_NO_ORDER;
    else if (!(x = signed_ready(s->pool, name, level, s->base_fee, now)))
        a = FIRE_NOT_READY;
    else if (s->c.gate.allow && !s->c.gate.allow(s->c.gate.ctx, &en->o.key, false, now))
        a = FIRE_REFUSED;
    else if (!(f = new_flight(s)))
        a = FIRE_FULL;
    else if (!hand_over(s, x, by_relay && s->c.relay.submit, now))
        a = FIRE_NO_NODE;
    s->n.answer[a]++;
    if (a == FIRE_NO_NODE) {
        f->used = false;
        s->n_open--;
    }
    if (a != FIRE_SENT)
        return a;
    by_relay = by_relay && s->c.relay.submit;
    s->n.private_sends += by_relay;
    txlog_put_sent(s->log, x->serial);
    begin(s, f, en, x, by_relay, now);
    signed_sent(s->pool, name, level);
    return FIRE_SENT;
}

// ---- in the background

bool sender_allows(struct sender *s, const struct flight *f, uint64_t now)
{
    bool ok = !s->c.gate.allow || s->c.gate.allow(s->c.gate.ctx, &f->key, true, now);
    s->n.gate_closed += !ok;
    return ok;
}

void sender_head(struct sender *s, uint64_t number, u128 base_fee, uint64_t now_ns)
{
    s->head = number;
    s->base_fee = base_fee;
    for (size_t i = 0; i < s->c.flights_max; i++)
        if (s->flight[i].used)
            sender_next_block(s, &s->flight[i], now_ns);
}

// Bundles are signed beforehand: for the next block for each head, at its lowest tip, and for the block after
// the one aimed at for what is on its way.
static void prepare_bundles(struct sender *s, uint64_t now)
{
    for (size_t i = 0; s->c.relay.prepare && i < s->c.flights_max; i++) {
        const struct flight *f = &s->flight[i];
        if (f->used && f->state == FLIGHT_SENT && !f->was_public && f->targets_left && f->n_v)
            s->c.relay.prepare(s->c.relay.ctx, f->v[0].serial, f->v[0].raw, f->v[0].n, f->target + 1);
    }
    uint32_t name[WALLET_MAX];
    size_t n = s->c.relay.prepare ? signed_ranked(s->pool, name, s->wallet.n) : 0;
    for (size_t i = 0; i < n; i++) {
        const struct signed_tx *x = signed_ready(s->pool, name[i], 0, s->base_fee, now);
        if (x)
            s->c.relay.prepare(s->c.relay.ctx, x->serial, x->raw, x->n, s->head + 1);
    }
}

void sender_step(struct sender *s, uint64_t now_ns)
{
    while (sender_answer(s, now_ns)) {
    }
    for (size_t i = 0; i < s->c.flights_max; i++)
        if (s->flight[i].used)
            sender_made(s, &s->flight[i], now_ns);
    for (size_t i = 0; i < s->c.flights_max + s->wallet.n; i++)
        sender_look(s, i, now_ns);
    signed_step(s->pool, s->base_fee, now_ns);
    prepare_bundles(s, now_ns);
}

// The next flight there is, or key.
static bool look_piece(struct sender *s, uint64_t now)
{
    while (s->cursor < s->c.flights_max && !s->flight[s->cursor].used)
        s->cursor++;
    size_t i = s->cursor++;
    if (i >= s->c.flights_max + s->wallet.n)
        return false;
    if (i < s->c.flights_max)
        sender_made(s, &s->flight[i], now);
    sender_look(s, i, now);
    return true;
}

bool sender_piece(struct sender *s, uint64_t now_ns)
{
    bool more = false;
    switch (s->phase) {
    case 0:
        more = s->cursor++ < ANSWERS_A_ROUND && sender_answer(s, now_ns);
        break;
    case 1:
        more = look_piece(s, now_ns);
        break;
    case 2:
        signed_step(s->pool, s->base_fee, now_ns);
        break;
    default:
        prepare_bundles(s, now_ns);
    }
    if (more)
        return false;
    s->cursor = 0;
    s->phase = (s->phase + 1) % PHASES;
    return s->phase == 0;
}

void sender_doubt(struct sender *s)
{
    for (size_t i = 0; i < s->wallet.n; i++) {
        wallet_doubt(&s->wallet, i);
        s->look[i].asked = false; // what is under way was asked before
        s->look[i].asked_ns = 0;
    }
}

struct signed_pool *sender_orders(struct sender *s)
{
    return s->pool;
}

const struct wallet *sender_wallet(const struct sender *s)
{
    return &s->wallet;
}

size_t sender_flights(const struct sender *s)
{
    return s->n_open;
}

const struct sender_counters *sender_counters(const struct sender *s)
{
    return &s->n;
}
