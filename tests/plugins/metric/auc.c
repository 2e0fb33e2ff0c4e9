/* auc.c - metric/auc: by hand with ties, against comparing all pairs, more than two classes, sets
 * without a class, NaN, what is refused. */
#include "tests/support/metrics.h"

Test(auc, by_hand)
{
    double y[] = {.1, .4, .35, .8}, ties[] = {1, 1, 1, 2};
    int32_t label[] = {0, 0, 1, 1};
    metric_set s = {.rows = 4, .width = 1, .y = y, .label = label};
    cr_assert_eq(metric_of("auc", NULL, &s, 3, 1, NULL), 0.75);
    s.y = ties; /* of four pairs two are won and two are tied */
    cr_assert_eq(metric_of("auc", NULL, &s, 3, 1, NULL), 0.75);
}

static double score(const metric_set *s, int64_t row, int32_t k)
{
    const double *y = s->y + row * s->width;
    double sum = 0;
    if (s->width == 1) return y[0];
    for (int64_t i = 0; i < s->width; i++) sum += exp(y[i]);
    return y[k] - log(sum);
}

/* Of all pairs of a row of class k and one of another, those that the first wins. */
static double of_class(const metric_set *s, int32_t k)
{
    double won = 0, pairs = 0;
    for (int64_t i = 0; i < s->rows; i++)
        for (int64_t j = 0; j < s->rows; j++) {
            if (s->label[i] != k || s->label[j] == k) continue;
            const double ahead = score(s, i, k) - score(s, j, k);
            won += fabs(ahead) < 1e-12 ? 0.5 : ahead > 0;
            pairs++;
        }
    return won / pairs;
}

static double all_pairs(const metric_set *s)
{
    double sum = 0, count = 0;
    if (s->width < 3) return of_class(s, 1);
    for (int32_t k = 0; k < s->width; k++) {
        const double area = of_class(s, k);
        if (!isnan(area)) sum += area, count++;
    }
    return sum / count;
}

Test(auc, compares_all_pairs_of_the_whole_set)
{
    metric_agrees("auc", NULL, 1, 2, all_pairs);
}

/* In float logarithms of softmax tie where they do not quite in double. */
Test(auc, of_several_classes)
{
    for (uint32_t seed = 0; seed < 24; seed++) {
        double table[6];
        const metric_set s = metric_random(seed, check_draw(seed, 1000, 2, 60),
                                           check_draw(seed, 1001, 3, 6));
        const double mean = metric_of("auc", "{per_class: true}", &s, 7, 1, table),
                     want = all_pairs(&s);
        cr_assert(fabs(mean - want) < 1e-2 || isnan(want), "%g, not %g", mean, want);
        for (int32_t k = 0; k < s.width; k++) {
            const double area = of_class(&s, k);
            cr_assert(isnan(area) == isnan(table[k]));
            cr_assert(isnan(area) || fabs(area - table[k]) < 1e-2, "class %d", k);
        }
    }
}

/* Values without ties are the same to the last digits. */
Test(auc, of_several_classes_exactly)
{
    for (uint32_t seed = 0; seed < 12; seed++) {
        metric_set s = metric_random(seed, 50, 4);
        check_random(s.y, s.rows * s.width, seed + 7);
        metric_is("auc", NULL, &s, all_pairs(&s), 1e-13);
    }
}

/* Scores that are probabilities: their own order. */
Test(auc, of_probabilities)
{
    double y[] = {.5, .3, .2, .4, .35, .25, .6, .1, .3, .45, .45, .1};
    int32_t label[] = {0, 1, 0, 1};
    double table[3];
    const metric_set s = {
        .rows = 4, .width = 3, .are = TN_PROBABILITIES, .y = y, .label = label};
    metric_of("auc", "{per_class: true}", &s, 4, 1, table);
    cr_assert_eq(table[0], 1);
    cr_assert_eq(table[1], 1);
    cr_assert(isnan(table[2]), "no row is of class 2");
}

Test(auc, rows_that_do_not_count_and_sets_that_have_none)
{
    double y[] = {.1, .4, .35, .8, 9}, broken[] = {.1, NAN, .3, .4, .5};
    int32_t label[] = {0, 0, 1, 1, 2}, one[] = {1, 1, 1, 1, 1};
    metric_set s = {.rows = 5, .width = 1, .y = y, .label = label};
    cr_assert_eq(metric_of("auc", "{ignore_label: 2}", &s, 3, 1, NULL), 0.75);
    s.label = one;
    cr_assert(isnan(metric_of("auc", NULL, &s, 3, 1, NULL)));
    s.label = label, s.y = broken;
    cr_assert(isnan(metric_of("auc", NULL, &s, 3, 1, NULL)));
}

Test(auc, what_is_refused)
{
    metric_refuses("auc", "{per_class: true}", check_shape(1, 1, 0, 0),
                   (tn_field_spec){.classes = 2}, "one area");
    metric_refuses("auc", NULL, check_shape(2, 2, 3, 0), (tn_field_spec){.classes = 3},
                   "needs 2");
}
