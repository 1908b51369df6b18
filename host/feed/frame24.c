// SPDX-License-Identifier: Apache-2.0
#include "feed/frame24.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct f24_value bit_values[] = {{0, "INCREMENTAL_UPDATE"}, {1, "SNAPSHOT"}, {2, "RETRANSMIT"}};
const struct f24_names f24_bit_names = {"PacketHeader", true, 3, bit_values};

bool f24_name(char out[static 64], const uint8_t *p, size_t n)
{
    size_t len = 0;
    for (; len < n && p[len] != 0; len++) {
        if (len + 1 >= 64 || p[len] <= ' ' || p[len] > '~' || p[len] == ',' || p[len] == '"')
            break;
        out[len] = (char)p[len];
    }
    out[len] = 0;
    if (len != 0 && (len == n || p[len] == 0))
        return true;
    out[0] = 0;
    return false;
}

// Text of `n` bytes up to the first NUL; bytes that would break the table become '?'.
static void f24_print_text(FILE *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n && p[i] != 0; i++)
        fputc(p[i] < ' ' || p[i] > '~' || p[i] == ',' || p[i] == '"' ? '?' : p[i], out);
}

// Shortest of the three precisions that survives the way there and back; 17 digits always do.
static void print_double(FILE *out, double v)
{
    char text[40];
    if (isnan(v))
        return;
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    fputs(text, out);
}

static void print_set(FILE *out, const struct f24_names *s, uint64_t bits)
{
    const char *between = "";
    for (unsigned i = 0; i < s->n; i++) {
        uint64_t bit = UINT64_C(1) << s->value[i].value;
        if (bits & bit) {
            fprintf(out, "%s%s", between, s->value[i].name);
            between = "|";
            bits &= ~bit;
        }
    }
    if (bits)
        fprintf(out, "%s%" PRIu64, between, bits);
}

static void print_enum(FILE *out, const struct f24_names *e, int64_t v)
{
    for (unsigned i = 0; i < e->n; i++)
        if (e->value[i].value == v) {
            fputs(e->value[i].name, out);
            return;
        }
    fprintf(out, "%" PRId64, v);
}

// The smallest number of a signed type is its null.
static bool signed_value(const struct f24_field *f, const uint8_t *p, int64_t *v)
{
    switch (f->type) {
    case F24_I8:
        *v = (int8_t)*p;
        return *v != INT8_MIN;
    case F24_I16:
        *v = (int16_t)le16_load(p);
        return *v != INT16_MIN;
    case F24_I32:
        *v = (int32_t)le32_load(p);
        return *v != INT32_MIN;
    default:
        *v = le_i64_load(p);
        return *v != INT64_MIN;
    }
}

static uint64_t unsigned_value(const struct f24_field *f, const uint8_t *p)
{
    switch (f->size) {
    case 1:
        return *p;
    case 2:
        return le16_load(p);
    case 4:
        return le32_load(p);
    default:
        return le64_load(p);
    }
}

// The parts that are there keep their places: 2026/5//29.
static void print_expiry(FILE *out, const uint8_t *p)
{
    if (le64_load(p) == 0)
        return;
    for (unsigned i = 0; i < 4; i++) {
        int part = (int16_t)le16_load(p + 2 * i);
        fputs(i ? "/" : "", out);
        if (part)
            fprintf(out, "%d", part);
    }
}

static void print_field(FILE *out, const struct f24_field *f, const uint8_t *p)
{
    int64_t v;
    switch (f->type) {
    case F24_TEXT:
        f24_print_text(out, p, f->size);
        return;
    case F24_F64:
        print_double(out, le_double_load(p));
        return;
    case F24_EXPIRY:
        print_expiry(out, p);
        return;
    case F24_CHAR:
        if (*p)
            print_enum(out, f->names, *p);
        return;
    case F24_U8:
    case F24_U16:
    case F24_U32:
    case F24_U64:
        if (f->names && f->names->set)
            print_set(out, f->names, unsigned_value(f, p));
        else
            fprintf(out, "%" PRIu64, unsigned_value(f, p));
        return;
    default:
        break;
    }
    if (!signed_value(f, p, &v))
        return;
    if (f->names)
        print_enum(out, f->names, v);
    else
        fprintf(out, "%" PRId64, v);
}

void f24_print(FILE *out, const char *columns, const struct f24_layout *l, const uint8_t *msg, size_t len)
{
    for (const char *at = columns; *at;) {
        size_t n = strcspn(at, ",");
        fputc(',', out);
        for (unsigned i = 0; l && i < l->fields; i++) {
            const struct f24_field *f = &l->field[i];
            if (strncmp(f->name, at, n) == 0 && f->name[n] == 0) {
                if ((size_t)f->at + f->size <= len)
                    print_field(out, f, msg + f->at);
                break;
            }
        }
        at += n + (at[n] == ',');
    }
}

void f24_print_head(FILE *out, const struct feed_packet *p, unsigned bits, uint64_t seq, unsigned idx)
{
    fprintf(out, "%" PRIu64 ",%u.%u.%u.%u,%u,%c,%u,", p->ts_ns, p->dst_ip >> 24, p->dst_ip >> 16 & 255,
            p->dst_ip >> 8 & 255, p->dst_ip & 255, p->dst_port, p->line < 26 ? 'A' + p->line : '?',
            p->channel);
    print_set(out, &f24_bit_names, bits);
    fprintf(out, ",%" PRIu64 ",%u,%" PRIu64, seq, idx, le64_load(p->payload + F24_SENDING));
}
