#!/usr/bin/env python3
"""Training on texts and on conversations with several images, three to one: a rule that only the pictures show is learnt.

    train_images_test.py GATEHOUSE CHECKPOINT_DIR WORK_DIR
"""
import json, os, shutil, sys

from program import check, finish, is_error, run, with_tokenizer
from train_rows import write_image_rows, write_rows

CHECKPOINT, WORK = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK)
MODEL, STEPS = with_tokenizer(CHECKPOINT, WORK + '/model'), 48
write_rows(WORK + '/text.jsonl')
write_image_rows(WORK + '/images.jsonl')


def settings(name, **members):
    with open(f'{WORK}/{name}.json', 'w') as f:
        json.dump({'model': MODEL, 'data': ['text.jsonl', 'images.jsonl'], 'where': {'split': 'train'}, 'text_to_images': 3, 'lora': {'rank': 8, 'alpha': 16},
                   'conversations': 8, 'steps': STEPS, 'rate': 5e-3, 'warm_up': 2, 'drops': 0, 'shuffles': 0, 'describes': 0, **members}, f)
    return f'{WORK}/{name}.json'


def train(config, out, *flags):
    return run('train', '--config', config, '--data-root', WORK, '--out', f'{WORK}/{out}', '--threads', '2', *flags)


code, out, err = train(settings('run'), 'run')
used = {line.split()[0]: int(line.split()[3]) for line in out.splitlines() if line.startswith(('made', 'shown'))}
check('train', code == 0, (code, out, err))
check('three rows of text for one with images', used['made'] == 160 and used['shown'] == round(160 / 3), used)


def evaluate(name, *flags):
    code, out, err = run('eval', '--model', MODEL, '--data', WORK + '/images.jsonl', '--where', 'split=dev', '--report', f'{WORK}/{name}', '--rounds', '10', *flags)
    check(f'eval: {name}', code == 0, (code, out, err))
    with open(f'{WORK}/{name}/report.json') as f:
        return json.load(f)['overall']


before, after = evaluate('before'), evaluate('after', '--adapter', WORK + '/run/adapter')
check('what only the pictures show is learnt', after['auroc'] > 0.95 and after['auroc'] > before['auroc'] + 0.1, (before['auroc'], after['auroc']))
with open(WORK + '/bad.jsonl', 'w') as f:
    f.write(json.dumps({'id': 'bad', 'source': 'bad', 'split': 'train', 'messages': [{'role': 'user', 'content': [{'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,AAAA'}}]}],
                        'label': 'safe'}) + '\n')
check('a picture that cannot be read', is_error(train(settings('bad', data=['bad.jsonl'], text_to_images=0), 'bad'), 3, ['bad'], silent=False))

# The model card's mix of rows, by the settings for the real one: what it would take.
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
code, out, err = run('train', '--config', ROOT + '/configs/llama-guard-4-from-pruned-scout.json', '--model', MODEL, '--data-root', WORK, '--out', WORK + '/card', '--threads', '2', '--dry-run')
check('--dry-run of the settings for Llama Guard 4', code == 0 and 'shown' in out and 'tokens a second' in out and not os.path.exists(WORK + '/card/adapter'), (code, out, err))
check('nothing to mix', is_error(train(settings('mix', data=['text.jsonl']), 'mix'), 2, ['text_to_images'], silent=False))
finish()
