// SPDX-License-Identifier: Apache-2.0
#include "accounts/csv.h"

#include <string.h>

static const char BOM[] = "\xEF\xBB\xBF";

static void skip_bom(struct csv *c)
{
    if ((size_t)(c->end - c->p) >= sizeof BOM - 1 && memcmp(c->p, BOM, sizeof BOM - 1) == 0)
        c->p += sizeof BOM - 1;
}

void csv_init(struct csv *c, char *text, size_t len)
{
    *c = (struct csv){.p = text, .end = text + len, .next_line = 1, .buf = text};
    skip_bom(c);
}

// Reads on behind what is not used up yet; false when there is nothing more (or an error).
static bool read_more(struct csv *c)
{
    if (!c->read_at || c->error)
        return false;
    size_t left = (size_t)(c->end - c->p);
    memmove(c->buf, c->p, left);
    c->base += (uint64_t)(c->p - c->buf);
    c->p = c->buf;
    c->end = c->buf + left;
    if (left + 1 >= c->size) {
        c->error = "line too long: is it a text file?";
        return false;
    }
    ssize_t n = c->read_at(c->ctx, c->base + left, c->end, c->size - 1 - left);
    if (n < 0)
        c->error = "the file cannot be read on";
    c->end += n > 0 ? n : 0;
    return n > 0;
}

void csv_stream(struct csv *c, char *buf, size_t size, ssize_t (*read_at)(void *, uint64_t, char *, size_t),
                void *ctx)
{
    *c = (struct csv){
        .p = buf, .end = buf, .next_line = 1, .buf = buf, .size = size, .read_at = read_at, .ctx = ctx};
    while ((size_t)(c->end - c->p) < sizeof BOM - 1 && read_more(c))
        continue;
    skip_bom(c);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// Cuts the next line out of the buffer, without its end; NULL at the end of the text or on an error.
static char *cut_line(struct csv *c)
{
    char *nl = NULL;
    do {
        size_t left = (size_t)(c->end - c->p);
        nl = left ? memchr(c->p, '\n', left) : NULL;
    } while (!nl && read_more(c));
    if (c->p >= c->end && !c->error)
        return NULL;
    char *line = c->p;
    char *stop = nl ? nl : c->end;
    c->at = c->base + (uint64_t)(line - c->buf);
    c->p = nl ? nl + 1 : c->end;
    c->line = c->next_line++;
    if (c->error)
        return NULL;
    if (stop > line && stop[-1] == '\r')
        stop--;
    *stop = '\0';
    if (strlen(line) != (size_t)(stop - line))
        c->error = "NUL character: not a text file";
    else if (memchr(line, '\r', (size_t)(stop - line)))
        c->error = "carriage return inside a line";
    return line;
}

// Unquotes the field at s (behind its opening quote) into place; returns behind the closing quote, or NULL.
static char *unquote(struct csv *c, char *s)
{
    char *w = s;
    for (;; s++) {
        if (*s == '\0') {
            c->error = "quoted field without its closing quote on the line";
            return NULL;
        }
        if (*s == '"') {
            if (s[1] != '"')
                break;
            s++;
        }
        *w++ = *s;
    }
    s++; // behind the closing quote: *w may be cut off now
    *w = '\0';
    return s;
}

// Takes one field from s; *next is behind its comma, or NULL at the line's end.
static char *take_field(struct csv *c, char *s, char **next)
{
    char *start, *stop;
    while (is_blank(*s))
        s++;
    if (*s == '"') {
        start = s + 1;
        stop = unquote(c, start);
        if (!stop)
            return NULL;
        while (is_blank(*stop))
            stop++;
        if (*stop != ',' && *stop != '\0') {
            c->error = "text behind a quoted field";
            return NULL;
        }
        *next = *stop ? stop + 1 : NULL;
        return start;
    }
    start = s;
    for (stop = s; *stop != ',' && *stop != '"' && *stop != '\0';)
        stop++;
    if (*stop == '"') {
        c->error = "quote inside a field: quote the whole field and double the quote";
        return NULL;
    }
    *next = *stop ? stop + 1 : NULL;
    while (stop > start && is_blank(stop[-1]))
        stop--;
    *stop = '\0';
    return start;
}

int csv_next(struct csv *c, char **field, unsigned max)
{
    char *line;
    while ((line = cut_line(c)) && !c->error) {
        line += strspn(line, " \t");
        if (*line == '\0' || *line == '#')
            continue;
        unsigned n = 0;
        for (char *next = line; next; n++) {
            if (n == max) {
                c->error = "too many columns";
                return -1;
            }
            if (!(field[n] = take_field(c, next, &next)))
                return -1;
        }
        return (int)n;
    }
    return c->error ? -1 : 0;
}
