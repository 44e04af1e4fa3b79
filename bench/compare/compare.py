#!/usr/bin/env python3
"""Gatehouse against llama.cpp on the same work, alternately: medians, ratios, and a table in docs/performance.md.

    compare.py [--gatehouse build/release/gatehouse] [--cases CASE,...] [--isa native|avx2] [--rounds 7]
    compare.py --peer DIR --peer-name ik_llama.cpp [--peer-args=-rtr]   a build with llama-server in place of PyPI's
    compare.py --table                                                       only write the table again

The first run builds the peer and writes models with random weights (setup_peer.py, write_model.py), all under
build/compare; they are deleted again unless --keep. Results are kept there, too, so that cases can be run one by one;
the table shows the latest of each. See README.md for what each case does.
"""
import argparse
import datetime
import json
import lzma
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import time

import quiet
import setup_peer
import table
from programs import HERE, Paced, Server

ROOT = HERE.parent.parent
WORK = ROOT / 'build' / 'compare'
TYPES = {'q8': 'Q8_0', 'q4': 'Q4_0', 'bf16': 'BF16'}
GENERATED = 5  # tokens of an answer such as "unsafe\nS9,S2"
CASES = ['prefill-q8', 'prefill-q4', 'prefill-bf16', 'request-q8', 'starter-q8', 'policy-q8', 'batch-q8']


def log(text):
    print(text, file=sys.stderr, flush=True)


def commit():
    said = subprocess.run(['git', '-C', ROOT, 'rev-parse', '--short', 'HEAD'], capture_output=True, text=True)
    return said.stdout.strip() or 'an unknown commit'


