#!/usr/bin/env python3
"""The command line from the outside: exit codes, forms of input, JSONL, and an error of every kind.

    cli_test.py GATEHOUSE CHECKPOINT_DIR WORK_DIR

CHECKPOINT_DIR holds a small Llama 4 checkpoint without a tokenizer (tests/support makes it). Exit 77: not there.
"""
import base64, json, os, shutil, struct, sys, zlib

from program import GOLDEN, check, fails, finish, run, with_tokenizer, write_file

CHECKPOINT, WORK = sys.argv[2:4]


def write(name, data):
    return write_file(os.path.join(WORK, name), data if isinstance(data, bytes) else json.dumps(data))


shutil.rmtree(WORK, ignore_errors=True)
MODEL = with_tokenizer(CHECKPOINT, os.path.join(WORK, 'model'))
M = ['--model', MODEL]
user = lambda text: [{'role': 'user', 'content': text}]

# ---- forms of input
code, out, err = run('classify', *M, '--user', 'hello', '--json')
v = json.loads(out) if code == 0 else {}
KEYS = ['verdict', 'role', 'categories', 'unsafe_score', 'category_scores', 'output', 'model', 'policy', 'usage', 'timings_ms']
check('flags', code == 0 and list(v) == KEYS and v['role'] == 'user' and list(v['category_scores']) == [f'S{i}' for i in range(1, 15)], (code, out, err))
check('scores add up', abs(sum(v['category_scores'].values()) - v['unsafe_score']) < 1e-6, v)
score = v['unsafe_score']
code, out, _ = run('classify', *M, '--conversation', write('c.json', user('hello')), '--json')
check('conversation file gives the same', code == 0 and json.loads(out)['unsafe_score'] == score, out)
code, out, _ = run('classify', *M, '--json', stdin=json.dumps({'id': 'x', 'messages': user('hello')}).encode())
check('standard input, id first', code == 0 and json.loads(out)['unsafe_score'] == score and out.startswith('{"id":"x"'), out)
code, out, _ = run('classify', *M, '--user', 'hi', '--assistant', 'hello', '--json')
check('assistant is judged', code == 0 and json.loads(out)['role'] == 'assistant', out)
code, out, _ = run('classify', *M, '--user', 'hello')
check('report for people', code == 0 and 'unsafe score' in out and 'Violent Crimes' in out and '\033' not in out, out)
code, out, _ = run('classify', *M, '--image', f'{GOLDEN}/images/dot.png', '--user', 'what is this?', '--json')
v = json.loads(out) if code == 0 else {}
check('image drops S14', code == 0 and 'S14' not in v['category_scores'] and v['usage']['images'] == 1 and v['usage']['image_tokens'] == 144, (code, out))
png = base64.b64encode(open(f'{GOLDEN}/images/dot.png', 'rb').read()).decode()
parts = [{'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,' + png}}, {'type': 'text', 'text': 'what is this?'}]
code, out, _ = run('classify', *M, '--json', '--conversation', write('url.json', user(parts)))
check('data URL gives the same', code == 0 and json.loads(out)['unsafe_score'] == v['unsafe_score'], out)


# ---- what stands beside content is judged: each has the verdict of the same words as plain content
def verdict_of(messages, *flags):
    code, out, err = run('classify', *M, '--json', *flags, '--conversation', write('m.json', messages))
    v = json.loads(out) if code == 0 else {}
    return (v['unsafe_score'], v['role'], v['usage']['prompt_tokens'], v['usage']['images']) if code == 0 else (code, err)


def answer(content, **members):
    return user('do it') + [{'role': 'assistant', 'content': content, **members}]


call = {'id': 'c', 'type': 'function', 'function': {'name': 'send', 'arguments': json.dumps({'text': 'the barn burns'})}}
said = verdict_of(answer('send({"text": "the barn burns"})'))
check('a call', len(said) == 4 and verdict_of(answer(None, tool_calls=[call])) == said and verdict_of(answer('')) != said, said)
check('a refusal', verdict_of(answer(None, refusal='no')) == verdict_of(answer('no')))
check('thoughts and content', verdict_of(answer('yes', reasoning_content='hm'))
      == verdict_of(answer([{'type': 'text', 'text': 'hm'}, {'type': 'text', 'text': 'yes'}])))
