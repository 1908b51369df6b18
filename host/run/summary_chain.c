// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "run/chain_line.h"
#include "run/summary_inside.h"

enum { COIN_DECIMALS = 18, AMOUNT_LEN = 64 };

static u128 power(unsigned decimals)
{
    u128 p = 1;
    while (decimals--)
        p *= 10;
    return p;
}

// Exactly, with all decimals: what is booked is held against balances.
static const char *amount(i128 v, unsigned decimals, char *buf)
{
    char digits[AMOUNT_LEN];
    size_t n = 0;
    u128 u = v < 0 ? -(u128)v : (u128)v;
    char *at = buf;
    do {
        if (n == decimals && n)
            digits[n++] = '.';
        digits[n++] = (char)('0' + (int)(u % 10));
        u /= 10;
    } while (u || n <= decimals);
    if (v < 0)
        *at++ = '-';
    while (n)
        *at++ = digits[--n];
    *at = '\0';
    return buf;
}

// In 1e-8 units of account at the protocol's last price, towards zero; 0 without a price.
static int64_t value_e8(const struct summary_input *in, uint16_t instrument, i128 v, unsigned decimals)
{
    int64_t px = oracle_prices(session_oracle(in->session))[in->market->instrument[instrument].asset];
    i128 unit = (i128)power(decimals);
    i128 e8 = v / unit * px + v % unit * px / unit;
    return e8 > INT64_MAX ? INT64_MAX : e8 < -INT64_MAX ? -INT64_MAX : (int64_t)e8;
}

static void say_profit(struct text *t, const struct summary_input *in)
{
    const struct session_money *m = session_money(in->session);
    const struct market *market = in->market;
    char buf[AMOUNT_LEN + 2];
    int64_t sum = 0;
    if (!market || (m->mined == 0 && m->reverted == 0 && m->undone == 0))
        return;
    say(t, "mined       %" PRId64 " with effect, %" PRId64 " without, %" PRIu64 " taken back\n", m->mined,
        m->reverted, m->undone);
    for (uint16_t i = 0; i < market->n_instruments; i++) {
        const struct instrument *in_of = &market->instrument[i];
        if (m->profit[i] == 0)
            continue;
        sum += value_e8(in, i, m->profit[i], in_of->size_decimals);
        say(t, "profit      %s %s\n", in_of->name, amount(m->profit[i], in_of->size_decimals, buf));
    }
    say(t, "gas         %s coins", amount(m->gas_wei, COIN_DECIMALS, buf));
    say(t, ", %s more to blocks' makers\n", amount(m->paid_wei, COIN_DECIMALS, buf));
    say_money(t, "booked     ", sum);
    if (in->chain) {
        struct chain_line_counters n;
        chain_line_counters(in->chain, &n);
        int64_t cost = value_e8(in, n.native, m->gas_wei + m->paid_wei, COIN_DECIMALS);
        say_money(t, " profit,", cost);
        say_money(t, " gas and payments,", sum - cost);
        say(t, " left (units of account, at the last prices)\n");
    } else {
        say(t, " profit (units of account, at the last prices)\n");
    }
}

static void say_line(struct text *t, const struct chain_line_counters *n)
{
    say(t,
        "chain       block %" PRIu64 "; %" PRIu64 " accounts at the start, %" PRIu64 " states, %" PRIu64
        " held, %" PRIu64 " changes of parameters; %" PRIu64 " blocks, %" PRIu64 " reorganisations\n",
        n->block, n->accounts, n->states, n->holds, n->markets, n->blocks, n->reorgs);
    say(t,
        "told        %" PRIu64 " groups of prices, %" PRIu64 " transactions of the oracle seen waiting\n"
        "compared    %" PRIu64 " accounts, %" PRIu64 " differences; %" PRIu64 " prices, %" PRIu64
        " differences\n",
        n->price_groups, n->candidates, n->audited, n->audit_differences, n->price_audits,
        n->price_differences);
    const struct gateway_evm_counters *o = &n->orders;
    say(t,
        "sent        %" PRIu64 " orders made ready, %" PRIu64 " of them sent, %" PRIu64 " sent cold, %" PRIu64
        " in batches; %" PRIu64 " mined, %" PRIu64 " reverted, %" PRIu64 " undone, %" PRIu64
        " refused, %" PRIu64 " for an account with an earlier order; %zu not final\n",
        o->offered, o->ready_sent, o->cold_sent, o->batched, o->mined, o->reverted, o->undone, o->refused,
        o->busy, o->flights);
    const struct sender_counters *s = &o->sender;
    if (s->replaced + s->cancels + s->resent + s->recovered + s->fenced + s->stuck)
        say(t,
            "followed    %" PRIu64 " sent again, %" PRIu64 " replaced, %" PRIu64 " cancelled, %" PRIu64
            " of earlier runs, %" PRIu64 " fenced, %" PRIu64 " stuck\n",
            s->resent, s->replaced, s->cancels, s->recovered, s->fenced, s->stuck);
}

void say_chain(struct text *t, const struct summary_input *in)
{
    struct chain_line_counters n;
    if (in->chain) {
        chain_line_counters(in->chain, &n);
        say_line(t, &n);
    }
    say_profit(t, in);
}

void say_receipts(struct text *t, const struct summary_input *in)
{
    if (in->chain && chain_line_receipts(in->chain)->count)
        say_percentiles(t, "receipt", chain_line_receipts(in->chain));
}

bool chain_holds(const struct summary_input *in)
{
    struct chain_line_counters n;
    if (!in->chain)
        return true;
    chain_line_counters(in->chain, &n);
    return n.audit_differences == 0 && n.price_differences == 0;
}
