// SPDX-License-Identifier: Apache-2.0
// Lists and lines of the rows in host memory, and the boxes that they are placed by, against naive pictures:
// every account in a list is given by a walk however others come and go, values at prices and at adverse
// corners equal those in 128-bit integers, and the intervals that a tick compares its price with are those of
// all levels together.
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "engine/far.h"
#include "run_suite.h"

#define PHAT_TOP      ((UINT64_C(1) << PHAT_BITS) - 1)
#define must(ok, ...) ((ok) ? (void)0 : ck_abort_msg(__VA_ARGS__)) // cheap where it holds: for inner loops

// ---- rows

// A row over n of the first `assets` assets, in random order; zero coefficients among them.
static void random_row(struct prng *r, unsigned n, unsigned assets, struct row *out)
{
    uint16_t all[MARKET_ASSETS_MAX];
    uint64_t room = UINT64_C(1) << SUM_BITS;
    memset(out, 0, sizeof *out);
    for (uint16_t i = 0; i < assets; i++)
        all[i] = i;
    for (unsigned i = 0; i < n; i++) {
        unsigned at = i + (unsigned)prng_below(r, assets - i);
        uint16_t t = all[i];
        all[i] = all[at];
        all[at] = t;
        uint64_t most = (UINT64_C(1) << 26) - 1, bits = prng_below(r, 27);
        int64_t v = (int64_t)(prng_u64(r) & ((UINT64_C(1) << bits) - 1));
        if ((uint64_t)v > most || (uint64_t)v > room)
            v = 0;
        room -= (uint64_t)v;
        out->asset[out->n] = all[i];
        out->coef[out->n++] = (int32_t)(prng_chance(r, 1, 2) ? v : -v);
    }
    // Near zero at everyday prices, so that both signs occur; or anything.
    if (prng_chance(r, 3, 4))
        for (unsigned i = 0; i < n; i++)
            out->chat -= (int64_t)out->coef[i] * (INT64_C(3) << 30);
    out->chat += prng_between(r, -1, 1) * (int64_t)(prng_u64(r) >> prng_between(r, 3, 63));
    if (out->chat >= INT64_C(1) << 62 || out->chat <= -(INT64_C(1) << 62))
        out->chat = 0;
}

static i128 exact_at(const struct row *x, const uint64_t *phat)
{
    i128 h = x->chat;
    for (unsigned i = 0; i < x->n; i++)
        h += (i128)x->coef[i] * (i128)phat[x->asset[i]];
    return h;
}

// By both ends of each asset's interval: no thought of which one is the adverse one.
static i128 exact_least(const struct row *x, const struct boxes *b, unsigned level)
{
    i128 h = x->chat;
    for (unsigned i = 0; i < x->n; i++) {
        const struct box_asset *a = &b->asset[x->asset[i]];
        i128 lo = (i128)x->coef[i] * (i128)a->lo[level], hi = (i128)x->coef[i] * (i128)a->hi[level];
        h += lo < hi ? lo : hi;
    }
    return h;
}

static void random_boxes(struct prng *r, unsigned assets, struct boxes *b)
{
    memset(b, 0, sizeof *b);
    b->eps_ppm = (uint32_t)prng_between(r, 0, prng_chance(r, 1, 2) ? 100 : 20000);
    b->inner_ppm = b->eps_ppm / (uint32_t)prng_between(r, 1, 8);
    for (uint16_t a = 0; a < assets; a++) {
        uint64_t phat = (UINT64_C(3) << 30) + prng_below(r, UINT64_C(1) << prng_between(r, 0, 30));
        uint32_t spread = prng_chance(r, 1, 2) ? 0 : (uint32_t)prng_between(r, 1, 2000000);
        for (unsigned k = 0; k < BOX_LEVELS; k++)
            box_centre(b, a, k, phat, spread, false);
        box_unit(b, a, phat, phat - phat / 50, phat + phat / 50, false);
    }
}

enum { ROW_SETS = 10000, PLENTY = 80 };

