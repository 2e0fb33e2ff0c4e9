/* counted_classes.h - what the suites of precision, recall and f1 share: counting again, class by class.
 * A suite says with `share_of` what the counts of a class come to. */
#ifndef TESTS_SUPPORT_COUNTED_CLASSES_H
#define TESTS_SUPPORT_COUNTED_CLASSES_H

#include "metrics.h"

/* Of rows of the class, rows taken for it, and rows that are both. */
static double share_of(double hit, double there, double taken);

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

static double of_class(const metric_set *s, int32_t k, double *rows)
{
    double hit = 0, there = 0, taken = 0;
    for (int64_t i = 0; i < s->rows; i++) {
        const bool is = s->label[i] == k, said = metric_taken(s, i) == k;
        there += is, taken += said, hit += is && said;
    }
    *rows = there;
    return share_of(hit, there, taken);
}

static int32_t classes_of(const metric_set *s)
{
    return s->width > 1 ? (int32_t)s->width : 2;
}

static double macro(const metric_set *s)
{
    double sum = 0, rows;
    for (int32_t k = 0; k < classes_of(s); k++) sum += of_class(s, k, &rows);
    return sum / classes_of(s);
}

static double weighted(const metric_set *s)
{
    double sum = 0, rows;
    for (int32_t k = 0; k < classes_of(s); k++) {
        const double value = of_class(s, k, &rows);
        sum += rows * value;
    }
    return sum / (double)s->rows;
}

static double micro(const metric_set *s)
{
    double right = 0;
    for (int64_t i = 0; i < s->rows; i++) right += metric_taken(s, i) == s->label[i];
    return right / (double)s->rows;
}

static double binary(const metric_set *s)
{
    double rows;
    return of_class(s, 1, &rows);
}

/* Random sets, each average and each class. */
static void counts_agree(const char *name)
{
    metric_agrees(name, NULL, 1, 9, macro);
    metric_agrees(name, "micro", 1, 9, micro);
    metric_agrees(name, "weighted", 1, 9, weighted);
    metric_agrees(name, "binary", 1, 2, binary);
    for (uint32_t seed = 0; seed < 10; seed++) {
        double table[7], want[7], rows;
        const metric_set s = metric_random(seed, 40, 7);
        metric_of(name, "{per_class: true}", &s, 9, 1, table);
        for (int32_t k = 0; k < 7; k++) want[k] = of_class(&s, k, &rows);
        check_near(table, want, 7, 1e-15, "of each class");
    }
}

/* Of class 0 two rows, both found, and one of class 1; that of class 2 is taken for 3, which is not
 * there. */
static void counts_by_hand(const char *name, const double *each)
{
    double y[20] = {0}, table[4];
    const int taken[] = {0, 0, 0, 1, 3};
    int32_t label[] = {0, 0, 1, 1, 2};
    for (int i = 0; i < 5; i++) y[4 * i + taken[i]] = 1;
    const metric_set s = {.rows = 5, .width = 4, .y = y, .label = label};
    const double mean = metric_of(name, "{per_class: true}", &s, 2, 1, table);
    check_near(table, each, 4, 1e-15, "of each class");
    cr_assert_float_eq(mean, (each[0] + each[1] + each[2] + each[3]) / 4, 1e-15);
}

/* One output is of class 1 above 0, or above 1/2 where it is a probability. */
static void counts_of_one_output(const char *name)
{
    double p[] = {.1, .6, .9, .4}, y[] = {-.1, .2, 1, -3};
    int32_t label[] = {0, 1, 1, 0};
    metric_set s = {
        .rows = 4, .width = 1, .are = TN_PROBABILITIES, .y = p, .label = label};
    cr_assert_eq(metric_of(name, "binary", &s, 4, 1, NULL), 1);
    s.y = y, s.are = TN_ANYTHING;
    cr_assert_eq(metric_of(name, "binary", &s, 4, 1, NULL), 1);
}

static void counts_refuse(const char *name)
{
    const tn_field_spec three = {.classes = 3};
    metric_refuses(name, "binary", check_shape(1, 3, 0, 0), three, "there are 3");
    metric_refuses(name, NULL, check_shape(2, 2, 3, 0), three, "needs 2");
}

#endif
