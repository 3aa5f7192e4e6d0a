"""10,000 calls under a request limit: the provider beside the `openai` client under asyncio.

One run, one machine, the same endpoint (200 ms latency, a limit it enforces, a process of its own):
    python -m venv /tmp/v && /tmp/v/bin/pip install openai
    /tmp/v/bin/python benches/augment_calls/run.py      # CALLS=500 RUNS=1 for a smoke test

The client is used as its users use it: one AsyncOpenAI, as many calls under way as ours may have,
and a pacer, since it has none of its own. Ours also stores every reply before it is parsed; the
client keeps nothing. Share of the limit: calls / seconds / limit. Exits 1 when ours reaches less than
95 % of the limit, or takes more than a tenth of the client's CPU time per call.
"""
import asyncio
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
CALLS = int(os.environ.get("CALLS", "10000"))
RUNS = int(os.environ.get("RUNS", "3"))
PER_MINUTE = int(os.environ.get("PER_MINUTE", "12000"))
LATENCY_MS = int(os.environ.get("LATENCY_MS", "200"))
IN_FLIGHT = 256
SAY = "\n".join(f"{i}. Those who live here want the next people to have it easier." for i in range(1, 6))
SYSTEM = (
    "You rewrite survey statements. Keep the meaning, change the sentence structure, use everyday "
    "words, and do not answer the statement. Write one rewriting a line, numbered, and nothing else."
)


def user(i):
    return (
        f"Statement {i}: One of the aims of people in this town has been to make life easier for "
        "those who come after them.\nWrite 5 rewritings."
    )


def bench(name, *args, **kw):
    """A program of `benches/`, built once."""
    done = subprocess.run(
        ["cargo", "bench", "-q", "--no-run", "--message-format=json", "--bench", name],
        cwd=ROOT, check=True, capture_output=True, text=True)
    found = [json.loads(l) for l in done.stdout.splitlines() if l.startswith("{")]
    exe = [m["executable"] for m in found if m.get("executable") and m["target"]["name"] == name]
    return exe[-1]


async def client_calls(base_url):
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=base_url, api_key="none", max_retries=6)
    room = asyncio.Semaphore(IN_FLIGHT)
    rate = PER_MINUTE / 60
    start = time.perf_counter()

    async def one(i):
        # Evenly spaced, as ours are.
        await asyncio.sleep(max(0.0, start + i / (rate * 0.99) - time.perf_counter()))
        async with room:
            reply = await client.chat.completions.create(
                model="null", temperature=0.7, max_tokens=300, seed=1,
                messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": user(i)}])
        return len(reply.choices[0].message.content)

    # In portions, so that not ten thousand sleeping tasks are what is measured.
    done = []
    for first in range(0, CALLS, 1000):
        done += [asyncio.create_task(one(i)) for i in range(first, min(first + 1000, CALLS))]
        if first + 1000 < CALLS:
            await asyncio.sleep(max(0.0, start + (first + 800) / rate - time.perf_counter()))
    assert all(n > 0 for n in await asyncio.gather(*done))


def theirs(base_url):
    """In a process of its own, so that its start is not counted."""
    code = f"""
import asyncio, json, resource, sys, time
sys.path.insert(0, {str(ROOT / 'benches/augment_calls')!r})
import run
import openai
def cpu():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime
a, t = cpu(), time.perf_counter()
asyncio.run(run.client_calls({base_url!r}))
print(json.dumps({{"calls": run.CALLS, "seconds": time.perf_counter() - t, "cpu_seconds": cpu() - a,
    "version": openai.__version__}}))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def ours(exe, base_url, tmp):
    config = pathlib.Path(tmp, "config.toml")
    config.write_text(
        f'[providers.bench]\nkind = "openai"\nbase_url = "{base_url}"\nmodel = "null"\n'
        f"requests_per_minute = {PER_MINUTE}\nin_flight = {IN_FLIGHT}\n")
    pathlib.Path(tmp, "replies.jsonl").unlink(missing_ok=True)
    done = subprocess.run([exe, "--config", str(config), "--calls", str(CALLS), "--store", tmp],
                          check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    server_exe, client_exe = bench("null_endpoint"), bench("augment_calls")
    server = subprocess.Popen(
        [server_exe, "--latency-ms", str(LATENCY_MS), "--per-minute", str(PER_MINUTE), "--say", SAY],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    base_url = server.stdout.readline().strip()
    root = base_url.removesuffix("/v1")
    rows = {"polyculture": [], "openai": []}
    with tempfile.TemporaryDirectory() as tmp:
        for _ in range(RUNS):
            for name, run in (("polyculture", lambda: ours(client_exe, base_url, tmp)),
                              ("openai", lambda: theirs(base_url))):
                reset = urllib.request.Request(f"{root}/reset", method="POST")
                urllib.request.urlopen(reset).read()
                row = run()
                row["server"] = json.load(urllib.request.urlopen(f"{root}/stats"))
                row["share"] = row["calls"] / row["seconds"] / (PER_MINUTE / 60)
                row["cpu_us"] = row["cpu_seconds"] / row["calls"] * 1e6
                rows[name].append(row)
                print(f"{name:12} {row['share']:6.1%} of the limit, {row['cpu_us']:8.1f} us CPU a call, "
                      f"{row['server']['refused']} refused, at most "
                      f"{row['server']['most_in_a_second']} in a second", flush=True)
    server.stdin.close()
    server.wait()
    median = lambda name, field: statistics.median(r[field] for r in rows[name])
    share = median("polyculture", "share")
    ratio = median("polyculture", "cpu_us") / median("openai", "cpu_us")
    print(f"{CALLS} calls, limit {PER_MINUTE}/min, latency {LATENCY_MS} ms, openai "
          f"{rows['openai'][0]['version']}, medians of {RUNS}:")
    print(f"  share of the limit  polyculture {share:.1%}  openai {median('openai', 'share'):.1%}")
    print(f"  CPU a call          polyculture {median('polyculture', 'cpu_us'):.1f} us  "
          f"openai {median('openai', 'cpu_us'):.1f} us  ratio {ratio:.3f}")
    if CALLS < 5000:
        print("  too few calls for the gate: the last reply's latency counts too much")
    elif share < 0.95 or ratio > 0.1:
        sys.exit("below the gate: 95 % of the limit, a tenth of the CPU time")


if __name__ == "__main__":
    main()