START_TEST(values_and_corners_are_exact)
{
    struct prng r;
    struct err e;
    static struct far f;
    static struct boxes b;
    static struct row rows[FAR_ROWS_MAX];
    size_t negative = 0, by_tier[TIER_FARTHEST + 1] = {0};
    prng_seed(&r, test_seed(20261121));
    ck_assert_int_eq(far_open(&f, 3, &e), 0);
    for (unsigned round = 0; round < test_rounds(ROW_SETS); round++) {
        unsigned n_rows = prng_chance(&r, 2, 3) ? 1 : (unsigned)prng_between(&r, 2, FAR_ROWS_MAX);
        unsigned assets = (unsigned)prng_between(&r, 1, n_rows == 1 ? PLENTY : 64), most = 0;
        uint64_t phat[MARKET_ASSETS_MAX];
        for (unsigned k = 0; k < n_rows; k++) {
            unsigned top = assets < ROW_ASSETS_MAX ? assets : ROW_ASSETS_MAX;
            random_row(&r,
                       prng_chance(&r, 1, 2) && top > 4 ? (unsigned)prng_between(&r, 0, 4)
                                                        : (unsigned)prng_between(&r, 0, top),
                       assets, &rows[k]);
            most = rows[k].n > most ? rows[k].n : most;
        }
        random_boxes(&r, assets, &b);
        far_take(&f, 1);
        ck_assert_int_eq(far_set(&f, 1, rows, n_rows, false), 0);
        must(f.line[1].n >= most, "an asset is missing");
        for (unsigned a = 0; a < assets; a++)
            phat[a] = prng_chance(&r, 1, 8) ? prng_below(&r, 2) * PHAT_TOP : prng_u64(&r) & PHAT_TOP;
        i128 at = exact_at(&rows[0], phat);
        for (unsigned k = 1; k < n_rows; k++)
            at = exact_at(&rows[k], phat) < at ? exact_at(&rows[k], phat) : at;
        must(far_eval(&f, 1, phat) == at, "round %u: another value", round);
        negative += at < 0;
        unsigned tier = 0;
        for (unsigned level = 0; level < BOX_ALL; level++) {
            i128 least = exact_least(&rows[0], &b, level);
            for (unsigned k = 1; k < n_rows; k++)
                least = exact_least(&rows[k], &b, level) < least ? exact_least(&rows[k], &b, level) : least;
            must(far_least(&f, 1, &b, level) == least, "round %u level %u: another corner", round, level);
            if (level < BOX_LEVELS && least >= 0)
                tier = level + 1;
        }
        // The same from wherever the search begins.
        far_put(&f, 1, (unsigned)prng_below(&r, TIER_NONE + 1));
        must(far_tier(&f, 1, &b) == tier, "round %u: tier %u instead of %u", round, far_tier(&f, 1, &b),
             tier);
        by_tier[tier]++;
    }
    ck_assert_uint_gt(negative, 100);
    for (unsigned t = 0; t <= TIER_FARTHEST; t++)
        ck_assert_msg(by_tier[t] > 0, "tier %u never", t);
    far_close(&f);
}
END_TEST

// ---- lists

enum { LIST_ASSETS = 9, OPS = 400000, CROWD = 10000 };

// What the lists must be: for each account its assets and tier; for each walk the accounts it still has to
// give.
struct picture {
    uint32_t n;
    uint8_t *tier;
    uint32_t *holds; // bits of LIST_ASSETS
    bool *due;       // [asset][tier][account]
    size_t size[LIST_ASSETS][TIER_LISTS], given[LIST_ASSETS][TIER_LISTS], at_start[LIST_ASSETS][TIER_LISTS];
};

static bool *due_of(struct picture *p, unsigned asset, unsigned tier, uint32_t account)
{
    return &p->due[((size_t)asset * TIER_LISTS + tier) * p->n + account];
}

static void moved(struct picture *p, uint32_t account, unsigned tier)
{
    unsigned was = p->tier[account];
    if (was == tier)
        return;
    p->tier[account] = (uint8_t)tier;
    for (unsigned a = 0; a < LIST_ASSETS; a++) {
        if (!(p->holds[account] >> a & 1))
            continue;
        if (was < TIER_LISTS) {
            *due_of(p, a, was, account) = false;
            p->size[a][was]--;
        }
        if (tier < TIER_LISTS)
            p->size[a][tier]++;
    }
}

static void change_rows(struct prng *r, struct far *f, struct picture *p, uint32_t account)
{
    struct row rows[3];
    unsigned n = prng_chance(r, 3, 4) ? 1 : (unsigned)prng_between(r, 2, 3);
    far_take(f, account);
    moved(p, account, TIER_NONE);
    p->holds[account] = 0;
    for (unsigned k = 0; k < n; k++) {
        random_row(r, (unsigned)prng_between(r, 0, prng_chance(r, 1, 2) ? FAR_ASSETS : LIST_ASSETS),
                   LIST_ASSETS, &rows[k]);
        for (unsigned i = 0; i < rows[k].n; i++)
            p->holds[account] |= 1u << rows[k].asset[i];
    }
    ck_assert_int_eq(far_set(f, account, rows, n, false), 0);
}

