// SPDX-License-Identifier: Apache-2.0
#include "lab/html/chart.h"

#include "page/parts.h"

enum { HEIGHT = 358 };

static void caption(FILE *f, const struct lab_chart *c)
{
    fputs("<figcaption><b>", f);
    put_text(f, c->title);
    fputs("</b> ", f);
    put_badge(f, c->kind);
    if (c->caption[0]) {
        fputs("<span class=\"said\">", f);
        put_text(f, c->caption);
        fputs("</span>", f);
    }
    fputs("</figcaption>\n", f);
}

static void legend(FILE *f, const struct lab_frame *g)
{
    fputs("<ul class=\"keys\">", f);
    for (size_t i = 0; i < g->chart->n_series; i++) {
        fputs("<li>", f);
        lab_draw_key(f, g, i);
        fputs("<span>", f);
        put_text(f, g->chart->series[i].name);
        fputs("</span></li>", f);
    }
    fputs("</ul>\n", f);
}

// What a reader would not see otherwise.
static void notes(FILE *f, const struct lab_frame *g)
{
    size_t left_out = 0;
    for (size_t i = 0; i < g->chart->n_series; i++)
        left_out += g->chart->series[i].left_out;
    if (left_out)
        put_par(f, "small", "Left out: %s %s no finite value.", num_count((double)left_out).text,
                left_out == 1 ? "point that has" : "points that have");
    if (g->undrawn)
        put_par(f, "small", "Not drawn: %s %s zero or less, for which a logarithmic axis has no place.",
                num_count((double)g->undrawn).text, g->undrawn == 1 ? "value of" : "values of");
}

int lab_draw_chart(FILE *f, const struct lab_chart *c, size_t number)
{
    struct lab_frame g;
    int rc = 0;
    fputs("<figure>\n", f);
    caption(f, c);
    if (lab_frame_fit(&g, c, number)) {
        if (c->n_series > 1 || c->series[0].name[0])
            legend(f, &g);
        svg_begin(f, HEIGHT, c->title);
        lab_draw_hatches(f, &g);
        fputs("<g class=\"plot\">\n", f);
        lab_frame_axes(f, &g);
        for (size_t i = 0; i < c->n_series && rc == 0; i++)
            rc = lab_draw_series(f, &g, i);
        fputs("</g>\n", f);
        svg_end(f);
    } else {
        put_par(f, "none", "Nothing to draw: the run gave no value for it.");
    }
    notes(f, &g);
    if (rc == 0)
        rc = lab_values(f, c);
    fputs("</figure>\n", f);
    return rc;
}
