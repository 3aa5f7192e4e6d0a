"""Conversations as transformers puts them to a model: the figures of chat.json.

    pip install transformers jinja2
    POLYCULTURE_GOLDEN_FOLDERS=DIR cargo test --lib golden_figures_can_be_written
    python tests/golden/chat.py DIR           # writes tests/golden/chat.json

The tokenizers are trained on a few sentences by the Rust test, and their templates are our own.
"""
import json
import pathlib
import sys

import transformers
from transformers import PreTrainedTokenizerFast

CONVERSATIONS = [
    [("user", "Do you agree that work is a duty?")],
    [("system", "You answer a survey."), ("user", "Do you agree? 1. Yes 2. No")],
    [("system", "You answer a survey."), ("user", "Do you trust your neighbours?"),
     ("assistant", "4"), ("user", "And your family?")],
    [("user", "  Spaces at both ends,\n\nlines,\tand a tab.  "), ("assistant", " Yes \n"),
     ("user", "10 and 1, 100, 1000?")],
    [("user", "Ένα κείμενο, café, cafe\u0301, 日本語 and 🙂.")],
    [("user", "Why?"), ("assistant", "<think>\nso and so\n</think>\n\nBecause."),
     ("user", "Is it?")],
    [("user", "it's <b>bold</b> & \"quoted\" 'text' {{ not }} {% a %} template")],
]


def main(folder):
    out = dict(transformers=transformers.__version__, cases=[])
    for shape in ("turns", "headers", "inst"):
        tokenizer = PreTrainedTokenizerFast.from_pretrained(pathlib.Path(folder) / shape)
        for talk in CONVERSATIONS:
            messages = [dict(role=r, content=c) for r, c in talk]
            kwargs = dict(add_generation_prompt=True, date="26 Jul 2024", enable_thinking=False)
            text = tokenizer.apply_chat_template(messages, tokenize=False, **kwargs)
            ids = tokenizer.apply_chat_template(messages, return_dict=False, **kwargs)
            assert ids == tokenizer.encode(text, add_special_tokens=False)
            out["cases"].append(dict(shape=shape, messages=talk, ids=ids, text=text,
                                     decoded=tokenizer.decode(ids, skip_special_tokens=True)))
    path = pathlib.Path(__file__).with_name("chat.json")
    path.write_text(json.dumps(out, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
