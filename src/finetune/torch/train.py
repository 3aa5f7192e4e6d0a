"""The training program of polyculture's backend `torch`, format 1.

    python train.py JOB.json         or under torchrun / accelerate, with the same words

A plain loop instead of transformers' Trainer: the loss is over complete answers and shares, a NaN has
to be told with its step, and going on has to continue the same curve. Everything random (dropout) is
a function of seed, step and process; the order of the data was drawn before and lies in a file.
"""
import json
import math
import os
import pathlib
import signal
import sys
import time
import traceback

FORMAT = 1
STOPPED = 143
stop_asked = False


def on_term(_number, _frame):
    global stop_asked
    stop_asked = True


# At once, and whatever the launcher left blocked: TERM means "write a checkpoint and stop".
signal.signal(signal.SIGTERM, on_term)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402

from polyculture_files import Report, remove, retain, seal, write_durably  # noqa: E402
from polyculture_model import Told, Trained, read_json, total  # noqa: E402
from polyculture_rows import Rows, piece_loss, pieces, shares_of, tokens_of  # noqa: E402


def factor(kind, step, warmup, steps):
    """Share of the top rate; the formulas of transformers' schedulers."""
    if step < warmup:
        return step / warmup
    done = min((step - warmup) / max(steps - warmup, 1), 1.0)
    return {"constant": 1.0, "linear": 1.0 - done,
            "cosine": 0.5 * (1.0 + math.cos(math.pi * done))}[kind]


class Mean:
    def __init__(self):
        self.sum, self.n = 0.0, 0

    def add(self, x):
        self.sum, self.n = self.sum + x, self.n + 1

    def take(self):
        mean = self.sum / self.n if self.n else None
        self.sum, self.n = 0.0, 0
        return mean


