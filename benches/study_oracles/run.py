"""Statistics of the rating study beside the packages that people use, on random studies.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install krippendorff irrCAC pingouin scikit-learn scipy
    /tmp/v/bin/python benches/study_oracles/run.py [--studies 1000] [--published NOTEBOOK] [--time]

Draws studies (gaps, skewed, one category, one rater, few items), asks our side and the packages for
every statistic, and prints the largest difference of each and every class of studies on which one
side has a value and the other has none. The alternative-annotator test is done from its description
(Calderon, Reichart and Dror 2025); `--published` takes `alt_test_example.ipynb` of the authors'
repository (nitaytech/AltTest) and runs their own function too. `--time` runs `benches/agreement`,
which times ordinal alpha with 10,000 draws. BIN=path takes a built `study_oracles` instead of cargo.
Exits 1 when a difference exceeds 1e-9.
"""
import argparse
import collections
import contextlib
import importlib.metadata
import io
import itertools
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import krippendorff
import numpy as np
import pandas as pd
import pingouin
from irrCAC.raw import CAC
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import cohen_kappa_score

warnings.filterwarnings("ignore")
np.seterr(all="ignore")
ROOT = pathlib.Path(__file__).resolve().parents[2]
SCALE = [1.0, 2.0, 3.0, 4.0, 5.0]
LIMIT = 1e-9


def draw(rng, number):
    """A study of one of seven kinds."""
    kind = ["plain", "gaps", "sparse", "skewed", "one category", "one rater", "few items"][number % 7]
    units, raters = int(rng.integers(8, 61)), int(rng.integers(2, 9))
    if kind == "few items":
        units = int(rng.integers(1, 5))
    if kind == "one rater":
        raters = 1
    shares = {"skewed": [.01, .01, .03, .15, .8], "one category": [0, 0, 0, 0, 1]}
    shares = shares.get(kind, rng.dirichlet(np.ones(5)))
    truth = rng.choice(5, size=units, p=shares)
    follow = rng.uniform(.2, .95, size=raters + 1)
    scores = np.empty((units, raters + 1))
    for r in range(raters + 1):
        own = rng.choice(5, size=units, p=shares)
        near = np.clip(truth + rng.integers(-1, 2, size=units) * (rng.random(units) < .3), 0, 4)
        scores[:, r] = np.where(rng.random(units) < follow[r], near, own) + 1
    if kind == "one category":
        scores[:] = rng.integers(1, 6)
    gaps = {"plain": 0, "gaps": .25, "sparse": .7, "skewed": .1, "few items": .2}.get(kind, 0.15)
    missing = rng.random((units, raters)) < gaps
    rows = scores[:, :raters].copy()
    rows[missing] = np.nan
    judge = scores[:, raters].copy()
    judge[rng.random(units) < gaps / 3] = np.nan
    return {
        "kind": kind, "rows": rows, "judge": judge, "epsilon": float(rng.choice([0, .1, .15, .2])),
        "accuracy": bool(rng.integers(2)), "min_units": int(rng.choice([5, 10, 30])),
        "x": np.round(rng.uniform(.8, 1, size=units), 2),
    }


def as_json(s):
    gap = lambda v: [None if math.isnan(x) else x for x in v]
    return json.dumps({**s, "rows": [gap(r) for r in s["rows"]], "judge": gap(s["judge"]),
                       "x": list(s["x"])})


def number(f):
    """A value of a package; None where it raises, warns its way to NaN or divides by zero."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            value = float(f())
        return value if math.isfinite(value) else None
    except Exception:
        return None


def crossed(rows):
    """Henderson's third method by its definition: projections."""
    i, j = np.nonzero(~np.isnan(rows))
    y = rows[i, j]
    used = lambda k: np.eye(k.max() + 1)[k][:, np.unique(k)]
    a, b, one = used(i), used(j), np.ones((len(y), 1))
    on = lambda *x: (lambda m: m @ np.linalg.pinv(m))(np.hstack([one, *x]))
    both, of_a, of_b = on(a, b), on(a), on(b)
    rank = lambda m: round(np.trace(m))
    rest = np.eye(len(y)) - both
    if rank(rest) < 1:
        return None
    s_rest = y @ rest @ y / rank(rest)
    out = []
    for m, z in ((both - of_b, a), (both - of_a, b)):
        spread = np.trace(z.T @ m @ z)
        if spread < 1e-9:
            return None
        out.append((y @ m @ y - rank(m) * s_rest) / spread)
    return out[0], out[1], s_rest, len(np.unique(i)) / sum(1 / np.bincount(i)[np.unique(i)])


