// SPDX-License-Identifier: Apache-2.0
#include "page/draw.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// ---- numbers

#define NONE "\u2013"

struct num num_count(double v)
{
    struct num out = {NONE};
    char plain[40];
    if (isnan(v))
        return out;
    bool whole = fabs(v) >= 100 || v == floor(v);
    int n = snprintf(plain, sizeof plain, whole ? "%.0f" : "%.3g", v);
    if (!whole || n > 24) {
        snprintf(out.text, sizeof out.text, "%.3g", v);
        return out;
    }
    char *w = out.text;
    const char *p = plain;
    if (*p == '-') {
        memcpy(w, "\u2212", 3); // the minus sign is as wide as a digit
        w += 3;
        p++;
    }
    for (size_t left = strlen(p); left; left--) {
        *w++ = *p++;
        if (left > 1 && left % 3 == 1)
            *w++ = ',';
    }
    *w = '\0';
    return out;
}

struct num num_ns(double ns)
{
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    struct num out = {NONE};
    unsigned u = 0;
    if (isnan(ns))
        return out;
    for (; u < 3 && ns >= 999.5; u++)
        ns /= 1000;
    bool whole = ns >= 99.95 || (u == 0 && ns == floor(ns));
    if (ns >= 1e6)
        snprintf(out.text, sizeof out.text, "%.3g %s", ns, units[u]);
    else
        snprintf(out.text, sizeof out.text, "%.*f %s", whole ? 0 : ns >= 9.995 ? 1 : 2, ns, units[u]);
    return out;
}

struct num num_tick(double ns)
{
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    struct num out;
    unsigned u = 0;
    for (; u < 3 && ns >= 999.5; u++)
        ns /= 1000;
    snprintf(out.text, sizeof out.text, "%g %s", ns, units[u]);
    return out;
}

struct num num_pps(double pps)
{
    struct num out;
    bool mega = pps >= 999500, kilo = pps >= 1000;
    snprintf(out.text, sizeof out.text, "%.3g%s",
             pps / (mega   ? 1e6
                    : kilo ? 1e3
                           : 1),
             mega   ? " M"
             : kilo ? " k"
                    : "");
    return out;
}

// Thousands and on, as money is read; beyond them powers of ten.
static const struct unit {
    double of;
    const char *name;
} UNITS[] = {{1e12, " tn"}, {1e9, " bn"}, {1e6, " M"}, {1e3, " k"}};
enum { N_UNITS = 4 };

static struct num scientific(double v, int digits_kept)
{
    static const char *const digits[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                         "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
    struct num out;
    char plain[40];
    snprintf(plain, sizeof plain, "%.*g", digits_kept, v);
    char *e = strchr(plain, 'e');
    size_t used = e ? (size_t)(e - plain) : strlen(plain);
    bool minus = plain[0] == '-';
    used = (size_t)snprintf(out.text, sizeof out.text, "%s%.*s", minus ? "\u2212" : "", (int)(used - minus),
                            plain + minus);
    if (!e)
        return out;
    long power = strtol(e + 1, NULL, 10);
    used +=
        (size_t)snprintf(out.text + used, sizeof out.text - used, "\u00d710%s", power < 0 ? "\u207b" : "");
    snprintf(plain, sizeof plain, "%ld", labs(power));
    for (const char *p = plain; *p; p++)
        used += (size_t)snprintf(out.text + used, sizeof out.text - used, "%s", digits[*p - '0']);
    return out;
}

// As many digits as tell v from what is a step beside it.
static int digits_apart(double v, double step)
{
    int n = (int)(floor(log10(fabs(v)) + 1e-9) - floor(log10(step) + 1e-9)) + 1;
    return n < 1 ? 1 : n > 15 ? 15 : n;
}

// With the sign that is as wide as a digit.
static struct num decimals(double v, int n, const char *unit)
{
    struct num out;
    char plain[32];
    snprintf(plain, sizeof plain, "%.*f", n, fabs(v));
    bool minus = v < 0 && strspn(plain, "0.") < strlen(plain);
    snprintf(out.text, sizeof out.text, "%s%s%s", minus ? "\u2212" : "", plain, unit);
    return out;
}

struct num num_value(double v)
{
    struct num out = {NONE};
    double size = fabs(v);
    if (!isfinite(v))
        return out;
    if (size != 0 && (size < 1e-4 || size >= 1e15))
        return scientific(v, 3);
    for (unsigned i = 0; i < N_UNITS - 1 && size >= 999950; i++)
        if (size >= UNITS[i].of * 0.99995)
            return decimals(v / UNITS[i].of, size / UNITS[i].of < 99.995 ? 2 : 1, UNITS[i].name);
    if (size >= 100 && (size >= 9999.5 || v == floor(v)))
        return num_count(round(v));
    char plain[32];
    snprintf(plain, sizeof plain, "%.4g", size);
    snprintf(out.text, sizeof out.text, "%s%s", v < 0 ? "\u2212" : "", plain);
    return out;
}

struct num num_of_axis(const struct axis *a, double v)
{
    double end = a->log ? fabs(v) : fmax(fabs(a->lo), fabs(a->hi)), step = a->log ? fabs(v) : axis_step(a);
    struct unit unit = {1, ""};
    if (end >= 1e15 || step < 1e-6)
        return v == 0 ? decimals(0, 0, "") : scientific(v, digits_apart(v, step));
    for (unsigned i = N_UNITS; i-- > 0;)
        if (end >= UNITS[i].of * (UNITS[i].of > 1e3 || a->log ? 1 : 10))
            unit = UNITS[i];
    if (v == 0)
        return decimals(0, 0, "");
    int places = (int)-floor(log10(step / unit.of) + 1e-9);
    return decimals(v / unit.of, places > 0 ? places : 0, unit.name);
}

// ---- text

// Bytes of the character at s, when it is UTF-8 and may stand in XML; else 0.
static size_t character(const unsigned char *s)
{
    size_t n = s[0] < 0x80                   ? 1
               : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
               : (s[0] & 0xF0) == 0xE0       ? 3
               : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                             : 0;
    if (n == 1)
        return (s[0] >= ' ' && s[0] != 0x7F) || s[0] == '\t' || s[0] == '\n';
    uint32_t c = n ? s[0] & (0x7Fu >> n) : 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3F);
    }
    bool lone = c >= 0xD800 && c < 0xE000;
    bool low = (n == 3 && c < 0x800) || (n == 4 && c < 0x10000);
    return lone || low || c > 0x10FFFF || c == 0xFFFE || c == 0xFFFF || c < 0xA0 ? 0 : n;
}

