"""Classification: the table beside lm-evaluation-harness, the run beside inspect_ai.

One run, one machine:
    python -m venv /tmp/v && /tmp/v/bin/pip install lm_eval inspect_ai openai scikit-learn
    /tmp/v/bin/python benches/classification/run.py            # both parts
    /tmp/v/bin/python benches/classification/run.py table      # macro-F1 + interval + paired test
    /tmp/v/bin/python benches/classification/run.py null       # 66,895 items, a service that says 1

table: 58 sets with the gold counts of the paper's, two models. Ours does the draws of its default
plan (50,000) for every interval, 20,000 exchanges of every test, and the differences. Theirs is `bootstrap_stderr` of
lm_eval.api.metrics with a macro-F1 over scikit-learn (their own `f1` is binary), on the same
answers; it has no paired test. Their default is 100,000 draws for each of the 116: PEER_DRAWS of
them are timed (at least 1,000, one of their chunks) on PEER_SETS sets, and scaled up; the line says
so. Exits 1 when a macro-F1 differs by more than 1e-9, a standard error by more than a tenth, or ours
takes a second or more.

null: ours is the job itself (`polyculture __work` on a frozen run): texts are read, requests rendered,
every reply stored, parsed and written, and the table is made. Theirs is one eval() of a Task with
generate() and match(), logs in their binary format, no display, as many connections. Both talk to
the same service, a process of its own. INSPECT_ITEMS samples (10,000) are timed for theirs. Exits 1
when ours has less than 20 times their samples per second.
"""
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("RUNS", "5"))
PEER_DRAWS = int(os.environ.get("PEER_DRAWS", "1000"))
PEER_SETS = int(os.environ.get("PEER_SETS", "4"))
INSPECT_ITEMS = int(os.environ.get("INSPECT_ITEMS", "10000"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "64"))


def built(*args):
    """The executable of a cargo target."""
    done = subprocess.run(
        ["cargo", *args, "--message-format=json"], cwd=ROOT, check=True, text=True,
        stdout=subprocess.PIPE)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    # A benchmark's build names the program itself too: the one asked for stands last in `args`.
    wanted = args[-1] if "--bench" in args else "polyculture"
    return [m["executable"] for m in found
            if m.get("executable") and m["target"]["name"] == wanted][-1]


