/* array.h - NumPy files for tests: version 1.0, C order. */
#ifndef TESTS_SUPPORT_ARRAY_H
#define TESTS_SUPPORT_ARRAY_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/kept.h"

/* With the dictionary of the header as it is given. */
static inline void array_write_as(const char *path, const char *dict, const void *values,
                                  size_t bytes)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file, "%s", path);
    fwrite("\x93NUMPY\1\0\x76\0", 1, 10, file);
    fprintf(file, "%-117s\n", dict);
    fwrite(values, 1, bytes, file);
    fclose(file);
}

/* shape as in Python, "(3, 4)"; type as in NumPy, "<f4". */
static inline void array_write(const char *path, const char *type, const char *shape,
                               const void *values, size_t bytes)
{
    char dict[200];
    snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
             type, shape);
    array_write_as(path, dict, values, bytes);
}

/* The values of a float32 array and, in `dict`, its header. */
static inline float *array_read(const char *path, char dict[200], size_t *count)
{
    unsigned char start[10];
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s", path);
    cr_assert_eq(fread(start, 1, sizeof start, file), sizeof start);
    cr_assert_eq(memcmp(start, "\x93NUMPY\1\0", 8), 0);
    const size_t length = start[8] | (size_t)start[9] << 8;
    cr_assert_eq((length + 10) % 64, 0, "values are aligned");
    cr_assert_lt(length, 200);
    cr_assert_eq(fread(dict, 1, length, file), length);
    dict[length] = 0;
    float *values = kept(malloc(1 << 20));
    *count = fread(values, sizeof *values, (1 << 20) / sizeof *values, file);
    fclose(file);
    return values;
}

#endif
