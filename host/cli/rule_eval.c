// SPDX-License-Identifier: Apache-2.0
#include "cli/rule_eval.h"

#include "accounts/rules/rule.h"
#include "protocols/evaluate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, FILE_MOST = 64 << 20, BLOCK = 64 << 10 };

static const char WHO[] = "tripline rule eval";

static int usage(const char *why, const char *what)
{
    fprintf(stderr, "%s: %s%s; `tripline rule --help` shows the usage\n", WHO, why, what);
    return EXIT_USAGE;
}

static int unknown(const char *name)
{
    fprintf(stderr,
            rule_find(name) ? "%s: %s judges accounts of a book, not a state; states are judged by"
                            : "%s: unknown rule: %s; known are",
            WHO, name);
    for (size_t i = 0; protocol_at(i); i++)
        fprintf(stderr, "%s %s", i ? "," : "", protocol_at(i)->name);
    fputs(" (see `tripline rule list`)\n", stderr);
    return EXIT_USAGE;
}

// The whole file, for free(); NULL with *e set.
static char *read_all(FILE *f, const char *path, size_t *len, struct err *e)
{
    char *text = NULL;
    size_t n = 0, room = 0;
    do {
        char *more = n + BLOCK > FILE_MOST ? NULL : realloc(text, room = n + BLOCK);
        if (!more) {
            free(text);
            (void)err_set(e, "%s: more than %d bytes, or out of memory: a state is smaller", path, FILE_MOST);
            return NULL;
        }
        text = more;
        n += fread(text + n, 1, room - n, f);
    } while (n == room);
    if (ferror(f)) {
        (void)err_set(e, "%s: cannot be read: %s", path, strerror(errno));
        free(text);
        return NULL;
    }
    *len = n;
    return text;
}

static int eval_file(const struct protocol *p, const char *path, bool json, struct err *e)
{
    static struct outcome out;
    size_t len = 0;
    FILE *f = fopen(path, "r");
    if (!f)
        return err_set(e, "%s: cannot be opened: %s", path, strerror(errno));
    char *text = read_all(f, path, &len, e);
    (void)fclose(f);
    if (!text)
        return -1;
    int rc = evaluate_text(p, text, len, path, 1, &out, e);
    free(text);
    if (rc == 0)
        (json ? evaluate_json : evaluate_print)(&out, stdout);
    return rc == 0 && fflush(stdout) ? err_set(e, "the answer cannot be written") : rc;
}

int rule_eval(int n, char *const *word, bool json, bool example)
{
    struct err e;
    if (n < 1)
        return usage("a rule is needed", "");
    const struct protocol *p = protocol_find(word[0]);
    if (!p)
        return unknown(word[0]);
    if (example)
        return n > 1 ? usage("--example takes no file: ", word[1]) : puts(p->example) < 0;
    if (n != 2)
        return n < 2 ? usage("a file is needed, or - for standard input", "")
                     : usage("too many words: ", word[2]);
    if (strcmp(word[1], "-") == 0) {
        long failed = evaluate_lines(p, stdin, "stdin", json, stdout, WHO, &e);
        if (failed < 0)
            fprintf(stderr, "%s: %s\n", WHO, e.msg);
        return failed != 0;
    }
    int rc = eval_file(p, word[1], json, &e);
    if (rc)
        fprintf(stderr, "%s: %s\n", WHO, e.msg);
    return rc ? 1 : 0;
}
