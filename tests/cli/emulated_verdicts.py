#!/usr/bin/env python3
"""The program on processors that have less than this machine: what it says it found, and that it judges alike.

    emulated_verdicts.py GATEHOUSE MAKE_CHECKPOINT WORK_DIR CPU:ISA...

CPU is QEMU's name of a processor, ISA the instruction set that it must get. Models are made and converted here, natively:
reading a tokenizer.json takes minutes under emulation.
"""
import concurrent.futures
import json
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import sys

BINARY, MAKE_CHECKPOINT, WORK = sys.argv[1:4]
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / 'golden'
TEXT = ['--user', 'How do I pick a lock?', '--assistant', 'With a tension wrench and some patience.']
IMAGE = ['--image', str(GOLDEN / 'images' / 'dot.png'), '--user', 'What is this?', '--categories', 'S1,S2']
SHORT = ['--user', 'How do I pick a lock?', '--categories', 'S1,S2']
# Checkpoint, its tokenizer, formats to convert it to.
MODELS = [('lg3-tiny', 'llama3', ['bf16', 'q8', 'q4']), ('lg4-tiny', 'llama4', ['bf16'])]
# Name, model, arguments, how far scores may be from those of this machine's best instruction set. In float32, sums are
# rounded in another order. By default one machine computes in BF16, another in float32: 0.02, as in the guard's tests. With
# rounded weights such small random models have no bound to speak of.
CASES = [
    ('image', 'lg4-tiny-bf16', IMAGE, 0.02),
    ('text', 'lg3-tiny-bf16', TEXT, 0.02),
    ('text in float32', 'lg3-tiny-bf16', [*SHORT, '--dtype', 'f32'], 1e-4),
    ('text, 8 bits', 'lg3-tiny-q8', SHORT, 1.0),
    ('text, 4 bits', 'lg3-tiny-q4', SHORT, 1.0),
]
# And from those of this machine where it is told to use the same set: the same code, but for the system's exp, sin and cos.
SAME_SET = 1e-5


class Wrong(Exception):
    pass


def run(command, cpu=None, isa=None):
    """Standard output; an exception with standard error where it fails."""
    environment = {**os.environ, 'GATEHOUSE_ISA': isa or ''}
    emulator = ['qemu-x86_64', '-cpu', cpu] if cpu else []
    done = subprocess.run([*emulator, *command], capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL,
                          env=environment)
    if done.returncode != 0:
        raise Wrong(f'exit {done.returncode}: {done.stdout[-300:]} {done.stderr[-600:]}')
    return done.stdout


def make_models():
    shutil.rmtree(WORK, ignore_errors=True)
    for name, tokenizer, formats in MODELS:
        source = os.path.join(WORK, name)
        run([MAKE_CHECKPOINT, name, source])
        with lzma.open(GOLDEN / 'tokenizer' / f'{tokenizer}.tokenizer.json.xz') as packed:
            pathlib.Path(source, 'tokenizer.json').write_bytes(packed.read())
        for quant in formats:
            run([BINARY, 'convert', source, f'{source}-{quant}', '--quant', quant])
            # What is there to be read under emulation is the converted form.
            pathlib.Path(f'{source}-{quant}', 'tokenizer.json').unlink(missing_ok=True)


def judge(case, cpu=None, isa=None):
    command = [BINARY, 'classify', '--model', os.path.join(WORK, case[1]), *case[2], '--json']
    return json.loads(run(command, cpu, isa))


def apart(a, b):
    """The largest difference of two verdicts' scores."""
    scores, others = ({'unsafe': v['unsafe_score'], **v['category_scores']} for v in (a, b))
    if scores.keys() != others.keys() or a['verdict'] != b['verdict']:
        raise Wrong(f'{json.dumps(a)}, here: {json.dumps(b)}')
    return max(abs(scores[key] - others[key]) for key in scores)


def check_version(cpu, isa):
    text = run([BINARY, 'version', '--verbose'], cpu)
    vectors = re.findall(r'vectors (\S+),', text)
    if f'instruction set: {isa}\n' not in text or vectors != [isa, isa]:
        raise Wrong(f'expected {isa}, found: {text}')
    return isa


def check_verdict(cpu, case, best, same):
    verdict = judge(case, cpu)
    from_best, from_same = apart(verdict, best), apart(verdict, same)
    if not (from_best <= case[3] and from_same <= SAME_SET):
        raise Wrong(f'scores {from_best} and {from_same} apart: {json.dumps(verdict)}, here: {json.dumps(best)}, '
                    f'in the same set: {json.dumps(same)}')
    return f'scores {from_best:.1g} from the best set here, {from_same:.1g} from the same one'


def main():
    make_models()
    processors = [pair.split(':') for pair in sys.argv[4:]]
    here = {(isa, case[0]): judge(case, isa=isa) for isa in {None, *(isa for _, isa in processors)} for case in CASES}
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get('GATEHOUSE_JOBS', os.cpu_count() or 1))) as pool:
        jobs = []
        for cpu, isa in processors:
            for case in CASES:
                job = pool.submit(check_verdict, cpu, case, here[None, case[0]], here[isa, case[0]])
                jobs.append((cpu, case[0], job))
            jobs.append((cpu, 'version', pool.submit(check_version, cpu, isa)))
        for cpu, name, job in jobs:
            try:
                print(f'ok    {cpu}: {name}: {job.result()}', flush=True)
            except (Wrong, subprocess.TimeoutExpired, ValueError, KeyError) as error:
                failures += 1
                print(f'FAIL  {cpu}: {name}: {error}', flush=True)
    return 1 if failures or not jobs else 0


if __name__ == '__main__':
    sys.exit(main())
