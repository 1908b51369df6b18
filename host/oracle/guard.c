// SPDX-License-Identifier: Apache-2.0
#include "oracle/guard.h"

enum { PPM = 1000000, DAY_S = 86400 };

static uint64_t apart(int64_t a, int64_t b)
{
    return a > b ? (uint64_t)a - (uint64_t)b : (uint64_t)b - (uint64_t)a;
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// Products stay below 2^63 * 2^60.
static bool beyond(uint64_t diff, int64_t base, uint64_t ppm)
{
    return (u128)diff * PPM > (u128)(uint64_t)base * ppm;
}

bool guard_off(int64_t price, int64_t ref, uint64_t ppm)
{
    return beyond(apart(price, ref), ref, ppm);
}

bool guard_jump(int64_t a, int64_t b, uint32_t ppm)
{
    return beyond(apart(a, b), greater(a, b), ppm);
}

bool guard_apart(int64_t a, int64_t b, uint32_t ppm)
{
    return beyond(apart(a, b), lesser(a, b), ppm);
}

bool guard_volatile(int64_t price, int64_t twap, uint32_t ratio)
{
    // floor(a / b) > r is a >= (r + 1) b.
    return (u128)(uint64_t)greater(price, twap) >=
           (u128)((uint64_t)ratio + 1) * (uint64_t)greater(lesser(price, twap), 1);
}

bool guard_uncertain(int64_t price, int64_t conf, uint32_t ppm)
{
    // floor(10^6 conf / price) > ppm is 10^6 conf >= (ppm + 1) price.
    return (u128)(uint64_t)greater(conf, 1) * PPM >= (u128)((uint64_t)ppm + 1) * (uint64_t)price;
}

int64_t guard_off_clamp(int64_t price, int64_t ref, uint64_t ppm)
{
    u128 room = (u128)(uint64_t)ref * ppm / PPM;
    if (price > ref) {
        u128 top = (u128)(uint64_t)ref + room;
        return (u128)(uint64_t)price > top ? (int64_t)top : price;
    }
    int64_t least = room >= (u128)(uint64_t)ref ? 1 : ref - (int64_t)room;
    return greater(price, least);
}

int64_t book_mid(int64_t bid, int64_t ask, uint32_t max_spread_ppm)
{
    if (bid <= 0 || ask <= 0 || bid > ask)
        return 0;
    if (max_spread_ppm && guard_apart(bid, ask, max_spread_ppm))
        return 0;
    return bid + (ask - bid) / 2;
}

int64_t price_cap_growth(int64_t snapshot, uint32_t yearly_bps)
{
    return (int64_t)((u128)(uint64_t)snapshot * yearly_bps / 10000 / (365 * DAY_S));
}

int64_t price_cap_at(const struct price_cap *c, uint64_t now_s)
{
    if (now_s < c->at_s)
        return 0;
    u128 cap = (u128)(uint64_t)c->snapshot + (u128)(uint64_t)c->per_second * (now_s - c->at_s);
    return cap > INT64_MAX ? INT64_MAX : (int64_t)cap;
}

void stable_init(struct stable_price *s)
{
    *s = (struct stable_price){.interval_s = 3600, .delay_ppm = 60000, .stable_ppm = 300};
}

static void reset_to(struct stable_price *s, uint64_t now_s, int64_t price)
{
    s->price = price;
    for (int i = 0; i < STABLE_DELAYS; i++)
        s->delay[i] = price;
    s->sum = 0;
    s->sum_s = 0;
    s->last_s = now_s;
}

// target within prev - room .. prev + room, and a price.
static int64_t limited(int64_t target, int64_t prev, i256 room)
{
    i256 p = i256_from_i64(prev), t = i256_from_i64(target);
    t = i256_max(i256_min(t, i256_add(p, room)), i256_sub(p, room));
    t = i256_max(t, i256_from_i64(1)); // what the ratios below divide by
    return i256_to_i64(i256_min(t, i256_from_i64(INT64_MAX)));
}

// The interval that ended becomes a delay price, and so does each that no update fell into.
static void end_interval(struct stable_price *s, uint8_t index, bool all)
{
    int64_t prev = s->delay[s->index == 0 ? STABLE_DELAYS - 1 : s->index - 1];
    int64_t mean = (int64_t)(s->sum / (i128)s->sum_s);
    int64_t next = limited(mean, prev, i256_from_i128((i128)prev * s->delay_ppm / PPM));
    for (int i = 0; all && i < STABLE_DELAYS; i++)
        s->delay[i] = next;
    for (uint8_t i = s->index; i != index; i = (uint8_t)(i + 1 == STABLE_DELAYS ? 0 : i + 1))
        s->delay[i] = next;
    s->sum = 0;
    s->sum_s = 0;
    s->index = index;
}

// floor(stable * stable_ppm/10^6 * seconds * (smaller / greater)^2): below 2^63 * 2^32 * 2^10 * 2^126 = 2^231
// before the division.
static i256 room_of(const struct stable_price *s, int64_t delay, uint64_t seconds)
{
    int64_t small = lesser(delay, s->price), great = greater(delay, s->price);
    i256 n = i256_from_i128((i128)s->price * s->stable_ppm);
    n = i256_mul(n, i256_from_i128((i128)small * small));
    n = i256_mul_i64(n, (int64_t)seconds);
    return i256_div_floor(n, i256_mul_i64(i256_from_i128((i128)great * great), PPM));
}

void stable_update(struct stable_price *s, uint64_t now_s, int64_t price)
{
    if (s->price == 0) {
        if (price <= 0)
            return;
        reset_to(s, now_s, price);
    }
    uint64_t dt = now_s > s->last_s ? now_s - s->last_s : 0;
    if (dt < STABLE_MIN_S)
        return;
    uint64_t seconds = dt < STABLE_MAX_S ? dt : STABLE_MAX_S;
    s->last_s = now_s;
    // As in Mango the price counts for at most STABLE_MAX_S seconds, the time in full.
    s->sum_s += dt;
    s->sum += (i128)price * (int64_t)seconds;
    uint8_t index = (uint8_t)(now_s / s->interval_s % STABLE_DELAYS);
    if (index != s->index)
        end_interval(s, index, dt > (uint64_t)STABLE_DELAYS * s->interval_s);
    s->price = limited(price, s->price, room_of(s, s->delay[index], seconds));
}
