/* recurrent_back.h - back through the steps, and the gradients of inputs and parameters: see
 * recurrent.h. */

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

/* The gradient of what is put out of a sample at the course's step; NULL: nothing is. */
static const tn_real *TN(row_from)(const TN(course) * c, int64_t s)
{
    const tn_tensor *gout = c->io->gout;
    if (c->self->return_sequences) return c->step < 0 ? NULL : TN(row_in)(c, gout, s);
    if (c->step + 1 != TN(length_of)(c, s)) return NULL;
    return (const tn_real *)gout->data + s * c->width;
}

/* The gradient of a sample's state at the course's step, and what is put out of its cell. */
static void TN(gather)(const TN(course) * c, int64_t s)
{
    const tn_real *row = TN(row_from)(c, s);
    tn_real *carry = c->carry + s * c->n;
    TN(join_gradients)(c, row ? row + c->column : NULL, s);
    if (row && CELL_OPTION(c->self, return_state))
        for (int64_t j = 0; j < c->n; j++) carry[j] += row[c->cell_column + j];
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
    for (int64_t s = TN(part_begin)(c, part); s < TN(part_end)(c, part); s++) {
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
    for (int64_t s = TN(part_begin)(c, part); s < TN(part_end)(c, part); s++)
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

/* Whether the states to begin with get a gradient. */
static int TN(gives_first)(const TN(course) * c)
{
    return c->self->first && c->io->gin[c->self->first];
}

static tn_status TN(step_back)(TN(course) * c)
{
    const int64_t s = c->group, from = c->from, at = c->step * c->samples + from;
    tn_status status = TN(each_part)(c, TN(backward_part));
    if (!status && c->made)
        status = TN(multiply)(c, tn_matrix_at(s, c->p, c->gh_all + at * c->p),
                              c->projection,
                              tn_matrix_at(s, c->n, c->gmade + from * c->n), NULL);
    if (!status && c->made) status = TN(each_part)(c, TN(projected_part));
    if (status || !(c->step || TN(gives_first)(c))) return status;
    const tn_matrix gu = GRADIENTS_APART && !c->raw_recurrent
                             ? tn_matrix_at(s, GATES * c->n, c->u + GATES * from * c->n)
                             : TN(u_gradients)(c, c->step, 1, 0, GATES);
    return TN(multiply)(c, gu, c->r, tn_matrix_at(s, c->p, c->gh + from * c->p), NULL);
}

static tn_status TN(steps_back)(void *data, int64_t group)
{
    TN(course) c = TN(course_of_group)(data, group);
    tn_status status = TN_OK;
    for (c.step = c.steps - 1; !status && c.step >= 0; c.step--)
        status = TN(step_back)(&c);
    return status;
}

/* Gradients of z, which replace it in the cache. */
static tn_status TN(back_through_steps)(TN(course) * c)
{
    const size_t real = sizeof(tn_real);
    tn_status status = TN(pack_weights)(c, 1);
    memset(c->carry, 0, real * (size_t)(c->samples * c->n));
    if (c->past) memset(c->past, 0, real * (size_t)(c->samples * c->p));
    if (c->raw) memset(c->gains, 0, real * (size_t)(c->samples * GAINS * c->n));
    if (!status) status = TN(each_group)(c, TN(steps_back));
    if (!status && TN(gives_first)(c)) TN(give_first)(c);
    return status;
}

/* Of the recurrent weights of `gates` gates from `gate` on. */
static tn_status TN(give_gates)(TN(course) * c, int64_t gate, int64_t gates)
{
    const int64_t first = !c->begins && c->steps > 1, count = c->steps - !c->begins;
    const tn_matrix g = TN(u_gradients)(c, first, count, gate, gates);
    tn_real *out = (tn_real *)c->gparam[RECURRENT_WEIGHT]->data + gate * c->n * c->p;
    return TN(multiply)(c, tn_transposed(g), TN(states)(c, c->begins ? -1 : 0, count),
                        tn_matrix_at(gates * c->n, c->p, out), NULL);
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
    return TN(multiply)(c, tn_transposed(tn_matrix_at(rows, c->p, c->gh_all)),
                        tn_matrix_at(rows, c->n, c->made),
                        tn_matrix_of(c->gparam[PROJECTION]), NULL);
}

static tn_status TN(give_biases)(const TN(course) * c)
{
    const int64_t n = c->n;
    const tn_status status = TN(sum_columns)(c, c->steps * c->samples, SLOTS * n, c->z);
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
