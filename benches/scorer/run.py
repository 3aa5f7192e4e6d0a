"""Prompts scored, and tokens written, per second: the embedded decoder beside transformers.

One run, one machine, the same random model and the same survey prompts on both sides, in turns:
    python -m venv /tmp/v && /tmp/v/bin/pip install torch transformers
    /tmp/v/bin/python benches/scorer/run.py

The model has the width of Qwen2.5-0.5B and LAYERS of its layers (4), with a vocabulary of 32,000;
its tokenizer is trained on the prompts. Prompts are those of the sample survey: every form and
every order of the options. An example is one prompt with the log-probability of each complete
answer, end token included. transformers scores each prompt alone, in two ways: the usual one (the
prompt once for each answer, as a padded batch) and by hand (the prompt once, the answers as a batch
on its cache). The gate stands on the usual one. Both sides get all CPU threads and f32.
Exits 1 when scores differ by more than 1e-3, or the ratio is below the gate of 5.
"""
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, Qwen2Config

RUNS = int(os.environ.get("RUNS", "3"))
LAYERS = int(os.environ.get("LAYERS", "4"))
QUESTIONS = int(os.environ.get("QUESTIONS", "4"))
CULTURES = int(os.environ.get("CULTURES", "3"))
WRITERS = int(os.environ.get("WRITERS", "16"))
NEW_TOKENS = int(os.environ.get("NEW_TOKENS", "32"))
VOCABULARY = 32000
ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEMPLATE = """{%- for m in messages %}
    {{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"""


def cpu():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(l.split(":")[1].strip() for l in lines if l.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def bench(*args):
    command = ["cargo", "bench", "-q", "--bench", "scorer", "--", *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def make_folder(folder, prompts):
    """A tokenizer trained on the prompts, filled up to the vocabulary, and random weights."""
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=4000, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    t.train_from_iterator((p["system"] + "\n" + p["user"] for p in prompts), trainer)
    spec = json.loads(t.to_str())
    vocab = spec["model"]["vocab"]
    for i in range(len(vocab), VOCABULARY):
        vocab[f"<unused {i}>"] = i
    wrapped = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(json.dumps(spec)),
                                      eos_token="<|im_end|>", pad_token="<|endoftext|>")
    wrapped.chat_template = TEMPLATE
    wrapped.save_pretrained(folder)
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=896, intermediate_size=4864, num_hidden_layers=LAYERS,
        num_attention_heads=14, num_key_value_heads=2, max_position_embeddings=4096,
        tie_word_embeddings=True, eos_token_id=vocab["<|im_end|>"], bos_token_id=None,
        rope_parameters=dict(rope_type="default", rope_theta=1e6))
    model = AutoModelForCausalLM.from_config(config).float().eval()
    model.save_pretrained(folder)
    return wrapped, model


def messages(p):
    system = [dict(role="system", content=p["system"])] if p["system"] else []
    return system + [dict(role="user", content=p["user"])]


def tokens(tokenizer, p):
    prompt = tokenizer.apply_chat_template(messages(p), add_generation_prompt=True,
                                           return_dict=False)
    end = tokenizer.eos_token_id
    return prompt, [tokenizer.encode(a, add_special_tokens=False) + [end] for a in p["answers"]]


def score_usual(model, prompt, answers, pad):
    longest = len(prompt) + max(map(len, answers))
    rows = [prompt + a + [pad] * (longest - len(prompt) - len(a)) for a in answers]
    mask = [[1] * (len(prompt) + len(a)) + [0] * (longest - len(prompt) - len(a)) for a in answers]
    logits = model(torch.tensor(rows), attention_mask=torch.tensor(mask)).logits
    logits = logits[:, len(prompt) - 1:].log_softmax(-1)
    return [sum(logits[i, k, t].item() for k, t in enumerate(a)) for i, a in enumerate(answers)]


def score_by_hand(model, prompt, answers, pad):
    first = model(torch.tensor([prompt]), use_cache=True, logits_to_keep=1)
    cache = first.past_key_values
    cache.batch_repeat_interleave(len(answers))
    longest = max(map(len, answers)) - 1
    rows = torch.tensor([a[:-1] + [pad] * (longest - len(a) + 1) for a in answers])
    rest = model(rows, past_key_values=cache).logits.log_softmax(-1)
    first = first.logits[0, -1].log_softmax(-1)
    return [first[a[0]].item() + sum(rest[i, k, t].item() for k, t in enumerate(a[1:]))
            for i, a in enumerate(answers)]


