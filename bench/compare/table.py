#!/usr/bin/python3
"""The tables of docs/results.md from what compare.py printed.

    bench/compare/table.py FILE...
"""
import json
import sys


def digits(value):
    return f"{value:.4g}"


def with_error(pair):
    return f"{digits(pair[0])} ± {pair[1]:.2g}"


def read(paths):
    found = {}
    for path in paths:
        for line in open(path):
            said = json.loads(line)
            about = found.setdefault(said.pop("experiment"), {"run": []})
            for what, value in said.items():
                if what == "run":
                    about["run"].append(value)
                else:
                    about[what] = value
    return found


def main():
    found = read(sys.argv[1:])
    print("| experiment | parameters | compared | Tenon | PyTorch | difference | its standard error "
          "| seconds, Tenon | PyTorch |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for name, about in found.items():
        m = about.get("means")
        if not m:
            continue
        print(f"| {name} | {about['run'][0]['parameters']} | {m['what']} | "
              f"{with_error(m['tenon'])} | {with_error(m['torch'])} | {m['difference']:.2g} | "
              f"{m['standard_error']:.2g} | {m['seconds']['tenon']:.2g} | "
              f"{m['seconds']['torch']:.2g} |")
    print("\n| experiment | float: 1 epoch | 5 | 20 | double: 1 epoch | 5 | 20 |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, about in found.items():
        curves = [f"{about['curves_' + precision][n]:.0e}" for precision in ("float", "double")
                  for n in ("1", "5", "20")]
        print(f"| {name} | {' | '.join(curves)} |")


if __name__ == "__main__":
    main()
