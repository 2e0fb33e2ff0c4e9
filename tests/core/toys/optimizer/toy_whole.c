/* toy_whole.c - a method that needs whole tensors: momentum, then a step of norm `rate`
 * for each tensor. The norm is a product that the backend makes, v as one row times v as
 * one column.
 *
 * You, Gitman, Ginsburg, "Large batch training of convolutional networks", 2017, eq. 6,
 * without the weight's norm. */
#include <tenon/plugin.h>
#include <tenon/update.h>

static int32_t TN(slots)(const void *self)
{
    return 1;
}

static tn_status TN(update_whole)(const void *self, tn_call *c, const tn_update *u,
                                  tn_tensor *w, const tn_tensor *g,
                                  tn_tensor *const *slot)
{
    const int64_t n = tn_count(w);
    tn_real *weight = w->data, *v = slot[0]->data, squares = 0;
    const tn_real *gradient = g->data;
    for (int64_t i = 0; i < n; i++) v[i] = (tn_real)0.5 * v[i] + gradient[i];
    const tn_product norm = {
        .struct_size = sizeof norm,
        .a = {.rows = 1, .cols = n, .row_stride = n, .col_stride = 1, .data = v},
        .b = {.rows = n, .cols = 1, .row_stride = 1, .col_stride = 1, .data = v},
        .out = {
            .rows = 1, .cols = 1, .row_stride = 1, .col_stride = 1, .data = &squares}};
    const tn_status status = c->host->product(c, &norm);
    if (status || !(squares > 0)) return status;
    const tn_real size = (tn_real)(u->rate / sqrt((double)squares));
    for (int64_t i = 0; i < n; i++) weight[i] -= size * v[i];
    return TN_OK;
}

TN_VTABLE(optimizer, .slots = TN(slots), .update_whole = TN(update_whole))
TN_PLUGIN(optimizer, toy_whole, .learning_rate = 0.1,
          .summary = "momentum with steps of equal norm",
          .formula = "v <- v / 2 + g;  w <- w - rate v / ||v||, norm over the tensor",
          .reference = "You, Gitman, Ginsburg, arXiv 1708.03888 (2017), eq. 6")
