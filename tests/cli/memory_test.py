#!/usr/bin/env python3
"""Peak memory of one run: at most the mapped weights, the key/value cache and 300 MB.

    memory_test.py GATEHOUSE WORK_DIR

The checkpoint has Llama Guard 4's true widths in two text layers and two vision layers; its weights are zeros in a
sparse file, so that it takes no time to write. Such a model answers nothing ("unknown"), with all the work done.
"""
import json, lzma, os, struct, subprocess, sys

BINARY, WORK = sys.argv[1:3]
GOLDEN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'golden')
HIDDEN, HEADS, KV, DIM, FFN, VOCAB, LAYERS, V_LAYERS, V_HIDDEN, V_FFN = 5120, 40, 8, 128, 8192, 202048, 2, 2, 1408, 5632
ALLOWED = 300 << 20

CONFIG = {
    'architectures': ['Llama4ForConditionalGeneration'], 'model_type': 'llama4',
    'image_token_index': 200092, 'boi_token_index': 200080, 'eoi_token_index': 200081,
    'text_config': {
        'model_type': 'llama4_text', 'hidden_size': HIDDEN, 'num_attention_heads': HEADS, 'num_key_value_heads': KV,
        'head_dim': DIM, 'intermediate_size': FFN, 'intermediate_size_mlp': FFN, 'num_hidden_layers': LAYERS,
        'vocab_size': VOCAB, 'num_local_experts': 0, 'moe_layers': [], 'interleave_moe_layer_step': 0,
        'no_rope_layers': [1] * LAYERS, 'attention_chunk_size': None, 'use_qk_norm': True, 'rope_theta': 500000.0,
        'rms_norm_eps': 1e-5, 'max_position_embeddings': 131072, 'hidden_act': 'silu', 'attn_temperature_tuning': False,
        'rope_scaling': {'factor': 8.0, 'high_freq_factor': 4.0, 'low_freq_factor': 1.0,
                         'original_max_position_embeddings': 8192, 'rope_type': 'llama3'}},
    'vision_config': {
        'model_type': 'llama4_vision_model', 'hidden_size': V_HIDDEN, 'num_hidden_layers': V_LAYERS,
        'num_attention_heads': 16, 'intermediate_size': V_FFN, 'image_size': 336, 'patch_size': 14, 'num_channels': 3,
        'pixel_shuffle_ratio': 0.5, 'projector_input_dim': 4096, 'projector_output_dim': 4096,
        'vision_output_dim': 4096, 'norm_eps': 1e-5, 'rope_theta': 10000, 'hidden_act': 'gelu'}}


def tensors():
    t = {'language_model.model.embed_tokens.weight': [VOCAB, HIDDEN], 'language_model.model.norm.weight': [HIDDEN],
         'language_model.lm_head.weight': [VOCAB, HIDDEN],
         'multi_modal_projector.linear_1.weight': [HIDDEN, 4096]}
    for i in range(LAYERS):
        p = f'language_model.model.layers.{i}.'
        t |= {p + 'input_layernorm.weight': [HIDDEN], p + 'post_attention_layernorm.weight': [HIDDEN],
              p + 'self_attn.q_proj.weight': [HEADS * DIM, HIDDEN], p + 'self_attn.k_proj.weight': [KV * DIM, HIDDEN],
              p + 'self_attn.v_proj.weight': [KV * DIM, HIDDEN], p + 'self_attn.o_proj.weight': [HIDDEN, HEADS * DIM],
              p + 'feed_forward.gate_proj.weight': [FFN, HIDDEN], p + 'feed_forward.up_proj.weight': [FFN, HIDDEN],
              p + 'feed_forward.down_proj.weight': [HIDDEN, FFN]}
    v = 'vision_model.'
    t |= {v + 'class_embedding': [V_HIDDEN], v + 'positional_embedding_vlm': [577, V_HIDDEN],
          v + 'patch_embedding.linear.weight': [V_HIDDEN, 588],
          v + 'vision_adapter.mlp.fc1.weight': [4096, V_FFN], v + 'vision_adapter.mlp.fc2.weight': [4096, 4096]}
    for n in ('layernorm_pre', 'layernorm_post'):
        t |= {v + n + '.weight': [V_HIDDEN], v + n + '.bias': [V_HIDDEN]}
    for i in range(V_LAYERS):
        p = f'{v}model.layers.{i}.'
        for n in ('input_layernorm', 'post_attention_layernorm'):
            t |= {p + n + '.weight': [V_HIDDEN], p + n + '.bias': [V_HIDDEN]}
        for n in 'qkvo':
            t |= {f'{p}self_attn.{n}_proj.weight': [V_HIDDEN, V_HIDDEN], f'{p}self_attn.{n}_proj.bias': [V_HIDDEN]}
        t |= {p + 'mlp.fc1.weight': [V_FFN, V_HIDDEN], p + 'mlp.fc1.bias': [V_FFN],
              p + 'mlp.fc2.weight': [V_HIDDEN, V_FFN], p + 'mlp.fc2.bias': [V_HIDDEN]}
    return t