static void check_size(const struct far *f, const struct picture *p, unsigned a, unsigned t)
{
    must(f->list[a][t].n == p->size[a][t], "list %u/%u has %u entries instead of %zu", a, t,
         (unsigned)f->list[a][t].n, p->size[a][t]);
}

static void start_walk(struct far *f, struct picture *p, unsigned a, unsigned t)
{
    far_walk(f, (uint16_t)a, t);
    for (uint32_t i = 0; i < p->n; i++)
        *due_of(p, a, t, i) = p->tier[i] == t && (p->holds[i] >> a & 1);
    p->given[a][t] = 0;
    p->at_start[a][t] = p->size[a][t];
    must(far_walking(f, (uint16_t)a, t) == (p->size[a][t] > 0), "walk of a list of %zu", p->size[a][t]);
}

// The next account of a walk, which is in the list; at the end nobody is left out.
static bool step_walk(struct far *f, struct picture *p, unsigned a, unsigned t, uint32_t *account)
{
    if (!far_next(f, (uint16_t)a, t, account)) {
        for (uint32_t i = 0; i < p->n; i++)
            must(!*due_of(p, a, t, i), "account %u of list %u/%u was never given", (unsigned)i, a, t);
        return false;
    }
    must(*account < p->n && p->tier[*account] == t && (p->holds[*account] >> a & 1),
         "gave an account that is not in the list");
    must(++p->given[a][t] <= p->at_start[a][t], "a walk that does not end");
    *due_of(p, a, t, *account) = false;
    return true;
}

static void random_op(struct prng *r, struct far *f, struct picture *p, unsigned few)
{
    uint32_t account = (uint32_t)prng_below(r, p->n);
    unsigned a = (unsigned)prng_below(r, LIST_ASSETS), t = (unsigned)prng_below(r, few);
    switch (prng_below(r, 16)) {
    case 0:
        change_rows(r, f, p, account);
        break;
    case 1:
        far_take(f, account);
        moved(p, account, TIER_NONE);
        break;
    case 2:
        t = (unsigned)prng_below(r, TIER_NONE + 1);
        far_put(f, account, t);
        moved(p, account, t);
        break;
    case 3:
        if (!far_walking(f, (uint16_t)a, t) || prng_chance(r, 1, 20))
            start_walk(f, p, a, t);
        break;
    case 4: // what the engine does: the account given goes elsewhere at once
    case 5:
    case 6:
        if (step_walk(f, p, a, t, &account) && prng_chance(r, 2, 3)) {
            t = (unsigned)prng_below(r, few);
            far_put(f, account, t);
            moved(p, account, t);
        }
        break;
    default:
        far_put(f, account, t);
        moved(p, account, t);
        break;
    }
    check_size(f, p, a, t < TIER_LISTS ? t : 0);
}

static void picture_open(struct picture *p, uint32_t n)
{
    memset(p, 0, sizeof *p);
    p->n = n;
    p->tier = malloc(n);
    p->holds = calloc(n, sizeof *p->holds);
    p->due = calloc((size_t)n * LIST_ASSETS * TIER_LISTS, 1);
    ck_assert(p->tier && p->holds && p->due);
    memset(p->tier, TIER_NONE, n);
}

static void picture_close(struct picture *p)
{
    free(p->tier);
    free(p->holds);
    free(p->due);
}

static const uint32_t crowds[] = {1, 2, 61, 62, 63, 124, 125, CROWD};

