#!/usr/bin/env python3
"""gatehouse train: a small model learns, a killed run ends with the bytes of one left alone, and errors name what is wrong.

    train_test.py GATEHOUSE CHECKPOINT_DIR WORK_DIR
"""
import glob, gzip, json, os, shutil, signal, subprocess, sys, time

from program import BINARY, check, finish, is_error, run, with_tokenizer
from train_rows import write_rows

CHECKPOINT, WORK = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODEL = with_tokenizer(CHECKPOINT, WORK + '/model')
STEPS = 10


def settings(name, **members):
    path = f'{WORK}/{name}.json'
    with open(path, 'w') as f:
        json.dump({n: v for n, v in {'model': MODEL, 'data': ['rows.jsonl'], 'where': {'split': 'train'}, 'lora': {'rank': 4, 'alpha': 8}, 'conversations': 4, 'steps': STEPS,
                   'rate': 5e-3, 'warm_up': 2, 'save_every': 3, 'drops': 0, 'shuffles': 0, 'describes': 0, **members}.items() if v is not None}, f)
    return path


def train(config, out, *flags, **kwargs):
    return run('train', '--config', config, '--data-root', WORK, '--out', f'{WORK}/{out}', '--threads', '2', *flags, **kwargs)


def adapter(out):
    with open(f'{WORK}/{out}/adapter/adapter_model.safetensors', 'rb') as f:
        return f.read()


def metrics(out):
    with open(f'{WORK}/{out}/metrics.jsonl') as f:
        return [json.loads(line) for line in f]


write_rows(WORK + '/rows.jsonl')
config = settings('run')
code, out, err = train(config, 'alone')
lines = metrics('alone')
check('a run', code == 0 and [m['step'] for m in lines] == list(range(STEPS)) and not any(m['skipped'] for m in lines), (code, out, err))
first, last = (sum(m['loss'] for m in part) / 4 for part in (lines[:4], lines[-4:]))
check('the loss falls', last < 0.8 * first, (first, last))
page = open(WORK + '/alone/metrics.html', encoding='utf-8').read()
check('metrics.html', f'{STEPS} of {STEPS}' in page and '<h1><bdi>alone</bdi></h1>' in page and page.count('class="curve thin s0"') == 4, page[:300])
check('again in the same place: done', train(config, 'alone')[0] == 0 and len(metrics('alone')) == STEPS)

