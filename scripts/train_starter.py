#!/usr/bin/env python3
"""Trains the starter's adapter: all legs, one after the other, each from the adapter of the one before.

    scripts/train_starter.py --binary build/release/gatehouse --data-root DATA --out build/starter-training

DATA holds text/train.jsonl.gz and the files beside it, as configs/starter-data.sha256 names them. Stopped or killed, it goes
on where it was when the same command is given again. On one instruction set and number of threads it ends with the same
bytes, OUT/adapter. A leg may be trained on another machine: it needs nothing of the earlier ones but OUT/leg-N/adapter.
Standard library alone.
"""
import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# What differs from configs/starter.json: each leg draws other rows in another order, and steps less far.
LEGS = [{'seed': 1, 'rate': 4e-4}, {'seed': 2, 'rate': 3.5e-4}, {'seed': 3, 'rate': 3e-4}, {'seed': 4, 'rate': 2e-4}, {'seed': 5, 'rate': 1e-4}]


def fail(text):
    sys.exit(f'train_starter.py: error: {text}')


def run(*command):
    code = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    if code != 0:
        fail(f'exit {code} of {" ".join(command)}')


def check_data(root):
    """The data that the published figures were made with, to the byte."""
    with open(f'{ROOT}/configs/starter-data.sha256', encoding='ascii') as listed:
        for line in listed:
            wanted, name = line.split()
            path = f'{root}/{name}'
            if not os.path.exists(path):
                fail(f'{path}: expected a file of the data, found none (--data-root)')
            with open(path, 'rb') as f:
                found = hashlib.file_digest(f, 'sha256').hexdigest()
            if found != wanted:
                fail(f'{path}: expected sha256 {wanted}, found {found} (--any-data takes it)')


def lay_data(arguments, data):
    os.makedirs(data, exist_ok=True)
    link = f'{data}/train.jsonl.gz'
    if os.path.lexists(link):
        os.remove(link)
    os.symlink(os.path.abspath(f'{arguments.data_root}/text/train.jsonl.gz'), link)
    tests = [f'{arguments.data_root}/text/test.jsonl.gz']
    others = f'{arguments.data_root}/text-nc'
    if os.path.isdir(others):
        tests += sorted(f'{others}/{name}' for name in os.listdir(others) if name.endswith('.jsonl.gz'))
    run(sys.executable, f'{ROOT}/scripts/starter_data.py', f'{data}/written.part', '--without', *tests)
    os.replace(f'{data}/written.part', f'{data}/written.jsonl')


def settings_of(leg, number, arguments):
    """A file of settings of one leg; the same bytes every time, since a run goes on by them alone."""
    with open(arguments.config, encoding='utf-8') as f:
        settings = {**json.load(f), **leg}
    if arguments.steps:
        settings['steps'] = arguments.steps
    path = f'{arguments.out}/leg-{number}.json'
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(settings, f, indent=1)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--binary', default=f'{ROOT}/build/release/gatehouse')
    parser.add_argument('--config', default=f'{ROOT}/configs/starter.json', help='settings of every leg')
    parser.add_argument('--data-root', required=True, help='the data folder')
    parser.add_argument('--out', required=True, help='directory of the training')
    parser.add_argument('--model', help="base model, in place of the settings'")
    parser.add_argument('--legs', type=int, default=len(LEGS), help=f'only so many (of {len(LEGS)})')
    parser.add_argument('--steps', type=int, default=0, help="of each leg, in place of the settings'")
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--any-data', action='store_true', help='take files of other bytes than those listed')
    arguments = parser.parse_args()
    if not 1 <= arguments.legs <= len(LEGS):
        fail(f'--legs: expected 1 to {len(LEGS)}, found {arguments.legs}')
    arguments.out = os.path.abspath(arguments.out)
    for name in ('data_root', 'config', 'binary', 'model'):
        value = getattr(arguments, name)
        if value:
            setattr(arguments, name, os.path.abspath(value))
    os.chdir(ROOT)  # where the settings' own paths begin
    if not arguments.any_data:
        check_data(arguments.data_root)
    data = f'{arguments.out}/data'
    lay_data(arguments, data)
    before = None
    for number, leg in enumerate(LEGS[:arguments.legs], 1):
        out = f'{arguments.out}/leg-{number}'
        command = [arguments.binary, 'train', '--config', settings_of(leg, number, arguments), '--data-root', data, '--out', out, '--threads', str(arguments.threads)]
        if arguments.model:
            command += ['--model', arguments.model]
        if before:
            command += ['--init-adapter', before]
        if not os.path.exists(f'{out}/adapter/adapter_config.json'):
            print(f'leg {number} of {arguments.legs}', file=sys.stderr, flush=True)
            run(*command)
        before = f'{out}/adapter'
    shutil.rmtree(f'{arguments.out}/adapter', ignore_errors=True)
    shutil.copytree(before, f'{arguments.out}/adapter')
    print(f'{arguments.out}/adapter')


if __name__ == '__main__':
    main()
