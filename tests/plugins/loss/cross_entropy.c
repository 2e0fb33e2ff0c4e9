/* cross_entropy.c - loss/cross_entropy: values and gradients (PyTorch 1.13) for labels
 * and probabilities, smoothed and not; far logits; what infer and rows refuse. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "tests/support/loss_torch.h"
#include "tests/support/losses.h"

static const double logits[] = {1, -2, 0.5, 3, 0.25, -1, -1.5, 4, 2, 0.5, 1, 8};
static int32_t labels[] = {2, 0, 1, 2};
static double rows_of_q[] = {.2, .3, .5, 1, 0, 0, .1, .6, .3, .25, .25, .5};

static tn_status run(const char *options, const double *y, int64_t rows, int64_t width,
                     const tn_field *field, double *value, double *gy)
{
    const tn_instance *instance = check_plugin("loss", "cross_entropy", options, 1);
    const tn_loss *loss = instance->vtable;
    const tn_shape shape = check_shape(1, width, 0, 0);
    const tn_tile t = {.n = rows * width,
                       .width = width,
                       .row = 100,
                       .rows_per_sample = 1,
                       .shape = &shape};
    double weight[4] = {1, 1, 1, 1};
    return loss->rows(instance->self, check_call(), &t, y, field, value, weight, gy);
}

static void expect(const char *options, const tn_field *field, const double *value,
                   const double *gradient)
{
    double got[4], gy[12], alone[4];
    cr_assert_eq(run(options, logits, 4, 3, field, got, gy), TN_OK, "%s",
                 check_message());
    check_near(got, value, 4, 1e-14, "value");
    check_near(gy, gradient, 12, 1e-14, "gradient");
    cr_assert_eq(run(options, logits, 4, 3, field, alone, NULL), TN_OK);
    cr_assert_eq(memcmp(alone, got, sizeof got), 0,
                 "the value depends on whether gy is wanted");
}

Test(cross_entropy, labels)
{
    const tn_field field = {.width = 1, .label = labels};
    const double value[] = {1.0045969023422834, 0.079036201404099587, 0.13052116427060881,
                            0.0014638943193707274};
    const double gradient[] = {
        0.60374889614862581,   0.030058887569574023,   -0.63380778371819979,
        -0.07599352649213309,  0.059069757592510236,   0.016923768899622809,
        0.0035867055773547165, -0.12236208181421848,   0.11877537623686384,
        0.0005522753054173575, 0.00091054804332400699, -0.0014628233487412601};
    expect(NULL, &field, value, gradient);
}

Test(cross_entropy, smoothed_labels)
{
    const tn_field field = {.width = 1, .label = labels};
    const double value[] = {1.07126356900895, 0.30403620140409959, 0.38052116427060884,
                            0.484797227652704};
    const double gradient[] = {
        0.57041556281529249,    -0.0032744457637593101, -0.56714111705153314,
        -0.0093268598254664381, 0.025736424259176903,   -0.016409564433710524,
        -0.029746627755978618,  -0.05569541514755183,   0.085442042903530496,
        -0.032781058027915977,  -0.032422785290009325,  0.065203843317925392};
    expect("{label_smoothing: 0.1}", &field, value, gradient);
}

Test(cross_entropy, probabilities)
{
    const tn_field field = {.width = 3, .real = rows_of_q};
    const double value[] = {1.6545969023422833, 0.079036201404099587, 1.2805211642706089,
                            3.6264638943193708};
    const double gradient[] = {
        0.4037488961486258,   -0.26994111243042596, -0.13380778371819979,
        -0.07599352649213309, 0.059069757592510229, 0.016923768899622809,
        -0.09641329442264529, 0.27763791818578154,  -0.18122462376313614,
        -0.24944772469458265, -0.24908945195667601, 0.49853717665125874};
    expect(NULL, &field, value, gradient);
}

Test(cross_entropy, smoothed_probabilities)
{
    const tn_field field = {.width = 3, .real = rows_of_q};
    const double value[] = {1.6579302356756167, 0.52903620140409957, 1.5505211642706089,
                            3.868130560986037};
    const double gradient[] = {
        0.37708222948195913,  -0.27660777909709261,   -0.10047445038486646,
        0.057339806841200214, -0.0075969090741564299, -0.049742897767043853,
        -0.14307996108931195, 0.33097125151911488,    -0.18789129042980279,
        -0.26611439136124931, -0.26575611862334264,   0.53187050998459207};
    expect("{label_smoothing: 0.2}", &field, value, gradient);
}

/* softmax [8.3, 2.1] = .99797, whose cross-entropy is .002027. */
Test(cross_entropy, two_classes_by_hand)
{
    const double y[] = {8.3, 2.1};
    double value;
    cr_assert_eq(run(NULL, y, 1, 2, &(tn_field){.width = 1, .label = (int32_t[]){0}},
                     &value, NULL),
                 TN_OK);
    cr_assert_float_eq(value, log1p(exp(-6.2)), 1e-15);
    cr_assert_float_eq(value, 0.002027, 1e-6);
}

