#!/usr/bin/env python3
"""The chain from a mixture of experts to a guard model: prune, train, convert, evaluate. Evaluated on rows that were held out,
the model has learnt a rule that it could not know.

    train_chain_test.py GATEHOUSE SCOUT_DIR WORK_DIR
"""
import json, os, shutil, sys

from program import check, finish, is_error, run, with_tokenizer
from train_rows import write_rows

SCOUT, WORK = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK)
ROWS, STEPS = WORK + '/rows.jsonl', 50
write_rows(ROWS)


def evaluate(name, *model):
    code, out, err = run('eval', '--model', *model, '--data', ROWS, '--where', 'split=dev', '--report', f'{WORK}/{name}', '--rounds', '10')
    check(f'eval: {name}', code == 0, (code, out, err))
    with open(f'{WORK}/{name}/report.json') as f:
        return json.load(f)['overall']


code, out, err = run('prune', with_tokenizer(SCOUT, WORK + '/scout'), WORK + '/dense')
check('prune', code == 0, (code, out, err))
with open(WORK + '/settings.json', 'w') as f:
    json.dump({'model': WORK + '/dense', 'data': ['rows.jsonl'], 'where': {'split': 'train'}, 'lora': {'rank': 4, 'alpha': 8}, 'conversations': 8, 'steps': STEPS,
               'rate': 5e-3, 'warm_up': 2, 'drops': 0, 'shuffles': 0, 'describes': 0}, f)
code, out, err = run('train', '--config', WORK + '/settings.json', '--data-root', WORK, '--out', WORK + '/run', '--threads', '2')
check('train', code == 0 and len(open(WORK + '/run/metrics.jsonl').readlines()) == STEPS, (code, out, err))
code, out, err = run('convert', WORK + '/dense', WORK + '/guard', '--adapter', WORK + '/run/adapter')
check('convert', code == 0, (code, out, err))

before = evaluate('before', WORK + '/dense')
after = evaluate('after', WORK + '/guard')
check('it had not known the rule', before['auroc'] < 0.9, before)
check('it has learnt the rule', after['auroc'] > 0.95 and after['f1'] > 0.9, after)
# An adapter beside its base says what it says merged.
check('and so it has by its adapter', evaluate('beside', WORK + '/dense', '--adapter', WORK + '/run/adapter') == after)
# Merged into the published form, it says the same to the last digit.
code, out, err = run('convert', WORK + '/dense', WORK + '/merged', '--adapter', WORK + '/run/adapter', '--to', 'hf')
check('convert --to hf', code == 0 and sorted(os.listdir(WORK + '/merged')) == sorted(f for f in os.listdir(WORK + '/dense') if f != 'SHA256SUMS'), (code, out, err))
check('and so it has in the published form', evaluate('merged', WORK + '/merged') == after)
code, out, err = run('convert', WORK + '/merged', WORK + '/again', '--to', 'hf', '--quant', 'q8')
check('--to hf of rounded weights', is_error((code, out, err), 2, ['--to hf'], silent=False), (code, out, err))
code, out, err = run('convert', WORK + '/guard', WORK + '/again', '--to', 'hf')
check('--to hf from our own form', is_error((code, out, err), 2, ['config.json'], silent=False), (code, out, err))
finish()
