/* perplexity.c - metric/perplexity: against exp of the mean over the set, by hand, probabilities, rows that
 * do not count, what is refused. */
#include "tests/support/metrics.h"

static double mean_over(const metric_set *s, int32_t ignored)
{
    double sum = 0, rows = 0;
    for (int64_t i = 0; i < s->rows; i++) {
        const double *y = s->y + i * s->width;
        double all = 0;
        for (int64_t k = 0; k < s->width; k++) all += exp(y[k]);
        if (s->label[i] != ignored) sum += log(all) - y[s->label[i]], rows++;
    }
    return exp(sum / rows);
}

static double of_all(const metric_set *s)
{
    return mean_over(s, -1);
}

static double of_others(const metric_set *s)
{
    return mean_over(s, 1);
}

/* Exponentials are those of math.h in float, too. */
Test(perplexity, over_the_whole_set)
{
    for (uint32_t seed = 0; seed < 24; seed++) {
        const metric_set s = metric_random(seed, check_draw(seed, 1000, 8, 90),
                                           check_draw(seed, 1001, 3, 30));
        for (int32_t real = 0; real < 2; real++) {
            const double most = real ? 1e-13 : 1e-6;
            const double a = metric_of("perplexity", NULL, &s, 7, real, NULL),
                         b = metric_of("perplexity", "{ignore_label: 1}", &s, 7, real,
                                       NULL);
            const double got[] = {a / of_all(&s), b / of_others(&s)}, want[] = {1, 1};
            note_values(got, want, 2, real);
            cr_assert_float_eq(got[0], 1, most, "%g", a);
            cr_assert_float_eq(got[1], 1, most, "%g", b);
        }
    }
}

/* Guessing among four, whatever makes the outputs. */
Test(perplexity, of_guesses)
{
    double y[] = {3, 3, 3, 3}, p[] = {.25, .25, .25, .25}, log_p[4];
    int32_t label[] = {2};
    for (int i = 0; i < 4; i++) log_p[i] = log(.25);
    metric_set s = {.rows = 1, .width = 4, .y = y, .label = label};
    cr_assert_float_eq(metric_of("perplexity", NULL, &s, 1, 1, NULL), 4, 1e-14);
    s.y = log_p, s.are = TN_LOG_PROBABILITIES;
    cr_assert_float_eq(metric_of("perplexity", NULL, &s, 1, 1, NULL), 4, 1e-14);
    s.y = p, s.are = TN_PROBABILITIES;
    cr_assert_float_eq(metric_of("perplexity", NULL, &s, 1, 1, NULL), 4, 1e-14);
}

Test(perplexity, what_is_refused)
{
    metric_refuses("perplexity", NULL, check_shape(1, 1, 0, 0),
                   (tn_field_spec){.classes = 2}, "two classes");
    metric_refuses("perplexity", NULL, check_shape(1, 3, 0, 0),
                   (tn_field_spec){.real = 1, .shape = check_shape(1, 3, 0, 0)},
                   "needs labels");
}