def table():
    from lm_eval.api.metrics import bootstrap_stderr
    from sklearn.metrics import f1_score

    with tempfile.TemporaryDirectory() as out:
        exe = built("bench", "-q", "--no-run", "--bench", "classification")
        cmd = [exe, "--out", out, "--runs", str(RUNS)]
        ours = json.loads(subprocess.run(cmd, check=True, capture_output=True, text=True).stdout)
        answers = json.loads(pathlib.Path(out, "answers.json").read_text())
    figures = {f["task"]: f for f in ours["figures"]}
    bad = []

    def macro_f1_of(labels):
        def macro_f1(items):
            gold, said = zip(*items)
            return f1_score(gold, said, labels=labels, average="macro", zero_division=0)
        return macro_f1

    pairs = {}
    for a in answers:
        for model in "ab":
            items = [(g, -1 if s is None else s) for g, s in zip(a["gold"], a[model])]
            pairs[a["task"], model] = (list(range(a["labels"])), items)
    for (task, model), (labels, items) in pairs.items():
        theirs, mine = macro_f1_of(labels)(items), figures[task][model]["value"]
        if abs(theirs - mine) > 1e-9:
            bad.append(f"{task} {model}: macro-F1 {mine} and {theirs}")
    chosen = sorted(pairs, key=lambda k: len(pairs[k][1]))
    step = max(1, len(chosen) // PEER_SETS)
    seconds_per_item_draw = []
    for key in chosen[step // 2::step][:PEER_SETS]:
        labels, items = pairs[key]
        start = time.perf_counter()
        se = bootstrap_stderr(_Macro(labels), items, iters=PEER_DRAWS)
        took = time.perf_counter() - start
        seconds_per_item_draw.append(took / PEER_DRAWS / len(items))
        lo, hi = figures[key[0]][key[1]]["ci"]
        if abs((hi - lo) / 3.92 / se - 1) > 0.1:
            bad.append(f"{key}: standard error {(hi - lo) / 3.92:.5f} and {se:.5f}")
    all_items = sum(len(items) for _, items in pairs.values())
    theirs = statistics.median(seconds_per_item_draw) * all_items * 100_000
    mine = statistics.median(ours["seconds"])
    print(f"table: {ours['tasks']} tasks x 2 models, {ours['items']} items, {ours['draws']} draws, "
          f"{ours['swaps']} exchanges")
    print(f"  polyculture    {mine:8.3f} s (slowest {max(ours['seconds']):.3f}); with means by kind "
          f"and culture {statistics.median(ours['seconds_with_means']):.3f} s")
    print(f"  lm_eval        {theirs:8.0f} s for intervals alone, scaled up from {PEER_DRAWS} draws "
          f"on {len(seconds_per_item_draw)} sets")
    print(f"  ratio          {theirs / mine:8.0f}")
    if mine >= 1.0:
        bad.append(f"{mine:.3f} s: a second or more")
    return bad


class _Macro:
    """A macro-F1 that their process pool can pickle."""

    __name__ = "macro_f1"

    def __init__(self, labels):
        self.labels = labels

    def __call__(self, items):
        from sklearn.metrics import f1_score

        gold, said = zip(*items)
        return f1_score(gold, said, labels=self.labels, average="macro", zero_division=0)


def text(i):
    return f"This is the text with the number {i} of a set that nobody wrote, long as a short post."


def cpu_of(who):
    use = resource.getrusage(who)
    return use.ru_utime + use.ru_stime


def ours_through(url, dir):
    exe = built("build", "-q", "--release", "--bin", "polyculture")
    ws = dir / "w"
    config = dir / "config.toml"
    config.write_text(
        f'[providers.null]\nkind = "openai"\nbase_url = "{url}"\nmodel = "null"\n'
        f"in_flight = {CONNECTIONS}\n")
    env = {**os.environ, "POLYCULTURE_STATE_DIR": str(dir / "s"), "POLYCULTURE_CONFIG": str(config)}

    def run(*args):
        cwd = ws if ws.is_dir() else dir
        done = subprocess.run([exe, *args], cwd=cwd, env=env, check=True, capture_output=True, text=True)
        return json.loads(done.stdout) if "--json" in args else done.stdout

    run("init", str(ws))
    tasks = [t for t in run("tasks", "list", "--json")["items"]
             if not t["sample"] and t["kind"] != "values" and t["culture"] != "greek"]
    n = 0
    for t in tasks:
        file = dir / "texts.jsonl"
        golds = [l["gold"] for l in t["labels"] for _ in range(l["expected"])]
        golds += [""] * t["expected"].get("empty_gold", 0)
        if 0 in [l["expected"] for l in t["labels"]]:
            golds = [t["labels"][i % 2]["gold"] for i in range(t["items"])]
        with open(file, "w") as f:
            for gold in golds:
                f.write(json.dumps({"data": text(n), "label": gold or t["labels"][0]["gold"]}) + "\n")
                n += 1
        run("tasks", "add", str(file), "--as", t["name"])
    started = run("evaluate", "--model", "null/null", "--tasks", ",".join(t["name"] for t in tasks),
                  "--json")
    try:
        run("runs", "cancel", started["id"])
    except subprocess.CalledProcessError:
        pass
    run("engine", "stop")
    frozen = ws / "runs" / started["id"]
    walls, cpus = [], []
    for k in range(RUNS):
        # A folder is of the run that its spec names: the copy gets an id of its own.
        spec = json.loads((frozen / "spec.json").read_text())
        spec["id"] = started["id"][:-2] + f"{k:02x}"
        copy = ws / "runs" / spec["id"]
        shutil.copytree(frozen / "input", copy / "input")
        (copy / "spec.json").write_text(json.dumps(spec))
        attempt = copy / "attempt-1"
        attempt.mkdir()
        before, start = cpu_of(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([exe, "__work", str(attempt)], env=env, check=True)
        walls.append(time.perf_counter() - start)
        cpus.append(cpu_of(resource.RUSAGE_CHILDREN) - before)
        with open(attempt / "results.jsonl") as f:
            assert sum(1 for _ in f) == n, "not every item has its line"
        shutil.rmtree(copy)
    return n, statistics.median(walls), statistics.median(cpus)


def theirs_through(url, dir):
    os.environ["NULL_API_KEY"] = "none"
    os.environ["NULL_BASE_URL"] = url
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate

    samples = [Sample(input=f"Is it offensive? 1 = yes, 0 = no. Text: {text(i)}", target=str(i % 2))
               for i in range(INSPECT_ITEMS)]
    task = Task(dataset=MemoryDataset(samples), solver=generate(), scorer=match())
    before, start = cpu_of(resource.RUSAGE_SELF), time.perf_counter()
    [log] = eval(task, model="openai-api/null/null", max_connections=CONNECTIONS,
                 max_samples=CONNECTIONS, log_dir=str(dir / "logs"), display="none",
                 log_level="error")
    wall = time.perf_counter() - start
    assert log.status == "success", log.error
    return wall, cpu_of(resource.RUSAGE_SELF) - before


def null():
    exe = built("bench", "-q", "--no-run", "--bench", "null_endpoint")
    service = subprocess.Popen([exe, "--port", "0", "--say", "1"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        url = service.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as dir:
            dir = pathlib.Path(dir)
            n, wall, cpu = ours_through(url, dir)
            peer_wall, peer_cpu = theirs_through(url, dir)
    finally:
        service.stdin.close()
        service.wait()
    mine, theirs = n / wall, INSPECT_ITEMS / peer_wall
    print(f"null: {n} items through a service that says 1, {CONNECTIONS} connections")
    print(f"  polyculture    {mine:10.0f} samples/s   {cpu / n * 1e6:8.0f} us CPU each   {wall:.2f} s")
    print(f"  inspect_ai     {theirs:10.0f} samples/s   {peer_cpu / INSPECT_ITEMS * 1e6:8.0f} us CPU each"
          f"   {peer_wall:.2f} s for {INSPECT_ITEMS}")
    print(f"  ratio          {mine / theirs:10.1f}           {peer_cpu / INSPECT_ITEMS / (cpu / n):8.1f}")
    return [] if mine >= 20 * theirs else [f"{mine / theirs:.1f} times their samples/s: less than 20"]


def main():
    parts = {"table": table, "null": null}
    bad = []
    for name in sys.argv[1:] or parts:
        bad += parts[name]()
    for line in bad:
        print(line, file=sys.stderr)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
