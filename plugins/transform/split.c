/* split - cuts a field into parts along an axis, each of them a field of its own: columns of a
 * table, rows of an image, as inputs of a model that reads them apart.
 *
 *     x_k = x[..., from_k .. from_k + size_k - 1, ...],  from_k = size_1 + ... + size_(k-1)
 *
 * Harris et al., "Array programming with NumPy", Nature 585, 2020: numpy.split. */
#include <string.h>

#include <tenon/plugin.h>

#include <tenon/data.h>

#define OPTIONS(P)                                                               \
    P(STRS, names, TN_POSITIONAL | TN_REQUIRED, 0, , , "of the parts, in order") \
    P(INTS, sizes, TN_OPTIONAL, 0, , , "of the parts; unset: all the same")      \
    P(STR, field, 0, "input", , , "what is split")                               \
    P(INT, axis, 0, 0, 0, TN_MAX_RANK - 1, "along which, from 0")
/* A sample is `outer` blocks of `block` values; part k has width[k] neighbouring values of each. */
TN_SELF(OPTIONS, int32_t at; int64_t outer, block; int64_t width[TN_MAX_FIELDS];)

#ifndef SPLIT_RULES
#define SPLIT_RULES
/* The sizes that are given must make up the axis. */
static tn_status check_sizes(tn_call *c, tn_ints sizes, int64_t parts, int64_t axis)
{
    int64_t sum = 0;
    if (!sizes && axis % parts)
        return tn_fail(c, TN_ESHAPE,
                       "%lld cannot be split into %lld equal parts; set sizes",
                       (long long)axis, (long long)parts);
    if (!sizes) return TN_OK;
    if (sizes->count != parts)
        return tn_fail(c, TN_EINVAL, "there are %lld names, but %lld sizes",
                       (long long)parts, (long long)sizes->count);
    for (int64_t k = 0; k < parts; k++) {
        if (sizes->at[k] < 1 || sizes->at[k] > axis - sum)
            return tn_fail(c, TN_ESHAPE, "the sizes must be 1 or more and add up to %lld",
                           (long long)axis);
        sum += sizes->at[k];
    }
    if (sum == axis) return TN_OK;
    return tn_fail(c, TN_ESHAPE, "the sizes add up to %lld, but the axis has %lld",
                   (long long)sum, (long long)axis);
}

static int32_t find_field(const tn_data_info *info, const char *name)
{
    int32_t i = 0;
    while (i < info->fields && strcmp(info->field[i].name, name)) i++;
    return i;
}

/* Makes room for `parts` fields in place of number `at`. */
static tn_status open_up(tn_call *c, tn_data_info *info, int32_t at, int64_t parts)
{
    if (parts < 2 || parts > TN_MAX_FIELDS + 1 - info->fields)
        return tn_fail(c, TN_EINVAL, "%lld parts; 2 to %d are possible", (long long)parts,
                       TN_MAX_FIELDS + 1 - info->fields);
    const tn_field_spec whole = info->field[at];
    for (int32_t i = info->fields - 1; i > at; i--)
        info->field[i + parts - 1] = info->field[i];
    for (int64_t k = 0; k < parts; k++) info->field[at + k] = whole;
    info->fields += (int32_t)parts - 1;
    return TN_OK;
}

static tn_status give_name(tn_call *c, tn_field_spec *part, const char *name)
{
    if (!*name || strlen(name) >= sizeof part->name)
        return tn_fail(c, TN_EINVAL, "'%.60s' is no name; a name has 1 to %d letters",
                       name, (int)sizeof part->name - 1);
    snprintf(part->name, sizeof part->name, "%s", name);
    return TN_OK;
}
#endif

static tn_status TN(infer)(void *me, tn_call *c, tn_data_info *info)
{
    TN(self) *self = me;
    const int64_t parts = self->names->count, axis = self->axis;
    self->at = find_field(info, self->field);
    if (self->at == info->fields || !info->field[self->at].real)
        return tn_fail(c, TN_EINVAL, "the data has no field '%s' of numbers",
                       self->field);
    const tn_shape whole = info->field[self->at].shape;
    if (axis >= whole.rank)
        return tn_fail(c, TN_ESHAPE, "axis %lld, but %s has %d", (long long)axis,
                       self->field, whole.rank);
    tn_status status = open_up(c, info, self->at, parts);
    if (status == TN_OK) status = check_sizes(c, self->sizes, parts, whole.dim[axis]);
    int64_t inner = 1;
    self->outer = 1;
    for (int32_t i = 0; i < whole.rank; i++) {
        if (i < axis) self->outer *= whole.dim[i];
        if (i > axis) inner *= whole.dim[i];
    }
    self->block = whole.dim[axis] * inner;
    for (int64_t k = 0; status == TN_OK && k < parts; k++) {
        tn_field_spec *part = &info->field[self->at + k];
        part->shape.dim[axis] = self->sizes ? self->sizes->at[k]
                                            : whole.dim[axis] / parts;
        self->width[k] = part->shape.dim[axis] * inner;
        status = give_name(c, part, self->names->at[k]);
    }
    return status;
}

static void TN(copy)(const tn_field *in, const tn_field *out, int64_t samples)
{
    const size_t n = (size_t)(samples * in->width);
    if (in->label)
        memcpy(out->label, in->label, n * sizeof *in->label);
    else
        memcpy(out->real, in->real, n * sizeof(tn_real));
}

static void TN(cut)(const TN(self) * self, const tn_real *x, int64_t blocks,
                    const tn_field *part)
{
    for (int64_t k = 0; k < self->names->count; k++) {
        const int64_t n = self->width[k];
        tn_real *to = part[k].real;
        const tn_real *from = x;
        for (int64_t i = 0; i < blocks; i++, from += self->block, to += n)
            memcpy(to, from, sizeof *to * (size_t)n);
        x += n;
    }
}

static tn_status TN(apply)(const void *me, tn_call *c, tn_key key, int64_t samples,
                           const tn_field *in, const tn_field *out)
{
    const TN(self) *self = me;
    const int32_t more = (int32_t)self->names->count - 1;
    for (int32_t i = 0; i < TN_MAX_FIELDS && (in[i].real || in[i].label); i++)
        if (i != self->at) TN(copy)(&in[i], &out[i > self->at ? i + more : i], samples);
    TN(cut)(self, in[self->at].real, samples * self->outer, out + self->at);
    return TN_OK;
}

TN_VTABLE(transform, .always = 1, .infer = TN(infer), .apply = TN(apply))
TN_PLUGIN_WITH(OPTIONS, transform, split,
               .summary = "cuts a field into parts, each of them a field of its own",
               .formula = "x_k = the next size_k of x along the axis",
               .reference =
                   "Harris et al., Array programming with NumPy, Nature 585, 2020: "
                   "numpy.split")
