/* inputs.h - the inputs of a network: what a config says of them, what data gives for them. */
#ifndef CORE_INPUTS_H
#define CORE_INPUTS_H

#include "core/feed.h"

#define TN_MOST_INPUTS (TN_MAX_FIELDS - 1) /* one field is the target */

typedef struct tn_input_spec {
    char name[sizeof((tn_field_spec *)0)->name];
    tn_shape shape;
} tn_input_spec;

typedef struct tn_inputs {
    int32_t count; /* 0: not known */
    tn_input_spec of[TN_MOST_INPUTS];
} tn_inputs;

/* One of that shape, called "input". */
tn_inputs tn_inputs_one(const tn_shape *);
/* `input:` of a config's root; count 0 when it is not there. */
tn_status tn_inputs_read(const tn_cfg *root, tn_inputs *, tn_error *);
/* Puts them into the config. */
tn_status tn_inputs_write(tn_config *, const tn_inputs *, tn_error *);
/* What the data has for inputs, where no config says it: the field "input", or all fields of
 * numbers but those that losses and metrics read (target, weight, length). */
tn_status tn_inputs_of_data(const tn_data_info *, tn_inputs *, tn_error *);
/* That the data has them all, in these shapes. */
tn_status tn_inputs_check(const tn_inputs *, const tn_data_info *, tn_error *);
/* Whether a field of that name is an input only where `input:` lists it: losses may read it. */
bool tn_inputs_read_by_losses(const char *name);
/* The one of those fields that the name was meant to be; NULL: it is near none. */
const char *tn_inputs_meant(const char *name);
/* "image, extra" */
const char *tn_inputs_names(const tn_inputs *, char *text, size_t size);

/* The number of each input's field, which must be there; where they lie in a batch. */
void tn_inputs_find(const tn_inputs *, const tn_data_info *,
                    int32_t field[TN_MOST_INPUTS]);
void tn_inputs_take(const tn_inputs *, const int32_t *field, const tn_batch *,
                    const void *x[TN_MOST_INPUTS]);

#endif
