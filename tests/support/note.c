/* note.c - lines for scripts/plugin-report; see note.h. */
#include "note.h"
#include "check.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Cases run side by side, each in a process of its own: one write to the end of the file. */
static void append(const char *path, const char *line, int length)
{
    const int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0666);
    cr_assert(file >= 0 && write(file, line, (size_t)length) == length, "cannot write %s",
              path);
    close(file);
}

/* Cases are told another name of it. */
static const char *program_path(char *to, size_t size)
{
    const ssize_t length = readlink("/proc/self/exe", to, size - 1);
    cr_assert(length > 0);
    to[length] = '\0';
    return to;
}

void note_error(const char *plugin, note_truth truth, int32_t real, double error)
{
    static const char *const what[][2] = {{"gradient-float", "gradient-double"},
                                          {"torch-float", "torch-double"},
                                          {"values-float", "values-double"}};
    static double most[3][2];
    static int some[3][2];
    const char *path = getenv("TENON_TEST_ERRORS");
    char program[4096], line[5000];
    if (!path || !*path) return;
    if (!plugin && some[truth][real] && error <= most[truth][real]) return;
    if (!plugin) some[truth][real] = 1, most[truth][real] = error;
    const char *who = plugin ? plugin : program_path(program, sizeof program),
               *suite = plugin ? "" : criterion_current_test->category;
    const int length = snprintf(line, sizeof line, "%s%s%s %s %s %.17g\n", who,
                                plugin ? "" : ":", suite, criterion_current_test->name,
                                what[truth][real], error);
    append(path, line, length);
}

void note_values(const double *got, const double *want, int64_t n, int32_t real)
{
    double error = 0, most = 0;
    for (int64_t i = 0; i < n; i++) {
        const double apart = fabs(got[i] - want[i]);
        if (isfinite(want[i])) most = fmax(most, fabs(want[i]));
        if (got[i] == want[i] || (isnan(got[i]) && isnan(want[i]))) continue;
        error = apart <= error ? error : apart; /* a NaN stays */
    }
    note_error(NULL, NOTE_VALUES, real, most > 0 ? error / most : error);
}

void note_near(const double *got, const double *want, int64_t n, double bound,
               const char *what)
{
    if (bound <= 1e-9) note_values(got, want, n, 1);
    check_alike(got, want, n, bound, what);
}
