#!/usr/bin/env python3
"""Standard streams and files that fail: full disks, limits, directories, readers that have gone.

    streams_test.py GATEHOUSE MODEL WORK_DIR

A verdict that did not arrive must not end with exit 0, and the message says why in the system's words.
"""
import json, os, resource, select, shutil, signal, subprocess, sys

from program import BINARY, check, finish, run_bytes as run, write_file

MODEL, WORK = sys.argv[2:4]


def write(name, data):
    return write_file(os.path.join(WORK, name), data)


shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK)
M = ['--model', MODEL, '--threads', '1']
chat = write('chat.json', json.dumps([{'role': 'user', 'content': 'hello'}]))
lines = write('lines.jsonl', ''.join(json.dumps([{'role': 'user', 'content': f'hello {i}'}]) + '\n' for i in range(8)))
texts = write('texts.jsonl', '{"text": "hello"}\n')
rows = write('rows.jsonl', ''.join(json.dumps({'id': i, 'label': 'safe' if i % 3 else 'unsafe', 'messages': [{'role': 'user', 'content': f'hello {i}'}]}) + '\n' for i in range(12)))
record = os.path.join(WORK, 'record')
code, _, err = run('eval', *M, '--data', rows, '--report', record, '--rounds', '20')
check('a record to report on', code == 0, err)
again = ['eval', '--from', record, '--rounds', '20', '--report', os.path.join(WORK, 'again')]

# ---- what is printed, for every command that prints
PRINT = {
    '--version': ['--version'], 'version': ['version', '--verbose'], '--help': ['--help'],
    'classify --help': ['classify', '--help'], 'bench --help': ['bench', '--help'],
    'classify': ['classify', *M, '--user', 'x'], 'classify --json': ['classify', *M, '--user', 'x', '--json'],
    'classify --jsonl': ['classify', *M, '--jsonl', lines], 'classify --exit-verdict': ['classify', *M, '--user', 'x', '--exit-verdict', '--threshold', '0'],
    'inspect prompt': ['inspect', 'prompt', *M, '--conversation', chat], 'inspect tokens': ['inspect', 'tokens', *M, '--conversation', chat],
    'inspect tokens --texts': ['inspect', 'tokens', *M, '--texts', texts], 'inspect config': ['inspect', 'config', *M],
    'inspect tensors': ['inspect', 'tensors', *M], 'eval': again, 'eval --compare': ['eval', '--compare', record, record, '--rounds', '20', '--report', os.path.join(WORK, 'both')],
    'eval --threshold-search': [*again, '--threshold-search', 'max-f1'],
    'bench kernels': ['bench', 'kernels', '--m', '1', '--product', '32x64', '--rounds', '1', '--kernel', 'f32', '--threads', '1'],
    'bench request': ['bench', 'request', *M, '--rounds', '1', '--tokens', '5'],
}
no_room = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
some_room = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
for name, command in PRINT.items():
    with open('/dev/full', 'wb') as full:
        code, _, err = run(*command, stdout=full)
    check(name + ' > /dev/full', code == 1 and 'No space left on device' in err and 'standard output' in err, (code, err))
    if name.startswith('eval'):
        continue  # writes its files first, and these are the ones that the limit hits
    with open(os.path.join(WORK, 'out'), 'wb') as out:
        code, _, err = run(*command, stdout=out, before=no_room)
    check(name + ' beyond ulimit -f', code == 1 and 'File too large' in err, (code, err))
with open(os.path.join(WORK, 'out'), 'wb') as out:
    code, _, err = run(*PRINT['classify --jsonl'], stdout=out, before=some_room)
got = open(os.path.join(WORK, 'out')).read()
check('classify --jsonl: what had room is there', code == 1 and got.startswith('{"id":0,') and len(got) == 700, (code, err, len(got)))
code, _, err = run('--version', before=lambda: os.close(1))
check('--version >&-', code == 1 and 'Bad file descriptor' in err, (code, err))
out = os.path.join(WORK, 'closed.safetensors')
code, _, err = run('inspect', 'logits', *M, '--conversation', chat, '--out', out, before=lambda: os.close(1))
check('a file does not become a closed standard output', code == 0 and os.path.getsize(out) > 1000, (code, err))

# ---- a reader that has gone: no complaint, whether the signal is ignored or not
for name, disposition in (('by default', signal.SIG_DFL), ('ignored', signal.SIG_IGN)):
    for what in ('classify --jsonl', '--help'):
        read_end, write_end = os.pipe()
        os.close(read_end)
        code, _, err = run(*PRINT[what], stdout=write_end, before=lambda: signal.signal(signal.SIGPIPE, disposition))
        os.close(write_end)
        check(f'{what}: closed pipe, SIGPIPE {name}', code != 0 and err == '', (code, err))

# ---- standard error counts, too
with open('/dev/full', 'wb') as full:
    check('log to /dev/full', run('classify', *M, '--user', 'x', '--log-level', 'debug', stderr=full)[0] == 1)
    check('an error keeps its code', run('classify', '--nonsense', stderr=full)[0] == 2)

