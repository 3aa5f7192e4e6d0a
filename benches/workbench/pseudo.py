"""A program in a pseudo-terminal: keys go in, and the bytes that come out are timed."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

COLS, ROWS = 120, 40
ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P_^][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]")
NOT_INHERITED = ("NO_COLOR", "COLORTERM", "COLORFGBG", "TMUX", "STY", "SSH_CONNECTION", "LESS", "PAGER")


def printable(data):
    """What is left of some output when escape sequences and blanks are taken out."""
    return re.sub(rb"[\x00-\x20\x7f]+", b"", ESCAPES.sub(b"", data))


class Reply:
    """What came after a key: when (seconds after it) and how many bytes."""

    def __init__(self, first, last, data):
        self.first, self.last, self.data = first, last, data

    @property
    def bytes(self):
        return len(self.data)


class Pseudo:
    """One program in its own pseudo-terminal of 120x40."""

    def __init__(self, argv, env=None, cwd=None):
        full = {k: v for k, v in os.environ.items() if k not in NOT_INHERITED}
        full |= {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"} | (env or {})
        self.started = time.perf_counter()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                # The size is there before the program looks.
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))
                if cwd:
                    os.chdir(cwd)
                os.execvpe(argv[0], argv, full)
            finally:
                os._exit(127)
        self.argv, self.seen, self.gone = argv, b"", False

    def read(self, timeout):
        """The next piece of output, or nothing in that time."""
        if self.gone or not select.select([self.master], [], [], timeout)[0]:
            return b""
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            data = b""
        self.gone = not data
        self.seen += data
        return data

    def send(self, keys):
        os.write(self.master, keys)

    def until(self, enough, limit=60):
        """Reads until `enough(output)`; the time since the start."""
        end = time.perf_counter() + limit
        while time.perf_counter() < end and not self.gone:
            self.read(0.05)
            if enough(self.seen):
                return time.perf_counter() - self.started
        tail = printable(self.seen)[-600:].decode(errors="replace")
        raise SystemExit(f"{self.argv[0]} did not show what was waited for within {limit} s: {tail}")

    def settle(self, quiet=0.3, limit=120):
        """Reads until nothing came for so long; what came."""
        end, data = time.perf_counter() + limit, b""
        while time.perf_counter() < end:
            piece = self.read(quiet)
            if not piece:
                break
            data += piece
        self.seen = b""
        return data

    def key(self, keys, quiet=0.04, limit=30, patience=0.25):
        """Sends keys and reads until nothing came for `quiet` seconds; the first byte may take
        `patience`."""
        self.seen = b""
        at = time.perf_counter()
        os.write(self.master, keys)
        first = last = None
        data, end = b"", at + limit
        while time.perf_counter() < end:
            piece = self.read(quiet if last else max(quiet, patience))
            if not piece:
                break
            last = time.perf_counter() - at
            first = first or last
            data += piece
        return Reply(first, last, data)

    def stat(self):
        """CPU seconds, wake-ups and system calls that wrote, so far, of all threads."""
        cpu = wakes = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            base = f"/proc/{self.pid}/task/{task}"
            try:
                with open(f"{base}/schedstat") as f:
                    cpu += int(f.read().split()[0])
                with open(f"{base}/status") as f:
                    wakes += sum(int(l.split()[1]) for l in f if "ctxt_switches" in l)
            except FileNotFoundError:
                pass
        return cpu / 1e9, wakes

    def memory(self):
        """Resident MB, and proportional MB (shared pages divided among those who share them)."""
        found = {}
        for file in ("status", "smaps_rollup"):
            with open(f"/proc/{self.pid}/{file}") as f:
                for line in f:
                    name, _, rest = line.partition(":")
                    if rest.strip().endswith("kB"):
                        found.setdefault(name, int(rest.split()[0]) / 1024)
        parts = {k: found.get(k, 0) for k in ("RssAnon", "RssFile")}
        return found["VmRSS"], found["Pss"], parts

    def end(self):
        for sig in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.kill(self.pid, sig)
            except ProcessLookupError:
                break
            end = time.perf_counter() + 3
            while time.perf_counter() < end:
                # Whoever still writes must not be held up by a full line.
                self.read(0.02)
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    os.close(self.master)
                    return


def writes(program, keys, pause=0.06):
    """Counts `write(2)` on the terminal and frames while keys are sent, with strace.

    Only calls on the terminal's own descriptor count: wake-up pipes are no frames. None without
    strace.
    """
    import shutil
    import subprocess
    import tempfile
    if not shutil.which("strace"):
        return None
    with tempfile.NamedTemporaryFile("r") as out:
        tracer = subprocess.Popen(
            ["strace", "-f", "-y", "-qq", "-e", "trace=write,writev", "-s", "1", "-o", out.name,
             "-p", str(program.pid)], stderr=subprocess.PIPE)
        time.sleep(1.0)
        if tracer.poll() is not None:
            return None
        data, answered = b"", 0
        for k in keys:
            reply = program.key(k, quiet=pause)
            answered += bool(reply.data)
            data += reply.data
        tracer.terminate()
        tracer.wait()
        calls = sum("</dev/pts/" in line or "</dev/tty" in line for line in out)
    return {"calls": calls, "frames": data.count(b"\x1b[?2026h"), "keys": answered}
