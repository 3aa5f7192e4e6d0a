"""Weights after 100 steps of torch.optim.AdamW on given gradients: the figures of adamw.json.

    pip install torch numpy
    python tests/golden/adamw.py              # writes tests/golden/adamw.json

Weights and gradients come from a hash that both sides work out (see decoder.py).
"""
import json
import pathlib

import torch

from decoder import weights

CASES = [
    dict(name="torch's constants", lr=1e-3, betas=(0.9, 0.999), weight_decay=0.0, clip=None),
    dict(name="decay", lr=1e-2, betas=(0.9, 0.999), weight_decay=0.1, clip=None),
    dict(name="short memory, clipped", lr=3e-3, betas=(0.9, 0.98), weight_decay=0.01, clip=0.5),
]


def main():
    found = []
    for case in CASES:
        matrix = torch.nn.Parameter(torch.from_numpy(weights("w", 24, 1.0)).view(4, 6))
        bias = torch.nn.Parameter(torch.from_numpy(weights("b", 6, 1.0)))
        groups = [dict(params=[matrix]), dict(params=[bias], weight_decay=0.0)]
        optimizer = torch.optim.AdamW(groups, lr=case["lr"], betas=case["betas"],
                                      weight_decay=case["weight_decay"], foreach=False)
        norms = []
        for step in range(100):
            # Gradients of very different sizes, some of them zero for a while.
            for p, name in ((matrix, "w"), (bias, "b")):
                g = torch.from_numpy(weights(f"{name}.{step}", p.numel(), 2.0 ** -(step % 13)))
                g[step % 5 == torch.arange(p.numel()) % 5] = 0.0
                p.grad = g.view(p.shape)
            if case["clip"]:
                norms.append(torch.nn.utils.clip_grad_norm_([matrix, bias], case["clip"]).item())
            optimizer.step()
        found.append(dict(case, clip=case["clip"], last_norm=norms[-1] if norms else None,
                          matrix=matrix.flatten().tolist(), bias=bias.tolist()))
    out = pathlib.Path(__file__).with_name("adamw.json")
    out.write_text(json.dumps(dict(torch=torch.__version__.split("+")[0], cases=found)) + "\n")


if __name__ == "__main__":
    main()
