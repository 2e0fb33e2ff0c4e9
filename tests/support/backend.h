/* backend.h - a backend opened without the host, and what tests of backends share: a
 * host table that records, numbers to fill matrices with, and matrices that lie in
 * memory in every legal way. The second part is for one precision: include kinds.h
 * before it, once for each. */
#ifndef TEST_BACKEND_H
#define TEST_BACKEND_H

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tenon/plugin.h"

static char last_error[512];
static int allocations;
static size_t largest_allocation;

static tn_status record_error(tn_call *c, tn_status status, const char *text)
{
    (void)c;
    snprintf(last_error, sizeof last_error, "%s", text);
    return status;
}

static void *count_allocation(tn_call *c, size_t bytes)
{
    (void)c;
    allocations++;
    if (bytes > largest_allocation) largest_allocation = bytes;
    return aligned_alloc(64, (bytes + 63) / 64 * 64);
}

static void release(tn_call *c, void *block)
{
    (void)c;
    free(block);
}

static const tn_host recording_host = {.struct_size = sizeof recording_host,
                                       .fail = record_error,
                                       .alloc = count_allocation,
                                       .release = release};
static tn_call recording_call = {.host = &recording_host};

TN_UNUSED static const tn_impl *backend_impl(const char *name, int real)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/backend/%s.so", getenv("TENON_TEST_PLUGINS"), name);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    cr_assert_not_null(library, "%s", dlerror());
    const tn_plugin *plugin = dlsym(library, "tn_plugin_v0");
    cr_assert_not_null(plugin);
    return plugin->entries[0]->impl[real];
}

/* How a matrix lies in memory. */
enum { BY_ROWS, BY_ROWS_PADDED, BY_COLUMNS, SCATTERED, REVERSED, LAYOUTS };

/* Numbers that differ from run to run of a loop, never from run to run of the test. */
static uint64_t random_state = 1;

TN_UNUSED static int64_t random_below(int64_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((random_state >> 33) % (uint64_t)n);
}

TN_UNUSED static double random_real(void)
{
    return (double)(random_below(2001) - 1000) / 1000;
}

#endif

#ifdef tn_real

typedef struct TN(backend) {
    void *self;
    const tn_backend *slots;
} TN(backend);

static TN(backend) TN(backend_open)(const char *name, int32_t threads)
{
    const tn_impl *impl = backend_impl(name, sizeof(tn_real) == 8);
    TN(backend) b = {calloc(1, impl->self_size + 1), impl->vtable};
    cr_assert_eq(b.slots->open(b.self, &recording_call, threads), TN_OK);
    return b;
}

static void TN(backend_close)(TN(backend) b)
{
    if (b.slots->destroy) b.slots->destroy(b.self, &recording_call);
    free(b.self);
}

static tn_status TN(backend_product)(TN(backend) b, const tn_product *p)
{
    return b.slots->product(b.self, &recording_call, p);
}

/* A matrix somewhere in a buffer of NAN or, as operand, of random numbers. */
typedef struct TN(field) {
    tn_matrix m;
    tn_real *buffer;
    int64_t size;
} TN(field);

TN_UNUSED static TN(field)
    TN(field_make)(int64_t rows, int64_t cols, int layout, bool fill)
{
    const int64_t pad = layout == BY_ROWS ? 0 : 3;
    TN(field)
    f = {.m = {.rows = rows, .cols = cols, .row_stride = cols + pad, .col_stride = 1},
         .size = (rows + pad + 1) * (cols + pad + 1) * 2 + 1};
    if (layout == BY_COLUMNS) f.m.row_stride = 1, f.m.col_stride = rows + pad;
    if (layout == SCATTERED) f.m.row_stride = 2 * (cols + pad), f.m.col_stride = 2;
    f.buffer = malloc((size_t)f.size * sizeof(tn_real));
    for (int64_t i = 0; i < f.size; i++)
        f.buffer[i] = fill ? (tn_real)random_real() : (tn_real)NAN;
    f.m.data = f.buffer;
    if (layout == REVERSED) {
        f.m.row_stride = -f.m.row_stride;
        f.m.data = f.buffer + (rows > 0 ? rows - 1 : 0) * (cols + pad);
    }
    return f;
}

static tn_real *TN(field_at)(const tn_matrix *m, int64_t row, int64_t col)
{
    return (tn_real *)m->data + row * m->row_stride + col * m->col_stride;
}

/* A reader of the matrix behind `with`. */
TN_UNUSED static void TN(field_read)(const void *with, int64_t row, int64_t col,
                                     int64_t rows, int64_t cols, void *block,
                                     int64_t stride)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            ((tn_real *)block)[i * stride + j] = *TN(field_at)(with, row + i, col + j);
}

#endif
