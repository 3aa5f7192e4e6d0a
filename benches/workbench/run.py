"""The workbench in a pseudo-terminal, beside csvlens, visidata and less on the same rows, in one run.

    python3 benches/workbench/run.py       # ROWS=20000 KEYS=40 IDLE=5 for a smoke test

Drives the real release program (or POLYCULTURE=path) at 120x40 on its Samples screen, over a
workspace that `workbench_fill` (or FILL=path) makes once in the folder CACHE, prints the table of
gates, and exits 1 when one does not hold. Settings: ROWS (1000000), KEYS (300) of each kind, IDLE
(60 s), PEERS (`csvlens,visidata,less`; `none`), STARTS (7). What is not installed is named and left
out: `cargo install csvlens`, `pip install visidata`, a package for less; CSVLENS, VISIDATA and
LESS_PROGRAM name a program elsewhere.

Key to last byte: from `write(2)` of the key to the last byte before 40 ms of silence, so that a page
that arrives late counts. Writes: strace on the terminal's own descriptor. Idle: all programs side by
side. The slow line: a pump between the person and the terminal (`link.py`), 100 ms each way, 256
kbit/s, 8 kB of buffer, ten keys a second; `SSH_CONNECTION` is set for all, as over SSH.
"""
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import link
import pseudo
import rating
import subjects
from pseudo import printable

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROWS = int(os.environ.get("ROWS", "1000000"))
KEYS = int(os.environ.get("KEYS", "300"))
IDLE = float(os.environ.get("IDLE", "60"))
STARTS = int(os.environ.get("STARTS", "7"))
PEERS = os.environ.get("PEERS", "csvlens,visidata,less").split(",")
CACHE = pathlib.Path(os.environ.get("CACHE") or pathlib.Path(tempfile.gettempdir(), "polyculture-workbench"))


def built(kind, name):
    """A program of this repository; both come out of one build."""
    done = subprocess.run(
        ["cargo", "bench", "-q", "--no-run", "--message-format=json", "--bench", "workbench_fill"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found = [json.loads(l) for l in done.stdout.splitlines() if l.startswith("{")]
    exe = [m["executable"] for m in found
           if m.get("executable") and m["target"]["name"] == name and kind in m["target"]["kind"]]
    return exe[-1]


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))] if values else float("nan")


def starts(subject, first_text):
    """Medians: ms until something is drawn, until the first row is."""
    drawn, rows = [], []
    for _ in range(STARTS):
        program = subject.start()
        drawn.append(program.until(lambda seen: len(printable(seen)) >= 20))
        rows.append(program.until(lambda seen: first_text in printable(seen)))
        program.end()
    return statistics.median(drawn) * 1e3, statistics.median(rows) * 1e3


def times(program, keys):
    """Seconds to the last byte and bytes for every key that changed the screen."""
    replies = [r for r in (program.key(k) for k in keys) if r.last]
    return [r.last for r in replies], [r.bytes for r in replies]


