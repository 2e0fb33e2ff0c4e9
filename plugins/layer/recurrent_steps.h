/* recurrent_steps.h - forward and back through the steps: see recurrent.h. Included behind the cell
 * of a layer. */

static int TN(counts)(const TN(course) * c, int64_t sample)
{
    return c->step < TN(length_of)(c, sample);
}

/* The state of a sample at a step; step -1: before the first. */
static tn_real *TN(state_at)(const TN(course) * c, int64_t sample, int64_t step)
{
    return c->h + (step * c->samples + sample) * c->p;
}

static tn_real *TN(cell_at)(const TN(course) * c, int64_t sample, int64_t step)
{
    return c->c + (step * c->samples + sample) * c->n;
}

static void TN(see_norm)(const TN(course) * c, int64_t sample, TN(row) * r)
{
    if (!CELLS || !c->seen) return;
    r->seen = c->seen + sample * c->n;
    r->cell_gamma = c->param[CELL_GAMMA]->data;
    r->cell_beta = TN(values)(c->param[CELL_BETA]);
    r->gcell_gamma = TN(gain)(c, sample, OF_CELL);
    r->gcell_beta = TN(gain)(c, sample, OF_CELL + 1);
}

static TN(row) TN(row_of)(const TN(course) * c, int64_t sample)
{
    const int64_t n = c->n, at = (c->step * c->samples + sample) * n, step = c->step;
    const int before = step || c->begins;
    TN(row)
    r = {.n = n,
         .z = c->z + SLOTS * at,
         .u = c->u + GATES * sample * n,
         .h = c->made ? c->made + at : TN(state_at)(c, sample, step),
         .gh = (c->made ? c->gmade : c->gh) + sample * n,
         .carry = c->carry + sample * n,
         .h_before = before ? TN(state_at)(c, sample, step - 1) : c->zero,
         .c_before = c->zero,
         .bias = c->param[LAST_BIAS] ? c->param[LAST_BIAS]->data : c->zero};
    if (CELLS) r.c = c->fresh ? c->fresh + at : TN(cell_at)(c, sample, step);
    if (CELLS && before) r.c_before = TN(cell_at)(c, sample, step - 1);
    TN(see_norm)(c, sample, &r);
    return r;
}

