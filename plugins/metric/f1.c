/* f1 - harmonic mean of precision and recall of a class.
 *
 *     f1 = 2 precision recall / (precision + recall) = 2 hit / (true + taken)
 *
 * How it is averaged, and what a class is worth that is not there: counts.h. Sokolova, Lapalme, "A
 * systematic analysis of performance measures for classification tasks", 2009, tables 2 and 3. */
#include <tenon/plugin.h>
#include <tenon/score.h>

static double TN(share)(const double *count);

#include "counts.h"

static double TN(share)(const double *count)
{
    return share_of(2 * count[HIT], count[TRUE] + count[TAKEN]);
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value),
          .table = TN(table))
TN_PLUGIN_WITH(
    OPTIONS, metric, f1, .summary = "Harmonic mean of precision and recall",
    .formula = "f1 = 2 precision recall / (precision + recall) = 2 hit / (true + taken)",
    .better = TN_BETTER_LARGER,
    .reference = "Sokolova, Lapalme, A systematic analysis of performance measures for "
                 "classification tasks, 2009, tables 2 and 3")
