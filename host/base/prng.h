// SPDX-License-Identifier: Apache-2.0
// Seeded pseudo-random numbers for generators and tests: xoshiro256** (Blackman and Vigna, "Scrambled linear
// pseudorandom number generators", 2021), its state filled by splitmix64 (Steele, Lea, Flood 2014) so that
// every seed, 0 included, is a good one. Same seed, same numbers on every platform. Not for secrets.
// One thread per struct prng. Valid in C and C++.
#ifndef TRIPLINE_BASE_PRNG_H
#define TRIPLINE_BASE_PRNG_H

#include <stdbool.h>
#include <stdint.h>

struct prng {
    uint64_t s[4];
};

// One step of splitmix64; *x is the state. Also a fair 64-bit mixer of counters into independent seeds.
static inline uint64_t splitmix64(uint64_t *x)
{
    uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline void prng_seed(struct prng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix64(&seed);
}

static inline uint64_t prng_rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

// Uniform over all 64-bit values.
static inline uint64_t prng_u64(struct prng *r)
{
    uint64_t *s = r->s;
    uint64_t result = prng_rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = prng_rotl(s[3], 45);
    return result;
}

// Uniform in [0, n), without bias. n == 0 means all 2^64 values.
static inline uint64_t prng_below(struct prng *r, uint64_t n)
{
    if (n == 0)
        return prng_u64(r);
    // Values below 2^64 mod n would make the low residues more likely: throw them away.
    uint64_t reject = (0 - n) % n, v;
    do {
        v = prng_u64(r);
    } while (v < reject);
    return v % n;
}

// Uniform in [lo, hi], lo <= hi, any span up to the whole of int64_t.
static inline int64_t prng_between(struct prng *r, int64_t lo, int64_t hi)
{
    return (int64_t)((uint64_t)lo + prng_below(r, (uint64_t)hi - (uint64_t)lo + 1));
}

// Uniform in [0, 1): 53 random bits, exactly representable.
static inline double prng_unit(struct prng *r)
{
    return (double)(prng_u64(r) >> 11) * 0x1.0p-53;
}

// True num times in den on average; den > 0.
static inline bool prng_chance(struct prng *r, uint64_t num, uint64_t den)
{
    return prng_below(r, den) < num;
}

#endif
