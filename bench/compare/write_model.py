#!/usr/bin/env python3
"""Writes a GGUF file of a named shape with random weights, for a peer to run.

    write_model.py OUT.gguf --shape llama-guard-4|smollm2-135m [--layers N] --type BF16|Q8_0|Q4_0

Architecture `llama`: the same products, heads and vocabulary as Gatehouse's shape of that name, without the norm of
queries and keys, which that architecture does not have. Embeddings and head are of the file's type, too (Q8_0 in a Q4_0
file): never more bytes than ours, which are BF16. Tokens have made-up names; prompts are given as ids.
"""
import argparse
import sys

import gguf
import numpy as np

SHAPES = {
    'llama-guard-4': dict(layers=48, hidden=5120, heads=40, kv_heads=8, head_dim=128, ffn=8192, vocab=202048, tied=False),
    'smollm2-135m': dict(layers=30, hidden=576, heads=9, kv_heads=3, head_dim=64, ffn=1536, vocab=49152, tied=True),
}
TYPES = {name: getattr(gguf.GGMLQuantizationType, name) for name in ('BF16', 'Q8_0', 'Q4_0')}
FILE_TYPES = {'BF16': gguf.LlamaFileType.MOSTLY_BF16, 'Q8_0': gguf.LlamaFileType.MOSTLY_Q8_0,
              'Q4_0': gguf.LlamaFileType.MOSTLY_Q4_0}
BLOCK = 32  # values that share a scale in Q8_0 and Q4_0
BLOCK_BYTES = {'Q8_0': 34, 'Q4_0': 18}


def matrix(random, rows, columns, kind):
    """A matrix as its bytes: every block or number a valid one, about as large as real weights are."""
    if kind == 'BF16':
        bits = random.integers(0, 1 << 16, (rows, columns), dtype=np.uint16)
        return ((bits & 0x807F) | 0x3C00).view(np.uint8)  # random sign and mantissa, 2^-7 to 2^-6
    values = BLOCK if kind == 'Q8_0' else BLOCK // 2
    blocks = np.empty((rows, columns // BLOCK, 2 + values), np.uint8)
    blocks[:, :, :2] = np.array([1 / 8192 if kind == 'Q8_0' else 1 / 512], np.float16).view(np.uint8)
    blocks[:, :, 2:] = random.integers(0, 256, (rows, columns // BLOCK, values), dtype=np.uint8)
    return blocks.reshape(rows, -1)


def tensors(shape):
    """(name, rows, columns) of every matrix."""
    hidden, width = shape['hidden'], shape['ffn']
    yield 'token_embd', shape['vocab'], hidden
    if not shape['tied']:
        yield 'output', shape['vocab'], hidden
    for layer in range(shape['layers']):
        prefix = f'blk.{layer}.'
        yield prefix + 'attn_q', shape['heads'] * shape['head_dim'], hidden
        yield prefix + 'attn_k', shape['kv_heads'] * shape['head_dim'], hidden
        yield prefix + 'attn_v', shape['kv_heads'] * shape['head_dim'], hidden
        yield prefix + 'attn_output', hidden, shape['heads'] * shape['head_dim']
        yield prefix + 'ffn_gate', width, hidden
        yield prefix + 'ffn_up', width, hidden
        yield prefix + 'ffn_down', hidden, width


def norms(shape):
    yield 'output_norm'
    for layer in range(shape['layers']):
        yield f'blk.{layer}.attn_norm'
        yield f'blk.{layer}.ffn_norm'


def write(path, name, layers, kind):
    shape = dict(SHAPES[name])
    shape['layers'] = layers or shape['layers']
    writer = gguf.GGUFWriter(path, 'llama', use_temp_file=False)
    writer.add_name(f'{name}, {shape["layers"]} layers, random')
    writer.add_context_length(8192)
    writer.add_embedding_length(shape['hidden'])
    writer.add_block_count(shape['layers'])
    writer.add_feed_forward_length(shape['ffn'])
    writer.add_head_count(shape['heads'])
    writer.add_head_count_kv(shape['kv_heads'])
    writer.add_key_length(shape['head_dim'])
    writer.add_value_length(shape['head_dim'])
    writer.add_rope_dimension_count(shape['head_dim'])
    writer.add_rope_freq_base(500000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(shape['vocab'])
    writer.add_file_type(FILE_TYPES[kind])
    # A vocabulary in the simplest form: three special tokens, every byte, then names.
    tokens = ['<unk>', '<s>', '</s>'] + [f'<0x{byte:02X}>' for byte in range(256)]
    kinds = [2, 3, 3] + [6] * 256
    tokens += [f'w{index}' for index in range(len(tokens), shape['vocab'])]
    writer.add_tokenizer_model('llama')
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds + [1] * (len(tokens) - len(kinds)))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)

    chosen = {}
    for tensor, rows, columns in tensors(shape):
        top = tensor in ('token_embd', 'output')
        chosen[tensor] = 'Q8_0' if top and kind == 'Q4_0' else kind
        row_bytes = columns * 2 if chosen[tensor] == 'BF16' else columns // BLOCK * BLOCK_BYTES[chosen[tensor]]
        writer.add_tensor_info(tensor + '.weight', (rows, row_bytes), np.dtype(np.uint8), rows * row_bytes,
                               TYPES[chosen[tensor]])
    for norm in norms(shape):
        writer.add_tensor_info(norm + '.weight', (shape['hidden'],), np.dtype(np.float32), 4 * shape['hidden'])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    random = np.random.default_rng(7)
    for tensor, rows, columns in tensors(shape):  # one at a time: memory for the largest is enough
        writer.write_tensor_data(matrix(random, rows, columns, chosen[tensor]))
    for _ in norms(shape):
        writer.write_tensor_data(np.ones(shape['hidden'], np.float32))
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out')
    parser.add_argument('--shape', choices=sorted(SHAPES), required=True)
    parser.add_argument('--layers', type=int, default=0, help='default: as many as the shape has')
    parser.add_argument('--type', choices=list(TYPES), required=True)
    options = parser.parse_args()
    write(options.out, options.shape, options.layers, options.type)
    return 0


if __name__ == '__main__':
    sys.exit(main())
