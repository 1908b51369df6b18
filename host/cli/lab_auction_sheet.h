// SPDX-License-Identifier: Apache-2.0
// What `tripline lab auction` prints: facts, and two tables whose columns come up as rows name them. As text
// an amount is in whole units, cut behind the ninth place; as JSON it is the contract's integer, in a string,
// and a cell that was not put is null. Owns no text: names and texts are the caller's, static. One thread.
#ifndef TRIPLINE_CLI_LAB_AUCTION_SHEET_H
#define TRIPLINE_CLI_LAB_AUCTION_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/u256.h"

enum { SHEET_FACTS = 32, SHEET_ROWS = 1000, SHEET_COLUMNS = 18 };

enum cell_kind { CELL_NONE, CELL_AMOUNT, CELL_WHOLE, CELL_NEVER, CELL_BOOL, CELL_TEXT };
struct cell {
    enum cell_kind kind;
    bool minus, yes;
    unsigned digits; // decimals of an amount
    uint64_t whole;
    u256 amount;
    const char *text;
};
struct cell cell_amount(u256 v, unsigned digits);
struct cell cell_less(u256 a, u256 b, unsigned digits); // a - b, with its sign
struct cell cell_whole(uint64_t v);
struct cell cell_time(uint64_t v); // UINT64_MAX: never
struct cell cell_bool(bool v);
struct cell cell_text(const char *v); // NULL: none

struct sheet_table {
    const char *name;
    const char *head[SHEET_COLUMNS];
    unsigned columns, rows;
    struct cell cell[SHEET_ROWS][SHEET_COLUMNS];
};
struct sheet {
    const char *kind;
    unsigned n;
    const char *name[SHEET_FACTS];
    struct cell fact[SHEET_FACTS];
    struct sheet_table over, steps; // seconds or prices; bids
};
void sheet_fact(struct sheet *s, const char *name, struct cell c);
void sheet_row(struct sheet_table *t); // begins a row; at most SHEET_ROWS of them
void sheet_put(struct sheet_table *t, const char *name, struct cell c);
void sheet_print(const struct sheet *s);              // to stdout
int sheet_json(const struct sheet *s, struct err *e); // likewise; 0, or -1 with *e set

#endif
