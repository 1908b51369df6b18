// SPDX-License-Identifier: Apache-2.0
// What the guard of the hot path counts on: a session over a generated book in nested boxes, 4,096 rows on
// the back end `vector`, a real journal, a gateway that takes every order and answers none, and frames made
// beforehand. All of it synthetic, and the same at every run. One thread; whatever goes wrong ends the
// program.
#ifndef TRIPLINE_GUARD_RIG_H
#define TRIPLINE_GUARD_RIG_H

#include "accounts/store.h"
#include "feed/deribit_encode.h"
#include "feed/gen_frame.h"
#include "run/session.h"

// Accounts that fall one after the other: the k-th may be liquidated from the k-th step of the price down.
enum { LADDER_STEPS = 40 };
enum ladder { LADDER_PERP, LADDER_LENDING, LADDERS };

// Prices of the synthetic venue, by place in its list.
enum quoted {
    Q_BTC,
    Q_ETH,
    Q_SOL,
    Q_BTC_INVERSE,
    Q_ETH_INVERSE,
    Q_BTC_INDEX,
    Q_ETH_INDEX,
    Q_SOL_INDEX,
    Q_USDC_INDEX,
    QUOTED
};

struct frame {
    uint64_t ns;
    size_t len, wire;
    uint8_t data[FRAME_ROOM];
};

struct rig {
    struct book book;
    struct device *dev;
    struct journal *journal;
    char *journal_path;
    struct session *session;
    uint64_t now_ns; // of the next frame
    uint32_t seq;
    struct deribit_encoder enc; // of the frame being made
    uint8_t payload[FRAME_PAYLOAD_MAX];
    double price[QUOTED]; // as sent last
};

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *fmt, ...);

// The background's accounts and the ladders, from which every rig copies; once.
void rig_accounts(uint32_t background);
// A session that has all its prices. dir: for its journal.
enum rig_kind {
    RIG_USUAL, // thousands of rows, warning rows, ready orders
    RIG_BARE,  // few rows, no warning rows: no ready orders, and most of it is what the host's own steps cost
    RIG_KINDS
};
void rig_open(struct rig *r, enum rig_kind kind, const char *dir);
void rig_close(struct rig *r);

// The price at which the ladder's accounts 0 to `step` may be liquidated and no other.
double rig_rung(enum ladder l, unsigned step);
enum quoted rig_ladder_price(enum ladder l);
// A perpetual account that may be liquidated below HELD_PPM under the start price of ETH, by id; and one that
// is far from everything.
enum { HELD_PPM = 100 };
uint32_t rig_far_account(void);
uint32_t rig_near_account(void);
double rig_start_price(enum quoted q);

// Frames. begin, messages, end: a packet on the price channel.
void frame_begin(struct rig *r);
void frame_price(struct rig *r, enum quoted q, double price, double index); // index 0: the same
void frame_end(struct rig *r, struct frame *f);
void frame_price_only(struct rig *r, enum quoted q, double price, struct frame *f);
void frame_order_book(struct rig *r, struct frame *f);   // of an instrument of ours: no price
void frame_other_ticker(struct rig *r, struct frame *f); // of an instrument that nobody here holds
void frame_foreign(struct rig *r, struct frame *f);      // no protocol's

// To the session; ends the program when the session fails.
static inline void rig_take(struct rig *r, const struct frame *f)
{
    struct err e;
    if (session_frame(r->session, f->ns, f->data, f->len, f->wire, &e) != 0)
        die("the session failed: %s", e.msg);
}

#endif
