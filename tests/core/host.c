/* host.c - how failures of plugins come through: with the status and the text of one place. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/check.h"

/* Several fail, on several threads; number 3 is the lowest. */
static tn_status some_fail(void *data, int64_t i)
{
    tn_call *call = data;
    if (i == 3) return tn_fail(call, TN_ENUMERIC, "number %d", (int)i);
    if (i % 10 == 0 && i) return tn_fail(call, TN_EDATA, "number %d", (int)i);
    return TN_OK;
}

static tn_status one_is_silent(void *data, int64_t i)
{
    tn_call *call = data;
    if (i == 2) return TN_EDATA;
    return i == 5 ? tn_fail(call, TN_ENUMERIC, "number 5") : TN_OK;
}

static tn_status says_but_goes_on(void *data, int64_t i)
{
    tn_fail(data, TN_EDATA, "nothing bad");
    return TN_OK;
}

Test(host, status_and_text_are_those_of_the_lowest_index)
{
    tn_error e = {0};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, check_env(), NULL, 1, &e);
    for (int round = 0; round < 50; round++) {
        e = (tn_error){0};
        cr_assert_eq(call->host->parallel(call, 64, some_fail, call), TN_ENUMERIC);
        cr_assert_eq(e.status, TN_ENUMERIC);
        cr_assert_str_eq(e.text, "number 3");
    }
    const tn_status status = call->host->parallel(call, 64, one_is_silent, call);
    cr_assert_eq(tn_call_end(&calling, status), TN_EDATA);
    cr_assert_str_eq(e.text, "the plugin gave no reason");
    e = (tn_error){0};
    cr_assert_eq(call->host->parallel(call, 64, says_but_goes_on, call), TN_OK);
    cr_assert_eq(e.status, TN_OK);
    cr_assert_str_eq(e.text, "");
}

Test(host, a_call_starts_without_an_old_error)
{
    tn_error e = {TN_EDATA, "of before"};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, check_env(), NULL, 1, &e);
    cr_assert(e.status == TN_OK && !*e.text);
    cr_assert_eq(tn_call_end(&calling, TN_OK), TN_OK);
    tn_fail(call, TN_EDATA, "why");
    cr_assert_eq(tn_call_end(&calling, TN_ENUMERIC), TN_ENUMERIC);
    cr_assert_eq(e.status, TN_ENUMERIC);
    cr_assert_str_eq(e.text, "why");
    tn_call_make(&calling, check_env(), NULL, 1, NULL);
    cr_assert_eq(tn_call_end(&calling, TN_ESHAPE), TN_ESHAPE);
}

/* A name that is a block's is no failure, and leaves none behind. */
Test(host, blocks_are_found_without_an_error)
{
    tn_error e = {0};
    tn_instance *block;
    cr_assert_eq(
        tn_instance_named(check_env(), "layer", "toy_block", NULL, 1, &block, &e), TN_OK);
    cr_assert_eq(e.status, TN_OK);
    cr_assert_str_eq(e.text, "");
    tn_instance_free(block);
}

Test(host, packs_for_whole_layers_only)
{
    tn_error e = {0};
    tn_calling calling;
    tn_call *call = tn_call_make(&calling, check_env(), NULL, 1, &e);
    double values[6] = {0}, room[6];
    tn_matrix b = tn_matrix_at(2, 3, values);
    cr_assert_eq(call->host->pack(call, &b, room), TN_ENOTSUP);
    cr_assert_not_null(strstr(e.text, "whole-class"), "%s", e.text);
    call->host->pack_size(call, &b); /* may be asked at any time */
}
