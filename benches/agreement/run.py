"""Ordinal alpha with 10,000 bootstrap draws: polyculture beside the krippendorff package.

One run, one machine, the same ratings and the same draws on both sides:
    python -m venv /tmp/v && /tmp/v/bin/pip install krippendorff
    /tmp/v/bin/python benches/agreement/run.py

The package is timed twice: given the ratings matrix, as its users call it, and given
value counts per item (`value_counts=`), its fastest way. Both do all 10,000 draws.
AGREEMENT_BIN=path takes a built `agreement` instead of cargo.
Exits 1 when the alphas or the interval ends differ by more than 1e-9.
"""
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import krippendorff
import numpy as np

RUNS = int(os.environ.get("RUNS", "3"))
ROOT = pathlib.Path(__file__).resolve().parents[2]


def cpu():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(l.split(":")[1].strip() for l in lines if l.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def timed(alpha_of, everything, picks):
    """Alpha on all items, then on every draw: seconds, alpha, percentile interval."""
    start = time.perf_counter()
    alpha = alpha_of(everything)
    draws = np.array([alpha_of(p) for p in picks])
    ends = np.nanpercentile(draws, [2.5, 97.5])
    return time.perf_counter() - start, alpha, ends


def ours(*more):
    own = os.environ.get("AGREEMENT_BIN")
    cmd = [own] if own else ["cargo", "bench", "-q", "--bench", "agreement", "--"]
    cmd += ["--runs", "5", *more]
    done = subprocess.run(cmd, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    with tempfile.TemporaryDirectory() as out:
        rust = ours("--out", out)
        ratings = np.genfromtxt(f"{out}/ratings.csv", delimiter=",")
        picks = np.fromfile(f"{out}/picks.bin", dtype="<u4").reshape(rust["draws"], rust["items"])
    assert ratings.shape == (rust["items"], rust["raters"])
    domain = np.arange(1.0, 6.0)
    counts = np.stack([(ratings == v).sum(axis=1) for v in domain], axis=1)
    ways = {
        "krippendorff, ratings matrix": lambda i: krippendorff.alpha(
            ratings[i].T, level_of_measurement="ordinal"),
        "krippendorff, value counts": lambda i: krippendorff.alpha(
            value_counts=counts[i], value_domain=domain, level_of_measurement="ordinal"),
    }
    alone, three = "polyculture", "polyculture, alpha + AC2 + raw"
    seconds = {name: [] for name in (alone, three, *ways)}
    worst = 0.0
    # Taken in turns, so that a busy minute of the machine falls on every side.
    for _ in range(RUNS):
        again = ours()
        seconds[alone] += again["seconds"]
        seconds[three] += again["seconds_alpha_ac2_raw"]
        for name, alpha_of in ways.items():
            s, alpha, ends = timed(alpha_of, np.arange(rust["items"]), picks)
            seconds[name].append(s)
            worst = max(worst, abs(alpha - rust["alpha"]), *np.abs(ends - [rust["lo"], rust["hi"]]))
    rows = [(name, statistics.median(s), len(s)) for name, s in seconds.items()]
    rows = [(name, s, n, s / rows[0][1]) for name, s, n in rows]
    versions = {p: importlib.metadata.version(p) for p in ("krippendorff", "numpy")}
    print(f"{cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}; "
          f"{rust['items']} items x {rust['raters']} raters, {rust['given']} ratings, "
          f"{rust['draws']} draws; load {os.getloadavg()[0]:.1f}")
    print("\n| | seconds (median) | runs | times as long |\n|---|---|---|---|")
    for name, seconds, runs, ratio in rows:
        print(f"| {name} | {seconds:.4f} | {runs} | {ratio:.1f} |")
    print(f"\nalpha {rust['alpha']:.10f} [{rust['lo']:.10f}, {rust['hi']:.10f}]; "
          f"largest difference between the sides {worst:.1e}")
    if not worst <= 1e-9:
        sys.exit("the sides disagree by more than 1e-9")


if __name__ == "__main__":
    main()
