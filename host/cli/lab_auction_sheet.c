// SPDX-License-Identifier: Apache-2.0
#include "cli/lab_auction_sheet.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/json_out.h"

enum { PLACES = 9, SIGNIFICANT = 3, CELL_MAX = U256_DIGITS_MAX + 64 };

struct cell cell_amount(u256 v, unsigned digits)
{
    return (struct cell){.kind = CELL_AMOUNT, .amount = v, .digits = digits};
}

struct cell cell_less(u256 a, u256 b, unsigned digits)
{
    struct cell c = cell_amount(U256_ZERO, digits);
    c.minus = u256_cmp(a, b) < 0;
    (void)(c.minus ? u256_sub(b, a, &c.amount) : u256_sub(a, b, &c.amount));
    return c;
}

struct cell cell_whole(uint64_t v)
{
    return (struct cell){.kind = CELL_WHOLE, .whole = v};
}

struct cell cell_time(uint64_t v)
{
    return v == UINT64_MAX ? (struct cell){.kind = CELL_NEVER} : cell_whole(v);
}

struct cell cell_bool(bool v)
{
    return (struct cell){.kind = CELL_BOOL, .yes = v};
}

struct cell cell_text(const char *v)
{
    return (struct cell){.kind = v ? CELL_TEXT : CELL_NONE, .text = v};
}

void sheet_fact(struct sheet *s, const char *name, struct cell c)
{
    assert(s->n < SHEET_FACTS);
    s->name[s->n] = name;
    s->fact[s->n++] = c;
}

void sheet_row(struct sheet_table *t)
{
    assert(t->rows < SHEET_ROWS);
    memset(t->cell[t->rows++], 0, sizeof t->cell[0]);
}

void sheet_put(struct sheet_table *t, const char *name, struct cell c)
{
    unsigned i = 0;
    while (i < t->columns && strcmp(t->head[i], name) != 0)
        i++;
    assert(i < SHEET_COLUMNS && t->rows > 0);
    t->head[i] = name;
    t->columns = i == t->columns ? i + 1 : t->columns;
    t->cell[t->rows - 1][i] = c;
}

// In whole units. What is below the ninth place is left out, unless there is nothing before it.
static void amount_text(const struct cell *c, char out[CELL_MAX])
{
    char d[U256_DIGITS_MAX], padded[CELL_MAX];
    u256_format(c->amount, d);
    size_t n = strlen(d), frac = c->digits, zeros = n <= frac ? frac + 1 - n : 0;
    memset(padded, '0', zeros);
    memcpy(padded + zeros, d, n + 1);
    n += zeros;
    size_t whole = n - frac, keep = PLACES;
    if (strspn(padded, "0") >= whole)
        keep = strspn(padded, "0") - whole + SIGNIFICANT;
    keep = keep < PLACES ? PLACES : keep;
    if (keep < frac)
        padded[whole + keep] = '\0';
    n = strlen(padded);
    while (n > whole && padded[n - 1] == '0')
        n--;
    padded[n] = '\0';
    (void)snprintf(out, CELL_MAX, "%s%.*s%s%s", c->minus ? "-" : "", (int)whole, padded, n > whole ? "." : "",
                   padded + whole);
}

static const char *as_text(const struct cell *c, char out[CELL_MAX])
{
    switch (c->kind) {
    case CELL_AMOUNT:
        amount_text(c, out);
        return out;
    case CELL_WHOLE:
        (void)snprintf(out, CELL_MAX, "%" PRIu64, c->whole);
        return out;
    case CELL_NEVER:
        return "never";
    case CELL_BOOL:
        return c->yes ? "yes" : "no";
    case CELL_TEXT:
        return c->text;
    default:
        return "-";
    }
}

static void print_table(const struct sheet_table *t)
{
    int width[SHEET_COLUMNS];
    char b[CELL_MAX];
    for (unsigned i = 0; i < t->columns; i++) {
        width[i] = (int)strlen(t->head[i]);
        for (unsigned r = 0; r < t->rows; r++) {
            int w = (int)strlen(as_text(&t->cell[r][i], b));
            width[i] = w > width[i] ? w : width[i];
        }
    }
    for (unsigned i = 0; i < t->columns; i++)
        printf("%s%*s", i ? "  " : "\n", width[i], t->head[i]);
    for (unsigned r = 0; r < t->rows; r++)
        for (unsigned i = 0; i < t->columns; i++)
            printf("%s%*s", i ? "  " : "\n", width[i], as_text(&t->cell[r][i], b));
    printf("\n");
}

void sheet_print(const struct sheet *s)
{
    char b[CELL_MAX];
    size_t width = strlen("kind");
    for (unsigned i = 0; i < s->n; i++)
        width = strlen(s->name[i]) > width ? strlen(s->name[i]) : width;
    printf("%-*s  %s\n", (int)width, "kind", s->kind);
    for (unsigned i = 0; i < s->n; i++)
        printf("%-*s  %s\n", (int)width, s->name[i], as_text(&s->fact[i], b));
    if (s->over.rows)
        print_table(&s->over);
    if (s->steps.rows)
        print_table(&s->steps);
}

static void json_cell(struct json_out *j, const char *name, const struct cell *c)
{
    char b[U256_DIGITS_MAX + 1] = "-";
    switch (c->kind) {
    case CELL_AMOUNT:
        u256_format(c->amount, b + 1);
        json_text(j, name, c->minus ? b : b + 1);
        return;
    case CELL_WHOLE:
        json_whole(j, name, c->whole);
        return;
    case CELL_BOOL:
        json_bool(j, name, c->yes);
        return;
    case CELL_TEXT:
        json_text(j, name, c->text);
        return;
    default:
        json_null(j, name);
    }
}

static void json_table(struct json_out *j, const struct sheet_table *t)
{
    json_open(j, t->name, '[');
    for (unsigned r = 0; r < t->rows; r++) {
        json_open(j, NULL, '{');
        for (unsigned i = 0; i < t->columns; i++)
            json_cell(j, t->head[i], &t->cell[r][i]);
        json_close(j, '}');
    }
    json_close(j, ']');
}

int sheet_json(const struct sheet *s, struct err *e)
{
    struct json_out j;
    json_out_begin(&j, stdout);
    json_open(&j, NULL, '{');
    json_text(&j, "kind", s->kind);
    for (unsigned i = 0; i < s->n; i++)
        json_cell(&j, s->name[i], &s->fact[i]);
    json_table(&j, &s->over);
    json_table(&j, &s->steps);
    json_close(&j, '}');
    return json_out_end(&j, e);
}