# Killed at some step, twice, and gone on.
for stop in (4, 8):
    process = subprocess.Popen([BINARY, 'train', '--config', config, '--data-root', WORK, '--out', WORK + '/killed', '--threads', '2'],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.time() + 120
    while time.time() < end and process.poll() is None and not (os.path.exists(WORK + '/killed/metrics.jsonl') and len(open(WORK + '/killed/metrics.jsonl').readlines()) >= stop):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
code, out, err = train(config, 'killed')
check('killed and gone on: the same bytes', code == 0 and 'goes on with step' in err and adapter('killed') == adapter('alone'), (code, out, err))
check('killed and gone on: each step once', [m['step'] for m in metrics('killed')] == list(range(STEPS)))

code, out, err = train(settings('other', rate=1e-3), 'alone')
check('another run in the same place', is_error((code, out, err), 2, ['state of another run'], silent=False), (code, out, err))
code, out, err = train(config, 'longer', '--init-adapter', WORK + '/alone/adapter', '--seed', '5')
check('--init-adapter goes on', code == 0 and metrics('longer')[0]['loss'] < 0.8 * first and adapter('longer') != adapter('alone'), (code, out, err))
code, out, err = train(settings('rank', lora={'rank': 5, 'alpha': 8}), 'rank', '--init-adapter', WORK + '/alone/adapter')
check('--init-adapter of another rank', is_error((code, out, err), 4, ['rank 5'], silent=False), (code, out, err))
# A model whose last norm holds the largest numbers that there are: no loss is finite.
shutil.copytree(MODEL, WORK + '/huge')
for path in glob.glob(WORK + '/huge/*.safetensors'):
    with open(path, 'r+b') as f:
        size = int.from_bytes(f.read(8), 'little')
        header = json.loads(f.read(size))
        for name, tensor in header.items():
            if name.endswith('model.norm.weight'):
                begin, end = tensor['data_offsets']
                f.seek(8 + size + begin)
                f.write(b'\x7f\x7f' * ((end - begin) // 2))
code, out, err = train(config, 'wild', '--model', WORK + '/huge')
check('what is not finite is skipped, and ends the run', code == 1 and 'ten steps in a row' in err and [m['skipped'] for m in metrics('wild')] == [True] * 10, (code, out, err))
code, out, err = train(config, 'dry', '--dry-run')
made = next(line.split() for line in out.splitlines() if line.startswith('made'))
check('--dry-run', code == 0 and 'tokens a second' in out and made[:4] == ['made', '160', '80', '160'] and 160 * 6 < int(made[5]) < 160 * 120 and not os.path.exists(WORK + '/dry/adapter'), (code, out, err))

# Legs by the script: each from the adapter before it, and the same again where it was stopped.
os.makedirs(WORK + '/shared/text')
for name in ('train', 'test'):
    with open(WORK + '/rows.jsonl', 'rb') as rows, gzip.open(f'{WORK}/shared/text/{name}.jsonl.gz', 'wb') as f:
        shutil.copyfileobj(rows, f)
LEGS = [sys.executable, ROOT + '/scripts/train_starter.py', '--binary', BINARY, '--config', settings('legs', data=['train.jsonl.gz', 'written.jsonl'], base_name='base'),
        '--data-root', WORK + '/shared', '--out', WORK + '/legs', '--legs', '2', '--steps', '2']


def legs(*flags):
    done = subprocess.run([*LEGS, *flags], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


code, out, err = legs()
check('data of other bytes are refused', code == 1 and 'expected sha256' in err, (code, out, err))
code, out, err = legs('--any-data')
check('two legs', code == 0 and adapter('legs') == adapter('legs/leg-2') != adapter('legs/leg-1'), (code, out, err))
whole = adapter('legs')
shutil.rmtree(WORK + '/legs/leg-2/adapter')
code, out, err = legs('--any-data')
check('a leg that was stopped goes on', code == 0 and 'leg 2 of 2' in err and 'leg 1 of 2' not in err and adapter('legs') == whole, (code, out, err))

# Weights themselves: a Hugging Face directory that is judged by, of which only what was trained differs.
full = settings('full', full={'modules': ['down_proj', 'norm', 'embed_tokens']}, lora=None, rate=1e-3, recompute=True)
code, out, err = train(full, 'full')
lines = metrics('full')
check('weights themselves', code == 0 and out.endswith('/full/model\n') and lines[-1]['loss'] < 0.8 * lines[0]['loss'], (code, out, err))


def tensors(directory):
    found = {}
    for path in sorted(glob.glob(directory + '/*.safetensors')):
        with open(path, 'rb') as f:
            size = int.from_bytes(f.read(8), 'little')
            for name, tensor in json.loads(f.read(size)).items():
                if name != '__metadata__':
                    begin, end = tensor['data_offsets']
                    f.seek(8 + size + begin)
                    found[name] = (os.path.basename(path), tensor['dtype'], tensor['shape'], f.read(end - begin))
    return found


before, after = tensors(MODEL), tensors(WORK + '/full/model')
changed = {name for name in before if before[name] != after[name]}
check('the same files, names, types and shapes', {n: t[:3] for n, t in before.items()} == {n: t[:3] for n, t in after.items()})
check('only what was trained differs', changed == {n for n in before if not n.startswith('vision') and n.split('.')[-2] in ('down_proj', 'norm', 'embed_tokens')}, changed)
code, out, err = run('classify', '--model', WORK + '/full/model', '--user', 'zebra')
check('the model that was written is asked', code == 0, err)
for name, members, words in (('both ways', {'full': {}}, 'either lora or full'), ('no such weight', {'full': {'modules': ['q']}, 'lora': None}, 'no such weight')):
    check(name, is_error(train(settings('badfull', **members), 'badfull'), 2, [words], silent=False))

for name, flags, code, words in (('no settings', ['--out', WORK + '/x'], 2, '--config'), ('no directory', ['--config', config], 2, '--out'),
                                 ('unknown member', ['--config', settings('bad', rates=1), '--out', WORK + '/x'], 2, 'rates'),
                                 ('no such file', ['--config', WORK + '/none.json', '--out', WORK + '/x'], 2, 'none.json'),
                                 ('no such data', ['--config', settings('nodata', data=['none.jsonl']), '--out', WORK + '/x', '--data-root', WORK], 3, 'none.jsonl'),
                                 ('no such source', ['--config', settings('nosource', times={'zoo': 2}), '--out', WORK + '/x', '--data-root', WORK], 2, 'zoo')):
    check(name, is_error(run('train', *flags), code, [words], silent=False), run('train', *flags))
finish()
