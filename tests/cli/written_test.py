#!/usr/bin/env python3
"""What the commands write as JSON, compared character by character with what was written before a library wrote it.

    written_test.py GATEHOUSE MODEL SCOUT_DIR WORK_DIR            # MODEL: make_model.py's
    written_test.py GATEHOUSE MODEL SCOUT_DIR WORK_DIR --record   # writes the files in written/

The files in written/ were recorded by the program of that time (`conversation` of a prediction came later). Scores depend on the
processor and times on the moment: of these only their place is compared here, their digits in the tests of formats/json.h and policy/verdict_json.h.
"""
import json, os, re, shutil, sys

from program import check, finish, run, with_tokenizer, write_file

MODEL, SCOUT, WORK = map(os.path.abspath, sys.argv[2:5])
RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'written')
# A number that a computation gave: behind one of these names, or in an object or list of them.
COMPUTED = re.compile(r'("(?:unsafe_score|score|cached_tokens|S\d+|ms|image|vision|prefill|decode|total|threshold|scale|bias|before|after|'
                      r'model_fingerprint)": ?)-?(?:\d[\d.e+-]*|"[0-9a-f]{64}")')


def plain(text):
    return COMPUTED.sub(r'\1N', text).replace(WORK, 'WORK').replace(MODEL, 'MODEL')


def keys_of(value):
    """The shape of a report: names in their order, and of everything else its kind."""
    if isinstance(value, dict):
        return {key: keys_of(member) for key, member in value.items()}
    if isinstance(value, list):
        return [keys_of(member) for member in value[:1]]
    return type(value).__name__ if not isinstance(value, (int, float)) or isinstance(value, bool) else 'number'


def texts():
    """(name, what was written) of every command that writes JSON."""
    M = ['--model', MODEL, '--threads', '1']
    yield 'config.json', run('inspect', 'config', '--model', MODEL)[1]
    yield 'tensors.jsonl', run('inspect', 'tensors', '--model', MODEL)[1]
    words = write_file(f'{WORK}/texts.jsonl', '{"text": "hello world"}\n{"text": ""}\n')
    yield 'tokens.jsonl', run('inspect', 'tokens', *M, '--texts', words)[1]
    run('convert', with_tokenizer(SCOUT, f'{WORK}/hf'), f'{WORK}/scout', '--quant', 'q8')
    yield 'gatehouse.json', open(f'{WORK}/scout/gatehouse.json').read()

    asked = ['hi', 'how "do" \\ I\n\u00e9\u4e2d\x01\x7f?', ' ']
    lines = [json.dumps({'id': n, 'messages': [{'role': 'user', 'content': text}]}) for n, text in enumerate(asked)]
    lines += ['{"id":1e5,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}',
              '{"id":123456789012345678901234567890, "messages":[]}', '{"id":"\\u00e9","messages":[{"role":"wizard"}]}']
    lines = write_file(f'{WORK}/lines.jsonl', '\n'.join(lines) + '\n')
    yield 'classify.jsonl', run('classify', *M, '--jsonl', lines, '--threshold', '1')[1]
    custom = '{"A\\u00e9":"bad \\"x\\"","B":"worse"}'
    yield 'custom.json', re.sub(r'("(?:A\u00e9|B)":)[\d.e-]+', r'\1N', run('classify', *M, '--json', '--user', 'x', '--categories', custom, '--threshold', '1')[1])

    rows = [{'id': [f'r{i}', i, i * 1.5][i % 3], 'source': f's\u00e9{i % 4}', 'language': ['en', 'fr'][i % 2], 'n': i,
             'messages': [{'role': 'user', 'content': f'question {i}'}], 'label': 'unsafe' if i % 5 < 2 else 'safe',
             'categories': [f'S{1 + i % 3}'] if i % 5 < 2 else []} for i in range(20)]
    data = write_file(f'{WORK}/rows.jsonl', ''.join(json.dumps(row) + '\n' for row in rows) + '{"id":1e7,"label":5}\n{"id": "bad"\n')
    report = f'{WORK}/report'
    run('eval', *M, '--data', data, '--report', report, '--rounds', '10', '--threshold', '1')
    yield 'predictions.jsonl', open(report + '/predictions.jsonl').read()
    yield 'problems.jsonl', open(report + '/problems.jsonl').read()
    yield 'run.json', open(report + '/run.json').read()
    yield 'report.json', json.dumps(keys_of(json.load(open(report + '/report.json'))), indent=1) + '\n'
    run('eval', '--from', report, '--threshold-search', 'max-f1')
    yield 'thresholds.json', open(report + '/thresholds.json').read()


shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK)
for name, text in texts():
    text = plain(text)
    path = os.path.join(RECORDED, name)
    if sys.argv[5:] == ['--record']:
        os.makedirs(RECORDED, exist_ok=True)
        write_file(path, text)
        continue
    expected = open(path, encoding='utf-8').read()
    differ = [(a, b) for a, b in zip(expected.splitlines() + [''], text.splitlines() + ['']) if a != b]
    check(name + ' as before', text == expected and text, differ[:1] or (len(expected), len(text)))
finish()
