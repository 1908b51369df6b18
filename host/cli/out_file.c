// SPDX-License-Identifier: Apache-2.0
#include "cli/out_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/same_file.h"

int out_file_check(const char *name, bool force, const char *const *input, size_t n, struct err *e)
{
    struct stat st;
    for (size_t i = 0; i < n; i++)
        if (input[i] && same_file(name, input[i]))
            return err_set(e, "%.200s is what is read: give another name", name);
    if (stat(name, &st) != 0)
        return 0; // whether it can be made, opening it says
    if (S_ISDIR(st.st_mode))
        return err_set(e, "%.200s is a folder: name a file in it", name);
    if (S_ISREG(st.st_mode) && !force)
        return err_set(e, "%.200s is there already: give another name, or --force", name);
    return 0;
}

static int failed(struct out_file *o, struct err *e)
{
    (void)err_set(e, "%.200s: cannot be written: %s", o->name, strerror(errno));
    free(o->path);
    free(o->part);
    return -1;
}

int out_file_open(struct out_file *o, const char *name, struct err *e)
{
    struct stat st;
    bool there = stat(name, &st) == 0;
    *o = (struct out_file){.name = name, .path = there ? realpath(name, NULL) : strdup(name)};
    // What a descriptor leads to (/dev/stdout) may have no path of its own: it is written to as it is.
    bool plain = o->path && (!there || S_ISREG(st.st_mode));
    if (plain && asprintf(&o->part, "%s.part", o->path) < 0) {
        o->part = NULL;
        return failed(o, e);
    }
    o->f = fopen(plain ? o->part : name, "we");
    return o->f ? 0 : failed(o, e);
}

int out_file_close(struct out_file *o, bool keep, struct err *e)
{
    int rc = 0;
    bool bad = ferror(o->f) != 0;
    bad = fclose(o->f) != 0 || bad;
    if (keep && (bad || (o->part && rename(o->part, o->path) != 0)))
        rc = err_set(e, "%.200s: cannot be written: %s", o->name, strerror(errno));
    if (o->part && (rc || !keep))
        (void)unlink(o->part);
    free(o->path);
    free(o->part);
    return rc;
}
