// SPDX-License-Identifier: Apache-2.0
#include "cli/lab_page.h"

#include "cli/out_file.h"
#include "lab/html/page.h"

static int write_file(const char *path, bool force, int (*write)(const struct lab_result *, FILE *),
                      const struct lab_result *r, struct err *e)
{
    struct out_file o;
    if (r->failed)
        return err_set(e, "out of memory for the result");
    if (out_file_check(path, force, NULL, 0, e) != 0 || out_file_open(&o, path, e) != 0)
        return -1;
    bool whole = write(r, o.f) == 0 || ferror(o.f);
    if (out_file_close(&o, whole, e) != 0)
        return -1;
    return whole ? 0 : err_set(e, "out of memory for %.200s", path);
}

int lab_page_save(const char *path, bool force, const struct lab_result *r, struct err *e)
{
    return write_file(path, force, lab_page_write, r, e);
}

int lab_json_save(const char *path, bool force, const struct lab_result *r, struct err *e)
{
    return write_file(path, force, lab_result_json, r, e);
}
