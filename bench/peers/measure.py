"""How the peers are measured: the protocol of bench/workloads.c and the method of
bench/harness.h, so that a line of a peer means what a line of Tenon means."""
import argparse
import json
import os
import statistics
import sys
import time

WARM_UP_SECONDS = 0.2
BLOCK_SECONDS = 1e-3
MOST_BLOCKS = 1000
LEAST_BLOCKS = 1


def arguments(about, workloads, variants=None):
    """The command line that all peers understand. `list` names the workloads and ends, as does
    --variants where they do not depend on what is installed."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("workload")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--serve", action="store_true", help="a measurement for each line of "
                        "standard input, which holds its seconds")
    parser.add_argument("--variant", help="of the ways to write it; default: the first")
    parser.add_argument("--variants", action="store_true", help="list those ways")
    parser.add_argument("--data", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--export", metavar="FILE", help="write the network as ONNX instead")
    parser.add_argument("--model", metavar="FILE", help="the network to run")
    given = parser.parse_args()
    if given.workload == "list":
        print("\n".join(workloads))
        sys.exit()
    if given.workload not in workloads:
        sys.exit(f"no workload {given.workload}; there are {', '.join(workloads)}")
    if variants and given.variants:
        print(json.dumps(variants))
        sys.exit()
    if variants and given.variant is None:
        given.variant = variants[""][0]
    return given


def memory(key):
    """VmRSS now, or VmHWM, the most since forget_peak; MiB."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(key))


def forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass  # then the peak includes what came before, such as the imports


def has_avx512():
    with open("/proc/cpuinfo") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return {"avx512f", "avx512bw", "avx512dq", "avx512vl"} <= set(flags)


def environment(threads):
    """What every peer gets: its threads, a glibc that does not return buffers of every step to
    the kernel only to fault them in again, and OpenBLAS's AVX-512 kernels where they run: of a
    processor younger than itself it knows nothing and takes those for SSE3, at a quarter of the
    speed."""
    found = {name: value for name, value in os.environ.items()
             if not name.startswith("OPENBLAS_") and name not in ("LD_PRELOAD", "OMP_WAIT_POLICY")}
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        found[name] = str(threads)
    if has_avx512():
        found["OPENBLAS_CORETYPE"] = "SkylakeX"
    found.update(MALLOC_MMAP_MAX_="0", MALLOC_TRIM_THRESHOLD_=str(1 << 40),
                 MALLOC_TOP_PAD_=str(64 << 20), GLIBC_TUNABLES="glibc.malloc.hugetlb=1")
    return found


def start_again(threads, **more):
    """Runs this program anew in that environment, which libraries read when they are loaded."""
    if "BENCH_PEER" not in os.environ:
        os.execve(sys.executable, [sys.executable] + sys.argv,
                  {**environment(threads), **more, "BENCH_PEER": "1"})


def time_blocks(step, seconds, steps):
    """Seconds of a step in each block, sorted, and the number of steps."""
    start, count = time.perf_counter(), 0
    while not count or not steps and time.perf_counter() - start < min(seconds, WARM_UP_SECONDS):
        step()
        count += 1
    one = (time.perf_counter() - start) / count
    of_block = 1 if steps else max(1, int(max(BLOCK_SECONDS, seconds / MOST_BLOCKS) / one))
    blocks, begin = [], time.perf_counter()
    while len(blocks) < (steps or MOST_BLOCKS) and (
            steps or len(blocks) < LEAST_BLOCKS or time.perf_counter() - begin < seconds):
        start = time.perf_counter()
        for _ in range(of_block):
            step()
        blocks.append((time.perf_counter() - start) / of_block)
    return sorted(blocks), len(blocks) * of_block


def run(given, framework, step, base, **facts):
    """Measures and prints, once or as often as standard input says."""
    def report(seconds):
        blocks, count = time_blocks(step, seconds, given.steps)
        median = statistics.median(blocks)
        spread = (blocks[len(blocks) * 9 // 10] - blocks[len(blocks) // 10]) / median
        print(json.dumps({"workload": given.workload, "framework": framework,
                          "variant": given.variant, "threads": given.threads,
                          "ms": 1e3 * median, "ms_least": 1e3 * blocks[0],
                          "spread": round(spread, 4), "blocks": len(blocks), "steps": count,
                          **facts,
                          "memory_mib": round(memory("VmHWM:") - base, 1),
                          "base_mib": round(base, 1)}), flush=True)

    if not given.serve:
        report(given.seconds)
        return
    for line in sys.stdin:
        report(float(line))
