/* orthogonal.c - the penalty by plain sums, its gradient, and where it vanishes. */
#include "support/regularizing.h"

Test(orthogonal, follows_pytorch)
{
    follows_torch("orthogonal");
}

Test(orthogonal, gradient_is_added_and_is_the_derivative_of_the_penalty)
{
    static const char *const options[] = {"0.01", "0.001", "{lambda: 0.005}"};
    is_derivative("orthogonal", options, 3);
}

static double plainly(const subject *s, double lambda, const double *w, bool rows)
{
    double sum = 0;
    const int64_t side = rows ? s->rows : s->cols, n = rows ? s->cols : s->rows;
    for (int64_t i = 0; i < side; i++)
        for (int64_t k = 0; k < side; k++) {
            double dot = i == k ? -1 : 0;
            for (int64_t j = 0; j < n; j++)
                dot += rows ? w[i * n + j] * w[k * n + j]
                            : w[j * side + i] * w[j * side + k];
            sum += dot * dot;
        }
    return lambda * sum;
}

/* Both forms, which differ by lambda times the difference of the sides. */
Test(orthogonal, penalty_is_that_of_the_smaller_side)
{
    static double w[MOST];
    for (int i = 0; i < SHAPES; i++) {
        const int64_t rows = shapes[i][0], cols = shapes[i][1];
        subject s = subject_of("orthogonal", "0.3", rows, cols);
        draw_weights((uint64_t)i, rows * cols, w);
        const double small = plainly(&s, 0.3, w, rows <= cols),
                     large = plainly(&s, 0.3, w, rows > cols);
        cr_assert_float_eq(penalty_of(&s, w), small, 1e-12 * large);
        cr_assert_float_eq(large - small, 0.3 * (double)labs(rows - cols), 1e-10 * large);
    }
}

Test(orthogonal, orthonormal_rows_are_left_alone)
{
    subject s = subject_of("orthogonal", "1", 2, 3);
    const double w[] = {0.6, 0.8, 0, 0, 0, -1};
    double g[6] = {0};
    add_gradient_of(&s, w, g);
    near(g, (double[6]){0}, 6, 1e-15);
    cr_assert_leq(penalty_of(&s, w), 1e-30);
}

Test(orthogonal, refuses_a_negative_lambda)
{
    refuse("regularizer", "orthogonal", "-1", "lambda");
}
