// SPDX-License-Identifier: Apache-2.0
// What the commands of `tripline lab` that ask a whole book have in common: which accounts, at which prices,
// and the world made of them. One thread.
#ifndef TRIPLINE_CLI_LAB_BOOK_H
#define TRIPLINE_CLI_LAB_BOOK_H

#include "cli/progress.h"
#include "cli/start_prices.h"
#include "lab/paths.h"
#include "lab/result.h"
#include "lab/world.h"

enum { LAB_ACCOUNTS_MAX = 100000000, LAB_INPUTS = 16 };

struct lab_book {
    const char *verb, *db, *lending, *perp; // verb: for messages
    uint64_t generate, seed, at;            // at: second of the Unix epoch, 0: as told
    const char *page;                       // file to leave a page in; NULL: none
    const char *input[LAB_INPUTS];          // files that are read, which that must not be
    unsigned n_inputs;
    bool json, progress, force;
    struct start_prices prices;
    struct book book;
    bool has_book;
    struct coins coins;
    int64_t px[MARKET_ASSETS_MAX];
    struct world world;
};

#define LAB_BOOK_HELP                                                                                        \
    "Which accounts, one of:\n"                                                                              \
    "  --accounts DB       those of a store\n"                                                               \
    "  --generate N        N synthetic ones (`tripline accounts gen`), by --seed; --lending RULE for the\n"  \
    "                      borrowers (default aave-3.5), --perp RULE for those who hold linear perpetuals\n" \
    "                      (default perp-linear-1)\n"                                                        \
    "At which prices (default: those of `tripline gen`; a later option replaces an earlier price):\n"        \
    "  --capture FILE      the first marks and indexes of a capture\n"                                       \
    "  --prices FILE       CSV lines name,price[,linear|inverse|index]\n"                                    \
    "  --price NAME=VALUE  one price\n"                                                                      \
    "  --at SECONDS        interest and funding as at this second of the Unix epoch (default: as told)\n"    \
    "What it leaves:\n"                                                                                      \
    "  -o, --output FILE   a page (HTML, self-contained); --force replaces a file that is there\n"

// Long options of the above, for a command's own table; values from LAB_OPT on are lab_book_option()'s.
enum {
    LAB_OPT = 1000,
    LAB_OPT_ACCOUNTS = LAB_OPT,
    LAB_OPT_GENERATE,
    LAB_OPT_SEED,
    LAB_OPT_LENDING,
    LAB_OPT_PERP,
    LAB_OPT_CAPTURE,
    LAB_OPT_PRICES,
    LAB_OPT_PRICE,
    LAB_OPT_AT,
    LAB_OPT_JSON,
    LAB_OPT_PROGRESS,
    LAB_OPT_OUTPUT,
    LAB_OPT_FORCE
};
// clang-format off
#define LAB_BOOK_LONG                                                                                        \
    {"accounts", required_argument, NULL, LAB_OPT_ACCOUNTS}, {"generate", required_argument, NULL, LAB_OPT_GENERATE}, \
    {"seed", required_argument, NULL, LAB_OPT_SEED}, {"lending", required_argument, NULL, LAB_OPT_LENDING},  \
    {"perp", required_argument, NULL, LAB_OPT_PERP},                                                         \
    {"capture", required_argument, NULL, LAB_OPT_CAPTURE}, {"prices", required_argument, NULL, LAB_OPT_PRICES}, \
    {"price", required_argument, NULL, LAB_OPT_PRICE}, {"at", required_argument, NULL, LAB_OPT_AT},          \
    {"json", no_argument, NULL, LAB_OPT_JSON}, {"progress", no_argument, NULL, LAB_OPT_PROGRESS},         \
    {"output", required_argument, NULL, LAB_OPT_OUTPUT}, {"force", no_argument, NULL, LAB_OPT_FORCE}
// clang-format on

void lab_book_init(struct lab_book *b, const char *verb);
void lab_book_free(struct lab_book *b);
// 0, 1 with a message on stderr (a file), 2 (wrong usage, likewise).
int lab_book_option(struct lab_book *b, int option, const char *value);
// Is one book named, and may the page be left where it shall be? 0, 1, 2, with a message.
int lab_book_check(const struct lab_book *b);
void lab_book_reads(struct lab_book *b, const char *path);
// Loads or generates, prices, finds the coins; then the world. 0, or -1 with *e set.
int lab_book_open(struct lab_book *b, const struct progress *p, struct err *e);
int lab_book_world(struct lab_book *b, const struct progress *p, struct err *e);
// The page, where one is asked for: what `fill` makes of `of`. 0, or -1 with *e set.
int lab_book_page(const struct lab_book *b, const char *title,
                  void (*fill)(const void *of, struct lab_result *r), const void *of, struct err *e);
// A fraction lo..hi in decimal digits ("-0.25"). 0, or -1.
int lab_fraction(const char *text, double lo, double hi, double *out);

// The commands; argv[0] is the verb.
int lab_map(int argc, char **argv);
int lab_var(int argc, char **argv);

#endif
