// SPDX-License-Identifier: Apache-2.0
#include "stream.h"
#include "base/prng.h"

enum { PHRASE_MAX = 64, PAIRS_MAX = 26, PAIRS_MANY = 200, ALL = 1 << 16 };

uint64_t stream_random(struct stream *s)
{
    return splitmix64(&s->random);
}

static uint32_t below(struct stream *s, uint64_t n)
{
    return (uint32_t)(stream_random(s) % n);
}

void stream_init(struct stream *s, uint64_t seed, uint32_t lanes, uint32_t slots, uint32_t assets)
{
    *s = (struct stream){
        .random = seed, .lanes = lanes, .slots = slots, .assets = assets, .rows = lanes * slots};
}

size_t stream_room(const struct stream *s)
{
    return PHRASE_MAX + (size_t)s->rows + 2;
}

static uint32_t any_asset(struct stream *s)
{
    uint32_t hot = s->assets < STREAM_HOT ? s->assets : STREAM_HOT;
    uint32_t pick = below(s, 16);
    if (pick == 0)
        return s->assets - 1;
    return pick == 1 ? below(s, s->assets) : below(s, hot);
}

// One that the first assets' rows seldom use, often none: its ticks have nothing to move.
static uint32_t cold_asset(struct stream *s)
{
    return s->assets > STREAM_HOT ? STREAM_HOT + below(s, s->assets - STREAM_HOT) : 0;
}

static uint32_t any_row(struct stream *s)
{
    uint32_t near = s->rows < 12 ? s->rows : 12;
    switch (below(s, 4)) {
    case 0:
        return below(s, s->rows);
    case 1:
        return s->rows - 1 - below(s, near);
    default:
        return below(s, near);
    }
}

static uint64_t any_price(struct stream *s, uint32_t asset)
{
    uint64_t now = asset < STREAM_HOT ? s->price[asset] : 0;
    switch (below(s, 12)) {
    case 0:
        return 0;
    case 1:
        return ABI_PRICE_MAX;
    case 2:
        return stream_random(s) & ABI_PRICE_MAX;
    default:
        return (now + below(s, 2001) - 1000) & ABI_PRICE_MAX;
    }
}

static int32_t any_coef(struct stream *s)
{
    switch (below(s, 10)) {
    case 0:
        return ABI_COEF_MAX;
    case 1:
        return ABI_COEF_MIN;
    case 2:
        return 0;
    case 3:
        return (int32_t)below(s, 1u << 27) + ABI_COEF_MIN;
    default:
        return (int32_t)below(s, 2001) - 1000;
    }
}

static int64_t any_h(struct stream *s)
{
    switch (below(s, 12)) {
    case 0:
        return INT64_MAX;
    case 1:
        return INT64_MIN;
    case 2:
        return 0;
    case 3:
        return -1;
    case 4:
        return (int64_t)stream_random(s);
    default:
        return (int64_t)below(s, 1000000) - 100000;
    }
}

static size_t tick(struct stream *s, struct beat *out, uint32_t asset, uint64_t price, bool last)
{
    abi_pack_tick(
        out, &(struct abi_tick){.asset = (uint16_t)asset, .price = price, .group = s->group, .last = last});
    if (asset < STREAM_HOT)
        s->price[asset] = price;
    return 1;
}

static size_t tick_group(struct stream *s, struct beat *out)
{
    size_t n = 1 + below(s, 4);
    s->group = below(s, 50) ? s->group + 1 : (uint32_t)stream_random(s);
    bool closed = below(s, 8) != 0; // else the group goes on in a later phrase
    for (size_t i = 0; i < n; i++) {
        uint32_t asset = below(s, 4) ? any_asset(s) : cold_asset(s);
        tick(s, out + i, asset, any_price(s, asset), closed && i + 1 == n);
    }
    return n;
}

static size_t band(struct stream *s, struct beat *out)
{
    uint32_t asset = any_asset(s);
    uint64_t now = asset < STREAM_HOT ? s->price[asset] : 0, width = below(s, 1500);
    struct abi_band b = {.asset = (uint16_t)asset, .lo = 0, .hi = ABI_PRICE_MAX};
    switch (below(s, 4)) {
    case 0: // edges exactly at the price: a tick to it is inside, one beyond is not
        b.lo = b.hi = now;
        break;
    case 1:
        b.lo = stream_random(s) & ABI_PRICE_MAX;
        b.hi = stream_random(s) & ABI_PRICE_MAX;
        break;
    case 2:
        b.lo = now > width ? now - width : 0;
        b.hi = (now + width) & ABI_PRICE_MAX;
        break;
    default:
        break;
    }
    if (below(s, 3) == 0) {
        b.set_price = true;
        b.price = any_price(s, asset);
        if (asset < STREAM_HOT)
            s->price[asset] = b.price;
    }
    abi_pack_band(out, &b);
    return 1;
}

