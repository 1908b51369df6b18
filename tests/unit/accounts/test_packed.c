// SPDX-License-Identifier: Apache-2.0
// Packed books: every account comes back as it was (the wire codec is the judge), and random adds, puts and
// look-ups leave a packed book equal to an array that had the same done to it, whatever the arena's state is:
// new, cut up, full.
#include <check.h>
#include <stdlib.h>

#include "accounts/book_random.h"
#include "accounts/packed.h"
#include "accounts/store.h"
#include "base/test_seed.h"
#include "run_suite.h"

static uint64_t seed;

static void same(const struct account *a, const struct account *b)
{
    static uint8_t x[ACCOUNT_BYTES_MAX], y[ACCOUNT_BYTES_MAX];
    size_t n = account_encode(a, x, sizeof x), k = account_encode(b, y, sizeof y);
    ck_assert_uint_gt(n, 0);
    ck_assert_msg(n == k && memcmp(x, y, n) == 0 && account_equal(a, b), "account %u differs", a->id);
    ck_assert_mem_eq(a->name, b->name, NAME_LEN); // nothing of another account's behind it
}

// A scratch account full of what an earlier one has left there.
static struct account *dirty(void)
{
    static struct account scratch;
    memset(&scratch, 0xa5, sizeof scratch);
    return &scratch;
}

static void same_books(const struct book *want, const struct book *have)
{
    ck_assert_uint_eq(want->n_accounts, have->n_accounts);
    for (size_t i = 0; i < want->n_accounts; i++) {
        same(&want->account[i], book_account(have, i, dirty()));
        ck_assert_uint_eq(book_id(have, i), want->account[i].id);
    }
}

// n random accounts, ids ascending by 1 to 3, room for n in the array.
static void random_book(struct prng *r, struct book *b, size_t n)
{
    uint32_t id = 0;
    *b = (struct book){.n_accounts = n, .account = calloc(n, sizeof *b->account)};
    for (size_t i = 0; i < n; i++) {
        random_account(r, &b->account[i]);
        b->account[i].id = id += 1 + (uint32_t)prng_below(r, 3);
    }
}

static struct book packed_copy(const struct book *b, size_t arena_max)
{
    struct book p = {0};
    struct err e = {""};
    ck_assert_int_eq(book_packed(&p, arena_max, &e), 0);
    ck_assert_int_eq(book_reserve(&p, b->n_accounts, 0, &e), 0);
    for (size_t i = 0; i < b->n_accounts; i++)
        ck_assert_msg(book_add(&p, &b->account[i], &e) == 0, "%s", e.msg);
    return p;
}

START_TEST(test_lossless)
{
    enum { N = 3000 };
    struct prng r;
    struct book a;
    prng_seed(&r, seed);
    random_book(&r, &a, N);
    struct book p = packed_copy(&a, 0);
    same_books(&a, &p);
    book_free(&a);
    book_free(&p);
}
END_TEST

// Each integer at both sides of every byte's edge, in every field at once and alone.
START_TEST(test_edges)
{
    struct book p = {0};
    struct err e = {""};
    ck_assert_int_eq(book_packed(&p, 0, &e) || book_reserve(&p, 1, 0, &e), 0);
    struct account a = {.id = 1, .rule = rule_at(0), .n_positions = 1};
    ck_assert_int_eq(book_add(&p, &a, &e), 0);
    for (unsigned bits = 0; bits < 127; bits++)
        for (int d = -1; d <= 1; d++)
            for (int field = 0; field < 6; field++) {
                i128 v = ((i128)1 << bits) + d;
                i128 signed_v = field % 2 ? -v : v;
                a.position[0] =
                    (struct position){.instrument = MARKET_INSTRUMENTS_MAX - 1, .collateral = bits % 2};
                a.cash = field == 0 || field == 5 ? -signed_v : 0;
                a.epoch = field == 1 || field == 5 ? (uint32_t)v : 0;
                a.position[0].size = field == 2 || field == 5 ? signed_v : 0;
                a.position[0].entry = field == 3 || field == 5 ? (int64_t)v : 0;
                a.position[0].supply = field == 4 || field == 5 ? v : 0;
                a.position[0].debt = field == 5 ? v : 0;
                ck_assert_int_eq(book_put(&p, 0, &a, &e), 0);
                same(&a, book_account(&p, 0, dirty()));
            }
    book_free(&p);
}
END_TEST

