"""The programs that are measured, on the same rows."""
import csv
import itertools
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess

from pseudo import Pseudo, printable

COLUMNS = ("seed", "stage", "similarity", "decision", "language", "text")


def export(database, folder):
    """The workspace's rows as CSV and as lines, in the order in which the Samples screen shows them."""
    table, lines = folder / "rows.csv", folder / "rows.tsv"
    if table.exists() and table.stat().st_mtime >= database.stat().st_mtime and lines.exists():
        return table, lines
    rows = sqlite3.connect(f"file:{database}?mode=ro", uri=True).execute(
        f"SELECT {', '.join(COLUMNS)} FROM sample ORDER BY rowid")
    with open(table.with_suffix(".new"), "w", newline="") as t, open(lines.with_suffix(".newer"), "w") as l:
        out = csv.writer(t)
        out.writerow(COLUMNS)
        for seed, stage, similarity, *rest in rows:
            row = (seed, stage, "-" if similarity is None else f"{similarity:.3f}", *rest)
            out.writerow(row)
            l.write("\t".join(row) + "\n")
    table.with_suffix(".new").rename(table)
    lines.with_suffix(".newer").rename(lines)
    return table, lines


def of_language(table, lines, language, most=5000):
    """The first rows of one language, as files of their own: what our filter `lang:` shows."""
    found = [f.with_stem(f"rows-{language}") for f in (table, lines)]
    with open(table, newline="") as t, open(found[0], "w", newline="") as to, open(found[1], "w") as l:
        out, rows = csv.writer(to), csv.reader(t)
        out.writerow(next(rows))
        for row in itertools.islice((r for r in rows if r[4] == language), most):
            out.writerow(row)
            l.write("\t".join(row) + "\n")
    return found


class Subject:
    """A program: how it starts, and its keys for what is measured."""

    down, up, page, first, last = b"j", b"k", b"\x1b[6~", b"\x1b[H", b"\x1b[F"
    leaves_filter = [b"\x1b"]

    def __init__(self, name, argv, version, env=None, cwd=None):
        self.name, self.argv, self.version, self.env, self.cwd = name, argv, version, env, cwd

    def start(self, extra=None):
        return Pseudo(self.argv, (self.env or {}) | (extra or {}), self.cwd)

    def filter(self, text):
        """The keys that filter by a text, the last of which starts the search."""
        raise NotImplementedError


class Ours(Subject):
    def filter(self, text):
        return [b"/", *(c.encode() for c in text)]

    leaves_filter = [b"\x1b"]


class Csvlens(Subject):
    def filter(self, text):
        return [b"&", *(c.encode() for c in text), b"\r"]


class Visidata(Subject):
    down, up, page, first, last = b"j", b"k", b"\x06", b"gg", b"G"

    def filter(self, text):
        # Selects the rows in which any column matches.
        return [b"g|", *(c.encode() for c in text), b"\r"]

    leaves_filter = [b"gu"]


class Less(Subject):
    # By line, and it has no cursor: a line down scrolls.
    first, last = b"g", b"G"

    def filter(self, text):
        return [b"&", *(c.encode() for c in text), b"\r"]

    leaves_filter = [b"&", b"\r"]


def version_of(*argv):
    """The first version number that a program says."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\d+(?:\.\d+)*", done.stdout + done.stderr)
    return found and found.group()


def found(variable, name):
    return os.environ.get(variable) or shutil.which(name)


def peers(table, lines, folder):
    """Those that are installed, and the names of those that are not."""
    here, missing = [], []
    home = folder / "home"
    home.mkdir(exist_ok=True)
    # Their own settings stay out of it.
    env = {"HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    for name, variable, kind, args in (
        ("csvlens", "CSVLENS", Csvlens, [str(table)]),
        ("visidata", "VISIDATA", Visidata, ["-f", "csv", str(table)]),
        ("less", "LESS_PROGRAM", Less, ["-S", str(lines)]),
    ):
        program = found(variable, "vd" if name == "visidata" else name)
        version = program and version_of(program, "--version")
        if version:
            here.append(kind(name, [program, *args], version, env))
        else:
            missing.append(name)
    return here, missing


def ours(program, workspace, folder, name="polyculture"):
    """The workbench on the Samples screen: where a person was is where it starts."""
    env = {
        "POLYCULTURE_STATE_DIR": str(folder / "state"),
        "POLYCULTURE_CONFIG": str(folder / "config/config.toml"),
        "HOME": str(folder / "home"),
    }
    (folder / "home").mkdir(exist_ok=True)
    subject = Ours(name, [str(program), "-w", str(workspace)], version_of(str(program), "--version"), env)
    # The first start is on the Overview: go to Samples and leave, so that every other starts there.
    once = subject.start()
    once.until(lambda seen: b"Overview" in printable(seen))
    once.settle(1.0)
    once.send(b"1")
    once.settle(1.0)
    once.send(b"3")
    once.until(lambda seen: b"simil." in printable(seen))
    once.settle(1.0)
    once.send(b"\x11")
    once.settle(1.0, 5)
    once.end()
    return subject


def fill(cache, rows, fill_program):
    """A workspace with so many samples, made once."""
    workspace = cache / f"workspace-{rows}"
    done = workspace / "filled"
    if not done.exists():
        shutil.rmtree(workspace, ignore_errors=True)
        workspace.mkdir(parents=True)
        subprocess.run([fill_program(), str(workspace / "w"), str(rows)], check=True)
        done.touch()
    database = next(p for p in (workspace / "w").glob("*.db") if p.stat().st_size)
    return pathlib.Path(workspace / "w"), database