Test(cross_entropy, far_logits_stay_finite)
{
    const double y[] = {1e5, -1e5, 0};
    double value, gy[3];
    const tn_field field = {.width = 1, .label = (int32_t[]){1}};
    cr_assert_eq(run(NULL, y, 1, 3, &field, &value, gy), TN_OK);
    cr_assert_eq(value, 2e5);
    cr_assert(gy[0] == 1 && gy[1] == -1 && gy[2] == 0);
}

Test(cross_entropy, an_impossible_class_with_probability_0_costs_nothing)
{
    const double y[] = {1, -INFINITY};
    double value, q[] = {1, 0};
    cr_assert_eq(run(NULL, y, 1, 2, &(tn_field){.width = 2, .real = q}, &value, NULL),
                 TN_OK);
    cr_assert_eq(value, 0);
}

Test(cross_entropy, a_label_out_of_range_is_an_error_that_names_it)
{
    double value[4], gy[12];
    for (int32_t bad = -1; bad <= 3; bad += 4) {
        int32_t some[] = {0, 1, bad, 0};
        const tn_field field = {.width = 1, .label = some};
        cr_assert_eq(run(NULL, logits, 4, 3, &field, value, gy), TN_EINVAL);
        cr_assert_not_null(strstr(check_message(), bad < 0 ? "label -1" : "label 3"));
        cr_assert_not_null(strstr(check_message(), "row 102"), "%s", check_message());
        cr_assert_not_null(strstr(check_message(), "0 .. 2"), "%s", check_message());
    }
}

/* q0 and q1 in one of four rows; the sums of float shares are a little off 1. */
Test(cross_entropy, targets_that_are_no_distribution_are_errors_that_name_the_row)
{
    static const struct {
        double q[3];
        const char *words;
    } wrong[] = {
        {{-.5, 1, .5}, "target value -0.5 of row 101 is below 0"},
        {{.25, .25, .25}, "the target values of row 101 add up to 0.75, not to 1"},
        {{1, 0, 1}, "add up to 2"},
        {{0, 0, 0}, "add up to 0"}};
    double value[4], gy[12], q[12];
    const tn_field field = {.width = 3, .real = q};
    memcpy(q, rows_of_q, sizeof q);
    for (int i = 0; i < 4; i++) {
        memcpy(q + 3, wrong[i].q, sizeof wrong[i].q);
        cr_assert_eq(run(NULL, logits, 4, 3, &field, value, gy), TN_EINVAL);
        cr_assert_not_null(strstr(check_message(), wrong[i].words), "%s",
                           check_message());
    }
    q[3] = 1.0004, q[4] = -1e-5, q[5] = 0;
    cr_assert_eq(run(NULL, logits, 4, 3, &field, value, gy), TN_OK);
}

static tn_status infer(tn_shape shape, tn_field_spec spec)
{
    const tn_instance *instance = check_plugin("loss", "cross_entropy", NULL, 1);
    const tn_loss *loss = instance->vtable;
    const tn_field_spec *field = &spec;
    const tn_outputs out = {.shape = shape};
    return loss->infer(instance->self, check_call(), &out, &field);
}

