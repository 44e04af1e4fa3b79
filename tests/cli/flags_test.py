#!/usr/bin/env python3
"""What options take, tried on the executable: texts as they are, and nothing empty or doubled.

    flags_test.py GATEHOUSE MODEL WORK_DIR

Every option that a command's help lists is tried, so an option that is added later is, too.
"""
import json, os, random, re, shutil, sys
from concurrent.futures import ThreadPoolExecutor

from program import check, finish, run_bytes as run

MODEL, WORK = sys.argv[2:4]

shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK)
many = ThreadPoolExecutor(2).map

# ---- texts: by --user and by a file of many conversations, the same verdict to the last bit
rng = random.Random(3)
PIECES = ['[', ']', '[a,b]', ',', '"', "'", '\\', '%', '--json', '-', '=', '{}', '@', '\n', '\t', ' ', 'word', '\u00e9', '\u4e2d', '\U0001f600', '$HOME', '#']
texts = ['', ' ', '[hi]', '[a, b]', '[]', '[[x]]', '-', '--', '-x', '-h', '--help', '--json', '--user', '"quoted"', "'single'",
         '"open', '\\n', '%s', '%USER%', '@/etc/hostname', '{"a":1}', 'a=b', 'a,b', ';', '\n', 'x\n', '\r', 'null', '0x10', '~', '\u202e']
texts += [''.join(rng.choice(PIECES) for _ in range(rng.randrange(1, 8))) for _ in range(29)]
lines = ''.join(json.dumps([{'role': 'user', 'content': t}]) + '\n' for t in texts)
code, out, err = run('classify', '--model', MODEL, '--jsonl', '-', stdin=lines.encode())
want = [json.loads(l) for l in out.splitlines()]
check('texts in a file', code == 0 and len(want) == len(texts), (code, err))


def by_flag(text):
    # Both forms, in turn.
    form = ['--user', text] if len(text) % 2 else ['--user=' + text]
    return run('classify', '--model', MODEL, '--json', '--threads', '1', *form)


same = 0
for text, line, (code, out, err) in zip(texts, want, many(by_flag, texts)):
    got = json.loads(out) if code == 0 else {}
    ok = code == 0 and all(got[k] == line[k] for k in ('unsafe_score', 'category_scores')) and got['usage']['prompt_tokens'] == line['usage']['prompt_tokens']
    same += ok
    if not ok:
        check('--user ' + repr(text), False, (code, out, err, line))
check(f'{len(texts)} texts: by flag as by file', same == len(texts))
for name, data in (('byte', b'\xff'), ('half a pair', b'a\xed\xa0\x80'), ('cut', b'\xe4\xb8'), ('overlong', b'\xc0\xaf')):
    for flag in (b'--user', b'--assistant'):
        code, out, err = run('classify', '--model', MODEL, flag, data)
        check(f'{flag.decode()} that is not UTF-8: {name}', code == 2 and out == b'' and 'UTF-8' in err and flag.decode() in err, (code, err))

# ---- every option of every command
COMMANDS = [['classify'], ['inspect', 'prompt'], ['convert', 'in', 'out'], ['prune', 'in', 'out'], ['eval'], ['version']]
COMMANDS += [['bench', b] for b in ('kernels', 'prefill', 'vision', 'request', 'batch', 'mixed')]
# Ends a command in time: nothing is to run. An option that is unknown comes last.
tries = []
for command in COMMANDS:
    code, out, err = run(*command, '--help')
    options = re.findall(r'^  (--[\w-]+)(?: (\S+))?( \.\.\.)?(?:  .*)?$', out.decode(), re.M)
    check(' '.join(command) + ' --help', code == 0 and len(options) >= (1 if command[0] in ('version', 'prune') else 3), (out, err))
    for name, value, repeats in options:
        if not value:
            tries.append((command, [name + '=x'], 'a value for a switch in ' + name))
            continue
        if value == 'TEXT':
            continue
        tries.append((command, [name, ''], 'empty value in ' + name))
        tries.append((command, [name + '='], 'empty value in ' + name))
        tries.append((command, [name, '--nonsense'], 'no value in ' + name))
        if not repeats:
            plain = '1' if value in ('N', 'BYTES') else value.split('|')[0] if '|' in value else 'x'
            tries.append((command, [name, plain, name, plain], 'given twice in ' + name))
        if value == 'N':
            tries.append((command, [name, 'x'], 'bad value in ' + name))
        if '|' in value:
            tries.append((command, [name, '[' + value.split('|')[0] + ']'], 'bad value in ' + name))
wrong = [(t, r) for t, r in zip(tries, many(lambda t: run(*t[0], *t[1]), tries))
         if not (r[0] == 2 and r[1] == b'' and t[2] in r[2])]
check(f'{len(tries)} empty, doubled and senseless values of options are refused', not wrong and len(tries) > 250, wrong[:3])
for command in (['convert', '', 'out'], ['convert', 'in', ''], ['prune', 'in', ''], ['inspect', '']):
    code, out, err = run(*command)
    check(' '.join(map(repr, command)), code == 2 and 'empty value' in err, (code, err))

# ---- a model that is not named
data = os.path.join(WORK, 'rows.jsonl')
open(data, 'w').write('{"id": 1, "label": "safe", "messages": [{"role": "user", "content": "x"}]}\n')
for command in (['classify', '--user', 'x'], ['inspect', 'config'], ['eval', '--data', data], ['bench', 'request']):
    code, out, err = run(*command, env={'GATEHOUSE_MODEL': ''})
    check(command[0] + ' with an empty GATEHOUSE_MODEL', code == 2 and out == b'' and 'GATEHOUSE_MODEL' in err, (code, err))
code, out, err = run('classify', '--user', 'x', '--json', env={'GATEHOUSE_MODEL': MODEL})
check('GATEHOUSE_MODEL', code == 0, err)
code, out, err = run('classify', '--user', 'x', '--json', '--model', MODEL, env={'GATEHOUSE_MODEL': ''})
check('--model goes before an empty GATEHOUSE_MODEL', code == 0, err)
for option in ('--threshold', '--categories'):
    code, out, err = run('classify', '--model', MODEL, '--user', 'x', option, '@')
    check(option + ' @', code == 2 and option in err, (code, err))

finish()
