"""What transformers makes of a folder of chat templates (NAME.jinja), for the Rust test that
compares them. Other people's templates stay outside of the repository.

    pip install transformers jinja2
    python tests/golden/templates.py DIR      # writes DIR/expected.json
    POLYCULTURE_TEMPLATES=DIR cargo test --lib published_templates
"""
import datetime
import json
import pathlib
import sys

import transformers.utils.chat_template_utils as utils
from chat import CONVERSATIONS


class FixedDay(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime(2024, 7, 26)


def main(folder):
    utils.datetime = FixedDay
    out = []
    for path in sorted(pathlib.Path(folder).glob("*.jinja")):
        for talk in CONVERSATIONS:
            messages = [dict(role=r, content=c) for r, c in talk]
            try:
                text = utils.render_jinja_template(
                    [messages], chat_template=path.read_text(), add_generation_prompt=True,
                    bos_token="<s>", eos_token="</s>", enable_thinking=False)[0][0]
            except Exception:  # the template refuses this conversation
                text = None
            out.append(dict(name=path.name, messages=talk, text=text))
    (pathlib.Path(folder) / "expected.json").write_text(json.dumps(out))
    print(len(out), "texts,", sum(o["text"] is None for o in out), "refused")


if __name__ == "__main__":
    main(sys.argv[1])
