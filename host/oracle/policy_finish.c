// SPDX-License-Identifier: Apache-2.0
// What a policy must satisfy as a whole, and the policy of an asset without one.
#include <assert.h>
#include <string.h>

#include "oracle/policy.h"

static_assert(POLICY_SOURCES <= 16, "policy_prepare() has a bit for each");

static size_t count(const struct policy *p, enum policy_role role)
{
    size_t n = 0;
    for (unsigned i = 0; i < p->n_sources; i++)
        n += p->source[i].role == role;
    return n;
}

static bool acts(const struct policy *p, enum policy_action a)
{
    bool found = p->too_few == a;
    for (unsigned i = 0; i < p->n_guards; i++)
        found |= p->guard[i].action == a;
    return found;
}

static bool refers(const struct policy *p, enum guard_ref ref)
{
    bool found = false;
    for (unsigned i = 0; i < p->n_guards; i++)
        found |= p->guard[i].ref == ref;
    return found;
}

static size_t guards_of(const struct policy *p, enum guard_kind kind)
{
    size_t n = 0;
    for (unsigned i = 0; i < p->n_guards; i++)
        n += p->guard[i].kind == kind;
    return n;
}

static int finish_maker(struct policy *p, size_t n, struct err *e)
{
    if (p->quorum == 0)
        p->quorum = (uint8_t)(n - (n % 2 == 0));
    if (p->quorum % 2 == 0 || p->quorum > n)
        return err_set(e, "quorum=%u of %zu sources; write an odd number of them", p->quorum, n);
    // With fewer alive nobody pokes any more, and the poked price would age without end.
    if (p->min_live && p->min_live < p->quorum)
        return err_set(e,
                       "min_live %u below quorum=%u: the price would age unseen; write at least the quorum",
                       p->min_live, p->quorum);
    return 0;
}

static int finish_pyth(const struct policy *p, struct err *e)
{
    for (unsigned i = 0; i < p->n_sources; i++) {
        const struct policy_source *s = &p->source[i];
        bool counts = s->role == ROLE_SOURCE && p->aggregate == AGGREGATE_PYTH;
        if (s->conf_ppm && !counts)
            return err_set(e, "conf_bps= belongs to the sources of `aggregate pyth`; leave it out");
        if (counts && !s->conf_ppm && s->field != FIELD_MID)
            return err_set(e, "source %s: nothing says how sure it is; write conf_bps=N", s->name);
    }
    return 0;
}

static int finish_sources(struct policy *p, size_t n, struct err *e)
{
    if (n == 0)
        return err_set(e, "no source; write `source VENUE NAME FIELD`");
    if (p->aggregate == AGGREGATE_SINGLE && n != 1)
        return err_set(e, "%zu sources; write `aggregate median`, `weighted`, `maker` or `pyth`", n);
    if (p->quorum && p->aggregate != AGGREGATE_MAKER)
        return err_set(e, "quorum= belongs to `aggregate maker`; write `min_live N`");
    if (p->aggregate == AGGREGATE_MAKER && finish_maker(p, n, e) != 0)
        return -1;
    if (p->min_live == 0)
        p->min_live = p->aggregate == AGGREGATE_MAKER ? p->quorum : (uint8_t)(n / 2 + 1);
    if (p->min_live > n)
        return err_set(e, "min_live %u of %zu sources; write at most %zu", p->min_live, n, n);
    return finish_pyth(p, e);
}

static int finish_guards(const struct policy *p, struct err *e)
{
    for (unsigned i = 0; i < p->n_guards; i++)
        if (p->guard[i].kind == GUARD_BAND && p->guard[i].low > p->guard[i].high)
            return err_set(e, "guard band: low= is above high=; swap them");
    if (guards_of(p, GUARD_RATE) > 1)
        return err_set(e, "two guards of kind rate; leave one");
    bool mean = refers(p, REF_TWAP) || guards_of(p, GUARD_TREND) || p->publish_mean;
    if (mean && p->mean == MEAN_NONE)
        return err_set(e, "it uses a TWAP and names none; write `twap geometric window_ms=N`");
    if (!mean && p->mean != MEAN_NONE)
        return err_set(e,
                       "the twap is not used; write `publish twap`, `of=twap` in a guard, or leave it out");
    if (guards_of(p, GUARD_TREND) && p->mean != MEAN_GEOMETRIC)
        return err_set(e, "guard trend counts ticks; write `twap geometric`");
    if (guards_of(p, GUARD_UNCERTAIN) && p->aggregate != AGGREGATE_PYTH)
        return err_set(e, "guard confidence: only `aggregate pyth` has one; write another guard");
    return 0;
}

