#!/usr/bin/env python3
"""The engine beside pueue 4: adding with 5,000 known tasks, a queue of empty tasks, the status as
JSON, and what is left after SIGKILL of the daemon. Prints one Markdown table.

    cargo build --release
    cargo install pueue --root PEERS
    benches/engine/run.py --pueue PEERS/bin [--known 5000]

Both daemons run side by side on the same file system; the adds alternate. Every figure is of whole
commands as a person types them, but for the queue, which is timed inside.

The known tasks of ours are added by `runs add`, several clients at once. pueue writes all its tasks
anew at every add, so that adding 5,000 takes it half an hour: one is added, the daemon shut down, the
one copied in the state file that it wrote, and the daemon started again. That it then knows them all is
looked at before anything is timed.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parents[2]


def run(command, env, **more):
    return subprocess.run(command, env=env, check=True, capture_output=True, text=True, **more).stdout


def quantiles(ms):
    ms = sorted(ms)
    return statistics.median(ms), ms[int(len(ms) * 0.9)]


def alive(word):
    """Processes (no zombies) with this word in their command line."""
    pids = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().split(b"\0")
            if word.encode() in line and line[0].endswith(b"sleep"):
                pids.append(int(entry.name))
        except OSError:
            pass
    return pids


def wait_for(what, condition, patience=60):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"not in time: {what}")
        time.sleep(0.02)


class Ours:
    name = "polyculture"

    def __init__(self, folder, binary):
        self.folder, self.binary = folder, binary
        self.work = folder / "garden"
        self.env = {**os.environ, "POLYCULTURE_STATE_DIR": str(folder / "state"), "POLYCULTURE_SLOTS": "1"}
        (folder / "state").mkdir(parents=True)
        self.work.mkdir()
        (self.work / "polyculture.toml").write_text("")
        self.version = run([binary, "--version"], self.env).split()[1]
        self.do("engine", "start")

    def do(self, *words):
        return run([self.binary, "--json", *words], self.env, cwd=self.work)

    def add_waiting(self):
        self.do("runs", "add", "--not-before", "60d", "--", "true")

    def fill(self, n):
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            for added in [clients.submit(self.add_waiting) for _ in range(n)]:
                added.result()

    def known(self):
        return sum(json.loads(self.do("engine", "status"))["runs"].values())

    def add(self, *argv):
        return json.loads(self.do("runs", "add", "--", *argv))["id"]

    def status(self, limit):
        return self.do("runs", "list", "--limit", str(limit))

    def pid(self):
        return json.loads(self.do("engine", "status"))["pid"]

    def restart(self):
        self.do("engine", "start")

    def queue(self, n):
        """Seconds for n empty runs one after the other."""
        first = self.add("sleep", "0.5")
        ids = [self.add("true") for _ in range(n)]
        self.wait_end(first)
        self.wait_end(ids[-1])
        # The last was started after the first had ended; what ran before the look is counted too.
        shown = [json.loads(self.do("runs", "show", i)) for i in (first, ids[-1])]
        stamp = lambda s: time.mktime(time.strptime(s[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + s[19:].rstrip("Z"))
        return stamp(shown[1]["ended_at"]) - stamp(shown[0]["ended_at"])

    def wait_end(self, id):
        subprocess.run([self.binary, "--json", "runs", "wait", id], env=self.env, cwd=self.work, capture_output=True)

    def state_of(self, id):
        v = json.loads(self.do("runs", "show", id))
        return v["state"] + (f", exit code {v['exit_code']}" if v["exit_code"] is not None else "")

    def stop(self):
        subprocess.run([self.binary, "engine", "stop"], env=self.env, capture_output=True)


class Pueue:
    name = "pueue"

    def __init__(self, folder, bin):
        self.bin, self.folder = pathlib.Path(bin), folder
        folder.mkdir(parents=True)
        self.config = folder / "pueue.yml"
        self.config.write_text(
            f"client: {{}}\ndaemon: {{}}\nshared:\n  pueue_directory: {folder}/data\n"
            f"  runtime_directory: {folder}/run\n  use_unix_socket: true\n"
        )
        (folder / "data").mkdir()
        (folder / "run").mkdir()
        self.env = dict(os.environ)
        self.version = run([self.bin / "pueue", "--version"], self.env).split()[1]
        self.start()

    def start(self):
        self.daemon = subprocess.Popen(
            [self.bin / "pueued", "-c", self.config], env=self.env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        wait_for("pueued", lambda: subprocess.run(
            [self.bin / "pueue", "-c", self.config, "status"], env=self.env, capture_output=True).returncode == 0)

    def do(self, *words):
        return run([self.bin / "pueue", "-c", self.config, *words], self.env)

    def add_waiting(self):
        self.do("add", "--stashed", "--", "true")

    def fill(self, n):
        id = self.do("add", "--stashed", "--print-task-id", "--", "true").strip()
        self.do("shutdown")
        self.daemon.wait()
        file = self.folder / "data" / "state.json"
        state = json.loads(file.read_text())
        for other in range(int(id) + 1, int(id) + n):
            state["tasks"][str(other)] = {**state["tasks"][id], "id": other}
        file.write_text(json.dumps(state, separators=(",", ":")))
        self.start()

    def known(self):
        return len(self.tasks())

    def add(self, *argv):
        return self.do("add", "--print-task-id", "--", *argv).strip()

    def status(self, _):
        return self.do("status", "--json")

    def pid(self):
        return self.daemon.pid

    def restart(self):
        self.daemon.wait()
        self.start()

    def tasks(self):
        return json.loads(self.do("status", "--json"))["tasks"]

    def queue(self, n):
        first = self.add("sleep", "0.5")
        ids = [self.add("true") for _ in range(n)]
        self.do("wait", *ids, first)
        stamp = lambda s: time.mktime(time.strptime(s[:19], "%Y-%m-%dT%H:%M:%S")) + float("0" + s[19:].split("+")[0].split("-")[0].rstrip("Z"))
        end = lambda id: stamp(self.tasks()[id]["status"]["Done"]["end"])
        return end(ids[-1]) - end(first)

    def state_of(self, id):
        status = self.tasks()[id]["status"]
        word, inner = next(iter(status.items())) if isinstance(status, dict) else (status, {})
        result = inner.get("result") if isinstance(inner, dict) else None
        return f"{word}{f' ({result})' if result else ''}"

    def stop(self):
        self.daemon.kill()
        self.daemon.wait()


def crash(peer):
    """A task of 12 s; SIGKILL of the daemon; its successor; how many copies live, what is said."""
    word = f"{7000 + os.getpid() % 2000}.0{abs(hash(peer.name)) % 97}"
    id = peer.add("sleep", word)
    wait_for("the task", lambda: alive(word))
    os.kill(peer.pid(), signal.SIGKILL)
    time.sleep(0.5)
    survived = len(alive(word))
    peer.restart()
    time.sleep(2)
    said = peer.state_of(id)
    copies = len(alive(word))
    for pid in alive(word):
        os.kill(pid, signal.SIGTERM)
    time.sleep(1.5)
    after = peer.state_of(id)
    return survived, said, copies, after


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--pueue", required=True, help="folder with pueue and pueued")
    p.add_argument("--known", type=int, default=5000)
    p.add_argument("--adds", type=int, default=200)
    p.add_argument("--queue", type=int, default=100)
    p.add_argument("--binary", type=pathlib.Path, default=HERE / "target" / "release" / "polyculture")
    a = p.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="engine-bench-"))
    peers = [Ours(folder / "ours", a.binary.resolve()), Pueue(folder / "pueue", a.pueue)]
    rows = {}
    try:
        crashes = [crash(peer) for peer in peers]
        rates = [a.queue / peer.queue(a.queue) for peer in peers]
        for peer in peers:
            peer.fill(a.known)
            if peer.known() < a.known:
                sys.exit(f"{peer.name} knows {peer.known()} of {a.known} tasks")
            print(f"{peer.name} knows {peer.known()} tasks", file=sys.stderr)
        times = [[], []]
        for _ in range(a.adds):
            for i, peer in enumerate(peers):
                start = time.perf_counter()
                peer.add_waiting()
                times[i].append((time.perf_counter() - start) * 1e3)
        adds = [quantiles(t) for t in times]
        lists = [[], []]
        for _ in range(15):
            for i, peer in enumerate(peers):
                start = time.perf_counter()
                peer.status(a.known)
                lists[i].append((time.perf_counter() - start) * 1e3)
        lists = [statistics.median(t) for t in lists]
    finally:
        for peer in peers:
            peer.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"| | {' | '.join(f'{p.name} {p.version}' for p in peers)} | ratio |")
    print("|---|---|---|---|")
    print(f"| `add`, {a.known} known, p50 (p90) | " + " | ".join(f"{m:.1f} ms ({q:.1f})" for m, q in adds)
          + f" | {adds[1][0] / adds[0][0]:.1f}x |")
    print(f"| empty runs one after the other | " + " | ".join(f"{r:.1f} /s" for r in rates)
          + f" | {rates[0] / rates[1]:.1f}x |")
    print(f"| all {a.known} as JSON | " + " | ".join(f"{t:.1f} ms" for t in lists)
          + f" | {lists[1] / lists[0]:.1f}x |")
    for words, at in [("daemon SIGKILLed: copies of the task alive", 0), ("its successor says", 1),
                      ("copies alive then", 2), ("after TERM to them it says", 3)]:
        print(f"| {words} | " + " | ".join(str(c[at]) for c in crashes) + " | |")


if __name__ == "__main__":
    main()
