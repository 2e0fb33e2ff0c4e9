/* early_stopping.c - observer/early_stopping: when it keeps, stops and restores. That the
 * weights put back are the best ones bit for bit is tested with the trainer. */
#include <criterion/criterion.h>

#include "tests/support/observing.h"

Test(early_stopping, stops_after_patience_and_restores)
{
    watch *w = watch_new("early_stopping", "{patience: 2}");
    cr_assert_eq(watch_start(w), TN_OK);
    watch_epoch(w, 1, 9, 1.0);
    watch_epoch(w, 2, 8, 0.5);
    watch_epoch(w, 3, 7, 0.5);
    cr_assert_str_eq(asked, "kk",
                     "the training loss is not watched, equal is not better");
    watch_epoch(w, 4, 6, 0.6);
    cr_assert_str_eq(asked, "kks");
    cr_assert_str_eq(asked_why, "val_loss has not improved since epoch 2 (0.5)");
    watch_end(w);
    cr_assert_str_eq(asked, "kksr");
    cr_assert_not_null(strstr(call_logged, "epoch 2"));
}

Test(early_stopping, an_improvement_starts_the_wait_again)
{
    watch *w = watch_new("early_stopping", "2");
    const double loss[] = {1, 1.1, 0.9, 1, 0.8, 0.9};
    for (int i = 0; i < 6; i++) watch_epoch(w, i + 1, 0, loss[i]);
    cr_assert_str_eq(asked, "kkk");
    watch_epoch(w, 7, 0, 0.8);
    cr_assert_str_eq(asked, "kkks");
}

Test(early_stopping, the_last_epoch_as_best_needs_no_restore)
{
    watch *w = watch_new("early_stopping", "5");
    watch_epoch(w, 1, 0, 2);
    watch_epoch(w, 2, 0, 1);
    watch_end(w);
    cr_assert_str_eq(asked, "kk");
}

Test(early_stopping, min_delta)
{
    watch *w = watch_new("early_stopping", "{patience: 9, min_delta: 0.25}");
    const double loss[] = {1, 0.75, 0.74, 0.48};
    for (int i = 0; i < 4; i++) watch_epoch(w, i + 1, 0, loss[i]);
    cr_assert_str_eq(asked, "kkk", "1, then 0.74 and 0.48 are better by more than 0.25");
}

/* Without a mode the value says itself what is better. */
Test(early_stopping, of_an_accuracy_the_largest_is_the_best)
{
    watch *w = watch_new("early_stopping", "{monitor: val_accuracy, patience: 1}");
    w->value[1] = (tn_named_value){"val_accuracy", 0, TN_BETTER_LARGER};
    cr_assert_eq(watch_start(w), TN_OK);
    watch_epoch(w, 1, 0, 0.5);
    watch_epoch(w, 2, 0, 0.7);
    watch_epoch(w, 3, 0, 0.6);
    cr_assert_str_eq(asked, "kks");
    watch_end(w);
    cr_assert_not_null(strstr(call_logged, "epoch 2"));
}

Test(early_stopping, mode_wins_over_what_the_value_says)
{
    watch *w = watch_new("early_stopping", "{monitor: a, mode: min, patience: 1}");
    w->value[1] = (tn_named_value){"a", 0, TN_BETTER_LARGER};
    cr_assert_eq(watch_start(w), TN_OK);
    watch_epoch(w, 1, 0, 0.5);
    watch_epoch(w, 2, 0, 0.4);
    watch_epoch(w, 3, 0, 0.6);
    cr_assert_str_eq(asked, "kks");
}

Test(early_stopping, a_value_of_which_nothing_is_known_needs_a_mode)
{
    watch *w = watch_new("early_stopping", "{monitor: penalty}");
    w->value[1] = (tn_named_value){.name = "penalty"};
    cr_assert_eq(watch_start(w), TN_EINVAL);
    cr_assert_str_eq(call_failed,
                     "monitor: it is not known whether 'penalty' should be small or "
                     "large; say mode: min or mode: max");
    watch *said = watch_new("early_stopping", "{monitor: penalty, mode: min}");
    said->value[1] = (tn_named_value){.name = "penalty"};
    cr_assert_eq(watch_start(said), TN_OK);
}

Test(early_stopping, mode_max)
{
    watch *w = watch_new("early_stopping", "{monitor: loss, mode: max, patience: 1}");
    watch_epoch(w, 1, -3, 0);
    watch_epoch(w, 2, -2, 0);
    watch_epoch(w, 3, -2.5, 0);
    cr_assert_str_eq(asked, "kks");
}

