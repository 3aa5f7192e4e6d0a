"""Serves a GGUF file by llama.cpp's own server: serve_llama_cpp.py FILE KEY. Needs `xllamacpp`.

Prints the address of its OpenAI-compatible endpoint, and serves until its standard input is closed.
"""
import os
import sys

import xllamacpp


def main(model, key):
    p = xllamacpp.CommonParams()
    p.model.path = model
    p.model_alias = {"tiny-random"}
    p.n_ctx = 4096
    p.n_parallel = 2
    p.n_gpu_layers = 0
    p.cpuparams.n_threads = 1
    p.cpuparams_batch.n_threads = 1
    p.warmup = False
    p.hostnames = ["127.0.0.1"]
    p.port = 0
    p.api_keys = [key]
    server = xllamacpp.Server(p)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()
    # The server's threads do not end by themselves.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