START_TEST(walks_leave_nobody_out)
{
    struct prng r;
    struct err e;
    static struct far f;
    struct picture p;
    prng_seed(&r, test_seed(20261122) + (uint64_t)_i);
    picture_open(&p, crowds[_i]);
    ck_assert_int_eq(far_open(&f, p.n, &e), 0);
    for (uint32_t i = 0; i < p.n; i++)
        change_rows(&r, &f, &p, i);
    unsigned ops = test_rounds(p.n == CROWD ? OPS : OPS / 4);
    for (unsigned k = 0; k < ops; k++)
        random_op(&r, &f, &p, 1 + (unsigned)(k / (ops / 4 + 1)));
    for (unsigned a = 0; a < LIST_ASSETS; a++)
        for (unsigned t = 0; t < TIER_LISTS; t++) {
            uint32_t account;
            check_size(&f, &p, a, t);
            while (step_walk(&f, &p, a, t, &account)) // those still under way
                ;
            start_walk(&f, &p, a, t);
            while (step_walk(&f, &p, a, t, &account))
                ;
            ck_assert_uint_eq(p.given[a][t], p.at_start[a][t]); // undisturbed: each once
        }
    uint64_t count[TIER_NONE + 1] = {0};
    for (uint32_t i = 0; i < p.n; i++)
        count[p.tier[i]]++;
    for (unsigned t = 0; t <= TIER_NONE; t++)
        ck_assert_uint_eq(f.in_tier[t], count[t]);
    far_close(&f);
    picture_close(&p);
}
END_TEST

// Everybody into one tier, then into another, again and again: memory is that of the first time.
START_TEST(blocks_and_wide_rows_are_used_again)
{
    struct prng r;
    struct err e;
    static struct far f;
    struct row row;
    uint32_t blocks = 0, wide = 0, n = 5000;
    prng_seed(&r, test_seed(20261123));
    ck_assert_int_eq(far_open(&f, n, &e), 0);
    for (unsigned round = 0; round < 40; round++) {
        for (uint32_t k = 0; k < n; k++) {
            uint32_t i = round % 2 ? n - 1 - k : k;
            far_take(&f, i);
            random_row(&r, 2 + i % 60, ROW_ASSETS_MAX, &row);
            ck_assert_int_eq(far_set(&f, i, &row, 1, false), 0);
        }
        for (uint32_t i = 0; i < n; i++)
            far_put(&f, i, round % TIER_LISTS);
        if (round == 0) {
            blocks = f.n_blocks;
            wide = f.wide_used;
        }
        // A list's last block may be shared out otherwise.
        ck_assert_uint_le(f.n_blocks, blocks + ROW_ASSETS_MAX);
        ck_assert_uint_eq(f.wide_used, wide);
    }
    far_close(&f);
}
END_TEST

// ---- boxes

struct naive_box {
    uint64_t lo[BOX_ALL], hi[BOX_ALL], glo[BOX_ALL], ghi[BOX_ALL];
};

static void naive_set(struct naive_box *n, unsigned level, uint64_t lo, uint64_t hi, bool background)
{
    n->lo[level] = lo;
    n->hi[level] = hi;
    n->glo[level] = background && n->glo[level] > lo ? n->glo[level] : lo;
    n->ghi[level] = background && n->ghi[level] < hi ? n->ghi[level] : hi;
}

// P̂ -+ its share, cut to what 34 bits hold; in 128-bit integers with a sign.
static void naive_centre(const struct boxes *b, struct naive_box *n, unsigned level, uint64_t phat,
                         uint32_t spread, bool background)
{
    i128 ppm = level ? (i128)b->eps_ppm << level : (i128)b->inner_ppm;
    i128 half = (i128)phat * ppm * (spread ? spread : 1000000) / 1000000 / 1000000;
    i128 lo = (i128)phat - half, hi = (i128)phat + half;
    naive_set(n, level, lo < 0 ? 0 : (uint64_t)lo, hi > (i128)PHAT_TOP ? PHAT_TOP : (uint64_t)hi, background);
}

static bool naive_quiet(const struct box_asset *x, uint64_t phat)
{
    for (unsigned k = 0; k < BOX_ALL; k++)
        if (box_left(x, k, phat) || box_near_edge(x, k, phat))
            return false;
    return true;
}