/* Where a sample's state is put out, or its gradient found, if every step's is. */
static tn_real *TN(place_in)(const TN(course) * c, const tn_tensor *out, int64_t sample)
{
    const int64_t at = sample * c->steps + TN(time_of)(c, sample, c->step);
    return (tn_real *)out->data + at * c->width + c->column;
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

/* `operand`, a matrix of rows x cols, packed if the backend packs. */
static tn_status TN(pack)(const TN(course) * c, tn_matrix *operand, void *packed)
{
    if (!packed || c->steps == 1) return TN_OK;
    const tn_status status = c->call->host->pack(c->call, operand, packed);
    operand->packed = packed;
    return status;
}

static tn_status TN(pack_weights)(const TN(course) * c, int back, tn_matrix *r,
                                  tn_matrix *projection)
{
    *r = TN(operand)(GATES * c->n, c->p, c->param[RECURRENT_WEIGHT]->data, back);
    const tn_status status = TN(pack)(c, r, c->packed);
    if (status || !c->made) return status;
    *projection = TN(operand)(c->p, c->n, c->param[PROJECTION]->data, back);
    return TN(pack)(c, projection, c->packed_projection);
}

/* ---- the ends -------------------------------------------------------------------- */

static void TN(copy)(tn_real *to, const tn_real *from, int64_t n)
{
    if (from)
        memcpy(to, from, sizeof *to * (size_t)n);
    else
        memset(to, 0, sizeof *to * (size_t)n);
}

/* States to begin with: those of the last input, or what the batch before left. */
static void TN(begin)(const TN(course) * c)
{
    const tn_real *from = c->self->first
                              ? (const tn_real *)c->io->in[c->self->first]->data
                              : (const tn_real *)c->io->state[0]->data +
                                    c->io->row * c->states_width;
    for (int64_t s = 0; s < c->samples; s++, from += c->states_width) {
        TN(copy)(TN(state_at)(c, s, -1), from + c->column, c->p);
        if (CELLS) TN(copy)(TN(cell_at)(c, s, -1), from + c->cell_column, c->n);
    }
}

/* The states of each sample's last step into rows of `width` numbers, of which a cell may be one. */
static void TN(put_last)(const TN(course) * c, tn_real *to, int64_t width)
{
    for (int64_t s = 0; s < c->samples; s++, to += width) {
        const int64_t last = TN(length_of)(c, s) - 1;
        const int there = last >= 0 || c->begins;
        TN(copy)(to + c->column, there ? TN(state_at)(c, s, last) : NULL, c->p);
        if (CELLS && c->cell_column < width)
            TN(copy)(to + c->cell_column, there ? TN(cell_at)(c, s, last) : NULL, c->n);
    }
}

/* ---- forward --------------------------------------------------------------------- */

/* What the step has made of a sample becomes its state. */
static void TN(finish)(const TN(course) * c, int64_t s)
{
    tn_real *h = TN(state_at)(c, s, c->step);
    const int before = c->step || c->begins;
    if (c->past) {
        const TN(zone) z = TN(zone_of)(c, s, 0);
        TN(mix)(&z, h, before ? TN(state_at)(c, s, c->step - 1) : c->zero, h);
    }
    if (CELLS && c->fresh) {
        const TN(zone) z = TN(zone_of)(c, s, 1);
        const TN(row) r = TN(row_of)(c, s);
        TN(mix)(&z, r.c, r.c_before, TN(cell_at)(c, s, c->step));
    }
    if (c->self->return_sequences)
        memcpy(TN(place_in)(c, c->io->out, s), h, sizeof *h * (size_t)c->p);
}

static void TN(skip)(const TN(course) * c, int64_t s)
{
    TN(copy)(TN(state_at)(c, s, c->step), NULL, c->p);
    if (CELLS) TN(copy)(TN(cell_at)(c, s, c->step), NULL, c->n);
    if (c->made) TN(copy)(c->made + (c->step * c->samples + s) * c->n, NULL, c->n);
    if (c->self->return_sequences) TN(copy)(TN(place_in)(c, c->io->out, s), NULL, c->p);
}

static tn_status TN(forward_part)(void *data, int64_t part)
{
    const TN(course) *c = data;
    for (int64_t s = part * c->rows; s < TN(part_end)(c, part); s++) {
        if (!TN(counts)(c, s)) {
            TN(skip)(c, s);
            continue;
        }
        const TN(row) r = TN(row_of)(c, s);
        if (c->raw) TN(norm)(c, &r, s);
        TN(cell_forward)(c->self, &r);
        if (!c->made) TN(finish)(c, s);
    }
    return TN_OK;
}

static tn_status TN(finish_part)(void *data, int64_t part)
{
    const TN(course) *c = data;
    for (int64_t s = part * c->rows; s < TN(part_end)(c, part); s++)
        if (TN(counts)(c, s)) TN(finish)(c, s);
    return TN_OK;
}

static tn_status TN(step_forward)(TN(course) * c, tn_matrix r, tn_matrix projection)
{
    const int64_t s = c->samples;
    tn_status status = TN_OK;
    if (c->step || c->begins)
        status = TN(multiply)(c, TN(states)(c, c->step - 1, 1), r,
                              TN(compact)(s, GATES * c->n, c->u), NULL);
    if (!status) status = TN(each_part)(c, TN(forward_part));
    if (status || !c->made) return status;
    status = TN(multiply)(c, TN(compact)(s, c->n, c->made + c->step * s * c->n),
                          projection, TN(compact)(s, c->p, c->h + c->step * s * c->p),
                          NULL);
    return status ? status : TN(each_part)(c, TN(finish_part));
}

static tn_status TN(run_course)(TN(course) * c)
{
    const tn_matrix w = tn_transposed(tn_matrix_of(c->param[WEIGHT]));
    const void *bias = c->param[BIAS] && !c->raw ? c->param[BIAS]->data : NULL;
    tn_matrix r, projection = {0};
    tn_status status = TN(multiply)(c, TN(input)(c), w,
                                    TN(slots)(c, 0, c->steps, 0, GATES), bias);
    if (!status) status = TN(pack_weights)(c, 0, &r, &projection);
    if (c->masked) TN(draw_mask)(c);
    if (c->begins) TN(begin)(c);
    memset(c->u, 0, sizeof(tn_real) * (size_t)(c->samples * GATES * c->n));
    for (c->step = 0; !status && c->step < c->steps; c->step++)
        status = TN(step_forward)(c, r, projection);
    if (status) return status;
    const tn_tensor *out = c->io->out;
    if (!c->self->return_sequences) TN(put_last)(c, out->data, out->dim[1]);
    if (c->io->training && c->self->stateful)
        TN(put_last)(c, c->io->held, c->states_width);
    return TN_OK;
}

static tn_status TN(check_lengths)(const TN(self) * self, tn_call *c, const tn_io *io)
{
    const int64_t steps = io->in[0]->dim[1];
    for (int64_t s = 0; self->lengths && s < io->in[0]->dim[0]; s++) {
        const tn_real length = ((const tn_real *)io->in[1]->data)[s];
        if (length >= 0 && length <= (tn_real)steps && length == (tn_real)(int64_t)length)
            continue;
        return tn_fail(c, TN_EINVAL,
                       "sample %lld has length %g, expected a whole number from 0 to "
                       "%lld (steps)",
                       (long long)(io->row + s), (double)length, (long long)steps);
    }
    if (!io->training || !self->stateful || io->row + io->in[0]->dim[0] <= self->stateful)
        return TN_OK;
    return tn_fail(c, TN_EINVAL,
                   "stateful: %lld; the batch has more samples, %lld; both must be the "
                   "same",
                   (long long)self->stateful, (long long)(io->row + io->in[0]->dim[0]));
}

static tn_status TN(run)(const void *me, tn_call *call, const tn_io *io)
{
    const TN(self) *self = me;
    tn_status status = TN(check_lengths)(self, call, io);
    for (int32_t d = 0; !status && d < TN(directions)(self); d++) {
        TN(course) c = TN(course_of)(self, call, io, d);
        status = TN(run_course)(&c);
    }
    return status;
}

/* `state`: of the sample of each row; members rows from t->row on. */
static void TN(commit)(const void *me, const tn_tile *t, int64_t members,
                       void *const *state)
{
    const int64_t width = TN(states_size)(me);
    tn_real *states = state[0];
    memcpy(states + t->row * width, t->stat[0],
           sizeof *states * (size_t)(members * width));
}

/* ---- backward -------------------------------------------------------------------- */

/* gh holds what the product has brought from the step behind. A sample's last step begins. */
TN_KERNEL void TN(join_gradients)(const TN(course) * c, const tn_real *gy, int64_t sample)
{
    const int64_t p = c->p;
    const tn_real *mask = c->mask + sample * p;
    tn_real *gh = c->gh + sample * p;
    if (c->step + 1 == TN(length_of)(c, sample))
        memset(gh, 0, sizeof *gh * (size_t)p);
    else if (c->masked)
        for (int64_t j = 0; j < p; j++) gh[j] *= mask[j];
    for (int64_t j = 0; gy && j < p; j++) gh[j] += gy[j];
}

TN_KERNEL void TN(take_over)(int64_t n, tn_real *to, tn_real *from)
{
    EACH_APART for (int64_t j = 0; j < n; j++) to[j] += from[j], from[j] = 0;
}

/* The gradient of a sample's state at the course's step, and of its last cell. */
static void TN(gather)(const TN(course) * c, int64_t s)
{
    const tn_tensor *gout = c->io->gout;
    const int ends = c->step + 1 == TN(length_of)(c, s);
    const tn_real *last = (const tn_real *)gout->data + s * gout->dim[1];
    if (c->self->return_sequences)
        TN(join_gradients)(c, c->step < 0 ? NULL : TN(place_in)(c, gout, s), s);
    else
        TN(join_gradients)(c, ends ? last + c->column : NULL, s);
    if (ends && CELL_OPTION(c->self, return_state))
        memcpy(c->carry + s * c->n, last + c->cell_column, sizeof *last * (size_t)c->n);
    if (c->past) TN(take_over)(c->p, c->gh + s * c->p, c->past + s * c->p);
}

/* What zoneout lets pass by the step. */
static void TN(pass_by)(const TN(course) * c, int64_t s)
{
    tn_real *gh = c->gh + s * c->p;
    if (!CELLS) TN(take_over)(c->n, gh, c->carry + s * c->n); /* it is of h */
    const TN(zone) z = TN(zone_of)(c, s, 0);
    TN(mix_back)(&z, gh, c->past + s * c->p);
}

/* Back through the cell of a sample. */
static void TN(cell_back)(const TN(course) * c, int64_t s)
{
    const TN(row) r = TN(row_of)(c, s);
    if (CELLS && c->fresh) {
        const TN(zone) z = TN(zone_of)(c, s, 1);
        TN(mix_back)(&z, r.carry, c->past_cell + s * c->n);
    }
    TN(cell_backward)(c->self, &r);
    if (CELLS && c->fresh) TN(take_over)(c->n, r.carry, c->past_cell + s * c->n);
    if (c->raw) TN(norm_back)(c, &r, s);
}

/* Of the state, for the gradient of what projects it. */
static void TN(keep_gradient)(const TN(course) * c, int64_t s)
{
    tn_real *kept = c->gh_all + (c->step * c->samples + s) * c->p;
    memcpy(kept, c->gh + s * c->p, sizeof *kept * (size_t)c->p);
}

/* No gradient comes from there. */
static void TN(skip_back)(const TN(course) * c, int64_t s)
{
    const int64_t n = c->n, at = c->step * c->samples + s;
    TN(copy)(c->z + SLOTS * at * n, NULL, SLOTS * n);
    TN(copy)(c->u + GATES * s * n, NULL, GATES * n);
    if (c->made) TN(copy)(c->gh_all + at * c->p, NULL, c->p);
    if (c->raw_recurrent) TN(copy)(c->raw_recurrent + GATES * at * n, NULL, GATES * n);
}

static tn_status TN(backward_part)(void *data, int64_t part)
{
    const TN(course) *c = data;
    for (int64_t s = part * c->rows; s < TN(part_end)(c, part); s++) {
        if (!TN(counts)(c, s)) {
            TN(skip_back)(c, s);
            continue;
        }
        TN(gather)(c, s);
        if (c->past) TN(pass_by)(c, s);
        if (c->made)
            TN(keep_gradient)(c, s);
        else
            TN(cell_back)(c, s);
    }
    return TN_OK;
}

static tn_status TN(projected_part)(void *data, int64_t part)
{
    const TN(course) *c = data;
    for (int64_t s = part * c->rows; s < TN(part_end)(c, part); s++)
        if (TN(counts)(c, s)) TN(cell_back)(c, s);
    return TN_OK;
}

/* The gradients of the states to begin with, to where they belong. */
static void TN(give_first)(TN(course) * c)
{
    tn_real *to = c->io->gin[c->self->first]->data;
    c->step = -1;
    for (int64_t s = 0; s < c->samples; s++, to += c->states_width) {
        TN(gather)(c, s);
        if (!CELLS) TN(take_over)(c->n, c->gh + s * c->p, c->carry + s * c->n);
        TN(copy)(to + c->column, c->gh + s * c->p, c->p);
        if (CELLS) TN(copy)(to + c->cell_column, c->carry + s * c->n, c->n);
    }
}

static tn_status TN(step_back)(TN(course) * c, tn_matrix r, tn_matrix projection,
                               int gives_first)
{
    const int64_t s = c->samples;
    tn_status status = TN(each_part)(c, TN(backward_part));
    if (!status && c->made)
        status = TN(multiply)(c, TN(compact)(s, c->p, c->gh_all + c->step * s * c->p),
                              projection, TN(compact)(s, c->n, c->gmade), NULL);
    if (!status && c->made) status = TN(each_part)(c, TN(projected_part));
    if (status || !(c->step || gives_first)) return status;
    const tn_matrix gu = GRADIENTS_APART && !c->raw_recurrent
                             ? TN(compact)(s, GATES * c->n, c->u)
                             : TN(u_gradients)(c, c->step, 1, 0, GATES);
    return TN(multiply)(c, gu, r, TN(compact)(s, c->p, c->gh), NULL);
}

/* Gradients of z, which replace it in the cache. */
static tn_status TN(back_through_steps)(TN(course) * c)
{
    const size_t real = sizeof(tn_real);
    const int gives_first = c->self->first && c->io->gin[c->self->first];
    tn_matrix r, projection = {0};
    tn_status status = TN(pack_weights)(c, 1, &r, &projection);
    memset(c->carry, 0, real * (size_t)(c->samples * c->n));
    if (c->past) memset(c->past, 0, real * (size_t)(c->samples * c->p));
    if (c->raw) memset(c->gains, 0, real * (size_t)(c->samples * GAINS * c->n));
    for (c->step = c->steps - 1; !status && c->step >= 0; c->step--)
        status = TN(step_back)(c, r, projection, gives_first);
    if (!status && gives_first) TN(give_first)(c);
    return status;
}

/* Of the recurrent weights of `gates` gates from `gate` on. */
static tn_status TN(give_gates)(TN(course) * c, int64_t gate, int64_t gates)
{
    const int64_t first = !c->begins && c->steps > 1, count = c->steps - !c->begins;
    const tn_matrix g = TN(u_gradients)(c, first, count, gate, gates);
    tn_real *out = (tn_real *)c->gparam[RECURRENT_WEIGHT]->data + gate * c->n * c->p;
    return TN(multiply)(c, tn_transposed(g), TN(states)(c, c->begins ? -1 : 0, count),
                        TN(compact)(gates * c->n, c->p, out), NULL);
}

static tn_status TN(give_recurrent)(TN(course) * c)
{
    const int64_t apart = GRADIENTS_APART && !c->raw_recurrent ? GATES - 1 : GATES;
    if (!c->gparam[RECURRENT_WEIGHT]) return TN_OK;
    const tn_status status = TN(give_gates)(c, 0, apart);
    return status || apart == GATES ? status : TN(give_gates)(c, GATES - 1, 1);
}

static tn_status TN(give_projection)(const TN(course) * c)
{
    const int64_t rows = c->steps * c->samples;
    if (!c->made || !c->gparam[PROJECTION]) return TN_OK;
    return TN(multiply)(c, tn_transposed(TN(compact)(rows, c->p, c->gh_all)),
                        TN(compact)(rows, c->n, c->made),
                        tn_matrix_of(c->gparam[PROJECTION]), NULL);
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
    if (c->gparam[BIAS])
        memcpy(c->gparam[BIAS]->data, c->sums, sizeof(tn_real) * (size_t)(GATES * n));
    if (c->gparam[LAST_BIAS])
        memcpy(c->gparam[LAST_BIAS]->data, c->sums + (SLOTS - 1) * n,
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
    if (!c->io->gin[0]) return TN_OK;
    return TN(multiply)(c, TN(slots)(c, 0, c->steps, 0, GATES),
                        tn_matrix_of(c->param[WEIGHT]), out, NULL);
}

static tn_status TN(run_course_back)(TN(course) * c)
{
    tn_status status = TN(back_through_steps)(c);
    const tn_matrix g = TN(slots)(c, 0, c->steps, 0, GATES);
    if (!status && c->gparam[WEIGHT])
        status = TN(multiply)(c, tn_transposed(g), TN(input)(c),
                              tn_matrix_of(c->gparam[WEIGHT]), NULL);
    if (!status) status = TN(give_recurrent)(c);
    if (!status) status = TN(give_projection)(c);
    if (!status && c->self->bias) status = TN(give_biases)(c);
    if (!status && c->raw) status = TN(give_gains)(c);
    return status ? status : TN(give_input)(c);
}

static tn_status TN(run_back)(const void *me, tn_call *call, const tn_io *io)
{
    const TN(self) *self = me;
    tn_status status = TN_OK;
    if (self->lengths && io->gin[1])
        memset(io->gin[1]->data, 0, sizeof(tn_real) * (size_t)tn_count(io->gin[1]));
    for (int32_t d = 0; !status && d < TN(directions)(self); d++) {
        TN(course) c = TN(course_of)(self, call, io, d);
        status = TN(run_course_back)(&c);
    }
    return status;
}
