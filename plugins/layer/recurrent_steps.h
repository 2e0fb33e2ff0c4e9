/* recurrent_steps.h - forward through the steps: see recurrent.h. Included behind the cell of a layer. */

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

static void TN(copy)(tn_real *to, const tn_real *from, int64_t n)
{
    if (from)
        memcpy(to, from, sizeof *to * (size_t)n);
    else
        memset(to, 0, sizeof *to * (size_t)n);
}

/* The row where a sample's states are put out, or their gradients found, if every step's are. */
static tn_real *TN(row_in)(const TN(course) * c, const tn_tensor *out, int64_t sample)
{
    const int64_t at = sample * c->steps + TN(time_of)(c, sample, c->step);
    return (tn_real *)out->data + at * c->width;
}

/* h and, where it is put out, c into a row, or zeros. */
static void TN(put)(const TN(course) * c, tn_real *row, int64_t width, const tn_real *h,
                    const tn_real *cell)
{
    TN(copy)(row + c->column, h, c->p);
    if (CELLS && c->cell_column < width) TN(copy)(row + c->cell_column, cell, c->n);
}

/* body(c, i) for all parts of a step. */
static tn_status TN(each_part)(TN(course) * c, tn_status (*body)(void *, int64_t))
{
    const int64_t parts = (c->group + c->rows - 1) / c->rows;
    tn_status status = TN_OK;
    if (parts > 1 && c->groups == 1)
        return c->call->host->parallel(c->call, parts, body, c);
    for (int64_t i = 0; !status && i < parts; i++) status = body(c, i);
    return status;
}

static int64_t TN(part_begin)(const TN(course) * c, int64_t part)
{
    return c->from + part * c->rows;
}

static int64_t TN(part_end)(const TN(course) * c, int64_t part)
{
    const int64_t end = (part + 1) * c->rows;
    return c->from + (end < c->group ? end : c->group);
}

/* How many groups of samples go through all steps by themselves, each in a thread, which keeps what
 * a step hands to the next in its cache and waits for nobody: where R fits there, too. Operands that
 * are not packed, and dropout of states, take room for each product. */
static int64_t TN(groups_of)(const TN(course) * c)
{
    const int64_t bytes = GATES * c->n * c->p * (int64_t)sizeof(tn_real);
    const int64_t groups = c->samples / RECURRENT_GROUP;
    const int packed = c->r.packed && (!c->made || c->projection.packed);
    return groups < 2 || !packed || c->masked || bytes > RECURRENT_BYTES ? 1 : groups;
}

/* The course of group i. */
static TN(course) TN(course_of_group)(const TN(course) * c, int64_t i)
{
    TN(course) part = *c;
    part.from = i * c->samples / c->groups;
    part.group = (i + 1) * c->samples / c->groups - part.from;
    return part;
}

/* body(c, i) for all groups. */
static tn_status TN(each_group)(TN(course) * c, tn_status (*body)(void *, int64_t))
{
    c->groups = TN(groups_of)(c);
    return c->groups == 1 ? body(c, 0)
                          : c->call->host->parallel(c->call, c->groups, body, c);
}

/* `operand`, a matrix of rows x cols, packed if the backend packs. */
static tn_status TN(pack)(const TN(course) * c, tn_matrix *operand, void *packed)
{
    if (!packed || c->steps == 1) return TN_OK;
    const tn_status status = c->call->host->pack(c->call, operand, packed);
    operand->packed = packed;
    return status;
}

static tn_status TN(pack_weights)(TN(course) * c, int back)
{
    c->r = TN(operand)(GATES * c->n, c->p, c->param[RECURRENT_WEIGHT]->data, back);
    const tn_status status = TN(pack)(c, &c->r, c->packed);
    if (status || !c->made) return status;
    c->projection = TN(operand)(c->p, c->n, c->param[PROJECTION]->data, back);
    return TN(pack)(c, &c->projection, c->packed_projection);
}

