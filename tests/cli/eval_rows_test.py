#!/usr/bin/env python3
"""Rows of eval are judged as classify judges conversations: every flag that both have, forms of data, ids, and
what ends a run.

    eval_rows_test.py GATEHOUSE CHECKPOINT_DIR WORK_DIR

CHECKPOINT_DIR holds a small Llama 4 checkpoint without a tokenizer (tests/support makes it). Exit 77: not there.
"""
import base64, csv, io, json, os, random, re, shutil, struct, subprocess, sys, zlib

from program import BINARY, check, finish, run, with_tokenizer, write_file

CHECKPOINT, WORK = map(os.path.abspath, sys.argv[2:4])
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
count = 0


def write(name, data):
    return write_file(os.path.join(WORK, name), data)


def lines(values):
    return ''.join(json.dumps(v) + '\n' for v in values)


def evaluate(data, *flags, ending='.jsonl', model=True, report=None):
    """(exit code, errors, lines of the record, lines of problems.jsonl, the report) of one run."""
    global count
    count += 1
    path = data if os.path.exists(data if isinstance(data, str) else '') else write('data%d%s' % (count, ending), data)
    out = report or os.path.join(WORK, 'report%d' % count)
    code, text, err = run('eval', *(M if model else []), '--data', path, '--report', out, '--rounds', '2', *flags)
    def read(name):
        try:
            return open(os.path.join(out, name), encoding='utf-8').read()
        except OSError:
            return ''
    whole = read('report.json')
    return code, err, read('predictions.jsonl').splitlines(), read('problems.jsonl').splitlines(), json.loads(whole) if whole else {}


def scores(record):
    return [json.loads(r).get('unsafe_score') for r in record]


def user(content):
    return {'role': 'user', 'content': content}


def assistant(content):
    return {'role': 'assistant', 'content': content}


shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK + '/elsewhere')
with_tokenizer(CHECKPOINT, WORK + '/hf')
subprocess.run([BINARY, 'convert', WORK + '/hf', WORK + '/model'], check=True, capture_output=True)
M = ['--model', WORK + '/model', '--threads', '1']


# ---- pictures: one that a half is transparent of, one that its EXIF turns, others by path
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png(width, height, pixel, exif=None):
    rows = b''.join(b'\0' + b''.join(bytes(pixel(x, y)) for x in range(width)) for y in range(height))
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 6, 0, 0, 0)) +
            (chunk(b'eXIf', exif) if exif else b'') + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


TURNED = b'MM\0*' + struct.pack('>IHHHIHHI', 8, 1, 0x112, 3, 1, 6, 0, 0)  # orientation 6: a quarter turn
write('glass.png', png(40, 30, lambda x, y: (6 * x, 8 * y, 90, 0 if x < 20 else 255)))
write('turned.png', png(40, 30, lambda x, y: (6 * x, 8 * y, 200, 255), TURNED))
write('plain.png', png(40, 30, lambda x, y: (6 * x, 8 * y, 200, 255)))
shutil.copy(WORK + '/plain.png', WORK + '/elsewhere/root.png')
DATA_URL = 'data:image/png;base64,' + base64.b64encode(open(WORK + '/plain.png', 'rb').read()).decode()


def picture(path, text='what is this?'):
    return [user([{'type': 'image', 'path': path}, {'type': 'text', 'text': text}])]


POLICY = json.load(open(os.path.join(os.path.dirname(TESTS), 'models', 'policies', 'mlcommons-s14.json')))
POLICY['categories'][0]['text'] = 'Juggling.'
write('policy.json', json.dumps(POLICY))


