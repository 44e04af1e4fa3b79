#!/usr/bin/env python3
"""convert, prune and eval where a file cannot be written or read: full disks, limits, directories, links.

    files_test.py GATEHOUSE CHECKPOINT_DIR SCOUT_DIR WORK_DIR

CHECKPOINT_DIR holds a small Llama 4 checkpoint without a tokenizer, SCOUT_DIR a small mixture (tests/support makes
them). Exit 77: not there.
"""
import json, os, resource, shutil, stat, subprocess, sys

import program
from program import BINARY, check, finish, is_error, with_tokenizer

CHECKPOINT, SCOUT, WORK = map(os.path.abspath, sys.argv[2:5])
FULL, LARGE, FOLDER = 'No space left on device', 'File too large', 'Is a directory'


def run(*args, limit=None, **kwargs):
    """limit: no file may grow beyond so many bytes (`ulimit -f`)."""
    limited = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))) if limit is not None else None
    return program.run(*args, before=limited, **kwargs)


def fails(name, code, words, *args, **kwargs):
    result = run(*args, **kwargs)
    check(name, is_error(result, code, words, silent=False), result)


def place(name):
    """A new folder."""
    os.makedirs(f'{WORK}/{name}')
    return f'{WORK}/{name}'


def no_leftovers(name, folder):
    left = [os.path.join(at, f) for at, dirs, files in os.walk(folder) for f in dirs + files if 'part' in f or f.endswith('-old')]
    check(name, not left, left)


if not os.path.exists(SCOUT + '/config.json'):
    print('no checkpoint at', SCOUT)
    sys.exit(77)
shutil.rmtree(WORK, ignore_errors=True)
HF = with_tokenizer(CHECKPOINT, WORK + '/hf')

# ---- convert
MODEL = WORK + '/disk/model'
place('disk')
os.symlink('disk/model', WORK + '/link')
code, out, err = run('convert', HF, WORK + '/link')
check('convert writes where a link points', code == 0 and os.path.islink(WORK + '/link') and os.path.exists(MODEL + '/gatehouse.json'), (code, err))
code, out, err = run('convert', HF, WORK + '/link')
check('and again', code == 0 and os.path.islink(WORK + '/link') and os.path.exists(MODEL + '/gatehouse.json'), (code, err))
made = {f: os.stat(MODEL + '/' + f).st_ino for f in os.listdir(MODEL)}
for limit in 0, 100 << 10:
    fails(f'convert: a limit of {limit} bytes', 1, [LARGE, 'cannot write'], 'convert', HF, WORK + '/link', limit=limit)
check('the earlier conversion stays', made == {f: os.stat(MODEL + '/' + f).st_ino for f in os.listdir(MODEL)})
no_leftovers('convert leaves nothing beside', WORK)
fails('convert IN IN', 2, ['the output is the input', HF], 'convert', HF, HF)
open(WORK + '/file', 'w').close()
fails('convert onto a file', 2, [WORK + '/file'], 'convert', HF, WORK + '/file')
fails('convert into a file', 1, ['Not a directory'], 'convert', HF, WORK + '/file/model')
bad = place('bad')
for f in os.listdir(HF):
    os.symlink(f'{HF}/{f}', f'{bad}/{f}')
os.mkdir(bad + '/tokenizer.model')
fails('convert: a directory in the place of a file of the model', 4, [bad + '/tokenizer.model', FOLDER], 'convert', bad, WORK + '/new')

# ---- prune
fails('prune: a limit', 1, [LARGE, 'cannot write'], 'prune', SCOUT, WORK + '/dense', limit=50 << 10)
no_leftovers('prune leaves no half of a file', WORK + '/dense')
code, out, err = run('prune', SCOUT, WORK + '/dense')
check('prune goes on', code == 0 and os.path.exists(WORK + '/dense/SHA256SUMS'), (code, err))
fails('prune IN IN', 2, ['the output is the input'], 'prune', SCOUT, SCOUT)
fails('prune into a file', 1, ['Not a directory'], 'prune', SCOUT, WORK + '/file/dense')

# ---- inspect
TALK = WORK + '/talk.json'
json.dump([{'role': 'user', 'content': 'hello'}], open(TALK, 'w'))
LOGITS = ['inspect', 'logits', '--model', MODEL, '--conversation', TALK, '--out']
code, out, err = run(*LOGITS, WORK + '/logits')
check('inspect --out', code == 0 and os.path.exists(WORK + '/logits'), (code, err))
fails('inspect --out: a full disk', 1, [FULL, '/dev/full'], *LOGITS, '/dev/full')
fails('inspect --out: a directory', 1, [FOLDER, WORK], *LOGITS, WORK)
fails('inspect --out: a limit', 1, [LARGE], *LOGITS, WORK + '/limited', limit=1000)
for target in TALK, MODEL + '/model.gatehouse.safetensors':
    before = os.stat(target)
    fails('inspect --out onto what it reads', 2, ['the output is an input'], *LOGITS, target)
    check('which stays', os.stat(target).st_ino == before.st_ino and os.stat(target).st_size == before.st_size)