/* ---- the ends -------------------------------------------------------------------- */

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
        const tn_real *h = there ? TN(state_at)(c, s, last) : NULL;
        TN(put)(c, to, width, h, CELLS && there ? TN(cell_at)(c, s, last) : NULL);
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
    const tn_real *cell = CELLS ? TN(cell_at)(c, s, c->step) : NULL;
    if (c->self->return_sequences)
        TN(put)(c, TN(row_in)(c, c->io->out, s), c->width, h, cell);
}

static void TN(skip)(const TN(course) * c, int64_t s)
{
    TN(copy)(TN(state_at)(c, s, c->step), NULL, c->p);
    if (CELLS) TN(copy)(TN(cell_at)(c, s, c->step), NULL, c->n);
    if (c->made) TN(copy)(c->made + (c->step * c->samples + s) * c->n, NULL, c->n);
    if (c->self->return_sequences)
        TN(put)(c, TN(row_in)(c, c->io->out, s), c->width, NULL, NULL);
}

static tn_status TN(forward_part)(void *data, int64_t part)
{
    const TN(course) *c = data;
    for (int64_t s = TN(part_begin)(c, part); s < TN(part_end)(c, part); s++) {
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
    for (int64_t s = TN(part_begin)(c, part); s < TN(part_end)(c, part); s++)
        if (TN(counts)(c, s)) TN(finish)(c, s);
    return TN_OK;
}

static tn_status TN(step_forward)(TN(course) * c)
{
    const int64_t s = c->group, at = c->step * c->samples + c->from;
    tn_status status = TN_OK;
    if (c->step || c->begins)
        status = TN(multiply)(
            c, TN(states)(c, c->step - 1, 1), c->r,
            tn_matrix_at(s, GATES * c->n, c->u + GATES * c->from * c->n), NULL);
    if (!status) status = TN(each_part)(c, TN(forward_part));
    if (status || !c->made) return status;
    status = TN(multiply)(c, tn_matrix_at(s, c->n, c->made + at * c->n), c->projection,
                          tn_matrix_at(s, c->p, c->h + at * c->p), NULL);
    return status ? status : TN(each_part)(c, TN(finish_part));
}

static tn_status TN(steps_forward)(void *data, int64_t group)
{
    TN(course) c = TN(course_of_group)(data, group);
    tn_status status = TN_OK;
    for (c.step = 0; !status && c.step < c.steps; c.step++) status = TN(step_forward)(&c);
    return status;
}

static tn_status TN(run_course)(TN(course) * c)
{
    const tn_matrix w = tn_transposed(tn_matrix_of(c->param[WEIGHT]));
    const void *bias = c->param[BIAS] && !c->raw ? c->param[BIAS]->data : NULL;
    tn_status status = TN(multiply)(c, TN(input)(c), w,
                                    TN(slots)(c, 0, c->steps, 0, GATES), bias);
    if (!status) status = TN(pack_weights)(c, 0);
    if (c->masked) TN(draw_mask)(c);
    if (c->begins) TN(begin)(c);
    memset(c->u, 0, sizeof(tn_real) * (size_t)(c->samples * GATES * c->n));
    if (!status) status = TN(each_group)(c, TN(steps_forward));
    if (status) return status;
    const tn_tensor *out = c->io->out;
    if (!c->self->return_sequences) TN(put_last)(c, out->data, out->dim[1]);
    if (c->io->carries && c->self->stateful)
        TN(put_last)(c, c->io->held, c->states_width);
    return TN_OK;
}

static tn_status TN(check_batch)(const TN(self) * self, tn_call *c, const tn_io *io)
{
    const int64_t end = io->row + io->in[0]->dim[0];
    const tn_status status = self->lengths ? TN(check_counts)(c, io) : TN_OK;
    if (status || !io->carries || !self->stateful || end <= self->stateful) return status;
    return tn_fail(c, TN_EINVAL,
                   "stateful: %lld; the batch has more samples, %lld; both must be the "
                   "same",
                   (long long)self->stateful, (long long)end);
}

static tn_status TN(run)(const void *me, tn_call *call, const tn_io *io)
{
    const TN(self) *self = me;
    tn_status status = TN(check_batch)(self, call, io);
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

#include "recurrent_back.h"