def adapter():
    """A PEFT adapter of rank 2 of one layer's q_proj, with numbers that change the scores."""
    with open(CHECKPOINT + '/config.json') as f:
        config = json.load(f)
    text = config.get('text_config', config)
    outputs, inputs = text['num_attention_heads'] * text.get('head_dim', text['hidden_size'] // text['num_attention_heads']), text['hidden_size']
    g, blob, head = random.Random(1), b'', {}
    for part, shape in (('lora_A', (2, inputs)), ('lora_B', (outputs, 2))):
        data = struct.pack('<%df' % (shape[0] * shape[1]), *(g.gauss(0, 1) for _ in range(shape[0] * shape[1])))
        name = 'base_model.model.language_model.model.layers.0.self_attn.q_proj.%s.weight' % part
        head[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [len(blob), len(blob) + len(data)]}
        blob += data
    os.makedirs(WORK + '/adapter')
    text = json.dumps(head).encode()
    write('adapter/adapter_model.safetensors', struct.pack('<Q', len(text)) + text + blob)
    write('adapter/adapter_config.json', json.dumps({'peft_type': 'LORA', 'r': 2, 'lora_alpha': 8, 'target_modules': ['q_proj'], 'bias': 'none'}))
    return WORK + '/adapter'


ASK = [user('How do I juggle?')]
SYSTEM = [{'role': 'system', 'content': 'You are a juggler.'}, *ASK]
CALL = [*ASK, {'role': 'assistant', 'content': None, 'tool_calls': [{'id': 'c', 'type': 'function', 'function': {'name': 'throw', 'arguments': '{"balls": 3}'}}]}]
LONG = [user('word ' * 8100)]
TWO = [user('How do I'), user('juggle?')]
# flag: (values, a conversation that it changes the verdict of, or makes an error or none of one)
FLAGS = {
    '--policy': ([WORK + '/policy.json'], ASK),
    '--adapter': ([None], ASK),
    '--dtype': (['f32'], ASK),
    '--kv': (['int8'], ASK),
    '--max-image-bytes': (['20'], picture('plain.png')),
    '--max-image-pixels': (['20'], picture('plain.png')),
    '--max-images': (['0'], picture('plain.png')),
    '--alpha': (['white'], picture('glass.png')),
    '--no-exif': ([], picture('turned.png')),
    '--categories': (['S9,S1'], ASK),
    '--exclude': (['S1,S2,S3'], ASK),
    '--threshold': (['0', '1', '1,S3=0.0001'], ASK),
    '--decision': (['greedy'], ASK),
    '--system': (['drop', 'as-user'], SYSTEM),
    '--tools': (['refuse'], CALL),
    '--merge': (['on'], TWO),
    '--image-root': ([WORK + '/elsewhere'], picture('root.png')),
    '--frames': (['2'], None),
    '--normalize': ([], [user('How do I j u g g l e?')]),
    '--long': (['error'], LONG),
    '--max-windows': (['1'], LONG),
    '--max-prompt-tokens': (['600'], [user('word ' * 500)]),
}
# They change no verdict: how fast, where, what is said of it.
WITHOUT_EFFECT = {'--model', '--device', '--threads', '--cache-bytes', '--kv-bytes', '--log-level', '--raw-output', '--help'}


def flags_of(command):
    return set(re.findall(r'^\s+(?:-h,\s*)?(--[a-z][a-z-]*)', run(command, '--help')[1], re.M))


shared = flags_of('classify') & flags_of('eval')
check('the table has every flag that classify and eval share', len(shared) > 15 and shared <= set(FLAGS) | WITHOUT_EFFECT, shared - set(FLAGS) - WITHOUT_EFFECT)


def animated():
    from PIL import Image
    frames, out = [Image.new('RGB', (32, 32), c) for c in ('navy', 'orange')], io.BytesIO()
    frames[0].save(out, 'GIF', save_all=True, append_images=frames[1:], duration=500)
    write('moving.gif', out.getvalue())
    return picture('moving.gif')


def judged(answer):
    """The score, the verdict and its categories; or that there is none."""
    if answer.get('error') or 'unsafe_score' not in answer:
        return 'error'
    return round(answer['unsafe_score'], 8), answer['verdict'], answer.get('verdict_categories', answer.get('categories')), len(answer['category_scores'])


def same_in_both(messages, *flags, model=M):
    path = write('one.jsonl', lines([{'id': 'x', 'messages': messages}]))
    code, out, err = run('classify', *model, '--jsonl', path, *flags)
    a = judged(json.loads(out)) if out else err
    code, err, record, problems, _ = evaluate(lines([{'id': 'x', 'messages': messages, 'label': 'unsafe'}]), *model, *flags, model=False)
    b = judged(json.loads(record[0])) if record else 'error' if problems and code == 3 else err
    return a, b


plains = {}
for flag in sorted(shared & set(FLAGS)):
    values, messages = FLAGS[flag]
    model = M
    if flag == '--adapter':
        values, model = [adapter()], ['--model', WORK + '/hf', '--threads', '1']
    if flag == '--frames':
        try:
            messages = animated()
        except ImportError:
            print('skip  --frames: no Pillow')
            continue
    key = json.dumps([messages, model])
    if key not in plains:
        plains[key] = same_in_both(messages, model=model)
    plain = plains[key]
    check('without %s' % flag, plain[0] == plain[1], plain)
    changed = flag in ('--decision', '--threshold')  # this model of random numbers answers nothing, which is unsafe
    for value in values or [None]:
        got = same_in_both(messages, flag, *([value] if value else []), model=model)
        check('%s %s: as classify' % (flag, value or ''), got[0] == got[1], got)
        changed = changed or got[0] != plain[0]
    check('%s changes it' % flag, changed, plain)
got, plain = same_in_both([user([{'type': 'image_url', 'image_url': {'url': DATA_URL}}, {'type': 'text', 'text': 'what is this?'}])]), same_in_both(picture('plain.png'))
check('data URLs', got == plain and got[0] == got[1] and got[0] != 'error', (got, plain))

# ---- one data set in many forms: the same scores
random.seed(4)
LETTERS = ['a', ' ', "'", '"', '\\', '\n', '\t', ',', ';', '\r', '\u00e9', '\u2028', '\U0001f600', '\x01', '\xa0', '{', '[', 'role', "\\'", '\\n', 'None']
texts = [''.join(random.choice(LETTERS) for _ in range(random.randrange(1, 30))) + str(i) for i in range(60)]
rows = []
for i, t in enumerate(texts):
    chat = [user(t)] if i % 3 else [user(t), assistant([{'type': 'text', 'text': texts[-i]}])]
    rows.append({'id': 'r%d' % i, 'messages': chat, 'label': 'unsafe' if i % 2 else 'safe'})
code, err, record, problems, _ = evaluate(lines(rows))
right = scores(record)
check('the rows as JSONL', code == 0 and len(right) == len(rows) and not problems and len(set(right)) == len(rows), (code, err, problems[:1]))


def table(separator, encode, before=''):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator='\n')
    writer.writerow(['id', 'chat', 'label'])
    for r in rows:
        writer.writerow([r['id'], encode(r['messages']), r['label']])
    return before + out.getvalue()


