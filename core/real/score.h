/* score.h - see score.c. */
#ifndef CORE_REAL_SCORE_H
#define CORE_REAL_SCORE_H

#include "core/real/unit.h"

tn_status TN(tn_score_loss)(const tn_instance *loss, const tn_shape *, const tn_pass *,
                            tn_key, const void *y, const tn_field *,
                            const tn_field *given, double scale, double *row_values,
                            void *gy, double *value, double *weight, tn_error *);
void TN(tn_score_metric)(const tn_instance *metric, const tn_shape *, const tn_pass *,
                         const void *y, const tn_field *, double *sums, double *kept);

#endif