Test(cross_entropy, infer_compares_classes_and_shapes)
{
    const tn_shape out = check_shape(1, 10, 0, 0), sequence = check_shape(2, 5, 10, 0);
    const tn_shape five = check_shape(1, 5, 0, 0);
    cr_assert_eq(infer(out, (tn_field_spec){.classes = 10}), TN_OK);
    cr_assert_eq(infer(out, (tn_field_spec){.classes = 0}), TN_OK);
    cr_assert_eq(infer(out, (tn_field_spec){.real = 1, .shape = out}), TN_OK);
    cr_assert_eq(infer(sequence, (tn_field_spec){.classes = 10, .shape = five}), TN_OK);
    cr_assert_eq(infer(out, (tn_field_spec){.classes = 12}), TN_ESHAPE);
    cr_assert_not_null(strstr(check_message(), "12 classes"), "%s", check_message());
    cr_assert_not_null(strstr(check_message(), "10 outputs"), "%s", check_message());
    cr_assert_eq(infer(out, (tn_field_spec){.real = 1, .shape = five}), TN_ESHAPE);
    cr_assert_eq(infer(sequence, (tn_field_spec){.classes = 10}), TN_ESHAPE);
    cr_assert_eq(infer(check_shape(1, 1, 0, 0), (tn_field_spec){.classes = 2}),
                 TN_ESHAPE);
    cr_assert_not_null(strstr(check_message(), "binary_cross_entropy"), "%s",
                       check_message());
}

/* More rows than the host hands over at a time. */
Test(cross_entropy, each_step_of_a_sequence_has_its_own_label)
{
    check_net *net = check_net_new("[{dense: 4}]", "cross_entropy", 4,
                                   check_shape(2, 9, 3, 0), 30, 1, 2);
    const double loss = check_net_loss(net, false), *y = check_net_output(net);
    double sum = 0;
    for (int64_t row = 0; row < 9 * 30; row++, y += 4)
        sum += log(exp(y[0]) + exp(y[1]) + exp(y[2]) + exp(y[3])) -
               y[net->target.label[row]];
    cr_assert_float_eq(loss, sum, 1e-12 * sum, "%.17g, not %.17g", loss, sum);
    check_gradients("[{dense: 4}]", "cross_entropy", 4, check_shape(2, 9, 3, 0), 30,
                    true);
    check_targets = targets_distributions;
    check_gradients("[{dense: 4}]", "cross_entropy", 0, check_shape(2, 70, 3, 0), 2,
                    true);
}

Test(cross_entropy, like_pytorch)
{
    loss_torch("cross_entropy");
}

/* Over three rows of two logits. */
static double mean_of(const double *y, int32_t *classes)
{
    double value[3], weight[3];
    cr_assert_eq(loss_run("cross_entropy", NULL, y, 3, 2,
                          &(tn_field){.width = 1, .label = classes}, value, weight, NULL),
                 TN_OK);
    return (value[0] + value[1] + value[2]) / 3;
}

/* P4-N17, 0-12: logits 8.3 and 2.1 cost .002027; P4-N20: with 7.8 and 1.9 class 1 has .00273. P5-N9:
 * [.52, .48] make [.51, .49], P3-N17: which costs .673; P5-N10: with slopes -.49 and .49, .693 long.
 * P1-N6, P5-N38: .693 at even odds. P5-F11: the slope is p - q. */
Test(cross_entropy, worked_examples)
{
    const double y[] = {8.3, 2.1, 7.8, 1.9, .52, .48, 0, 0};
    int32_t first[] = {0, 0, 0, 0};
    double value[4], weight[4], gy[8];
    cr_assert_eq(loss_run("cross_entropy", NULL, y, 4, 2,
                          &(tn_field){.width = 1, .label = first}, value, weight, gy),
                 TN_OK);
    cr_assert_float_eq(value[0], .002027, 5e-7);
    cr_assert_float_eq(gy[1], .00203, 5e-6);
    cr_assert_float_eq(gy[3], .00273, 5e-6);
    cr_assert_float_eq(value[2], .673, 5e-4);
    cr_assert_float_eq(gy[4], -.49, 5e-4);
    cr_assert_float_eq(gy[5], .49, 5e-4);
    cr_assert_float_eq(hypot(gy[4], gy[5]), .693, 5e-4);
    cr_assert_float_eq(value[3], .693, 2e-4);
}