def timed(f):
    start = time.perf_counter()
    out = f()
    return out, time.perf_counter() - start


def table(header, rows, count):
    print(f"\n| | {header} (median) | runs | slowest to fastest |\n|---|---|---|---|")
    for name, s in rows:
        print(f"| {name} | {count / statistics.median(s):.1f} | {len(s)} | "
              f"{count / max(s):.1f} to {count / min(s):.1f} |")


@torch.no_grad()
def main():
    threads = torch.get_num_threads()
    prompts = bench("prompts", QUESTIONS, CULTURES)
    ours, usual, by_hand = [], [], []
    write_ours, write_theirs = [], []
    with tempfile.TemporaryDirectory() as tmp:
        tokenizer, model = make_folder(tmp, bench("prompts", 50, 10))
        path = pathlib.Path(tmp, "prompts.json")
        path.write_text(json.dumps(prompts))
        few = pathlib.Path(tmp, "few.json")
        few.write_text(json.dumps(prompts[:WRITERS]))
        pad = tokenizer.pad_token_id
        ids = [tokens(tokenizer, p) for p in prompts]
        length = statistics.mean(len(p) for p, _ in ids)
        score_usual(model, *ids[0], pad)
        for _ in range(RUNS):
            done = bench("score", tmp, path, threads, 1)
            ours += done["seconds"]
            want, s = timed(lambda: [score_usual(model, p, a, pad) for p, a in ids])
            usual.append(s)
            other, s = timed(lambda: [score_by_hand(model, p, a, pad) for p, a in ids])
            by_hand.append(s)
        worst = max(abs(x - y) for a, b in zip(want, done["scores"]) for x, y in zip(a, b))
        check = max(abs(x - y) for a, b in zip(want, other) for x, y in zip(a, b))

        tokenizer.padding_side = "left"
        batch = tokenizer.pad(dict(input_ids=[p for p, _ in ids[:WRITERS]]), return_tensors="pt")
        for _ in range(RUNS):
            wrote = bench("generate", tmp, few, threads, 1, NEW_TOKENS, WRITERS)
            write_ours += wrote["seconds"]
            replies, s = timed(lambda: model.generate(
                **batch, do_sample=False, max_new_tokens=NEW_TOKENS, pad_token_id=pad))
            write_theirs.append(s)
        theirs = replies[:, batch["input_ids"].shape[1]:].tolist()
        same = sum(a == b[:len(a)] for a, b in zip(wrote["replies"], theirs))
        written = sum(map(len, wrote["replies"]))

    versions = {p: importlib.metadata.version(p) for p in ("transformers", "torch")}
    print(f"{cpu()}, {threads} threads; Python {platform.python_version()}, {versions}; "
          f"{LAYERS} layers of width 896, {sum(p.numel() for p in model.parameters()) / 1e6:.0f} M "
          f"parameters; {len(prompts)} prompts of {length:.0f} tokens, "
          f"{sum(len(a) for _, a in ids)} answers; load {os.getloadavg()[0]:.1f}")
    table("examples/s", [("polyculture", ours), ("transformers, usual", usual),
                         ("transformers, by hand", by_hand)], len(prompts))
    ratio = statistics.median(usual) / statistics.median(ours)
    hand = statistics.median(by_hand) / statistics.median(ours)
    print(f"\nratio to the usual way {ratio:.2f} (gate 5), to the way by hand {hand:.2f}; "
          f"largest difference of a score {worst:.1e} (between their ways {check:.1e})")
    table("tokens/s", [("polyculture", write_ours), ("transformers generate", write_theirs)],
          written)
    print(f"\n{WRITERS} replies of {NEW_TOKENS} tokens, greedy, prompts included; ratio "
          f"{statistics.median(write_theirs) / statistics.median(write_ours):.2f}; "
          f"{same} of {WRITERS} replies are the same token for token")
    if not worst < 1e-3:
        sys.exit("the scores differ by more than 1e-3")
    if ratio < 5:
        sys.exit("below the gate of 5")


if __name__ == "__main__":
    main()
