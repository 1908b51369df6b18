// SPDX-License-Identifier: Apache-2.0
// Line-driven front of base/wide and accounts/rowc for tests/diff/rowc_diff.py: one command a line on stdin,
// one answer a line on stdout. Numbers are decimal. A malformed line ends the program with status 2.
//   wide OP A B               OP on i256, see do_wide(); answer "value", or "ovf value" of the checked forms
//   grid I REF PPM            grid_centre of asset I -> rc shift lo hi phat_lo phat_hi
//   band I LO HI              grid_set_band of asset I -> same
//   phat I PRICE              -> fits phat
//   row LEVEL C SLACK N (ASSET A)*N -> ok level scale chat n (asset coef)*n, or "err TEXT"
//   eval N (ASSET PHAT)*N     the row compiled last                          -> Ĥ
//   margin N (ASSET PRICE)*N  the row compiled last                          -> quantisation slack
#include "accounts/rowc.h"

#include "talk.h"

#include <inttypes.h>

static struct grid grids[MARKET_ASSETS_MAX];
static struct affine form;
static struct row row;

static int64_t number(int64_t lo, int64_t hi)
{
    i256 v = wide();
    if (!i256_fits_i64(v) || i256_to_i64(v) < lo || i256_to_i64(v) > hi)
        malformed("number: out of range");
    return i256_to_i64(v);
}

static unsigned asset(void)
{
    return (unsigned)number(0, MARKET_ASSETS_MAX - 1);
}

static void put(i256 v)
{
    char buf[I256_DIGITS_MAX];
    i256_format(v, buf, sizeof buf);
    puts(buf);
}

static void do_wide(void)
{
    static const struct {
        const char *name;
        i256 (*f)(i256, i256);
    } ops[] = {{"add", i256_add},         {"sub", i256_sub},         {"mul", i256_mul},
               {"trunc", i256_div_trunc}, {"floor", i256_div_floor}, {"ceil", i256_div_ceil},
               {"min", i256_min},         {"max", i256_max}};
    static const struct {
        const char *name;
        bool (*f)(i256, i256, i256 *);
    } checked[] = {{"add_ovf", i256_add_ovf}, {"sub_ovf", i256_sub_ovf}, {"mul_ovf", i256_mul_ovf}};
    const char *op = word();
    i256 a = wide(), b = wide(), r;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        if (strcmp(op, ops[i].name) == 0) {
            put(ops[i].f(a, b));
            return;
        }
    for (size_t i = 0; i < sizeof checked / sizeof *checked; i++)
        if (strcmp(op, checked[i].name) == 0) {
            printf("%d ", checked[i].f(a, b, &r));
            put(r);
            return;
        }
    unsigned n = (unsigned)i256_to_i64(b);
    if (strcmp(op, "shl") == 0)
        put(i256_shl(a, n));
    else if (strcmp(op, "sar") == 0)
        put(i256_sar(a, n));
    else if (strcmp(op, "mul64") == 0)
        put(i256_mul_i64(a, i256_to_i64(b)));
    else if (strcmp(op, "facts") == 0)
        printf("%d %d %u %d %d %.17g\n", i256_cmp(a, b), i256_sign(a), i256_bits(a), i256_fits_i64(a),
               i256_fits_i128(a), i256_to_double(a));
    else
        malformed("operation");
}

static void do_grid(bool centre)
{
    struct grid *g = &grids[asset()];
    int64_t a = number(INT64_MIN, INT64_MAX), b = number(INT64_MIN, INT64_MAX);
    int rc = centre ? grid_centre(a, (uint32_t)b, g) : grid_set_band(g, a, b);
    printf("%d %d %" PRId64 " %" PRId64 " %" PRIu64 " %" PRIu64 "\n", rc, g->shift, g->band.lo, g->band.hi,
           g->phat_lo, g->phat_hi);
}

static void do_phat(void)
{
    unsigned i = asset();
    bool fits;
    uint64_t p = grid_phat(&grids[i], number(INT64_MIN, INT64_MAX), &fits);
    printf("%d %" PRIu64 "\n", fits, p);
}

static void do_row(void)
{
    struct err e;
    form = (struct affine){.level = (uint8_t)number(0, 255)};
    form.c = wide();
    form.slack = wide();
    form.n = (uint16_t)number(0, ROW_ASSETS_MAX);
    for (unsigned i = 0; i < form.n; i++) {
        form.asset[i] = (uint16_t)number(0, UINT16_MAX);
        form.a[i] = wide();
    }
    if (row_compile(&form, grids, &row, &e) != 0) {
        printf("err %s\n", e.msg);
        return;
    }
    printf("ok %d %d %" PRId64 " %d", row.level, row.scale, row.chat, row.n);
    for (unsigned i = 0; i < row.n; i++)
        printf(" %d %" PRId32, row.asset[i], row.coef[i]);
    putchar('\n');
}

static void do_eval(bool margin)
{
    static uint64_t phat[MARKET_ASSETS_MAX];
    static int64_t px[MARKET_ASSETS_MAX];
    int64_t n = number(0, MARKET_ASSETS_MAX);
    while (n-- > 0) {
        unsigned i = asset();
        px[i] = number(0, INT64_MAX);
        phat[i] = (uint64_t)px[i];
    }
    if (margin) {
        double q, s;
        row_margin(&form, &row, grids, px, &q, &s);
        printf("%.17g %.17g\n", q, s);
    } else {
        printf("%" PRId64 "\n", row_eval(&row, phat));
    }
}

int main(void)
{
    static char line[1 << 16];
    while (fgets(line, sizeof line, stdin)) {
        const char *cmd = strtok(line, " \n");
        if (!cmd)
            malformed("line: empty");
        if (strcmp(cmd, "wide") == 0)
            do_wide();
        else if (strcmp(cmd, "grid") == 0 || strcmp(cmd, "band") == 0)
            do_grid(cmd[0] == 'g');
        else if (strcmp(cmd, "phat") == 0)
            do_phat();
        else if (strcmp(cmd, "row") == 0)
            do_row();
        else if (strcmp(cmd, "eval") == 0 || strcmp(cmd, "margin") == 0)
            do_eval(cmd[0] == 'm');
        else
            malformed("command");
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
