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
    cr_assert_eq(w->slots->every, 1);
    int64_t made = 0;
    for (int epoch = 1; epoch <= 2; epoch++)
        for (int step = 1; step <= 10; step++) {
            const size_t before = strlen(asked);
            watch_step(w, epoch, step);
            cr_assert_eq(strlen(asked) - before, ++made % 4 == 0);
        }
    cr_assert_str_eq(asked, "ccccc");
}
