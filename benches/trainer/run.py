"""Step times and memory of LoRA training: polyculture beside PyTorch + PEFT, in one run.

    pip install torch transformers peft accelerate safetensors
    python benches/trainer/run.py                 # all
    python benches/trainer/run.py tiny ragged     # some: tiny, half (0.5B, needs 6 GB), ragged

tiny, half: same random weights, same batch, every position supervised, r 16 on all seven
projections, f32, AdamW with clipping at 1. Their side is a plain training loop on PEFT's model.
ragged: the sample survey's prompts (ten cultures, three forms, 40 to 120 tokens), one supervised
position each, batches of 8. Their side is transformers' Trainer at its defaults on the same
examples: padding to the longest of a batch, full logits, its own order.
Sides take turns, each in a process of its own; printed are medians, and peak memory of a process.
THREADS, ROUNDS, STEPS and TRAINER_BENCH (the bench's binary) may be set in the environment.
"""
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
THREADS = int(os.environ.get("THREADS", os.cpu_count()))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SEVEN = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SHAPES = {
    "tiny": dict(family="llama", vocab_size=32000, hidden_size=256, intermediate_size=688,
                 num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=8,
                 tie_word_embeddings=False),
    "half": dict(family="qwen2", vocab_size=151936, hidden_size=896, intermediate_size=4864,
                 num_hidden_layers=24, num_attention_heads=14, num_key_value_heads=2,
                 tie_word_embeddings=True),
    "ragged": dict(family="llama", vocab_size=49152, hidden_size=576, intermediate_size=1536,
                   num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
                   tie_word_embeddings=True),
}
BATCHES = {"tiny": (8, 128, 15), "half": (1, 128, 5)}
RAGGED = 8


def peak_mib():
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024


def lora(model):
    from peft import LoraConfig, get_peft_model
    return get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=SEVEN,
                                            task_type="CAUSAL_LM"))


def load(folder):
    import torch
    from transformers import AutoModelForCausalLM
    torch.set_num_threads(THREADS)
    return lora(AutoModelForCausalLM.from_pretrained(folder / "base", dtype=torch.float32))


def their_steps(folder, warm_up):
    import torch
    model = load(folder).train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-4, weight_decay=0.0)
    seconds, losses = [], []
    for i, line in enumerate((folder / "batches.jsonl").read_text().splitlines()):
        ids = torch.tensor([item["prompt"] + item["answers"][0][0] for item in json.loads(line)])
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        if i >= warm_up:
            seconds.append(time.perf_counter() - start)
        losses.append(loss.item() * (ids.shape[1] - 1))
    return dict(seconds=seconds, losses=losses, peak_mib=peak_mib())


def their_trainer(folder, warm_up):
    import torch
    from transformers import Trainer, TrainerCallback, TrainingArguments

    def pad(features):
        """What DataCollatorForSeq2Seq does, which wants a tokenizer for it."""
        width = max(len(f["input_ids"]) for f in features)
        fill = lambda key, x: torch.tensor([f[key] + [x] * (width - len(f[key]))
                                            for f in features])
        return dict(input_ids=fill("input_ids", 0), attention_mask=fill("attention_mask", 0),
                    labels=fill("labels", -100))

    class Clock(TrainerCallback):
        times = []

        def on_step_end(self, *_, **__):
            self.times.append(time.perf_counter())

    examples = []
    for line in (folder / "batches.jsonl").read_text().splitlines():
        for item in json.loads(line):
            ids = item["prompt"] + item["answers"][0][0]
            examples.append(dict(input_ids=ids, attention_mask=[1] * len(ids),
                                 labels=[-100] * len(item["prompt"]) + item["answers"][0][0]))
    model = load(folder)
    with tempfile.TemporaryDirectory() as out:
        args = TrainingArguments(out, num_train_epochs=1, use_cpu=True, report_to=[],
                                 save_strategy="no", disable_tqdm=True,
                                 per_device_train_batch_size=RAGGED)
        trainer = Trainer(model, args, train_dataset=examples, data_collator=pad,
                          callbacks=[Clock()])
        trainer.train()
    times = Clock.times[warm_up - 1:]
    seconds = [b - a for a, b in zip(times, times[1:])]
    return dict(seconds=seconds, losses=[], peak_mib=peak_mib(), examples=len(seconds) * RAGGED)


def make_base(name, folder):
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config
    shape = dict(SHAPES[name])
    config = dict(llama=LlamaConfig, qwen2=Qwen2Config)[shape.pop("family")](
        **shape, max_position_embeddings=2048)
    torch.manual_seed(1)
    AutoModelForCausalLM.from_config(config).float().save_pretrained(folder / "base")


