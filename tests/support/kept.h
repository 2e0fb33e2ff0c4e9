/* kept.h - what lives until its test's process ends: a pointer to it stays behind, so that it is
 * no leak to the address sanitizer, while a block that the core loses still is one. */
#ifndef TESTS_SUPPORT_KEPT_H
#define TESTS_SUPPORT_KEPT_H

#include <stdlib.h>

/* Returns the block. */
__attribute__((unused)) static void *kept(void *block)
{
    static struct keep {
        struct keep *next;
        void *block;
    } * all;
    struct keep *one = malloc(sizeof *one);
    if (!one) abort();
    *one = (struct keep){all, block};
    all = one;
    return block;
}

#endif