result = answer(None, tool_calls=[call]) + [{'role': 'tool', 'tool_call_id': 'c', 'content': 'burnt'}]
check('a result of a tool is the user\'s', verdict_of(result) == verdict_of(answer('send({"text": "the barn burns"})') + user('burnt')))
check('an image of Ollama', verdict_of([{'role': 'user', 'content': 'x', 'images': [png]}])
      == verdict_of(user([{'type': 'text', 'text': 'x'}, {'type': 'image', 'path': f'{GOLDEN}/images/dot.png'}])))
check('--merge=on', verdict_of(user('a') + user('b'), '--merge=on') == verdict_of(user([{'type': 'text', 'text': 'a'}, {'type': 'text', 'text': 'b'}])))
check('--tools=refuse', verdict_of(answer('x', tool_calls=[call]), '--tools=refuse')[0] == 3)
developer = [{'role': 'developer', 'content': 'x'}]
check('developer is system', verdict_of(developer + user('hello'), '--system=drop')[0] == score
      and verdict_of(developer + user('y'), '--system=as-user') == verdict_of([{'role': 'system', 'content': 'x'}] + user('y'), '--system=as-user'))

# ---- categories, thresholds, exit codes
code, out, _ = run('classify', *M, '--user', 'x', '--json', '--categories', 'S10,S1', '--exclude', 'S1')
check('choice and exclusion', code == 0 and list(json.loads(out)['category_scores']) == ['S10'], out)
code, out, _ = run('classify', *M, '--user', 'x', '--json', '--categories', '{"B":"bad","A":"worse"}')
check('custom categories keep their order', code == 0 and list(json.loads(out)['category_scores']) == ['B', 'A'], out)
code, out, _ = run('classify', *M, '--user', 'x', '--exit-verdict', '--threshold', '0', '--json')
check('exit 10 for unsafe', code == 10 and json.loads(out)['verdict'] == 'unsafe', (code, out))
code, out, _ = run('classify', *M, '--user', 'x', '--json', '--raw-output')
check('raw output', code == 0 and 'raw_output' in json.loads(out), out)
code, out, _ = run('classify', *M, '--user', 'x', '--json', '--decision', 'greedy')
check('greedy decision of nonsense fails closed', code == 0 and json.loads(out)['categories'] == ['unknown'], out)

code, out, err = run('--version')
check('--version names the kernels', code == 0 and 'instruction set' in out and '--dtype bf16' in out, out)
code, out, err = run('classify', *M, '--user', 'a secret', '--json', '--log-level', 'debug')
check('log: load and request, not what was said', code == 0 and ' ready in ' in err and 'classified' in err and 'secret' not in err, err)
code, out, err = run('classify', *M, '--user', 'x', '--json')
check('no log by default', code == 0 and err == '', err)

# ---- JSONL
lines = [json.dumps(user('one')), '{"broken', json.dumps({'id': 7, 'messages': user('two')}), '', json.dumps({'messages': []})]
code, out, _ = run('classify', *M, '--jsonl', '-', stdin='\n'.join(lines).encode())
rows = [json.loads(l) for l in out.splitlines()]
check('JSONL: in order, bad lines answered, exit 3',
      code == 3 and [r['id'] for r in rows] == [0, 1, 7, 4] and ['error' in r for r in rows] == [False, True, False, True], (code, out))

# ---- bad usage: 2
fails('no subcommand', 2, ['subcommand'])
fails('unknown flag', 2, ['--nonsense'], 'classify', '--nonsense')
fails('two inputs', 2, ['--jsonl'], 'classify', *M, '--user', 'x', '--jsonl', '-')
fails('bad threshold', 2, ['--threshold', '2'], 'classify', *M, '--user', 'x', '--threshold', '2')
fails('unknown instruction set', 2, ['GATEHOUSE_ISA', 'mmx'], 'classify', *M, '--user', 'x', env={'GATEHOUSE_ISA': 'mmx'})

