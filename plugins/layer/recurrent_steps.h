/* recurrent_steps.h - forward and back through the steps: see recurrent.h. Included behind the cell
 * of a layer,
 *
 *     TN(cell_forward)(self, const TN(row) *), TN(cell_backward)(self, const TN(row) *)
 *
 * which says by GRADIENTS_APART whether the gradient of u is not that of z, and is left in u. */

static TN(row) TN(row_of)(const TN(course) * c, int64_t sample)
{
    const int64_t n = c->n, at = (c->step * c->samples + sample) * n,
                  before = at - c->samples * n;
    return (TN(row)){.n = n,
                     .z = c->z + SLOTS * at,
                     .u = c->u + GATES * sample * n,
                     .h = c->h + at,
                     .c = c->c + CELLS * at,
                     .gh = c->gh + sample * n,
                     .carry = c->carry + sample * n,
                     .h_before = c->step ? c->h + before : c->zero,
                     .c_before = CELLS && c->step ? c->c + before : c->zero,
                     .bias = RECURRENT_BIAS && c->self->bias ? c->param[3]->data
                                                             : c->zero};
}

/* Where a sample's state is put out; NULL: that of this step is not. */
static tn_real *TN(place_in)(const TN(course) * c, const tn_tensor *out, int64_t sample)
{
    tn_real *at = out->data;
    if (c->self->return_sequences)
        return at + (sample * c->steps + TN(time_of)(c, c->step)) * c->width + c->column;
    return c->step + 1 == c->steps ? at + sample * c->width + c->column : NULL;
}

/* body(c, i) for all parts of a step. */
static tn_status TN(each_part)(TN(course) * c, tn_status (*body)(void *, int64_t))
{
    const int64_t parts = (c->samples + c->rows - 1) / c->rows;
    return parts == 1 ? body(c, 0) : c->call->host->parallel(c->call, parts, body, c);
}

static int64_t TN(part_end)(const TN(course) * c, int64_t part)
{
    const int64_t end = (part + 1) * c->rows;
    return end < c->samples ? end : c->samples;
}

/* ---- forward --------------------------------------------------------------------- */

static tn_status TN(forward_part)(void *data, int64_t part)
{
    const TN(course) *c = data;
    for (int64_t s = part * c->rows; s < TN(part_end)(c, part); s++) {
        const TN(row) r = TN(row_of)(c, s);
        tn_real *out = TN(place_in)(c, c->io->out, s);
        TN(cell_forward)(c->self, &r);
        if (out) memcpy(out, r.h, sizeof *out * (size_t)c->n);
    }
    return TN_OK;
}

/* One mask for all steps (Gal, Ghahramani, NIPS 2016, eq. 7), scaled as in dropout. */
static void TN(draw_mask)(const TN(course) * c)
{
    const double p = tn_now(c->call, c->self->recurrent_dropout);
    const uint32_t threshold = (uint32_t)(p * 0x1p32);
    const tn_real scale = (tn_real)(1 / (1 - p));
    const tn_key key = tn_key_derive(c->io->key, (uint64_t)c->adds, 0);
    const uint64_t first = (uint64_t)(c->io->row * c->n);
    uint32_t bits[256];
    for (int64_t i = 0; i < c->samples * c->n; i += 256) {
        const int64_t left = c->samples * c->n - i, n = left < 256 ? left : 256;
        tn_random_run(key, first + (uint64_t)i, n, bits);
        for (int64_t j = 0; j < n; j++) c->mask[i + j] = bits[j] < threshold ? 0 : scale;
    }
}

/* The operand R, packed if the backend packs. */
static tn_status TN(pack_recurrent)(const TN(course) * c, int back, tn_matrix *r)
{
    *r = TN(recurrent_weight)(c->n, c->param[1]->data, back);
    if (!c->packed || c->steps == 1) return TN_OK;
    const tn_status status = c->call->host->pack(c->call, r, c->packed);
    r->packed = c->packed;
    return status;
}

static tn_status TN(run_course)(TN(course) * c)
{
    tn_matrix r, u = TN(compact)(c->samples, GATES * c->n, c->u);
    const tn_matrix w = tn_transposed(tn_matrix_of(c->param[0]));
    tn_status status = TN(multiply)(c, TN(input)(c), w,
                                    TN(slots)(c, 0, c->steps, 0, GATES),
                                    c->self->bias ? c->param[2]->data : NULL);
    if (!status) status = TN(pack_recurrent)(c, 0, &r);
    if (c->masked) TN(draw_mask)(c);
    memset(c->u, 0, sizeof(tn_real) * (size_t)(u.rows * u.cols));
    for (c->step = 0; !status && c->step < c->steps; c->step++) {
        if (c->step) status = TN(multiply)(c, TN(states)(c, c->step - 1, 1), r, u, NULL);
        if (!status) status = TN(each_part)(c, TN(forward_part));
    }
    return status;
}

static tn_status TN(run)(const void *me, tn_call *call, const tn_io *io)
{
    const TN(self) *self = me;
    tn_status status = TN_OK;
    for (int32_t d = 0; !status && d < TN(directions)(self); d++) {
        TN(course) c = TN(course_of)(self, call, io, d);
        status = TN(run_course)(&c);
    }
    return status;
}

