/* checkpoint.c - observer/checkpoint: when it asks for one. */
#include <criterion/criterion.h>

#include "tests/support/observing.h"

Test(checkpoint, at_the_start_and_after_every_epoch)
{
    watch *w = watch_new("checkpoint", NULL);
    cr_assert_eq(watch_start(w), TN_OK);
    cr_assert_str_eq(asked, "c");
    for (int step = 1; step <= 10; step++) watch_step(w, 1, step);
    cr_assert_str_eq(asked, "c");
    watch_epoch(w, 1, 0, 0);
    cr_assert_str_eq(asked, "cc");
}

Test(checkpoint, every_so_many_steps_across_epochs)
{
    watch *w = watch_new("checkpoint", "4");
    cr_assert_eq(w->slots->interval(w->instance->self), 4);
    int64_t made = 0;
    for (int epoch = 1; epoch <= 2; epoch++)
        for (int step = 1; step <= 10; step++) {
            const size_t before = strlen(asked);
            watch_step(w, epoch, step);
            cr_assert_eq(strlen(asked) - before, ++made % 4 == 0);
        }
    cr_assert_str_eq(asked, "ccccc");
}

Test(checkpoint, the_best_model_is_saved_when_there_is_one)
{
    watch *w = watch_new("checkpoint", "{best: val_loss}");
    const double loss[] = {NAN, 2, 2, 1.5, 1.6, 1.4};
    cr_assert_eq(watch_start(w), TN_OK);
    for (int i = 0; i < 6; i++) watch_epoch(w, i + 1, 0, loss[i]);
    cr_assert_str_eq(asked, "ccbccbccbc");
}

Test(checkpoint, the_best_may_be_the_largest)
{
    watch *w = watch_new("checkpoint", "{best: loss, mode: max}");
    const double score[] = {1, 0.5, 2};
    for (int i = 0; i < 3; i++) watch_epoch(w, i + 1, score[i], 0);
    cr_assert_str_eq(asked, "bccbc");
}

Test(checkpoint, the_value_says_what_is_best)
{
    watch *w = watch_new("checkpoint", "{best: recall}");
    w->value[0] = (tn_named_value){"recall", 0, TN_BETTER_LARGER};
    cr_assert_eq(watch_start(w), TN_OK);
    const double score[] = {1, 0.5, 2};
    for (int i = 0; i < 3; i++) watch_epoch(w, i + 1, score[i], 0);
    cr_assert_str_eq(asked, "cbccbc");
}

Test(checkpoint, a_value_of_which_nothing_is_known_needs_a_mode)
{
    watch *w = watch_new("checkpoint", "{best: cut}");
    w->value[0] = (tn_named_value){.name = "cut"};
    cr_assert_eq(watch_start(w), TN_EINVAL);
    cr_assert_not_null(strstr(call_failed, "best: it is not known whether 'cut'"));
}

Test(checkpoint, an_unknown_value_is_an_error_at_the_start)
{
    watch *w = watch_new("checkpoint", "{best: f1}");
    cr_assert_eq(watch_start(w), TN_ENOTFOUND);
    cr_assert_str_eq(call_failed,
                     "best: this run has no value 'f1'; it has loss, val_loss");
}
