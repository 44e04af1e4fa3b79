#!/usr/bin/env python3
"""gatehouse eval from the outside: killed at random instants and gone on with, made again without a model, errors.

    eval_test.py GATEHOUSE CHECKPOINT_DIR WORK_DIR [KILLS]

CHECKPOINT_DIR holds a small Llama 4 checkpoint without a tokenizer (tests/support makes it). Exit 77: not there.
"""
import csv, gzip, json, os, random, shutil, signal, subprocess, sys, time

import program
from program import BINARY, check, finish, with_tokenizer

CHECKPOINT, WORK = map(os.path.abspath, sys.argv[2:4])
KILLS = int(sys.argv[4]) if len(sys.argv) > 4 else 50


def run(*args):
    return program.run('eval', *args, timeout=600)


shutil.rmtree(WORK, ignore_errors=True)
with_tokenizer(CHECKPOINT, WORK + '/hf')
subprocess.run([BINARY, 'convert', WORK + '/hf', WORK + '/model'], check=True, capture_output=True)
M = ['--model', WORK + '/model', '--threads', '1']

rng = random.Random(5)
rows = []
for i in range(200):
    unsafe = rng.random() < 0.4
    messages = [{'role': 'user', 'content': f'question {i} ' + 'word ' * rng.randrange(6)}]
    if i % 3 == 0:
        messages.append({'role': 'assistant', 'content': f'answer {i}'})
    rows.append({'id': f'r{i}', 'source': f'set{i % 4}', 'language': ['en', 'fr', 'de'][i % 3], 'role': messages[-1]['role'],
                 'messages': messages, 'label': 'unsafe' if unsafe else 'safe', 'categories': [f'S{1 + i % 5}'] if unsafe else [],
                 'categories_known': True, 'split': 'test' if i % 2 else 'valid'})
DATA = WORK + '/rows.jsonl.gz'
with gzip.open(DATA, 'wt') as f:
    for row in rows:
        f.write(json.dumps(row) + '\n')
    f.write('{"id": "bad"\n')  # cannot be read: counted and listed

# ---- one run without interruption
begin = time.monotonic()
code, out, err = run(*M, '--data', DATA, '--report', WORK + '/whole', '--rounds', '50', '--by', 'split')
took = time.monotonic() - begin
check('runs', code == 0 and 'by source' in out and '1 rows could not be read' in err, (code, out[-300:], err))
strip = lambda line: {k: v for k, v in json.loads(line).items() if k != 'ms'}
whole = [strip(l) for l in open(WORK + '/whole/predictions.jsonl')]
check('one prediction a row, in order', [p['id'] for p in whole] == [r['id'] for r in rows])
NAMES = {'id', 'source', 'language', 'role', 'images', 'label', 'categories', 'unsafe_score', 'category_scores', 'verdict'}
check('the record says what it must', all(NAMES <= set(p) for p in whole), whole[0])
# r0 has an answer, which the prompt's number leaves out.
with open(WORK + '/prompts.jsonl', 'w') as f:
    for name, messages in (('p', rows[0]['messages'][:1]), ('a', rows[0]['messages']), ('q', rows[1]['messages'][:1])):
        f.write(json.dumps({'id': name, 'messages': messages, 'label': 'safe'}) + '\n')
code, out, err = run(*M, '--data', WORK + '/prompts.jsonl', '--report', WORK + '/prompts', '--rounds', '1')
numbers = [json.loads(l)['conversation'] for l in open(WORK + '/prompts/predictions.jsonl')] if code == 0 else [err] * 3
check('a prompt and its answer are one conversation, another prompt is another', numbers[0] == numbers[1] == whole[0]['conversation']
      and numbers[2] == whole[1]['conversation'] != numbers[0] and len({p['conversation'] for p in whole}) == len(whole), numbers)
problems = [json.loads(l) for l in open(WORK + '/whole/problems.jsonl')]
check('the bad line is named', len(problems) == 1 and problems[0]['line'] == 201 and problems[0]['reason'], problems)
report = json.load(open(WORK + '/whole/report.json'))
check('report.json', report['n'] == 200 and report['problems'] == 1 and set(report['groups']) >= {'source', 'category', 'language', 'role', 'images', 'split'}
      and report['groups']['source']['set1']['n'] == 50, list(report))
page = open(WORK + '/whole/report.html', encoding='utf-8').read()
check('report.html', page.startswith('<!') and 'question ' in page and 'http://' not in page.replace('http://www.w3.org', ''), page[:200])