// More currencies than the table of them holds, and the largest account there can be.
START_TEST(test_tables_full)
{
    enum { N = 700 };
    struct prng r;
    struct book a;
    prng_seed(&r, seed);
    random_book(&r, &a, N);
    for (size_t i = 0; i < N; i++) {
        struct account *x = &a.account[i];
        (void)snprintf(x->currency, CURRENCY_LEN, "C%zu", i % 350);
        if (i % 7)
            continue;
        memset(x->name, 'n', NAME_LEN - 1);
        x->cash = (i128)((u128)1 << 127);
        x->epoch = UINT32_MAX;
        x->n_positions = ACCOUNT_POSITIONS_MAX;
        for (uint16_t k = 0; k < ACCOUNT_POSITIONS_MAX; k++)
            x->position[k] = (struct position){.instrument = (uint16_t)(4 * k + 3),
                                               .size = x->cash,
                                               .entry = INT64_MIN,
                                               .supply = ~x->cash,
                                               .debt = ~x->cash};
    }
    struct book p = packed_copy(&a, 0);
    same_books(&a, &p);
    book_free(&a);
    book_free(&p);
}
END_TEST

// The one put is the one that was viewed last, half of the time.
static void put_both(struct prng *r, struct book *a, struct book *p)
{
    struct err e = {""};
    size_t i = (size_t)prng_below(r, a->n_accounts);
    if (prng_chance(r, 1, 2))
        same(&a->account[i], book_view(p, i));
    struct account x = a->account[i];
    if (prng_chance(r, 1, 2)) {
        random_account(r, &x);
        x.id = a->account[i].id;
    } else {
        x.cash += (i128)prng_below(r, 1000) - 500;
        x.epoch++;
    }
    ck_assert_msg(book_put(p, i, &x, &e) == 0, "%s", e.msg);
    ck_assert_int_eq(book_put(a, i, &x, &e), 0);
    same(&a->account[i], book_view(p, i));
    ck_assert_ptr_eq(book_view(a, i), &a->account[i]);
}

START_TEST(test_random_operations)
{
    enum { N = 400, ROOM = 900, STEPS = 40000 };
    struct prng r;
    struct book a;
    struct err e = {""};
    prng_seed(&r, seed);
    random_book(&r, &a, ROOM);
    a.n_accounts = N; // the others are there to be added
    struct book p = packed_copy(&a, 0);
    ck_assert_int_eq(book_reserve(&p, ROOM, 0, &e), 0);
    ck_assert_uint_eq(book_room(&p), ROOM);
    for (int step = 0; step < (int)test_rounds(STEPS); step++) {
        uint64_t what = prng_below(&r, 100);
        size_t i = (size_t)prng_below(&r, a.n_accounts);
        if (what < 2 && a.n_accounts < ROOM) {
            ck_assert_msg(book_add(&p, &a.account[a.n_accounts], &e) == 0, "%s", e.msg);
            a.n_accounts++;
        } else if (what < 60) {
            put_both(&r, &a, &p);
        } else if (what < 80) {
            same(&a.account[i], book_account(&p, i, dirty()));
        } else {
            uint32_t id = (uint32_t)prng_below(&r, a.account[a.n_accounts - 1].id + 3);
            ck_assert_uint_eq(book_find(&p, id), book_find(&a, id));
            ck_assert_uint_eq(book_find(&p, a.account[i].id), i);
        }
    }
    same_books(&a, &p);
    if (a.n_accounts == ROOM)
        ck_assert_int_eq(book_add(&p, &a.account[0], &e), -1);
    struct account again = a.account[0];
    ck_assert_int_eq(book_add(&p, &again, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "ascend"));
    again.id = UINT32_MAX;
    while (book_add(&p, &again, &e) == 0 && p.n_accounts < 2 * ROOM)
        again.id--; // never: only the first of these ascends
    ck_assert_uint_le(p.n_accounts, ROOM);
    book_free(&a);
    book_free(&p);
}
END_TEST

