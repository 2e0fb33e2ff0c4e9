/* recurrent_back.h - back through the steps, and the gradients of inputs and parameters: see
 * recurrent.h. */

/* gh holds what the product has brought from the step behind. A sample's last step begins. */
TN_KERNEL void TN(join_gradients)(const TN(course) * c, const tn_real *gy, int64_t sample)
{
    const int64_t at = sample * c->p + c->unit, units = c->units;
    const tn_real *mask = c->mask + at;
    tn_real *gh = c->gh + at;
    if (c->step + 1 == TN(length_of)(c, sample))
        memset(gh, 0, sizeof *gh * (size_t)units);
    else if (c->masked)
        for (int64_t j = 0; j < units; j++) gh[j] *= mask[j];
    for (int64_t j = 0; gy && j < units; j++) gh[j] += gy[j];
}

TN_KERNEL void TN(take_over)(int64_t n, tn_real *to, tn_real *from)
{
    EACH_APART for (int64_t j = 0; j < n; j++) to[j] += from[j], from[j] = 0;
}

/* The gradient of the course's units of what is put out of a sample at its step, from `column` on;
 * NULL: nothing is. */
static const tn_real *TN(put_out)(const TN(course) * c, int64_t s, int64_t column)
{
    const tn_tensor *gout = c->io->gout;
    const tn_real *row = NULL;
    if (c->self->return_sequences)
        row = c->step < 0 ? NULL : TN(row_in)(c, gout, s);
    else if (c->step + 1 == TN(length_of)(c, s))
        row = (const tn_real *)gout->data + s * c->width;
    return row ? row + column + c->unit : NULL;
}

/* The gradient of a sample's state at the course's step. */
static void TN(gather)(const TN(course) * c, int64_t s)
{
    const int64_t at = s * c->p + c->unit;
    TN(join_gradients)(c, TN(put_out)(c, s, c->column), s);
    if (c->past) TN(take_over)(c->units, c->gh + at, c->past + at);
}

/* Likewise of its cell. */
static void TN(gather_cell)(const TN(course) * c, int64_t s)
{
    tn_real *carry = c->carry + s * c->n + c->unit;
    if (!CELL_OPTION(c->self, return_state)) return;
    const tn_real *given = TN(put_out)(c, s, c->cell_column);
    for (int64_t j = 0; given && j < c->units; j++) carry[j] += given[j];
}

/* What zoneout lets pass by the step. */
static void TN(pass_by)(const TN(course) * c, int64_t s)
{
    const int64_t at = s * c->p + c->unit;
    tn_real *gh = c->gh + at;
    if (!CELLS) TN(take_over)(c->units, gh, c->carry + at); /* it is of h */
    const TN(zone) z = TN(zone_of)(c, s, 0);
    TN(mix_back)(&z, gh, c->past + at);
}

/* Back through the cell of a sample. */
static void TN(cell_back)(const TN(course) * c, int64_t s)
{
    const TN(row) r = TN(row_of)(c, s);
    TN(gather_cell)(c, s);
    if (CELLS && c->fresh) {
        const TN(zone) z = TN(zone_of)(c, s, 1);
        TN(mix_back)(&z, r.carry, c->past_cell + s * c->n + c->unit);
    }
    TN(cell_backward)(c->self, &r);
    if (CELLS && c->fresh)
        TN(take_over)(c->units, r.carry, c->past_cell + s * c->n + c->unit);
    if (c->raw) TN(norm_back)(c, &r, s);
}

/* No gradient comes from there. */
static void TN(skip_back)(const TN(course) * c, int64_t s)
{
    const TN(row) r = TN(row_of)(c, s);
    const int64_t n = c->n, at = GATES * (c->step * c->samples + s) * n;
    for (int64_t g = 0; g < SLOTS; g++) TN(copy)(r.z + g * n, NULL, c->units);
    for (int64_t g = 0; GRADIENTS_APART && g < GATES; g++)
        TN(copy)(r.u + g * n, NULL, c->units);
    if (c->raw_recurrent) TN(copy)(c->raw_recurrent + at, NULL, GATES * n);
}

