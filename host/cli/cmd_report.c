// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/html/page.h"
#include "cli/cli.h"
#include "cli/same_file.h"
#include "run/report.h"

static void usage(FILE *f)
{
    fputs(
        "usage: tripline report JOURNAL\n"
        "       tripline report --html OUT.html BENCH.json...\n\n"
        "Shows what the runs in a journal did: records, orders with their outcome, and each run's "
        "summary.\n"
        "With --html: writes what `tripline bench --json` measured as one page that needs no network and no\n"
        "other file; several files (at most 8) stand side by side in the same charts.\n\n"
        "  --html OUT.html  write the page there; - is the standard output\n"
        "  --help           this text\n\n"
        "exit status: 0, 1 when a file cannot be read or written, 2 usage\n",
        f);
}

// Made in memory first, so that a page is written whole or not at all.
static int write_page(const char *path, const struct bench_data *const *file, size_t n)
{
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    if (memory)
        page_write(memory, file, n);
    bool ok = memory && !ferror(memory);
    if (memory && fclose(memory) != 0)
        ok = false;
    bool standard = strcmp(path, "-") == 0;
    FILE *f = !ok ? NULL : standard ? stdout : fopen(path, "w");
    ok = f && fwrite(text, 1, len, f) == len && fflush(f) == 0;
    if (f && !standard && fclose(f) != 0)
        ok = false;
    if (!ok)
        fprintf(stderr, "tripline report: %s: cannot be written: %s\n", path, strerror(errno));
    free(text);
    return ok ? 0 : 1;
}

static int html(const char *out, char **paths, size_t n)
{
    static struct bench_data data[PAGE_FILES_MAX];
    const struct bench_data *file[PAGE_FILES_MAX];
    struct err e;
    int rc = 0;
    for (size_t i = 0; i < n; i++)
        if (strcmp(out, "-") != 0 && same_file(out, paths[i])) {
            fprintf(stderr, "tripline report: --html %s is an input; name another file\n", out);
            return 2;
        }
    for (size_t i = 0; i < n && rc == 0; i++) {
        file[i] = &data[i];
        if (bench_data_read(paths[i], &data[i], &e) != 0) {
            fprintf(stderr, "tripline report: %s\n", e.msg);
            rc = 1;
        }
    }
    if (rc == 0)
        rc = write_page(out, file, n);
    for (size_t i = 0; i < n; i++)
        bench_data_free(&data[i]);
    return rc;
}

static int journal(const char *path)
{
    struct err e;
    if (report_journal(path, stdout, &e) == 0)
        return 0;
    bool named = strncmp(e.msg, path, strlen(path)) == 0;
    fprintf(stderr, "tripline report: %s%s%s\n", named ? "" : path, named ? "" : ": ", e.msg);
    return 1;
}

int cmd_report(int argc, char **argv)
{
    static const struct option options[] = {
        {"html", required_argument, NULL, 'o'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *out = NULL;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c != 'o') {
            usage(c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
        out = optarg;
    }
    int n = argc - optind;
    if (n < 1 || n > (out ? (int)PAGE_FILES_MAX : 1)) {
        usage(stderr);
        return 2;
    }
    return out ? html(out, argv + optind, (size_t)n) : journal(argv[optind]);
}
