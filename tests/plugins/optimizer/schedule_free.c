/* schedule_free.c - against the paper's equations, written plainly around plain
 * descent. */
#include "support/wrapping.h"

/* What is shown: x, with the zeros of z where there is a penalty that makes some. */
static values shown(const values *x, const values *z, double lambda, int *zeros)
{
    values out = *x;
    for (int32_t p = 0; p < PARAMS && lambda > 0; p += 2)
        for (int i = 0; i < ROOM; i++) {
            *zeros += x->of[p][i] != 0 && z->of[p][i] == 0;
            if (z->of[p][i] == 0) out.of[p][i] = 0;
        }
    return out;
}

static void follow_with(const char *optimizer, double beta, double lambda)
{
    char text[200];
    int zeros = 0;
    snprintf(text, sizeof text, "%s\nregularizer: {l1: %g}", optimizer, lambda);
    lab l = lab_with(lambda > 0 ? text : optimizer);
    values z = weights_of(&l), x = z;
    double sum = 0;
    for (int s = 1; s <= 20; s++) {
        const values y = mixed(&z, &x, beta);
        look(&l);
        const values g = gradients_of(&l), at = weights_of(&l);
        same(&at, &y, 1e-13);
        step(&l);
        const double rate = tn_updater_rate(l.updater);
        sum += rate * rate;
        z = moved(&z, -rate, &g);
        z = shrunk(&z, rate * lambda);
        x = mixed(&x, &z, sum > 0 ? rate * rate / sum : 0);
        const values seen = view_of(&l), after = mixed(&z, &x, beta),
                     got = weights_of(&l), want = shown(&x, &z, lambda, &zeros);
        same(&seen, &want, 1e-13);
        same(&got, &after, 1e-13);
    }
    cr_assert_eq(zeros > 0, lambda > 0);
    close_lab(&l);
}

static void follow(const char *optimizer, double beta)
{
    follow_with(optimizer, beta, 0);
}

Test(schedule_free, follows_the_equations_of_the_paper)
{
    follow("{schedule_free: {of: {sgd: {lr: 0.1}}}}", 0.9);
    follow("{schedule_free: {of: {sgd: {lr: 0.2}}, beta: 0.5}}", 0.5);
}

/* Iterates count by the square of the rate: those of a warm-up from 0 hardly do. */
Test(schedule_free, follows_them_through_a_warm_up)
{
    follow("{schedule_free: {of: {sgd: {lr: {warmup: {schedule: 0.2, steps: 8}}}}}}",
           0.9);
    follow("{schedule_free: {of: {sgd: {lr: {cosine: {from: 0.2, steps: 15}}}}}}", 0.9);
}

Test(schedule_free, takes_proximal_steps_of_z)
{
    follow_with("{schedule_free: {of: {sgd: {lr: 0.1}}}}", 0.9, 0.3);
    follow_with("{schedule_free: {of: {sgd: {lr: 0.2}}, beta: 0.5}}", 0.5, 0.1);
}

Test(schedule_free, learns_with_a_constant_rate)
{
    lab l = lab_with("{schedule_free: {of: {adamw: {beta1: 0, lr: 0.05}}}}");
    const double first = step(&l);
    for (int s = 0; s < 300; s++) step(&l);
    tn_updater_view(l.updater, true);
    cr_assert_lt(look(&l), 0.1 * first);
    close_lab(&l);
}

Test(schedule_free, refuses_what_it_cannot_do)
{
    refuses_as_a_wrapper("schedule_free", "");
    refuse("optimizer", "schedule_free", "{of: sgd, beta: 1}", "beta");
}
