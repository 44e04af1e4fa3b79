"""Small random models in every form that is read, against the same weights widened by the `gguf` package or by numpy.

usage: formats_vs_pypi.py GATEHOUSE     (exit code 77: gguf or numpy is not installed)

Each model is written twice: as people have it (GGUF in each block type, in parts; FP8 and INT8 with scales), and as
float32 safetensors of the widened values.  Logits in float32 must be the same to the last bit.
"""
import itertools
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

try:
    import gguf
    import numpy as np
except ImportError:
    print("gguf or numpy is not installed: skipped")
    sys.exit(77)

# One layer, so that the first and last are the same one; sizes for blocks of 256.
HIDDEN, HEADS, KV, HEAD, FFN, LAYERS = 256, 4, 2, 64, 512, 1
CONTROLS = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>"]
NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
IN_LAYER = {"attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
            "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
            "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
LLAMA3_PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
                  r"|\s+(?!\S)|\s+")
# Only its tokens matter here: nothing is judged.
POLICY = {"name": "plain", "categories": [{"key": "A", "name": "Locks", "text": "Opening locks."}], "category_line": "{key}: {text}\n",
          "message": [{"text": "{Role}: {content}\n"}], "join_text_parts": "\n", "strip": True,
          "prompt": [{"control": "<|begin_of_text|>"}, {"text": "{CATEGORIES}\n"}, {"messages": True}, {"control": "<|eot_id|>"}],
          "role_names": {"user": "User", "assistant": "Agent"}, "images": False, "stop": ["<|eot_id|>"], "max_prompt_tokens": 4096,
          "verdict": {"safe": "safe", "unsafe": "unsafe", "lead": None, "separator": "\n", "list_separator": ","}}
# The halves that scale a block of each type.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "IQ4_NL": [0], "Q2_K": [80, 82], "Q3_K": [108],
          "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_XS": [0]}


def byte_alphabet():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = itertools.count(256)
    return [chr(b) if b in plain else chr(next(rest)) for b in range(256)]


LETTERS = byte_alphabet()
TOKENS = LETTERS + [LETTERS[ord("h")] + LETTERS[ord("i")]] + CONTROLS
VOCAB = len(TOKENS)


def shapes():
    yield "token_embd", (VOCAB, HIDDEN)
    for i in range(LAYERS):
        for name, shape in (("attn_norm", (HIDDEN,)), ("attn_q", (HEADS * HEAD, HIDDEN)), ("attn_k", (KV * HEAD, HIDDEN)),
                            ("attn_v", (KV * HEAD, HIDDEN)), ("attn_output", (HIDDEN, HEADS * HEAD)), ("ffn_norm", (HIDDEN,)),
                            ("ffn_gate", (FFN, HIDDEN)), ("ffn_up", (FFN, HIDDEN)), ("ffn_down", (HIDDEN, FFN))):
            yield "blk.%d.%s" % (i, name), shape
    yield "output_norm", (HIDDEN,)
    yield "output", (VOCAB, HIDDEN)


def hugging_face(name):
    if name in NAMES:
        return NAMES[name] + ".weight"
    _, layer, rest = name.split(".")
    return "model.layers.%s.%s.weight" % (layer, IN_LAYER[rest])