def child(side, name, folder):
    warm_up = 2
    if side == "make":
        make_base(name, folder)
        found = {}
    elif name == "ragged":
        found = their_trainer(folder, warm_up)
    else:
        found = their_steps(folder, warm_up)
    print("RESULT " + json.dumps(found))


def run(cmd):
    env = dict(os.environ, OMP_NUM_THREADS=str(THREADS))
    done = subprocess.run(cmd, cwd=ROOT, check=True, capture_output=True, text=True, env=env)
    line = [l for l in done.stdout.splitlines() if l.startswith(("RESULT ", "{\"seconds"))]
    return json.loads(line[-1].removeprefix("RESULT "))


def bench(*args):
    built = os.environ.get("TRAINER_BENCH")
    start = [built] if built else ["cargo", "bench", "-q", "--bench", "trainer", "--"]
    return [*start, *map(str, args)]


def make_batches(name, folder, steps):
    out = folder / "batches.jsonl"
    if name == "ragged":
        subprocess.run(bench("data", out, RAGGED, steps, 3000), cwd=ROOT, check=True)
        return
    rows, length, _ = BATCHES[name]
    vocab = SHAPES[name]["vocab_size"]
    lines = []
    for step in range(steps):
        ids = [[(i * 7919 + r * 104729 + step * 31) % vocab for i in range(length)]
               for r in range(rows)]
        lines.append(json.dumps([dict(prompt=x[:1], answers=[[x[1:], 1.0]]) for x in ids]))
    out.write_text("\n".join(lines) + "\n")


def measure(name):
    steps = int(os.environ.get("STEPS", 14 if name == "ragged" else BATCHES[name][2]))
    sides = {"polyculture": [], "theirs": []}
    with tempfile.TemporaryDirectory() as d:
        folder = pathlib.Path(d)
        run([sys.executable, __file__, "--child", "make", name, d])
        make_batches(name, folder, steps)
        (folder / "ours.json").write_text(json.dumps(dict(
            base=f"{d}/base", batches=f"{d}/batches.jsonl", threads=THREADS, piece=8192,
            recompute=False, warm_up=2, lora=dict(r=16, alpha=32.0, targets=SEVEN))))
        # In turns, so that a busy minute of the machine falls on both.
        for _ in range(ROUNDS):
            sides["polyculture"].append(run(bench("step", folder / "ours.json")))
            sides["theirs"].append(run([sys.executable, "-W", "ignore", __file__, "--child",
                                        "theirs", name, d]))
        lengths = [len(i["prompt"]) for l in (folder / "batches.jsonl").read_text().splitlines()
                   for i in json.loads(l)]
    return sides, lengths


def main():
    import peft
    import torch
    import transformers
    cpu = next((l.split(":")[1].strip() for l in pathlib.Path("/proc/cpuinfo").read_text()
                .splitlines() if l.startswith("model name")), platform.processor())
    print(f"{cpu}, {THREADS} threads; torch {torch.__version__}, transformers "
          f"{transformers.__version__}, peft {peft.__version__}; {ROUNDS} rounds in turns; "
          f"load {os.getloadavg()[0]:.1f}\n")
    print("| shape | side | step, median | examples/s | peak memory | ratio |\n|---|---|---|---|---|---|")
    for name in [a for a in sys.argv[1:]] or list(SHAPES):
        sides, lengths = measure(name)
        batch = RAGGED if name == "ragged" else BATCHES[name][0]
        ms = {k: statistics.median(s for r in v for s in r["seconds"]) for k, v in sides.items()}
        # Ragged steps differ: the rate is that of all steps together.
        rate = {k: statistics.median(batch * len(r["seconds"]) / sum(r["seconds"]) for r in v)
                for k, v in sides.items()}
        for side, label in (("polyculture", "polyculture"),
                            ("theirs", "Trainer + PEFT" if name == "ragged" else "torch + PEFT")):
            peak = max(r["peak_mib"] for r in sides[side])
            ratio = rate[side] / rate["theirs"]
            print(f"| {name} | {label} | {ms[side] * 1e3:.0f} ms | {rate[side]:.2f} | {peak} MiB "
                  f"| {ratio:.2f}x |", flush=True)
        if name == "ragged":
            rows = sum(r["rows"] for r in sides["polyculture"]) / len(sides["polyculture"])
            print(f"\nprompts of {min(lengths)} to {max(lengths)} tokens, mean "
                  f"{statistics.mean(lengths):.0f}; our side worked on {rows:.0f} rows\n")
        else:
            a, b = (sides[k][0]["losses"] for k in ("polyculture", "theirs"))
            print(f"\nlosses differ by at most {max(abs(x - y) / y for x, y in zip(a[:1], b[:1])):.1e} "
                  "(first step; the adapters' A matrices are drawn by each side)\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], pathlib.Path(sys.argv[4]))
    else:
        main()