def latencies(subject, program):
    """By kind of key: (p50 ms, p99 ms, median bytes, how many answered)."""
    n = KEYS
    out = {}
    for _ in range(4):
        program.key(subject.down)
    swing = [subject.down if i // 10 % 2 == 0 else subject.up for i in range(n)]
    kinds = {
        "move": swing,
        "scroll": [subject.down] * n,
        "page": [subject.page] * n,
        "ends": [(subject.last, subject.first)[i % 2] for i in range(max(10, n // 10))],
    }
    for kind, keys in kinds.items():
        took, size = times(program, keys)
        if kind == "scroll":
            # The first of them still move inside the screen.
            took, size = took[min(40, len(took) // 2):], size[min(40, len(size) // 2):]
        if took:
            out[kind] = (percentile(took, 0.5) * 1e3, percentile(took, 0.99) * 1e3,
                         statistics.median(size), len(took))
    return out


def filtering(subject, program, text):
    """ms: to the last byte after a letter of a filter; from its last key to all that it shows,
    counts too (before eight seconds of silence)."""
    keys = subject.filter(text)
    typed = [program.key(k, quiet=0.03) for k in keys[:-1]]
    # Some peers draw without an end, changed or not: they are never silent.
    final = program.key(keys[-1], quiet=8.0, patience=30)
    program.settle(1.0, 10)
    for k in subject.leaves_filter:
        program.key(k, quiet=0.2, limit=5)
    program.settle(1.0, 10)
    each = [r.last for r in typed if r.last]
    return percentile(each, 0.5) * 1e3, (final.last or float("nan")) * 1e3


def move_bytes(kind_of, program, subject):
    """Median and largest bytes of a cursor move inside the screen."""
    program.settle(0.5, 10)
    for _ in range(6):
        program.key(subject.down)
    _, size = times(program, [subject.down if i // 8 % 2 == 0 else subject.up for i in range(48)])
    return (statistics.median(size), max(size)) if size else (float("nan"),) * 2


def moves_by_language(subject, table, lines):
    out = {}
    for language in ("en", "zh", "ko"):
        files = subjects.of_language(table, lines, language)
        if subject.name == "polyculture":
            program = subject.start()
            program.settle(1.0)
            for k in [b"/", *(c.encode() for c in f"lang:{language}"), b"\r"]:
                program.key(k, quiet=0.1)
            program.settle(1.0)
            out[language] = move_bytes(language, program, subject)
            for k in (b"\x1b", b"\x1b"):
                program.key(k, quiet=0.2)
            program.send(b"\x11")
            program.settle(0.5, 5)
        else:
            file = files[1] if subject.name == "less" else files[0]
            argv = [*subject.argv[:-1], str(file)]
            program = pseudo.Pseudo(argv, subject.env)
            # Some peers draw without an end: a file of this size is there after seconds.
            program.settle(1.0, 15)
            out[language] = move_bytes(language, program, subject)
        program.end()
    return out


def measure(subject, first_text):
    row = {"version": subject.version}
    row["start"] = starts(subject, first_text)
    program = subject.start()
    program.until(lambda seen: first_text in printable(seen))
    program.settle(1.5, 60)
    row["keys"] = latencies(subject, program)
    row["filter"] = filtering(subject, program, "harvest")
    row["filter, nowhere"] = filtering(subject, program, "nowherefound")
    program.key(subject.first, quiet=0.3)
    swing = [subject.down] * 12 + [subject.page] * 8
    row["writes"] = pseudo.writes(program, swing)
    row["memory"] = program.memory()
    return row, program


def idle(programs):
    """By name: bytes, CPU share and wake-ups a minute, all at once."""
    for p in programs.values():
        p.settle(1.0, 10)
    time.sleep(3)
    before = {}
    for name, p in programs.items():
        p.settle(0.1, 1)
        before[name] = p.stat()
    start = time.perf_counter()
    size = dict.fromkeys(programs, 0)
    while time.perf_counter() - start < IDLE:
        time.sleep(0.5)
        for name, p in programs.items():
            size[name] += len(p.read(0))
    took = time.perf_counter() - start
    out = {}
    for name, p in programs.items():
        cpu, wakes = p.stat()
        out[name] = (size[name], (cpu - before[name][0]) / took, (wakes - before[name][1]) * 60 / took)
    return out


def over_the_line(subject, first_text):
    out = {}
    for kind, key, n in (("move", None, 60), ("scroll", subject.down, 100), ("page", subject.page, 40)):
        program = subject.start({"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"})
        program.until(lambda seen: first_text in printable(seen))
        program.settle(1.5, 20)
        if kind == "move":
            # Down through the screen, which does not scroll yet.
            out[kind] = link.behind(program, subject.down, min(n, 25))
        else:
            if kind == "scroll":
                for _ in range(40):
                    program.key(subject.down, quiet=0.02)
            out[kind] = link.behind(program, key, n)
        program.end()
    return out


def main():
    CACHE.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("POLYCULTURE") or built("bin", "polyculture")
    fill = lambda: os.environ.get("FILL") or built("bench", "workbench_fill")
    workspace, database = subjects.fill(CACHE, ROWS, fill)
    table, lines = subjects.export(database, workspace.parent)
    first_text = printable(open(lines).readline().rstrip("\n").split("\t")[-1].encode())[:12]
    everyone = [subjects.ours(program, workspace, workspace.parent)]
    here, missing = subjects.peers(table, lines, workspace.parent)
    everyone += [s for s in here if s.name in PEERS]
    print(f"{ROWS:,} rows, {KEYS} keys of each kind, 120x40, {platform.machine()}, {os.cpu_count()} CPUs, load "
          f"{os.getloadavg()[0]:.1f}", *(f"{s.name} {s.version}" for s in everyone), sep=" · ")
    print(*(f"left out: {name} is not installed" for name in missing), sep="\n")
    rows, running = {}, {}
    for subject in everyone:
        print(f"  measuring {subject.name} ..", file=sys.stderr, flush=True)
        rows[subject.name], running[subject.name] = measure(subject, first_text)
    print("  idle ..", file=sys.stderr, flush=True)
    for name, still in idle(running).items():
        rows[name]["idle"] = still
        running[name].end()
    for subject in everyone:
        print(f"  bytes and the slow line, {subject.name} ..", file=sys.stderr, flush=True)
        rows[subject.name]["moves"] = moves_by_language(subject, table, lines)
        rows[subject.name]["line"] = over_the_line(subject, first_text)
    small, _ = subjects.fill(CACHE, 2000, fill)
    env = {k: v for k, v in os.environ.items() if k not in pseudo.NOT_INHERITED} | everyone[0].env
    rating.prepare(program, small, env)
    rated = rating.rate(program, small, env, min(KEYS, 150))
    from table import tables
    failed = tables(rows, rated, ROWS, IDLE)
    if failed:
        sys.exit("gates that do not hold: " + "; ".join(failed))


if __name__ == "__main__":
    main()
