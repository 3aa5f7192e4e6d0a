"""Rows of tokens, cut into pieces, and the loss on them."""
import json

import torch


class Rows:
    """`tokens.jsonl`: one prompt a line, with complete answers (end token included) and shares."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as lines:
            self.rows = [json.loads(line) for line in lines]

    def items(self, place):
        """What one line of the order asks for: (prompt, paths, cells).

        A cell is (path, index in the path, token, weight): what is wanted behind the prompt and the
        path's tokens before that index. Only as many paths stand there as the cells need.
        """
        tails = place.get("tails")
        found = []
        for i, row in enumerate(place["rows"]):
            r = self.rows[row]
            found.append(item(r["p"], r["a"], r["w"], None if tails is None else tails[i]))
        return found


def item(prompt, answers, shares, drawn):
    """The supervision of one prompt: the first token against all shares; the rest of every answer by
    its share (`tails = all`), or of the one that was drawn, whole (`tails = sampled`)."""
    wanted = {}
    for i, (path, share) in enumerate(zip(answers, shares)):
        if share <= 0 or not path:
            continue
        length, weight = (len(path), share)
        if drawn is not None:
            length, weight = (len(path) if drawn == i else 1, 1.0)
        for k in range(length):
            at = tuple(path[:k])
            cells = wanted.setdefault(at, {})
            cells[path[k]] = cells.get(path[k], 0.0) + (share if k == 0 else weight)
    # A beginning of another path needs no sequence of its own.
    paths = [p for p in wanted if not any(q != p and q[: len(p)] == p for q in wanted)]
    cells = []
    for at, tokens in wanted.items():
        path = next(n for n, p in enumerate(paths) if p[: len(at)] == at)
        cells += [(path, len(at), token, weight) for token, weight in tokens.items()]
    return prompt, [list(p) for p in paths], cells


def tokens_of(it):
    """Tokens of an item as separate sequences."""
    prompt, paths, _ = it
    return sum(len(prompt) + len(p) for p in paths)


def width_of(it):
    """Its longest sequence."""
    prompt, paths, _ = it
    return len(prompt) + max(len(p) for p in paths)


def shares_of(items, world):
    """Items of each process: sorted by length, dealt out one by one, so that all have about the same
    work and little padding."""
    ordered = sorted(items, key=width_of, reverse=True)
    return [ordered[rank::world] for rank in range(world)]


def pieces(items, most):
    """Cuts sorted items into pieces of at most `most` tokens, padding included; at least one item."""
    out, piece, rows, width = [], [], 0, 0
    for it in items:
        n, w = len(it[1]), width_of(it)
        if piece and (rows + n) * max(width, w) > most:
            out.append(piece)
            piece, rows, width = [], 0, 0
        piece.append(it)
        rows, width = rows + n, max(width, w)
    if piece:
        out.append(piece)
    return out


def piece_loss(model, items, device, keeps_logits):
    """Sum over the items of -sum of weight x log P(token), in nats; and the tokens worked on.

    Sequences are padded on the left, so that what is supervised stands in the last few columns and
    the head is computed there only. Positions count from each sequence's first token.
    """
    sequences = [prompt + path for prompt, paths, _ in items for path in paths]
    width = max(len(s) for s in sequences)
    ids = torch.zeros(len(sequences), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, s in enumerate(sequences):
        ids[row, width - len(s):] = torch.tensor(s)
        mask[row, width - len(s):] = 1
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    keep = max(len(paths[path]) - index + 1
               for _, paths, cells in items for path, index, _, _ in cells)
    rows, columns, tokens, weights = [], [], [], []
    first = 0
    for _, paths, cells in items:
        for path, index, token, weight in cells:
            rows.append(first + path)
            columns.append(keep - 1 - (len(paths[path]) - index))
            tokens.append(token)
            weights.append(weight)
        first += len(paths)
    asked = {"logits_to_keep": keep} if keeps_logits else {}
    # A mask of ones only says nothing, and costs the fast path of attention.
    whole = bool(mask.all())
    logits = model(
        input_ids=ids.to(device),
        attention_mask=None if whole else mask.to(device),
        position_ids=positions.to(device),
        use_cache=False,
        **asked,
    ).logits[:, -keep:]
    picked = logits[torch.tensor(rows, device=device), torch.tensor(columns, device=device)]
    logs = picked.float().log_softmax(-1)
    logs = logs.gather(1, torch.tensor(tokens, device=device)[:, None])[:, 0]
    weights = torch.tensor(weights, dtype=torch.float32, device=device)
    return -(weights * logs).sum(), ids.numel()
