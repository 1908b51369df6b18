// SPDX-License-Identifier: Apache-2.0
#include "accounts/csv.h"

#include <stdbool.h>
#include <string.h>

static const char BOM[] = "\xEF\xBB\xBF";

void csv_init(struct csv *c, char *text, size_t len)
{
    *c = (struct csv){.p = text, .end = text + len, .next_line = 1};
    if (len >= sizeof BOM - 1 && memcmp(text, BOM, sizeof BOM - 1) == 0)
        c->p += sizeof BOM - 1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// Cuts the next line out of the buffer, without its end; NULL at the end of the text.
static char *cut_line(struct csv *c)
{
    if (c->p >= c->end)
        return NULL;
    char *line = c->p;
    char *nl = memchr(line, '\n', (size_t)(c->end - line));
    char *stop = nl ? nl : c->end;
    c->p = nl ? nl + 1 : c->end;
    c->line = c->next_line++;
    if (stop > line && stop[-1] == '\r')
        stop--;
    *stop = '\0';
    if (strlen(line) != (size_t)(stop - line))
        c->error = "NUL character: not a text file";
    else if (strchr(line, '\r'))
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
    stop = s + strcspn(s, ",\"");
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
