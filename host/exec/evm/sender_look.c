// SPDX-License-Identifier: Apache-2.0
// Asking nodes: rounds of questions about a flight, and about each key's nonce and balance. A round goes to
// one usable node, so that its answers are of one view of the chain, and counts only when all of it was
// answered.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "evm/hex.h"
#include "exec/evm/sender_inside.h"

// What a call's tag says: what (7 bits, 1 up), version (8), flight or key (16), round (32).
enum what { ASK_COUNT = 1, ASK_RECEIPT, ASK_KNOWN, ASK_REASON, ASK_OWN_COUNT, ASK_OWN_BALANCE };

static uint64_t tag_of(enum what what, size_t version, size_t index, uint32_t round)
{
    return (uint64_t)what << 56 | (uint64_t)version << 48 | (uint64_t)index << 32 | round;
}

enum { HASH_TEXT = 2 + 2 * WORD_BYTES + 1, PARAMS = 160, RECEIPT_MAX = 1 << 20 };

static void data_text(const uint8_t *b, size_t n, char *out)
{
    out[0] = '0';
    out[1] = 'x';
    hex_put(b, n, out + 2);
    out[2 + 2 * n] = 0;
}

static int usable_link(const struct sender *s, uint64_t now)
{
    for (size_t l = 0; l < s->port.links; l++)
        if (s->port.ops->usable(s->port.ctx, l, now))
            return (int)l;
    return -1;
}

static bool ask(struct sender *s, int link, const char *method, const char *params, uint64_t tag,
                uint64_t now)
{
    return s->port.ops->call(s->port.ctx, (size_t)link, method, params, tag, now) == 0;
}

static bool ask_about(struct sender *s, int link, const char *method, const struct evm_address *a,
                      uint64_t tag, uint64_t now)
{
    char text[ADDRESS_TEXT], params[PARAMS];
    data_text(a->b, ADDRESS_BYTES, text);
    (void)snprintf(params, sizeof params, "[\"%s\",\"latest\"]", text);
    return ask(s, link, method, params, tag, now);
}

// The receipts come after the count: a nonce that was used by one of ours by then has its receipt, unless the
// node is slow to index, which further rounds settle.
static void begin_round(struct sender *s, struct flight *f, int link, uint64_t now)
{
    size_t i = sender_index(s, f);
    char hash[HASH_TEXT], params[PARAMS];
    f->round = ++s->round;
    f->bad = false;
    f->waits = 0;
    f->asked = true;
    f->due = false;
    f->asked_ns = now;
    f->asked_head = s->head;
    s->n.rounds++;
    bool ok = ask_about(s, link, "eth_getTransactionCount", &s->wallet.s[f->sender].address,
                        tag_of(ASK_COUNT, 0, i, f->round), now);
    f->waits += ok;
    for (unsigned v = 0; ok && v < f->n_v; v++) {
        f->v[v].has_receipt = f->v[v].known = false;
        data_text(f->v[v].hash.b, WORD_BYTES, hash);
        (void)snprintf(params, sizeof params, "[\"%s\"]", hash);
        ok = ask(s, link, "eth_getTransactionReceipt", params, tag_of(ASK_RECEIPT, v, i, f->round), now);
        f->waits += ok;
        ok = ok && ask(s, link, "eth_getTransactionByHash", params, tag_of(ASK_KNOWN, v, i, f->round), now);
        f->waits += ok;
    }
    f->bad = !ok;
    if (f->waits == 0) {
        f->asked = false;
        s->n.bad_rounds++;
    }
}

static void begin_wallet(struct sender *s, size_t i, int link, uint64_t now)
{
    struct wallet_look *k = &s->look[i];
    const struct evm_address *a = &s->wallet.s[i].address;
    k->round = ++s->round;
    k->asked_ns = now;
    k->bad = false;
    k->waits = 0;
    k->waits += ask_about(s, link, "eth_getTransactionCount", a, tag_of(ASK_OWN_COUNT, 0, i, k->round), now);
    k->waits += ask_about(s, link, "eth_getBalance", a, tag_of(ASK_OWN_BALANCE, 0, i, k->round), now);
    k->asked = k->waits > 0;
    k->bad = k->waits < 2;
}

static void look_at_flight(struct sender *s, struct flight *f, uint64_t now)
{
    bool due = f->due || f->round == 0 || f->asked_head != s->head || now - f->asked_ns >= s->c.look_ns;
    int link = f->used && !f->asked && due ? usable_link(s, now) : -1;
    if (link >= 0)
        begin_round(s, f, link, now);
}

