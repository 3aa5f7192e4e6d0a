"""Writes a tiny Llama model with random weights as GGUF: tiny_gguf.py FILE. Needs `gguf`.

Its words are the bytes and a few letters; it says nothing that means anything, and that is enough to
be served by any program that runs GGUF files.
"""
import sys

import gguf
import numpy as np

LAYERS, WIDTH, HEADS, HIDDEN, CONTEXT = 2, 64, 4, 128, 2048


def main(path):
    rng = np.random.default_rng(7)
    w = gguf.GGUFWriter(path, "llama")
    w.add_name("tiny-random")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(WIDTH)
    w.add_block_count(LAYERS)
    w.add_feed_forward_length(HIDDEN)
    w.add_head_count(HEADS)
    w.add_head_count_kv(HEADS)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(WIDTH // HEADS)
    w.add_file_type(gguf.LlamaFileType.ALL_F32)

    kinds = gguf.TokenType
    words = [("<unk>", kinds.UNKNOWN), ("<s>", kinds.CONTROL), ("</s>", kinds.CONTROL)]
    words += [(f"<0x{b:02X}>", kinds.BYTE) for b in range(256)]
    words += [(c, kinds.NORMAL) for c in "\u2581abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJ.,:?"]
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list([t for t, _ in words])
    w.add_token_scores([0.0] * len(words))
    w.add_token_types([int(k) for _, k in words])
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)
    w.add_chat_template(
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}")

    def put(name, *shape):
        w.add_tensor(name, (rng.standard_normal(shape) * 0.05).astype(np.float32))

    def ones(name):
        w.add_tensor(name, np.ones(WIDTH, dtype=np.float32))

    put("token_embd.weight", len(words), WIDTH)
    for i in range(LAYERS):
        ones(f"blk.{i}.attn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            put(f"blk.{i}.{part}.weight", WIDTH, WIDTH)
        ones(f"blk.{i}.ffn_norm.weight")
        put(f"blk.{i}.ffn_gate.weight", HIDDEN, WIDTH)
        put(f"blk.{i}.ffn_up.weight", HIDDEN, WIDTH)
        put(f"blk.{i}.ffn_down.weight", WIDTH, HIDDEN)
    ones("output_norm.weight")
    put("output.weight", len(words), WIDTH)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


if __name__ == "__main__":
    main(sys.argv[1])
