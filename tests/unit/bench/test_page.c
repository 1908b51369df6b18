// SPDX-License-Identifier: Apache-2.0
// The page of the latency report: what it is made from is checked to the line, every number of it is on the
// page, the page is well-formed whatever the texts are, and parts that are missing are said to be.
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "bench/html/page.h"
#include "page/draw.h"
#include "run_suite.h"

static uint64_t seed;

// A value a line, so that a refusal's line says which.
static const char SMALL[] =
    "{\n"
    "\"format\": \"tripline-bench-1\",\n"
    "\"title\": \"TITLE\",\n"
    "\"command\": \"--rates 1\",\n"
    "\"machine\": {\"cpus\": 2, \"smt\": true, \"notes\": [\"NOTE\"]},\n"
    "\"clock\": {\"drift_ppb\": -38},\n"
    "\"load\": {\"what\": \"LOAD\", \"synthetic\": true, \"seed\": \"18446744073709551615\"},\n"
    "\"runs\": [\n"
    "{\"name\": \"RUN\",\n"
    "\"pace\": {\"mode\": \"rate\", \"open\": true},\n"
    "\"offered_pps\": 1000, \"done_pps\": 1000,\n"
    "\"counts\": {\"frames\": 4321, \"flags\": null},\n"
    "\"stages\": [\n"
    "{\"name\": \"tick-to-order\", \"unit\": \"ns\",\n"
    "\"kind\": \"measured\",\n"
    "\"count\": 1000,\n"
    "\"p\": {\"50\": 431, \"99\": 650},\n"
    "\"curve\": [[50, 431], [99, 650], [100, 9007]]}],\n"
    "\"worst\": [{\"way\": \"tick-to-order\", \"ns\": 9007, \"frame\": 77,\n"
    "\"ts_ns\": \"1790000000000000001\",\n"
    "\"stamps\": {\"taken\": 12, \"order\": 9007},\n"
    "\"packet\": {\"what\": \"PACKET\"}}]}],\n"
    "\"timeline\": {\n"
    "\"parts\": [{\"name\": \"card\", \"kind\": \"simulated\", \"unit\": \"ns\"}],\n"
    "\"whole\": {\"name\": \"all\", \"kinds\": [\"measured\", \"modelled\"], \"unit\": \"ns\"},\n"
    "\"slowest\": {\"parts\": {\"card\": 84},\n"
    "\"wave\": {\"cycle0\": 5, \"cycles\": 2, \"signals\": [\n"
    "{\"name\": \"valid\", \"kind\": \"bit\", \"values\": [0, 1]},\n"
    "{\"name\": \"data\", \"kind\": \"bus\", \"values\": [\"\", \"VALUE\"]}]}}}\n"
    "}\n";

// The caller frees it.
static char *edited(const char *from, const char *to)
{
    const char *at = strstr(SMALL, from);
    ck_assert_msg(at != NULL, "%s is not in the document", from);
    size_t before = (size_t)(at - SMALL), room = sizeof SMALL + strlen(to);
    char *out = malloc(room);
    ck_assert_ptr_nonnull(out);
    snprintf(out, room, "%.*s%s%s", (int)before, SMALL, to, at + strlen(from));
    return out;
}

static char *page_of(const char *text, size_t copies)
{
    struct bench_data d;
    struct err e = {""};
    ck_assert_msg(bench_data_parse("f.json", text, strlen(text), &d, &e) == 0, "%s", e.msg);
    const struct bench_data *file[PAGE_FILES_MAX];
    for (size_t i = 0; i < copies; i++)
        file[i] = &d;
    char *page = NULL;
    size_t len;
    FILE *f = open_memstream(&page, &len);
    ck_assert_ptr_nonnull(f);
    page_write(f, file, copies);
    ck_assert_int_eq(fclose(f), 0);
    bench_data_free(&d);
    ck_assert_uint_eq(strlen(page), len);
    return page;
}

static char *page_of_edited(const char *from, const char *to)
{
    char *text = edited(from, to), *page = page_of(text, 1);
    free(text);
    return page;
}

// ---- well-formed: tags close in their order, < and & begin nothing else, attributes are quoted

