"""Watching long files: polyculture beside TensorBoard's own readers, on one file, in one run.

    python -m venv /tmp/bench && /tmp/bench/bin/pip install tensorboard tensorboard_data_server
    /tmp/bench/bin/python benches/watch/run.py [--runs 5] [--megabytes 150] [--lines 200000]

First load: an event file of four scalars a step. Every measurement is a process of its own, the
entries take turns, and the file is in the page cache. `EventAccumulator` is told to keep every
scalar; the data server
(Rust) is given `--reload once`, and its own words for the time of its load cycle are taken: as
TensorBoard starts it (1,000 drawn scalars a tag are kept, checksums are not looked at), with
`--checksum`, as EventAccumulator and we do, and with every scalar kept; ours is `watch first`, its clock around opening the
folder and the first look. Counts, last values and extremes of all curves are compared.

Refresh: bytes are appended 200 times, and each look is timed, with and without news.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ACCUMULATOR = """
import json, resource, sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
start = time.perf_counter()
a = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
a.Reload()
seconds = time.perf_counter() - start
out = {}
for tag in a.Tags()["scalars"]:
    rows = a.Scalars(tag)
    values = [r.value for r in rows]
    out[tag] = {"n": len(rows), "last": [rows[-1].step, values[-1]], "lowest": min(values), "highest": max(values)}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak_mib": peak, "curves": out}))
"""

NAMES = {"train/loss": "loss", "train/grad_norm": "grad_norm", "train/learning_rate": "lr", "train/epoch": "epoch"}


def build():
    done = subprocess.run(
        ["cargo", "bench", "--no-run", "--bench", "watch", "--message-format=json"],
        cwd=ROOT, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        doc = json.loads(line)
        if doc.get("reason") == "compiler-artifact" and doc["target"]["name"] == "watch" and doc.get("executable"):
            return doc["executable"]
    sys.exit("cargo built no bench `watch`")


def documents(args):
    done = subprocess.run(args, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def server_binary():
    try:
        import tensorboard_data_server
        return tensorboard_data_server.server_binary()
    except ImportError:
        return None


SERVERS = {
    "data server, as TensorBoard starts it": [],
    "data server, every sum checked": ["--checksum"],
    "data server, every scalar kept": ["--samples-per-plugin", "scalars=100000000"],
}


def server(binary, folder, flags):
    """Seconds of its load cycle as it says them, seconds of the process, peak MiB."""
    start = time.perf_counter()
    child = subprocess.Popen(
        [binary, "--logdir", str(folder), "--port", "0", "--reload", "once", "--verbose",
         "--die-after-stdin", *flags],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said, peak, whole = None, 0.0, None
    for line in child.stderr:
        found = re.search(r"[Ff]inished load cycle \(([0-9.]+)(m?s|µs)\)", line)
        if found:
            whole = time.perf_counter() - start
            said = float(found[1]) * {"s": 1.0, "ms": 1e-3, "µs": 1e-6}[found[2]]
            status = Path(f"/proc/{child.pid}/status").read_text()
            peak = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
            break
    child.kill()
    child.wait()
    if said is None:
        raise RuntimeError("the data server did not say that its load cycle was finished")
    return said, whole, peak


def compare(ours, theirs):
    for tag, name in NAMES.items():
        a, b = ours[name], theirs[tag]
        assert a["n"] == b["n"], (tag, a, b)
        assert a["last"] == b["last"], (tag, a, b)
        assert a["lowest"][1] == b["lowest"] and a["highest"] == b["highest"], (tag, a, b)


def median(rows):
    return statistics.median(rows)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--megabytes", type=int, default=150)
    p.add_argument("--lines", type=int, default=200_000)
    p.add_argument("--rows", type=int, default=100_000)
    p.add_argument("--bench", help="the built bench, else it is built")
    a = p.parse_args()
    bench = a.bench or build()
    print(f"{platform.platform()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp) / "events"
        folder.mkdir()
        file = folder / "events.out.tfevents.1790000000.host.1.0"
        subprocess.run([bench, "events", str(file), str(a.megabytes * 1_000_000)], check=True)
        print(f"\nevent file of {file.stat().st_size:,} bytes, first load, medians of {a.runs} runs")
        times = {}
        binary = server_binary()
        for _ in range(a.runs):
            ours = documents([bench, "first", str(folder)])[0]
            times.setdefault("polyculture", []).append((ours["seconds"], ours["peak_mib"]))
            if binary:
                for name, flags in SERVERS.items():
                    said, _, peak = server(binary, folder, flags)
                    times.setdefault(name, []).append((said, peak))
            theirs = documents([sys.executable, "-c", ACCUMULATOR, str(folder)])[0]
            times.setdefault("EventAccumulator", []).append((theirs["seconds"], theirs["peak_mib"]))
            compare(ours["curves"], theirs["curves"])
        first = median([t[0] for t in times["polyculture"]])
        print("\n| | seconds | slowest | ratio | peak MiB |\n|---|---|---|---|---|")
        for name, rows in times.items():
            s = [r[0] for r in rows]
            print(f"| {name} | {median(s):.3f} | {max(s):.3f} | {median(s) / first:.1f} | {median([r[1] for r in rows]):.0f} |")
        print(f"\ncurves agree: {', '.join(NAMES)} (n, last, lowest, highest)")
        log = Path(tmp) / "log"
        log.mkdir()
        subprocess.run([bench, "log", str(log / "train.log"), str(a.lines)], check=True)
        own = Path(tmp) / "own"
        own.mkdir()
        subprocess.run([bench, "metrics", str(own / "metrics.jsonl"), str(a.rows)], check=True)
        # The time of the calling thread, all that a look does: list the folder, read the growth, join.
        print("\n| refresh | size | first load, s | with news, p50 ms | p99 | most | without news, p50 ms | p99 | most |\n|---|---|---|---|---|---|---|---|---|")
        # Whole records and lines are appended: of the event file its last record, as it is.
        for name, where, path, n in [
            ("event file", folder, file, 62), ("log", log, log / "train.log", 1000), ("metrics.jsonl", own, own / "metrics.jsonl", 1000)]:
            size = path.stat().st_size
            load, doc = documents([bench, "refresh", str(where), str(path), str(n)])
            g, s = doc["grown"], doc["same"]
            print(f"| {name} | {size / 1e6:.1f} MB | {load['seconds']:.3f} | {g['median_ms']:.2f} | {g['p99_ms']:.2f} | {g['most_ms']:.2f} | {s['median_ms']:.2f} | {s['p99_ms']:.2f} | {s['most_ms']:.2f} |")
        again = documents([bench, "first", str(own)])[0]
        print(f"\nmetrics.jsonl again, from its index: {again['seconds'] * 1e3:.1f} ms, {again['curves']['loss']['points']} points of {again['curves']['loss']['n']}")


if __name__ == "__main__":
    main()
