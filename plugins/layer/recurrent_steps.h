/* recurrent_steps.h - forward through the steps: see recurrent.h. Included behind the cell of a layer. */

static int TN(counts)(const TN(course) * c, int64_t sample)
{
    return c->step < TN(length_of)(c, sample);
}

/* Which of all states are those of a sample at a step; step -1: before the first. */
static int64_t TN(place_of)(const TN(course) * c, int64_t sample, int64_t step)
{
    return (c->alternates ? step & 1 : step) * c->samples + sample;
}

static tn_real *TN(state_at)(const TN(course) * c, int64_t sample, int64_t step)
{
    return c->h + TN(place_of)(c, sample, step) * c->p;
}

static tn_real *TN(cell_at)(const TN(course) * c, int64_t sample, int64_t step)
{
    return c->c + TN(place_of)(c, sample, step) * c->n;
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

/* The product with states, or what becomes of it, where it is apart from z. */
static tn_real *TN(u_at)(const TN(course) * c, int64_t sample, int64_t step)
{
    return c->u + ((step & 1) * c->samples + sample) * GATES * c->n;
}

/* The course's units of a sample. */
static TN(row) TN(row_of)(const TN(course) * c, int64_t sample)
{
    const int64_t n = c->n, step = c->step, unit = c->unit;
    const int64_t at = (step * c->samples + sample) * n + unit;
    const int before = step || c->begins;
    TN(row)
    r = {.n = n,
         .units = c->units,
         .z = TN(slots_at)(c, sample, step) + unit,
         .h = c->made ? c->made + at : TN(state_at)(c, sample, step) + unit,
         .gh = (c->made ? c->gmade : c->gh) + sample * n + unit,
         .carry = c->carry + sample * n + unit,
         .h_before = before ? TN(state_at)(c, sample, step - 1) + unit : c->zero,
         .c_before = c->zero,
         .bias = c->zero};
    if (c->u) r.u = TN(u_at)(c, sample, step) + unit;
    if (c->param[LAST_BIAS]) r.bias = (tn_real *)c->param[LAST_BIAS]->data + unit;
    if (CELLS) r.c = c->fresh ? c->fresh + at : TN(cell_at)(c, sample, step) + unit;
    if (CELLS && before) r.c_before = TN(cell_at)(c, sample, step - 1) + unit;
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

/* How many groups of samples go through all steps by themselves, each in a thread, which keeps what
 * a step hands to the next in its cache and waits for nobody: where R fits there, too. Operands that
 * are not packed take room for each product. */
static int64_t TN(groups_of)(const TN(course) * c)
{
    const int64_t bytes = GATES * c->n * c->p * (int64_t)sizeof(tn_real);
    const int64_t groups = c->samples / RECURRENT_GROUP;
    const int packed = c->r.packed && (!c->made || c->projection.packed);
    if (!packed || bytes > RECURRENT_BYTES) return 1;
    return groups > 1 ? groups : c->samples < 2 * RECURRENT_PAIR ? 1 : 2;
}

static int TN(keeps_few)(const TN(course) * c)
{
    return c->kept < c->steps;
}

/* The course of group i. */
static TN(course) TN(course_of_group)(const TN(course) * c, int64_t i)
{
    TN(course) part = *c;
    part.from = i * c->samples / c->groups;
    part.group = (i + 1) * c->samples / c->groups - part.from;
    if (!TN(keeps_few)(c)) return part;
    part.abreast = part.group;
    part.z += part.from * (part.kept - 1) * SLOTS * part.n;
    part.x = c->z + part.kept * (c->samples * SLOTS * part.n + part.from * part.features);
    return part;
}

/* body(c, i) for all groups. */
static tn_status TN(each_group)(TN(course) * c, tn_status (*body)(void *, int64_t))
{
    memset(c->done, 0, sizeof *c->done * (size_t)(c->samples * TN(patches)(c->self)));
    return c->groups == 1 ? body(c, 0)
                          : c->call->host->parallel(c->call, c->groups, body, c);
}

/* A weight of rows x cols as operand, packed if the backend packs. */
static tn_status TN(pack)(const TN(course) * c, int32_t role, int back, void *room,
                          tn_matrix *operand)
{
    const tn_tensor *weight = c->param[role];
    *operand = TN(operand)(weight->dim[0], weight->dim[1], weight->data, back);
    operand->host = weight->host;
    if (!room || c->steps == 1) return TN_OK;
    return c->call->host->pack(c->call, operand, room);
}

static tn_status TN(pack_weights)(TN(course) * c, int back)
{
    const tn_status status = TN(pack)(c, RECURRENT_WEIGHT, back, c->packed, &c->r);
    if (status || !c->made) return status;
    return TN(pack)(c, PROJECTION, back, c->packed_projection, &c->projection);
}

/* ---- the ends -------------------------------------------------------------------- */

/* Where a step's states are without those that the mask hides: those of the step before are still
 * being read. */
static tn_real *TN(shown_at)(const TN(course) * c, int64_t sample, int64_t step)
{
    return c->shown + ((step & 1) * c->samples + sample) * c->p;
}

/* The course's units of a sample as the next step sees them. */
TN_KERNEL void TN(show)(const TN(course) * c, int64_t sample, int64_t step)
{
    const tn_real *h = TN(state_at)(c, sample, step) + c->unit;
    const tn_real *mask = c->mask + sample * c->p + c->unit;
    tn_real *to = TN(shown_at)(c, sample, step) + c->unit;
    EACH_APART for (int64_t j = 0; j < c->units; j++) to[j] = h[j] * mask[j];
}

/* States to begin with: those of the last input, or what the batch before left. */
static void TN(begin)(TN(course) * c)
{
    const tn_real *from = c->self->first
                              ? (const tn_real *)c->io->in[c->self->first]->data
                              : (const tn_real *)c->io->state[0]->data +
                                    c->io->row * c->states_width;
    c->units = c->p;
    for (int64_t s = 0; s < c->samples; s++, from += c->states_width) {
        TN(copy)(TN(state_at)(c, s, -1), from + c->column, c->p);
        if (c->masked) TN(show)(c, s, -1);
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
        if (!CELLS || c->cell_column >= width) continue;
        TN(copy)(to + c->cell_column, there ? TN(cell_at)(c, s, last) : NULL, c->n);
    }
}

/* ---- forward --------------------------------------------------------------------- */

/* Units of a sample's states, or cells, that the step has made, or zeros, to where the next ones
 * find them and out of the layer. */
static void TN(put)(const TN(course) * c, int64_t sample, int64_t column, tn_real *at)
{
    const size_t size = sizeof(tn_real) * (size_t)c->units;
    tn_real *from = at + c->unit;
    if (!TN(counts)(c, sample)) memset(from, 0, size);
    if (c->self->return_sequences && column < c->width)
        memcpy(TN(row_in)(c, c->io->out, sample) + column + c->unit, from, size);
}

/* What the step has made of a sample becomes its state. */
static void TN(finish)(const TN(course) * c, int64_t s)
{
    tn_real *h = TN(state_at)(c, s, c->step);
    const int before = c->step || c->begins;
    if (c->past && TN(counts)(c, s)) {
        const TN(zone) z = TN(zone_of)(c, s, 0);
        const tn_real *old = before ? TN(state_at)(c, s, c->step - 1) + c->unit : c->zero;
        TN(mix)(&z, h + c->unit, old, h + c->unit);
    }
    TN(put)(c, s, c->column, h);
    if (c->masked) TN(show)(c, s, c->step);
}

static void TN(make_cell)(const TN(course) * c, int64_t s)
{
    const TN(row) r = TN(row_of)(c, s);
    if (c->raw) TN(norm)(c, &r, s);
    TN(cell_forward)(c->self, &r);
    if (!CELLS || !c->fresh) return;
    const TN(zone) z = TN(zone_of)(c, s, 1);
    TN(mix)(&z, r.c, r.c_before, TN(cell_at)(c, s, c->step) + c->unit);
}

/* Epilogue of the product that makes the states, of cells where there is no projection. */
static void TN(finish_states)(const TN(course) * c)
{
    for (int64_t s = c->from; s < c->from + c->group; s++) TN(finish)(c, s);
}

/* Epilogue of the product with the states before. */
static void TN(make_cells)(const TN(course) * c)
{
    for (int64_t s = c->from; s < c->from + c->group; s++) {
        const int64_t at = (c->step * c->samples + s) * c->n + c->unit;
        if (TN(counts)(c, s))
            TN(make_cell)(c, s);
        else if (c->made)
            TN(copy)(c->made + at, NULL, c->units);
        if (CELLS) TN(put)(c, s, c->cell_column, TN(cell_at)(c, s, c->step));
    }
    if (!c->made) TN(finish_states)(c);
}

/* The states before the course's step as the step sees them. */
static tn_matrix TN(states_before)(const TN(course) * c)
{
    return tn_matrix_at(c->group, c->p,
                        c->masked ? TN(shown_at)(c, c->from, c->step - 1)
                                  : TN(state_at)(c, c->from, c->step - 1));
}

/* Where the product with them goes. */
static tn_matrix TN(product_of_step)(const TN(course) * c)
{
    if (!c->u) return TN(slots)(c, c->step, 1, 0, GATES);
    return tn_matrix_at(c->group, GATES * c->n, TN(u_at)(c, c->from, c->step));
}

static tn_status TN(step_forward)(TN(course) * c)
{
    const int64_t s = c->group, at = c->step * c->samples + c->from;
    const tn_status status = c->step || c->begins
                                 ? TN(multiply_then)(c, TN(states_before)(c), c->r,
                                                     TN(product_of_step)(c), !c->u, GATES,
                                                     TN(make_cells))
                                 : TN(only)(c, c->n, TN(make_cells));
    if (status || !c->made) return status;
    return TN(multiply_then)(c, tn_matrix_at(s, c->n, c->made + at * c->n), c->projection,
                             tn_matrix_at(s, c->p, TN(state_at)(c, c->from, c->step)), 0,
                             1, TN(finish_states));
}

/* The same as TN(input), in memory: products of groups that are under way at once would each take room
 * to read it. */
static tn_matrix TN(gathered_input)(const TN(course) * c, int64_t steps)
{
    const tn_matrix x = tn_matrix_at(steps * c->group, c->features, c->x);
    TN(read_input)(c, 0, 0, x.rows, x.cols, c->x, x.cols);
    return x;
}

/* z of the course's group, as many steps from its own on as are kept. */
static tn_status TN(take_input)(const TN(course) * c)
{
    const int64_t steps = TN(lesser)(c->kept, c->steps - c->step);
    const void *bias = c->param[BIAS] && !c->raw ? c->param[BIAS]->data : NULL;
    const tn_matrix x = TN(keeps_few)(c) ? TN(gathered_input)(c, steps)
                                         : TN(input)(c, steps);
    return TN(multiply)(c, x, c->w, TN(slots)(c, c->step, steps, 0, GATES), bias);
}

static tn_status TN(steps_forward)(void *data, int64_t group)
{
    TN(course) c = TN(course_of_group)(data, group);
    tn_status status = TN_OK;
    for (c.step = 0; !status && c.step < c.steps; c.step++) {
        if (TN(keeps_few)(&c) && c.step % c.kept == 0) status = TN(take_input)(&c);
        if (!status) status = TN(step_forward)(&c);
    }
    return status;
}

/* How many steps' z are made at once, of a group, where none is looked at again: so few that they stay
 * in the cache, and leave room for the input in what all would take. */
static int64_t TN(steps_ahead)(const TN(course) * c)
{
    const int64_t group = (c->samples - 1) / c->groups + 1, z = SLOTS * c->n;
    const int64_t steps = group < RECURRENT_AHEAD ? RECURRENT_AHEAD / group : 1,
                  most = c->steps * z / (z + c->features);
    if (!c->packed_input || steps >= c->steps || !most) return c->steps;
    return TN(lesser)(steps, most);
}

static tn_status TN(run_course)(TN(course) * c)
{
    tn_status status = TN(pack_weights)(c, 0);
    c->groups = TN(groups_of)(c);
    if (!TN(goes_back)(c->self, c->io)) {
        c->kept = TN(steps_ahead)(c);
        c->alternates = !c->lengths && c->steps > 1; /* samples end at the same step */
    }
    const int ahead = TN(keeps_few)(c);
    if (!status) status = TN(pack)(c, WEIGHT, 0, ahead ? c->packed_input : NULL, &c->w);
    if (!status && !ahead) status = TN(take_input)(c);
    if (c->masked) TN(draw_mask)(c);
    if (c->begins) TN(begin)(c);
    if (c->u) memset(c->u, 0, sizeof(tn_real) * (size_t)(c->samples * GATES * c->n));
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
