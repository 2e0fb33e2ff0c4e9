/* reference.c - matrix products by the definition, for tests to compare with.
 *
 * Invariant: every element is the sum over k in rising order, in double, rounded once;
 * nothing is blocked, packed or shared between threads. Elements are read and reported
 * one by one, so that prologues and epilogues meet the smallest blocks the contract
 * allows. */
#include <tenon/plugin.h>

#include <tenon/backend.h>

#include "check.h"

static tn_status TN(open)(void *self, tn_call *c, int32_t threads)
{
    return threads < 0
               ? tn_fail(c, TN_EINVAL, "threads: expected 0 or more, got %d", threads)
               : TN_OK;
}

static int32_t TN(threads)(const void *self)
{
    return 1;
}

static const char *TN(describe)(const void *self)
{
    return "reference, plain loops, 1 thread";
}

static void TN(parallel)(const void *self, int64_t n,
                         void (*body)(void *data, int64_t i, int32_t worker), void *data)
{
    for (int64_t i = 0; i < n; i++) body(data, i, 0);
}

static tn_real TN(at)(const tn_matrix *m, int64_t row, int64_t col)
{
    tn_real value;
    if (m->read)
        m->read(m->with, row, col, 1, 1, &value, 1);
    else
        value = ((const tn_real *)m->data)[row * m->row_stride + col * m->col_stride];
    return value;
}

static void TN(element)(const tn_product *p, int64_t row, int64_t col)
{
    const tn_matrix *out = &p->out;
    tn_real *place = out->data;
    double sum = 0;
    for (int64_t k = 0; k < p->a.cols; k++)
        sum += (double)TN(at)(&p->a, row, k) * (double)TN(at)(&p->b, k, col);
    if (place) place += row * out->row_stride + col * out->col_stride;
    if (p->add) sum += (double)*place;
    if (p->bias) sum += (double)((const tn_real *)p->bias)[col];
    tn_real value = (tn_real)sum;
    if (place) *place = value;
    if (out->wrote) out->wrote(out->with, row, col, 1, 1, place ? place : &value, 1);
}

static tn_status TN(product)(const void *self, tn_call *c, const tn_product *p)
{
    tn_status status = TN(check_shapes)(c, p);
    if (status == TN_OK && p->out.rows && p->out.cols)
        status = TN(check_places)(c, p, NULL);
    if (status != TN_OK) return status;
    for (int64_t i = 0; i < TN(products)(p); i++) {
        const tn_product one = TN(one_of)(p, i);
        for (int64_t row = 0; row < p->out.rows; row++)
            for (int64_t col = 0; col < p->out.cols; col++) TN(element)(&one, row, col);
    }
    return TN_OK;
}

TN_VTABLE(backend, .open = TN(open), .threads = TN(threads), .describe = TN(describe),
          .parallel = TN(parallel), .product = TN(product))
TN_PLUGIN(
    backend, reference, .summary = "plain loops on one thread, for tests and comparison",
    .formula = "out[i][j] = sum over k of a[i][k] b[k][j] + bias[j] (+ out[i][j])",
    .reference = "Golub and Van Loan, Matrix Computations, 4th ed., algorithm 1.1.5")
