/* note.h - how far off numbers were, for scripts/plugin-report: where TENON_TEST_ERRORS names a
 * file, comparisons append lines "WHO CASE WHAT ERROR" to it. WHO is the plugin or, where that is the
 * suite's, PROGRAM:SUITE.
 *
 * An error is max |got - want| / max |want| of a tensor, unless a suite has another measure. */
#ifndef TESTS_SUPPORT_NOTE_H
#define TESTS_SUPPORT_NOTE_H

#include <stdint.h>

/* What numbers were compared with. */
typedef enum note_truth {
    NOTE_GRADIENT, /* differences of the function, in double */
    NOTE_TORCH,    /* PyTorch's numbers */
    NOTE_VALUES    /* the suite's: a plain implementation, numbers by hand */
} note_truth;

/* plugin: "KIND/NAME", NULL: the suite's own; real: 0 float, 1 double. */
void note_error(const char *plugin, note_truth truth, int32_t real, double error);
void note_values(const double *got, const double *want, int64_t n, int32_t real);
/* That all are within `bound` in double, noted unless the bound is above 1e-9: those are examples to a
 * few digits, or ends of a descent. */
void note_near(const double *got, const double *want, int64_t n, double bound,
               const char *what);

#endif
