// SPDX-License-Identifier: Apache-2.0
// What a whole round of answers means for a flight, and what is done about it. Answers may be old when they
// come: depth is counted at the head at which they were asked for.
#include <inttypes.h>
#include <string.h>

#include "evm/abi.h"
#include "evm/hex.h"
#include "exec/evm/sender_inside.h"

// A recovered flight has been looked up: its key is free of it.
static void looked_up(struct sender *s, struct flight *f)
{
    if (f->looked)
        return;
    f->looked = true;
    s->wallet.s[f->sender].open--;
}

static enum flight_outcome outcome_of(const struct flight *f)
{
    if (f->v[f->mined].kind == TX_CANCEL)
        return OUTCOME_CANCELLED;
    return f->success ? OUTCOME_SUCCESS : OUTCOME_REVERTED;
}

static void is_mined(struct sender *s, struct flight *f, uint64_t now)
{
    bool news = f->state != FLIGHT_MINED;
    f->taken_rounds = 0;
    sender_go(s, f, FLIGHT_MINED);
    wallet_told_count(&s->wallet, f->sender, f->nonce + 1 > f->count ? f->nonce + 1 : f->count);
    if (news)
        sender_tell(s, f, SENDER_STATE)->outcome = outcome_of(f);
    if (!f->success && !f->reason_asked && f->v[f->mined].kind == TX_ORDER)
        sender_ask_reason(s, f, now);
    // What has just been told has not been heard yet: who is asked would answer for the block before.
    if (!news && f->asked_head + 1 >= f->block + s->c.confirmations &&
        (!s->c.may_end || s->c.may_end(s->c.may_end_ctx, f->sender, f->nonce)))
        sender_end(s, f, outcome_of(f));
}

// Used, and no receipt of ours: by another sender, or the node has not indexed it yet. Final once it has
// stayed so for as many blocks as a receipt would need.
static void is_taken(struct sender *s, struct flight *f)
{
    if (f->state != FLIGHT_TAKEN) {
        f->taken_head = f->asked_head;
        f->taken_rounds = 0;
        sender_go(s, f, FLIGHT_TAKEN);
        (void)sender_tell(s, f, SENDER_STATE);
    }
    wallet_told_count(&s->wallet, f->sender, f->count);
    if (++f->taken_rounds >= TAKEN_ROUNDS && f->asked_head + 1 >= f->taken_head + s->c.confirmations)
        sender_end(s, f, OUTCOME_TAKEN);
}

static bool any_known(const struct flight *f)
{
    for (unsigned v = 0; v < f->n_v; v++)
        if (f->v[v].known)
            return true;
    return false;
}

// Bundles are for their block only: with private_only it is over when the last block aimed at lies deep
// enough.
static bool not_included(struct sender *s, struct flight *f)
{
    if (f->asked_head < f->target + s->c.confirmations || s->wallet.s[f->sender].next != f->nonce + 1)
        return false;
    s->wallet.s[f->sender].next = f->nonce;
    sender_end(s, f, OUTCOME_NOT_INCLUDED);
    return true;
}

static void is_open(struct sender *s, struct flight *f, uint64_t now)
{
    bool known = any_known(f);
    enum flight_state to = known ? FLIGHT_PENDING : FLIGHT_SENT, was = f->state;
    if (was == FLIGHT_MINED || was == FLIGHT_TAKEN) {
        s->n.reorgs++;
        f->reason_asked = false;
        (void)sender_tell(s, f, SENDER_REORGED);
    }
    sender_go(s, f, to);
    if (was != to && to == FLIGHT_PENDING)
        (void)sender_tell(s, f, SENDER_STATE);
    if (f->making != MAKING_NOTHING)
        return;
    if (!f->was_public && !known) {
        if (f->asked_head < f->target || (f->targets_left > 0 && now < f->deadline_ns))
            return; // a builder may still have it
        if (s->c.private_only && (not_included(s, f) || now < f->deadline_ns))
            return;
    }
    if (f->n_v == 0) {
        sender_make(s, f, TX_CANCEL, now);
        return;
    }
    const struct version *last = &f->v[f->n_v - 1];
    bool stuck = now - f->last_sent_ns >= s->c.bump_after_ns;
    if (last->kind == TX_ORDER && now >= f->deadline_ns) {
        sender_make(s, f, TX_CANCEL, now);
        return;
    }
    bool fenced = !known && last->kind == TX_ORDER && sender_over(s, f, now);
    // Known or not: nodes drop what does not pay the base fee. What only builders have had goes out first.
    if (stuck && !fenced && (known || (last->sent && f->was_public)))
        sender_make(s, f, last->kind, now);
    if (!known && f->making == MAKING_NOTHING) // as it is: it is not its time, or it would be too dear
        sender_again(s, f, now);
}

void sender_judge(struct sender *s, struct flight *f, uint64_t now)
{
    looked_up(s, f);
    for (unsigned v = 0; v < f->n_v; v++) {
        if (f->v[v].has_receipt) {
            is_mined(s, f, now);
            return;
        }
    }
    if (f->count > f->nonce)
        is_taken(s, f);
    else
        is_open(s, f, now);
}

// ---- why it reverted: the same call on the state after its block

// Error(string) and Panic(uint256) are Solidity's own; other errors are the contract's: their selector.
static void reason_text(const uint8_t *b, size_t n, char *out, size_t size)
{
    static const uint8_t error[4] = {0x08, 0xc3, 0x79, 0xa0}, panic[4] = {0x4e, 0x48, 0x7b, 0x71};
    uint64_t len;
    if (n >= 4 + 64 && !memcmp(b, error, 4) && (len = be64_load(b + 4 + 32 + 24)) <= n - 68) {
        size_t k = 0;
        for (; k < len && k + 1 < size; k++)
            out[k] = (char)(b[68 + k] >= ' ' && b[68 + k] <= '~' ? b[68 + k] : '?');
        out[k] = 0;
    } else if (n == 36 && !memcmp(b, panic, 4)) {
        (void)snprintf(out, size, "panic 0x%02x", b[35]);
    } else if (n >= 4) {
        (void)snprintf(out, size, "error 0x%02x%02x%02x%02x", b[0], b[1], b[2], b[3]);
    } else {
        (void)snprintf(out, size, "no reason given");
    }
}

void sender_told_reason(struct sender *s, struct flight *f, const struct rpc_event *ev)
{
    uint8_t data[REASON_TEXT / 2];
    size_t n = 0;
    if (ev->kind == RPC_EV_FAILED)
        f->reason_asked = false;
    if (ev->kind == RPC_EV_FAILED || f->state != FLIGHT_MINED || f->success)
        return;
    struct sender_event *out = sender_tell(s, f, SENDER_REASON);
    struct rpc_span text = rpc_json_string(ev->data);
    if (ev->kind == RPC_EV_REPLY) {
        (void)snprintf(out->text, sizeof out->text,
                       "works on the state after its block: the race was lost inside it");
    } else if (text.p && text.n < REASON_TEXT && hex_data_get(text.p, text.n, data, sizeof data, &n) == 0) {
        reason_text(data, n, out->text, sizeof out->text);
        memcpy(f->reason, text.p, text.n);
        out->data = (struct rpc_span){f->reason, text.n};
    } else {
        (void)rpc_json_print(ev->message, out->text, sizeof out->text);
    }
}
