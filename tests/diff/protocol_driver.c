// SPDX-License-Identifier: Apache-2.0
// What `tripline rule eval NAME - --json` does, with nothing else linked in: judges compile it, and wrong
// versions of a rule, in a second.
#include "protocols/evaluate.h"

int main(int argc, char **argv)
{
    struct err e;
    const struct protocol *p = argc == 2 ? protocol_find(argv[1]) : NULL;
    if (!p) {
        fprintf(stderr, "usage: protocol_driver PROTOCOL: one of those in registry.c\n");
        return 2;
    }
    long failed = evaluate_lines(p, stdin, "stdin", true, stdout, "protocol_driver", &e);
    if (failed < 0)
        fprintf(stderr, "protocol_driver: %s\n", e.msg);
    return failed != 0;
}
