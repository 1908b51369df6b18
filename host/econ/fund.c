// SPDX-License-Identifier: Apache-2.0
#include "econ/fund.h"

static i128 above_floor(const struct fund *f)
{
    return econ_max(f->balance - f->floor, 0);
}

i128 fund_room(const struct fund *f)
{
    return econ_min(above_floor(f), econ_max(f->quota, 0));
}

i128 fund_pays(const struct fund *f, i128 need)
{
    i128 room = fund_room(f);
    if (need <= 0 || (f->whole && room < need))
        return 0;
    return econ_min(need, room);
}

i128 fund_draw(struct fund *f, i128 need)
{
    i128 paid = fund_pays(f, need);
    f->balance -= paid;
    if (f->quota != FUND_NO_QUOTA)
        f->quota -= paid;
    return paid;
}

void fund_add(struct fund *f, i128 amount)
{
    f->balance += amount;
}

i128 fund_withdraw(struct fund *f, i128 want)
{
    i128 paid = econ_min(econ_max(want, 0), above_floor(f));
    f->balance -= paid;
    return paid;
}
