// SPDX-License-Identifier: Apache-2.0
// What goes out after the first send: the same bytes again, replacements with higher fees, cancellations.
// Each is signed and logged like a ready order and leaves when it is on disk.
#include <string.h>

#include "exec/evm/fees.h"
#include "exec/evm/sender_inside.h"

enum { CANCEL_GAS = 21000, REQUEST_MAX = RPC_RAW_MAX };

// To each usable node; how many took it.
static unsigned sender_to_nodes(struct sender *s, const struct version *v, uint64_t now)
{
    static _Thread_local uint8_t request[REQUEST_MAX];
    unsigned sent = 0;
    for (size_t l = 0; l < s->port.links; l++) {
        if (!s->port.ops->usable(s->port.ctx, l, now))
            continue;
        size_t n = s->port.ops->put(s->port.ctx, l, v->serial, v->raw, v->n, request, sizeof request);
        if (n == 0)
            continue;
        int rc = s->port.ops->send(s->port.ctx, l, v->serial, request, n, now);
        sent += rc != RPC_REFUSED;
        s->n.refused_sends += rc == RPC_REFUSED;
    }
    s->n.sends += sent;
    return sent;
}

static void stuck(struct sender *s, struct flight *f, const char *why)
{
    if (f->stuck_told)
        return;
    f->stuck_told = true;
    s->n.stuck++;
    struct sender_event *ev = sender_tell(s, f, SENDER_STUCK);
    (void)snprintf(ev->text, sizeof ev->text, "%s", why);
}

// Above every version, by the pool's rule: whichever of them a pool has, it takes this one in its place.
static void raised(const struct sender *s, const struct flight *f, uint8_t kind, u128 *tip, u128 *fee)
{
    u128 t = 0, m = 0;
    for (unsigned v = 0; v < f->n_v; v++) {
        t = f->v[v].tip > t ? f->v[v].tip : t;
        m = f->v[v].fee > m ? f->v[v].fee : m;
    }
    *tip = fee_bumped(t, s->c.bump_percent);
    if (kind == TX_CANCEL && *tip < s->c.cancel_tip)
        *tip = s->c.cancel_tip;
    m = fee_bumped(m, s->c.bump_percent);
    *fee = fee_for(s->base_fee, *tip) > m ? fee_for(s->base_fee, *tip) : m;
}

// The order's template from its bytes, or a transfer of nothing to oneself.
static int template_of(struct sender *s, struct flight *f, uint8_t kind, struct tx_template *out)
{
    struct tx t = {
        .type = TX_1559, .chain_id = s->c.chain_id, .gas = CANCEL_GAS, .to = s->wallet.s[f->sender].address};
    struct tx_decoded d;
    if (kind == TX_ORDER) {
        unsigned v = 0;
        while (v < f->n_v && f->v[v].kind != TX_ORDER)
            v++;
        if (v == f->n_v || tx_decode(f->v[v].raw, f->v[v].n, &d, NULL))
            return -1;
        t = d.tx;
    }
    return tx_template_init(out, &t, f->middle, s->c.bytes_max, NULL);
}

void sender_make(struct sender *s, struct flight *f, uint8_t kind, uint64_t now)
{
    u128 tip, fee;
    raised(s, f, kind, &tip, &fee);
    bool dear = fee > s->c.fee_max;
    if (kind == TX_ORDER && (dear || f->n_v >= ORDER_VERSIONS))
        return; // it stays as it is until it is mined or cancelled
    if (kind == TX_ORDER && !sender_allows(s, f, now))
        return;
    if (fee > s->c.cancel_fee_max || f->n_v == FLIGHT_VERSIONS) {
        stuck(s, f,
              fee > s->c.cancel_fee_max ? "its cancellation would cost more than cancel_fee_max"
                                        : "no room for another version under this nonce");
        return;
    }
    uint8_t *out = f->v[f->n_v].raw;
    f->job = (struct sign_job){.key = s->wallet.s[f->sender].key,
                               .nonce = f->nonce,
                               .tip = tip,
                               .fee = fee,
                               .out = out,
                               .size = s->c.bytes_max};
    if (template_of(s, f, kind, &f->job.template) || signer_give(s->signer, &f->job))
        return; // tried again at the next look
    f->making = MAKING_SIGNING;
    f->making_kind = kind;
    if (kind == TX_CANCEL && !f->was_public && s->c.relay.cancel)
        s->c.relay.cancel(s->c.relay.ctx, f->v[0].serial, now);
}

