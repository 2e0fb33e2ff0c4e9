/* confusion_matrix.c - metric/confusion_matrix: against counting, one output, what is refused. */
#include "tests/support/metrics.h"

Test(confusion_matrix, counts_over_the_whole_set)
{
    for (uint32_t seed = 0; seed < 24; seed++) {
        double table[49], want[49] = {0};
        const metric_set s = metric_random(seed, check_draw(seed, 1000, 1, 90),
                                           check_draw(seed, 1001, 1, 7));
        const int64_t n = s.width > 1 ? s.width : 2;
        for (int64_t i = 0; i < s.rows; i++) want[s.label[i] * n + metric_taken(&s, i)]++;
        for (int32_t real = 0; real < 2; real++) {
            const double none = metric_of("confusion_matrix", NULL, &s,
                                          check_draw(seed, 1002, 1, 40), real, table);
            cr_assert(isnan(none), "it is no number");
            check_near(table, want, n * n, 0, "counts");
        }
    }
}

Test(confusion_matrix, rows_that_do_not_count)
{
    double y[] = {1, 0, 0, 1, NAN, 1, 1, 0}, table[4];
    int32_t label[] = {0, 0, 0, 1};
    const metric_set s = {.rows = 4, .width = 2, .y = y, .label = label};
    const double want[] = {1, 1, 0, 0};
    metric_of("confusion_matrix", "{ignore_label: 1}", &s, 4, 1, table);
    check_near(table, want, 4, 0, "counts");
}

Test(confusion_matrix, what_is_refused)
{
    metric_refuses_answers("confusion_matrix", NULL);
    metric_refuses("confusion_matrix", NULL, check_shape(1, 101, 0, 0),
                   (tn_field_spec){.classes = 101}, "100 at most");
}
