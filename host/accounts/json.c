// SPDX-License-Identifier: Apache-2.0
#include "accounts/json.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH_MAX = 16,
    NAMES_MAX = 64, // of one object: they are compared pairwise
    CHUNK_BYTES = 64 * 1024,
    ALIGN = 16
};

struct json_chunk {
    struct json_chunk *next;
    size_t used, size;
    _Alignas(ALIGN) char bytes[];
};

struct parser {
    const char *p, *end;
    unsigned line;
    struct json_doc *doc;
};

static int fail(struct parser *j, const char *why)
{
    if (!j->doc->error) {
        j->doc->error = why;
        j->doc->error_line = j->line;
    }
    return -1;
}

static void *take(struct parser *j, size_t n)
{
    struct json_chunk *c = j->doc->chunks;
    n = (n + ALIGN - 1) / ALIGN * ALIGN;
    if (!c || c->size - c->used < n) {
        size_t size = n > CHUNK_BYTES ? n : CHUNK_BYTES;
        c = malloc(sizeof *c + size);
        if (!c) {
            fail(j, "out of memory");
            return NULL;
        }
        *c = (struct json_chunk){.next = j->doc->chunks, .size = size};
        j->doc->chunks = c;
    }
    void *at = c->bytes + c->used;
    c->used += n;
    return at;
}

