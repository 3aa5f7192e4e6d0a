"""Logits of tiny models of each family as transformers computes them: the figures of decoder.json.

    pip install torch transformers
    python tests/golden/decoder.py            # writes tests/golden/decoder.json

No weights are kept: both sides work them out from a hash of the tensor's name and the index.
"""
import json
import pathlib

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config


def weights(name, count, scale):
    """Exact in f32: 24 bits of a hash (the 'lowbias32' mixer), from -scale to scale."""
    seed = np.uint32(2166136261)
    with np.errstate(over="ignore"):
        for byte in name.encode():
            seed = (seed ^ np.uint32(byte)) * np.uint32(16777619)
        x = np.arange(count, dtype=np.uint32) * np.uint32(2654435761) ^ seed
        x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
        x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
        x = x ^ x >> np.uint32(16)
    return ((x >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - 1) * np.float32(scale)


def fill(model):
    with torch.no_grad():
        for name, p in model.named_parameters():
            w = torch.from_numpy(weights(name, p.numel(), 0.25)).view(p.shape)
            p.copy_(1 + w if name.endswith("norm.weight") else w)


SIZES = dict(vocab_size=40, hidden_size=24, intermediate_size=36, num_hidden_layers=2,
             num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128)
LLAMA3 = dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0,
              high_freq_factor=4.0, original_max_position_embeddings=64)
CASES = {
    "llama 2": LlamaConfig(**SIZES | dict(num_key_value_heads=4), tie_word_embeddings=False,
                           rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2),
    "llama 3.1": LlamaConfig(**SIZES, rope_parameters=LLAMA3, tie_word_embeddings=False,
                             eos_token_id=[7, 9]),
    "llama 3.2": LlamaConfig(**SIZES, rope_parameters=LLAMA3, tie_word_embeddings=True, head_dim=8),
    "llama, linear, biases": LlamaConfig(
        **SIZES, rope_parameters=dict(rope_type="linear", rope_theta=100.0, factor=4.0),
        tie_word_embeddings=True, attention_bias=True),
    "qwen2.5": Qwen2Config(**SIZES, tie_word_embeddings=True, eos_token_id=7,
                           rope_parameters=dict(rope_type="default", rope_theta=1e6)),
    "qwen2, untied": Qwen2Config(**SIZES, tie_word_embeddings=False),
    "qwen3": Qwen3Config(**SIZES, head_dim=16, tie_word_embeddings=True, eos_token_id=[7, 8]),
    "qwen3, biases, untied": Qwen3Config(**SIZES, head_dim=4, tie_word_embeddings=False,
                                         attention_bias=True),
}


def main():
    tokens = [(i * i * 7 + 3 * i + 1) % SIZES["vocab_size"] for i in range(100)]
    rows = [0, 1, 17, 63, 99]
    cases = []
    for name, config in CASES.items():
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
        fill(model)
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0].log_softmax(-1)[rows]
        written = json.loads(model.config.to_json_string(use_diff=True))
        logits = [[float(f"{x:.6g}") for x in row] for row in logits.tolist()]
        cases.append(dict(name=name, config=written, log_probs=logits))
    out = pathlib.Path(__file__).with_name("decoder.json")
    found = dict(torch=torch.__version__.split("+")[0], transformers=transformers.__version__,
                 tokens=tokens, rows=rows, cases=cases)
    out.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
