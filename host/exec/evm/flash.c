// SPDX-License-Identifier: Apache-2.0
#include "exec/evm/flash.h"

// Kept as constants so that a call needs no hash; test_flash compares them with their signatures'.
#define SELECTOR_LIQUIDATE      0xa6cf2803u
#define SELECTOR_LIQUIDATE_MANY 0xcc1e2392u
static const struct word topic_liquidated = {
    {0x9e, 0x8e, 0x1e, 0x0e, 0x37, 0x2d, 0x7a, 0x8f, 0xb1, 0xcc, 0x24, 0xcb, 0x55, 0xd5, 0x59, 0x53,
     0x24, 0xdd, 0x8f, 0x18, 0xfb, 0x9b, 0x71, 0xbd, 0x79, 0x3a, 0x99, 0x35, 0xd8, 0xf3, 0x42, 0xff}};
static const struct word topic_failed = {{0xc0, 0x1a, 0xc6, 0xeb, 0xe8, 0xa0, 0xde, 0x23, 0x97, 0x7d, 0x70,
                                          0x9a, 0x2c, 0x8c, 0xc7, 0x69, 0xb8, 0x96, 0x7b, 0xa6, 0xc5, 0x67,
                                          0x70, 0xe0, 0x42, 0x9f, 0x0b, 0x1e, 0xe6, 0xb5, 0xfc, 0x22}};

enum {
    ORDER_HEADS = 11,
    INDEXED = 3,
    // The contract's own gas: GAS_AFTER there and encoding, for each item; entry, lock, events besides.
    GAS_ITEM = 24000,
    GAS_CALL = 90000,
    GAS_BYTE = 16,
};

static void put_path(struct abi_out *o, struct abi_head *h, const struct evm_address *via, size_t n)
{
    struct abi_head row = abi_put_array(o, h, n, 1);
    for (size_t i = 0; i < n; i++)
        abi_put_address(o, &row, &via[i]);
}

static int check(const struct flash_order *o, struct err *e)
{
    if (o->n_via > FLASH_VIA_MAX || o->n_tip_via > FLASH_VIA_MAX)
        return err_set(e, "order: more than %d tokens on the way of a sale", FLASH_VIA_MAX);
    if (o->share >= FLASH_SHARE_WHOLE)
        return err_set(e, "order: a share of %u basis points leaves nothing", (unsigned)o->share);
    if (o->flags & ~(FLASH_LOAN | FLASH_CHECK_HEALTH | FLASH_PAY_OUT))
        return err_set(e, "order: unknown flags %#x", (unsigned)o->flags);
    if (word_is_zero(&o->amount))
        return err_set(e, "order: nothing is to be repaid");
    if (o->n_via && address_equal(&o->debt, &o->collateral))
        return err_set(e, "order: a way of sale, but collateral and debt are one token");
    return 0;
}

int flash_item(const struct flash_order *o, uint8_t *buf, size_t size, struct flash_item *item, struct err *e)
{
    if (check(o, e))
        return -1;
    struct abi_out out = abi_out_of(buf, size);
    struct abi_head h = abi_row(&out, ORDER_HEADS);
    abi_put_address(&out, &h, &o->user);
    abi_put_address(&out, &h, &o->debt);
    abi_put_address(&out, &h, &o->collateral);
    abi_put_address(&out, &h, &o->router);
    abi_put_word(&out, &h, &o->amount);
    abi_put_word(&out, &h, &o->min_profit);
    abi_put_u128(&out, &h, o->tip);
    abi_put_u64(&out, &h, o->share);
    abi_put_u64(&out, &h, o->flags);
    put_path(&out, &h, o->via, o->n_via);
    put_path(&out, &h, o->tip_via, o->n_tip_via);
    size_t n = abi_done(&out);
    if (n == 0)
        return err_set(e, "order: needs more than %zu bytes", size);
    *item = (struct flash_item){buf, n};
    return 0;
}

// An encoded item behind what is there.
static void append(struct abi_out *o, const struct flash_item *item)
{
    if (o->bad || item->n > o->size - o->used) {
        o->bad = true;
        return;
    }
    memcpy(o->buf + o->used, item->bytes, item->n);
    o->used += item->n;
}

size_t flash_single(const struct flash_item *item, uint8_t *buf, size_t size)
{
    struct abi_out o = abi_out_of(buf, size);
    struct abi_head h = abi_call(&o, SELECTOR_LIQUIDATE, 1);
    abi_put_u64(&o, &h, WORD_BYTES);
    append(&o, item);
    return abi_done(&o);
}

size_t flash_batch(const struct flash_item *item, size_t n, size_t required, uint64_t gas_each, uint8_t *buf,
                   size_t size)
{
    if (n == 0 || n > FLASH_BATCH_MAX || required > n || gas_each == 0)
        return 0;
    struct abi_out o = abi_out_of(buf, size);
    struct abi_head h = abi_call(&o, SELECTOR_LIQUIDATE_MANY, 3);
    struct abi_head row = abi_put_array(&o, &h, n, 1);
    for (size_t i = 0; i < n; i++) {
        abi_put_u64(&o, &row, o.used - row.base);
        append(&o, &item[i]);
    }
    abi_put_u64(&o, &h, required);
    abi_put_u64(&o, &h, gas_each);
    return abi_done(&o);
}

uint64_t flash_batch_gas(size_t n, uint64_t gas_each, size_t calldata_bytes)
{
    uint64_t items = (uint64_t)n * (gas_each + GAS_ITEM);
    return items + (gas_each >> 5) + GAS_CALL + (uint64_t)calldata_bytes * GAS_BYTE; // 1/32 is above 1/63
}

size_t flash_users(const uint8_t *data, size_t n, struct evm_address *user, size_t max)
{
    bool bad = false;
    size_t count = 1;
    if (n < 4 || max == 0)
        return 0;
    uint32_t selector = (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
    struct abi_in in = abi_in_of(data + 4, n - 4, &bad);
    if (selector == SELECTOR_LIQUIDATE_MANY)
        in = abi_get_array(&in, 1, &count);
    else if (selector != SELECTOR_LIQUIDATE)
        return 0;
    for (size_t i = 0; i < count && i < max && !bad; i++) {
        struct abi_in row = abi_get_tuple(&in);
        user[i] = abi_get_address(&row);
    }
    return bad ? 0 : count < max ? count : max;
}

static bool indexed(const struct abi_log *l, struct flash_result *r)
{
    return !word_to_address(&l->topic[1], &r->user) && !word_to_address(&l->topic[2], &r->debt) &&
           !word_to_address(&l->topic[3], &r->collateral);
}

enum flash_outcome flash_result(const struct abi_log *l, const struct evm_address *contract,
                                struct flash_result *out)
{
    bool bad = false;
    bool done = abi_log_is(l, &topic_liquidated, INDEXED);
    struct flash_result r = {0};
    if (!address_equal(&l->address, contract) || (!done && !abi_log_is(l, &topic_failed, INDEXED)) ||
        !indexed(l, &r))
        return FLASH_OTHER;
    struct abi_in in = abi_in_of(l->data, l->n_data, &bad);
    if (done) {
        r.repaid = abi_get_word(&in);
        r.seized = abi_get_word(&in);
        r.premium = abi_get_word(&in);
        r.profit = abi_get_word(&in);
        r.paid = abi_get_word(&in);
    } else {
        size_t n;
        const uint8_t *reason = abi_get_bytes(&in, &n);
        revert_decode(reason, n, &r.why);
    }
    if (bad)
        return FLASH_OTHER;
    *out = r;
    return done ? FLASH_DONE : FLASH_FAILED;
}