static void check_box(const struct box_asset *x, const struct naive_box *n, uint64_t phat)
{
    uint64_t in_lo = 0, in_hi = PHAT_TOP;
    for (unsigned k = 0; k < BOX_ALL; k++) {
        must(x->lo[k] == n->lo[k] && x->hi[k] == n->hi[k], "level %u: another box", k);
        must(x->glo[k] == n->glo[k] && x->ghi[k] == n->ghi[k], "level %u: another guard", k);
        in_lo = n->glo[k] > in_lo ? n->glo[k] : in_lo;
        in_hi = n->ghi[k] < in_hi ? n->ghi[k] : in_hi;
        must(box_left(x, k, phat) == (phat < n->glo[k] || phat > n->ghi[k]), "level %u: left?", k);
        must(box_near_edge(x, k, n->lo[k]) || x->mid[k] - n->lo[k] < 3,
             "level %u: its edge is not near its edge", k);
        must(box_near_edge(x, k, n->hi[k]) || n->hi[k] - x->mid[k] < 3,
             "level %u: its edge is not near its edge", k);
    }
    must(x->in_lo == in_lo && x->in_hi == in_hi, "inside of every guard");
    const uint64_t at[] = {phat, x->at_lo, x->at_lo - 1, x->at_hi, x->at_hi + 1, in_lo, in_hi};
    for (unsigned i = 0; i < sizeof at / sizeof *at; i++)
        if (at[i] <= PHAT_TOP && x->at_lo <= x->at_hi)
            must((at[i] >= x->at_lo && at[i] <= x->at_hi) == naive_quiet(x, at[i]),
                 "at_ does not tell what is near an edge");
}

START_TEST(boxes_and_guards)
{
    struct prng r;
    static struct boxes b;
    static struct naive_box n;
    size_t cut_lo = 0, cut_hi = 0, background = 0;
    prng_seed(&r, test_seed(20261124));
    for (unsigned round = 0; round < 300; round++) {
        memset(&b, 0, sizeof b);
        memset(&n, 0, sizeof n);
        b.eps_ppm = (uint32_t)prng_between(&r, 1, prng_chance(&r, 1, 3) ? 20 : 20000);
        b.inner_ppm = b.eps_ppm / (uint32_t)prng_between(&r, 1, 8);
        uint32_t spread = prng_chance(&r, 1, 2) ? 0 : (uint32_t)prng_between(&r, 1, 3000000);
        uint64_t phat = prng_chance(&r, 1, 4) ? PHAT_TOP - prng_below(&r, 1000)
                                              : prng_u64(&r) >> prng_between(&r, 30, 63);
        for (unsigned k = 0; k < BOX_LEVELS; k++) {
            box_centre(&b, 7, k, phat, spread, false);
            naive_centre(&b, &n, k, phat, spread, false);
        }
        box_unit(&b, 7, phat, phat - phat / 64, PHAT_TOP, false);
        naive_set(&n, BOX_UNIT, phat - phat / 64, PHAT_TOP, false);
        for (unsigned step = 0; step < 200; step++) {
            const struct box_asset *x = &b.asset[7];
            unsigned k = (unsigned)prng_below(&r, BOX_ALL);
            check_box(x, &n, phat);
            cut_lo += x->lo[k] == 0;
            cut_hi += x->hi[k] == PHAT_TOP && k != BOX_UNIT;
            // As the engine does: in the background only while the price is inside, else at once.
            phat = prng_chance(&r, 1, 2) ? x->in_lo + prng_below(&r, x->in_hi - x->in_lo + 1)
                                         : (phat + prng_below(&r, phat / 8 + 2) - phat / 16) & PHAT_TOP;
            for (unsigned l = 0; l < BOX_ALL; l++) {
                bool left = box_left(x, l, phat);
                if (!left && l != k)
                    continue;
                background += !left;
                if (l == BOX_UNIT) {
                    uint64_t lo = phat - phat / 50,
                             hi = phat + phat / 50 > PHAT_TOP ? PHAT_TOP : phat + phat / 50;
                    box_unit(&b, 7, phat, lo, hi, !left);
                    naive_set(&n, l, lo, hi, !left);
                } else {
                    box_centre(&b, 7, l, phat, spread, !left);
                    naive_centre(&b, &n, l, phat, spread, !left);
                }
            }
            check_box(x, &n, phat);
            if (prng_chance(&r, 1, 2)) {
                k = (unsigned)prng_below(&r, BOX_ALL);
                if (phat < x->lo[k] || phat > x->hi[k])
                    continue;
                box_done(&b, 7, k);
                n.glo[k] = n.lo[k];
                n.ghi[k] = n.hi[k];
            }
        }
    }
    ck_assert_uint_gt(cut_lo, 100);
    ck_assert_uint_gt(cut_hi, 100);
    ck_assert_uint_gt(background, 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("far");
    TCase *t = tcase_create("far");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, values_and_corners_are_exact);
    tcase_add_loop_test(t, walks_leave_nobody_out, 0, (int)(sizeof crowds / sizeof *crowds));
    tcase_add_test(t, blocks_and_wide_rows_are_used_again);
    tcase_add_test(t, boxes_and_guards);
    suite_add_tcase(s, t);
    return run_suite(s);
}
