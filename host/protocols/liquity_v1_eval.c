// SPDX-License-Identifier: Apache-2.0
// Liquity v1 from JSON and back (docs/protocols/liquity-v1.md).
#include "accounts/rules/liquity/liquity_v1.h"
#include "protocols/protocol.h"

extern const struct protocol protocol_liquity_v1;

enum { TROVES_MAX = 14, AMOUNT = 256 }; // 14 lines of results a trove, of OUTCOME_MAX in all

static void read_system(struct state *from, struct liquity_system *to)
{
    struct state s = state_object(from, "system", NULL);
    to->active_coll = state_u256(&s, "active_coll", AMOUNT);
    to->active_debt = state_u256(&s, "active_debt", AMOUNT);
    to->default_coll = state_u256_or(&s, "default_coll", AMOUNT, U256_ZERO);
    to->default_debt = state_u256_or(&s, "default_debt", AMOUNT, U256_ZERO);
    to->total_stakes = state_u256(&s, "total_stakes", AMOUNT);
    to->l_coll = state_u256_or(&s, "l_coll", AMOUNT, U256_ZERO);
    to->l_debt = state_u256_or(&s, "l_debt", AMOUNT, U256_ZERO);
    to->coll_error = state_u256_or(&s, "coll_error", AMOUNT, U256_ZERO);
    to->debt_error = state_u256_or(&s, "debt_error", AMOUNT, U256_ZERO);
    to->troves = state_u64(&s, "troves", UINT64_MAX);
    state_done(&s);
}

static void read_pool(struct state *from, struct liquity_pool *to)
{
    struct state s = state_object(from, "pool", NULL);
    to->deposits = state_u256(&s, "deposits", AMOUNT);
    to->p = state_u256_or(&s, "p", AMOUNT, u256_from_u64(LIQUITY_UNIT));
    to->sum = state_u256_or(&s, "sum", AMOUNT, U256_ZERO);
    to->scale = state_u64_or(&s, "scale", UINT32_MAX, 0);
    to->epoch = state_u64_or(&s, "epoch", UINT32_MAX, 0);
    to->coll_error = state_u256_or(&s, "coll_error", AMOUNT, U256_ZERO);
    to->debt_error = state_u256_or(&s, "debt_error", AMOUNT, U256_ZERO);
    state_done(&s);
}

static size_t read_troves(struct state *from, const struct liquity_request *q,
                          struct liquity_trove to[TROVES_MAX])
{
    const struct json *it = NULL;
    size_t n = 0;
    uint64_t active = 0;
    for (struct state s; state_next(from, "troves", TROVES_MAX, &it, &s); n++) {
        struct liquity_trove *t = &to[n];
        t->coll = state_u256(&s, "coll", AMOUNT);
        t->debt = state_u256(&s, "debt", AMOUNT);
        t->stake = state_u256(&s, "stake", AMOUNT);
        t->coll_snapshot = state_u256_or(&s, "coll_snapshot", AMOUNT, U256_ZERO);
        t->debt_snapshot = state_u256_or(&s, "debt_snapshot", AMOUNT, U256_ZERO);
        t->active = state_bool_or(&s, "active", true);
        active += t->active;
        if (!t->active && q->call == LIQUITY_SEQUENCE)
            state_fail(&s, s.at->line,
                       "a sequence walks the sorted list: leave out troves that are not active");
        state_done(&s);
    }
    if (active > q->system.troves)
        state_fail(from, from->at->line,
                   "there are more active troves than \"system\" has: correct \"troves\" in it");
    return n;
}

static void tell_part(struct outcome *out, unsigned i, const struct liquity_part *p)
{
    static const char *const branch[] = {"left", "offset", "mixed", "spread", "capped", "not seen"};
    char name[OUTCOME_NAME_MAX];
    u256 at;
    outcome_text(out, outcome_at(name, "trove", i, "branch"), branch[p->branch]);
    outcome_u256(out, outcome_at(name, "trove", i, "icr"), p->icr);
    if (p->branch != LIQUITY_NOT_SEEN && liquity_threshold(p->coll, p->debt, LIQUITY_MCR, &at))
        outcome_u256(out, outcome_at(name, "trove", i, "price_mcr"), at);
    outcome_u256(out, outcome_at(name, "trove", i, "debt"), p->debt);
    outcome_u256(out, outcome_at(name, "trove", i, "coll"), p->coll);
    if (p->branch == LIQUITY_LEFT || p->branch == LIQUITY_NOT_SEEN)
        return;
    outcome_u256(out, outcome_at(name, "trove", i, "gas_coll"), p->gas_coll);
    outcome_u256(out, outcome_at(name, "trove", i, "gas_lusd"), p->gas_lusd);
    outcome_u256(out, outcome_at(name, "trove", i, "offset_debt"), p->offset_debt);
    outcome_u256(out, outcome_at(name, "trove", i, "offset_coll"), p->offset_coll);
    outcome_u256(out, outcome_at(name, "trove", i, "spread_debt"), p->spread_debt);
    outcome_u256(out, outcome_at(name, "trove", i, "spread_coll"), p->spread_coll);
    outcome_u256(out, outcome_at(name, "trove", i, "surplus"), p->surplus);
}

