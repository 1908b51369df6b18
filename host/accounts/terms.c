// SPDX-License-Identifier: Apache-2.0
#include "accounts/terms.h"

#include <string.h>

static const struct {
    const char *name;
    uint8_t decimals;
    bool reserve;
} KINDS[TERM_COUNT] = {
#define TERM_KIND(key, name, decimals, reserve) [TERM_##key] = {name, decimals, reserve},
    TERMS(TERM_KIND)
#undef TERM_KIND
};

const char *term_name(enum term key)
{
    return KINDS[key].name;
}

enum term term_find(const char *name)
{
    for (unsigned k = TERM_NONE + 1; k < TERM_COUNT; k++)
        if (strcmp(KINDS[k].name, name) == 0)
            return (enum term)k;
    return TERM_NONE;
}

bool term_reserve(enum term key)
{
    return KINDS[key].reserve;
}

unsigned term_decimals(enum term key, unsigned size_decimals, unsigned cash_decimals)
{
    switch (KINDS[key].decimals) {
    case TERM_TOKEN:
        return size_decimals;
    case TERM_CASH:
        return cash_decimals;
    default:
        return KINDS[key].decimals;
    }
}

bool term_set(struct terms *t, enum term key, u128 value)
{
    unsigned k = 0;
    while (k < t->n && t->key[k] < key)
        k++;
    bool there = k < t->n && t->key[k] == key;
    unsigned after = t->n - k - there;
    if (value && !there && t->n == INSTRUMENT_TERMS_MAX)
        return false;
    unsigned from = k + there, to = k + (value != 0);
    memmove(t->key + to, t->key + from, after);
    memmove(t->value + to, t->value + from, after * sizeof *t->value);
    t->n = (uint8_t)(to + after);
    if (value) {
        t->key[k] = (uint8_t)key;
        t->value[k] = value;
    }
    return true;
}

bool terms_equal(const struct terms *a, const struct terms *b)
{
    return a->n == b->n && memcmp(a->key, b->key, a->n) == 0 &&
           memcmp(a->value, b->value, a->n * sizeof *a->value) == 0;
}

bool terms_sound(const struct terms *t)
{
    if (t->n > INSTRUMENT_TERMS_MAX)
        return false;
    for (unsigned k = 0; k < t->n; k++)
        if (t->key[k] <= (k ? t->key[k - 1] : TERM_NONE) || t->key[k] >= TERM_COUNT || t->value[k] == 0 ||
            t->value[k] >> TERM_BITS)
            return false;
    return true;
}

int terms_fit(const struct terms *t, const enum term *keys, unsigned n, uint32_t account,
              const char *instrument, struct err *e)
{
    for (unsigned k = 0; k < t->n; k++) {
        unsigned i = 0;
        while (i < n && keys[i] != t->key[k])
            i++;
        if (i == n)
            return err_set(e,
                           "account %u: %s has %s, a term of another protocol: choose the rule that fits it",
                           account, instrument, term_name((enum term)t->key[k]));
    }
    return 0;
}