void put_text(FILE *f, const char *text)
{
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = character(s);
        if (*s == '<')
            fputs("&lt;", f);
        else if (*s == '>')
            fputs("&gt;", f);
        else if (*s == '&')
            fputs("&amp;", f);
        else if (*s == '"')
            fputs("&quot;", f);
        else if (*s == '\'')
            fputs("&#39;", f);
        else if (n == 0)
            fputs("\uFFFD", f);
        else
            fwrite(s, 1, n, f);
        s += n ? n : 1;
    }
}

void put_figures(FILE *f, const char *text)
{
    enum { MOST = 512, GROUP = 3, PLAIN = 4 };
    char out[2 * MOST];
    size_t n = 0;
    bool begins = true; // of a number, here: nothing or a blank, a sign or a bracket before it
    for (const char *s = text; *s && n + MOST < sizeof out;) {
        size_t digits = strspn(s, "0123456789");
        if (digits == 0 || !begins || digits > MOST / 2) {
            bool minus = *s == '-' && begins && s[1] >= '0' && s[1] <= '9';
            n += (size_t)snprintf(out + n, sizeof out - n, "%.*s", minus ? 3 : 1, minus ? "\u2212" : s);
            begins = *s == ' ' || *s == '(' || *s == '+' || minus;
            s++;
            continue;
        }
        for (size_t left = digits; left; left--) {
            out[n++] = *s++;
            if (digits > PLAIN && left > 1 && left % GROUP == 1)
                out[n++] = ',';
        }
        begins = false;
    }
    out[n] = '\0';
    put_text(f, out);
}

size_t text_columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

struct short_text shorten(const char *text, size_t columns)
{
    struct short_text out;
    bool fits = text_columns(text) <= columns;
    size_t used = 0, most = sizeof out.text - 8;
    for (size_t seen = 0; text[used] && used < most; used++) {
        bool begins = ((unsigned char)text[used] & 0xC0) != 0x80;
        if (!fits && begins && ++seen == columns)
            break;
    }
    snprintf(out.text, sizeof out.text, "%.*s%s", (int)used, text, text[used] ? "\u2026" : "");
    return out;
}

// ---- shapes

void svg_begin(FILE *f, double height, const char *what)
{
    fprintf(f,
            "<div class=\"fig\"><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %g\" role=\"img\" "
            "aria-label=\"",
            CHART_WIDTH, height);
    put_text(f, what);
    fputs("\">\n", f);
}

void svg_end(FILE *f)
{
    fputs("</svg></div>\n", f);
}

