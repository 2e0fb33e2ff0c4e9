/* recall - share of the rows of a class that are taken for it.
 *
 *     recall = hit / true
 *
 * How it is averaged, and what a class is worth that is not there: counts.h. Sokolova, Lapalme, "A
 * systematic analysis of performance measures for classification tasks", 2009, tables 2 and 3. */
#include <tenon/plugin.h>
#include <tenon/score.h>

static double TN(share)(const double *count);

#include "counts.h"

static double TN(share)(const double *count)
{
    return share_of(count[HIT], count[TRUE]);
}

TN_VTABLE(metric, .infer = TN(infer), .rows = TN(rows), .value = TN(value),
          .table = TN(table))
TN_PLUGIN_WITH(
    OPTIONS, metric, recall, .summary = "Share of the rows of a class that are found",
    .formula = "recall = hit / true", .better = TN_BETTER_LARGER,
    .reference = "Sokolova, Lapalme, A systematic analysis of performance measures for "
                 "classification tasks, 2009, tables 2 and 3")
