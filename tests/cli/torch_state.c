/* scripts/torch-state: misuse ends it with status 1 and one line that says what is wrong. Skipped
 * where there is no Python with NumPy, which nothing else here needs. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "support/process.h"
#include "support/small_net.h"

static int python(const char *arguments, char *text, size_t size)
{
    char line[4400];
    snprintf(line, sizeof line, "/usr/bin/python3 %s 2>&1 >/dev/null </dev/null",
             arguments);
    FILE *pipe = popen(line, "r");
    cr_assert_not_null(pipe);
    text[fread(text, 1, size - 1, pipe)] = 0;
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void start(void)
{
    char text[400];
    test_start_in_folder();
    if (python("-c 'import numpy'", text, sizeof text)) cr_skip_test("no NumPy");
    small_idx("images.idx", "labels.idx", 60, 3, 4);
    test_write_text("net.yaml", "%s",
                    "data: {idx: {train_images: images.idx, train_labels: labels.idx}}\n"
                    "model: [flatten, {dense: 4}, {dense: {units: 3, name: head}}]\n"
                    "loss: cross_entropy\noptimizer: sgd\ntrain: {epochs: 0}\n");
    test_ended(tenon("train net.yaml --out run"), 0, NULL);
}

TestSuite(torch_state, .init = start, .timeout = 120);

/* Its status and, in its one line of stderr, each of the texts up to a NULL. */
static void convert(int status, const char *line, ...)
{
    char arguments[4300], text[4000];
    va_list texts;
    snprintf(arguments, sizeof arguments, "%s/../scripts/torch-state %s",
             getenv("TENON_TEST_DATA"), line);
    const int ended = python(arguments, text, sizeof text);
    cr_assert_eq(ended, status, "%s: %d, %s", line, ended, text);
    if (status) cr_assert_eq(strchr(text, '\n'), text + strlen(text) - 1, "%s", text);
    va_start(texts, line);
    for (const char *want; (want = va_arg(texts, const char *)) != NULL;)
        cr_assert(strstr(text, want), "%s lacks '%s': %s", line, want, text);
    va_end(texts);
}

Test(torch_state, there_and_back)
{
    const char *const names = "--name dense=a.0 --name head=b";
    char line[200];
    snprintf(line, sizeof line, "to-torch run state.safetensors %s", names);
    convert(0, line, NULL);
    snprintf(line, sizeof line, "from-torch state.safetensors run back.safetensors %s",
             names);
    convert(0, line, NULL);
    cr_assert(test_same_files("back.safetensors", "run/model.safetensors"));
    convert(0, "convert state.safetensors copy.safetensors", NULL);
    convert(1, "from-torch state.safetensors run x.safetensors",
            "no tensor 'dense.weight' for dense.weight", NULL);
    cr_assert(!test_exists("x.safetensors"));
}

Test(torch_state, misuse)
{
    convert(1, "to-torch run state --name hed=b", "no layer or parameter 'hed'",
            "did you mean 'head'?", NULL);
    convert(1, "to-torch run state --name dense.wait=b", "did you mean 'dense.weight'?",
            NULL);
    convert(1, "to-torch run state --name dense", "expected OURS=THEIRS", NULL);
    convert(1, "to-torch run state --name head=a --name head=b", "has a name already",
            NULL);
    convert(1, "to-torch run state --name head=a --name dense=a",
            "two parameters are called 'a.weight'", NULL);
    convert(1, "to-torch nowhere state", "nowhere: No such file", NULL);
    mkdir("empty", 0755);
    convert(1, "to-torch empty state", "empty/model.safetensors: not there", NULL);
    convert(1, "to-torch net.yaml state", "net.yaml: is not a safetensors file", NULL);
    convert(1, "to-torch run no/such/state", "no/such/state: cannot be written", NULL);
    convert(1, "to-torch run empty", "empty: is a folder", NULL);
    convert(1, "from-torch run run out", "run: is a folder; name the file", NULL);
    convert(1, "from-torch run/model.safetensors run out", "is a model of Tenon's", NULL);
    convert(1, "convert net.yaml out", "is not a safetensors file", NULL);
    test_write_text("cut", "%s", "\x80\2}");
    convert(1, "convert cut out", "cut: ", NULL);
    cr_assert(!test_exists("state") && !test_exists("out"));
}

Test(torch_state, pickles)
{
    char text[4000];
    if (python("-c 'import torch'", text, sizeof text)) cr_skip_test("no PyTorch");
    test_write_text("make.py", "%s",
                    "import torch\n"
                    "net = torch.nn.Linear(2, 3)\n"
                    "torch.save(net.state_dict(), 'net.pt')\n"
                    "torch.save(net, 'whole.pt')\n"
                    "torch.save({'net': net.state_dict()}, 'more.pt')\n"
                    "torch.save([1], 'list.pt')\n"
                    "torch.save({'a': torch.zeros(2, dtype=torch.int16)}, 'short.pt')\n");
    cr_assert_eq(python("make.py", text, sizeof text), 0, "%s", text);
    convert(0, "convert net.pt net.safetensors", NULL);
    convert(0, "convert net.safetensors back.pt", NULL);
    convert(0, "convert back.pt again.safetensors", NULL);
    cr_assert(test_same_files("net.safetensors", "again.safetensors"));
    convert(1, "convert whole.pt out", "no state_dict can be read from it", NULL);
    convert(1, "convert more.pt out", "'net' is no tensor but a OrderedDict", NULL);
    convert(1, "convert list.pt out", "holds a list, not a state_dict", NULL);
    convert(1, "convert short.pt out", "tensor 'a' is torch.int16", NULL);
    convert(1, "from-torch more.pt run out", "save the state_dict alone", NULL);
}