/* Epilogue of the product that brings what cells make their gradients. */
static void TN(back_through_cells)(const TN(course) * c)
{
    for (int64_t s = c->from; s < c->from + c->group; s++)
        if (TN(counts)(c, s))
            TN(cell_back)(c, s);
        else
            TN(skip_back)(c, s);
}

/* The state's gradient, for that of what projects it. */
static void TN(keep_gradient)(const TN(course) * c, int64_t s)
{
    const int64_t at = (c->step * c->samples + s) * c->p + c->unit;
    const tn_real *gh = c->gh + s * c->p + c->unit;
    TN(copy)(c->gh_all + at, TN(counts)(c, s) ? gh : NULL, c->units);
}

/* Epilogue of the product that brings the states of the step before the gradients of a step. */
static void TN(back_through_states)(const TN(course) * c)
{
    for (int64_t s = c->from; s < c->from + c->group; s++) {
        if (TN(counts)(c, s)) TN(gather)(c, s);
        if (TN(counts)(c, s) && c->past) TN(pass_by)(c, s);
        if (c->made) TN(keep_gradient)(c, s);
    }
    if (!c->made) TN(back_through_cells)(c);
}

/* The gradients of the states to begin with, to where they belong. */
static void TN(give_first)(TN(course) * c)
{
    tn_real *to = c->io->gin[c->self->first]->data;
    c->step = -1, c->unit = 0;
    for (int64_t s = 0; s < c->samples; s++, to += c->states_width) {
        c->units = c->p, TN(gather)(c, s);
        c->units = c->n, TN(gather_cell)(c, s);
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

/* The gradients of a step's u, as those of all gates are multiplied. */
static tn_matrix TN(brought)(const TN(course) * c, int64_t step)
{
    if (!GRADIENTS_APART || c->raw_recurrent)
        return TN(u_gradients)(c, step, 1, 0, GATES);
    return tn_matrix_at(c->group, GATES * c->n, TN(u_at)(c, c->from, step));
}

static tn_matrix TN(state_gradients)(const TN(course) * c)
{
    return tn_matrix_at(c->group, c->p, c->gh + c->from * c->p);
}

static tn_status TN(step_back)(TN(course) * c)
{
    const int64_t s = c->group, from = c->from, at = c->step * c->samples + from;
    const tn_status status = c->step + 1 < c->steps
                                 ? TN(multiply_then)(c, TN(brought)(c, c->step + 1), c->r,
                                                     TN(state_gradients)(c), 0, 1,
                                                     TN(back_through_states))
                                 : TN(only)(c, c->p, TN(back_through_states));
    if (status || !c->made) return status;
    return TN(multiply_then)(c, tn_matrix_at(s, c->p, c->gh_all + at * c->p),
                             c->projection, tn_matrix_at(s, c->n, c->gmade + from * c->n),
                             0, 1, TN(back_through_cells));
}

static tn_status TN(steps_back)(void *data, int64_t group)
{
    TN(course) c = TN(course_of_group)(data, group);
    tn_status status = TN_OK;
    for (c.step = c.steps - 1; !status && c.step >= 0; c.step--)
        status = TN(step_back)(&c);
    if (status || !TN(gives_first)(&c)) return status;
    return TN(multiply)(&c, TN(brought)(&c, 0), c.r, TN(state_gradients)(&c), NULL);
}

/* Gradients of z, which replace it in the cache. */
static tn_status TN(back_through_steps)(TN(course) * c)
{
    const size_t real = sizeof(tn_real);
    tn_status status = TN(pack_weights)(c, 1);
    c->groups = TN(groups_of)(c);
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
    c->step = 0;
    if (!status && c->gparam[WEIGHT])
        status = TN(multiply)(c, tn_transposed(g), TN(input)(c, c->steps),
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
