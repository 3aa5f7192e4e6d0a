"""The table of gates, from what was measured."""
import statistics

KINDS = {"move": "cursor moves (j, k)", "scroll": "j at the edge", "page": "a page down", "ends": "END, HOME"}


def ms(pair):
    return f"{pair[0]:.2f} / {pair[1]:.2f}"


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))] if values else float("nan")


class Table:
    def __init__(self, names):
        self.names, self.failed = names, []
        print()
        self.line("what", "gate", names)
        print("|" + "---|" * (len(names) + 2))

    def line(self, what, gate, cells):
        print(f"| {what} | {gate} | " + " | ".join(cells) + " |")

    def row(self, what, gate, cells, holds=None):
        """`holds`: of our cell, the first."""
        cells = list(cells)
        if holds is False:
            self.failed.append(f"{what}: {cells[0]} (gate {gate})")
            cells[0] += " **no**"
        self.line(what, gate, cells)


def tables(rows, rated, n, idle):
    names = list(rows)
    own = rows["polyculture"]
    t = Table(names)
    every = lambda f: [f(rows[name]) for name in names]
    for kind, what in KINDS.items():
        of = own["keys"].get(kind)
        gated = bool(of and of[0] < 1 and of[1] < 5)
        t.row(f"key to last byte, p50 / p99 ms: {what}", "< 1 / < 5",
              every(lambda r: ms(r["keys"][kind]) if kind in r["keys"] else "-"), gated)
    for language, what, gate in (("en", "Latin", 300), ("zh", "Chinese", 600), ("ko", "Korean", 600)):
        t.row(f"bytes for a cursor move, {what} rows (median, most)", f"<= {gate}",
              every(lambda r: "{:.0f}, {:.0f}".format(*r["moves"][language])), own["moves"][language][0] <= gate)
    for kind in ("move", "scroll", "page"):
        t.row(f"bytes, mixed scripts: {KINDS[kind]} (median)", "",
              every(lambda r: f"{r['keys'][kind][2]:.0f}" if kind in r["keys"] else "-"))
    if own["writes"]:
        w = own["writes"]
        say = lambda w: "-" if not w else f"{w['calls'] / max(1, w['frames'] or w['keys']):.2f}"
        t.row("writes a frame (peers: a key)", "1", every(lambda r: say(r["writes"])), w["calls"] == w["frames"])
    else:
        t.row("writes a frame", "1", ["no strace"] * len(names))
    quiet = own["idle"]
    t.row(f"{idle:.0f} s idle: bytes, CPU, wake-ups a minute", "0, < 0.1 %, -",
          every(lambda r: "{:.0f}, {:.3%}, {:.0f}".format(*r["idle"])), quiet[0] == 0 and quiet[1] < 0.001)
    t.row("start to first frame, ms", "< 50", every(lambda r: f"{r['start'][0]:.0f}"), own["start"][0] < 50)
    t.row("start to first rows, ms", "", every(lambda r: f"{r['start'][1]:.0f}"))
    t.row("resident memory, MB (proportional)", "< 30",
          every(lambda r: "{:.0f} ({:.0f})".format(*r["memory"][:2])), own["memory"][0] < 30)
    t.row("filter by a common word, ms: a letter typed (p50) / last key to rows and counts", "",
          every(lambda r: ms(r["filter"])))
    t.row("filter that finds nothing, ms: last key to the answer", "",
          every(lambda r: f"{r['filter, nowhere'][1]:.0f}"))
    durable, shown = rated
    p = [percentile(durable, q) * 1e3 for q in (0.5, 0.99)]
    none = ["-"] * (len(names) - 1)
    t.row("rating key to durable row, p50 / p99 ms", "< 10 p50", [ms(p), *none], p[0] < 10)
    t.row("rating key to the next pair shown, p50 ms", "", [f"{percentile(shown, 0.5) * 1e3:.1f}", *none])
    print("\n100 ms each way, 256 kbit/s, ten keys a second: keys typed between a key and its whole frame")
    slow = Table(names)
    for kind in ("move", "scroll", "page"):
        of = [rows[name]["line"][kind] for name in names]
        cells = [f"{percentile(l['behind'], 0.5)}, {max(l['behind'], default=0)}; "
                 f"{statistics.median(l['lags'] or [0]) * 1e3:.0f} ms; {l['bytes']:.0f} B" for l in of]
        worst = max(of[0]["behind"], default=99)
        slow.row(f"{KINDS[kind]}: p50, most; lag; bytes a key", "<= 2", cells, worst <= 2)
    print()
    memory = own["memory"][2]
    print(f"memory: {memory['RssAnon']:.1f} MB of its own, {memory['RssFile']:.1f} MB of mapped files; "
          f"{len(durable)} ratings; {n:,} rows")
    return t.failed + slow.failed
