"""Greedy replies of tiny models of each family as transformers writes them: generate.json.

    pip install torch transformers
    python tests/golden/generate.py           # writes tests/golden/generate.json

Configs and weights are those of decoder.py; nothing but their formula is kept.
"""
import json
import pathlib

import torch
import transformers
from transformers import AutoModelForCausalLM

from decoder import CASES, SIZES, fill

END, TOKENS = 3, 30


def main():
    vocab = SIZES["vocab_size"]
    prompts = [[(i * i * 5 + k * i + k) % vocab for i in range(n)]
               for k, n in enumerate((3, 9, 20, 40, 61))]
    cases = []
    for name, config in CASES.items():
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
        fill(model)
        replies, gaps = [], []
        for prompt in prompts:
            with torch.no_grad():
                out = model.generate(
                    torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)),
                    do_sample=False, max_new_tokens=TOKENS, eos_token_id=END, pad_token_id=0,
                    output_scores=True, return_dict_in_generate=True)
            replies.append(out.sequences[0, len(prompt):].tolist())
            top = torch.stack(out.scores)[:, 0].topk(2).values
            gaps.append((top[:, 0] - top[:, 1]).min().item())
        print(name, "closest call:", min(gaps))
        written = json.loads(model.config.to_json_string(use_diff=True))
        cases.append(dict(name=name, config=written, replies=replies))
    out = dict(torch=torch.__version__.split("+")[0], transformers=transformers.__version__,
               prompts=prompts, cases=cases)
    path = pathlib.Path(__file__).with_name("generate.json")
    path.write_text(json.dumps(out) + "\n")


if __name__ == "__main__":
    main()