got = subprocess.run([BINARY, *LOGITS, '/dev/stdout'], capture_output=True, timeout=300)
check('inspect --out /dev/stdout', got.returncode == 0 and got.stdout == open(WORK + '/logits', 'rb').read(), got.stderr)

# ---- eval: the record, and what is made from it
DATA = WORK + '/rows.jsonl'
with open(DATA, 'w') as f:
    for i in range(30):
        f.write(json.dumps({'id': str(i), 'messages': [{'role': 'user', 'content': f'question {i}'}],
                            'label': 'unsafe' if i % 2 else 'safe', 'categories': ['S1'] if i % 2 else []}) + '\n')
EVAL = ['eval', '--model', MODEL, '--threads', '1', '--data', DATA, '--rounds', '5', '--report']
code, out, err = run(*EVAL, WORK + '/whole')
check('eval runs', code == 0, (code, err))
no_leftovers('eval leaves nothing beside', WORK + '/whole')
rows = open(WORK + '/whole/predictions.jsonl').read().count('\n')
fails('eval: a limit stops the record', 1, [LARGE, 'cut/predictions.jsonl'], *EVAL, WORK + '/cut', limit=6 << 10)
code, out, err = run(*EVAL, WORK + '/cut')
check('and the next run goes on', code == 0 and 'went on with' in err and open(WORK + '/cut/predictions.jsonl').read().count('\n') == rows == 30, (code, err))
for flags in ['--data', '/dev/stdin'], ['--data', '-']:
    piped = subprocess.run([BINARY, *EVAL[:5], *flags, '--rounds', '5', '--report', WORK + '/piped' + flags[1][:2].strip('/')],
                           stdin=subprocess.Popen(['cat', DATA], stdout=subprocess.PIPE).stdout, capture_output=True, timeout=300)
    check('eval: ' + ' '.join(flags) + ' is a pipe', piped.returncode == 0 and b' 30 ' in piped.stdout, (piped.stdout, piped.stderr))
fails('eval: a file for the report', 1, ['Not a directory', WORK + '/file'], *EVAL, WORK + '/file')
fails('eval: data that are a directory', 3, [FOLDER], *EVAL[:-4], WORK, '--report', WORK + '/none')
fails('eval: a record that is a directory', 3, [FOLDER], 'eval', '--from', os.path.dirname(place('hollow/predictions.jsonl')), '--report', WORK + '/none')
DONE = {'report.json': [], 'report.html': [], 'thresholds.json': ['--threshold-search', 'max-f1']}
for name, flags in DONE.items():
    from_whole = ['eval', '--from', WORK + '/whole', '--rounds', '5', *flags, '--report']
    to_full = place('full-' + name)
    os.symlink('/dev/full', f'{to_full}/{name}')
    fails(f'{name}: a full disk', 1, [FULL, name], *from_whole, to_full)
    fails(f'{name}: a directory', 1, [FOLDER, name], *from_whole, os.path.dirname(place(f'folder-{name}/{name}')))
    fails(f'{name}: a limit', 1, [LARGE, name], *from_whole, WORK + '/limited-' + name, limit=(20 << 10) * ('html' in name) + 8)
    check(f'{name}: no half of it', not os.path.exists(f'{WORK}/limited-{name}/{name}'))
    no_leftovers(f'{name}: nothing beside', WORK + '/limited-' + name)
both = ['eval', '--compare', WORK + '/whole', WORK + '/cut', '--rounds', '5', '--report']
to_full = place('full-comparison')
os.symlink('/dev/full', to_full + '/comparison.json')
fails('comparison.json: a full disk', 1, [FULL, 'comparison.json'], *both, to_full)
check('/dev/full is still what it was', stat.S_ISCHR(os.stat('/dev/full').st_mode))
linked = place('linked')
os.symlink('../disk/report.json', linked + '/report.json')
code, out, err = run('eval', '--from', WORK + '/whole', '--rounds', '5', '--report', linked)
check('report.json is written where a link points', code == 0 and os.path.islink(linked + '/report.json')
      and json.load(open(WORK + '/disk/report.json'))['n'] == 30, (code, err))
os.remove(WORK + '/whole/run.json')
os.mkdir(WORK + '/whole/run.json')
fails('a description of the run that cannot be read is not taken for absent', 3, ['run.json', FOLDER],
      'eval', '--from', WORK + '/whole', '--rounds', '5', '--report', WORK + '/none')

finish()
