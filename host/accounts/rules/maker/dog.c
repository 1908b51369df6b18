// SPDX-License-Identifier: Apache-2.0
#include "accounts/rules/maker/dog.h"

enum { FEED_DIGITS = 9 }; // a feed's wad to a ray

void dog_digs(struct checked *c, struct dog_room *d, u256 rad)
{
    u256 total = ck_sub(c, d->total_dirt, rad), own = ck_sub(c, d->dirt, rad);
    if (!ck_ok(c))
        return;
    d->total_dirt = total;
    d->dirt = own;
}

u256 dog_spot(struct checked *c, u256 val, u256 par, u256 mat)
{
    u256 ray = u256_pow10(DOG_RAY_DIGITS), price = ck_mul(c, val, u256_pow10(FEED_DIGITS));
    return ck_mul_div(c, ck_mul_div(c, price, ray, par), ray, mat);
}

bool dog_unsafe(struct checked *c, const struct dog_vault *v)
{
    if (u256_is_zero(v->spot)) // the contract multiplies nothing then
        return false;
    u256 worth = ck_mul(c, v->ink, v->spot), owed = ck_mul(c, v->art, v->rate);
    return ck_ok(c) && ck_lt(worth, owed);
}

// The debt to take: all, or what the room is for, if both sides of the cut are worth an auction or a vault.
static u256 debt_taken(struct checked *c, const struct dog_vault *v, u256 room, struct dog_bark *b)
{
    u256 dart = ck_div(c, ck_mul_div(c, room, u256_pow10(DOG_WAD_DIGITS), v->rate), v->chop);
    dart = ck_min(v->art, dart);
    if (!ck_ok(c) || u256_cmp(v->art, dart) <= 0)
        return dart;
    if (ck_lt(ck_mul(c, ck_sub(c, v->art, dart), v->rate), v->dust)) {
        b->dusty = true; // dirt then goes beyond the hole, by a vault's dust and its penalty at most
        return v->art;
    }
    if (ck_lt(ck_mul(c, dart, v->rate), v->dust))
        ck_fail(c, "Dog/dusty-auction-from-partial-liquidation");
    b->partial = true;
    return dart;
}

static void amounts(struct checked *c, const struct dog_vault *v, u256 room, struct dog_bark *b)
{
    u256 most = u256_shl(ck_u64(1), 255);
    b->dart = debt_taken(c, v, room, b);
    b->dink = ck_mul_div(c, v->ink, b->dart, v->art);
    if (u256_is_zero(b->dink))
        ck_fail(c, "Dog/null-auction");
    if (u256_cmp(b->dart, most) > 0 || u256_cmp(b->dink, most) > 0)
        ck_fail(c, "Dog/overflow");
    b->due = ck_mul(c, b->dart, v->rate); // Vat.grab's int256 of it is stricter, the penalty below strictest
    b->tab = ck_mul_div(c, b->due, v->chop, u256_pow10(DOG_WAD_DIGITS));
}

struct dog_bark dog_bark(struct checked *c, const struct dog_vault *v, struct dog_room *room)
{
    struct dog_bark b = {0};
    if (!v->live)
        ck_fail(c, "Dog/not-live");
    if (!dog_unsafe(c, v))
        ck_fail(c, "Dog/not-unsafe");
    if (u256_cmp(room->total_hole, room->total_dirt) <= 0 || u256_cmp(room->hole, room->dirt) <= 0)
        ck_fail(c, "Dog/liquidation-limit-hit");
    if (!ck_ok(c))
        return b;
    amounts(c, v, ck_min(ck_sub(c, room->total_hole, room->total_dirt), ck_sub(c, room->hole, room->dirt)),
            &b);
    u256 total = ck_add(c, room->total_dirt, b.tab), own = ck_add(c, room->dirt, b.tab);
    if (!ck_ok(c))
        return (struct dog_bark){0};
    room->total_dirt = total;
    room->dirt = own;
    return b;
}

u256 dog_incentive(struct checked *c, u256 tip, u256 chip, u256 tab)
{
    return ck_add(c, tip, ck_mul_div(c, tab, chip, u256_pow10(DOG_WAD_DIGITS)));
}