/* ---- backward -------------------------------------------------------------------- */

/* gh holds what the product has brought from the step behind. */
TN_KERNEL void TN(join_gradients)(const TN(course) * c, const TN(row) * r,
                                  const tn_real *gy, int64_t sample)
{
    const tn_real *mask = c->mask + sample * c->n;
    tn_real *gh = r->gh;
    if (c->step + 1 == c->steps)
        memset(gh, 0, sizeof *gh * (size_t)r->n);
    else if (c->masked)
        for (int64_t j = 0; j < r->n; j++) gh[j] *= mask[j];
    for (int64_t j = 0; gy && j < r->n; j++) gh[j] += gy[j];
}

static tn_status TN(backward_part)(void *data, int64_t part)
{
    const TN(course) *c = data;
    for (int64_t s = part * c->rows; s < TN(part_end)(c, part); s++) {
        const TN(row) r = TN(row_of)(c, s);
        TN(join_gradients)(c, &r, TN(place_in)(c, c->io->gout, s), s);
        TN(cell_backward)(c->self, &r);
    }
    return TN_OK;
}

/* Gradients of z, which replace it in the cache. */
static tn_status TN(back_through_steps)(TN(course) * c)
{
    tn_matrix r;
    const tn_matrix gh = TN(compact)(c->samples, c->n, c->gh);
    tn_status status = TN(pack_recurrent)(c, 1, &r);
    memset(c->carry, 0, sizeof(tn_real) * (size_t)(c->samples * c->n));
    for (c->step = c->steps - 1; !status && c->step >= 0; c->step--) {
        status = TN(each_part)(c, TN(backward_part));
        const tn_matrix gu = GRADIENTS_APART ? TN(compact)(c->samples, GATES * c->n, c->u)
                                             : TN(slots)(c, c->step, 1, 0, GATES);
        if (!status && c->step) status = TN(multiply)(c, gu, r, gh, NULL);
    }
    return status;
}

/* Of the recurrent weights of `gates` gates, whose u has its gradient in slots from `slot` on. */
static tn_status TN(give_recurrent)(TN(course) * c, int64_t gate, int64_t gates,
                                    int64_t slot)
{
    const int64_t n = c->n;
    const tn_matrix g = TN(slots)(c, c->steps > 1, c->steps - 1, slot, gates);
    tn_real *out = (tn_real *)c->gparam[1]->data + gate * n * n;
    return TN(multiply)(c, tn_transposed(g), TN(states)(c, 0, c->steps - 1),
                        TN(compact)(gates * n, n, out), NULL);
}

static tn_status TN(give_biases)(const TN(course) * c)
{
    const int64_t n = c->n, rows = c->steps * c->samples;
    const tn_tensor g = {.struct_size = sizeof g,
                         .rank = 2,
                         .dim = {rows, SLOTS * n},
                         .stride = {SLOTS * n, 1},
                         .data = c->z};
    tn_tensor sums = {.struct_size = sizeof sums,
                      .rank = 1,
                      .dim = {SLOTS * n},
                      .stride = {1},
                      .data = c->sums};
    const tn_status status = c->call->host->column_sums(c->call, &g, &sums);
    if (c->gparam[2])
        memcpy(c->gparam[2]->data, c->sums, sizeof(tn_real) * (size_t)(GATES * n));
    if (RECURRENT_BIAS && c->gparam[3])
        memcpy(c->gparam[3]->data, c->sums + (SLOTS - 1) * n,
               sizeof(tn_real) * (size_t)n);
    return status;
}

static tn_status TN(give_input)(TN(course) * c)
{
    const tn_matrix out = {.rows = c->steps * c->samples,
                           .cols = c->features,
                           .row_stride = c->features,
                           .col_stride = 1,
                           .wrote = TN(write_input),
                           .with = c};
    return TN(multiply)(c, TN(slots)(c, 0, c->steps, 0, GATES), tn_matrix_of(c->param[0]),
                        out, NULL);
}

static tn_status TN(run_course_back)(TN(course) * c)
{
    tn_status status = TN(back_through_steps)(c);
    const tn_matrix g = TN(slots)(c, 0, c->steps, 0, GATES);
    const int64_t apart = GRADIENTS_APART ? GATES - 1 : GATES;
    if (!status && c->gparam[0])
        status = TN(multiply)(c, tn_transposed(g), TN(input)(c),
                              tn_matrix_of(c->gparam[0]), NULL);
    if (!status && c->gparam[1]) status = TN(give_recurrent)(c, 0, apart, 0);
    if (!status && c->gparam[1] && GRADIENTS_APART)
        status = TN(give_recurrent)(c, apart, 1, SLOTS - 1);
    if (!status && c->self->bias) status = TN(give_biases)(c);
    return status || !c->io->gin[0] ? status : TN(give_input)(c);
}

static tn_status TN(run_back)(const void *me, tn_call *call, const tn_io *io)
{
    const TN(self) *self = me;
    tn_status status = TN_OK;
    for (int32_t d = 0; !status && d < TN(directions)(self); d++) {
        TN(course) c = TN(course_of)(self, call, io, d);
        status = TN(run_course_back)(&c);
    }
    return status;
}