// Fills in what an evaluation would else look for each time. Sources and guards must not change after it.
static void policy_prepare(struct policy *p)
{
    memset(p->of_role, 0, sizeof p->of_role);
    for (unsigned i = 0; i < p->n_sources; i++)
        p->of_role[p->source[i].role] |= (uint16_t)(1u << i);
    p->rate_guard = NO_GUARD;
    p->past = p->mean != MEAN_NONE || refers(p, REF_STABLE);
    for (uint8_t i = 0; i < p->n_guards; i++)
        if (p->guard[i].kind == GUARD_RATE)
            p->rate_guard = i;
}

int policy_finish(struct policy *p, struct err *e)
{
    if (finish_sources(p, count(p, ROLE_SOURCE), e) != 0 || finish_guards(p, e) != 0)
        return -1;
    bool threshold = false;
    for (unsigned i = 0; i < p->n_sources; i++)
        threshold |= p->source[i].threshold_ppm != 0;
    if ((refers(p, REF_REFERENCE) || threshold) && count(p, ROLE_REFERENCE) == 0)
        return err_set(e, "it compares with a reference and names none; write `reference VENUE NAME FIELD`");
    if (!refers(p, REF_REFERENCE) && !threshold && count(p, ROLE_REFERENCE) != 0)
        return err_set(e, "the reference is not used; write `of=reference` in a guard, or leave it out");
    if (acts(p, ACT_FALLBACK) != (count(p, ROLE_FALLBACK) != 0))
        return err_set(e, acts(p, ACT_FALLBACK)
                              ? "it falls back and names no `fallback VENUE NAME FIELD`; write one"
                              : "the fallback is not used; write `too_few fallback` or then=fallback");
    if (p->return_ppm && !acts(p, ACT_FALLBACK))
        return err_set(e, "return_bps= without a fallback; leave it out");
    if (acts(p, ACT_LAST_GOOD) != (p->last_good_ms != 0))
        return err_set(e, acts(p, ACT_LAST_GOOD)
                              ? "last_good needs a limit; write `limits last_good_ms=N`"
                              : "last_good_ms= is not used; leave it out or write then=last_good");
    policy_prepare(p);
    return 0;
}

// "cde:BIP" is BIP of venue cde; a name without a venue is Deribit's.
static uint8_t split_venue(const char **name)
{
    for (uint8_t v = 1; v < VENUE_COUNT; v++) {
        const char *venue = feed_venue_name((enum feed_venue)v);
        size_t len = strlen(venue);
        if (strncmp(*name, venue, len) == 0 && (*name)[len] == ':' && (*name)[len + 1]) {
            *name += len + 1;
            return v;
        }
    }
    return VENUE_DERIBIT;
}

// CME has no mark price: there the middle of the book decides.
static uint8_t default_field(const struct asset *a, uint8_t venue)
{
    if (a->kind == ASSET_INDEX)
        return FIELD_INDEX;
    return venue == VENUE_CME ? FIELD_MID : FIELD_MARK;
}

void policy_default(const struct asset *a, struct policy *p)
{
    const char *name = a->source;
    uint8_t venue = split_venue(&name);
    *p = (struct policy){.n_sources = 1, .aggregate = AGGREGATE_SINGLE, .min_live = 1, .too_few = ACT_HOLD};
    struct policy_source *s = &p->source[0];
    *s = (struct policy_source){.role = ROLE_SOURCE,
                                .venue = venue,
                                .field = default_field(a, venue),
                                .weight = 1,
                                .max_age_ms = a->stale_ms};
    memcpy(s->name, name, strlen(name) + 1);
    if (a->kind == ASSET_MARK && a->guard_ppm) {
        p->source[p->n_sources] = *s;
        p->source[p->n_sources].role = ROLE_REFERENCE;
        p->source[p->n_sources++].field = FIELD_INDEX;
        p->guard[p->n_guards++] = (struct policy_guard){
            .kind = GUARD_DEVIATION, .ref = REF_REFERENCE, .action = ACT_HOLD, .ppm = a->guard_ppm};
    }
    policy_prepare(p);
}
