"""Import of a survey of the official size: polyculture beside polars and pandas, on one file, in one run.

    python -m venv /tmp/bench && /tmp/bench/bin/pip install polars pandas
    /tmp/bench/bin/python benches/import/run.py [--runs 5] [--respondents 97220] [--file FILE]

Every measurement is a process of its own; the three take turns, so that whatever else the machine
does falls on all of them. The clock of each starts when its library is loaded and stops when the
counts by country, question and code (respondents, sum of weights, sum of squared weights) are in
memory. Peak memory is the process's largest resident set. The counts of all three are compared
cell by cell. Each library is given its fastest way among those named in ENTRIES.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RANGES = [(27, 41), (122, 129), (132, 138), (158, 162), (169, 170), (196, 198), (224, 233)]
QUESTIONS = [f"Q{n}" for first, last in RANGES for n in range(first, last + 1)]
ENTRIES = ["polyculture", "polars-unpivot", "polars-loop", "pandas-c", "pandas-pyarrow"]


def polars_unpivot(path):
    import polars as pl

    start = time.perf_counter()
    counts = (
        pl.scan_csv(path)
        .select(["B_COUNTRY_ALPHA", "W_WEIGHT", *QUESTIONS])
        .unpivot(index=["B_COUNTRY_ALPHA", "W_WEIGHT"], on=QUESTIONS)
        .group_by(["B_COUNTRY_ALPHA", "variable", "value"])
        .agg(pl.len(), pl.col("W_WEIGHT").sum(), (pl.col("W_WEIGHT") ** 2).sum().alias("w2"))
        .collect()
    )
    return time.perf_counter() - start, counts.rows()


def polars_loop(path):
    import polars as pl

    start = time.perf_counter()
    table = pl.scan_csv(path).select(["B_COUNTRY_ALPHA", "W_WEIGHT", *QUESTIONS]).collect().lazy()
    w = pl.col("W_WEIGHT")
    frames = pl.collect_all(
        [
            table.group_by(["B_COUNTRY_ALPHA", q]).agg(pl.len(), w.sum(), (w**2).sum().alias("w2"))
            for q in QUESTIONS
        ]
    )
    seconds = time.perf_counter() - start
    return seconds, [(r[0], q, *r[1:]) for q, f in zip(QUESTIONS, frames) for r in f.rows()]


def pandas_any(path, **how):
    import pandas as pd

    start = time.perf_counter()
    table = pd.read_csv(path, usecols=["B_COUNTRY_ALPHA", "W_WEIGHT", *QUESTIONS], **how)
    table["w2"] = table["W_WEIGHT"] ** 2
    frames = [
        table.groupby(["B_COUNTRY_ALPHA", q])
        .agg(n=("W_WEIGHT", "size"), w=("W_WEIGHT", "sum"), w2=("w2", "sum"))
        .reset_index()
        for q in QUESTIONS
    ]
    seconds = time.perf_counter() - start
    return seconds, [
        (r[0], q, *r[1:]) for q, f in zip(QUESTIONS, frames) for r in f.itertuples(index=False)
    ]


def one(entry, path):
    """Runs one Python entry and prints its result; called in a process of its own."""
    seconds, rows = {
        "polars-unpivot": polars_unpivot,
        "polars-loop": polars_loop,
        "pandas-c": pandas_any,
        "pandas-pyarrow": lambda p: pandas_any(p, engine="pyarrow"),
    }[entry](path)
    # before the rows are turned into text
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts = [[r[0], r[1], int(r[2]), int(r[3]), float(r[4]), float(r[5])] for r in rows]
    print(json.dumps({"seconds": seconds, "peak_kib": peak, "counts": counts}))


def measure(entry, path, binary):
    if entry == "polyculture":
        command = [str(binary), "read", str(path)]
    else:
        command = [sys.executable, __file__, "--one", entry, "--file", str(path)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None, done.stderr.strip().splitlines()[-1:]
    result = json.loads(done.stdout)
    result["process_seconds"] = time.perf_counter() - start
    return result, None


def compare(entry, counts, reference):
    mine = {(c, q, code): (n, w, w2) for c, q, code, n, w, w2 in counts}
    assert mine.keys() == reference.keys(), f"{entry}: other cells"
    for key, (n, w, w2) in reference.items():
        assert mine[key][0] == n, f"{entry} {key}: {mine[key][0]} respondents, not {n}"
        for a, b in ((mine[key][1], w), (mine[key][2], w2)):
            assert abs(a - b) <= 1e-9 * max(1.0, abs(b)), f"{entry} {key}: {a}, not {b}"


def version(name):
    try:
        from importlib.metadata import version as of

        return of(name)
    except Exception:
        return "not installed"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--respondents", type=int, default=97_220)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--quoted", action="store_true", help="texts in quotes")
    parser.add_argument("--binary", type=Path, help="the built bench, instead of building it")
    parser.add_argument("--one", choices=ENTRIES[1:], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        return one(args.one, args.file)

    binary = args.binary
    if binary is None:
        build = ["cargo", "build", "--release", "--bench", "import", "--message-format=json"]
        lines = subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        for line in lines.stdout.splitlines():
            message = json.loads(line)
            if message.get("target", {}).get("name") == "import" and message.get("executable"):
                binary = Path(message["executable"])
    with tempfile.TemporaryDirectory() as folder:
        path = args.file or Path(folder) / "survey.csv"
        if not path.exists():
            how = "generate-quoted" if args.quoted else "generate"
            subprocess.run([binary, how, path, str(args.respondents)], check=True)
        print(
            f"{path.stat().st_size:,} bytes; {os.cpu_count()} CPUs; {platform.machine()}; Python "
            f"{platform.python_version()}, polars {version('polars')}, pandas {version('pandas')}, "
            f"pyarrow {version('pyarrow')}"
        )
        results, cells = {}, None
        for _ in range(args.runs):
            for entry in ENTRIES:
                result, error = measure(entry, path, binary)
                if result is None:
                    print(f"{entry}: left out ({' '.join(error)})", file=sys.stderr)
                    continue
                if cells is None:
                    cells = {(c, q, code): (n, w, w2) for c, q, code, n, w, w2 in result["counts"]}
                compare(entry, result.pop("counts"), cells)
                results.setdefault(entry, []).append(result)
    print(f"the same {len(cells):,} cells in all; medians of {args.runs} runs")
    ours = statistics.median(r["seconds"] for r in results["polyculture"])
    memory = statistics.median(r["peak_kib"] for r in results["polyculture"])
    print("| | seconds | slowest | ratio | peak MiB | memory ratio |\n|---|---|---|---|---|---|")
    for entry, runs in results.items():
        seconds = statistics.median(r["seconds"] for r in runs)
        slowest = max(r["seconds"] for r in runs)
        peak = statistics.median(r["peak_kib"] for r in runs)
        print(
            f"| {entry} | {seconds:.3f} | {slowest:.3f} | {seconds / ours:.1f} | {peak / 1024:.0f} "
            f"| {peak / memory:.1f} |"
        )


if __name__ == "__main__":
    main()
