#!/usr/bin/env python3
"""Writes fixtures/gguf_blocks.safetensors: random blocks of every GGUF type that is read, and what the `gguf`
package widens them to.

    make_block_fixtures.py OUT.safetensors      # written with gguf 0.19.0 and numpy 1.26.4

TYPE.blocks is U8 [blocks, bytes of one], TYPE.values F32 [blocks, values of one].  Every byte is random but the
halves that scale a block: these are finite, of both signs, and some of them subnormal or zero.
"""
import json, struct, sys
import numpy as np
import gguf

# Where the halves of a block lie.
HALVES = {'Q4_0': [0], 'Q4_1': [0, 2], 'Q5_0': [0], 'Q5_1': [0, 2], 'Q8_0': [0], 'IQ4_NL': [0], 'Q2_K': [80, 82], 'Q3_K': [108],
          'Q4_K': [0, 2], 'Q5_K': [0, 2], 'Q6_K': [208], 'IQ4_XS': [0]}


def blocks_of(name, count, random):
    kind = gguf.GGMLQuantizationType[name]
    values, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    for at in HALVES[name]:
        scales = (random.standard_normal(count) * 10.0 ** random.integers(-6, 2, count)).astype(np.float16)
        scales[-1] = 6e-8   # the smallest half
        blocks[:, at:at + 2] = scales.view(np.uint8).reshape(count, 2)
    wide = gguf.quants.dequantize(blocks, kind)
    assert wide.shape == (count, values) and np.isfinite(wide).all()
    return blocks, wide.astype(np.float32)


def write(path, tensors):
    header, at = {}, 0
    for name, t in tensors.items():
        header[name] = {'dtype': {'uint8': 'U8', 'float32': 'F32'}[str(t.dtype)], 'shape': list(t.shape), 'data_offsets': [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        for t in tensors.values():
            f.write(np.ascontiguousarray(t).tobytes())


if __name__ == '__main__':
    random, out = np.random.default_rng(20), {}
    for name in HALVES:
        count = 8 if gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][0] == 32 else 3
        out[name + '.blocks'], out[name + '.values'] = blocks_of(name, count, random)
    write(sys.argv[1], out)