static const char *tag_end(const char *p)
{
    p++;
    for (char quote = 0; *p && (quote || *p != '>'); p++)
        if (*p == '"' && (!quote || quote == '"'))
            quote = quote ? 0 : '"';
        else
            ck_assert_msg(quote || *p != '<', "a tag in a tag: %.40s", p);
    ck_assert_msg(*p == '>', "a tag without an end");
    return p;
}

static void well_formed(const char *page)
{
    static const char *const entities[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;", "&#160;"};
    char open[64][16];
    size_t depth = 0, tags = 0;
    const char *p = strchr(page, '\n'); // behind the doctype
    for (; *p; p++) {
        if (*p == '&') {
            bool known = false;
            for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
                known = known || strncmp(p, entities[i], strlen(entities[i])) == 0;
            ck_assert_msg(known, "a bare &: %.40s", p);
        }
        if (*p != '<')
            continue;
        const char *name = p + 1 + (p[1] == '/'), *end = tag_end(p);
        size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
        ck_assert_msg(n > 0 && n < sizeof open[0], "no tag: %.40s", p);
        tags++;
        if (p[1] == '/') {
            ck_assert_msg(depth > 0 && strncmp(open[depth - 1], name, n) == 0 && open[depth - 1][n] == '\0',
                          "%.40s closes <%s>", p, depth ? open[depth - 1] : "");
            depth--;
        } else if (end[-1] != '/') {
            ck_assert_uint_lt(depth, 64);
            snprintf(open[depth++], sizeof open[0], "%.*s", (int)n, name);
            if (strncmp(name, "script", 6) == 0)
                end = strstr(end, "</script>") - 1;
        }
        p = end;
    }
    ck_assert_uint_eq(depth, 0);
    ck_assert_uint_gt(tags, 100);
}

START_TEST(test_well_formed)
{
    for (size_t copies = 1; copies <= PAGE_FILES_MAX; copies += PAGE_FILES_MAX - 1) {
        char *page = page_of(SMALL, copies);
        well_formed(page);
        ck_assert_ptr_null(strstr(page, "Left out: no run was co-simulated"));
        ck_assert_ptr_nonnull(strstr(page, ">VALUE</text>"));
        free(page);
    }
}
END_TEST

// ---- every number of the sample

static char *sample(size_t *len)
{
    FILE *f = fopen("tests/data/bench/sample.json", "rb");
    ck_assert_msg(f != NULL, "run it in the repository's root");
    char *text = malloc(1 << 20);
    ck_assert_ptr_nonnull(text);
    *len = fread(text, 1, (1 << 20) - 1, f);
    text[*len] = '\0';
    fclose(f);
    return text;
}

// As num_count() should have it, by another way: digits from the right.
static void expect_number(const char *text, char *out)
{
    double v = strtod(text, NULL);
    if (fabs(v) < 100 && v != floor(v)) {
        sprintf(out, "%.3g", v);
        return;
    }
    char digits[64], back[96];
    size_t n = (size_t)sprintf(digits, "%.0f", fabs(v)), m = 0;
    for (size_t i = 0; i < n; i++) {
        if (i && i % 3 == 0)
            back[m++] = ',';
        back[m++] = digits[n - 1 - i];
    }
    out += v < 0 ? sprintf(out, "\u2212") : 0;
    for (size_t i = 0; i < m; i++)
        out[i] = back[m - 1 - i];
    out[m] = '\0';
}

// By itself: neither digits nor a separator beside it.
static bool stands(const char *page, const char *number)
{
    const char *end = page + strlen(page); // memmem: ASan goes through the whole page in each strstr
    for (const char *at = page; (at = memmem(at, (size_t)(end - at), number, strlen(number))); at++)
        if ((at[-1] == '>' || at[-1] == ' ') && !strchr("0123456789,.", at[strlen(number)]))
            return true;
    return false;
}

static unsigned numbers_seen(const char *page, const struct json *v)
{
    char want[128];
    unsigned n = 0;
    if (v->key &&
        (strcmp(v->key, "curve") == 0 || strcmp(v->key, "wave") == 0 || strcmp(v->key, "other_cpus") == 0))
        return 0;
    for (const struct json *c = v->child; c; c = c->next)
        n += numbers_seen(page, c);
    if (v->type != JSON_NUMBER)
        return n;
    expect_number(v->text, want);
    ck_assert_msg(stands(page, want), "line %u: %s %s is not on the page", v->line, v->key ? v->key : "",
                  v->text);
    return n + 1;
}

static void row_of(const struct json *stage, char *out)
{
    static const char *const names[] = {"50", "90", "99", "99.9", "99.99", "99.999"};
    const struct json *cells[10] = {json_get(stage, "count"), json_get(stage, "min")};
    for (unsigned i = 0; i < 6; i++)
        cells[2 + i] = json_get(json_get(stage, "p"), names[i]);
    cells[8] = json_get(stage, "max");
    cells[9] = json_get(stage, "mean");
    out += sprintf(out, "<td>%s</td>", json_get(stage, "unit")->text);
    for (unsigned i = 0; i < 10; i++) {
        char number[96] = "\u2013";
        if (cells[i])
            expect_number(cells[i]->text, number);
        out += sprintf(out, "<td class=\"n\">%s</td>", number);
    }
}

START_TEST(test_every_number)
{
    size_t len;
    char *text = sample(&len), row[2048], *page = page_of(text, 1);
    struct json_doc doc;
    ck_assert_int_eq(json_parse(text, len, &doc), 0);
    ck_assert_uint_gt(numbers_seen(page, doc.root), 1000);
    unsigned rows = 0;
    for (const struct json *r = json_get(doc.root, "runs")->child; r; r = r->next)
        for (const struct json *s = json_get(r, "stages")->child; s; s = s->next, rows++) {
            row_of(s, row);
            ck_assert_msg(strstr(page, row) != NULL, "stage %s: no row %s", json_get(s, "name")->text, row);
        }
    ck_assert_uint_eq(rows, 54);
    well_formed(page);
    json_free(&doc);
    free(page);
    free(text);
}
END_TEST

// ---- texts that look like markup, or are no text

START_TEST(test_escaping)
{
    static const char *const places[] = {"TITLE",         "NOTE",  "LOAD",           "RUN", "PACKET", "VALUE",
                                         "\"--rates 1\"", "valid", "\"flags\": null"};
    static const char evil[] = "</title><script>alert('x')</script>&amp;\\\"<b>", raw[] = "<script>alert";
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char to[128];
        snprintf(to, sizeof to, i == 6 ? "\"%s\"" : i == 8 ? "\"%s\": 1" : "%s", evil);
        char *page = page_of_edited(places[i], to);
        ck_assert_ptr_null(strstr(page, raw));
        // A label of the waveform is cut, but its title is whole.
        ck_assert_msg(
            strstr(page,
                   "&lt;/title&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;&quot;&lt;b&gt;") !=
                NULL,
            "%s is not on the page", places[i]);
        well_formed(page);
        free(page);
    }
}
END_TEST

