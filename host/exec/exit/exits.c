// SPDX-License-Identifier: Apache-2.0
// A venue is made from its pools when it is first asked for after they changed, and kept in a small cache by
// pair: of the thousands of pairs that a hundred pools give, a session asks for few. Each pool has a stamp
// that is new whenever its reserves are; the version of a way is the later of its pools' stamps. So it
// changes with every change of what the way stands on and with nothing else, whatever the cache forgets. (A
// pair's way by another native coin has no pool in common with the one before, so no stamp either.)
#include "exec/exit/exits.h"

#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

enum { EXITS_VERSION = 1, SLOTS = 512, POOL_GAS_MAX = 1 << 30 };

// One more than the place of the pool between two instruments, either way round; 0: none.
typedef uint8_t pool_names[MARKET_INSTRUMENTS_MAX][MARKET_INSTRUMENTS_MAX];

struct route {
    uint8_t n; // pools: 0 no way, 1 direct, 2 by the native coin's token
    uint8_t pool[2];
    bool backward[2]; // from the pool's b to its a
};

struct slot {
    uint16_t coll, debt;
    uint32_t version; // 0: nothing in it
    bool sound;
    struct cpmm cpmm;
};

struct exits {
    struct exits_told told;
    bool known;
    uint32_t last_stamp;
    uint32_t stamp[EXITS_POOLS_MAX];
    pool_names name;
    struct slot slot[SLOTS];
};

static bool sound_pool(const struct exits_pool *p)
{
    return p->a != p->b && p->a < MARKET_INSTRUMENTS_MAX && p->b < MARKET_INSTRUMENTS_MAX && p->in_a != 0 &&
           p->in_b != 0 && p->in_a <= EXIT_AMOUNT_MAX && p->in_b <= EXIT_AMOUNT_MAX && p->keep != 0 &&
           p->keep <= p->of && p->of <= CPMM_PARTS_MAX && 2 * p->keep >= p->of && p->gas <= POOL_GAS_MAX;
}

static bool sound(const struct exits_told *t)
{
    uint64_t seen[MARKET_INSTRUMENTS_MAX][MARKET_INSTRUMENTS_MAX / 64] = {{0}}; // a bit a pair
    if (t->n > EXITS_POOLS_MAX || t->native >= MARKET_INSTRUMENTS_MAX || t->base_fee > INT64_MAX)
        return false;
    for (unsigned i = 0; i < t->n; i++) {
        const struct exits_pool *p = &t->pool[i];
        if (!sound_pool(p))
            return false;
        uint16_t lo = p->a < p->b ? p->a : p->b, hi = p->a < p->b ? p->b : p->a;
        uint64_t bit = UINT64_C(1) << (hi & 63);
        if (seen[lo][hi >> 6] & bit)
            return false;
        seen[lo][hi >> 6] |= bit;
    }
    return true;
}

size_t exits_encode(const struct exits_told *t, uint8_t *buf, size_t size)
{
    if (!sound(t))
        return 0;
    struct wcur c = wcur_of(buf, size);
    put_u8(&c, EXITS_VERSION);
    put_u64(&c, t->block);
    put_u64(&c, t->base_fee);
    put_u16(&c, t->native);
    put_u16(&c, t->n);
    for (unsigned i = 0; i < t->n; i++) {
        const struct exits_pool *p = &t->pool[i];
        put_u16(&c, p->a);
        put_u16(&c, p->b);
        put_i128(&c, (i128)p->in_a);
        put_i128(&c, (i128)p->in_b);
        put_u32(&c, p->keep);
        put_u32(&c, p->of);
        put_u32(&c, p->gas);
    }
    return wcur_done(&c);
}

int exits_decode(const uint8_t *buf, size_t len, struct exits_told *t)
{
    struct rcur c = rcur_of(buf, len);
    uint8_t version = get_u8(&c);
    t->block = get_u64(&c);
    t->base_fee = get_u64(&c);
    t->native = get_u16(&c);
    t->n = get_u16(&c);
    if (c.bad || version != EXITS_VERSION || t->n > EXITS_POOLS_MAX)
        return -1;
    for (unsigned i = 0; i < t->n; i++) {
        struct exits_pool *p = &t->pool[i];
        p->a = get_u16(&c);
        p->b = get_u16(&c);
        p->in_a = (u128)get_i128(&c);
        p->in_b = (u128)get_i128(&c);
        p->keep = get_u32(&c);
        p->of = get_u32(&c);
        p->gas = get_u32(&c);
    }
    return rcur_end(&c) && sound(t) ? 0 : -1;
}

struct exits *exits_new(void)
{
    return calloc(1, sizeof(struct exits));
}

void exits_free(struct exits *x)
{
    free(x);
}

static bool same_pool(const struct exits_pool *p, const struct exits_pool *q)
{
    return p->a == q->a && p->b == q->b && p->in_a == q->in_a && p->in_b == q->in_b && p->keep == q->keep &&
           p->of == q->of && p->gas == q->gas;
}