static int count_same(void *ctx, size_t old, size_t new)
{
    (void)old;
    (void)new;
    ++*(unsigned *)ctx;
    return 0;
}

// States that change for ever must not eat up the arena: a slot keeps its size, so at worst each account has
// one of the largest state that it ever had, and what larger states have left is used again.
START_TEST(test_churn_is_bounded)
{
    enum { N = 2000, ROUNDS = 60 };
    struct prng r;
    struct book a;
    size_t used, largest = 0;
    uint8_t buf[ACCOUNT_BYTES_MAX];
    prng_seed(&r, seed);
    random_book(&r, &a, N);
    struct book p = packed_copy(&a, 0);
    for (int i = 0; i < (int)test_rounds(N * ROUNDS); i++)
        put_both(&r, &a, &p);
    same_books(&a, &p);
    for (size_t i = 0; i < N; i++) {
        size_t n = account_encode(&a.account[i], buf,
                                  sizeof buf); // wider than a record by its varints, never by a half
        largest = n > largest ? n : largest;
    }
    size_t all = packed_bytes(p.packed, &used);
    ck_assert_msg(used <= N * largest && all <= N * largest + (4u << 20),
                  "%zu bytes, %zu in use, %zu a state", all, used, largest);
    // Each replaced by the least that there is: then nothing may be in use but these, whatever slots they are
    // in.
    unsigned both = 0;
    struct err e = {""};
    struct account least = {.rule = rule_at(0)};
    ck_assert_int_eq(book_reserve(&p, 2 * N, 0, &e), 0);
    for (size_t i = 0; i < N; i++) {
        least.id = a.account[i].id;
        ck_assert_int_eq(packed_add(p.packed, &least, &e), 0);
    }
    ck_assert_int_eq(packed_merge(p.packed, N, count_same, &both, &e), 0);
    ck_assert_uint_eq(both, N);
    (void)packed_bytes(p.packed, &used);
    size_t most =
        N * (2 * sizeof(uint32_t) + 2 * sizeof(uint64_t)) + 4096; // place, record and a word, ends of chunks
    ck_assert_msg(used <= most, "%zu bytes in use, at most %zu", used, most);
    book_free(&a);
    book_free(&p);
}
END_TEST

// The usual life of an account: amounts change by little, a position comes or goes.
START_TEST(test_growth_stays_small)
{
    enum { N = 20000, STEPS = 20 * N };
    struct prng r;
    struct err e = {""};
    struct gen_options o = {.seed = seed, .accounts = N, .near_ppm = GEN_NEAR_PPM};
    struct book p = {0};
    size_t before, after;
    static struct account a;
    prng_seed(&r, seed);
    ck_assert_int_eq(accounts_generate(&o, &p, &e) || book_pack(&p, &e), 0);
    (void)packed_bytes(p.packed, &before);
    for (int i = 0; i < (int)test_rounds(STEPS); i++) {
        size_t at = (size_t)prng_below(&r, N);
        account_copy(&a, book_account(&p, at, dirty()));
        a.epoch++;
        a.cash = a.cash * (i128)prng_between(&r, 900, 1110) / 1000;
        if (a.n_positions > 1 && prng_chance(&r, 1, 4))
            a.n_positions--;
        else if (a.n_positions < 4 && prng_chance(&r, 1, 4))
            a.position[a.n_positions++] =
                (struct position){.instrument = (uint16_t)(a.position[a.n_positions - 1].instrument + 1),
                                  .size = 5,
                                  .entry = 9};
        ck_assert_int_eq(book_put(&p, at, &a, &e), 0);
    }
    (void)packed_bytes(p.packed, &after);
    ck_assert_msg(after < before + before / 2, "%zu bytes grew to %zu", before, after);
    book_free(&p);
}
END_TEST