def alternative(s):
    """The test as the paper describes it: winning rate, rho, p by person."""
    rows, judge = s["rows"], s["judge"]
    keep = [u for u in range(len(rows)) if np.sum(~np.isnan(rows[u])) >= 2 and not np.isnan(judge[u])]
    if s["accuracy"]:
        near = lambda v, others: np.mean(others == v)
    else:
        near = lambda v, others: -np.sqrt(np.mean((others - v) ** 2))
    p, rho = {}, []
    for h in range(rows.shape[1]):
        mine = [u for u in keep if not np.isnan(rows[u, h])]
        if len(mine) < s["min_units"]:
            continue
        d, won = [], []
        for u in mine:
            others = np.delete(rows[u], h)
            others = others[~np.isnan(others)]
            person, model = near(rows[u, h], others), near(judge[u], others)
            d.append(int(person >= model) - int(model >= person))
            won.append(int(model >= person))
        p[h] = stats.ttest_1samp(d, s["epsilon"], alternative="less").pvalue
        rho.append(np.mean(won))
    if not p:
        return None
    order = sorted(p, key=lambda h: (math.isnan(p[h]), p[h]))
    m = len(order)
    harmonic = sum(1 / k for k in range(1, m + 1))
    beaten = max((k for k in range(1, m + 1) if p[order[k - 1]] <= k / m * .05 / harmonic), default=0)
    return beaten / m, float(np.mean(rho)), p


def published(notebook):
    """The authors' own function, out of their notebook."""
    import typing
    cells = json.loads(pathlib.Path(notebook).read_text())["cells"]
    source = next(t for t in ("".join(c["source"]) for c in cells) if "def alt_test(" in t)
    names = {"np": np, "ttest_1samp": stats.ttest_1samp, **vars(typing)}
    exec(source, names)  # the file was named by whoever runs this

    def run(s):
        rows, judge = s["rows"], s["judge"]
        people = {h: {u: rows[u, h] for u in range(len(rows)) if not np.isnan(rows[u, h])}
                  for h in range(rows.shape[1])}
        model = {u: judge[u] for u in range(len(judge)) if not np.isnan(judge[u])}
        with contextlib.redirect_stdout(io.StringIO()):
            return names["alt_test"](
                model, people, "accuracy" if s["accuracy"] else "neg_rmse", s["epsilon"],
                min_instances_per_human=s["min_units"])
    return run


def oracles(s, authors):
    rows, judge = s["rows"], s["judge"]
    out = {}
    for level in ("nominal", "ordinal", "interval", "ratio"):
        out[f"alpha-{level}"] = number(lambda: krippendorff.alpha(
            rows.T, level_of_measurement=level, value_domain=SCALE))
    table = pd.DataFrame(rows)
    cac = lambda w: CAC(table.copy(), weights=w, categories=SCALE, digits=16)
    value = lambda r: r["est"]["coefficient_value"]
    out["ac1"] = number(lambda: value(cac("identity").gwet()))
    out["ac2-ordinal"] = number(lambda: value(cac("ordinal").gwet()))
    out["ac2-quadratic"] = number(lambda: value(cac("quadratic").gwet()))
    out["kappa-fleiss"] = number(lambda: value(cac("identity").fleiss()))
    long = table.rename_axis("u").reset_index().melt("u", var_name="r", value_name="s")
    complete = rows[~np.isnan(rows).any(axis=1)]
    names = ["icc1", "icc2", "icc3", "icc1k", "icc2k", "icc3k"]
    try:
        with np.errstate(all="ignore"):
            found = pingouin.intraclass_corr(long, "u", "r", "s", nan_policy="omit")["ICC"]
        out.update({n: float(v) if math.isfinite(v) else None for n, v in zip(names, found)})
    except Exception:
        out.update(dict.fromkeys(names))
    if len(complete) == len(rows):
        out["crossed-icc2"], out["crossed-icc2k"] = out["icc2"], out["icc2k"]
    by_hand = crossed(rows) if np.sum(~np.isnan(rows)) > 1 else None
    for at, name in enumerate(("crossed-units", "crossed-raters", "crossed-rest")):
        out[name] = by_hand and by_hand[at]
    for name, weights in (("kappa-pairs", None), ("kappa-pairs-linear", "linear"),
                          ("kappa-pairs-quadratic", "quadratic")):
        kappas = []
        for i, j in itertools.combinations(range(rows.shape[1]), 2):
            both = ~np.isnan(rows[:, i]) & ~np.isnan(rows[:, j])
            if both.sum() >= 2:
                a, b = rows[both, i].astype(int), rows[both, j].astype(int)
                kappas.append(number(lambda: cohen_kappa_score(
                    a, b, weights=weights, labels=[1, 2, 3, 4, 5])))
        kappas = [k for k in kappas if k is not None]
        out[name] = float(np.mean(kappas)) if kappas else None
    both = ~np.isnan(rows[:, 0]) & ~np.isnan(judge)
    a, b = rows[both, 0], judge[both]
    out["spearman"] = number(lambda: stats.spearmanr(a, b)[0])
    out["kendall"] = number(lambda: stats.kendalltau(a, b)[0])
    test = alternative(s)
    out["alt-winning-rate"], out["alt-advantage"] = test[:2] if test else (None, None)
    # a p of NaN (no variance, and the mean is epsilon itself) beats nobody
    out.update({f"alt-p-{h}": 1.0 if math.isnan(p) else p for h, p in (test[2] if test else {}).items()})
    if authors:
        try:
            out["authors-winning-rate"], out["authors-advantage"] = authors(s)
        except ZeroDivisionError:
            out["authors-winning-rate"] = out["authors-advantage"] = None
    given = ~np.isnan(rows).all(axis=1)
    if given.any():
        weight = (~np.isnan(rows)).sum(axis=1)[given]
        out["isotonic"] = IsotonicRegression().fit_transform(
            s["x"][given], np.nanmean(rows[given], axis=1), sample_weight=weight)
    return out


