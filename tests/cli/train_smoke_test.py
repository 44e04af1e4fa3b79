#!/usr/bin/env python3
"""The README's training on rows that a script writes: the loss falls, and families of rows that it never saw are told apart.

    train_smoke_test.py GATEHOUSE BASE_GGUF WORK_DIR
"""
import json, os, random, shutil, subprocess, sys

from program import check, finish, run

BASE, WORK = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POLICY = ROOT + '/models/starter/policy.json'
if not os.path.exists(BASE):
    print('no base model at', BASE)
    sys.exit(77)
shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK)
subprocess.run([sys.executable, ROOT + '/scripts/starter_data.py', WORK + '/written.jsonl'], check=True, stderr=subprocess.DEVNULL)
rows = [json.loads(line) for line in open(WORK + '/written.jsonl', encoding='utf-8')]
held_out = [row for row in rows if row['split'] == 'dev']
random.Random(1).shuffle(held_out)
with open(WORK + '/held_out.jsonl', 'w') as f:
    f.writelines(json.dumps(row) + '\n' for row in held_out[:300])


def auroc(name):
    code, out, err = run('eval', '--model', f'{WORK}/{name}', '--data', WORK + '/held_out.jsonl', '--report', f'{WORK}/{name}-report', '--rounds', '10')
    check(f'eval: {name}', code == 0, (code, out, err))
    with open(f'{WORK}/{name}-report/report.json') as f:
        return json.load(f)['overall']['auroc']


code, out, err = run('train', '--config', ROOT + '/configs/starter-smoke.json', '--model', BASE, '--policy', POLICY, '--data-root', WORK, '--out', WORK + '/run')
check('train', code == 0, (code, out, err))
losses = [json.loads(line)['loss'] for line in open(WORK + '/run/metrics.jsonl')]
first, last = (sum(part) / 5 for part in (losses[:5], losses[-5:]))
check('the loss falls by a third', last < first * 2 / 3, losses)
for name, adapter in (('before', []), ('after', ['--adapter', WORK + '/run/adapter'])):
    code, out, err = run('convert', BASE, f'{WORK}/{name}', *adapter, '--policy', POLICY)
    check(f'convert: {name}', code == 0, (code, out, err))
before, after = auroc('before'), auroc('after')
check('AUROC on what was held out rises', after > before + 0.1 and after > 0.75, (before, after))
finish()
