/* subject.h - the slots of a regularizer on a weight of doubles, which goes through tn_real.
 * Included by regularizing.h once per precision, hence no guard. */

static tn_tensor TN(weight_of)(const subject *s, const double *from, tn_real *room)
{
    const tn_shape shape = {.rank = s->taps > 1 ? 3 : 2,
                            .dim = {s->rows, s->cols, s->taps}};
    for (int64_t i = 0; i < elements_of(s); i++) room[i] = (tn_real)from[i];
    return tn_tensor_over(&shape, -1, sizeof(tn_real) == 8, room);
}

static size_t TN(scratch_of)(const subject *s)
{
    const tn_regularizer *r = s->regularizer->vtable;
    return r->scratch
               ? r->scratch(s->regularizer->self, s->rows, elements_of(s) / s->rows)
               : 0;
}

TN_UNUSED static double TN(penalty_of)(subject *s, const double *weight)
{
    static tn_real w[MOST];
    const tn_regularizer *r = s->regularizer->vtable;
    const tn_tensor t = TN(weight_of)(s, weight, w);
    const tn_tile tile = tile_of(s->regularizer, elements_of(s));
    double penalty = NAN;
    if (!r->penalty_whole) return r->penalty(s->regularizer->self, &tile, w);
    cr_assert_eq(
        r->penalty_whole(s->regularizer->self, call_of(s), &t, s->scratch, &penalty),
        TN_OK);
    return penalty;
}

TN_UNUSED static void TN(add_gradient_of)(subject *s, const double *weight, double *to)
{
    static tn_real w[MOST], g[MOST];
    const tn_regularizer *r = s->regularizer->vtable;
    const tn_tensor t = TN(weight_of)(s, weight, w);
    tn_tensor gradient = TN(weight_of)(s, to, g);
    const tn_tile tile = tile_of(s->regularizer, elements_of(s));
    if (!r->gradient_whole)
        r->gradient(s->regularizer->self, &tile, w, g);
    else
        cr_assert_eq(r->gradient_whole(s->regularizer->self, call_of(s), &t, &gradient,
                                       s->scratch),
                     TN_OK);
    for (int64_t i = 0; i < elements_of(s); i++) to[i] = (double)g[i];
}

TN_UNUSED static void TN(prox_of)(subject *s, const double *steps, double *weight)
{
    static tn_real w[MOST], by[MOST];
    const tn_regularizer *r = s->regularizer->vtable;
    const tn_tensor step = TN(weight_of)(s, steps, by);
    tn_tensor t = TN(weight_of)(s, weight, w);
    const tn_tile tile = tile_of(s->regularizer, elements_of(s));
    if (!r->prox_whole)
        r->prox(s->regularizer->self, &tile, by, w);
    else
        cr_assert_eq(
            r->prox_whole(s->regularizer->self, call_of(s), &step, &t, s->scratch),
            TN_OK);
    for (int64_t i = 0; i < elements_of(s); i++) weight[i] = (double)w[i];
}