// What a large state has left is cut up for small ones, to the last words.
START_TEST(test_slots_are_cut)
{
    enum { ARENA = 8000, ROOM = 1000, WORD = 8 };
    struct book p = {0};
    struct err e = {""};
    struct account a = {.id = 1, .rule = rule_at(0), .n_positions = 30},
                   small = {.rule = rule_at(0), .name = "abcdefgh", .cash = -1};
    size_t used, before;
    for (uint16_t i = 0; i < ACCOUNT_POSITIONS_MAX; i++)
        a.position[i] = (struct position){.instrument = i, .size = INT64_MAX, .entry = INT64_MAX};
    ck_assert_int_eq(book_packed(&p, ARENA, &e) || book_reserve(&p, ROOM, 0, &e) || book_add(&p, &a, &e), 0);
    (void)packed_bytes(p.packed, &before);
    a.n_positions = ACCOUNT_POSITIONS_MAX;
    ck_assert_int_eq(book_put(&p, 0, &a, &e), 0); // in a new slot
    (void)packed_bytes(p.packed, &used);
    ck_assert_uint_gt(used, before + before / 2);
    for (small.id = 2; book_add(&p, &small, &e) == 0; small.id++)
        continue;
    ck_assert_uint_gt(p.n_accounts, 200);
    (void)packed_bytes(p.packed, &used);
    size_t index = p.n_accounts * 2 * sizeof(uint32_t),
           spoilt = 3 * WORD; // word 0, and a remainder at either end
    ck_assert_msg(used - index + spoilt >= ARENA, "%zu of %d bytes with %zu accounts", used - index, ARENA,
                  p.n_accounts);
    same(&a, book_account(&p, 0, dirty()));
    small.id = (uint32_t)p.n_accounts;
    same(&small, book_account(&p, p.n_accounts - 1, dirty()));
    book_free(&p);
}
END_TEST

// Records up to the last word that a chunk gives, of every length to the end; what is read beyond must still
// be the chunk's (the sanitizers see that).
START_TEST(test_chunk_ends)
{
    enum { CHUNK = 1 << 18 };
    struct err e = {""};
    for (unsigned words = 1; words <= 3; words++) {
        const size_t n = CHUNK / words + 1000;
        struct book p = {0};
        struct account a = {.rule = rule_at(0),
                            .cash = words == 1   ? 0
                                    : words == 2 ? INT64_MAX
                                                 : (i128)1 << 120};
        ck_assert_int_eq(book_packed(&p, 0, &e) || book_reserve(&p, n, 0, &e), 0);
        for (a.id = 1; a.id <= n; a.id++)
            ck_assert_int_eq(book_add(&p, &a, &e), 0);
        struct account *got = dirty();
        for (size_t i = 0; i < n; i++)
            ck_assert(book_account(&p, i, got)->id == i + 1 && got->cash == a.cash && got->n_positions == 0 &&
                      !got->name[0]);
        book_free(&p);
    }
}
END_TEST

static void named(struct account *a, int letters)
{
    memset(a->name, 0, NAME_LEN);
    memset(a->name, 'n', (size_t)letters);
}

// A slot that is a word larger than what is put into it is known by its own size: the word is there for the
// next state.
START_TEST(test_slot_keeps_its_size)
{
    enum { WORD = 8, WORDS = 1 + 5 + 3 + 7 }; // none is left over
    struct book p = {0};
    struct err e = {""};
    struct account a = {.id = 1, .rule = rule_at(0)}, b = {.id = 2, .rule = rule_at(0)};
    ck_assert_int_eq(book_packed(&p, WORDS * WORD, &e) || book_reserve(&p, 3, 0, &e), 0);
    named(&a, 4 * WORD - 1);
    ck_assert_int_eq(book_add(&p, &a, &e), 0); // 5 words
    named(&b, 2 * WORD);
    ck_assert_int_eq(book_add(&p, &b, &e), 0); // 3
    a.cash = (i128)1 << 120;
    ck_assert_int_eq(book_put(&p, 0, &a, &e), 0); // 7: leaves 5
    named(&b, 3 * WORD);
    ck_assert_int_eq(book_put(&p, 1, &b, &e), 0); // 4: into these 5
    named(&b, 4 * WORD - 1);
    ck_assert_msg(book_put(&p, 1, &b, &e) == 0, "%s", e.msg); // 5: in place
    b.cash = 1000;
    ck_assert_int_eq(book_put(&p, 1, &b, &e), -1); // 6: nowhere
    b.cash = 0;
    same(&a, book_account(&p, 0, dirty()));
    same(&b, book_account(&p, 1, dirty()));
    book_free(&p);
}
END_TEST