MAP = ['--map', 'prompt=chat,label=label,id=id']
FORMS = {
    'a JSON list': (json.dumps(rows), '.json', []),
    'an indented JSON list': (json.dumps(rows, indent=1, ensure_ascii=False), '.jsonl', []),
    'CSV with lists as JSON': (table(',', json.dumps), '.csv', MAP),
    'CSV with lists as Python prints them': (table(',', repr), '.csv', MAP),
    'CSV of our own shape': (table(',', repr).replace('id,chat,', 'id,messages,', 1), '.csv', []),
    'semicolons': (table(';', repr), '.csv', MAP),
    'semicolons and sep=': (table(';', repr, 'sep=;\n'), '.csv', MAP),
    'tabs': (table('\t', repr), '.tsv', MAP),
    'UTF-16 with its mark': (table('\t', repr).encode('utf-16'), '.csv', MAP),
    'UTF-16 BE with its mark': (b'\xfe\xff' + table(',', json.dumps).encode('utf-16-be'), '.csv', MAP),
    'UTF-8 with its mark': (b'\xef\xbb\xbf' + lines(rows).encode(), '.jsonl', []),
}
for name, (data, ending, flags) in FORMS.items():
    code, err, record, problems, _ = evaluate(data, *flags, ending=ending)
    check(name, code == 0 and scores(record) == right and not problems, (code, err, problems[:1], len(record)))

# ---- ids, byte for byte
ids = ['12345678901234567890123', '7', '1.0', '1e5', '-0', r'"a\u00e9\/"', '"7"', '""', 'true', '[1, 2.0]', '7', '"7"']
good = ''.join('{"messages": [{"role": "user", "content": "x%d"}], "label": "safe", "id": %s}\n' % (i, text) for i, text in enumerate(ids))
bad = ''.join('{"id":%s,"messages":[{"role":"narrator","content":"x"}],"label":"safe"}\n' % text for text in ids)
code, err, record, problems, _ = evaluate(good + bad + '{"id": "cut", "messages": [\n')
got = [re.match(r'\{"id":(.*?),"source":', r).group(1) for r in record]
check("ids in eval's record", code == 0 and got == ids, (code, err, got))
got = [re.match(r'(?:\{"id":(.*?),|\{)"file":', p).group(1) for p in problems]
check('ids of rows that cannot be read', got == ids + [None], got)
again = evaluate(write('again.jsonl', good + bad), report=WORK + '/again')
first = open(WORK + '/again/predictions.jsonl', 'rb').read()
open(WORK + '/again/predictions.jsonl', 'wb').write(b''.join(first.splitlines(True)[:5]))
code, err, record, _, _ = evaluate(WORK + '/again.jsonl', report=WORK + '/again')
strip = lambda text: re.sub(r'"ms":[0-9.e-]+', '', text)
check('ids while going on', code == 0 and strip('\n'.join(record) + '\n') == strip(first.decode()) and 'went on' in err, (code, err))
plain = re.sub(r', "label": "safe"', '', good) + re.sub(r',"label":"safe"', '', bad) + '{"id": "cut", "messages": [\n'
code, out, err = run('classify', *M, '--jsonl', write('ids.jsonl', plain))
got = [re.match(r'\{"id":(.*?),"(?:verdict|error)":', line).group(1) for line in out.splitlines()]
check("ids of classify's answers and errors", code == 3 and got == ids + ids + [str(2 * len(ids))], got)
code, out, err = run('classify', *M, '--json', '--conversation', write('one.json', '{"id": 12345678901234567890123,\n"messages": [{"role": "user", "content": "x"}]}'))
check('the id of a conversation file', code == 0 and out.startswith('{"id":12345678901234567890123,"verdict"'), out)