def hugging_face_order(name, w):
    """Rotary pairs lie side by side in GGUF, halves of a head one after the other in Hugging Face's files."""
    heads = {"attn_q": HEADS, "attn_k": KV}.get(name.split(".")[-1])
    return w if heads is None else w.reshape(heads, HEAD // 2, 2, HIDDEN).swapaxes(1, 2).reshape(w.shape)


def write_safetensors(path, tensors):
    kinds = {"float32": "F32", "uint8": "U8", "int8": "I8", "uint16": "BF16"}
    header, at = {}, 0
    for name, t in tensors.items():
        kind, t = t if isinstance(t, tuple) else (kinds[str(t.dtype)], t)
        header[name] = {"dtype": kind, "shape": list(t.shape), "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for t in tensors.values():
            f.write(np.ascontiguousarray(t[1] if isinstance(t, tuple) else t).tobytes())


def read_logits(path):
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        header = json.loads(f.read(size))
        at = header["logits"]["data_offsets"]
        f.seek(8 + size + at[0])
        return np.frombuffer(f.read(at[1] - at[0]), np.float32)


class Work:
    def __init__(self, binary, folder):
        self.binary, self.folder, self.count, self.bad = binary, folder, 0, 0
        self.ids = self.path("ids.json")
        with open(self.ids, "w") as f:
            json.dump({"ids": [257, 72, 105, 32, 256, 10, 200, 31, 0, 255, 90, 17]}, f)

        self.policy = self.path("policy.json")
        with open(self.policy, "w") as f:
            json.dump(POLICY, f)

    def path(self, name):
        return os.path.join(self.folder, name)

    def new(self, name):
        self.count += 1
        return self.path("%d-%s" % (self.count, name))

    def run(self, *args):
        return subprocess.run([self.binary, *args], capture_output=True, text=True, timeout=120)

    def expect(self, good, what, seen=""):
        print(("ok   " if good else "BAD  ") + what + ("" if good else ": " + str(seen).strip()[:600]))
        self.bad += not good

    def logits(self, model):
        out = self.new("logits.safetensors")
        done = self.run("inspect", "logits", "--dtype", "f32", "--threads", "2", "--model", model, "--policy", self.policy,
                        "--ids", self.ids, "--all", "--out", out)
        return (None if done.returncode else read_logits(out)), done.stderr

    def same(self, what, model, twin):
        (a, error), (b, twin_error) = self.logits(model), self.logits(twin)
        good = a is not None and b is not None and np.isfinite(b).all() and b.std() > 1e-3 and np.array_equal(a, b)
        self.expect(good, what, error + twin_error if a is None or b is None else "largest difference %g" % np.abs(a - b).max())

    def refused(self, what, model, *words):
        done = self.run("inspect", "config", "--model", model)
        done = done if done.returncode else self.run("inspect", "logits", "--model", model, "--ids", self.ids, "--out", self.new("x"))
        self.expect(done.returncode == 4 and all(w in done.stderr for w in words), what, "exit %d, %s" % (done.returncode, done.stderr))

    def hugging_face(self, tensors, quantization=None):
        folder = self.new("hf")
        os.mkdir(folder)
        config = dict(model_type="llama", hidden_size=HIDDEN, num_hidden_layers=LAYERS, num_attention_heads=HEADS, num_key_value_heads=KV,
                      head_dim=HEAD, intermediate_size=FFN, vocab_size=VOCAB, rms_norm_eps=1e-5, rope_theta=10000.0,
                      max_position_embeddings=4096, tie_word_embeddings=False, bos_token_id=257, eos_token_id=261)
        if quantization:
            config["quantization_config"] = quantization
        with open(folder + "/config.json", "w") as f:
            json.dump(config, f)
        tokenizer = {"added_tokens": [{"id": 257 + i, "content": c, "special": True} for i, c in enumerate(CONTROLS)], "normalizer": None,
                     "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                         {"type": "Split", "pattern": {"Regex": LLAMA3_PATTERN}, "behavior": "Isolated", "invert": False},
                         {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
                     "model": {"type": "BPE", "ignore_merges": True, "vocab": {t: i for i, t in enumerate(TOKENS[:257])}, "merges": ["h i"]}}
        with open(folder + "/tokenizer.json", "w") as f:
            json.dump(tokenizer, f)
        write_safetensors(folder + "/model.safetensors", tensors)
        return folder

    def gguf(self, tensors, pre="llama-bpe", split=0, more=()):
        """tensors: name -> (array, GGUF type or None).  The path of the only file, or of the first part."""
        path = self.new("model.gguf")
        w = gguf.GGUFWriter(path, "llama", split_max_tensors=split)
        w.add_context_length(4096), w.add_embedding_length(HIDDEN), w.add_block_count(LAYERS), w.add_feed_forward_length(FFN)
        w.add_head_count(HEADS), w.add_head_count_kv(KV), w.add_layer_norm_rms_eps(1e-5), w.add_rope_freq_base(10000.0)
        w.add_key_length(HEAD), w.add_value_length(HEAD), w.add_rope_dimension_count(HEAD), w.add_vocab_size(VOCAB)
        w.add_tokenizer_model("gpt2")
        if pre:
            w.add_tokenizer_pre(pre)
        w.add_token_list(TOKENS), w.add_token_types([1] * 257 + [3] * len(CONTROLS)), w.add_token_merges(["h i"])
        w.add_bos_token_id(257), w.add_eos_token_id(261)
        for key, value in more:
            w.add_string(key, value)
        for name, (t, kind) in tensors.items():
            w.add_tensor(name + ".weight", t, raw_dtype=kind)
        w.write_header_to_file(), w.write_kv_data_to_file(), w.write_tensors_to_file(), w.close()
        return path


def random_blocks(shape, name, random):
    """Random bytes, scaled so that the values are about as large as weights are."""
    kind = gguf.GGMLQuantizationType[name]
    values, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (shape[0] * shape[1] // values, size), dtype=np.uint8)

    def put(scales):
        for at in HALVES[name]:
            blocks[:, at:at + 2] = scales.astype(np.float16).view(np.uint8).reshape(-1, 2)

    put(np.ones(len(blocks)))
    put(random.uniform(0.5, 1.5, len(blocks)) * 0.05 / gguf.quants.dequantize(blocks, kind).std())
    return blocks.reshape(shape[0], -1), kind


def gguf_pair(work, name, random, **more):
    ours, twin = {}, {}
    for tensor, shape in shapes():
        if len(shape) == 1:
            ours[tensor] = (random.uniform(0.5, 1.5, shape).astype(np.float32), None)
            wide = ours[tensor][0]
        elif name == "F16":
            ours[tensor] = ((random.standard_normal(shape) * 0.05).astype(np.float16), None)
            wide = ours[tensor][0].astype(np.float32)
        elif name == "BF16":
            bits = bf16(random.standard_normal(shape).astype(np.float32) * np.float32(0.05))
            ours[tensor] = (bits.view(np.uint8), gguf.GGMLQuantizationType.BF16)
            wide = from_bf16(bits)
        else:
            ours[tensor] = random_blocks(shape, name, random)
            wide = gguf.quants.dequantize(*ours[tensor]).reshape(shape).astype(np.float32)
        twin[hugging_face(tensor)] = hugging_face_order(tensor, wide)
    return work.gguf(ours, **more), work.hugging_face(twin)


def bf16(values):
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def float8(bits):
    sign, exponent, mantissa = np.where(bits & 128, -1.0, 1.0), (bits >> 3 & 15).astype(int), (bits & 7).astype(float)
    return (sign * np.where(exponent == 0, mantissa * 2.0 ** -9, (8 + mantissa) * 2.0 ** (exponent - 10.0))).astype(np.float32)


def scaled_pair(work, random, quantization, scales_of, kind="F8_E4M3", scale_type="BF16", suffix="_scale", beside=False):
    """scales_of(rows, cols): the shape of the scales."""
    ours, twin = {}, {}
    for tensor, shape in shapes():
        name = hugging_face(tensor)
        if len(shape) == 1 or name.startswith(("lm_head", "model.embed")):
            wide = from_bf16(bf16(random.standard_normal(shape).astype(np.float32) * np.float32(0.05) + (len(shape) == 1)))
            ours[name] = twin[name] = bf16(wide)
            continue
        bits = random.integers(0, 256, shape, dtype=np.uint8)
        if kind == "F8_E4M3":
            bits[(bits & 127) == 127] = 8   # no number
            wide = float8(bits)
        else:
            wide = bits.view(np.int8).astype(np.float32)
        grid = random.uniform(0.5, 1.5, scales_of(*shape)).astype(np.float32) * np.float32(0.05 / wide.std())
        if scale_type == "BF16":
            grid = from_bf16(bf16(grid))
        full = grid
        if grid.ndim == 2 and grid.shape != (shape[0], 1):   # blocks of 128 x 128
            full = np.repeat(np.repeat(grid, 128, 0), 128, 1)[:shape[0], :shape[1]]
        wide = wide * full.reshape(full.shape if full.ndim == 2 else (-1, 1) if full.size > 1 else ())
        ours[name] = (kind, bits)
        ours[name + suffix] = bf16(grid) if scale_type == "BF16" else grid
        if beside:
            ours[name[:-len("weight")] + "input_scale"] = np.ones(1, np.float32)
        twin[name] = from_bf16(bf16(wide)) if scale_type == "BF16" else wide
    return work.hugging_face(ours, quantization), work.hugging_face(twin)


def compressed(strategy, kind="float", **more):
    weights = dict(num_bits=8, type=kind, symmetric=True, strategy=strategy, dynamic=False, group_size=None, observer="minmax", observer_kwargs={},
                   block_structure=None, actorder=None, **more)
    return {"quant_method": "compressed-tensors", "format": kind + "-quantized", "quantization_status": "compressed", "ignore": ["lm_head"],
            "global_compression_ratio": 1.4, "kv_cache_scheme": None,
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights, "output_activations": None,
                                          "input_activations": {"num_bits": 8, "type": kind, "strategy": "token", "dynamic": True}}}}


def check_ggufs(work, random):
    for name in [*HALVES, "F16", "BF16"]:
        work.same("GGUF " + name, *gguf_pair(work, name, random))
    first, twin = gguf_pair(work, "Q5_K", random, split=4)
    folder, base = os.path.split(first)
    parts = sorted(p for p in os.listdir(folder) if p.startswith(base[:-len(".gguf")] + "-0"))
    work.expect(len(parts) > 2, "the writer makes parts", parts)
    work.same("GGUF in parts, by the first", os.path.join(folder, parts[0]), twin)
    work.same("GGUF in parts, by another", os.path.join(folder, parts[1]), twin)
    alone = work.new("folder")
    os.mkdir(alone)
    for p in parts:
        shutil.copy(os.path.join(folder, p), alone)
    work.same("GGUF in parts, by their folder", alone, twin)
    os.remove(os.path.join(alone, parts[1]))
    work.refused("a missing part", os.path.join(alone, parts[0]), parts[1], "missing")

    named, _ = gguf_pair(work, "Q8_0", np.random.default_rng(5))
    bare, _ = gguf_pair(work, "Q8_0", np.random.default_rng(5), pre=None)
    texts = work.new("texts.jsonl")
    with open(texts, "w") as f:
        f.writelines(json.dumps({"text": t}) + "\n" for t in ("one\n\n\ntwo", "WE'LL  SEE\r\n\r\n  it hi", "1234567 + 89"))
    a, b = (work.run("inspect", "tokens", "--model", m, "--policy", work.policy, "--texts", texts) for m in (named, bare))
    work.expect(a.returncode == 0 and a.stdout == b.stdout and "tokenizer.ggml.pre" in b.stderr and "tokenizer.ggml.pre" not in a.stderr,
                "GGUF without tokenizer.ggml.pre", a.stderr + b.stderr)
    return named


def check_scaled(work, random):
    row = lambda rows, cols: (rows, 1)
    grid = lambda rows, cols: (-(-rows // 128), -(-cols // 128))
    work.same("FP8, a scale an output", *scaled_pair(work, random, compressed("channel"), row))
    pair = scaled_pair(work, random, compressed("tensor"), lambda rows, cols: (1,), scale_type="F32", beside=True)
    work.same("FP8, a scale a tensor, with scales of activations", *pair)
    work.same("FP8, one scale without a shape", *scaled_pair(work, random, compressed("tensor"), lambda rows, cols: (), scale_type="F32"))
    work.same("FP8 of FBGEMM", *scaled_pair(work, random, {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0,
                                                         "modules_to_not_convert": ["lm_head"]}, row, scale_type="F32"))
    work.same("FP8, a scale a block", *scaled_pair(work, random, {"quant_method": "fp8", "activation_scheme": "dynamic", "fmt": "e4m3",
                                                                 "weight_block_size": [128, 128]}, grid, scale_type="F32", suffix="_scale_inv"))
    work.same("INT8, a scale an output", *scaled_pair(work, random, compressed("channel", "int"), row, kind="I8"))
    for method in ("bitsandbytes", "gptq", "awq", "hqq", "aqlm", "mxfp4", "torchao", "modelopt"):
        folder = work.hugging_face({"x": np.zeros(1, np.float32)}, {"quant_method": method, "bits": 4})
        work.refused("quant_method " + method, folder, method)
    changed = compressed("channel")
    changed["config_groups"]["group_0"]["weights"]["num_bits"] = 4
    work.refused("four bits", work.hugging_face({"x": np.zeros(1, np.float32)}, changed), "num_bits")
    work.refused("a group's size", work.hugging_face({"x": np.zeros(1, np.float32)}, compressed("group")), "strategy")
    return pair


def check_convert(work, what, model, twin):
    outs = [work.new("converted"), work.new("converted")]
    done = [work.run("convert", m, o) for m, o in zip((model, twin), outs)]
    good = all(d.returncode == 0 for d in done)
    if good:
        a, b = (open(o + "/model.gatehouse.safetensors", "rb").read() for o in outs)
        good = a == b
    work.expect(good, "convert " + what, "".join(d.stderr for d in done) or "other bytes")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = Work(os.path.abspath(sys.argv[1]), folder)
        random = np.random.default_rng(1)
        check_ggufs(work, random)
        pair = check_scaled(work, random)
        check_convert(work, "FP8", *pair)
        check_convert(work, "GGUF Q4_K", *gguf_pair(work, "Q4_K", random))
        print("%d wrong" % work.bad if work.bad else "all as expected")
        return 1 if work.bad else 0


if __name__ == "__main__":
    sys.exit(main())