// An arena that is full refuses, keeps the old state, and goes on with what fits.
START_TEST(test_full)
{
    enum { N = 300, ARENA = 150000 };
    struct prng r;
    struct book a;
    struct err e = {""};
    prng_seed(&r, seed);
    random_book(&r, &a, N);
    a.n_accounts = 0;
    struct book p = {0};
    ck_assert_int_eq(book_packed(&p, ARENA, &e) || book_reserve(&p, N, 0, &e), 0);
    while (a.n_accounts < N && book_add(&p, &a.account[a.n_accounts], &e) == 0)
        a.n_accounts++;
    ck_assert_uint_lt(a.n_accounts, N);
    ck_assert_uint_gt(a.n_accounts, 20);
    ck_assert_ptr_nonnull(strstr(e.msg, "no room"));
    ck_assert_uint_eq(p.n_accounts, a.n_accounts);
    unsigned refused = 0, taken = 0;
    for (int step = 0; step < (int)test_rounds(5000); step++) {
        size_t i = (size_t)prng_below(&r, a.n_accounts);
        struct account x;
        random_account(&r, &x);
        x.id = a.account[i].id;
        if (book_put(&p, i, &x, &e)) {
            refused++;
        } else {
            taken++;
            a.account[i] = x;
        }
        same(&a.account[i], book_account(&p, i, dirty()));
    }
    ck_assert_msg(refused > 0 && taken > 0, "%u refused, %u taken", refused, taken);
    same_books(&a, &p);
    book_free(&a);
    book_free(&p);
}
END_TEST

START_TEST(test_refused)
{
    struct book p = {0}, plain = {0};
    struct err e = {""};
    struct account a = {.id = 1, .rule = rule_at(0)}, bad = a;
    ck_assert_int_eq(book_packed(&p, 0, &e) || book_reserve(&p, 2, 0, &e) || book_add(&p, &a, &e), 0);
    ck_assert_int_eq(book_add(&plain, &a, &e), -1);
    ck_assert_int_eq(book_reserve(&plain, 5, 0, &e), -1);
    bad.rule = NULL;
    ck_assert_int_eq(book_put(&p, 0, &bad, &e), -1);
    bad = a;
    bad.n_positions = ACCOUNT_POSITIONS_MAX + 1;
    ck_assert_int_eq(book_put(&p, 0, &bad, &e), -1);
    bad = a;
    bad.n_positions = 1;
    bad.position[0].instrument = MARKET_INSTRUMENTS_MAX;
    ck_assert_int_eq(book_put(&p, 0, &bad, &e), -1);
    bad = a;
    memset(bad.name, 'x', NAME_LEN);
    ck_assert_int_eq(book_put(&p, 0, &bad, &e), -1);
    bad = a;
    bad.cash_decimals = 32;
    ck_assert_int_eq(book_put(&p, 0, &bad, &e), -1);
    ck_assert_int_eq(book_add(&p, &a, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "ascend")); // twice is once too many
    same(&a, book_account(&p, 0, dirty()));
    ck_assert_uint_eq(book_find(&p, 1), 0);
    ck_assert_uint_eq(book_find(&p, 0), SIZE_MAX);
    ck_assert_uint_eq(book_find(&p, 2), SIZE_MAX);
    book_free(&p);
}
END_TEST

