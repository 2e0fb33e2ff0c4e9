/* sam.c - against the paper's algorithm, with gradients of a second net that is put where
 * they are taken. */
#include "support/wrapping.h"

static void put(const lab *l, const values *v)
{
    for (int32_t p = 0; p < PARAMS; p++)
        memcpy(weights(l, p), v->of[p], sizeof(double) * (size_t)size_of(l, p));
    tn_graph_changed(l->graph);
}

static double norm_of(const values *v)
{
    double sum = 0;
    for (int32_t p = 0; p < PARAMS; p++)
        for (int i = 0; i < ROOM; i++) sum += v->of[p][i] * v->of[p][i];
    return sqrt(sum);
}

Test(sam, follows_the_algorithm_of_the_paper)
{
    lab l = lab_with(
        "{sam: {of: {sgd: {lr: 0.1, momentum: 0.9, weight_decay: 0.05}}, rho: 0.2}}");
    lab probe = lab_with("sgd");
    values velocity = {0};
    for (int s = 1; s <= 10; s++) {
        const values w = weights_of(&l);
        values want = w;
        put(&probe, &w);
        look(&probe);
        const values g = gradients_of(&probe), worst = moved(&w, 0.2 / norm_of(&g), &g);
        put(&probe, &worst);
        look(&probe);
        const values there = gradients_of(&probe);
        for (int32_t p = 0; p < PARAMS; p++)
            for (int i = 0; i < ROOM; i++) {
                double *v = &velocity.of[p][i];
                const double decay = l.graph->param[p].decays ? 0.05 * w.of[p][i] : 0;
                *v = 0.9 * *v + there.of[p][i] + decay;
                want.of[p][i] -= 0.1 * *v;
            }
        step(&l);
        const values got = weights_of(&l);
        same(&got, &want, 1e-13);
    }
    close_lab(&l), close_lab(&probe);
}

/* The penalty's gradient is that at w. */
Test(sam, penalties_see_the_weights_themselves)
{
    lab l = open_lab("data: {memory: {train: values, batch: 64, shuffle: false}}\n"
                     "model: [{dense: 2}]\nloss: mse\nregularizer: {l2: 0.5}\n"
                     "optimizer: {sam: {of: {sgd: {lr: 0.1}}, rho: 2}}");
    double want[64], squares = 0;
    look(&l);
    const double *w = kept(&l, weights(&l, 0), 0), *b = kept(&l, weights(&l, 1), 1);
    for (int32_t p = 0; p < 2; p++)
        for (int64_t i = 0; i < size_of(&l, p); i++)
            squares += gradient(&l, p)[i] * gradient(&l, p)[i];
    for (int32_t p = 0; p < 2; p++)
        for (int64_t i = 0; i < size_of(&l, p); i++)
            weights(&l, p)[i] += 2 / sqrt(squares) * gradient(&l, p)[i];
    look(&l);
    for (int64_t i = 0; i < size_of(&l, 0); i++)
        want[i] = w[i] - 0.1 * (gradient(&l, 0)[i] + 0.5 * w[i]);
    memcpy(weights(&l, 0), w, sizeof(double) * (size_t)size_of(&l, 0));
    memcpy(weights(&l, 1), b, sizeof(double) * (size_t)size_of(&l, 1));
    tn_graph_changed(l.graph);
    step(&l);
    near(weights(&l, 0), want, size_of(&l, 0), 1e-13);
    close_lab(&l);
}

Test(sam, radius_0_is_the_wrapped_optimizer)
{
    lab l = lab_with("{sam: {of: {adam: {lr: 0.01}}, rho: 0}}");
    lab alone = lab_with("{adam: {lr: 0.01}}");
    for (int s = 0; s < 8; s++) {
        step(&l), step(&alone);
        const values got = weights_of(&l), want = weights_of(&alone);
        same(&got, &want, 0);
    }
    close_lab(&l), close_lab(&alone);
}

Test(sam, refuses_what_it_cannot_do)
{
    refuses_as_a_wrapper("sam", "");
    refuse("optimizer", "sam", "{of: sgd, rho: -1}", "rho");
}