class Run:
    def __init__(self, job):
        self.job = job
        self.rank = int(os.environ.get("RANK", "0"))
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        local = int(os.environ.get("LOCAL_RANK", "0"))
        beside = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        if beside < job["processes"]:
            raise Told(f"the recipe asks for {job['processes']} processes on each machine, and the "
                       f"launcher started {beside} here. accelerate starts one on a CPU unless it is "
                       "told --multi_gpu; srun alone says nothing to PyTorch: it has to start "
                       "torchrun, one task a machine")
        if job["gpus"] > 0:
            if not torch.cuda.is_available() or torch.cuda.device_count() <= local:
                raise Told(f"the recipe asks for {job['gpus']} GPUs and torch {torch.__version__} "
                           f"sees {torch.cuda.device_count()}: `polyculture doctor --torch`")
            self.device = torch.device("cuda", local)
            torch.cuda.set_device(self.device)
        else:
            self.device = torch.device("cpu")
            torch.set_num_threads(max(job["threads"] // beside, 1))
        if self.world > 1:
            dist.init_process_group("nccl" if job["gpus"] > 0 else "gloo")
            if self.rank == 0:
                print(f"{self.world} processes on {self.world // beside} machines", flush=True)
        self.attempt = pathlib.Path(job["attempt"])
        self.checkpoints = self.attempt / "checkpoints"
        self.steps = job["steps"]
        self.state = dict(job["state"])
        self.report = Report(self.attempt, self.steps) if self.rank == 0 else None
        self.say(self.state["step"], "reading the model")
        torch.manual_seed(job["seed"] % 2**63)
        self.trained = Trained(job, self.device, self.world)
        named = self.trained.named.values()
        groups = [dict(params=[p for p in named if p.dim() > 1], weight_decay=job["weight_decay"]),
                  dict(params=[p for p in named if p.dim() <= 1], weight_decay=0.0)]
        self.optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=job["lr"],
                                           betas=(0.9, job["beta2"]), eps=1e-8)
        if job["resume"]:
            self.trained.load_optimizer(self.optimizer, job["resume"], self.state["optimizer_step"])
        self.rows = Rows(job["tokens"])
        with open(job["order"], encoding="utf-8") as f:
            self.order = [json.loads(line) for line in f]
        if len(self.order) < self.steps:
            raise Told(f"{job['order']}: {len(self.order)} steps, and the run has {self.steps}")
        self.unseen = self.rows.items(read_json(job["eval"])) if job["eval"] else []
        self.since = Mean()

    def say(self, done, note, force=True):
        if self.report:
            self.report.progress(done, note, force)

    def stop_wanted(self):
        asked = stop_asked or os.path.exists(self.job["stop"])
        return bool(total(float(asked), self.device, self.world, dist.ReduceOp.MAX))

    def gradient(self, items):
        """Loss of a batch, with its gradients added up; and the tokens that were worked on."""
        parts = [pieces(p, self.job["piece_tokens"]) for p in shares_of(items, self.world)]
        # Every process goes forward and back equally often: others wait for it.
        count = max(len(p) for p in parts)
        mine = parts[self.rank]
        idle = count - len(mine)
        spare = (mine or parts[0])[-1][:1]
        loss, tokens = 0.0, 0
        for i, piece in enumerate([spare] * idle + mine):
            with self.trained.accumulating(i == count - 1):
                with self.trained.autocast():
                    value, n = piece_loss(self.trained.forward, piece, self.device,
                                          self.trained.keeps_logits)
                if i < idle:
                    value = value * 0.0
                else:
                    loss, tokens = loss + value.item(), tokens + n
                # Processes are averaged over.
                (value * (self.world / len(items))).backward()
        loss = total(loss, self.device, self.world) / len(items)
        return loss, total(float(tokens), self.device, self.world)

    @torch.no_grad()
    def unseen_loss(self):
        self.trained.dropping(False)
        loss = 0.0
        parts = [pieces(p, self.job["piece_tokens"]) for p in shares_of(self.unseen, self.world)]
        count = max(len(p) for p in parts)
        mine = parts[self.rank]
        for i in range(count):
            piece = mine[i] if i < len(mine) else parts[0][-1][:1]
            with self.trained.autocast():
                value, _ = piece_loss(self.trained.forward, piece, self.device,
                                      self.trained.keeps_logits)
            loss += value.item() if i < len(mine) else 0.0
        self.trained.dropping(True)
        return total(loss, self.device, self.world) / len(self.unseen)

    def norm(self):
        norm = torch.nn.utils.clip_grad_norm_(self.trained.named.values(),
                                              self.job["max_grad_norm"] or math.inf)
        return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)

    def save(self, name):
        self.state["optimizer_step"] = self.state["step"]
        self.state["loss"] = self.since.take()
        folder = self.checkpoints / name
        if self.rank == 0:
            remove(folder)
            folder.mkdir(parents=True)
        self.wait()
        self.trained.save(folder, self.rank == 0)
        self.trained.save_optimizer(self.optimizer, folder, self.rank == 0)
        if self.rank == 0:
            seal(folder, self.state)
        self.wait()

    def wait(self):
        if self.world > 1:
            dist.barrier()

    def train(self):
        job, steps = self.job, self.steps
        first, end, began = self.state["step"], Mean(), time.monotonic()
        warmup = math.ceil(steps * job["warmup"])
        every = job["checkpoint_every"]
        pace = [time.monotonic(), 0, 0, 0.0]
        self.trained.model.train()
        while (i := self.state["step"]) < steps:
            if self.stop_wanted():
                if i > first:
                    # Measured before this step, if at all.
                    self.state.pop("eval_loss", None)
                    self.save(f"step-{i}")
                self.say(i, f"stopped after step {i}")
                return STOPPED
            items = self.rows.items(self.order[i])
            lr = job["lr"] * factor(job["schedule"], i, warmup, steps)
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            torch.manual_seed(((job["seed"] * 1_000_003 + i) * 4099 + self.rank) % 2**63)
            self.optimizer.zero_grad(set_to_none=True)
            loss, worked = self.gradient(items)
            norm = self.norm()
            bad = not (math.isfinite(loss) and math.isfinite(norm))
            if not bad:
                self.optimizer.step()
            done = i + 1
            pace[1] += len(items)
            pace[2] += sum(len(it[0]) + 1 for it in items)
            pace[3] += worked
            saves = (every > 0 and done % every == 0) or done == steps
            measures = bool(self.unseen) and (saves or done % -(-steps // 12) == 0)
            if bad or done % job["log_every"] == 0 or done == steps or measures:
                values = {"loss": loss, "lr": lr, "grad_norm": norm}
                seconds = max(time.monotonic() - pace[0], 1e-9)
                values |= {"examples_per_s": pace[1] / seconds, "tokens_per_s": pace[2] / seconds,
                           "rows_per_s": pace[3] / seconds}
                if measures and not bad:
                    values["eval_loss"] = self.state["eval_loss"] = self.unseen_loss()
                if self.report:
                    self.report.row(done, values)
                self.say(done, f"loss {loss:.4f}", force=done == steps)
                pace = [time.monotonic(), 0, 0, 0.0]
                bad = bad or not math.isfinite(values.get("eval_loss", 0.0))
            if bad:
                raise Told(f"step {done}: loss {loss}, gradient norm {norm}: training went astray; "
                           f"try a lower lr (now {job['lr']}) or a lower max_grad_norm. The last "
                           "checkpoint is whole")
            self.state["step"] = done
            self.since.add(loss)
            if done * 10 > steps * 9:
                end.add(loss)
            if every > 0 and done % every == 0 and done < steps:
                self.save(f"step-{done}")
                if self.rank == 0:
                    retain(self.checkpoints, job["keep_checkpoints"])
        self.save("final")
        if self.rank == 0:
            summary = {"loss": end.take(), "step": steps, "steps_here": steps - first,
                       "parameters": self.trained.parameters, "trained": self.trained.trained,
                       "vocab_size": self.trained.vocab_size,
                       "seconds": time.monotonic() - began}
            write_durably(self.attempt / "trainer" / "summary.json", json.dumps(summary, indent=2))
        self.say(steps, "done")
        return 0


def tell(attempt, message, kind="lasting"):
    """The run's reason, in our own words; the first process to fail says it."""
    print(message, file=sys.stderr, flush=True)
    try:
        path = pathlib.Path(attempt) / "failure.json"
        if not path.exists():
            write_durably(path, json.dumps({"message": message, "kind": kind}, indent=2))
    except OSError:
        pass


def main():
    job = read_json(sys.argv[1])
    if job.get("format") != FORMAT:
        tell(job.get("attempt", "."), f"{sys.argv[1]}: format {job.get('format')}, and this program "
             f"is of format {FORMAT}")
        return 1
    try:
        code = Run(job).train()
    except Told as e:
        tell(job["attempt"], str(e))
        code = 1
    except torch.OutOfMemoryError as e:
        tell(job["attempt"], f"out of memory on the GPU: {e}. Ways out: a smaller piece_tokens (now "
             f"{job['piece_tokens']}), recompute = true, quant = \"nf4\", more GPUs with parallel = "
             "\"fsdp\"", kind="out_of_memory")
        code = 1
    except Exception as e:
        traceback.print_exc()
        tell(job["attempt"], f"the training program failed: {type(e).__name__}: {e}")
        code = 1
    if dist.is_initialized():
        if code in (0, STOPPED):
            dist.destroy_process_group()
        else:
            # Others may wait for us in the middle of a step: the launcher ends them.
            sys.stdout.flush()
            os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