void sender_look(struct sender *s, size_t i, uint64_t now)
{
    if (i < s->c.flights_max) {
        look_at_flight(s, &s->flight[i], now);
        return;
    }
    i -= s->c.flights_max;
    const struct wallet_look *k = &s->look[i];
    uint64_t every = s->wallet.s[i].known ? s->c.wallet_ns : s->c.look_ns;
    bool due = !k->asked && (k->asked_ns == 0 || now - k->asked_ns >= every);
    int link = due ? usable_link(s, now) : -1;
    if (link >= 0)
        begin_wallet(s, i, link, now);
}

void sender_ask_reason(struct sender *s, struct flight *f, uint64_t now)
{
    struct tx_decoded d;
    int link = usable_link(s, now);
    const struct version *v = &f->v[f->mined];
    if (link < 0 || tx_decode(v->raw, v->n, &d, NULL))
        return;
    size_t size = 2 * d.tx.n_data + 512;
    char *p = malloc(size), from[ADDRESS_TEXT], to[ADDRESS_TEXT], value[HEX_QUANTITY_MAX];
    if (!p)
        return;
    data_text(s->wallet.s[f->sender].address.b, ADDRESS_BYTES, from);
    data_text(d.tx.to.b, ADDRESS_BYTES, to);
    (void)hex_quantity_put(&d.tx.value, value);
    int n = snprintf(p, size,
                     "[{\"from\":\"%s\",\"to\":\"%s\",\"gas\":\"0x%" PRIx64 "\",\"value\":\"%s\",\"data\":\"",
                     from, to, d.tx.gas, value);
    data_text(d.tx.data, d.tx.n_data, p + n);
    size_t at = strlen(p);
    (void)snprintf(p + at, size - at, "\"},\"0x%" PRIx64 "\"]", f->block);
    f->reason_asked = ask(s, link, "eth_call", p, tag_of(ASK_REASON, 0, sender_index(s, f), f->round), now);
    free(p);
}

// ---- answers

// Of a receipt what decides: which transaction, whether it worked, in which block. 1, 0 none yet, -1
// nonsense.
static int read_receipt(struct rpc_span r, const struct version *v, uint64_t *block, struct word *hash,
                        bool *ok)
{
    if (rpc_json_null(r))
        return 0;
    struct word tx;
    uint64_t status;
    if (rpc_json_data(rpc_json_get(r, "transactionHash"), tx.b, WORD_BYTES) || !word_equal(&tx, &v->hash) ||
        rpc_json_quantity(rpc_json_get(r, "status"), &status) || status > 1 || r.n > RECEIPT_MAX)
        return -1;
    if (rpc_json_null(rpc_json_get(r, "blockNumber")))
        return 0; // some nodes answer for the pending block
    if (rpc_json_quantity(rpc_json_get(r, "blockNumber"), block) ||
        rpc_json_data(rpc_json_get(r, "blockHash"), hash->b, WORD_BYTES))
        return -1;
    *ok = status == 1;
    return 1;
}

static int take_receipt(struct sender *s, struct flight *f, unsigned v, struct rpc_span r)
{
    uint64_t block;
    struct word hash;
    bool success;
    int there = read_receipt(r, &f->v[v], &block, &hash, &success);
    if (there <= 0)
        return there;
    if (r.n > f->receipt_room) {
        char *p = realloc(f->receipt, r.n);
        if (!p)
            return -1;
        f->receipt = p;
        f->receipt_room = r.n;
    }
    memcpy(f->receipt, r.p, r.n);
    f->n_receipt = r.n;
    f->v[v].has_receipt = true;
    if (f->state == FLIGHT_MINED && (f->mined != v || !word_equal(&hash, &f->block_hash))) {
        s->n.reorgs++;
        f->reason_asked = false;
        (void)sender_tell(s, f, SENDER_REORGED);
        sender_go(s, f, FLIGHT_PENDING);
    }
    f->mined = v;
    f->block = block;
    f->block_hash = hash;
    f->success = success;
    return 1;
}

static void flight_answer(struct sender *s, struct flight *f, enum what what, unsigned v,
                          const struct rpc_event *ev, uint64_t now)
{
    if (ev->kind != RPC_EV_REPLY || (v >= f->n_v && what != ASK_COUNT))
        f->bad = true;
    else if (what == ASK_COUNT)
        f->bad |= rpc_json_quantity(ev->result, &f->count) != 0;
    else if (what == ASK_RECEIPT)
        f->bad |= take_receipt(s, f, v, ev->result) < 0;
    else
        f->v[v].known = !rpc_json_null(ev->result);
    if (--f->waits > 0)
        return;
    f->asked = false;
    s->n.bad_rounds += f->bad;
    if (!f->bad)
        sender_judge(s, f, now);
}

