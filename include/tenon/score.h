/* score.h - the kinds that judge predictions: loss, metric.
 * Include it after plugin.h; what follows the first part is declared once per precision. */
#ifndef TENON_PLUGIN_H
#error "include <tenon/plugin.h> first"
#endif
#ifndef TENON_SCORE_H
#define TENON_SCORE_H

#include "tenon/field.h"

/* What is judged. */
typedef struct tn_outputs {
    tn_shape shape;    /* of a sample */
    int32_t are;       /* tn_makes */
    int32_t questions; /* for metrics: of the entry of the loss */
} tn_outputs;

/* What a metric needs. */
typedef struct tn_metric_size {
    int64_t sums; /* numbers that rows are added up in */
    int64_t kept; /* numbers that are kept of each row, for what sums cannot tell */
    /* of its table; 0: it has none. A column of 1 is a list. The host names the numbers
     * NAME[row], or NAME[row][column]. */
    int64_t rows, columns;
} tn_metric_size;

/* What it has seen of a set. */
typedef struct tn_seen {
    const double *sum;
    double *kept; /* of each row; may be put in another order */
    int64_t rows;
} tn_seen;

#define tn_loss TN(tn_loss)
#define tn_metric TN(tn_metric)

#endif

#ifdef tn_real
#if TN_REAL_BITS == 64 && !defined TENON_SCORE_H_F64 || \
    TN_REAL_BITS == 32 && !defined TENON_SCORE_H_F32
#if TN_REAL_BITS == 64
#define TENON_SCORE_H_F64
#else
#define TENON_SCORE_H_F32
#endif

/* loss: all rows of predictions of some samples against fields of these samples. For each row its
 * value, its weight in the mean (set before: to 1, or to 0 where the data's own is 0 and targets may be
 * anything) and, unless gy is NULL, the gradient of the
 * value. The host multiplies by weights, which it first multiplies by those that the samples have
 * (field "weight" of the data, unless the loss reads it itself), adds up, and divides by the sum of
 * weights. `fields` names what it reads, NULL: {"target"}. */
typedef struct tn_loss {
    TN_HEAD
    const char *const *fields;
    tn_status (*infer)(void *self, tn_call *, const tn_outputs *,
                       const tn_field_spec *const *field); /* [setup] */
    tn_status (*rows)(const void *self, tn_call *, const tn_tile *, const tn_real *y,
                      const tn_field *field, double *value, double *weight,
                      tn_real *gy); /* [parallel] */
} tn_loss;

/* metric: sums over rows, what is kept of them, and what both come to for a whole set: a number, a
 * table, or a number and a table. */
typedef struct tn_metric {
    TN_HEAD
    const char *const *fields;
    tn_status (*infer)(void *self, tn_call *, const tn_outputs *,
                       const tn_field_spec *const *field,
                       tn_metric_size *); /* set to 0 before [setup] */
    /* Batch after batch of a set: adds to sum; sets what is kept of each row. [step] */
    void (*rows)(const void *self, const tn_tile *, const tn_real *y,
                 const tn_field *field, double *sum, double *kept);
    double (*value)(const void *self, const tn_seen *);                /* [step] */
    void (*table)(const void *self, const tn_seen *, double *numbers); /* [step] */
} tn_metric;

#endif
#endif