static void skip_blank(struct parser *j)
{
    for (; j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\n' || *j->p == '\r'); j->p++)
        j->line += *j->p == '\n';
}

static int peek(const struct parser *j)
{
    return j->p < j->end ? (unsigned char)*j->p : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

// ---- strings
// -------------------------------------------------------------------------------------------------

static int hex4(struct parser *j, uint32_t *out)
{
    *out = 0;
    for (int i = 0; i < 4; i++, j->p++) {
        int c = peek(j);
        int d = is_digit(c)            ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return fail(j, "\\u needs four hexadecimal digits");
        *out = *out * 16 + (uint32_t)d;
    }
    return 0;
}

static char *put_utf8(char *w, uint32_t c)
{
    if (c < 0x80) {
        *w++ = (char)c;
    } else if (c < 0x800) {
        *w++ = (char)(0xC0 | c >> 6);
        *w++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *w++ = (char)(0xE0 | c >> 12);
        *w++ = (char)(0x80 | (c >> 6 & 0x3F));
        *w++ = (char)(0x80 | (c & 0x3F));
    } else {
        *w++ = (char)(0xF0 | c >> 18);
        *w++ = (char)(0x80 | (c >> 12 & 0x3F));
        *w++ = (char)(0x80 | (c >> 6 & 0x3F));
        *w++ = (char)(0x80 | (c & 0x3F));
    }
    return w;
}

// Behind "\u": one code point, which may be a surrogate pair.
static int code_point(struct parser *j, uint32_t *out)
{
    uint32_t low;
    if (hex4(j, out))
        return -1;
    if (*out == 0)
        return fail(j, "a string must not hold \\u0000");
    if (*out < 0xD800 || *out > 0xDFFF)
        return 0;
    if (*out > 0xDBFF || j->end - j->p < 6 || j->p[0] != '\\' || j->p[1] != 'u')
        return fail(j, "half a surrogate pair");
    j->p += 2;
    if (hex4(j, &low))
        return -1;
    if (low < 0xDC00 || low > 0xDFFF)
        return fail(j, "half a surrogate pair");
    *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
    return 0;
}

static char *escape(struct parser *j, char *w)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    int c = peek(j);
    if (c >= 0)
        j->p++;
    if (c == 'u') {
        uint32_t cp;
        return code_point(j, &cp) ? NULL : put_utf8(w, cp);
    }
    const char *at = c > 0 ? strchr(names, c) : NULL;
    if (!at) {
        fail(j, "unknown escape in a string");
        return NULL;
    }
    *w++ = values[at - names];
    return w;
}

// At the opening quote.
static const char *string(struct parser *j)
{
    const char *close = ++j->p;
    while (close < j->end && *close != '"')
        close += *close == '\\' && j->end - close > 1 ? 2 : 1;
    if (close >= j->end) {
        fail(j, "string without its closing quote");
        return NULL;
    }
    char *out = take(j, (size_t)(close - j->p) + 1), *w = out; // decoding never lengthens
    while (w && j->p < close) {
        unsigned char c = (unsigned char)*j->p++;
        if (c == '\\')
            w = escape(j, w);
        else if (c < ' ')
            w = (fail(j, "control character or line end in a string"), NULL);
        else
            *w++ = (char)c;
    }
    if (!w)
        return NULL;
    *w = '\0';
    j->p = close + 1;
    return out;
}

// ---- values
// --------------------------------------------------------------------------------------------------

static int digits(struct parser *j)
{
    if (!is_digit(peek(j)))
        return fail(j, "malformed number");
    while (is_digit(peek(j)))
        j->p++;
    return 0;
}

static const char *number(struct parser *j)
{
    const char *start = j->p;
    if (peek(j) == '-')
        j->p++;
    if (peek(j) == '0')
        j->p++;
    else if (digits(j))
        return NULL;
    if (peek(j) == '.' && (j->p++, digits(j)))
        return NULL;
    if (peek(j) == 'e' || peek(j) == 'E') {
        j->p++;
        if (peek(j) == '+' || peek(j) == '-')
            j->p++;
        if (digits(j))
            return NULL;
    }
    size_t n = (size_t)(j->p - start);
    char *out = take(j, n + 1);
    if (out) {
        memcpy(out, start, n);
        out[n] = '\0';
    }
    return out;
}

static bool literal(struct parser *j, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
        return false;
    j->p += n;
    return true;
}

static struct json *value(struct parser *j, unsigned depth);

// Why `key` cannot be the next name of an object, or NULL.
static const char *name_refused(const struct json *first, const char *key)
{
    unsigned n = 0;
    for (; first; first = first->next, n++)
        if (strcmp(first->key, key) == 0)
            return "name used twice in one object";
    return n < NAMES_MAX ? NULL : "too many names in one object";
}

// "name" : of an object's member.
static const char *member_name(struct parser *j, const struct json *first)
{
    if (peek(j) != '"') {
        fail(j, "a name in quotes was expected");
        return NULL;
    }
    const char *key = string(j);
    if (!key)
        return NULL;
    const char *refused = name_refused(first, key);
    if (refused) {
        fail(j, refused);
        return NULL;
    }
    skip_blank(j);
    if (peek(j) != ':') {
        fail(j, "':' was expected");
        return NULL;
    }
    j->p++;
    return key;
}

// Behind the opening bracket.
static int elements(struct parser *j, struct json *v, unsigned depth)
{
    bool object = v->type == JSON_OBJECT;
    int close = object ? '}' : ']';
    struct json **tail = &v->child;
    skip_blank(j);
    if (peek(j) == close) {
        j->p++;
        return 0;
    }
    for (;;) {
        const char *key = NULL;
        skip_blank(j);
        if (object && !(key = member_name(j, v->child)))
            return -1;
        struct json *child = value(j, depth + 1);
        if (!child)
            return -1;
        child->key = key;
        *tail = child;
        tail = &child->next;
        skip_blank(j);
        int c = peek(j);
        if (c != close && c != ',')
            return fail(j, object ? "',' or '}' was expected" : "',' or ']' was expected");
        j->p++;
        if (c == close)
            return 0;
    }
}

static int fill_value(struct parser *j, struct json *v, unsigned depth)
{
    int c = peek(j);
    if (c == '{' || c == '[') {
        v->type = c == '{' ? JSON_OBJECT : JSON_ARRAY;
        j->p++;
        return depth >= DEPTH_MAX ? fail(j, "nested too deeply") : elements(j, v, depth);
    }
    if (c == '"') {
        v->type = JSON_STRING;
        return (v->text = string(j)) ? 0 : -1;
    }
    if (c == '-' || is_digit(c)) {
        v->type = JSON_NUMBER;
        return (v->text = number(j)) ? 0 : -1;
    }
    if (literal(j, "true") || literal(j, "false")) {
        v->type = JSON_BOOL;
        v->text = j->p[-2] == 'u' ? "true" : "false";
        return 0;
    }
    v->type = JSON_NULL;
    return literal(j, "null") ? 0 : fail(j, c < 0 ? "the file ends too early" : "a value was expected");
}

static struct json *value(struct parser *j, unsigned depth)
{
    skip_blank(j);
    struct json *v = take(j, sizeof *v);
    if (!v)
        return NULL;
    *v = (struct json){.line = j->line};
    return fill_value(j, v, depth) ? NULL : v;
}

int json_parse(const char *text, size_t len, struct json_doc *doc)
{
    static const char bom[] = "\xEF\xBB\xBF";
    struct parser j = {text, text + len, 1, doc};
    *doc = (struct json_doc){0};
    if (len >= 3 && memcmp(text, bom, 3) == 0)
        j.p += 3;
    doc->root = value(&j, 0);
    if (!doc->root)
        return -1;
    skip_blank(&j);
    return j.p == j.end ? 0 : fail(&j, "text behind the end of the document");
}

void json_free(struct json_doc *doc)
{
    while (doc->chunks) {
        struct json_chunk *c = doc->chunks;
        doc->chunks = c->next;
        free(c);
    }
    doc->root = NULL;
}