// COEF beats of a load of n coefficients.
static uint32_t coef_beats(uint32_t n)
{
    return n > ABI_ROW_PAIRS ? (n - ABI_ROW_PAIRS + ABI_COEF_PAIRS - 1) / ABI_COEF_PAIRS : 0;
}

// Pairs past those due hold rubbish: they must not matter.
static void pair(struct stream *s, bool due, uint16_t *asset, int32_t *coef)
{
    *asset = (uint16_t)(due ? any_asset(s) : stream_random(s) & 0xfff);
    *coef = due ? any_coef(s) : (int32_t)(stream_random(s) & 0xfffffff);
}

// Packs the load of a row: header for n coefficients with the first of them, then at most `beats` COEF beats.
static size_t load(struct stream *s, struct beat *out, uint32_t row, int64_t h, bool armed, uint32_t n,
                   uint32_t beats)
{
    struct abi_row head = {.row = row, .h = h, .armed = armed, .n = (uint16_t)n};
    for (uint32_t k = 0; k < ABI_ROW_PAIRS; k++)
        pair(s, k < n, &head.asset[k], &head.coef[k]);
    abi_pack_row(out, &head);
    uint32_t more = coef_beats(n) < beats ? coef_beats(n) : beats;
    for (uint32_t i = 0; i < more; i++) {
        struct abi_coef c;
        for (uint32_t k = 0; k < ABI_COEF_PAIRS; k++)
            pair(s, ABI_ROW_PAIRS + i * ABI_COEF_PAIRS + k < n, &c.asset[k], &c.coef[k]);
        abi_pack_coef(out + 1 + i, &c);
    }
    return 1 + more;
}

static size_t row(struct stream *s, struct beat *out)
{
    static const uint32_t most[] = {8, 8, 8, 8, 4, 4, PAIRS_MAX, PAIRS_MAX};
    uint32_t n = below(s, 64) ? below(s, most[below(s, 8)]) : below(s, PAIRS_MANY);
    size_t len = load(s, out, any_row(s), any_h(s), below(s, 5) != 0, n, ALL);
    if (below(s, 2)) // at once, so that a late write would show
        len += tick_group(s, out + len);
    return len;
}

// A coefficient list with one or more faults in it.
static size_t bad_pairs(struct stream *s, struct beat *out)
{
    uint32_t n = 1 + (below(s, 2) ? below(s, 3) : below(s, 14));
    size_t len = load(s, out, any_row(s), any_h(s), true, n, ALL);
    for (uint32_t faults = 1 + below(s, 3); faults; faults--) {
        uint32_t at = below(s, n), beat = coef_beats(at + 1);
        uint32_t lsb = beat ? 8 + 40 * ((at - ABI_ROW_PAIRS) % ABI_COEF_PAIRS) : 128 + 40 * at;
        int32_t value = below(s, 2) ? ABI_COEF_MAX + 1 : ABI_COEF_MIN - 1;
        if (below(s, 3) && s->assets < 4096)
            abi_put(out + beat, lsb + 28, 12, s->assets + (below(s, 2) ? 0 : below(s, 4096 - s->assets)));
        if (below(s, 2))
            abi_put(out + beat, lsb, 28, (uint64_t)(int64_t)value);
    }
    return len;
}

static size_t read_row(struct stream *s, struct beat *out, uint32_t r)
{
    bool coef = below(s, 2);
    uint32_t asset = coef ? any_asset(s) : (uint32_t)(stream_random(s) & 0xfff);
    abi_pack_read(out, &(struct abi_read){.row = r, .coef = coef, .asset = (uint16_t)asset});
    return 1;
}

static size_t arm(struct stream *s, struct beat *out, uint32_t r)
{
    abi_pack_arm(out, &(struct abi_arm){.row = r, .armed = below(s, 4) != 0});
    return 1;
}

static size_t arm_many(struct stream *s, struct beat *out)
{
    uint32_t from = below(s, s->rows), n = 1 + below(s, 16);
    size_t len = 0;
    for (uint32_t i = 0; i < n && from + i < s->rows; i++)
        len += arm(s, out + len, from + i);
    return len;
}

// One row again and again without a gap: whatever a command has not yet done when the next one comes would
// show.
static size_t same_row(struct stream *s, struct beat *out)
{
    uint32_t r = any_row(s);
    size_t len = 0;
    for (uint32_t n = 2 + below(s, 8); n; n--)
        switch (below(s, 6)) {
        case 0:
            len += arm(s, out + len, r);
            break;
        case 1:
            len += tick_group(s, out + len);
            break;
        case 2:
            len += read_row(s, out + len, r);
            break;
        default:
            len += load(s, out + len, r, any_h(s), true, below(s, 5), ALL);
        }
    return len;
}

