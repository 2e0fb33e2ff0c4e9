/* recall.c - metric/recall: by hand, each average and each class against counting, one output, what is
 * refused. */
#include "tests/support/counted_classes.h"

static double share_of(double hit, double there, double taken)
{
    return share(hit, there);
}

Test(recall, counts_over_the_whole_set)
{
    counts_agree("recall");
}

Test(recall, by_hand)
{
    counts_by_hand("recall", (const double[]){1, 0.5, 0, 0});
}

Test(recall, one_output)
{
    counts_of_one_output("recall");
}

Test(recall, what_is_refused)
{
    counts_refuse("recall");
}
