// SPDX-License-Identifier: Apache-2.0
#include "page/parts.h"

#include <stdarg.h>
#include <string.h>

#include "page/draw.h"

void html_begin(FILE *f)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta "
          "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
          "script-src 'unsafe-inline'; img-src data:\"/>\n<meta name=\"viewport\" "
          "content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light "
          "dark\"/>\n<title>",
          f);
}

void put_par(FILE *f, const char *class, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fprintf(f, "<p class=\"%s\">", class);
    put_text(f, text);
    fputs("</p>\n", f);
}

void put_cell(FILE *f, const char *class, const char *text)
{
    fprintf(f, *class ? "<td class=\"%s\">" : "<td>", class);
    put_text(f, text);
    fputs("</td>", f);
}

void put_number(FILE *f, double v)
{
    fprintf(f, "<td class=\"n\">%s</td>", num_count(v).text);
}

void table_begin(FILE *f, const char *columns)
{
    fputs("<div class=\"scroll\"><table><thead><tr>", f);
    for (const char *c = columns; *c;) {
        size_t n = strcspn(c, "|");
        bool number = *c == '#';
        fprintf(f, "<th%s>%.*s</th>", number ? " class=\"n\"" : "", (int)(n - number), c + number);
        c += n + (c[n] == '|');
    }
    fputs("</tr></thead><tbody>\n", f);
}

void table_end(FILE *f)
{
    fputs("</tbody></table></div>\n", f);
}

void put_badge(FILE *f, enum kind k)
{
    fprintf(f, "<span class=\"kind k%u\">%s</span>", (unsigned)k, kind_name(k));
}

void put_legend(FILE *f, const char *const text[KIND_COUNT])
{
    fputs("<dl class=\"legend\">", f);
    for (unsigned k = 0; k < KIND_COUNT; k++) {
        fputs("<div><dt>", f);
        put_badge(f, (enum kind)k);
        fprintf(f, "</dt><dd>%s</dd></div>", text[k]);
    }
    fputs("</dl>\n", f);
}

void put_badges(FILE *f, unsigned kinds)
{
    for (unsigned k = 0; k < KIND_COUNT; k++)
        if (kinds >> k & 1)
            put_badge(f, (enum kind)k);
}
