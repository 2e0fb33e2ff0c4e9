/* muon.c - against its definition, written plainly with products by the book, and
 * adamw. */
#include "support/optimizing.h"
#include "tests/support/lab.h"

typedef struct rule {
    double rate, momentum, beta1, beta2, epsilon, decay;
    bool nesterov;
    int iterations;
} rule;

#define MOST 16

/* y = 3.4445 x - 4.7750 (x x^T) x + 2.0315 (x x^T)^2 x */
static void iterate(int rows, int cols, const double *x, double *y)
{
    static double gram[MOST][MOST], once[MOST][MOST], twice[MOST][MOST];
    memset(gram, 0, sizeof gram);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < rows; j++)
            for (int k = 0; k < cols; k++)
                gram[i][j] += x[i * cols + k] * x[j * cols + k];
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < cols; k++) {
            once[i][k] = 0;
            for (int j = 0; j < rows; j++) once[i][k] += gram[i][j] * x[j * cols + k];
        }
    for (int i = 0; i < rows; i++)
        for (int k = 0; k < cols; k++) {
            twice[i][k] = 0;
            for (int j = 0; j < rows; j++) twice[i][k] += gram[i][j] * once[j][k];
            y[i * cols + k] = 3.4445 * x[i * cols + k] - 4.7750 * once[i][k] +
                              2.0315 * twice[i][k];
        }
}

static void of_matrix(const rule *r, int rows, int cols, double *w, const double *g,
                      double *b)
{
    const int n = rows * cols;
    double x[MOST * MOST], y[MOST * MOST], squares = 0;
    for (int i = 0; i < n; i++) {
        b[i] = r->momentum * b[i] + (1 - r->momentum) * g[i];
        x[i] = r->nesterov ? (1 - r->momentum) * g[i] + r->momentum * b[i] : b[i];
        squares += x[i] * x[i];
    }
    for (int i = 0; i < n; i++) x[i] /= sqrt(squares) + 1e-7;
    for (int k = 0; k < r->iterations; k++) {
        iterate(rows, cols, x, y);
        memcpy(x, y, sizeof x);
    }
    for (int i = 0; i < n; i++)
        w[i] = w[i] * (1 - r->rate * r->decay) -
               r->rate * 0.2 * sqrt(rows > cols ? rows : cols) * x[i];
}

static void of_vector(const rule *r, int64_t step, int64_t n, double *w, const double *g,
                      double *m, double *v)
{
    for (int64_t i = 0; i < n; i++) {
        m[i] = r->beta1 * m[i] + (1 - r->beta1) * g[i];
        v[i] = r->beta2 * v[i] + (1 - r->beta2) * g[i] * g[i];
        const double unbiased = m[i] / (1 - pow(r->beta1, (double)step));
        w[i] -= r->rate * unbiased /
                (sqrt(v[i] / (1 - pow(r->beta2, (double)step))) + r->epsilon);
    }
}

/* A tall matrix (4, 3), a wide one (2, 4), and their biases. */
static void follow(const char *optimizer, const rule *r)
{
    static double kept_at[4][2][64];
    static const int rows[] = {4, 0, 2}, cols[] = {3, 0, 4};
    char text[400];
    memset(kept_at, 0, sizeof kept_at);
    snprintf(text, sizeof text,
             "data: {memory: {train: values, batch: 64, shuffle: false}}\n"
             "model: [{dense: 4}, tanh, {dense: 2}]\nloss: mse\noptimizer: %s",
             optimizer);
    lab l = open_lab(text);
    for (int64_t s = 1; s <= 10; s++) {
        double w[4][64];
        look(&l);
        for (int32_t p = 0; p < 4; p++) {
            memcpy(w[p], weights(&l, p), sizeof(double) * (size_t)size_of(&l, p));
            if (p % 2)
                of_vector(r, s, size_of(&l, p), w[p], gradient(&l, p), kept_at[p][0],
                          kept_at[p][1]);
            else
                of_matrix(r, rows[p], cols[p], w[p], gradient(&l, p), kept_at[p][0]);
        }
        step(&l);
        for (int32_t p = 0; p < 4; p++) near(weights(&l, p), w[p], size_of(&l, p), 1e-11);
    }
    close_lab(&l);
}

