/* plan_memory.c - memory by lifetime: what a plan takes is close to the most that is needed at
 * one time, pieces needed at one time lie apart, and inference takes little. */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>

#include "core/plan_state.h"
#include "tests/support/check.h"
#include "tests/support/rounds.h"

/* ---- laying out ---------------------------------------------------------------------- */

#define MOST 200

typedef struct pieces {
    tn_plan *plan;
    void *at[MOST];
    tn_span span[MOST];
    size_t bytes[MOST];
    int32_t count;
} pieces;

static tn_graph *one_layer(void)
{
    check_net *net = check_net_new("[{dense: 2}]", NULL, 0, check_shape(1, 3, 0, 0), 1, 1,
                                   1);
    return net->graph;
}

/* A plan with nothing in it but these pieces. */
static tn_plan *empty_plan(tn_graph *g)
{
    tn_error e = {0};
    tn_plan *p = tn_memory_get(&g->env->memory, sizeof *p, &e);
    *p = (tn_plan){.graph = g, .arena = {&g->env->memory, 1 << 20, 64, NULL}};
    return p;
}

static void want(pieces *all, int64_t bytes, int32_t first, int32_t last)
{
    tn_error e = {0};
    const int32_t i = all->count++;
    all->span[i] = (tn_span){first, last}, all->bytes[i] = (size_t)bytes;
    cr_assert_eq(tn_plan_want(all->plan, bytes, 1, 1, all->span[i], &all->at[i], &e),
                 TN_OK, "%s", e.text);
}

static tn_plan_size lay_out(pieces *all)
{
    tn_error e = {0};
    cr_assert_eq(tn_plan_lay_out(all->plan, &e), TN_OK, "%s", e.text);
    for (int32_t i = 0; i < all->count; i++)
        for (int32_t k = 0; k < i; k++) {
            const char *a = all->at[i], *b = all->at[k];
            const bool meet = all->span[i].first <= all->span[k].last &&
                              all->span[k].first <= all->span[i].last;
            cr_assert(!meet || a + all->bytes[i] <= b || b + all->bytes[k] <= a,
                      "pieces %d and %d lie on each other", k, i);
            cr_assert_eq((uintptr_t)a % 64, 0);
        }
    return tn_plan_memory(all->plan);
}

Test(plan_memory, pieces_share_when_they_do_not_meet)
{
    pieces all = {.plan = empty_plan(one_layer())};
    want(&all, 640, 0, 1);
    want(&all, 640, 1, 2);
    want(&all, 640, 2, 3);
    want(&all, 64, 0, 3);
    const tn_plan_size size = lay_out(&all);
    cr_assert_eq(size.shared, 1344);
    cr_assert_eq(size.least, 1344);
    cr_assert_eq(size.apart, 1984);
    tn_plan_free(all.plan);
}

Test(plan_memory, any_pieces)
{
    tn_graph *g = one_layer();
    const uint32_t seeds = (uint32_t)test_rounds(50, 5000);
    for (uint32_t seed = 0; seed < seeds; seed++) {
        const tn_key key = {{seed, 9}};
        pieces all = {.plan = empty_plan(g)};
        for (uint64_t i = 0; i < MOST; i++) {
            const int32_t first = (int32_t)(tn_random_bits(key, 3 * i) % 100);
            const int32_t length = (int32_t)(tn_random_bits(key, 3 * i + 1) % 30);
            want(&all, tn_random_bits(key, 3 * i + 2) % 5000, first, first + length);
        }
        const tn_plan_size size = lay_out(&all);
        cr_assert(size.least <= size.shared && size.shared <= size.apart);
        tn_plan_free(all.plan);
    }
}

Test(plan_memory, sizes_past_all_bounds_are_refused)
{
    tn_error e = {0};
    void *at;
    tn_plan *p = empty_plan(one_layer());
    cr_assert_eq(tn_plan_want(p, INT64_MAX / 2, 8, 8, (tn_span){0, 1}, &at, &e),
                 TN_ENOMEM);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(tn_plan_want(p, INT64_MAX - 100, 1, 1, (tn_span){0, 1}, &at, &e),
                     TN_OK);
    cr_assert_eq(tn_plan_lay_out(p, &e), TN_ENOMEM);
    tn_plan_free(p);
}

/* ---- networks ------------------------------------------------------------------------ */

typedef struct net {
    char model[700];
    tn_shape input;
    double training,
        inference; /* at most so many of the largest values, in use at once */
} net;

