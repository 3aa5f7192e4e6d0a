"""The model that is trained: read, adapted, spread over processes, saved and read again."""
import contextlib
import inspect
import json
import pathlib

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from transformers.utils import logging

from polyculture_files import copy_tokenizer

# A log is no terminal.
logging.disable_progress_bar()


class Told(Exception):
    """Trouble in words for the person who started the run."""


def compute_type(job, device):
    asked = job["dtype"]
    if asked == "auto":
        asked = "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "f32"
    return {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[asked]


def full(x):
    """A tensor that is spread over processes, whole; every process has to call it."""
    return x.full_tensor() if hasattr(x, "full_tensor") else x


class Trained:
    """A model, or an adapter on one, and what is trained of it by name."""

    def __init__(self, job, device, world):
        self.job, self.device, self.world = job, device, world
        self.kind = compute_type(job, device)
        resume = job["resume"] and pathlib.Path(job["resume"])
        whole = resume if resume and not job["lora"] else job["base"]
        self.model = self.read(whole)
        self.parameters = sum(p.numel() for p in self.model.parameters())
        if job["quant"]:
            # Two weights of 4 bits lie in one byte.
            self.parameters = job["parameters"] or self.parameters
        if job["lora"]:
            self.adapt(resume or (job["initial"] and pathlib.Path(job["initial"])))
        self.model.config.use_cache = False
        if job["recompute"]:
            self.model.gradient_checkpointing_enable(
                gradient_checkpointing_kwargs={"use_reentrant": False})
        inner = self.model.get_base_model() if job["lora"] else self.model
        self.keeps_logits = "logits_to_keep" in inspect.signature(inner.forward).parameters
        self.vocab_size = inner.config.vocab_size
        self.forward = self.model
        if world > 1:
            self.spread(inner)
        self.named = {self.clean(n): p for n, p in self.model.named_parameters() if p.requires_grad}
        self.trained = sum(p.numel() for p in self.named.values())

    def read(self, folder):
        job = self.job
        # All weights are trained in f32; frozen ones may lie in the type of the computation.
        weights = self.kind if job["lora"] else torch.float32
        settings = dict(dtype=weights, attn_implementation="sdpa", local_files_only=True,
                        use_safetensors=True)
        if job["quant"] == "nf4":
            from transformers import BitsAndBytesConfig
            settings["quantization_config"] = BitsAndBytesConfig(
                load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=self.kind)
            settings["device_map"] = {"": self.device}
        model = AutoModelForCausalLM.from_pretrained(folder, **settings)
        if not job["quant"]:
            model.to(self.device)
        # The recipe names every dropout there is; a base's own would come on top of it.
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
            if isinstance(getattr(module, "attention_dropout", None), float):
                module.attention_dropout = 0.0
        return model

    def adapt(self, begin):
        """Puts an adapter beside the frozen model, with the weights of the folder `begin`."""
        from peft import LoraConfig, get_peft_model
        lora = self.job["lora"]
        config = LoraConfig(r=lora["r"], lora_alpha=lora["alpha"], lora_dropout=lora["dropout"],
                            target_modules=lora["targets"], use_rslora=lora["rslora"],
                            task_type="CAUSAL_LM")
        for p in self.model.parameters():
            p.requires_grad_(False)
        self.model = get_peft_model(self.model, config)
        ours = {self.clean(n): p for n, p in self.model.named_parameters() if p.requires_grad}
        for p in ours.values():
            p.data = p.data.float()
        if begin is None:
            return
        found = load_file(begin / "adapter_model.safetensors")
        if set(found) != set(ours):
            odd = sorted(set(found) ^ set(ours))[0]
            raise Told(f"{begin}: the adapter does not fit the model: `{odd}` is on one side only")
        with torch.no_grad():
            for name, p in ours.items():
                p.copy_(found[name].to(p.device))

    def clean(self, name):
        """A parameter's name as the files have it."""
        return name.replace(".default.", ".")

    def spread(self, inner):
        if self.job["parallel"] == "fsdp":
            from torch.distributed.fsdp import fully_shard
            layers = next(m for m in inner.modules() if isinstance(m, torch.nn.ModuleList))
            for layer in layers:
                fully_shard(layer)
            fully_shard(self.model)
            return
        from torch.nn.parallel import DistributedDataParallel
        on = [self.device.index] if self.device.type == "cuda" else None
        self.forward = DistributedDataParallel(self.model, device_ids=on)

    def accumulating(self, last):
        """Gradients of all pieces but the last stay here; with it they are added up everywhere."""
        if last or self.forward is self.model:
            return contextlib.nullcontext()
        return self.forward.no_sync()

    def dropping(self, on):
        """Dropout on or off. The rest stays in training: quantised layers of some versions of
        bitsandbytes repack their weights for good when they are asked to evaluate."""
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.train(on)

    def autocast(self):
        return torch.autocast(self.device.type, dtype=self.kind, enabled=self.kind != torch.float32)

    def save(self, folder, first):
        """Weights or adapter. Every process calls it; the first one writes."""
        if self.job["lora"]:
            tensors = {n: full(p.detach()).float().cpu().contiguous() for n, p in self.named.items()}
            if first:
                save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
                config = self.model.peft_config["default"]
                config.base_model_name_or_path = self.job["peft_base"]
                kept, config.inference_mode = config.inference_mode, True
                config.save_pretrained(folder)
                config.inference_mode = kept
            return
        state = {n: full(t.detach()).cpu() for n, t in self.model.state_dict().items()}
        if first:
            self.model.save_pretrained(folder, state_dict=state)
            copy_tokenizer(self.job["base"], folder)

    def save_optimizer(self, optimizer, folder, first):
        """Both means by name: no pickle, and any number of processes can go on from them."""
        tensors = {}
        for name, p in self.named.items():
            state = optimizer.state.get(p)
            if state:
                tensors["mean." + name] = full(state["exp_avg"]).cpu().contiguous()
                tensors["square." + name] = full(state["exp_avg_sq"]).cpu().contiguous()
        if first:
            save_file(tensors, folder / "optimizer.safetensors")

    def load_optimizer(self, optimizer, folder, step):
        found = load_file(pathlib.Path(folder) / "optimizer.safetensors")
        for name, p in self.named.items():
            if "mean." + name not in found:
                raise Told(f"{folder}: the optimiser's state has no `{name}`")
            optimizer.state[p] = {
                "step": torch.tensor(float(step)),
                "exp_avg": self.like(p, found["mean." + name]),
                "exp_avg_sq": self.like(p, found["square." + name]),
            }

    def like(self, p, tensor):
        if hasattr(p, "placements"):
            from torch.distributed.tensor import distribute_tensor
            return distribute_tensor(tensor.to(p.device), p.device_mesh, p.placements)
        return tensor.to(p.device)


def total(value, device, world, how=None):
    """A number added up (or otherwise brought together) over all processes."""
    if world == 1:
        return value
    x = torch.tensor(value, dtype=torch.float64 if device.type == "cpu" else torch.float32,
                     device=device)
    dist.all_reduce(x, op=how or dist.ReduceOp.SUM)
    return x.item()


def read_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)