// Array to packed and back; as an array only up to what the caller takes.
START_TEST(test_forms)
{
    struct prng r;
    struct book a, b;
    struct err e = {""};
    prng_seed(&r, seed);
    random_book(&r, &a, 50);
    prng_seed(&r, seed);
    random_book(&r, &b, 50);
    ck_assert_int_eq(book_pack(&b, &e), 0);
    ck_assert(b.packed && !b.account);
    ck_assert_int_eq(book_pack(&b, &e), 0);
    same_books(&a, &b);
    ck_assert_uint_lt(book_bytes(&b), 3u << 20);
    ck_assert_int_eq(book_unpack(&b, 49, &e), -1);
    ck_assert_ptr_nonnull(strstr(e.msg, "at most 49"));
    same_books(&a, &b);
    ck_assert_int_eq(book_unpack(&b, 50, &e), 0);
    ck_assert(!b.packed && b.account);
    ck_assert_int_eq(book_unpack(&b, 0, &e), 0);
    same_books(&a, &b);
    ck_assert_uint_eq(book_bytes(&b), 50 * sizeof(struct account));
    book_free(&a);
    book_free(&b);
}
END_TEST

// What an import does: an ascending book, then others in any order, some of the same ids.
START_TEST(test_sort_and_merge)
{
    enum { OLD = 500, NEW = 300 };
    struct prng r;
    struct book a;
    struct err e = {""};
    prng_seed(&r, seed);
    random_book(&r, &a, OLD);
    struct book p = packed_copy(&a, 0), want = {0};
    ck_assert_int_eq(book_reserve(&p, OLD + NEW, 0, &e), 0);
    struct account *by_id[3 * OLD + 50] = {0}; // what each id must be in the end
    for (size_t i = 0; i < OLD; i++)
        by_id[a.account[i].id] = &a.account[i];
    struct account *fresh = calloc(NEW, sizeof *fresh);
    bool taken[3 * OLD + 50] = {0};
    unsigned both = 0, replaced = 0;
    for (size_t i = 0; i < NEW; i++) {
        uint32_t id;
        do
            id = 1 + (uint32_t)prng_below(&r, 3 * OLD + 49);
        while (taken[id]);
        taken[id] = true;
        random_account(&r, &fresh[i]);
        fresh[i].id = id;
        replaced += by_id[id] != NULL;
        by_id[id] = &fresh[i];
        ck_assert_int_eq(packed_add(p.packed, &fresh[i], &e), 0);
    }
    (void)book_view(&p, OLD); // another one will be there
    packed_sort(p.packed, OLD);
    same(book_account(&p, OLD, dirty()), book_view(&p, OLD));
    ck_assert_int_eq(packed_merge(p.packed, OLD, count_same, &both, &e), 0);
    ck_assert_uint_eq(both, replaced);
    ck_assert_uint_gt(both, 0);
    p.n_accounts = packed_count(p.packed);
    same(book_account(&p, OLD, dirty()), book_view(&p, OLD));
    want.account = calloc(OLD + NEW, sizeof *want.account);
    for (size_t id = 0; id < sizeof by_id / sizeof *by_id; id++)
        if (by_id[id])
            want.account[want.n_accounts++] = *by_id[id];
    same_books(&want, &p);
    put_both(&r, &want, &p); // the slots of those replaced are free again, and nobody else's
    for (int i = 0; i < 2000; i++)
        put_both(&r, &want, &p);
    same_books(&want, &p);
    free(fresh);
    book_free(&a);
    book_free(&want);
    book_free(&p);
}
END_TEST

int main(void)
{
    seed = test_seed(20261121);
    Suite *s = suite_create("accounts/packed");
    TCase *t = tcase_create("packed");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, test_lossless);
    tcase_add_test(t, test_edges);
    tcase_add_test(t, test_tables_full);
    tcase_add_test(t, test_random_operations);
    tcase_add_test(t, test_churn_is_bounded);
    tcase_add_test(t, test_growth_stays_small);
    tcase_add_test(t, test_slots_are_cut);
    tcase_add_test(t, test_chunk_ends);
    tcase_add_test(t, test_slot_keeps_its_size);
    tcase_add_test(t, test_full);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_forms);
    tcase_add_test(t, test_sort_and_merge);
    suite_add_tcase(s, t);
    return run_suite(s);
}