#define BLOCK "{residual: [{dense: 64}, batch_norm, relu]}, "

static net nets[] = {
    /* values of relu twice, then the gradients of two layers, and the loss's few */
    {"[{dense: 64}, relu, {dense: 64}, relu, {dense: 2}]", {1, {8}}, 3.5, 2.1},
    {"[{dense: 64}, relu, {dropout: 0.5}, {dense: 64}, relu, {dropout: 0.5}, {dense: 2}]",
     {1, {8}},
     5.5,
     2.1},
    {"[{dense: 64}, sigmoid, {dense: 64}, sigmoid, {dense: 64}, sigmoid, {dense: 64}, "
     "sigmoid, {dense: 64}, sigmoid, {dense: 2}]",
     {1, {8}},
     6.5,
     2.1},
    {"[{dense: 64}, " BLOCK BLOCK BLOCK BLOCK "{dense: 2}]", {1, {8}}, 16.1, 4.1},
    {"[{dense: 20}, {toy_max_pool: {size: 3, stride: 2}}, relu, flatten, {dense: 2}]",
     {2, {15, 8}},
     3,
     2},
    {"[{dense: 128}, tanh, {dense: 16}, tanh, {dense: 96}, softmax, {dense: 64}, tanh, "
     "{dense: 8}, relu, {dense: 120}, tanh, {dense: 2}]",
     {1, {8}},
     4.5,
     1.7},
};

#define COUNT (sizeof nets / sizeof *nets)

static tn_plan_size size_of(check_net *c, bool training)
{
    tn_plan *plan;
    tn_error e = {0};
    cr_assert_eq(tn_plan_new(c->graph, 1000, training, false, &plan, &e), TN_OK, "%s",
                 e.text);
    const tn_plan_size size = tn_plan_memory(plan);
    tn_plan_free(plan);
    return size;
}

static double largest_value(const tn_graph *g)
{
    int64_t most = 0;
    for (int32_t i = 1; i < g->nodes; i++) {
        const int64_t n = tn_shape_count(&g->node[i].spec.out);
        most = n > most ? n : most;
    }
    return 1000 * 8 * (double)most;
}

ParameterizedTestParameters(plan_memory, networks)
{
    return cr_make_param_array(net, nets, COUNT);
}

ParameterizedTest(net *n, plan_memory, networks)
{
    check_net *c = check_net_new(n->model, NULL, 0, n->input, 1, 1, 1);
    const double unit = largest_value(c->graph);
    for (int i = 0; i < 2; i++) {
        const tn_plan_size size = size_of(c, i == 0);
        const double share = (double)size.shared / unit;
        cr_assert((double)size.shared <= 1.1 * (double)size.least, "%s: %zu of %zu",
                  n->model, size.shared, size.least);
        cr_assert_leq(share, i ? n->inference : n->training,
                      "%s: %g of the largest value", n->model, share);
    }
}

Test(plan_memory, measuring_takes_no_memory_but_says_the_same)
{
    check_net *c = check_net_new(nets[1].model, NULL, 0, nets[1].input, 1, 1, 1);
    const tn_plan_options options = {
        .samples = 1000000, .training = true, .measures = true};
    tn_plan *plan;
    tn_error e = {0};
    const size_t before = atomic_load(&check_env()->memory.used);
    cr_assert_eq(tn_plan_make(c->graph, &options, &plan, &e), TN_OK, "%s", e.text);
    cr_assert_lt(atomic_load(&check_env()->memory.used) - before, 4 << 20);
    const tn_plan_size size = tn_plan_memory(plan), small = size_of(c, true);
    cr_assert(size.shared > 990 * small.shared && size.shared < 1010 * small.shared);
    tn_plan_free(plan);
}

/* What is saved for backward: y of relu, nothing else; dropout's mask is not stored. */
Test(plan_memory, deeper_networks_take_one_value_more_for_each_layer)
{
    const char *two =
        "[{dense: 64}, relu, {dropout: 0.5}, {dense: 64}, relu, {dense: 2}]";
    const char *three =
        "[{dense: 64}, relu, {dropout: 0.5}, {dense: 64}, relu, {dense: 64}, "
        "relu, {dense: 2}]";
    const tn_shape in = check_shape(1, 8, 0, 0);
    const tn_plan_size a = size_of(check_net_new(two, NULL, 0, in, 1, 1, 1), true),
                       b = size_of(check_net_new(three, NULL, 0, in, 1, 1, 1), true);
    cr_assert_eq(b.shared - a.shared, 1000 * 64 * 8);
}
