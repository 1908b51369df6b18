// SPDX-License-Identifier: Apache-2.0
#include "exec/evm/wallet.h"

#include <string.h>

int wallet_init(struct wallet *w, const struct private_key *const *key, size_t n, unsigned depth,
                struct err *e)
{
    if (n == 0 || n > WALLET_MAX || depth == 0 || depth > WALLET_DEPTH_MAX)
        return err_set(e, "wallet: %zu keys with %u nonces each: 1 to %d and 1 to %d are possible", n, depth,
                       WALLET_MAX, WALLET_DEPTH_MAX);
    memset(w, 0, sizeof *w);
    w->depth = depth;
    for (size_t i = 0; i < n; i++) {
        const struct evm_address *a = key_address(key[i]);
        if (wallet_find(w, a) >= 0) {
            char text[ADDRESS_TEXT];
            address_format(a, text);
            return err_set(e, "wallet: the key of %s is there twice", text);
        }
        w->s[w->n++] = (struct wallet_sender){.key = key[i], .address = *a};
    }
    return 0;
}

int wallet_find(const struct wallet *w, const struct evm_address *a)
{
    for (size_t i = 0; i < w->n; i++)
        if (address_equal(&w->s[i].address, a))
            return (int)i;
    return -1;
}

void wallet_told_count(struct wallet *w, size_t i, uint64_t count)
{
    struct wallet_sender *s = &w->s[i];
    s->count = count;
    s->known = true;
    if (s->next < count)
        s->next = count;
}

void wallet_told_balance(struct wallet *w, size_t i, const struct word *wei)
{
    w->s[i].balance = *wei;
}

void wallet_doubt(struct wallet *w, size_t i)
{
    w->s[i].known = false;
}

bool wallet_free_to_send(const struct wallet *w, size_t i)
{
    const struct wallet_sender *s = &w->s[i];
    return s->known && s->open == 0 && s->unmined < w->depth && s->next <= s->count + s->unmined;
}

bool wallet_can_pay(const struct wallet *w, size_t i, uint64_t gas, u128 fee, const struct word *value)
{
    i256 have, cost, more;
    if (word_to_unsigned(value, &more))
        return false;
    if (word_to_unsigned(&w->s[i].balance, &have))
        return true; // 2^255 wei and more
    return !i256_add_ovf(i256_mul_u128(gas, fee), more, &cost) && i256_cmp(have, cost) >= 0;
}