# ---- bad input: 3
bad = lambda name, words, data: fails(name, 3, words, 'classify', *M, '--conversation', write('bad.json', data))
bad('malformed JSON', ['bad.json'], b'{"messages": [')
bad('invalid UTF-8', ['bad.json'], b'[{"role":"user","content":"\xff"}]')
bad('duplicate key', ['role', 'twice'], b'[{"role":"user","role":"user","content":"x"}]')
bad('deep nesting', ['levels'], b'[' * 100000)
bad('no messages', ['at least one message'], [])
bad('null content', ['content'], user(None))
bad('empty content list', ['content'], user([]))
bad('wrong order of roles', ['alternate', 'role'], [{'role': 'assistant', 'content': 'x'}])
bad('system message', ['system'], [{'role': 'system', 'content': 'x'}] + user('y'))
bad('unknown role', ['narrator'], [{'role': 'narrator', 'content': 'x'}])
bad('a member that is not judged', ['[0].audio'], [{'role': 'user', 'content': 'x', 'audio': {'id': 'a'}}])
bad('neighbours of one role', ['alternate', '--merge=on'], user('x') + user('y'))
bad('unknown part', ['audio'], user([{'type': 'audio'}]))
bad('empty categories', ['categories'], {'messages': user('x'), 'categories': {}})
bad('unknown excluded key', ['exclude', 'S99'], {'messages': user('x'), 'exclude': ['S99']})
bad('everything excluded', ['at least one'], {'messages': user('x'), 'categories': {'A': 'a'}, 'exclude': ['A']})
bad('image that is none', ['gone.png'], user([{'type': 'image', 'path': 'gone.png'}]))
bad('network image', ['data URL'], user([{'type': 'image_url', 'image_url': {'url': 'http://127.0.0.1/x.png'}}]))
write('cut.png', open(f'{GOLDEN}/images/small.png', 'rb').read()[:2000])
bad('truncated image', ['cut.png'], user([{'type': 'image', 'path': 'cut.png'}]))
chunk = lambda kind, data: struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
write('huge.png', b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 100000, 100000, 8, 2, 0, 0, 0)))
bad('decompression bomb', ['huge.png', 'pixels'], user([{'type': 'image', 'path': 'huge.png'}]))
FRAMES = os.path.join(GOLDEN, '..', 'image', 'frames')
show = lambda name, *more: run('classify', *M, '--dtype', 'f32', '--image', f'{FRAMES}/{name}', '--user', 'what is this?', '--json', *more)
fails('animation', 3, ['pictures.gif', '4 frames', '--frames'], 'classify', *M, '--image', f'{FRAMES}/pictures.gif', '--user', 'x')
fails('no frames', 2, ['--frames'], 'classify', *M, '--image', f'{FRAMES}/pictures.gif', '--user', 'x', '--frames', '0')
ends = [json.loads(show(f'still-{k}.png')[1]) for k in (0, 3)]
code, out, err = show('pictures.gif', '--frames', '2')
v = json.loads(out) if code == 0 else {'usage': {}}
check('the worst of two frames', code == 0 and v['usage']['frames'] == 2 and v['unsafe_score'] == max(e['unsafe_score'] for e in ends)
      and v['usage']['prompt_tokens'] == sum(e['usage']['prompt_tokens'] for e in ends) and ends[0]['usage']['frames'] == 0, (code, out, err))
write('photo.heic', b'\0\0\0\x18ftypheic\0\0\0\0mif1heic')
bad('HEIC', ['photo.heic', 'HEIC'], user([{'type': 'image', 'path': 'photo.heic'}]))
LONG = write('long.json', user('word ' * 1500))
limit = ['--max-prompt-tokens', '900']
code, out, err = run('classify', *M, '--json', '--conversation', LONG, *limit)
v = json.loads(out) if code == 0 else {}
check('a long message in windows', code == 0 and v['windows'] > 3 and v['dropped_messages'] == 0 and v['usage']['prompt_tokens'] <= 900 * v['windows'], (code, out, err))
fails('prompt too long', 3, ['at most 900 tokens'], 'classify', *M, '--conversation', LONG, *limit, '--long', 'error')
fails('too many windows', 3, ['at most 2 windows'], 'classify', *M, '--conversation', LONG, *limit, '--max-windows', '2')
fails('no room for text', 3, ['no room for text'], 'classify', *M, '--conversation', LONG, '--max-prompt-tokens', '100')
code, out, err = run('classify', *M, '--json', '--user', 'short')
check('what fits has no windows', code == 0 and 'windows' not in json.loads(out), (code, out, err))
fails('threshold for an unknown category', 3, ['S99', 'S1, S2'], 'classify', *M, '--user', 'x', '--threshold', '0.5,S99=0.1')
code, out, err = run('classify', *M, '--user', 'x', '--exclude', 'S6', '--threshold', '0.5,S6=0.1', '--json')
check('threshold for a category left out is fine', code == 0, err)
fails('missing file', 3, ['nowhere.json'], 'classify', *M, '--conversation', 'nowhere.json')
code, out, err = run('classify', *M, '--json', '--system', 'drop', '--conversation', write('s.json', [{'role': 'system', 'content': 'x'}] + user('hello')))
check('--system=drop', code == 0 and json.loads(out)['unsafe_score'] == score, err)

