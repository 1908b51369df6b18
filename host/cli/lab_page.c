// SPDX-License-Identifier: Apache-2.0
#include "cli/lab_page.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lab/html/page.h"

enum { PATH_LEN = 4096 };

// Whole or not at all: under another name first.
static int write_file(const char *path, bool force, int (*write)(const struct lab_result *, FILE *),
                      const struct lab_result *r, struct err *e)
{
    char part[PATH_LEN];
    if (r->failed)
        return err_set(e, "out of memory for the result");
    if (!force && access(path, F_OK) == 0)
        return err_set(e, "%s is there already: give another name, or --force", path);
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part)
        return err_set(e, "%.100s...: the name is too long", path);
    FILE *f = fopen(part, "we");
    if (!f)
        return err_set(e, "%s: %s", part, strerror(errno));
    int bad = write(r, f) != 0;
    bad = fclose(f) != 0 || bad;
    if (bad || rename(part, path) != 0) {
        (void)err_set(e, "%s: cannot be written: %s", path, strerror(errno));
        (void)unlink(part);
        return -1;
    }
    return 0;
}

int lab_page_save(const char *path, bool force, const struct lab_result *r, struct err *e)
{
    return write_file(path, force, lab_page_write, r, e);
}

int lab_json_save(const char *path, bool force, const struct lab_result *r, struct err *e)
{
    return write_file(path, force, lab_result_json, r, e);
}