# ---- reads: a directory in the place of every file, and as standard input
READ = {
    '--conversation': ['classify', *M, '--conversation', WORK], '--jsonl': ['classify', *M, '--jsonl', WORK],
    '--image': ['classify', *M, '--user', 'x', '--image', WORK], '--threshold @': ['classify', *M, '--user', 'x', '--threshold', '@' + WORK],
    '--categories @': ['classify', *M, '--user', 'x', '--categories', '@' + WORK],
    '--texts': ['inspect', 'tokens', *M, '--texts', WORK], '--ids': ['inspect', 'logits', *M, '--ids', WORK, '--out', out],
    '--data': ['eval', *M, '--data', WORK, '--report', os.path.join(WORK, 'r')],
    '--calibrate': ['convert', MODEL, os.path.join(WORK, 'c'), '--quant', 'q8', '--calibrate', WORK],
}
for name, command in READ.items():
    code, out_, err = run(*command)
    check(f'{name} DIRECTORY', code == 3 and out_ == b'' and 'Is a directory' in err and WORK in err, (code, err))
for name, command in {'classify': ['classify', *M], 'classify --jsonl -': ['classify', *M, '--jsonl', '-'],
                      'inspect prompt': ['inspect', 'prompt', *M], 'inspect tokens --texts -': ['inspect', 'tokens', *M, '--texts', '-']}.items():
    directory = os.open(WORK, os.O_RDONLY)
    code, out_, err = run(*command, stdin=directory)
    os.close(directory)
    check(f'{name} < .', code == 3 and out_ == b'' and 'Is a directory' in err and 'standard input' in err, (code, err))
    code, out_, err = run(*command, stdin=subprocess.DEVNULL, before=lambda: os.close(0))
    check(f'{name} <&-', code == 3 and out_ == b'' and 'Bad file descriptor' in err, (code, err))
code, out_, err = run('classify', *M, '--jsonl', write('utf16.jsonl', open(lines, encoding='utf-8').read().encode('utf-16')))
check('--jsonl in UTF-16', code == 3 and out_ == b'' and 'UTF-16' in err, (code, out_, err))
pipe = os.path.join(WORK, 'pipe')
os.mkfifo(pipe)
feeder = subprocess.Popen(['sh', '-c', f'cat "{chat}" > "{pipe}"'])
code, out_, err = run('classify', *M, '--json', '--conversation', pipe)
feeder.wait()
check('--conversation from a pipe', code == 0 and out_.startswith(b'{"verdict"'), (code, err))

# Whoever writes a line and reads its answer before the next gets it, though several lines may be on their way.
p = subprocess.Popen([BINARY, 'classify', *M, '--jsonl', '-'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
for i in range(3):
    p.stdin.write(json.dumps({'id': str(i), 'messages': [{'role': 'user', 'content': f'hello {i}'}]}) + '\n')
    p.stdin.flush()
    ready = select.select([p.stdout], [], [], 120)[0]
    check(f'line {i} is answered before the next is written', bool(ready) and json.loads(p.stdout.readline())['id'] == str(i), ready)
p.stdin.close()
check('and the end comes', p.wait(120) == 0, p.returncode)

# Memory that is not there: each line gets an error or its verdict, and the program ends by itself.
four = write('four.jsonl', ''.join(json.dumps({'id': str(i), 'messages': [{'role': 'user', 'content': ' '.join(f'w{(i * 7 + j) % 50}' for j in range(300))}]}) + '\n'
                                   for i in range(4)))
code, whole, err = run('classify', *M, '--jsonl', four)
right = [json.loads(line)['unsafe_score'] for line in whole.splitlines()]
check('four long lines', code == 0 and len(right) == 4, (code, err))
outcomes = set()
limit = 64 << 30
within = lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
measured = run('version', before=within)[0] == 0  # a sanitizer's shadow memory fits into no limit
if not measured:
    print('skip  limits of memory: this build maps more than any')
# How much is enough differs between machines (stacks, arenas of the allocator), so the limit rises until all four lines fit.
megabytes = 60
while measured and (0, 4) not in outcomes and megabytes < 32768:
    limit = megabytes << 20
    code, out_, err = run('classify', *M, '--jsonl', four, before=within)
    answers = [json.loads(line) for line in out_.splitlines()]
    good = all('error' in a or a['unsafe_score'] == right[i] for i, a in enumerate(answers))
    # 127: the loader itself finds no room.
    check(f'within {megabytes} MB', good and (code, len(answers)) in ((0, 4), (3, 4), (1, 0), (4, 0), (127, 0)), (code, len(answers), err[-300:]))
    outcomes.add((code, len(answers)))
    megabytes += max(20, megabytes // 8)
check('some limits were too tight and some were not', not measured or ((0, 4) in outcomes and len(outcomes) > 1), outcomes)

# ---- files that are written
for name, path, why in (('in the place of a directory', WORK, 'directory'), ('/dev/full', '/dev/full', 'No space left on device'),
                        ('below a file', chat + '/x', 'Not a directory')):
    code, _, err = run('inspect', 'logits', *M, '--conversation', chat, '--out', path)
    check('inspect --out ' + name, code == 1 and why in err, (code, err))
code, _, err = run('inspect', 'logits', *M, '--conversation', chat, '--out', os.path.join(WORK, 'l'), before=no_room)
check('inspect --out beyond ulimit -f', code == 1 and 'File too large' in err, (code, err))
for what in ([], ['--threshold-search', 'max-f1']):
    code, _, err = run('eval', '--from', record, '--rounds', '20', '--report', chat + '/x', *what)
    check('eval --report below a file ' + ' '.join(what), code == 1 and 'Not a directory' in err, (code, err))
    code, _, err = run(*again, *what, before=no_room)
    check('eval beyond ulimit -f ' + ' '.join(what), code == 1 and 'File too large' in err, (code, err))

finish()
