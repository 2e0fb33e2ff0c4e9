/* score.h - the kinds that judge predictions: loss, metric.
 * Include it after plugin.h; what follows the first part is declared once per precision. */
#ifndef TENON_PLUGIN_H
#error "include <tenon/plugin.h> first"
#endif
#ifndef TENON_SCORE_H
#define TENON_SCORE_H

#include "tenon/field.h"

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
 * value, its weight in the mean (set to 1 before) and, unless gy is NULL, the gradient of the
 * value. The host multiplies by weights, divides by their sum and adds up. `fields` names what it
 * reads, NULL: {"target"}. */
typedef struct tn_loss {
    TN_HEAD
    const char *const *fields;
    tn_status (*infer)(void *self, tn_call *, const tn_shape *out,
                       const tn_field_spec *const *field); /* [setup] */
    tn_status (*rows)(const void *self, tn_call *, const tn_tile *, const tn_real *y,
                      const tn_field *field, double *value, double *weight,
                      tn_real *gy); /* [parallel] */
} tn_loss;

/* metric: sums over rows, and what they come to. */
typedef struct tn_metric {
    TN_HEAD
    const char *const *fields;
    tn_status (*infer)(void *self, tn_call *, const tn_shape *out,
                       const tn_field_spec *const *field, int64_t *sums); /* [setup] */
    void (*rows)(const void *self, const tn_tile *, const tn_real *y,
                 const tn_field *field, double *sum);     /* adds [parallel] */
    double (*value)(const void *self, const double *sum); /* [step] */
} tn_metric;

#endif
#endif