// An asset that many rows may use is cleared from all of them and ticked: from then on nobody uses it.
static size_t retire(struct stream *s, struct beat *out)
{
    uint32_t asset = any_asset(s);
    size_t len = 0;
    for (uint32_t r = 0; r < s->rows; r++)
        abi_pack_row(out + len++,
                     &(struct abi_row){
                         .row = r, .h = any_h(s), .armed = below(s, 2), .n = 1, .asset = {(uint16_t)asset}});
    for (int i = 0; i < 3; i++)
        len += tick(s, out + len, asset, any_price(s, asset), i != 1);
    uint32_t back = any_row(s); // and one row uses it again
    abi_pack_row(
        out + len++,
        &(struct abi_row){.row = back, .armed = true, .n = 1, .asset = {(uint16_t)asset}, .coef = {-1}});
    return len + tick(s, out + len, asset, any_price(s, asset), true);
}

static size_t fault(struct stream *s, struct beat *out)
{
    // The first that does not exist, or any.
    uint32_t past_row = s->rows + (below(s, 2) ? 0 : below(s, (1u << ABI_ROW_BITS) - s->rows));
    uint32_t past_asset = s->assets + (below(s, 2) ? 0 : below(s, (1u << ABI_ASSET_BITS) - s->assets));
    uint32_t n;
    switch (below(s, 9)) {
    case 0: // anything at all
        for (int i = 0; i < 4; i++)
            out->w[i] = stream_random(s);
        if (below(s, 2))
            out->w[0] = (out->w[0] & ~UINT64_C(0xff)) | below(s, 10);
        return 1;
    case 1:
        n = below(s, 20);
        return load(s, out, past_row, any_h(s), true, n, ALL);
    case 2: // a load that is cut, by whatever comes next
        n = 4 + below(s, 20);
        return load(s, out, any_row(s), any_h(s), true, n, below(s, coef_beats(n)));
    case 3: // the same with a row that does not exist
        n = 4 + below(s, 20);
        return load(s, out, past_row, any_h(s), true, n, below(s, coef_beats(n)));
    case 4:
        abi_pack_coef(out, &(struct abi_coef){.asset = {1}, .coef = {1}});
        return 1;
    case 5:
        return tick(s, out, past_asset, 5, true);
    case 6: // one bit too many
        abi_pack_tick(out, &(struct abi_tick){.asset = (uint16_t)any_asset(s),
                                              .price = ABI_PRICE_MAX + 1 + below(s, 9),
                                              .last = true});
        return 1;
    case 7:
        abi_pack_band(out, &(struct abi_band){.asset = (uint16_t)(below(s, 4) ? any_asset(s) : past_asset),
                                              .lo = below(s, 3) ? 0 : ABI_PRICE_MAX + 1,
                                              .hi = below(s, 3) ? ABI_PRICE_MAX : UINT64_C(1) << 39,
                                              .set_price = below(s, 2),
                                              .price = UINT64_C(1) << (34 + below(s, 6))});
        return 1;
    default:
        n = below(s, 4); // a READ may be wrong in its row, in its asset, or in both
        if (n < 3)
            abi_pack_read(out, &(struct abi_read){.row = n == 1 ? any_row(s) : past_row,
                                                  .coef = n != 0,
                                                  .asset = (uint16_t)(past_asset & 0xfff)});
        else
            abi_pack_arm(out, &(struct abi_arm){.row = past_row, .armed = true});
        return 1;
    }
}

size_t stream_all_fire(struct stream *s, struct beat *out)
{
    size_t len = 0;
    abi_pack_band(out + len++,
                  &(struct abi_band){.lo = 0, .hi = ABI_PRICE_MAX, .set_price = true, .price = 1000});
    for (uint32_t r = 0; r < s->rows; r++) {
        abi_pack_row(out + len++,
                     &(struct abi_row){
                         .row = r, .h = r, .armed = true, .n = 1, .asset = {0}, .coef = {-(int32_t)(r + 1)}});
    }
    s->group++;
    return len + tick(s, out + len, 0, 1001, true);
}

static size_t nop(struct beat *out)
{
    abi_pack_nop(out, &(struct abi_nop){0});
    return 1;
}

static size_t sync(struct stream *s, struct beat *out)
{
    abi_pack_sync(out, &(struct abi_sync){.token = stream_random(s)});
    return 1;
}

size_t stream_next(struct stream *s, struct beat *out)
{
    size_t n;
    uint32_t pick = below(s, 100);
    if (pick < 45)
        n = tick_group(s, out);
    else if (pick < 63)
        n = row(s, out);
    else if (pick < 70)
        n = band(s, out);
    else if (pick < 74)
        n = arm_many(s, out);
    else if (pick < 78)
        n = same_row(s, out);
    else if (pick < 84)
        n = below(s, 2) ? arm(s, out, any_row(s)) : nop(out);
    else if (pick < 90)
        n = pick < 88 ? read_row(s, out, any_row(s)) : sync(s, out);
    else if (pick < 93)
        n = bad_pairs(s, out);
    else if (pick < 99 || below(s, s->rows / 8 + 1))
        n = fault(s, out);
    else
        n = below(s, 2) ? stream_all_fire(s, out) : retire(s, out);
    if (below(s, 16) ==
        0) // the generation byte is the driver's business: what a caller leaves there is nothing
        abi_put(out, 248, 8, stream_random(s));
    return n;
}