Test(muon, follows_its_definition)
{
    follow("{muon: {lr: 0.02}}", &(rule){.rate = 0.02,
                                         .momentum = 0.95,
                                         .beta1 = 0.9,
                                         .beta2 = 0.999,
                                         .epsilon = 1e-8,
                                         .decay = 0.1,
                                         .nesterov = true,
                                         .iterations = 5});
    follow("{muon: {lr: 0.05, momentum: 0.5, nesterov: false, iterations: 2, beta1: 0.5, "
           "beta2: 0.9, epsilon: 1e-3, weight_decay: 0}}",
           &(rule){.rate = 0.05,
                   .momentum = 0.5,
                   .beta1 = 0.5,
                   .beta2 = 0.9,
                   .epsilon = 1e-3,
                   .iterations = 2});
}

/* Columns of a step are near orthonormal, whatever the gradient is: rotations of it count
 * alike. */
static void step_is_near_orthonormal(const char *precision)
{
    char text[500];
    tn_error error = {0};
    tn_env *env = lab_env();
    float x[5 * 12], y[5 * 7];
    const tn_key key = {{5, 6}};
    for (int i = 0; i < 5 * 12; i++) x[i] = (float)tn_random_normal(key, (uint64_t)i);
    for (int i = 0; i < 5 * 7; i++)
        y[i] = (float)tn_random_normal(key, (uint64_t)(100 + i));
    snprintf(text, sizeof text,
             "precision: %s\ninput: [12]\nmodel: [{dense: {units: 7, init: zeros}}]\n"
             "loss: mse\noptimizer: {muon: {lr: 1, iterations: 6}}",
             precision);
    tn_config *config = tn_config_parse(env, text, "muon.yaml", NULL, 0, &error);
    cr_assert_not_null(config, "%s", error.text);
    tn_trainer *trainer = tn_trainer_new(env, config, NULL, &error);
    cr_assert_not_null(trainer, "%s", error.text);
    tn_tensor w;
    DO(tn_trainer_step(trainer, x, y, NULL, 5, NULL, &error));
    DO(tn_model_find(tn_trainer_model(trainer), "dense.weight", &w, &error));
    double trace = 0, squares = 0; /* of X X^T, whose rank is 5, as there are 5 samples */
    for (int i = 0; i < 7; i++)
        for (int j = 0; j < 7; j++) {
            double sum = 0;
            for (int k = 0; k < 12; k++) {
                const int64_t a = i * 12 + k, b = j * 12 + k;
                sum += w.dtype == TN_F64
                           ? ((double *)w.data)[a] * ((double *)w.data)[b]
                           : (double)((float *)w.data)[a] * (double)((float *)w.data)[b];
            }
            sum /= 0.04 * 12;
            if (i == j) trace += sum;
            squares += sum * sum;
        }
    cr_assert(trace > 5 * 0.45 && trace < 5 * 1.45, "%s: %g", precision, trace);
    /* eigenvalues of one size: squares are near trace^2 / 5, not trace^2 */
    cr_assert_lt(squares, 1.3 * trace * trace / 5, "%s: %g %g", precision, trace,
                 squares);
    tn_trainer_free(trainer);
    tn_config_free(config);
    tn_env_free(env);
}

Test(muon, steps_are_near_orthonormal)
{
    step_is_near_orthonormal("double");
    step_is_near_orthonormal("float");
}

/* A single row is no matrix: with one output all is adamw, bit for bit. */
Test(muon, is_adamw_without_matrices)
{
    static const char *const optimizers[] = {"{muon: {lr: 0.01, weight_decay: 0.2}}",
                                             "{adamw: {lr: 0.01, weight_decay: 0.2}}"};
    double w[2][FEATURES + 1];
    for (int i = 0; i < 2; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "data: {memory: {train: classes, batch: 64, shuffle: false}}\n"
                 "model: [{dense: 1}]\nloss: binary_cross_entropy\noptimizer: %s",
                 optimizers[i]);
        lab l = open_lab(text);
        for (int s = 0; s < 5; s++) step(&l);
        memcpy(w[i], weights(&l, 0), sizeof(double) * FEATURES);
        w[i][FEATURES] = *weights(&l, 1);
        close_lab(&l);
    }
    cr_assert_arr_eq(w[0], w[1], sizeof w[0]);
}

Test(muon, tells_no_step_size)
{
    const tn_instance *muon = make("optimizer", "muon", NULL, 1);
    cr_assert_null(((const tn_optimizer_f64 *)muon->vtable)->step_size);
}

Test(muon, refuses_impossible_options)
{
    refuse("optimizer", "muon", "{iterations: 0}", "iterations");
    refuse("optimizer", "muon", "{momentum: 1}", "momentum");
}
