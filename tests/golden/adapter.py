"""Adapters as PEFT writes them and what they make of a model: the figures of adapter.json.

    pip install torch transformers peft
    python tests/golden/adapter.py            # writes tests/golden/adapter.json

Weights of base and adapter are worked out on both sides from a hash (see decoder.py); kept are the
adapter's config as PEFT wrote it, the names and shapes of its tensors, and log-probabilities.
"""
import json
import pathlib
import tempfile

import peft
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from decoder import CASES, SIZES, fill, weights

ADAPTERS = {
    "all seven": ("qwen2.5", LoraConfig(
        r=4, lora_alpha=8, lora_dropout=0.1, task_type="CAUSAL_LM",
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj",
                        "down_proj"])),
    "all linear": ("llama 3.1", LoraConfig(r=2, lora_alpha=3, target_modules="all-linear",
                                           task_type="CAUSAL_LM")),
    "PEFT's default": ("llama 2", LoraConfig(r=6, lora_alpha=16, task_type="CAUSAL_LM")),
    "rsLoRA, few": ("qwen3", LoraConfig(r=3, lora_alpha=6, use_rslora=True, task_type="CAUSAL_LM",
                                        target_modules=["down_proj", "k_proj", "gate_proj"])),
}


def main():
    tokens = [(i * i * 7 + 3 * i + 1) % SIZES["vocab_size"] for i in range(20)]
    rows = [0, 9, 19]
    cases = []
    for name, (base, config) in ADAPTERS.items():
        model = AutoModelForCausalLM.from_config(CASES[base], attn_implementation="eager").float()
        fill(model)
        model = get_peft_model(model.eval(), config).eval()
        with torch.no_grad():
            for tensor, p in model.named_parameters():
                if "lora_" in tensor:
                    key = tensor.replace(".default", "")
                    p.copy_(torch.from_numpy(weights(key, p.numel(), 0.25)).view(p.shape))
            logits = model(torch.tensor([tokens])).logits[0].log_softmax(-1)[rows]
        with tempfile.TemporaryDirectory() as d:
            model.save_pretrained(d)
            written = json.loads(pathlib.Path(d, "adapter_config.json").read_text())
            tensors = {k: list(v.shape) for k, v in
                       sorted(load_file(pathlib.Path(d, "adapter_model.safetensors")).items())}
        written["target_modules"].sort()
        logits = [[float(f"{x:.6g}") for x in row] for row in logits.tolist()]
        cases.append(dict(name=name, base=base, config=written, tensors=tensors, log_probs=logits))
    out = pathlib.Path(__file__).with_name("adapter.json")
    out.write_text(json.dumps(dict(peft=peft.__version__, tokens=tokens, rows=rows, cases=cases))
                   + "\n")


if __name__ == "__main__":
    main()
