// SPDX-License-Identifier: Apache-2.0
#include "lab/html/page.h"

#include <ctype.h>
#include <string.h>

#include "lab/html/chart.h"
#include "page/parts.h"

static const struct {
    const char *id, *title, *lead;
} SECTIONS[LAB_SECTIONS] = {
    {"summary", "Summary", NULL},
    {"map", "Liquidation map", "The value that becomes liquidatable at each price, before anything is sold."},
    {"cascade", "Cascade", "What liquidations do to the market, and the market to the next accounts."},
    {"waterfall", "Who bears the loss",
     "The insurance fund first, then auto-deleveraging, socialised loss, and the deficit that is left."},
    {"losses", "Losses", "How the loss is distributed over many paths of prices, and what is at risk."},
    {"auctions", "Auctions", "Prices over time, and from when a bid pays."},
    {"prediction", "Prediction", "Breaches foretold, held against those that came."},
};

// ---- tables

// A column is set to the right when each of its cells is a number, alone or with its unit.
static bool numeric(const struct lab_table *t, size_t column)
{
    bool any = false;
    for (size_t row = 0; row < t->rows; row++) {
        const char *s = lab_table_cell(t, row, column);
        if (!*s || strcmp(s, "-") == 0 || strcmp(s, "\u2013") == 0)
            continue;
        s += strcspn(s, "0123456789") <= 4 ? strcspn(s, "0123456789") : 0; // sign, currency
        if (!isdigit((unsigned char)*s) || text_columns(s) > 24)
            return false;
        any = true;
    }
    return any;
}

static void figure_cell(FILE *f, bool number, const char *text)
{
    fputs(number ? "<td class=\"n\">" : "<td>", f);
    put_figures(f, text);
    fputs("</td>", f);
}

static void put_table(FILE *f, const struct lab_table *t)
{
    fputs("<h3>", f);
    put_text(f, t->title);
    fputs(" ", f);
    put_badge(f, t->kind);
    fputs("</h3>\n", f);
    if (t->caption[0])
        put_par(f, "small", "%s", t->caption);
    fputs("<div class=\"scroll\"><table class=\"lab\"><thead><tr>", f);
    for (size_t i = 0; i < t->columns; i++) {
        fputs(numeric(t, i) ? "<th class=\"n\">" : "<th>", f);
        put_text(f, t->cell[i]);
        fputs("</th>", f);
    }
    fputs("</tr></thead><tbody>\n", f);
    for (size_t row = 0; row < t->rows; row++) {
        fputs("<tr>", f);
        for (size_t i = 0; i < t->columns; i++)
            figure_cell(f, numeric(t, i), lab_table_cell(t, row, i));
        fputs("</tr>\n", f);
    }
    table_end(f);
    if (t->rows == 0)
        put_par(f, "none", "No rows.");
}

// ---- facts

static void tile(FILE *f, const char *name, const char *value, const char *note, enum kind k, bool badge)
{
    size_t columns = text_columns(value);
    fprintf(f, "<div class=\"tile t%u\"><dt>", (unsigned)k);
    put_text(f, name);
    fprintf(f, "</dt><dd class=\"v%s\">", columns > 40 ? " verylong" : columns > 14 ? " long" : "");
    put_figures(f, value);
    fputs("</dd>", f);
    if (note[0]) {
        fputs("<dd class=\"note\">", f);
        put_text(f, note);
        fputs("</dd>", f);
    }
    if (badge) {
        fputs("<dd class=\"foot\">", f);
        put_badge(f, k);
        fputs("</dd>", f);
    }
    fputs("</div>\n", f);
}

static void facts(FILE *f, const struct lab_result *r, enum lab_section s)
{
    bool any = false;
    for (size_t i = 0; i < r->n_facts; i++) {
        const struct lab_fact *x = &r->fact[i];
        if (x->section != s)
            continue;
        if (!any)
            fputs("<dl class=\"tiles\">\n", f);
        any = true;
        tile(f, x->name, x->value, x->note, x->kind, true);
    }
    if (any)
        fputs("</dl>\n", f);
}

// ---- sections