# ---- categories
rows = [{'messages': [user('one')], 'label': '1.0', 'categories': 'S1, S2'}, {'messages': [user('two')], 'label': True, 'categories': ['S1', 'Spam']},
        {'messages': [user('three')], 'label': 'yes', 'categories': ['S1']}, {'messages': [user('four')], 'label': 'no', 'categories': ''}]
code, err, record, problems, report = evaluate(lines(rows))
group = lambda key: (report.get('groups', {}).get('category', {}).get(key) or {}).get('n', 0)
check('keys in one string, and one that the policy lacks', code == 0 and not problems and (group('S1'), group('S2'), group('Spam')) == (3, 2, 0)
      and report['unknown_categories'] == 1 and report['unlisted_categories'] == {'Spam': 1}, (code, err, problems, group('S1'), group('S2')))
code, err, record, problems, report = evaluate(lines(rows), '--categories', '{"S1":"S1: Juggling.","Spam":"Spam: Adverts."}')
check('the keys of a list of its own', code == 0 and report.get('unlisted_categories') == {'S2': 1}, (code, err, report.get('unlisted_categories')))

# ---- what ends a run
POINTER = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 20480\n'
for name, data, ending, words in (
        ('an LFS pointer', POINTER, '.jsonl', ['Git LFS pointer', 'git lfs pull']),
        ('Parquet', b'PAR1\x15\x04', '.parquet', ['Parquet', 'pandas.read_parquet']),
        ('rows that all fail', lines([{'messages': [{'role': 'narrator', 'content': 'x'}], 'label': 1}] * 3), '.jsonl', ['no row could be read', '3 that cannot', 'narrator']),
        ('rows that cannot be judged', lines([{'messages': [user('word ' * 300000)], 'label': 1}] * 2), '.jsonl', ['no row could be judged', '2 errors']),
        ('a header alone', 'id,messages,label\n', '.csv', ['no rows'])):
    code, err, record, problems, report = evaluate(data, ending=ending)
    check(name + ': exit 3', code == 3 and all(w in err for w in words) and not report, (code, err))
code, err, _, _, _ = evaluate(lines(rows), '--where', 'split=test')
check('no row selected: exit 3', code == 3 and 'no row is selected' in err and 'none of 4' in err, (code, err))

# ---- what a record belongs to
base = write('base.jsonl', lines(rows))
code, err, _, _, _ = evaluate(base, report=WORK + '/kept')
check('the run to go on with', code == 0, err)
for flags, word in ((['--kv', 'int8'], 'kv (auto there, int8 here)'), (['--alpha', 'white'], 'alpha (drop there, white here)'), (['--no-exif'], 'exif'),
                    (['--system', 'drop'], 'system (refuse there, drop here)'), (['--image-root', WORK], 'image_root'), (['--policy', WORK + '/policy.json'], 'policy_text'),
                    (['--max-images', '3'], 'max_images'), (['--tools', 'refuse'], 'tools (judge there, refuse here)'), (['--merge', 'on'], 'merge'), (['--frames', '2'], 'frames')):
    if flags[0] not in shared:
        print('skip  another', flags[0])
        continue
    code, err, _, _, _ = evaluate(base, *flags, report=WORK + '/kept')
    check('another %s refuses to go on' % flags[0], code == 3 and 'another run' in err and word in err, (code, err))
code, err, _, _, _ = evaluate(base, report=WORK + '/kept')
check('the same goes on', code == 0 and 'went on' in err, (code, err))
finish()
