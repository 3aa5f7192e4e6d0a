"""Gradients and AdamW steps of polyculture beside PyTorch + PEFT on the same weights and batches.

    pip install torch transformers peft safetensors
    python benches/trainer/agree.py

For each family a tiny random model is made by transformers and an adapter by PEFT; both sides take
the same batches (shares over answers of one to three tokens, prompts that share beginnings). On
PEFT's side every prompt with every answer is a padded row of its own. Printed are the largest
differences, each relative to the largest element of its tensor. Then our adapter is loaded by PEFT,
and our merged folder by transformers, and both must say what PEFT's own trained model says.
Exits 1 when a gradient differs by more than 5e-6.
"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
# TRAINER_BENCH names the bench's binary where it was built before.
BENCH = ([os.environ["TRAINER_BENCH"]] if "TRAINER_BENCH" in os.environ
         else ["cargo", "bench", "-q", "--bench", "trainer", "--"])
STEPS, CLIP, LR, DECAY = 20, 1.0, 2e-3, 0.01
SEVEN = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SIZES = dict(vocab_size=300, hidden_size=64, intermediate_size=160, num_hidden_layers=3,
             num_attention_heads=8, num_key_value_heads=2, max_position_embeddings=256,
             initializer_range=0.08)
LLAMA3 = dict(rope_type="llama3", rope_theta=5e5, factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=64)
FAMILIES = {
    "Llama 3.1": LlamaConfig(**SIZES, rope_parameters=LLAMA3, tie_word_embeddings=False),
    "Qwen2.5": Qwen2Config(**SIZES, tie_word_embeddings=True),
    "Qwen3": Qwen3Config(**SIZES, head_dim=16, tie_word_embeddings=True),
}


def make_batches(seed):
    rng = random.Random(seed)
    token = lambda: rng.randrange(5, 300)
    out = []
    for _ in range(STEPS):
        items = []
        for _ in range(3):
            stem = [token() for _ in range(rng.randrange(20, 60))]
            for _ in range(rng.randrange(1, 4)):
                answers = [[[10, 2], 0.5], [[11, 2], 0.3], [[10, 11, 2], 0.2]]
                prompt = stem + [token() for _ in range(rng.randrange(1, 9))]
                items.append(dict(prompt=prompt, answers=answers))
        out.append(items)
    return out


def batch_loss(model, items):
    """Mean over prompts of -sum over answers of share x log P(answer), each answer a padded row."""
    rows = [(i["prompt"], a, s) for i in items for a, s in i["answers"]]
    width = max(len(p) + len(a) for p, a, _ in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for r, (p, a, _) in enumerate(rows):
        ids[r, : len(p) + len(a)] = torch.tensor(p + a)
        mask[r, : len(p) + len(a)] = 1
    logp = model(input_ids=ids, attention_mask=mask).logits.log_softmax(-1)
    loss = 0.0
    for r, (p, a, share) in enumerate(rows):
        at = torch.arange(len(p) - 1, len(p) + len(a) - 1)
        loss = loss - share * logp[r, at, torch.tensor(a)].sum()
    return loss / len(items)


def train(model, batches):
    named = {k: p for k, p in model.named_parameters() if p.requires_grad}
    decayed = [p for p in named.values() if p.dim() > 1]
    rest = [p for p in named.values() if p.dim() == 1]
    optimizer = torch.optim.AdamW([dict(params=decayed, weight_decay=DECAY),
                                   dict(params=rest, weight_decay=0.0)], lr=LR)
    losses, first = [], None
    for items in batches:
        optimizer.zero_grad()
        loss = batch_loss(model, items)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(named.values(), CLIP)
        if first is None:
            first = {k: p.grad.clone() for k, p in named.items()}
        losses.append((loss.item(), norm.item()))
        optimizer.step()
    return first, losses


def gap(ours, theirs):
    """Largest difference relative to the largest element, and where."""
    assert set(ours) == set(theirs), set(ours) ^ set(theirs)
    worst = max(theirs, key=lambda k: ((ours[k] - theirs[k]).abs().max()
                                       / theirs[k].abs().max().clamp_min(1e-30)).item())
    return ((ours[worst] - theirs[worst]).abs().max() / theirs[worst].abs().max()).item(), worst


def names(tensors):
    return {k.replace(".default", ""): v for k, v in tensors.items()}


def ours(folder, out, **settings):
    settings = dict(lr=LR, weight_decay=DECAY, max_grad_norm=CLIP) | settings
    (folder / "settings.json").write_text(json.dumps(settings))
    out.mkdir()
    subprocess.run([*BENCH, "agree", folder, out], cwd=ROOT, check=True)
    return load_file(out / "gradients.safetensors"), json.loads((out / "losses.json").read_text())


def case(name, config, folder, lora):
    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for k, p in model.named_parameters():
            if p.dim() == 1:
                p.add_(0.1 * torch.randn_like(p))
    model.save_pretrained(folder / "base")
    batches = make_batches(7)
    (folder / "batches.jsonl").write_text("".join(json.dumps(b) + "\n" for b in batches))
    if lora:
        model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=SEVEN,
                                                 task_type="CAUSAL_LM")).eval()
        with torch.no_grad():
            for k, p in model.named_parameters():
                if "lora_B" in k:
                    p.normal_(0, 0.05)
        model.save_pretrained(folder / "adapter")
    theirs, their_losses = train(model, batches)
    rows = []
    variants = [("", dict(threads=1, piece=8192, recompute=False))]
    if name == "Llama 3.1":
        variants += [(", 2 threads", dict(threads=2, piece=8192, recompute=False)),
                     (", pieces, recomputed", dict(threads=1, piece=100, recompute=True))]
    for label, how in variants:
        out = folder / f"out{len(rows)}"
        grads, losses = ours(folder, out, adapter=lora, **how)
        worst, where = gap(grads, names(theirs))
        loss = max(abs(a[0] - b[0]) / b[0] for a, b in zip(losses, their_losses))
        if lora:
            after = load_file(out / "adapter" / "adapter_model.safetensors")
            trained = names({k: p.detach() for k, p in model.named_parameters()
                             if p.requires_grad})
        else:
            after = load_file(out / "model" / "model.safetensors")
            trained = {k: p.detach() for k, p in model.named_parameters()}
        weights, _ = gap(after, trained)
        what = ("LoRA r 8" if lora else "all weights") + label
        rows.append((name, what, worst, where.split("model.")[-1], weights, loss))
    if lora:
        check_loading(folder, folder / "out0", model)
    return rows


def check_loading(folder, out, trained):
    """Our adapter in PEFT and our merged folder in transformers say what PEFT's model says."""
    base = AutoModelForCausalLM.from_pretrained(folder / "base", attn_implementation="eager")
    adapted = PeftModel.from_pretrained(base, out / "adapter").eval()
    merged = AutoModelForCausalLM.from_pretrained(out / "merged", attn_implementation="eager").eval()
    ids = torch.arange(5, 65)[None]
    with torch.no_grad():
        want = trained(input_ids=ids).logits.log_softmax(-1)
        for what, model in (("adapter in PEFT", adapted), ("merged folder", merged)):
            found = (model(input_ids=ids).logits.log_softmax(-1) - want).abs().max().item()
            print(f"  {what}: log-probabilities differ by at most {found:.1e}", flush=True)
            assert found < 2e-3, what


def main():
    torch.set_num_threads(2)
    rows = []
    for name, config in FAMILIES.items():
        for lora in (True, False):
            print(f"{name}, {'LoRA' if lora else 'all weights'}", flush=True)
            with tempfile.TemporaryDirectory() as d:
                rows += case(name, config, pathlib.Path(d), lora)
    print(f"\ntorch {torch.__version__}, transformers {transformers.__version__}, "
          f"peft {peft.__version__}; f32, {STEPS} AdamW steps, largest differences relative to the "
          "largest element of the tensor (losses: relative)\n")
    print("| model | trained | gradients, step 1 | at | weights, step 20 | losses |\n|---|---|---|---|---|---|")
    for name, what, worst, where, weights, loss in rows:
        print(f"| {name} | {what} | {worst:.1e} | `{where}` | {weights:.1e} | {loss:.1e} |")
    if max(r[2] for r in rows) > 5e-6:
        sys.exit("gradients differ by more than 5e-6")


if __name__ == "__main__":
    main()