def differences(mine, theirs):
    """Name, our value or None, their value or None."""
    for name, value in theirs.items():
        key = name.replace("authors-", "alt-")
        own = mine.get(key)
        if name == "isotonic":
            yield name, own and 0.0, float(np.max(np.abs(np.array(own) - value)))
            continue
        yield ("alt-p" if name.startswith("alt-p-") else name,
               own if isinstance(own, (int, float)) else None, value)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--studies", type=int, default=1000)
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--published")
    args.add_argument("--time", action="store_true")
    args = args.parse_args()
    rng = np.random.default_rng(args.seed)
    studies = [draw(rng, n) for n in range(args.studies)]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.write("\n".join(map(as_json, studies)) + "\n")
        file.flush()
        own = [os.environ["BIN"]] if "BIN" in os.environ else [
            "cargo", "bench", "-q", "--bench", "study_oracles", "--"]
        done = subprocess.run([*own, file.name], cwd=ROOT, check=True, capture_output=True, text=True)
    ours = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(ours) == len(studies)
    authors = published(args.published) if args.published else None
    worst, compared = collections.Counter(), collections.Counter()
    apart = collections.defaultdict(collections.Counter)
    for s, mine in zip(studies, ours):
        for name, a, b in differences(mine, oracles(s, authors)):
            if a is None and b is None:
                apart[name]["neither has a value"] += 1
            elif a is None:
                key = name.replace("authors-", "alt-")
                apart[name][f"only theirs ({'1' if abs(b - 1) < 1e-9 else 'a number'}); ours: {mine.get(key)}"] += 1
            elif b is None:
                apart[name][f"only ours ({s['kind']})"] += 1
            else:
                compared[name] += 1
                # beyond 1 relative: an ICC may be any size where its divisor is nearly zero
                worst[name] = max(worst[name], abs(a - b) / max(1.0, abs(b)))
    packages = ["krippendorff", "irrCAC", "pingouin", "scikit-learn", "scipy", "numpy"]
    print(", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages))
    print(f"{args.studies} studies, seed {args.seed}\n")
    print("| statistic | studies compared | largest difference | no value on a side |\n|---|---|---|---|")
    for name in sorted(set(compared) | set(apart)):
        notes = "; ".join(f"{n} x {why}" for why, n in apart[name].most_common())
        print(f"| {name} | {compared[name]} | {worst[name]:.1e} | {notes} |")
    largest = max(worst.values())
    print(f"\nlargest difference of all: {largest:.1e}")
    if args.time:
        subprocess.run([sys.executable, ROOT / "benches/agreement/run.py"], check=True)
    if not largest <= LIMIT:
        sys.exit(f"a difference exceeds {LIMIT}")


if __name__ == "__main__":
    main()
