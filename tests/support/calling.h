/* calling.h - a host of the test's own for plugins' slots that need messages, logs and memory
 * only: keeps the last text of each. */
#ifndef TESTS_SUPPORT_CALLING_H
#define TESTS_SUPPORT_CALLING_H

#include <stdlib.h>
#include <string.h>

#include "tests/support/check.h"

static char call_failed[600], call_logged[1200];
static int32_t call_level = -1;

static tn_status call_fail(tn_call *c, tn_status status, const char *text)
{
    snprintf(call_failed, sizeof call_failed, "%s", text);
    return status;
}

static void call_log(tn_call *c, int32_t level, const char *text)
{
    call_level = level;
    snprintf(call_logged, sizeof call_logged, "%s", text);
}

static void *call_alloc(tn_call *c, size_t bytes)
{
    return calloc(1, bytes ? bytes : 1);
}

static void call_release(tn_call *c, void *block)
{
    free(block);
}

TN_UNUSED static tn_call *calling(void)
{
    static const tn_host host = {.struct_size = sizeof host,
                                 .fail = call_fail,
                                 .log = call_log,
                                 .alloc = call_alloc,
                                 .release = call_release};
    static tn_call call = {.host = &host};
    return &call;
}

#endif
