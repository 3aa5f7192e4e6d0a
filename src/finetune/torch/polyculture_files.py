"""Files of an attempt: written whole, checkpoints with a manifest that is written last."""
import datetime
import hashlib
import json
import math
import os
import pathlib
import shutil
import time

MANIFEST = "manifest.json"
# What belongs to a tokenizer and travels with a tuned model.
TOKENIZER = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
             "chat_template.jinja", "generation_config.json"]


def now():
    moment = datetime.datetime.now(datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number(x):
    """JSON has no NaN and no infinity: they are written as words, never hidden."""
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return x


def sync_dir(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path, text):
    tmp = path.with_name("." + path.name + ".tmp")
    with open(tmp, "w", encoding="utf-8") as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    os.replace(tmp, path)
    sync_dir(path.parent)


class Report:
    """`metrics.jsonl` and `progress.json`, as polyculture's own trainer writes them."""

    def __init__(self, attempt, total):
        self.attempt, self.total, self.written = pathlib.Path(attempt), total, 0.0
        self.metrics = open(self.attempt / "metrics.jsonl", "ab", buffering=0)

    def row(self, step, values):
        row = {"at": now(), "step": step, "total": self.total,
               "values": {k: number(float(v)) for k, v in values.items()}}
        self.metrics.write((json.dumps(row) + "\n").encode())

    def progress(self, done, note, force=False):
        if not force and time.monotonic() - self.written < 0.2:
            return
        self.written = time.monotonic()
        tmp = self.attempt / ".progress.json.tmp"
        # Nobody's training should die for its progress bar.
        try:
            tmp.write_text(json.dumps({"done": done, "total": self.total, "note": note, "at": now()}))
            os.replace(tmp, self.attempt / "progress.json")
        except OSError:
            pass


def remove(folder):
    """The manifest goes first: half a removal must not look whole."""
    manifest = folder / MANIFEST
    if manifest.exists():
        manifest.unlink()
    if folder.exists():
        shutil.rmtree(folder)


def seal(folder, state):
    """Makes every file durable, then writes the manifest that makes the folder a checkpoint."""
    (folder / "trainer.json").write_text(json.dumps(state, indent=2))
    files = {}
    for path in sorted(folder.iterdir()):
        digest, size = hashlib.sha256(), 0
        with open(path, "rb+") as f:
            os.fsync(f.fileno())
            while piece := f.read(1 << 20):
                digest.update(piece)
                size += len(piece)
        files[path.name] = {"size": size, "sha256": digest.hexdigest()}
    sync_dir(folder)
    sync_dir(folder.parent)
    write_durably(folder / MANIFEST, json.dumps({"step": state["step"], "files": files}, indent=2))


def known(checkpoints):
    """(step, folder, state) of whole checkpoints, newest first; `final` is not among them."""
    found = []
    for folder in checkpoints.glob("step-*"):
        try:
            state = json.loads((folder / "trainer.json").read_text())
            if (folder / MANIFEST).exists():
                found.append((state["step"], folder, state))
        except (OSError, ValueError):
            continue
    return sorted(found, key=lambda c: -c[0])


def retain(checkpoints, keep):
    """Removes all but the newest `keep` and the best: lowest loss on held-out texts where that was
    measured, otherwise lowest in training."""
    all_of = known(checkpoints)

    def least(key):
        measured = [c for c in all_of if isinstance(c[2].get(key), (int, float))]
        return min(measured, key=lambda c: c[2][key], default=None)

    best = least("eval_loss") or least("loss")
    for c in all_of[max(keep, 1):]:
        if best is None or c[1] != best[1]:
            remove(c[1])


def copy_tokenizer(base, folder):
    for name in TOKENIZER:
        if (pathlib.Path(base) / name).exists():
            shutil.copyfile(pathlib.Path(base) / name, folder / name)