void svg_text(FILE *f, double x, double y, const char *class, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fprintf(f, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    put_text(f, text);
    fputs("</text>\n", f);
}

void svg_line(FILE *f, const char *class, double x0, double y0, double x1, double y1)
{
    fprintf(f, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x0, y0, x1,
            y1);
}

void svg_box(FILE *f, const char *class, double x, double y, double width, double height)
{
    fprintf(f, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", class, x, y,
            width > 0 ? width : 0, height);
}

// ---- axes

double axis_at(const struct axis *a, double v)
{
    double lo = a->log ? log(a->lo) : a->lo, hi = a->log ? log(a->hi) : a->hi;
    v = v < a->lo ? a->lo : v > a->hi ? a->hi : v;
    return a->from + (a->to - a->from) * ((a->log ? log(v) : v) - lo) / (hi - lo);
}

// The largest 1, 2 or 5 times a power of ten that is at most v; up: the least that is at least v.
static double nice(double v, bool up)
{
    double power = pow(10, floor(log10(v)));
    static const double steps[] = {1, 2, 5, 10};
    double best = power;
    for (unsigned i = 0; i < 4; i++) {
        double s = steps[i] * power;
        if (s <= v * (1 + 1e-9))
            best = s;
        if (up && s >= v * (1 - 1e-9))
            return s;
    }
    return best;
}

void axis_log(struct axis *a, double lo, double hi)
{
    a->log = true;
    a->lo = nice(lo, false);
    a->hi = nice(hi > lo ? hi : lo, true);
    if (a->hi < 2 * a->lo)
        a->hi = 2 * a->lo;
}

void axis_linear(struct axis *a, double hi)
{
    a->log = false;
    a->lo = 0;
    a->hi = hi > 0 ? hi : 1;
}

static const double FAR = 1e300; // beyond it an axis ends, so that its length is a number

void axis_span(struct axis *a, double lo, double hi)
{
    lo = fmin(fmax(lo, -FAR), FAR);
    hi = fmin(fmax(hi, -FAR), FAR);
    // Values apart by less than a double's digits can label are one value.
    double least = fmax(fabs(lo), fabs(hi)) * 1e-7;
    if (!(hi - lo > least)) {
        double room = lo == 0 ? 1 : fabs(lo) * 0.05;
        lo = fmax(lo - room, -FAR);
        hi = fmin(hi + room, FAR);
    }
    a->log = false;
    a->lo = lo;
    a->hi = hi;
    double step = axis_step(a);
    a->lo = floor(lo / step + 1e-9) * step;
    a->hi = ceil(hi / step - 1e-9) * step;
}

double axis_step(const struct axis *a)
{
    return nice(a->hi / 5 - a->lo / 5, false);
}

static size_t ticks_linear(const struct axis *a, double *tick, size_t most)
{
    double step = axis_step(a), k = ceil(a->lo / step - 1e-9);
    double last = a->hi / step + fabs(a->hi / step) * 1e-9 + 1e-9;
    size_t n = 0;
    for (; k <= last && n < most; k++)
        tick[n++] = k == 0 ? 0 : k * step;
    return n;
}

size_t axis_ticks(const struct axis *a, double *tick, size_t most)
{
    if (!a->log)
        return ticks_linear(a, tick, most);
    size_t n = 0;
    double decades = log10(a->hi) - log10(a->lo), apart = decades > 12 ? ceil(decades / 8) : 1,
           last = -INFINITY;
    bool dense = a->hi / a->lo < 1001;
    for (double v = a->lo; v <= a->hi * (1 + 1e-9) && n < most; v = nice(v * 1.9, true)) {
        double power = floor(log10(v) + 1e-9), mantissa = v / pow(10, power);
        if (!dense && (mantissa >= 1.5 || power < last + apart))
            continue;
        tick[n++] = v;
        last = power;
    }
    return n;
}

void axis_y_ns(FILE *f, const struct axis *y, double left, double right)
{
    double tick[32];
    size_t n = axis_ticks(y, tick, sizeof tick / sizeof *tick);
    for (size_t i = 0; i < n; i++) {
        double at = axis_at(y, tick[i]);
        svg_line(f, "grid", left, at, right, at);
        svg_text(f, left - 8, at + 4, "tick end", "%s", num_tick(tick[i]).text);
    }
}

// ---- labels

static int by_y(const void *a, const void *b)
{
    double x = ((const struct label *)a)->y, y = ((const struct label *)b)->y;
    return (x > y) - (x < y);
}

void labels_spread(struct label *l, size_t n, double top, double bottom, double gap)
{
    qsort(l, n, sizeof *l, by_y);
    for (size_t i = 0; i < n; i++) {
        double least = i ? l[i - 1].y + gap : top;
        l[i].y = l[i].y < least ? least : l[i].y;
    }
    for (size_t i = n; i-- > 0;) {
        double most = i + 1 < n ? l[i + 1].y - gap : bottom;
        l[i].y = l[i].y > most ? most : l[i].y;
    }
}
