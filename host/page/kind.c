// SPDX-License-Identifier: Apache-2.0
#include "page/kind.h"

static const char *const KINDS[KIND_COUNT + 1] = {"measured", "simulated", "modelled", "kind not given"};

const char *kind_name(enum kind k)
{
    return KINDS[k];
}