# ---- models that do not load: 4
fails('no such model', 4, ['nowhere'], 'classify', '--model', 'nowhere', '--user', 'x')


def broken(name, words, change):
    copy = os.path.join(WORK, 'broken')
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(MODEL, copy, symlinks=True)
    change(copy)
    fails(name, 4, words, 'classify', '--model', copy, '--user', 'x')


def edit_config(change):
    def apply(copy):
        config = json.load(open(copy + '/config.json'))
        change(config)
        os.remove(copy + '/config.json')
        json.dump(config, open(copy + '/config.json', 'w'))
    return apply


def truncate(copy):
    shard = next(f for f in sorted(os.listdir(copy)) if f.endswith('.safetensors'))
    data = open(f'{copy}/{shard}', 'rb').read()
    os.remove(f'{copy}/{shard}')
    open(f'{copy}/{shard}', 'wb').write(data[:len(data) // 2])


broken('no config', ['config.json'], lambda c: os.remove(c + '/config.json'))
broken('no tokenizer', ['tokenizer'], lambda c: os.remove(c + '/tokenizer.json'))
broken('unknown model type', ['model_type', 'bert'], edit_config(lambda c: c.update(model_type='bert')))
broken('absurd size', ['hidden_size'], edit_config(lambda c: c['text_config'].update(hidden_size=-5)))
broken('wrong shape', ['expected'], edit_config(lambda c: c['text_config'].update(intermediate_size_mlp=768)))
broken('missing layer', ['expected'], edit_config(lambda c: c['text_config'].update(num_hidden_layers=6, no_rope_layers=[1] * 6)))
broken('truncated weights', ['safetensors'], truncate)
fails('bad policy', 4, ['policy.json', 'messages'], 'classify', *M, '--user', 'x', '--policy',
      write('policy.json', {**json.load(open(GOLDEN + '/../../models/policies/mlcommons-s14.json')), 'prompt': [{'text': 'x'}]}))

# ---- the rest of the house
for args in (['classify', '--help'], ['inspect', '--help'], ['convert', '--help'], ['prune', '--help'], ['bench', '--help']):
    code, out, _ = run(*args)
    check(' '.join(args), code == 0 and 'sage' in out, out)
# Kernels of a small product: a line each, and figures that fit each other.
code, out, err = run('bench', 'kernels', '--json', '--rounds', '1', '--m', '2,16', '--product', '64x256', '--threads', '1')
lines = [json.loads(line) for line in out.splitlines()] if code == 0 else []
check('bench kernels: a line for each kernel and M', [(line['kernel'], line['m']) for line in lines]
      == [(kernel, m) for kernel in ('f32', 'bf16', 'q8', 'q4') for m in (2, 16)], (out, err))
for line in lines:
    check('bench kernels: ' + line['kernel'], {'kernel', 'isa', 'm', 'n', 'k', 'gops', 'peak', 'share'} <= set(line)
          and (line['n'], line['k'], line['threads']) == (64, 256, 1) and 0 < line['bound'] <= line['peak']
          and (line['m'] <= 8 or line['bound'] == line['peak'])
          and abs(line['share'] * line['bound'] - line['gops']) <= 0.1 + 0.01 * line['gops'], line)
fails('bench kernels: not a product', 2, ['--product', '33x64'], 'bench', 'kernels', '--product', '33x64')
code, out, err = run('bench', 'prefill', *M, '--tokens', '20', '--rounds', '1', '--json')
found = json.loads(out) if code == 0 else {}
check('bench prefill of a model', code == 0 and found['tokens_per_s'] > 0 and found['weights'] == 'bf16', (out, err))
# Requests to a shape without a model's files.
small = ('--shape', 'smollm2-135m', '--layers', '1', '--json', '--rounds', '2')
code, out, err = run('bench', 'request', *small, '--quant', 'q8', '--tokens', '12', '--categories', '3')
found = json.loads(out) if code == 0 else {}
check('bench request of a shape', code == 0 and found['warm_ms'] > 0 and found['rows'] > found['new_tokens'] > 12
      and found['prompt_tokens'] > found['new_tokens'], (out, err))
code, out, err = run('bench', 'batch', *small, '--clients', '3')
found = json.loads(out) if code == 0 else {}
check('bench batch of a shape', code == 0 and found['rows_per_s'] > found['tokens_per_s'] > 0, (out, err))
fails('bench request: a model and a shape', 2, ['--shape'], 'bench', 'request', *M, '--shape', 'smollm2-135m')
code, out, _ = run('version', '--verbose')
check('version names the kernels', code == 0 and 'products' in out and 'instruction set' in out, out)

converted = os.path.join(WORK, 'converted')
code, _, err = run('convert', MODEL, converted)
check('convert', code == 0, err)
code, out, err = run('classify', '--model', converted, '--user', 'hello', '--json')
check('converted model gives the same bits', code == 0 and json.loads(out)['unsafe_score'] == score, (out, err))
for isa in ('ref', 'avx2'):
    code, out, err = run('classify', *M, '--user', 'hello', '--json', '--dtype', 'f32', env={'GATEHOUSE_ISA': isa})
    check('--dtype f32 with ' + isa, (code == 2 and isa == 'avx2') or (code == 0 and abs(json.loads(out)['unsafe_score'] - score) < 0.02), (out, err))


# ---- calibrated conversion
def calibration(name, lines):
    path = os.path.join(WORK, name)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(''.join(line + '\n' for line in lines))
    return path


row = json.dumps({'id': 'N', 'label': 'safe', 'messages': [{'role': 'user', 'content': 'hello number N'}]})
rows = [row.replace('N', str(i)) for i in range(10)]
rounded = os.path.join(WORK, 'rounded')
for what, lines, flags, expected, words in (
        ('of few rows', rows[:3], (), 3, 'at least 8'),
        ('with a bad row', rows[:4] + ['{"id": 4, "messages": []}'] + rows[5:], (), 3, 'line 5'),
        ('that is empty', [], (), 3, 'calibration-file'),
        ('with no such size', rows, ('--calibrate-memory', 'much'), 2, '--calibrate-memory'),
        ('with more than all finer', rows, ('--calibrate-finer', '101'), 2, '--calibrate-finer'),
        ('with too little memory', rows, ('--calibrate-memory', '1KB'), 2, '--calibrate-memory')):
    path = calibration('calibration-file.jsonl', lines)
    code, out, err = run('convert', MODEL, rounded, '--quant', 'q8', '--calibrate', path, *flags)
    check('calibration file ' + what, code == expected and words in err and not os.path.exists(rounded), (code, out, err))
code, _, err = run('convert', MODEL, rounded, '--quant', 'q8', '--calibrate', os.path.join(WORK, 'none.jsonl'))
check('calibration file that is not there', code == 3 and 'none.jsonl' in err, err)
path = calibration('calibration-file.jsonl', rows)
code, _, err = run('convert', MODEL, rounded, '--calibrate', path)
check('calibration without rounding', code == 2 and '--quant' in err, err)
code, out, err = run('convert', MODEL, rounded, '--quant', 'q8', '--calibrate', path)
check('calibrated conversion says what it did', code == 0 and '10 conversations' in out, (out, err))
code, out, err = run('classify', '--model', rounded, '--user', 'hello', '--json')
check('calibrated model answers', code == 0 and abs(json.loads(out)['unsafe_score'] - score) < 0.05, (out, err))

code, out, err = run('convert', MODEL, rounded, '--quant', 'q4', '--calibrate', path, '--calibrate-finer', '100')
check('--calibrate-finer is a share of the weights', code == 0 and '100.0 % of those rounded' in out, (out, err))

finish()