START_TEST(test_no_text)
{
    static const char *const bad[][2] = {
        {"a\\u0001b", "a\uFFFDb"},
        {"a\x80z", "a\uFFFDz"},
        {"a\xC0\xAFz", "a\uFFFD\uFFFDz"},
        {"a\xED\xA0\x80z", "a\uFFFD\uFFFD\uFFFDz"},
        {"a\xF4\x90\x80\x80z", "a\uFFFD\uFFFD\uFFFD\uFFFDz"},
        {"a\xE2\x82", "a\uFFFD\uFFFD "},
        {"a\u20ACz", "a\u20ACz"},
        {"a\U0001F41Fz", "a\U0001F41Fz"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *page = page_of_edited("PACKET", bad[i][0]);
        ck_assert_msg(strstr(page, bad[i][1]) != NULL, "text %zu", i);
        free(page);
    }
}
END_TEST

// ---- refused, with the line

static const struct refusal {
    const char *from, *to, *want;
} REFUSED[] = {
    {"tripline-bench-1", "tripline-bench-2", "f.json:2: tripline-bench-2 is not the format"},
    {"\"format\": \"tripline-bench-1\",", "", "f.json:1: this is not what tripline bench --json writes"},
    {"\"TITLE\"", "5", "f.json:3: title is not a text"},
    {"\"cpus\": 2", "\"cpus\": \"two\"", "f.json:5: cpus is not a number"},
    {"\"cpus\": 2", "\"cpus\": -2", "f.json:5: cpus is negative"},
    {"\"cpus\": 2", "\"cpus\": 1e999", "f.json:5: cpus is out of range"},
    {"\"smt\": true", "\"smt\": 1", "f.json:5: smt is neither true nor false"},
    {"[\"NOTE\"]", "[7]", "f.json:5: notes holds something that is not a text"},
    {"\"18446744073709551615\"", "\"0x7\"", "f.json:7: seed is not a whole number"},
    {"\"runs\": [", "\"runs\": [], \"other\": [", "f.json:8: the file has no runs"},
    {"\"name\": \"RUN\",", "", "f.json:9: a run has no name"},
    {"{\"frames\": 4321", "{\"frames\": \"many\"", "f.json:12: counts is not a number"},
    {"\"stages\": [", "\"stages\": [], \"other\": [", "f.json:9: RUN has no stages"},
    {"\"unit\": \"ns\"", "\"unit\": \"us\"",
     "f.json:14: tick-to-order has a unit that is neither ns nor cycles"},
    {"\"kind\": \"measured\",", "\"kind\": \"guessed\",",
     "f.json:15: kind is none of measured, simulated, modelled"},
    {"\"kind\": \"measured\",", "", "f.json:14: tick-to-order has no kind"},
    {"\"50\": 431", "\"50\": []", "f.json:17: a percentile is not a number"},
    {"[99, 650]", "[40, 650]", "f.json:18: the curve does not ascend"},
    {"[99, 650]", "[99, 430]", "f.json:18: the curve does not ascend"},
    {"[99, 650]", "[99]", "f.json:18: a point of the curve is not [percent, value]"},
    {"[100, 9007]", "[101, 9007]", "f.json:18: the curve does not ascend"},
    {"1790000000000000001", "1.5", "f.json:20: ts_ns is not a whole number"},
    {"\"taken\": 12", "\"taken\": \"soon\"", "f.json:21: a stamp is not a number"},
    {"\"parts\": [{\"name\": \"card\"", "\"parts\": [], \"x\": [{\"name\": \"card\"",
     "f.json:23: timeline lacks its parts"},
    {"\"modelled\"]", "\"assumed\"]", "f.json:25: kind is none of"},
    {"\"values\": [0, 1]", "\"values\": [0, 2]", "f.json:28: valid has a level that is neither 0 nor 1"},
    {"\"values\": [0, 1]", "\"values\": [0]", "f.json:28: valid does not have a value for each"},
    {"\"kind\": \"bus\"", "\"kind\": \"wire\"", "f.json:29: data has a kind that is neither bit nor bus"},
    {"{\"name\": \"valid\"", "], \"x\": [{\"name\": \"valid\"", "f.json:27: wave has no signals"},
    {"\"VALUE\"]", "[]]", "f.json:29: data has a value that is no text"},
    {"}]}}}\n}", "}]}}}\n", "f.json:31: "},
};

START_TEST(test_refused)
{
    const struct refusal *r = &REFUSED[_i];
    char *text = edited(r->from, r->to);
    struct bench_data d;
    struct err e = {""};
    ck_assert_int_eq(bench_data_parse("f.json", text, strlen(text), &d, &e), -1);
    ck_assert_msg(strncmp(e.msg, r->want, strlen(r->want)) == 0, "wanted %s, have %s", r->want, e.msg);
    ck_assert_msg(strstr(e.msg, "write it anew with tripline bench --json") != NULL, "no remedy: %s", e.msg);
    bench_data_free(&d);
    free(text);
}
END_TEST

// Cut anywhere, or with any byte replaced, a file is refused, or its page is well-formed (see the build with
// ASan).
START_TEST(test_damaged)
{
    struct prng rng;
    unsigned read = 0;
    prng_seed(&rng, seed);
    for (unsigned i = 0; i < test_rounds(4000); i++) {
        char text[sizeof SMALL];
        struct bench_data d;
        struct err e = {""};
        memcpy(text, SMALL, sizeof text);
        size_t len = sizeof SMALL - 1, at = prng_below(&rng, len);
        if (i % 2)
            len = at;
        else
            text[at] = (char)prng_below(&rng, 256);
        int rc = bench_data_parse("f.json", text, len, &d, &e);
        ck_assert_msg(rc == 0 ? i % 2 == 0 || len + 2 >= sizeof SMALL - 1 : e.msg[0] != '\0',
                      "round %u of seed %llu", i, (unsigned long long)seed);
        bench_data_free(&d);
        if (rc == 0) {
            char *page = page_of(text, 1);
            well_formed(page);
            read++;
            free(page);
        }
    }
    ck_assert_uint_gt(read, 0);
}
END_TEST

// ---- what is missing is said to be

START_TEST(test_missing)
{
    static const struct refusal cases[] = {
        {"\"timeline\": {", "\"timeline\": null, \"other\": {", "Left out: no run was co-simulated"},
        {"\"timeline\": {", "\"timeline\": null, \"other\": {",
         "there is no co-simulated run to reckon from"},
        {"\"wave\": {", "\"other\": {", "Left out: the run kept no waveform."},
        {"\"slowest\": {", "\"other\": {", "No line of the slowest tick"},
        {"\"worst\": [", "\"other\": [", "the run kept no list of its worst frames"},
        {"tick-to-order", "tick-to-moon", "No tick-to-order in this run."},
        {"tick-to-order", "tick-to-moon", "No orders were handed over"},
        {"\"unit\": \"ns\"", "\"unit\": \"cycles\"", "Left out: the run has no stages in nanoseconds."},
        {"\"title\"", "\"interrupted\": true, \"title\"", "Interrupted by a signal"},
        {"RUN", "RUN", "No chart: it takes two or more runs"},
        {"\"--rates 1\"", "null", "The file does not say by which options it was made."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *page = page_of_edited(cases[i].from, cases[i].to);
        ck_assert_msg(strstr(page, cases[i].want) != NULL, "%s", cases[i].want);
        well_formed(page);
        free(page);
    }
}
END_TEST

START_TEST(test_synthetic)
{
    char *page = page_of(SMALL, 1), *real = page_of_edited("\"synthetic\": true", "\"synthetic\": false");
    ck_assert_ptr_nonnull(strstr(page, "<span class=\"kind syn\">synthetic load</span>"));
    ck_assert_ptr_null(strstr(real, "<span class=\"kind syn\">synthetic load</span>"));
    ck_assert_ptr_nonnull(strstr(page, "of a synthetic load"));
    ck_assert_ptr_nonnull(strstr(real, "of a recorded load"));
    free(page);
    free(real);
}
END_TEST

// ---- which run heads the page

START_TEST(test_headline)
{
    struct data_run run[] = {
        {.name = "a", .open = "true", .offered_pps = 100, .done_pps = 100},
        {.name = "b", .open = "true", .offered_pps = 300, .done_pps = 297},
        {.name = "c", .open = "true", .offered_pps = 900, .done_pps = 890},
        {.name = "d", .open = "false", .offered_pps = 990, .done_pps = 990},
        {.name = "e", .open = "true", .offered_pps = NAN, .done_pps = 990},
    };
    struct bench_data d = {.run = run, .n_runs = 5};
    ck_assert(!run_saturated(&run[1]) && run_saturated(&run[2]) && !run_saturated(&run[4]));
    ck_assert_str_eq(page_headline(&d)->name, "b");
    d.run = run + 2; // none that kept up
    d.n_runs = 3;
    ck_assert_str_eq(page_headline(&d)->name, "c");
}
END_TEST

// ---- numbers, axes, labels

START_TEST(test_numbers)
{
    static const struct {
        double v;
        const char *count, *ns;
    } cases[] = {
        {0, "0", "0 ns"},
        {9.6, "9.6", "9.60 ns"},
        {79.84, "79.8", "79.8 ns"},
        {431, "431", "431 ns"},
        {999.4, "999", "999 ns"},
        {999.6, "1,000", "1.00 µs"},
        {1837, "1,837", "1.84 µs"},
        {48213, "48,213", "48.2 µs"},
        {999960, "999,960", "1.00 ms"},
        {1234567, "1,234,567", "1.23 ms"},
        {2.5e9, "2,500,000,000", "2.50 s"},
        {1e12, "1,000,000,000,000", "1000 s"},
        {1e300, "1e+300", "1e+291 s"},
        {NAN, "\u2013", "\u2013"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_str_eq(num_count(cases[i].v).text, cases[i].count);
        ck_assert_str_eq(num_ns(cases[i].v).text, cases[i].ns);
    }
    ck_assert_str_eq(num_count(-1038).text, "\u22121,038");
    ck_assert_str_eq(num_tick(2000).text, "2 µs");
    ck_assert_str_eq(num_pps(200000).text, "200 k");
    ck_assert_str_eq(num_pps(1.5e6).text, "1.5 M");
}
END_TEST

START_TEST(test_axes)
{
    struct prng rng;
    prng_seed(&rng, seed);
    for (unsigned i = 0; i < test_rounds(2000); i++) {
        double lo = pow(10, (double)prng_below(&rng, 900) / 100),
               hi = lo * pow(10, (double)prng_below(&rng, 600) / 100);
        struct axis a = {.from = 350, .to = 14};
        double tick[32];
        axis_log(&a, lo, hi);
        ck_assert_msg(a.lo <= lo * 1.0001 && a.hi >= hi * 0.9999 && a.lo > lo / 5.01 &&
                          a.hi <= hi * 5.01 + 2 * lo,
                      "%g to %g", lo, hi);
        ck_assert_double_eq_tol(axis_at(&a, a.lo), 350, 1e-6);
        ck_assert_double_eq_tol(axis_at(&a, a.hi), 14, 1e-6);
        ck_assert_double_eq_tol(axis_at(&a, sqrt(a.lo * a.hi)), 182, 1e-6);
        size_t n = axis_ticks(&a, tick, 32);
        ck_assert_msg(n >= 1 && n <= 12, "%zu ticks from %g to %g", n, a.lo, a.hi);
        for (size_t j = 1; j < n; j++)
            ck_assert_msg(axis_at(&a, tick[j - 1]) - axis_at(&a, tick[j]) > 20, "ticks %g and %g too close",
                          tick[j - 1], tick[j]);
    }
}
END_TEST

START_TEST(test_labels)
{
    struct prng rng;
    prng_seed(&rng, seed);
    for (unsigned i = 0; i < test_rounds(2000); i++) {
        struct label l[20] = {0};
        size_t n = 1 + prng_below(&rng, 20);
        for (size_t j = 0; j < n; j++) {
            l[j].y = (double)prng_below(&rng, 400);
            l[j].y0 = l[j].y;
        }
        labels_spread(l, n, 10, 380, 15);
        for (size_t j = 0; j < n; j++) {
            ck_assert_msg(l[j].y >= 9.99 && l[j].y <= 380.01, "label %zu at %g, seed %llu", j, l[j].y,
                          (unsigned long long)seed);
            ck_assert_msg(j == 0 || (l[j].y - l[j - 1].y > 14.99 && l[j].y0 >= l[j - 1].y0),
                          "labels %zu, seed %llu", j, (unsigned long long)seed);
        }
    }
}
END_TEST

int main(void)
{
    seed = test_seed(7);
    Suite *s = suite_create("page");
    TCase *t = tcase_create("page");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_well_formed);
    tcase_add_test(t, test_every_number);
    tcase_add_test(t, test_escaping);
    tcase_add_test(t, test_no_text);
    tcase_add_loop_test(t, test_refused, 0, (int)(sizeof REFUSED / sizeof *REFUSED));
    tcase_add_test(t, test_damaged);
    tcase_add_test(t, test_missing);
    tcase_add_test(t, test_synthetic);
    tcase_add_test(t, test_headline);
    tcase_add_test(t, test_numbers);
    tcase_add_test(t, test_axes);
    tcase_add_test(t, test_labels);
    suite_add_tcase(s, t);
    return run_suite(s);
}