class Comparison:
    def __init__(self, options):
        self.options = options
        self.environment = dict(os.environ)
        if options.isa == 'avx2':
            self.environment['GATEHOUSE_ISA'] = 'avx2'
        self.peer_name = options.peer_name or ('llama.cpp' if not options.peer else pathlib.Path(options.peer).name)
        WORK.mkdir(parents=True, exist_ok=True)

    def peer_python(self):
        return setup_peer.build(WORK / f'peer-{self.options.isa}', self.options.isa)

    def ours(self, *arguments):
        return Paced([self.options.gatehouse, 'bench', *arguments, '--paced', '--rounds', 1000, '--threads',
                        self.options.threads, '--json'], self.environment)

    def model(self, shape, layers, kind):
        path = WORK / f'{shape}-{layers}-{kind}.gguf'
        if not path.exists():
            log(f'writing {path.name}')
            part = path.with_suffix('.part')
            subprocess.run([self.peer_python(), HERE / 'write_model.py', part, '--shape', shape, '--layers', str(layers),
                            '--type', kind], check=True)
            part.rename(path)
        return path

    def peer(self, model, job, counts):
        if self.options.peer:
            return Server(pathlib.Path(self.options.peer), model, self.options.threads, job, counts,
                          shlex.split(self.options.peer_args))
        return Paced([self.peer_python(), HERE / 'peer.py', model, '--threads', self.options.threads, job, *counts])

    def in_turns(self, case, first, second, names, **more):
        """Rounds of both, one after the other; the first warms up, and disturbed ones do not count."""
        programs = [first, second]
        times = [[], []]
        disturbed = 0
        warm = False
        while len(times[0]) < self.options.rounds:
            watch = quiet.Watch(program.process.pid for program in programs)
            measured = []
            for program in programs:
                measured.append(program.round())
                time.sleep(0.1)  # threads of the one that poll for work fall asleep
            if not warm:
                warm = True
            elif watch.others() <= quiet.MOST:
                for own, milliseconds in zip(times, measured):
                    own.append(milliseconds)
            else:
                disturbed += 1
                if disturbed > 2 * self.options.rounds:
                    raise SystemExit(f'{case}: other programs are busy on this machine; run it again when it is quiet')
        closing = [program.finish() for program in programs]
        medians = [statistics.median(own) for own in times]
        ratio = statistics.median(theirs / own for own, theirs in zip(*times))
        print(f'{case}: {names[0]} {medians[0]:.1f} ms, {names[1]} {medians[1]:.1f} ms, {ratio:.2f} times as long', flush=True)
        return dict(ms=medians[0], peer_ms=medians[1], ratio=ratio, times=times, disturbed=disturbed,
                    about=second.about, ours=closing[0], other=closing[1], **more)

    def run_prefill(self, quant, layers):
        model = self.model('llama-guard-4', layers, TYPES[quant])
        ours = self.ours('prefill', '--shape', 'llama-guard-4', '--layers', layers, '--quant', quant)
        return self.in_turns(f'prefill-{quant}', ours, self.peer(model, 'prefill', [256]), ['ours', self.peer_name],
                             layers=layers)

    def tokenizer(self):
        path = WORK / 'tokenizer.json'
        path.write_bytes(lzma.decompress((ROOT / 'tests/golden/tokenizer/llama4.tokenizer.json.xz').read_bytes()))
        return path

    def run_request(self, quant, layers):
        model = self.model('llama-guard-4', layers, TYPES[quant])
        ours = self.ours('request', '--shape', 'llama-guard-4', '--layers', layers, '--quant', quant, '--tokenizer',
                         self.tokenizer(), '--tokens', 30)
        counts = [ours.about['cached_tokens'], ours.about['new_tokens'], GENERATED]
        return self.in_turns(f'request-{quant}', ours, self.peer(model, 'request', counts), ['ours', self.peer_name],
                             layers=layers, counts=counts)

    def run_starter(self, quant, _):
        converted = WORK / f'starter-{quant}'
        if not converted.exists():
            adapter = ROOT / 'models' / 'starter'
            subprocess.run([self.options.gatehouse, 'convert', self.options.starter_base, converted, '--quant', quant,
                            '--adapter', adapter, '--policy', adapter / 'policy.json'], check=True, stdout=sys.stderr)
        model = self.model('smollm2-135m', 30, TYPES[quant])
        ours = self.ours('request', '--model', converted, '--tokens', 40)
        counts = [ours.about['cached_tokens'], ours.about['new_tokens'], GENERATED]
        return self.in_turns(f'starter-{quant}', ours, self.peer(model, 'request', counts), ['ours', self.peer_name],
                             counts=counts)

    def run_policy(self, quant, layers):
        few, many = (self.ours('request', '--shape', 'llama-guard-4', '--layers', layers, '--quant', quant, '--tokenizer',
                               self.tokenizer(), '--tokens', 30, '--categories', count) for count in (14, 100))
        return self.in_turns(f'policy-{quant}', few, many, ['14 categories', '100 categories'], layers=layers)

    def run_batch(self, quant, layers):
        command = [self.options.gatehouse, 'bench', 'batch', '--shape', 'llama-guard-4', '--layers', layers, '--quant', quant,
                   '--tokenizer', self.tokenizer(), '--tokens', 30, '--clients', 64, '--rounds', self.options.rounds,
                   '--threads', self.options.threads, '--json']
        watch = quiet.Watch()
        out = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True,
                             env=self.environment)
        if watch.others() > quiet.MOST:
            raise SystemExit(f'batch-{quant}: other programs are busy on this machine; run it again when it is quiet')
        ours = json.loads(out.stdout)
        print(f'batch-{quant}: {ours["rows_per_s"]:.0f} tokens/s with the scoring ones, {ours["rows_share"]:.2f} of the '
              f'rate of a 256-token prompt', flush=True)
        return dict(ours=ours, layers=layers)

    def run(self, case):
        kind, quant = case.split('-')
        layers = self.options.layers or (4 if kind in ('batch', 'policy') else 8)
        result = getattr(self, f'run_{kind}')(quant, layers)
        alone = kind in ('policy', 'batch')
        result.update(case=case, isa=self.options.isa, peer=None if alone else self.peer_name, rounds=self.options.rounds,
                      threads=self.options.threads, date=datetime.date.today().isoformat(), commit=commit())
        return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--gatehouse', default=str(ROOT / 'build/release/gatehouse'))
    parser.add_argument('--starter-base', default=str(ROOT / 'build/downloads/SmolLM2-135M-Instruct.Q4_1.gguf'),
                        help="the starter's base, to which its adapter is added (./quickstart fetches it)")
    parser.add_argument('--cases', default=','.join(CASES),
                        help='of ' + ', '.join(CASES) + '; also any with another of q8, q4, bf16')
    parser.add_argument('--isa', choices=['native', 'avx2'], default='native')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--layers', type=int, default=0, help="of Llama Guard 4's shape (default: 8, and 4 without a peer)")
    parser.add_argument('--peer', help='a build of llama.cpp or ik_llama.cpp: the folder of its llama-server')
    parser.add_argument('--peer-name')
    parser.add_argument('--peer-args', default='', help='more options for that llama-server, such as --peer-args=-rtr')
    parser.add_argument('--keep', action='store_true', help='keep the models written')
    parser.add_argument('--table', action='store_true', help='only write the table of the results there are')
    options = parser.parse_args()
    store = WORK / 'results.json'
    results = json.loads(store.read_text()) if store.exists() else {}
    if not options.table:
        comparison = Comparison(options)
        for case in options.cases.split(','):
            result = comparison.run(case)
            results[f'{case} {result["isa"]} {result["peer"]}'] = result
            store.write_text(json.dumps(results, indent=1))
        if not options.keep:
            for path in WORK.glob('*.gguf'):
                path.unlink()
    table.write(ROOT / 'docs' / 'performance.md', list(results.values()))
    return 0


if __name__ == '__main__':
    sys.exit(main())