# ---- kill -9 at random instants, and go on
cut, killed = WORK + '/cut', 0
for attempt in range(2000):
    p = subprocess.Popen([BINARY, 'eval', *M, '--data', DATA, '--report', cut, '--rounds', '10'],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if killed < KILLS:
        time.sleep(rng.random() * 0.15 + took / KILLS / 2)
        if p.poll() is None:
            p.send_signal(signal.SIGKILL)
            killed += 1
            p.wait()
            continue
        # finished: begin anew, there are kills left
        p.wait()
        if p.returncode == 0:
            done = [strip(l) for l in open(cut + '/predictions.jsonl')]
            if done != whole:
                break
            shutil.rmtree(cut)
        continue
    p.wait()
    check('finishes after the kills', p.returncode == 0, p.stderr.read())
    break
resumed = [strip(l) for l in open(cut + '/predictions.jsonl')]
check(f'{killed} kills: no row lost, none judged twice, the same scores', killed == KILLS and resumed == whole,
      (killed, len(resumed), len(whole)))

# ---- again without a model
code, out, err = run('--from', WORK + '/whole', '--report', WORK + '/again', '--rounds', '50', '--by', 'split')
again = json.load(open(WORK + '/again/report.json'))
# the bad line is known from problems.jsonl beside the record
same = lambda r: {k: v for k, v in r.items() if k not in ('mistakes',)}
check('--from makes the same report', code == 0 and same(again) == same(report), (code, err))
code, out, err = run('--from', WORK + '/whole', '--report', WORK + '/high', '--threshold', '1.0', '--rounds', '5')
high = json.load(open(WORK + '/high/report.json')) if code == 0 else {}
check('--from with another threshold', code == 0 and high['threshold'] == 1.0, (code, err))

# ---- what a record belongs to
code, out, err = run(*M, '--data', DATA, '--report', WORK + '/whole', '--exclude', 'S3')
check('other options refuse to go on', code == 3 and 'another run' in err, (code, err))
code, out, err = run(*M, '--dtype', 'f32', '--data', DATA, '--report', WORK + '/whole')
check('another precision refuses to go on', code == 3 and 'another run' in err, (code, err))
with gzip.open(WORK + '/other.jsonl.gz', 'wt') as f:
    f.write(json.dumps(rows[1]) + '\n')
code, out, err = run(*M, '--data', WORK + '/other.jsonl.gz', '--report', WORK + '/whole')
check('other data refuse to go on', code == 3 and 'another run' in err, (code, err))

# ---- forms of data
with open(WORK + '/t.csv', 'w', newline='') as f:
    w = csv.writer(f)
    w.writerow(['text', 'is_toxic'])
    w.writerow(['hello, "you"\nthere', 0])
    w.writerow(['bad', 1])
code, out, err = run(*M, '--data', WORK + '/t.csv', '--map', 'prompt=text,label=is_toxic', '--report', WORK + '/csv')
check('mapped CSV', code == 0 and json.load(open(WORK + '/csv/report.json'))['n'] == 2, (code, err))
code, out, err = run(*M, '--data', WORK + '/t.csv', '--report', WORK + '/none')
check('CSV without a map: says what to give', code == 3 and '--map' in err, (code, err))
code, out, err = run(*M, '--data', DATA, '--strict', '--report', WORK + '/strict')
check('--strict stops at the first bad line', code == 3 and 'line 201' in err, (code, err))
code, out, err = run(*M, '--data', DATA, '--where', 'split=valid,language=fr', '--report', WORK + '/where', '--rounds', '5')
n = sum(r['split'] == 'valid' and r['language'] == 'fr' for r in rows)
check('--where', code == 0 and json.load(open(WORK + '/where/report.json'))['n'] == n, (code, err))
code, out, err = run(*M, '--data', DATA, '--sample', '20', '--report', WORK + '/sample', '--rounds', '5')
check('--sample', code == 0 and json.load(open(WORK + '/sample/report.json'))['groups']['source']['set2']['n'] == 5, (code, err))
code, out, err = run(*M, '--report', WORK + '/nothing')
check('no data: usage', code == 2 and '--data' in err, (code, err))
code, out, err = run(*M, '--data', WORK + '/missing.jsonl', '--report', WORK + '/missing')
check('missing file', code == 3 and 'missing.jsonl' in err, (code, err))

# ---- thresholds, calibration, comparison
code, out, err = run('--from', WORK + '/whole', '--report', WORK + '/tune', '--threshold-search', 'fpr=0.1', '--per-category')
found = json.load(open(WORK + '/tune/thresholds.json')) if code == 0 else {}
check('--threshold-search', code == 0 and set(found) == {'threshold', 'thresholds'} and '50 are needed' in out, (code, out, err))
code, out, err = run('--from', WORK + '/whole', '--report', WORK + '/tuned', '--threshold', f'@{WORK}/tune/thresholds.json', '--rounds', '5')
check('its file is read by --threshold', code == 0 and json.load(open(WORK + '/tuned/report.json'))['threshold'] == found['threshold'], (code, err))
p = subprocess.run([BINARY, 'classify', *M, '--user', 'x', '--json', '--threshold', f'@{WORK}/tune/thresholds.json'], capture_output=True)
check('and by classify', p.returncode == 0, p.stderr)
code, out, err = run('--from', WORK + '/whole', '--report', WORK + '/calibrated', '--calibrate')
check('--calibrate: a fit, or a clear no (these scores are noise)', (code == 0 and 'ECE' in out) or (code == 3 and 'no calibration' in err), (code, out, err))
code, out, err = run(*M, '--dtype', 'f32', '--data', DATA, '--report', WORK + '/f32', '--rounds', '50')
code, out, err = run('--compare', WORK + '/whole', WORK + '/f32', '--data', DATA, '--report', WORK + '/both', '--rounds', '50')
both = json.load(open(WORK + '/both/comparison.json')) if code == 0 else {}
check('--compare', code == 0 and both['against'][0]['worst_score_difference'] < 0.05 and os.path.getsize(WORK + '/both/comparison.html') > 5000, (code, err))
code, out, err = run('--compare', WORK + '/whole', WORK + '/sample', '--report', WORK + '/x')
check('--compare of other rows', code == 3 and 'other rows' in err, (code, err))
finish()
