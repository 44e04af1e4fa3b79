#!/usr/bin/env python3
"""SmolLM2-135M-Instruct (real weights) on 20 prompts: an independent float32 evaluation, and llama.cpp's greedy tokens.

    make_smollm2_golden.py SmolLM2-135M-Instruct.Q4_1.gguf smollm2.jsonl

Needs gguf, numpy and llama-cpp-python from PyPI; their versions are written into the first line. The float32
evaluation below is plain numpy over the dequantised weights and shares nothing with Gatehouse or llama.cpp but the
file. llama.cpp rounds activations to 8 bits, so its greedy tokens may leave the float32 ones at a near tie:
`gap` tells, for every step of the float32 evaluation along llama.cpp's tokens, how far llama.cpp's choice lies below
the best logit (0 where they agree).
"""
import importlib.metadata
import json
import sys

import gguf
import llama_cpp
import numpy as np

PROMPTS = [
    "The capital of France is", "Once upon a time, in a small village by the sea,",
    "def fibonacci(n):\n    ", "Water boils at a temperature of", "The three primary colours are",
    "To make a good cup of tea, first", "Dear Sir or Madam,\n\nI am writing to", "In mathematics, a prime number is",
    "Q: What is the largest planet?\nA:", "The quick brown fox", "import numpy as np\n\ndef softmax(x):",
    "Photosynthesis is the process by which", "A list of fruits:\n- apple\n- banana\n-", "Shakespeare wrote",
    "Bonjour, je m'appelle", "El perro es", "<html>\n<body>\n", "If it rains tomorrow, then",
    "She opened the door slowly and saw", "The most important rule of safety is",
]
STEPS = 64


class Model:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.w = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
        field = lambda k: reader.fields[k].parts[reader.fields[k].data[0]][0]
        self.layers = int(field("llama.block_count"))
        self.heads = int(field("llama.attention.head_count"))
        self.kv = int(field("llama.attention.head_count_kv"))
        self.eps = float(field("llama.attention.layer_norm_rms_epsilon"))
        self.base = float(field("llama.rope.freq_base"))
        self.dim = self.w["token_embd.weight"].shape[1] // self.heads
        self.head = self.w.get("output.weight", self.w["token_embd.weight"])
        self.reset()

    def reset(self):
        self.keys = [np.zeros((0, self.kv, self.dim), np.float32) for _ in range(self.layers)]
        self.values = [np.zeros((0, self.kv, self.dim), np.float32) for _ in range(self.layers)]

    def norm(self, x, weight):
        return x / np.sqrt(np.mean(x * x, -1, keepdims=True, dtype=np.float32) + np.float32(self.eps)) * weight

    def rope(self, x, position):
        # GGUF stores q and k so that neighbouring pairs rotate together.
        angle = position[:, None] * self.base ** (-np.arange(0, self.dim, 2) / self.dim)
        cos, sin = (f(angle).astype(np.float32)[:, None, :] for f in (np.cos, np.sin))
        even, odd = x[..., 0::2], x[..., 1::2]
        out = np.empty_like(x)
        out[..., 0::2] = even * cos - odd * sin
        out[..., 1::2] = even * sin + odd * cos
        return out

    def forward(self, ids):
        """Appends ids to the context; the logits after each of them."""
        w = self.w
        past, n = len(self.keys[0]), len(ids)
        position = np.arange(past, past + n, dtype=np.float64)
        x = w["token_embd.weight"][ids]
        for i in range(self.layers):
            name = f"blk.{i}."
            y = self.norm(x, w[name + "attn_norm.weight"])
            q = self.rope((y @ w[name + "attn_q.weight"].T).reshape(n, self.heads, self.dim), position)
            k = self.rope((y @ w[name + "attn_k.weight"].T).reshape(n, self.kv, self.dim), position)
            v = (y @ w[name + "attn_v.weight"].T).reshape(n, self.kv, self.dim)
            self.keys[i] = np.concatenate([self.keys[i], k])
            self.values[i] = np.concatenate([self.values[i], v])
            group = self.heads // self.kv
            keys, values = (np.repeat(a[i], group, axis=1) for a in (self.keys, self.values))
            scores = np.einsum("qhd,khd->hqk", q, keys) / np.sqrt(np.float32(self.dim))
            scores = np.where(np.arange(past + n)[None, None, :] > (past + np.arange(n))[None, :, None], -np.inf, scores)
            p = np.exp(scores - scores.max(-1, keepdims=True))
            p /= p.sum(-1, keepdims=True)
            x = x + np.einsum("hqk,khd->qhd", p, values).reshape(n, -1) @ w[name + "attn_output.weight"].T
            y = self.norm(x, w[name + "ffn_norm.weight"])
            gate, up = y @ w[name + "ffn_gate.weight"].T, y @ w[name + "ffn_up.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * up) @ w[name + "ffn_down.weight"].T
        return self.norm(x, w["output_norm.weight"]) @ self.head.T


def main():
    path, out = sys.argv[1:3]
    model = Model(path)
    llama = llama_cpp.Llama(path, n_ctx=512, n_threads=2, verbose=False, logits_all=False)
    version = importlib.metadata.version
    with open(out, "w", encoding="utf-8") as file:
        made = {p: version(p) for p in ("gguf", "numpy", "llama-cpp-python")}
        file.write(json.dumps({"made_with": made, "steps": STEPS}) + "\n")
        for prompt in PROMPTS:
            ids = llama.tokenize(prompt.encode(), add_bos=False, special=False)
            model.reset()
            last = model.forward(ids)[-1]
            llama.reset()
            llama.eval(ids)
            theirs, gaps, logits = [], [], last
            for _ in range(STEPS):
                token = int(llama.sample(temp=0.0, repeat_penalty=1.0, top_k=1))
                theirs.append(token)
                gaps.append(float(logits.max() - logits[token]))
                logits = model.forward([token])[-1]
                llama.eval([token])
            picked = sorted(set(np.argsort(-last)[:16].tolist()) | set(range(0, len(last), 1031)))
            row = {"prompt": prompt, "ids": ids, "greedy": theirs, "gap": [round(g, 4) for g in gaps],
                   "logits": [[i, round(float(last[i]), 5)] for i in picked]}
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
            print(repr(prompt), "worst gap", max(gaps), flush=True)


main()