Test(early_stopping, restore_false_keeps_nothing)
{
    watch *w = watch_new("early_stopping", "{restore: false, patience: 1}");
    watch_epoch(w, 1, 0, 1);
    watch_epoch(w, 2, 0, 2);
    watch_end(w);
    cr_assert_str_eq(asked, "s");
}

Test(early_stopping, an_unknown_value_is_an_error_at_the_start)
{
    watch *w = watch_new("early_stopping", "{monitor: val_accuracy}");
    cr_assert_eq(watch_start(w), TN_ENOTFOUND);
    cr_assert_str_eq(call_failed,
                     "monitor: this run has no value 'val_accuracy'; it has loss, "
                     "val_loss");
    w->event.values = 1;
    cr_assert_eq(watch_start(w), TN_ENOTFOUND);
    cr_assert_str_eq(call_failed,
                     "monitor: this run has no value 'val_accuracy'; it has loss (values "
                     "with val_ need a validation split: data option validation)");
}

/* Keras: only an improvement that is better than the baseline ends the waiting. */
Test(early_stopping, baseline)
{
    watch *w = watch_new("early_stopping", "{patience: 3, baseline: 0.5}");
    const double loss[] = {1, 0.9, 0.8};
    for (int i = 0; i < 3; i++) watch_epoch(w, i + 1, 0, loss[i]);
    cr_assert_str_eq(asked, "kkks", "improved three times, but not below 0.5");
    watch_end(w);
    cr_assert_str_eq(asked, "kkks", "the last epoch is the best");
}

Test(early_stopping, better_than_the_baseline)
{
    watch *w = watch_new("early_stopping", "{patience: 2, baseline: 0.5}");
    const double loss[] = {1, 0.4, 0.45, 0.3, 0.4};
    for (int i = 0; i < 5; i++) watch_epoch(w, i + 1, 0, loss[i]);
    cr_assert_str_eq(asked, "kkk");
    watch_epoch(w, 6, 0, 0.4);
    cr_assert_str_eq(asked, "kkks");
}

/* Better by more than min_delta than the baseline, too. */
Test(early_stopping, baseline_and_min_delta)
{
    watch *w = watch_new("early_stopping",
                         "{patience: 2, baseline: 0.5, min_delta: 0.25}");
    watch_epoch(w, 1, 0, 1);
    watch_epoch(w, 2, 0, 0.4);
    cr_assert_str_eq(asked, "kks", "0.4 is better, but no 0.25 below 0.5");
    watch *better = watch_new("early_stopping",
                              "{patience: 2, baseline: 0.5, min_delta: 0.25}");
    memset(asked, 0, sizeof asked);
    watch_epoch(better, 1, 0, 1);
    watch_epoch(better, 2, 0, 0.2);
    watch_epoch(better, 3, 0, 0.2);
    cr_assert_str_eq(asked, "kk");
    watch *large = watch_new("early_stopping", "{patience: 2, baseline: 0.5, min_delta: "
                                               "0.25, mode: max}");
    memset(asked, 0, sizeof asked);
    watch_epoch(large, 1, 0, 0);
    watch_epoch(large, 2, 0, 0.6);
    cr_assert_str_eq(asked, "kks", "no 0.25 above 0.5");
}

Test(early_stopping, start_from_epoch)
{
    watch *w = watch_new("early_stopping", "{patience: 1, start_from_epoch: 3}");
    const double loss[] = {0.1, 0.5, 0.6, 0.7, 0.8};
    for (int i = 0; i < 4; i++) watch_epoch(w, i + 1, 0, loss[i]);
    cr_assert_str_eq(asked, "k", "the first three do not count, not even as the best");
    watch_epoch(w, 5, 0, loss[4]);
    cr_assert_str_eq(asked, "ks");
}

Test(early_stopping, what_is_no_number_is_no_best)
{
    watch *w = watch_new("early_stopping", "2");
    watch_epoch(w, 1, 0, NAN);
    watch_epoch(w, 2, 0, 3);
    watch_epoch(w, 3, 0, NAN);
    cr_assert_str_eq(asked, "k");
    watch *never = watch_new("early_stopping", "1");
    watch_epoch(never, 1, 0, NAN);
    cr_assert_str_eq(asked_why, "val_loss was never a number");
}