// A nonce below `next` that is neither in the chain nor on its way holds up all behind it: another sender's
// transaction may have been reorganised away. Seen often enough not to be a node that lags, it is filled.
static void look_for_gap(struct sender *s, size_t i)
{
    const struct wallet_sender *w = &s->wallet.s[i];
    uint64_t nonce = w->count;
    for (size_t k = 0; k < s->c.flights_max && nonce < w->next; k++) {
        const struct flight *f = &s->flight[k];
        if (f->used && f->sender == i && f->nonce == nonce) {
            nonce++;
            k = SIZE_MAX; // from the first again
        }
    }
    if (nonce >= w->next) {
        s->look[i].gaps = 0;
        return;
    }
    wallet_doubt(&s->wallet, i); // looked at more often meanwhile
    if (++s->look[i].gaps >= GAP_LOOKS)
        sender_fill(s, i, nonce);
}

static void wallet_answer(struct sender *s, size_t i, enum what what, const struct rpc_event *ev)
{
    struct wallet_look *k = &s->look[i];
    struct rpc_span text = rpc_json_string(ev->result);
    if (ev->kind != RPC_EV_REPLY)
        k->bad = true;
    else if (what == ASK_OWN_COUNT)
        k->bad |= rpc_json_quantity(ev->result, &k->count) != 0;
    else
        k->bad |= !text.p || hex_quantity_get(text.p, text.n, &k->balance) != 0;
    if (--k->waits > 0)
        return;
    k->asked = false;
    if (k->bad)
        return;
    wallet_told_count(&s->wallet, i, k->count);
    wallet_told_balance(&s->wallet, i, &k->balance);
    look_for_gap(s, i);
}

static void call_answer(struct sender *s, const struct rpc_event *ev, uint64_t now)
{
    enum what what = (enum what)(ev->tag >> 56);
    size_t i = ev->tag >> 32 & 0xffff;
    uint32_t round = (uint32_t)ev->tag;
    if (what == ASK_OWN_COUNT || what == ASK_OWN_BALANCE) {
        if (i < s->wallet.n && s->look[i].asked && s->look[i].round == round)
            wallet_answer(s, i, what, ev);
    } else if (i < s->c.flights_max && s->flight[i].used) {
        struct flight *f = &s->flight[i];
        if (what == ASK_REASON)
            sender_told_reason(s, f, ev);
        else if (f->asked && f->round == round)
            flight_answer(s, f, what, (unsigned)(ev->tag >> 48 & 0xff), ev, now);
    }
}

static void node_says(struct sender *s, struct flight *f, const struct rpc_event *ev)
{
    char text[sizeof s->event[0].text] = "";
    if (ev->kind == RPC_EV_ERROR)
        (void)rpc_json_print(ev->message, text, sizeof text);
    bool has_it =
        ev->kind == RPC_EV_REPLY || strstr(text, "already known") || strstr(text, "already imported");
    if (has_it) {
        bool news = f->state == FLIGHT_SENT;
        if (news) {
            sender_go(s, f, FLIGHT_PENDING);
            (void)sender_tell(s, f, SENDER_STATE);
        }
        return;
    }
    s->look[f->sender].asked_ns = 0; // read again
    if (ev->kind == RPC_EV_FAILED)
        return;
    s->n.node_errors++;
    memcpy(sender_tell(s, f, SENDER_NODE_SAYS)->text, text, sizeof text);
    if (strstr(text, "nonce too low")) {
        s->n.nonce_too_low++;
        wallet_doubt(&s->wallet, f->sender);
    }
}

// What a node says to bytes we sent. It settles nothing (another node may have taken them): it is told, and
// the next look is at once.
static void send_answer(struct sender *s, const struct port_event *ev)
{
    uint64_t serial = ev->rpc.id - RPC_RAW_ID;
    for (size_t i = 0; i < s->c.flights_max; i++) {
        struct flight *f = &s->flight[i];
        for (unsigned v = 0; f->used && v < f->n_v; v++) {
            if (f->v[v].serial != serial)
                continue;
            f->due = true;
            node_says(s, f, &ev->rpc);
            return;
        }
    }
}

bool sender_answer(struct sender *s, uint64_t now)
{
    struct port_event ev;
    if (!s->port.ops->poll(s->port.ctx, now, &ev))
        return false;
    enum rpc_event_kind k = ev.rpc.kind;
    if (k == RPC_EV_UP) {
        sender_doubt(s);
    } else if (k == RPC_EV_REPLY || k == RPC_EV_ERROR || k == RPC_EV_FAILED) {
        s->n.lost += k == RPC_EV_FAILED;
        if (ev.rpc.id >= RPC_RAW_ID)
            send_answer(s, &ev);
        else
            call_answer(s, &ev.rpc, now);
    }
    return true;
}
