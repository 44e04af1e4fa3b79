#!/usr/bin/env python3
"""Random strings: our ids against those of tiktoken and of tokenizers, both from PyPI.

    random_vs_pypi.py ENCODE_LINES GOLDEN_DIR [COUNT]

ENCODE_LINES is the tool built from encode_lines.cc, GOLDEN_DIR is tests/golden. Mixed scripts, controls, white
space of all kinds, contractions, invalid UTF-8 (which Python replaces before the libraries see it). Exits with 77
(skipped) where a library cannot be imported.

tokenizers ranks a pair by its place in the list of merges, tiktoken by the token it gives. We read tokenizer.json
as the one does and tokenizer.model as the other, so each form is compared with its own library; no string is left out.
"""
import base64
import json
import lzma
import os
import random
import subprocess
import sys
import tempfile

try:
    import tiktoken
    from tokenizers import Tokenizer
except ImportError as error:
    print(f'skipped: {error}')
    sys.exit(77)

PIECES = ["'s", "'S", "'\u017f", "'t", "'re", "'VE", "'m", "'lL", "'d", "'", '\r\n', '\n', '\n\n', '\r', ' ', '  ', '\t',
          '\u00a0', '\u3000', '\u0085', '\u2028', '\u200b', '/', '//', '!', '...', '\u0301', '\u0903', '\u01c5', '\u02b0',
          '\u00aa', '1', '12', '12345', '\u00b2', '\u2167', '\u0663', 'the', 'The', 'THE', ' world', '\u4e2d\u6587',
          '\u0e01\u0e33', '\U0001f600', '\U0001f468\u200d\U0001f469', '<|eot|>', '<|begin_of_text|>', '\u0414\u0430',
          'aaaa', '        ', '\ufffd', '\x00', '\x1b[0m']
RANGES = [(0, 0x80), (0x80, 0x250), (0x370, 0x530), (0x590, 0x780), (0x900, 0xe80), (0x1e00, 0x2c00),
          (0x3040, 0x3100), (0x4e00, 0x9fff), (0xac00, 0xd7a4), (0x1f300, 0x1f6ff), (0, 0x110000)]


def random_bytes(rng):
    out = bytearray()
    low, high = rng.choice(RANGES)
    for _ in range(rng.randrange(25)):
        kind = rng.randrange(10)
        if kind < 4:
            out += rng.choice(PIECES).encode()
        elif kind < 9:
            point = rng.randrange(low, high)
            if not 0xd800 <= point < 0xe000:
                out += chr(point).encode() * rng.choice((1, 1, 1, 1, 2, 5))
        elif rng.randrange(4) == 0:
            out += rng.randbytes(rng.randrange(1, 5))
        else:
            out += rng.choice('abcXYZ ').encode()
    return bytes(out)


def our_ids(tool, path, texts):
    lines = '\n'.join(text.hex() for text in texts) + '\n'
    done = subprocess.run([tool, path], input=lines.encode(), capture_output=True, check=True)
    return [[int(x) for x in line.split()] for line in done.stdout.decode().split('\n')[:-1]]


def byte_of():
    keep = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174]
    table = {chr(b): b for b in keep}
    table.update({chr(256 + n): b for n, b in enumerate(b for b in range(256) if b not in keep)})
    return table


def main():
    tool, golden = sys.argv[1], sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000
    rng = random.Random(20260101)
    texts = [random_bytes(rng) for _ in range(count)]
    decoded = [text.decode('utf-8', errors='replace') for text in texts]
    failures = 0
    for name in ('llama4', 'llama3'):
        raw = lzma.open(f'{golden}/tokenizer/{name}.tokenizer.json.xz').read().decode()
        spec, table = json.loads(raw), byte_of()
        ranks = {bytes(table[c] for c in text): rank for text, rank in spec['model']['vocab'].items()}
        pattern = spec['pre_tokenizer']['pretokenizers'][0]['pattern']['Regex']
        hugging = Tokenizer.from_str(raw)
        hugging.encode_special_tokens = True
        rusty = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        with tempfile.TemporaryDirectory() as folder:
            as_json, as_model = os.path.join(folder, 'tokenizer.json'), os.path.join(folder, 'tokenizer.model')
            with open(as_json, 'w') as file:
                file.write(raw)
            with open(as_model, 'wb') as file:
                for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
                    file.write(base64.b64encode(token) + b' %d\n' % rank)
            for library, path, theirs in (
                    ('tokenizers', as_json, [e.ids for e in hugging.encode_batch(decoded, add_special_tokens=False)]),
                    ('tiktoken', as_model, [rusty.encode_ordinary(text) for text in decoded])):
                ours = our_ids(tool, path, texts)
                assert len(ours) == len(theirs) == count
                differ = [n for n in range(count) if ours[n] != theirs[n]]
                print(f'{name} against {library}: {count} strings, {len(differ)} differ')
                for n in differ[:5]:
                    print('  ', ascii(decoded[n]), ours[n], theirs[n], sep='\n    ')
                failures += len(differ)
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