static void tell_sums(struct outcome *out, const struct liquity_part *sum)
{
    outcome_u256(out, "sum.debt", sum->debt);
    outcome_u256(out, "sum.coll", sum->coll);
    outcome_u256(out, "sum.gas_coll", sum->gas_coll);
    outcome_u256(out, "sum.gas_lusd", sum->gas_lusd);
    outcome_u256(out, "sum.offset_debt", sum->offset_debt);
    outcome_u256(out, "sum.offset_coll", sum->offset_coll);
    outcome_u256(out, "sum.spread_debt", sum->spread_debt);
    outcome_u256(out, "sum.spread_coll", sum->spread_coll);
    outcome_u256(out, "sum.surplus", sum->surplus);
}

static void tell_after(struct outcome *out, const struct liquity_result *x)
{
    outcome_u256(out, "after.active_coll", x->system.active_coll);
    outcome_u256(out, "after.active_debt", x->system.active_debt);
    outcome_u256(out, "after.default_coll", x->system.default_coll);
    outcome_u256(out, "after.default_debt", x->system.default_debt);
    outcome_u256(out, "after.total_stakes", x->system.total_stakes);
    outcome_u256(out, "after.l_coll", x->system.l_coll);
    outcome_u256(out, "after.l_debt", x->system.l_debt);
    outcome_u256(out, "after.coll_error", x->system.coll_error);
    outcome_u256(out, "after.debt_error", x->system.debt_error);
    outcome_u256(out, "after.troves", u256_from_u64(x->system.troves));
    outcome_u256(out, "after.stakes_snapshot", x->stakes_snapshot);
    outcome_u256(out, "after.coll_snapshot", x->coll_snapshot);
    outcome_u256(out, "pool.deposits", x->pool.deposits);
    outcome_u256(out, "pool.p", x->pool.p);
    outcome_u256(out, "pool.sum", x->pool.sum);
    outcome_u256(out, "pool.scale", u256_from_u64(x->pool.scale));
    outcome_u256(out, "pool.epoch", u256_from_u64(x->pool.epoch));
    outcome_u256(out, "pool.coll_error", x->pool.coll_error);
    outcome_u256(out, "pool.debt_error", x->pool.debt_error);
}

// The lowest ratio among the troves that the call came to.
static u256 lowest(const struct liquity_part part[], size_t n)
{
    u256 low = U256_MAX;
    for (size_t i = 0; i < n; i++)
        if (part[i].branch != LIQUITY_NOT_SEEN)
            low = ck_min(low, part[i].icr);
    return low;
}

static int eval(struct state *s, struct outcome *out, struct err *e)
{
    static const char *const version[] = {"deployed", "2025"}, *const call[] = {"batch", "sequence"};
    (void)e;
    struct liquity_trove trove[TROVES_MAX];
    struct liquity_part part[TROVES_MAX];
    struct liquity_result x;
    struct liquity_request q = {.trove = trove};
    q.version = state_choice(s, "version", version, 2, true) == 0 ? LIQUITY_DEPLOYED : LIQUITY_2025;
    q.call = state_choice(s, "call", call, 2, true) == 0 ? LIQUITY_BATCH : LIQUITY_SEQUENCE;
    q.price = state_u256(s, "price", AMOUNT);
    read_system(s, &q.system);
    read_pool(s, &q.pool);
    q.n = read_troves(s, &q, trove);
    if (!state_done(s))
        return -1;
    const char *why = liquity_liquidate(&q, part, &x);
    outcome_bool(out, "liquidatable", why == NULL);
    outcome_u256(out, "health", lowest(part, q.n));
    outcome_bool(out, "recovery", x.recovery);
    outcome_u256(out, "tcr", x.tcr);
    struct checked c = {0};
    u256 at, coll = ck_add(&c, q.system.active_coll, q.system.default_coll);
    if (liquity_threshold(coll, ck_add(&c, q.system.active_debt, q.system.default_debt), LIQUITY_CCR, &at) &&
        ck_ok(&c))
        outcome_u256(out, "price_recovery", at);
    outcome_text(out, "refused", why != NULL ? why : "");
    for (unsigned i = 0; i < q.n; i++)
        tell_part(out, i, &part[i]);
    if (why != NULL)
        return 0;
    outcome_bool(out, "back_to_normal", x.back_to_normal);
    tell_sums(out, &x.sum);
    tell_after(out, &x);
    return 0;
}

const struct protocol protocol_liquity_v1 = {
    .name = "liquity-v1",
    .title = "Liquity v1: stability pool, redistribution by stake, recovery mode",
    .source = "liquity/dev ce741f9a packages/contracts/contracts/TroveManager.sol, StabilityPool.sol in "
              "copies of that form; "
              "\"2025\": 39f1f7f8 (as given in notes; read in a public copy of its StabilityPool.sol)",
    .example = "{\"price\": \"1050000000000000000000\", "
               "\"system\": {\"active_coll\": \"1000000000000000000000\", \"active_debt\": "
               "\"400000000000000000000000\", "
               "\"total_stakes\": \"1000000000000000000000\", \"troves\": 40}, "
               "\"pool\": {\"deposits\": \"2000000000000000000000\"}, "
               "\"troves\": [{\"coll\": \"2500000000000000000\", \"debt\": \"2450000000000000000000\", "
               "\"stake\": \"2500000000000000000\"}]}",
    .eval = eval,
};
