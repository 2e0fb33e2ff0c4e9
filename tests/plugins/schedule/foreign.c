/* foreign.c - schedule/foreign: the C library's functions of each number that it is given. */
#include "support/foreign.h"
#include "support/timing.h"

static void is(const char *function, const char *more, double (*expected)(double))
{
    const tn_instance *s = make("schedule", "foreign", foreign(LIBM, function, more), 1);
    for (int64_t step = 0; step <= 90; step += 3)
        cr_assert_eq(value_at(s, step), expected((double)step), "%s: %g", function,
                     value_at(s, step));
}

static double of_passed(double step)
{
    return 0.1 * erfc(step / 10 / 8);
}

static double of_epoch(double step)
{
    return sqrt(step / 10);
}

static double of_epochs(double step)
{
    return pow(step / 10, 8);
}

static double of_steps(double step)
{
    return hypot(80, step);
}

static double of_monitored(double step)
{
    return fmax(NAN, 0 * step + 4);
}

Test(foreign, is_given_what_it_asks_for)
{
    is("double erfc(double passed)", ", scale: 0.1", of_passed);
    is("double sqrt(double epoch)", "", of_epoch);
    is("double pow(double epoch, double epochs)", "", of_epochs);
    is("double fmax(double monitored, double 4)", "", of_monitored);
    is("double hypot(double steps, double step)", "", of_steps);
}

Test(foreign, what_it_refuses)
{
    refuse("schedule", "foreign", foreign(LIBM, "double erf(double x)", ""),
           "unknown 'x)'; an argument is passed, epoch, epochs, step, steps, monitored");
    refuse("schedule", "foreign", foreign("libc.so.6", "double erf(double step)", ""),
           "--allow-foreign libc.so.6");
    refuse("schedule", "foreign", foreign(LIBM, "double none(double step)", ""),
           "no function 'none'");
}
