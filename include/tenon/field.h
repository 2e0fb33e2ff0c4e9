/* field.h - named parts of samples, which datasets give and losses read. */
#ifndef TENON_FIELD_H
#define TENON_FIELD_H

#include "tenon/types.h"

/* A named part of a sample. `real` fields hold tn_real, others int32_t labels. */
typedef struct tn_field_spec {
    char name[32]; /* "input", "target", "weight", "length" */
    int32_t real;
    int32_t classes; /* of labels: 0 .. classes - 1; 0: unknown */
    tn_shape shape;  /* rank 0: one number */
} tn_field_spec;

/* Some samples of one field, width elements each; one of real and label is NULL. */
typedef struct tn_field {
    int64_t width;
    void *real;
    int32_t *label;
} tn_field;

#endif
