// SPDX-License-Identifier: Apache-2.0
// After "The Keccak reference", version 3.0 (Bertoni, Daemen, Peeters, Van Assche), section 1.2; lane x + 5y.
#include "evm/keccak.h"

static const uint64_t iota[24] = {
    UINT64_C(0x0000000000000001), UINT64_C(0x0000000000008082), UINT64_C(0x800000000000808a),
    UINT64_C(0x8000000080008000), UINT64_C(0x000000000000808b), UINT64_C(0x0000000080000001),
    UINT64_C(0x8000000080008081), UINT64_C(0x8000000000008009), UINT64_C(0x000000000000008a),
    UINT64_C(0x0000000000000088), UINT64_C(0x0000000080008009), UINT64_C(0x000000008000000a),
    UINT64_C(0x000000008000808b), UINT64_C(0x800000000000008b), UINT64_C(0x8000000000008089),
    UINT64_C(0x8000000000008003), UINT64_C(0x8000000000008002), UINT64_C(0x8000000000000080),
    UINT64_C(0x000000000000800a), UINT64_C(0x800000008000000a), UINT64_C(0x8000000080008081),
    UINT64_C(0x8000000000008080), UINT64_C(0x0000000080000001), UINT64_C(0x8000000080008008),
};

static inline uint64_t rol(uint64_t x, unsigned n) // 0 < n < 64
{
    return x << n | x >> (64 - n);
}

// chi: one row of the result from the five lanes that rho and pi bring into it.
static inline void chi(uint64_t *row, uint64_t b0, uint64_t b1, uint64_t b2, uint64_t b3, uint64_t b4)
{
    row[0] = b0 ^ (~b1 & b2);
    row[1] = b1 ^ (~b2 & b3);
    row[2] = b2 ^ (~b3 & b4);
    row[3] = b3 ^ (~b4 & b0);
    row[4] = b4 ^ (~b0 & b1);
}

// One round from a into e. Written out, because every index and rotation must be a constant to stay in
// registers.
static inline __attribute__((always_inline)) void one_round(const uint64_t *a, uint64_t *e, uint64_t constant)
{
    uint64_t c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20], c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21];
    uint64_t c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22], c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23];
    uint64_t c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24];
    uint64_t d0 = c4 ^ rol(c1, 1), d1 = c0 ^ rol(c2, 1), d2 = c1 ^ rol(c3, 1), d3 = c2 ^ rol(c4, 1),
             d4 = c3 ^ rol(c0, 1);
    chi(e, a[0] ^ d0, rol(a[6] ^ d1, 44), rol(a[12] ^ d2, 43), rol(a[18] ^ d3, 21), rol(a[24] ^ d4, 14));
    e[0] ^= constant;
    chi(e + 5, rol(a[3] ^ d3, 28), rol(a[9] ^ d4, 20), rol(a[10] ^ d0, 3), rol(a[16] ^ d1, 45),
        rol(a[22] ^ d2, 61));
    chi(e + 10, rol(a[1] ^ d1, 1), rol(a[7] ^ d2, 6), rol(a[13] ^ d3, 25), rol(a[19] ^ d4, 8),
        rol(a[20] ^ d0, 18));
    chi(e + 15, rol(a[4] ^ d4, 27), rol(a[5] ^ d0, 36), rol(a[11] ^ d1, 10), rol(a[17] ^ d2, 15),
        rol(a[23] ^ d3, 56));
    chi(e + 20, rol(a[2] ^ d2, 62), rol(a[8] ^ d3, 55), rol(a[14] ^ d4, 39), rol(a[15] ^ d0, 41),
        rol(a[21] ^ d1, 2));
}

static void permute(uint64_t *a)
{
    uint64_t e[25];
    for (unsigned i = 0; i < 24; i += 2) {
        one_round(a, e, iota[i]);
        one_round(e, a, iota[i + 1]);
    }
}

void keccak_init(struct keccak *k)
{
    memset(k, 0, sizeof *k);
}

static void add_byte(struct keccak *k, uint8_t v)
{
    k->lane[k->at / 8] ^= (uint64_t)v << (8 * (k->at % 8));
    k->at++;
}

void keccak_add(struct keccak *k, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n) {
        if (k->at % 8 == 0 && n >= 8) {
            k->lane[k->at / 8] ^= le64_load(p);
            k->at += 8;
            p += 8;
            n -= 8;
        } else {
            add_byte(k, *p++);
            n--;
        }
        if (k->at == KECCAK_RATE) {
            permute(k->lane);
            k->at = 0;
        }
    }
}

void keccak_end(struct keccak *k, struct word *out)
{
    add_byte(k, 0x01);
    k->lane[KECCAK_RATE / 8 - 1] ^= UINT64_C(0x80) << 56;
    permute(k->lane);
    for (size_t i = 0; i < WORD_BYTES / 8; i++)
        le64_store(out->b + 8 * i, k->lane[i]);
}

void keccak256(const void *data, size_t n, struct word *out)
{
    struct keccak k;
    keccak_init(&k);
    keccak_add(&k, data, n);
    keccak_end(&k, out);
}