static void log_made(struct sender *s, struct flight *f)
{
    f->making = MAKING_NOTHING;
    if (f->job.rc)
        return;
    f->making_serial = txlog_next_serial(s->log);
    const struct txlog_signed t = {.serial = f->making_serial,
                                   .kind = f->making_kind,
                                   .key = f->key,
                                   .sender = s->wallet.s[f->sender].address,
                                   .nonce = f->nonce,
                                   .hash = f->job.made.hash,
                                   .expires_ns = f->expires_ns,
                                   .raw = f->job.out,
                                   .n = f->job.made.n};
    f->making_lsn = txlog_put_signed(s->log, &t);
    if (f->making_lsn)
        f->making = MAKING_LOGGED;
}

// Bytes that nothing was handed to are taken back in the log before anything else is made.
static void send_made(struct sender *s, struct flight *f, uint64_t now)
{
    bool cancel = f->making_kind == TX_CANCEL;
    bool open = f->state == FLIGHT_SENT || f->state == FLIGHT_PENDING;
    f->making = MAKING_NOTHING;
    struct version *v = &f->v[f->n_v];
    uint8_t *raw = v->raw;
    *v = (struct version){.kind = f->making_kind,
                          .sent = true,
                          .serial = f->making_serial,
                          .tip = f->job.tip,
                          .fee = f->job.fee,
                          .hash = f->job.made.hash,
                          .raw = raw,
                          .n = f->job.made.n};
    if (!open || (!cancel && (now >= f->deadline_ns || !sender_allows(s, f, now))) ||
        sender_to_nodes(s, v, now) == 0) {
        txlog_put_retired(s->log, f->making_serial);
        return;
    }
    txlog_put_sent(s->log, v->serial);
    bool fence = cancel && f->recovered && f->n_v && !f->v[f->n_v - 1].known;
    f->n_v++;
    f->was_public = true;
    f->last_sent_ns = now;
    f->asked = false; // the round under way does not know of it
    f->due = true;
    s->n.fenced += fence;
    s->n.cancels += cancel;
    s->n.replaced += !cancel;
    (void)sender_tell(s, f, cancel ? SENDER_CANCELS : SENDER_REPLACED);
}

void sender_made(struct sender *s, struct flight *f, uint64_t now)
{
    if (f->making == MAKING_SIGNING && job_state(&f->job) == JOB_DONE)
        log_made(s, f);
    if (f->making == MAKING_LOGGED && txlog_durable(s->log, f->making_lsn))
        send_made(s, f, now);
}

// Nobody asked knows it. The same bytes again, the newest that surely left; where none did (recovered),
// nothing can be known of them: the nonce is fenced. So it is where only builders may have it and no public
// pool may: the blocks that they were given are not in the log.
void sender_again(struct sender *s, struct flight *f, uint64_t now)
{
    unsigned v = f->n_v;
    while (v > 0 && !f->v[v - 1].sent)
        v--;
    if (v == 0 || (f->v[v - 1].kind == TX_ORDER && sender_over(s, f, now))) {
        sender_make(s, f, TX_CANCEL, now);
        return;
    }
    const struct version *last = &f->v[v - 1];
    // A node that refuses them says so at once, which is asked about at once.
    if ((f->again_ns && now - f->again_ns < s->c.look_ns) ||
        (last->kind == TX_ORDER && !sender_allows(s, f, now)))
        return;
    if (sender_to_nodes(s, last, now)) {
        f->again_ns = now;
        s->n.resent++;
        s->n.fell_back += !f->was_public;
        f->was_public = true;
    }
}

// The relay's bundle is for one block: a new head is a new target, until its blocks are used up.
void sender_next_block(struct sender *s, struct flight *f, uint64_t now)
{
    bool open = f->state == FLIGHT_SENT && !f->was_public && f->n_v == 1;
    if (!open || f->targets_left == 0 || s->head < f->target || now >= f->deadline_ns ||
        !sender_allows(s, f, now))
        return;
    const struct version *v = &f->v[0];
    f->target = s->head + 1;
    f->targets_left--;
    if (s->c.relay.submit(s->c.relay.ctx, v->serial, v->raw, v->n, f->target, now) == 0)
        s->n.private_sends++;
}
