#!/usr/bin/env python3
"""Our tokenizer against tiktoken on the lines of a text file, one call a line, alternately.

    compare_tiktoken.py ENCODE_LINES GOLDEN_DIR TEXT_FILE [ROUNDS]

ENCODE_LINES is the tool of tests/text, GOLDEN_DIR is tests/golden. Each round times both, one after the other;
medians of CPU time are compared (both run on one thread), so that other work on the machine counts little. Start-up, loading and reading are not timed. Exits
with 1 below the floor: three times as fast.
"""
import json
import lzma
import os
import statistics
import subprocess
import sys
import tempfile
import time

import tiktoken

FLOOR = 3.0


def main():
    tool, golden, text_file = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 9
    raw = lzma.open(f'{golden}/tokenizer/llama4.tokenizer.json.xz').read().decode()
    spec = json.loads(raw)
    keep = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    byte_of = {chr(b): b for b in keep}
    byte_of.update({chr(256 + n): b for n, b in enumerate(b for b in range(256) if b not in keep)})
    ranks = {bytes(byte_of[c] for c in text): rank for text, rank in spec['model']['vocab'].items()}
    pattern = spec['pre_tokenizer']['pretokenizers'][0]['pattern']['Regex']
    theirs = tiktoken.Encoding('llama4', pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    with open(text_file, encoding='utf-8', newline='') as file:
        lines = file.read().split('\n')
    if not lines[-1]:
        lines.pop()
    size = sum(len(line.encode()) for line in lines)
    seconds = {'gatehouse': [], 'tiktoken': []}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'tokenizer.json')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(raw)
        ours = subprocess.Popen([tool, path, '--time', str(rounds), text_file], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        for _ in range(rounds):
            print('go', file=ours.stdin, flush=True)
            taken, our_tokens = ours.stdout.readline().split()
            seconds['gatehouse'].append(float(taken))
            start = time.process_time()
            their_tokens = sum(len(theirs.encode_ordinary(line)) for line in lines)
            seconds['tiktoken'].append(time.process_time() - start)
        ours.wait()
    assert int(our_tokens) == their_tokens, (our_tokens, their_tokens)
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f'{name:10} {1e3 * median:8.1f} ms  {size / median / 1e6:7.1f} MB/s')
    ratio = statistics.median(seconds['tiktoken']) / statistics.median(seconds['gatehouse'])
    print(f'{ratio:.1f} times as fast on {size / 1e6:.2f} MB, {their_tokens} tokens (floor: {FLOOR})')
    return 0 if ratio >= FLOOR else 1


if __name__ == '__main__':
    sys.exit(main())
