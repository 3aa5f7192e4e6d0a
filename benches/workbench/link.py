"""A slow line between a person and a program: delay and a rate, both ways.

The pump reads what the program writes only as fast as the line takes it, beyond a small buffer such
as a network has: a program that writes more than fits waits in its `write(2)`, as over SSH.
"""
import bisect
import collections
import itertools
import os
import re
import select
import threading
import time


class Link:
    """Over a pseudo-terminal's master. `delay` in seconds, each way; `rate` in bytes a second."""

    def __init__(self, program, delay=0.1, rate=256_000 / 8, buffer=8192):
        self.program, self.delay, self.rate, self.buffer = program, delay, rate, buffer
        self.up = collections.deque()
        self.lock = threading.Lock()
        self.arrived = []
        self.ends = False
        self.thread = threading.Thread(target=self.pump, daemon=True)
        self.thread.start()

    def send(self, keys):
        """A person's keys: they reach the program after the delay."""
        at = time.perf_counter()
        with self.lock:
            self.up.append((at + self.delay + len(keys) / self.rate, keys))
        return at

    def pump(self):
        free, held = 0.0, False
        master = self.program.master
        while not self.ends:
            now = time.perf_counter()
            with self.lock:
                while self.up and self.up[0][0] <= now:
                    os.write(master, self.up.popleft()[1])
                soon = self.up[0][0] - now if self.up else 0.005
            waiting = (free - now) * self.rate
            if waiting >= self.buffer:
                held = True
                time.sleep(min(soon, 0.002))
                continue
            if not select.select([master], [], [], max(0.0, min(soon, 0.005)))[0]:
                continue
            try:
                data = os.read(master, 2048)
            except OSError:
                return
            if not data:
                return
            now = time.perf_counter()
            free = max(free, now) + len(data) / self.rate
            # When it was written, when its last byte is at the person's, whether it had to wait.
            self.arrived.append((now, free + self.delay, held, data))
            held = False

    def close(self):
        self.ends = True
        self.thread.join()


MARK = b"\x1b[?2026l"


def frames_of(pieces):
    """(begun, whole at the person's) of every frame.

    Where the program marks the end of its frames (synchronized updates), by these marks; else pieces
    belong together that came within 8 ms, or that the line held up.
    """
    whole = b"".join(p[3] for p in pieces)
    frames = []
    if MARK not in whole:
        last = 0.0
        for wrote, there, held, _ in pieces:
            if frames and (held or wrote - last < 0.008):
                frames[-1][1] = there
            else:
                frames.append([wrote, there])
            last = wrote
        return frames
    ends = list(itertools.accumulate(len(p[3]) for p in pieces))
    piece = lambda offset: pieces[bisect.bisect_right(ends, offset)]
    begin = 0
    for mark in re.finditer(re.escape(MARK), whole):
        frames.append([piece(begin)[0], piece(mark.end() - 1)[1]])
        begin = mark.end()
    return frames


def behind(program, key, keys, per_second=10, delay=0.1, rate=256_000 / 8):
    """Types `keys` keys at an even pace; how many keys later each key's frame is there.

    A key's frame is the first that the program began after the key reached it. `behind`: keys typed
    between a key and the moment its frame is whole at the person's.
    """
    link = Link(program, delay, rate)
    sent, start = [], time.perf_counter()
    for i in range(keys):
        time.sleep(max(0.0, start + i / per_second - time.perf_counter()))
        sent.append(link.send(key))
    end = time.perf_counter() + 30
    while time.perf_counter() < end:
        time.sleep(0.3)
        if time.perf_counter() > max((a[1] for a in link.arrived), default=start) + 0.5 and not link.up:
            break
    link.close()
    frames = frames_of(link.arrived)
    lags = []
    for at in sent:
        of = next((f for f in frames if f[0] >= at + delay), None)
        if of:
            lags.append(of[1] - at)
    late = [sum(at < s <= at + lag for s in sent) for at, lag in zip(sent, lags)]
    return {"lags": lags, "behind": late, "bytes": sum(len(a[3]) for a in link.arrived) / keys, "frames": len(frames)}
