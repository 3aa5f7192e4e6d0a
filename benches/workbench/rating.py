"""A rating key until the rating is durable, seen by a second connection to the database."""
import sqlite3
import subprocess
import time

from pseudo import Pseudo, printable


def prepare(program, workspace, env):
    """A small study for one rater."""
    def run(*args):
        done = subprocess.run([program, "-w", str(workspace), *args], env=env, capture_output=True, text=True)
        if done.returncode and "exists" not in done.stderr:
            raise SystemExit(f"{' '.join(args)}: {done.stderr}")
    run("study", "new", "pilot", "--items", "200", "-k", "1")
    run("study", "plan", "--study", "pilot", "--raters", "r1", "--languages", "en,ar,bn,ko,zh,el")


def rate(program, workspace, env, ratings):
    """Seconds from a digit's key until its row is committed (WAL, synchronous FULL: then it is on
    disk), and until the next pair is on the screen."""
    database = next(workspace.glob("*.db"))
    looks = sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)
    count = lambda: looks.execute("SELECT count(*) FROM rating_event").fetchone()[0]
    rater = Pseudo([program, "-w", str(workspace), "rate", "--study", "pilot", "--as", "r1"], env)
    rater.until(lambda seen: b"Welcome" in printable(seen))
    rater.settle()
    rater.send(b"\r")
    rater.until(lambda seen: b"Guideline" in printable(seen) or b"pair" in printable(seen))
    if b"pair" not in printable(rater.settle()):
        rater.send(b"\r")
        rater.settle()
    durable, shown = [], []
    for i in range(ratings):
        # A break is offered now and then: Enter goes on.
        before = count()
        at = time.perf_counter()
        rater.send(b"12345"[i % 5:i % 5 + 1])
        end = at + 1.0
        while count() == before and time.perf_counter() < end:
            pass
        if time.perf_counter() >= end:
            rater.settle()
            rater.send(b"\r")
            rater.settle()
            continue
        durable.append(time.perf_counter() - at)
        if rater.key(b"", quiet=0.05).last:
            shown.append(time.perf_counter() - 0.05 - at)
    rater.end()
    return durable, shown
