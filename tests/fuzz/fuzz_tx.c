// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: signed transactions (host/evm/tx.h). What is accepted lies inside the bytes, has an
// access list that can be walked, and has only this encoding: its fields, encoded anew, are its bytes.
//   clang -fsanitize=fuzzer,address,undefined -Ihost tests/fuzz/fuzz_tx.c <evm and base sources> -lsecp256k1
#include <stdio.h>
#include <stdlib.h>

#include "evm/keccak.h"
#include "evm/tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static uint8_t again[2 * TX_BYTES_MAX], mem[2 * TX_BYTES_MAX];

static void put_access(struct rlp_out *o, const struct tx *t)
{
    static struct {
        struct evm_address address;
        const uint8_t *slots;
        size_t n;
    } item[TX_BYTES_MAX / 23];
    bool bad = false;
    size_t n = 0;
    struct rlp_in list = rlp_in_of(t->access, t->n_access, &bad), slots;
    while (tx_access_next(&list, &item[n].address, &slots)) {
        item[n].slots = slots.p;
        item[n++].n = slots.left;
        for (struct word w; tx_slot_next(&slots, &w);)
            HOLDS(slots.p - 33 >= t->data + t->n_data);
        HOLDS(slots.left == 0);
    }
    HOLDS(!bad && list.left == 0);
    size_t mark = rlp_mark(o);
    while (n-- > 0) {
        size_t pair = rlp_mark(o);
        rlp_put_raw(o, item[n].slots, item[n].n);
        rlp_put_list(o, pair);
        rlp_put_bytes(o, item[n].address.b, ADDRESS_BYTES);
        rlp_put_list(o, pair);
    }
    rlp_put_list(o, mark);
}

static void check(const struct tx_decoded *d, const uint8_t *bytes, size_t size)
{
    const struct tx *t = &d->tx;
    struct rlp_out o = rlp_out_of(again, sizeof again);
    struct tx_template p;
    struct word h;
    struct evm_address sender;
    rlp_put_word(&o, &d->signature.s);
    rlp_put_word(&o, &d->signature.r);
    rlp_put_u64(&o, d->signature.parity);
    put_access(&o, t);
    rlp_put_bytes(&o, t->data, t->n_data);
    rlp_put_word(&o, &t->value);
    rlp_put_bytes(&o, t->to.b, t->create ? 0 : ADDRESS_BYTES);
    rlp_put_u64(&o, t->gas);
    rlp_put_u128(&o, t->fee);
    if (t->type == TX_1559)
        rlp_put_u128(&o, t->tip);
    rlp_put_u64(&o, t->nonce);
    rlp_put_u64(&o, t->chain_id);
    rlp_put_list(&o, 0);
    rlp_put_raw(&o, &t->type, 1);
    HOLDS(!o.bad && rlp_mark(&o) == size && memcmp(o.at, bytes, size) == 0);
    keccak256(bytes, size, &h);
    HOLDS(word_equal(&h, &d->hash));
    if (size <= TX_BYTES_MAX - TX_FRONT_MAX - TX_BACK_MAX)
        HOLDS(tx_template_init(&p, t, mem, TX_TEMPLATE_ROOM(t->n_data, t->n_access), NULL) == 0);
    if (size < 512) // the curve takes most of the time
        (void)tx_sender(d, &sender);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tx_decoded d;
    uint8_t *copy = malloc(size ? size : 1); // exact size: the sanitizer sees every byte read beyond it
    HOLDS(copy);
    if (size)
        memcpy(copy, data, size);
    if (tx_decode(copy, size, &d, NULL) == 0)
        check(&d, copy, size);
    free(copy);
    return 0;
}
