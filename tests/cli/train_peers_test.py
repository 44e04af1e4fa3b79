#!/usr/bin/env python3
"""Several processes that train together: the bytes of one that takes their parts one after the other; a lost one ends the
others, which name it; and all go on from the leader's state.

    train_peers_test.py GATEHOUSE CHECKPOINT_DIR WORK_DIR
"""
import json, os, shutil, signal, socket, subprocess, sys, time

from program import BINARY, check, finish, is_error, run, with_tokenizer
from train_rows import write_rows

CHECKPOINT, WORK = os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK)
MODEL, STEPS = with_tokenizer(CHECKPOINT, WORK + '/model'), 6
write_rows(WORK + '/rows.jsonl')


def settings(name, **members):
    with open(f'{WORK}/{name}.json', 'w') as f:
        json.dump({'model': MODEL, 'data': ['rows.jsonl'], 'where': {'split': 'train'}, 'lora': {'rank': 4, 'alpha': 8}, 'conversations': 8, 'steps': STEPS,
                   'rate': 5e-3, 'warm_up': 2, 'save_every': 2, 'drops': 0, 'shuffles': 0, 'describes': 0, **members}, f)
    return f'{WORK}/{name}.json'


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def begin(config, out, rank, processes, port):
    return subprocess.Popen([BINARY, 'train', '--config', config, '--data-root', WORK, '--out', f'{WORK}/{out}', '--threads', '1', '--processes', str(processes),
                             '--rank', str(rank), '--leader', f'127.0.0.1:{port}'], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def together(config, out, processes):
    port = free_port()
    started = [begin(config, out, rank, processes, port) for rank in range(processes)]
    return [(p.communicate(timeout=300)[1], p.returncode) for p in started]


def adapter(path):
    with open(f'{WORK}/{path}/adapter/adapter_model.safetensors', 'rb') as f:
        return f.read()


CONFIG = settings('run')
for count in 2, 3:
    alone = settings(f'alone-{count}', parts=count)
    code, out, err = run('train', '--config', alone, '--data-root', WORK, '--out', f'{WORK}/alone-{count}', '--threads', '1')
    check(f'{count} parts in one process', code == 0, (code, out, err))
    ended = together(CONFIG, f'both-{count}', count)
    check(f'{count} processes', all(code == 0 for _, code in ended), ended)
    check(f'{count} processes: the bytes of one that takes {count} parts', adapter(f'both-{count}') == adapter(f'alone-{count}'))
    check(f'{count} processes: all hold the same', adapter(f'both-{count}/rank-{count - 1}') == adapter(f'both-{count}'))

# One is killed in the middle; the others say so, and the run goes on.
port = free_port()
started = [begin(CONFIG, 'killed', rank, 3, port) for rank in range(3)]
end = time.time() + 120
while time.time() < end and not (os.path.exists(WORK + '/killed/metrics.jsonl') and len(open(WORK + '/killed/metrics.jsonl').readlines()) >= 3):
    time.sleep(0.01)
started[2].send_signal(signal.SIGKILL)
errors = [p.communicate(timeout=60)[1] for p in started[:2]]
started[2].wait()
check('a lost process ends the others, which name it', all(p.returncode == 1 for p in started[:2]) and all('process 2 of 3 is gone' in e for e in errors), errors)
ended = together(CONFIG, 'killed', 3)
check('the run goes on', all(code == 0 for _, code in ended) and 'goes on with step' in ended[0][0], ended)
check('and ends with the same bytes', adapter('killed') == adapter('both-3'))

# The leader is killed.
port = free_port()
started = [begin(CONFIG, 'headless', rank, 2, port) for rank in range(2)]
while time.time() < end + 120 and not (os.path.exists(WORK + '/headless/metrics.jsonl') and open(WORK + '/headless/metrics.jsonl').read()):
    time.sleep(0.01)
started[0].send_signal(signal.SIGKILL)
error = started[1].communicate(timeout=60)[1]
started[0].wait()
check('without its leader a process ends', started[1].returncode == 1 and 'process 0 of 2 is gone' in error, error)

port = free_port()
other = [begin(CONFIG, 'other', 0, 2, port), begin(settings('else', rate=1e-3), 'other', 1, 2, port)]
errors = [p.communicate(timeout=60)[1] for p in other]
check("another run's process is refused", all(p.returncode != 0 for p in other) and all('another run' in e for e in errors), errors)
for name, flags, words in (('no leader', ['--processes', '2', '--rank', '1'], ['--leader']), ('rank out of range', ['--processes', '2', '--rank', '2', '--leader', '127.0.0.1:1'], ['--rank', '0 to 1'])):
    check(name, is_error(run('train', '--config', CONFIG, '--data-root', WORK, '--out', WORK + '/x', *flags), 2, words, silent=False))
finish()