int exits_take(struct exits *x, const struct exits_told *t, unsigned n_instruments, struct err *e)
{
    if (!sound(t))
        return err_set(e, "ways out of block %llu: a pool or the base fee is out of range",
                       (unsigned long long)t->block);
    unsigned beyond = t->native;
    for (unsigned i = 0; i < t->n; i++) {
        unsigned high = t->pool[i].a > t->pool[i].b ? t->pool[i].a : t->pool[i].b;
        beyond = beyond > high ? beyond : high;
    }
    if (beyond >= n_instruments)
        return err_set(e, "ways out of block %llu: instrument %u, the market has %u",
                       (unsigned long long)t->block, beyond, n_instruments);
    uint32_t stamp[EXITS_POOLS_MAX];
    for (unsigned i = 0; i < t->n; i++) {
        const struct exits_pool *p = &t->pool[i];
        uint8_t was = x->name[p->a][p->b];
        bool same = was != 0 && same_pool(p, &x->told.pool[was - 1]);
        stamp[i] = same ? x->stamp[was - 1] : ++x->last_stamp;
    }
    for (unsigned i = 0; i < x->told.n; i++) {
        const struct exits_pool *p = &x->told.pool[i];
        x->name[p->a][p->b] = x->name[p->b][p->a] = 0;
    }
    for (unsigned i = 0; i < t->n; i++) {
        const struct exits_pool *p = &t->pool[i];
        x->name[p->a][p->b] = x->name[p->b][p->a] = (uint8_t)(i + 1);
        x->stamp[i] = stamp[i];
    }
    x->told = *t;
    x->known = true;
    return 0;
}

bool exits_known(const struct exits *x)
{
    return x->known;
}

uint64_t exits_base_fee(const struct exits *x)
{
    return x->told.base_fee;
}

uint16_t exits_native(const struct exits *x)
{
    return x->told.native;
}

static bool through(const struct exits *x, uint16_t from, uint16_t to, struct route *r)
{
    uint8_t name = x->name[from][to];
    if (name == 0)
        return false;
    r->pool[r->n] = (uint8_t)(name - 1);
    r->backward[r->n++] = x->told.pool[name - 1].b == from;
    return true;
}

static struct route route_of(const struct exits *x, uint16_t coll, uint16_t debt)
{
    struct route r = {0};
    const uint16_t native = x->told.native; // there is no pool of it with itself
    if (coll >= MARKET_INSTRUMENTS_MAX || debt >= MARKET_INSTRUMENTS_MAX || coll == debt)
        return r;
    if (through(x, coll, debt, &r))
        return r;
    if (!through(x, coll, native, &r) || !through(x, native, debt, &r))
        r.n = 0;
    return r;
}

static uint32_t version_of(const struct exits *x, const struct route *r)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < r->n; i++)
        v = x->stamp[r->pool[i]] > v ? x->stamp[r->pool[i]] : v;
    return v;
}

uint32_t exits_version(const struct exits *x, uint16_t coll, uint16_t debt)
{
    struct route r = route_of(x, coll, debt);
    return version_of(x, &r);
}

// The route's pools as a path; their gas.
static uint32_t path_of(const struct exits *x, const struct route *r, struct cpmm_path *path)
{
    uint32_t gas = 0;
    path->n = r->n;
    for (unsigned i = 0; i < r->n; i++) {
        const struct exits_pool *p = &x->told.pool[r->pool[i]];
        path->pool[i] = r->backward[i] ? (struct cpmm_pool){p->in_b, p->in_a, p->keep, p->of}
                                       : (struct cpmm_pool){p->in_a, p->in_b, p->keep, p->of};
        gas += p->gas;
    }
    return gas;
}

static void make(const struct exits *x, const struct route *r, struct slot *s)
{
    uint32_t gas = path_of(x, r, &s->cpmm.path[0]);
    s->sound = cpmm_set(&s->cpmm, 1, gas, NULL) == 0;
}

unsigned exits_ways(const struct exits *x, uint16_t coll, uint16_t debt, struct cpmm_path way[EXITS_WAYS_MAX],
                    uint32_t version[EXITS_WAYS_MAX], uint64_t *gas)
{
    struct route r[EXITS_WAYS_MAX] = {0};
    const uint16_t native = x->told.native;
    unsigned n = 0;
    *gas = 0;
    if (coll >= MARKET_INSTRUMENTS_MAX || debt >= MARKET_INSTRUMENTS_MAX || coll == debt)
        return 0;
    n += through(x, coll, debt, &r[n]);
    n += through(x, coll, native, &r[n]) && through(x, native, debt, &r[n]);
    for (unsigned i = 0; i < n; i++) {
        *gas += path_of(x, &r[i], &way[i]);
        version[i] = version_of(x, &r[i]);
    }
    return n;
}

const struct exit_venue *exits_find(void *ctx, uint16_t coll, uint16_t debt)
{
    struct exits *x = ctx;
    if (coll == debt)
        return &exit_same;
    struct route r = route_of(x, coll, debt);
    if (r.n == 0)
        return NULL;
    uint32_t version = version_of(x, &r);
    struct slot *s = &x->slot[((unsigned)coll * 31 + debt) & (SLOTS - 1)];
    if (s->coll != coll || s->debt != debt || s->version != version) {
        make(x, &r, s);
        s->coll = coll;
        s->debt = debt;
        s->version = s->cpmm.venue.version = version;
    }
    return s->sound ? &s->cpmm.venue : NULL;
}

uint8_t exits_via(const struct exits *x, uint16_t coll, uint16_t debt, uint16_t via[EXITS_VIA_MAX])
{
    struct route r = route_of(x, coll, debt);
    if (r.n != 2)
        return 0;
    via[0] = x->told.native;
    return 1;
}
