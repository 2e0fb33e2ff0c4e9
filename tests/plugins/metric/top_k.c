/* top_k.c - metric/top_k: by hand with ties and NaN, against counting, what is refused. */
#include "tests/support/metrics.h"

Test(top_k, by_hand)
{
    double y[] = {.1, .5, .3, .4, 9, 8, 7, 6, 1, 1, 1, 1, NAN, 0, 9, 0};
    int32_t label[] = {2, 2, 2, 2};
    const metric_set s = {.rows = 4, .width = 4, .y = y, .label = label};
    /* Ranks 3, 3, 3 (the third of equal ones), and none. */
    cr_assert_eq(metric_of("top_k", "{k: 2}", &s, 3, 1, NULL), 0);
    cr_assert_eq(metric_of("top_k", "3", &s, 3, 1, NULL), 0.75);
}

static int64_t in_front(const metric_set *s, int64_t row)
{
    const double *y = s->y + row * s->width;
    int64_t n = 0;
    for (int64_t k = 0; k < s->width; k++)
        n += y[k] > y[s->label[row]] || (y[k] == y[s->label[row]] && k < s->label[row]);
    return n;
}

static double top_2(const metric_set *s)
{
    double right = 0;
    for (int64_t i = 0; i < s->rows; i++) right += in_front(s, i) < 2;
    return right / (double)s->rows;
}

static double top_2_of_others(const metric_set *s)
{
    double right = 0, rows = 0;
    for (int64_t i = 0; i < s->rows; i++)
        if (s->label[i] != 1) right += in_front(s, i) < 2, rows++;
    return right / rows;
}

static double right_ones(const metric_set *s)
{
    double right = 0;
    for (int64_t i = 0; i < s->rows; i++) right += metric_taken(s, i) == s->label[i];
    return right / (double)s->rows;
}

Test(top_k, counts_over_the_whole_set)
{
    metric_agrees("top_k", "2", 3, 9, top_2);
    metric_agrees("top_k", "{k: 2, ignore_label: 1}", 3, 9, top_2_of_others);
    metric_agrees("top_k", "1", 2, 9, right_ones);
    metric_agrees("accuracy", NULL, 1, 9, right_ones);
}

Test(top_k, what_is_refused)
{
    metric_refuses_answers("top_k", "{k: 2}");
    metric_refuses("top_k", "3", check_shape(1, 3, 0, 0), (tn_field_spec){.classes = 3},
                   "k must be less");
    metric_refuses("top_k", "2", check_shape(2, 2, 3, 0), (tn_field_spec){.classes = 3},
                   "needs 2");
}