def make_model():
    model = os.path.join(WORK, 'sparse-model')
    os.makedirs(model, exist_ok=True)
    json.dump(CONFIG, open(model + '/config.json', 'w'))
    header, at = {}, 0
    for name, shape in tensors().items():
        size = 2
        for n in shape:
            size *= n
        header[name] = {'dtype': 'BF16', 'shape': shape, 'data_offsets': [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(model + '/model.safetensors', 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        f.truncate(8 + len(text) + at)
    with lzma.open(f'{GOLDEN}/tokenizer/llama4.tokenizer.json.xz') as f:
        open(model + '/tokenizer.json', 'wb').write(f.read())
    return model, at - 2 * VOCAB * HIDDEN  # of the embedding table next to nothing is read


def peak_of(args):
    """(exit code, stdout, peak resident bytes) of one run."""
    p = subprocess.Popen([BINARY, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.stdout.read(), p.stderr.read()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    return p.returncode, out.decode(), err.decode(), usage.ru_maxrss << 10


MODEL, WEIGHTS = make_model()
failed = False
for name, extra in (('text', []), ('text and an image', ['--image', f'{GOLDEN}/images/big.jpg'])):
    code, out, err, peak = peak_of(['classify', '--model', MODEL, '--json', '--user', 'hello ' * 1000, *extra])
    verdict = json.loads(out) if code == 0 else {}
    tokens = verdict.get('usage', {}).get('prompt_tokens', 0)
    cache = 2 * LAYERS * KV * DIM * 2 * (tokens + 256)  # keys and values, BF16; room for pages begun
    over = peak - WEIGHTS - cache
    good = code == 0 and over <= ALLOWED
    failed |= not good
    print(f'{"ok  " if good else "FAIL"} {name}: {tokens} tokens, images {verdict.get("usage", {}).get("image_tokens")} tokens: peak {peak >> 20} MB, '
          f'weights {WEIGHTS >> 20} MB, cache {cache >> 20} MB, over them {over >> 20} MB (at most {ALLOWED >> 20}) {err}')

# The whole of Llama Guard 4 at 2 048 tokens: what a run needs besides weights and cache does not grow with the number
# of layers, the cache does.
WHOLE_LAYERS, SHARE = 48, 0.08
PRODUCTS = WHOLE_LAYERS * HIDDEN * (2 * HEADS * DIM + 2 * KV * DIM + 3 * FFN)  # values in all layers' matrices
REST = 2 * (2 * VOCAB * HIDDEN)  # embeddings and head, BF16; the vision encoder is left out: fewer weights, a stricter bar
code, out, err, peak = peak_of(['classify', '--model', MODEL, '--json', '--user', 'hello ' * 1835])
tokens = json.loads(out)['usage']['prompt_tokens'] if code == 0 else 0
token_bytes = 2 * KV * DIM * 2  # a layer's key and value, BF16
# What this run maps and reads: the text layers and the head, not the vision encoder (else its weights would hide the rest).
read = 2 * LAYERS * PRODUCTS // WHOLE_LAYERS + 2 * VOCAB * HIDDEN
scratch = peak - read - LAYERS * token_bytes * tokens
failed |= code != 0 or not 2000 <= tokens <= 2100 or scratch <= 0
for name, bits in (('BF16', 16), ('q8', 8 + 32 / 128), ('q4', 4 + 32 / 128)):
    weights = PRODUCTS * bits / 8 + REST
    for kind, cache in (('BF16', WHOLE_LAYERS * token_bytes * tokens),
                        ('int8', WHOLE_LAYERS * (token_bytes / 2 + 2 * KV * 4) * tokens)):
        share = (scratch + cache) / weights
        good = share <= SHARE
        failed |= not good
        print(f'{"ok  " if good else "FAIL"} 48 layers, {name}, keys and values {kind}: {tokens} tokens: weights {weights / 1e9:.2f} GB, '
              f'cache {cache / 1e6:.0f} MB, the rest {scratch / 1e6:.0f} MB: {share:.1%} over the weights (at most {SHARE:.0%})')
sys.exit(failed)
