// SPDX-License-Identifier: Apache-2.0
#include "accounts/decimal.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

static const u128 U128_MAX_10TH = (u128)-1 / 10;

// Appends a digit; false when 128 bits are exceeded.
static bool push_digit(u128 *v, unsigned d)
{
    if (*v > U128_MAX_10TH || (*v == U128_MAX_10TH && d > (unsigned)((u128)-1 % 10)))
        return false;
    *v = *v * 10 + d;
    return true;
}

// Reads "e[+-]dd" at s, which may be empty. 0, or -1 when malformed. Capped: larger ones cannot fit anyway.
static int parse_exponent(const char *s, int *out)
{
    enum { CAP = 10000 };
    *out = 0;
    if (*s == '\0')
        return 0;
    if (*s != 'e' && *s != 'E')
        return -1;
    s++;
    bool negative = *s == '-';
    if (*s == '+' || *s == '-')
        s++;
    if (!isdigit((unsigned char)*s))
        return -1;
    int v = 0;
    for (; isdigit((unsigned char)*s); s++)
        v = v < CAP ? v * 10 + (*s - '0') : v;
    *out = negative ? -v : v;
    return *s == '\0' ? 0 : -1;
}

// A number's parts: digits without point, and where the point was.
struct parts {
    const char *start; // first digit or point
    const char *end;   // behind the mantissa
    int fraction;      // digits behind the point
    int exponent;
    bool negative;
};

static int split_number(const char *text, struct parts *p)
{
    const char *s = text;
    p->negative = *s == '-';
    if (*s == '+' || *s == '-')
        s++;
    p->start = s;
    p->fraction = 0;
    int digits = 0;
    for (; isdigit((unsigned char)*s); s++)
        digits++;
    if (*s == '.') {
        for (s++; isdigit((unsigned char)*s); s++)
            p->fraction++;
        if (p->fraction == 0)
            return -1;
    }
    p->end = s;
    if (digits == 0)
        return -1;
    return parse_exponent(s, &p->exponent);
}

// What nearly all numbers are: up to 18 digits, perhaps with a point, no exponent. False: not one of these,
// and *out is as it was.
static bool parse_short(const char *text, unsigned decimals, i128 *out)
{
    enum { DIGITS = 18 };
    static const uint64_t pow10[DIGITS + 1] = {1ull,
                                               10ull,
                                               100ull,
                                               1000ull,
                                               10000ull,
                                               100000ull,
                                               1000000ull,
                                               10000000ull,
                                               100000000ull,
                                               1000000000ull,
                                               10000000000ull,
                                               100000000000ull,
                                               1000000000000ull,
                                               10000000000000ull,
                                               100000000000000ull,
                                               1000000000000000ull,
                                               10000000000000000ull,
                                               100000000000000000ull,
                                               1000000000000000000ull};
    const char *s = text + (*text == '-');
    uint64_t v = 0;
    unsigned whole = 0, fraction = 0;
    for (; *s >= '0' && *s <= '9' && whole < DIGITS; s++, whole++)
        v = v * 10 + (unsigned)(*s - '0');
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9' && whole + fraction < DIGITS; s++, fraction++)
            v = v * 10 + (unsigned)(*s - '0');
    bool ends = *s == '\0' && whole && (fraction || s[-1] != '.');
    if (!ends || fraction > decimals || whole + decimals > DIGITS)
        return false;
    int64_t value = (int64_t)(v * pow10[decimals - fraction]);
    *out = *text == '-' ? -value : value;
    return true;
}

int dec_parse(const char *text, unsigned decimals, i128 *out, struct err *e)
{
    enum { TEXT_MAX = 128 };
    struct parts p;
    if (parse_short(text, decimals, out))
        return 0;
    if (strnlen(text, TEXT_MAX) == TEXT_MAX || split_number(text, &p))
        return err_set(e, "'%.40s' is not a number", text);
    // The value is digits * 10^shift quanta. Zeros at the end are kept back so that "1.50" has one decimal.
    int shift = (int)decimals - p.fraction + p.exponent;
    u128 v = 0;
    int zeros = 0;
    for (const char *s = p.start; s < p.end; s++) {
        if (*s == '.')
            continue;
        if (*s == '0') {
            zeros++;
            continue;
        }
        for (; zeros; zeros--)
            if (!push_digit(&v, 0))
                return err_set(e, "'%.40s' is out of range", text);
        if (!push_digit(&v, (unsigned)(*s - '0')))
            return err_set(e, "'%.40s' is out of range", text);
    }
    shift += zeros;
    if (v == 0)
        shift = 0;
    if (shift < 0)
        return err_set(e, "'%.40s' has more than %u decimals", text, decimals);
    for (; shift; shift--)
        if (!push_digit(&v, 0))
            return err_set(e, "'%.40s' is out of range", text);
    if (v >> 127)
        return err_set(e, "'%.40s' is out of range", text);
    *out = p.negative ? -(i128)v : (i128)v;
    return 0;
}

size_t dec_format(i128 v, unsigned decimals, char buf[DEC_TEXT_MAX])
{
    assert(decimals <= DEC_DECIMALS_MAX);
    char rev[DEC_TEXT_MAX];
    size_t n = 0, len = 0;
    u128 m = v < 0 ? -(u128)v : (u128)v;
    bool kept = false; // a digit behind the point that is not a trailing zero was written
    for (unsigned k = 0; m || k <= decimals; k++) {
        bool wide = m >> 64 != 0; // its division takes several times as long
        unsigned d = wide ? (unsigned)(m % 10) : (unsigned)((uint64_t)m % 10);
        m = wide ? m / 10 : (uint64_t)m / 10;
        if (k == decimals && kept)
            rev[n++] = '.';
        if (k >= decimals || d || kept) {
            rev[n++] = (char)('0' + d);
            kept = kept || k < decimals;
        }
    }
    if (v < 0)
        buf[len++] = '-';
    while (n)
        buf[len++] = rev[--n];
    buf[len] = '\0';
    return len;
}

int int_parse(const char *text, i128 *out)
{
    char canonical[DEC_TEXT_MAX];
    i128 v;
    if (dec_parse(text, 0, &v, NULL))
        return -1;
    int_format(v, canonical);
    if (strcmp(text, canonical) != 0)
        return -1;
    *out = v;
    return 0;
}
