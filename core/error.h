/* error.h - filling a tn_error. Every fallible function of the core takes one last,
 * may be given NULL, and returns its status (or NULL), so that `return tn_error_set(e,
 * ...)` is the one error path. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include "tenon/tenon.h"

/* Sets status and text; returns status. Control characters in the result become '?'. */
__attribute__((format(printf, 3, 4))) tn_status tn_error_set(tn_error *e,
                                                             tn_status status,
                                                             const char *format, ...);
/* Puts "<text>: " in front of the message that is there; returns its status. */
__attribute__((format(printf, 2, 3))) tn_status tn_error_in(tn_error *e,
                                                            const char *format, ...);

#endif
