/* precision.c - metric/precision: by hand, each average and each class against counting, one output, what is
 * refused. */
#include "tests/support/counted_classes.h"

static double share_of(double hit, double there, double taken)
{
    return share(hit, taken);
}

Test(precision, counts_over_the_whole_set)
{
    counts_agree("precision");
}

Test(precision, by_hand)
{
    counts_by_hand("precision", (const double[]){2. / 3, 1, 0, 0});
}

Test(precision, one_output)
{
    counts_of_one_output("precision");
}

Test(precision, what_is_refused)
{
    counts_refuse("precision");
}