static bool has(const struct lab_result *r, enum lab_section s)
{
    bool any = false;
    for (size_t i = 0; i < r->n_facts; i++)
        any = any || r->fact[i].section == s;
    for (size_t i = 0; i < r->n_charts; i++)
        any = any || r->chart[i].section == s;
    for (size_t i = 0; i < r->n_tables; i++)
        any = any || r->table[i].section == s;
    return any;
}

static int section(FILE *f, const struct lab_result *r, enum lab_section s)
{
    int rc = 0;
    fprintf(f, "<section id=\"%s\">\n<h2>%s</h2>\n", SECTIONS[s].id, SECTIONS[s].title);
    if (SECTIONS[s].lead)
        put_par(f, "lead", "%s", SECTIONS[s].lead);
    facts(f, r, s);
    for (size_t i = 0; i < r->n_charts && rc == 0; i++)
        if (r->chart[i].section == s)
            rc = lab_draw_chart(f, &r->chart[i], i);
    for (size_t i = 0; i < r->n_tables; i++)
        if (r->table[i].section == s)
            put_table(f, &r->table[i]);
    fputs("</section>\n", f);
    return rc;
}

static void put_title(FILE *f, const struct lab_result *r)
{
    put_text(f, r->title[0] ? r->title : r->scenario[0] ? r->scenario : "A run of the laboratory");
}

static void head(FILE *f, const struct lab_result *r)
{
    html_begin(f);
    put_title(f, r);
    fputs(" \302\267 tripline laboratory of liquidation</title>\n", f);
    lab_style(f);
    fputs("</head>\n<body>\n<main>\n<header>\n<p class=\"eyebrow\">tripline \302\267 laboratory of "
          "liquidation</p>\n<h1>",
          f);
    put_title(f, r);
    fputs("</h1>\n<p class=\"meta\">", f);
    if (r->scenario[0]) {
        fputs("scenario ", f);
        put_text(f, r->scenario);
        fputs(" \302\267 ", f);
    }
    fprintf(f, "seed %llu</p>\n", r->seed);
    if (r->note[0])
        put_par(f, "lead about", "%s", r->note);
    fputs("</header>\n", f);
}

static void legend(FILE *f)
{
    static const char *const text[KIND_COUNT] = {"read from a clock or from what a day recorded",
                                                 "counted in a run of the parts themselves",
                                                 "reckoned from what the caption assumes"};
    put_legend(f, text);
}

static void contents(FILE *f, const struct lab_result *r)
{
    fputs("<nav aria-label=\"Contents\">", f);
    for (unsigned s = 0; s < LAB_SECTIONS; s++)
        if (has(r, (enum lab_section)s))
            fprintf(f, "<a href=\"#%s\">%s</a> ", SECTIONS[s].id, SECTIONS[s].title);
    fputs("<a href=\"#scenario\">Scenario and seed</a></nav>\n", f);
}

static void scenario(FILE *f, const struct lab_result *r)
{
    fputs("<section id=\"scenario\">\n<h2>Scenario and seed</h2>\n", f);
    put_par(f, "lead", "The same %s under the same seed gives this page again, to the last byte.",
            r->source ? "text" : "command");
    put_par(f, "small", "Scenario: %s. Seed: %llu.", r->scenario[0] ? r->scenario : "none", r->seed);
    if (r->source && r->source[0]) {
        fputs("<pre>", f);
        put_text(f, r->source);
        fputs("</pre>\n", f);
    }
    fputs("</section>\n", f);
}

int lab_page_write(const struct lab_result *r, FILE *out)
{
    int rc = 0;
    if (r->failed)
        return -1;
    head(out, r);
    contents(out, r);
    legend(out);
    for (unsigned s = 0; s < LAB_SECTIONS && rc == 0; s++)
        if (has(r, (enum lab_section)s))
            rc = section(out, r, (enum lab_section)s);
    scenario(out, r);
    fputs("</main>\n", out);
    lab_script(out);
    fputs("</body>\n</html>\n", out);
    return fflush(out) == 0 && !ferror(out) ? rc : -1;
}
