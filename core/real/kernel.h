/* kernel.h - what the files of core/real/ call in each other. */
#ifndef CORE_REAL_KERNEL_H
#define CORE_REAL_KERNEL_H

#include "core/real/tiles.h"

tn_status TN(tn_unit_forward)(tn_unit *, const tn_pass *, tn_error *);
tn_status TN(tn_unit_backward)(tn_unit *, const tn_pass *, tn_error *);
tn_status TN(tn_unit_commit)(tn_unit *, const tn_pass *, tn_error *);
void TN(tn_window_forward)(tn_unit *, const tn_pass *);
void TN(tn_window_backward)(tn_unit *, const tn_pass *);
/* into += from */
void TN(tn_add)(const tn_instance *backend, void *into, const void *from, int64_t n);

#endif
