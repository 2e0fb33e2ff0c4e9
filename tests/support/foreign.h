/* foreign.h - options of the plugins named foreign, with the C library's mathematics and with the
 * functions of toys/curves.c. The environments of tests allow both. */
#ifndef TESTS_SUPPORT_FOREIGN_H
#define TESTS_SUPPORT_FOREIGN_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIBM "libm.so.6"

/* The library of toys/curves.c, as it is allowed. */
__attribute__((unused)) static const char *curves(void)
{
    const char *allowed = getenv("TENON_TEST_FOREIGN");
    cr_assert(allowed && !strncmp(allowed, LIBM ":", strlen(LIBM ":")));
    return allowed + strlen(LIBM ":");
}

/* "{library: ..., function: ...}" in a buffer of its own; more: ", scale: 2". */
__attribute__((unused)) static const char *foreign(const char *library,
                                                   const char *function, const char *more)
{
    static char texts[8][6000];
    static int turn;
    char *text = texts[turn++ % 8];
    snprintf(text, sizeof texts[0], "{library: \"%s\", function: \"%s\"%s}", library,
             function, more);
    return text;
}

#endif
