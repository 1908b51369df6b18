// SPDX-License-Identifier: Apache-2.0
#include "cli/same_file.h"

#include <sys/stat.h>

bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}