/* 0-27: fed with probabilities [.7, .3], [.2, .8], [.6, .4] as if they were logits it is .5162 for the
 * classes meant and .9162 for the others, where -log p has the mean .3635 (P3-N33): so outputs that
 * are probabilities are refused. */
Test(cross_entropy, probabilities_are_no_logits)
{
    const double p[] = {.7, .3, .2, .8, .6, .4};
    int32_t meant[] = {0, 1, 0}, other[] = {1, 0, 1};
    cr_assert_float_eq(mean_of(p, meant), .5162, 5e-5);
    cr_assert_float_eq(mean_of(p, other), .9162, 5e-5);
}

Test(cross_entropy, weights_and_rows_that_do_not_count)
{
    double value[4], weight[4], gy[12], plain[4], one[4];
    const tn_field field = {.width = 1, .label = labels};
    cr_assert_eq(loss_run("cross_entropy", NULL, logits, 4, 3, &field, plain, one, gy),
                 TN_OK);
    cr_assert_eq(loss_run("cross_entropy",
                          "{class_weights: [0.5, 3, 0], ignore_label: 0}", logits, 4, 3,
                          &field, value, weight, gy),
                 TN_OK);
    cr_assert(weight[0] == 0 && weight[1] == 0 && weight[2] == 3 && weight[3] == 0);
    cr_assert_eq(value[1], 0, "a row that does not count");
    cr_assert_eq(value[2], plain[2], "the weight is the host's to use");
}

Test(cross_entropy, what_options_and_outputs_are_refused)
{
    const tn_shape three = check_shape(1, 3, 0, 0);
    const tn_field_spec classes = {.classes = 3};
    tn_error e = {0};
    tn_instance *instance;
    loss_refuses("cross_entropy", NULL, three, TN_PROBABILITIES, classes,
                 "takes logits and applies softmax itself");
    cr_assert_eq(loss_infer("cross_entropy", NULL, three, TN_LOG_PROBABILITIES, classes),
                 TN_OK);
    loss_refuses("cross_entropy", "{class_weights: [1, 2]}", three, 0, classes,
                 "2 weights for 3 classes");
    loss_refuses("cross_entropy", "{ignore_label: 1}", three, 0,
                 (tn_field_spec){.real = 1, .shape = three}, "not labels");
    cr_assert_eq(loss_infer("cross_entropy", "{ignore_label: 3}", three, 0,
                            (tn_field_spec){.classes = 4}),
                 TN_OK);
    cr_assert_neq(tn_instance_named(check_env(), "loss", "cross_entropy",
                                    "{class_weights: [1, 0], label_smoothing: 0.1}", 1,
                                    &instance, &e),
                  TN_OK);
    cr_assert_not_null(strstr(e.text, "that of class 1 is 0"), "%s", e.text);
}

Test(cross_entropy, gradients_over_random_shapes)
{
    static const char *const losses[] = {"cross_entropy",
                                         "cross_entropy {label_smoothing: 0.3}",
                                         "cross_entropy {ignore_label: 1}"};
    static const char *const weighted[] = {
        "cross_entropy {class_weights: [0.5, 2, 1]}",
        "cross_entropy {class_weights: [0.5, 2, 1], label_smoothing: 0.2, ignore_label: "
        "0}"};
    loss_gradients(losses, 3, true, 3, 20);
    loss_gradients(weighted, 2, true, 3, 3);
    check_targets = targets_distributions;
    loss_gradients(losses, 2, false, 2, 9);
    loss_gradients(weighted, 1, false, 3, 3);
}

Test(cross_entropy, gradients_in_a_net)
{
    const tn_shape in = check_shape(1, 3, 0, 0);
    check_gradients("[{dense: 4}]", "cross_entropy", 4, in, 5, true);
    check_gradients("[{dense: 4}]", "cross_entropy {label_smoothing: 0.3}", 4, in, 5,
                    true);
    check_gradients("[{dense: 4}]", "cross_entropy", 4, check_shape(2, 2, 3, 0), 3, true);
    check_precisions("[{dense: 4}]", "cross_entropy {label_smoothing: 0.3}", 4, in, 5,
                     1e-5);
    check_targets = targets_distributions;
    check_gradients("[{dense: 4}]", "cross_entropy", 0, in, 5, true);
}
