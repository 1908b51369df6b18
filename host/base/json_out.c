// SPDX-License-Identifier: Apache-2.0
#include "base/json_out.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define EXACT (INT64_C(1) << 53) // whole numbers below it are a double's

void json_out_begin(struct json_out *j, FILE *f)
{
    *j = (struct json_out){.f = f};
}

// Length of the UTF-8 sequence at p, 0 where there is none (titles and file names may be anything).
static size_t sequence(const unsigned char *p)
{
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : p[0] < 0xe0                 ? 0
               : p[0] < 0xf0                 ? 3
               : p[0] < 0xf5                 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    // Overlong, surrogates, beyond U+10FFFF.
    if ((n == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0))) ||
        (n == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))))
        return 0;
    return n;
}

static void put_text(struct json_out *j, const char *text)
{
    (void)fputc('"', j->f);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t n = sequence(p);
        if (n == 0)
            fputs("\\ufffd", j->f);
        else if (*p == '"' || *p == '\\')
            fprintf(j->f, "\\%c", *p);
        else if (*p < 0x20)
            fprintf(j->f, "\\u%04x", *p);
        else
            (void)fwrite(p, 1, n, j->f);
        p += n ? n : 1;
    }
    (void)fputc('"', j->f);
}

// What stands before a value: comma, line, name. False when no value fits here.
static bool before(struct json_out *j, const char *name)
{
    bool object = j->depth && j->open[j->depth - 1] == '{';
    if (j->wrong || object != (name != NULL) || (j->depth == 0 && j->any)) {
        j->wrong = true;
        return false;
    }
    if (j->depth) {
        if (j->begun[j->depth - 1])
            (void)fputc(',', j->f);
        j->begun[j->depth - 1] = true;
        if (object)
            fprintf(j->f, "\n%*s", (int)j->depth, "");
    }
    j->any = true;
    if (name) {
        put_text(j, name);
        fputs(": ", j->f);
    }
    return true;
}

void json_open(struct json_out *j, const char *name, char bracket)
{
    if (j->depth == JSON_OUT_DEPTH || (bracket != '{' && bracket != '['))
        j->wrong = true;
    if (!before(j, name))
        return;
    j->open[j->depth] = bracket;
    j->begun[j->depth++] = false;
    (void)fputc(bracket, j->f);
}

void json_close(struct json_out *j, char bracket)
{
    if (j->wrong || j->depth == 0 || bracket != (j->open[j->depth - 1] == '{' ? '}' : ']')) {
        j->wrong = true;
        return;
    }
    j->depth--;
    (void)fputc(bracket, j->f);
    if (j->depth == 0)
        (void)fputc('\n', j->f);
}

void json_by_caller(struct json_out *j, const char *name)
{
    (void)before(j, name);
}

void json_null(struct json_out *j, const char *name)
{
    if (before(j, name))
        fputs("null", j->f);
}

void json_text(struct json_out *j, const char *name, const char *text)
{
    if (!text)
        json_null(j, name);
    else if (before(j, name))
        put_text(j, text);
}

void json_whole(struct json_out *j, const char *name, uint64_t v)
{
    if (before(j, name))
        fprintf(j->f, v < (uint64_t)EXACT ? "%" PRIu64 : "\"%" PRIu64 "\"", v);
}

void json_signed(struct json_out *j, const char *name, int64_t v)
{
    if (before(j, name))
        fprintf(j->f, v < EXACT && v > -EXACT ? "%" PRId64 : "\"%" PRId64 "\"", v);
}

void json_real(struct json_out *j, const char *name, double v)
{
    if (!isfinite(v))
        json_null(j, name);
    else if (before(j, name))
        fprintf(j->f, "%.12g", v);
}

void json_bool(struct json_out *j, const char *name, bool v)
{
    if (before(j, name))
        fputs(v ? "true" : "false", j->f);
}

int json_out_end(struct json_out *j, struct err *e)
{
    if (j->wrong || j->depth || !j->any)
        return err_set(e, "JSON: a value, a name or a bracket where none fits");
    return fflush(j->f) == 0 && !ferror(j->f) ? 0 : err_set(e, "JSON: writing failed");
}
