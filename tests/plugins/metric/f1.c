/* f1.c - metric/f1: by hand, each average and each class against counting, one output, what is
 * refused. */
#include "tests/support/counted_classes.h"

static double share_of(double hit, double there, double taken)
{
    return share(2 * hit, there + taken);
}

Test(f1, counts_over_the_whole_set)
{
    counts_agree("f1");
}

Test(f1, by_hand)
{
    counts_by_hand("f1", (const double[]){0.8, 2. / 3, 0, 0});
}

Test(f1, one_output)
{
    counts_of_one_output("f1");
}

Test(f1, what_is_refused)
{
    counts_refuse("f1");
}
