#!/usr/bin/env python3
"""Writes the starter's own training rows: short requests and posts from templates, each kind of harm beside what looks like it.

    scripts/starter_data.py OUT.jsonl                     # all rows, split "train" and "dev" (whole families)
    scripts/starter_data.py OUT.jsonl --without DATA...   # none that shares 70 % of its word 4-grams with a test row of DATA
    scripts/starter_data.py --families                    # what there is

The same seed gives the same bytes. Nothing but Python's standard library. docs/training.md tells what they are for.
"""
import argparse
import collections
import gzip
import hashlib
import json
import re
import sys

from starter_rows import advice, copyright, hate, languages, lookalikes, passages, piracy
from starter_rows.family import rows_of

MODULES = (copyright, piracy, lookalikes, hate, advice, passages, languages)
MOST_ROWS = 10000
SHARED = 0.7  # of the word 4-grams of a row, from which on it is another's


def all_rows(seed):
    known = set()
    for module in MODULES:
        for family in module.FAMILIES:
            for label, texts in rows_of(family, seed):
                key = '\n'.join(texts).lower()
                if key in known:
                    continue
                known.add(key)
                number = hashlib.sha256(f'{family.name}:{key}'.encode()).hexdigest()[:12]
                messages = [{'role': ('user', 'assistant')[i % 2], 'content': t} for i, t in enumerate(texts)]
                yield {'id': f'written-{number}', 'source': 'written', 'family': family.name, 'split': 'dev' if family.held_out else 'train',
                       'language': family.language, 'role': messages[-1]['role'], 'messages': messages, 'label': label,
                       'categories': family.categories if label == 'unsafe' else [], 'categories_known': True, 'licence': 'as this project',
                       'label_quality': 'constructed'}


def grams(text):
    words = re.findall(r'\w+', text.lower())
    return {tuple(words[i:i + 4]) for i in range(len(words) - 3)} or {tuple(words)}


def test_grams(paths):
    out = set()
    for path in paths:
        with (gzip.open if path.endswith('.gz') else open)(path, 'rt', encoding='utf-8') as lines:
            for line in lines:
                row = json.loads(line)
                if row.get('split', 'test') == 'test':
                    for message in row['messages']:
                        if message['role'] == 'user' and isinstance(message['content'], str):
                            out.add(frozenset(grams(message['content'])))
    return out


def without_overlap(rows, paths):
    tests = test_grams(paths)
    by_gram = collections.defaultdict(list)
    for index, test in enumerate(tests := list(tests)):
        for gram in test:
            by_gram[gram].append(index)
    for row in rows:
        own = grams(row['messages'][0]['content'])
        shared = collections.Counter(i for gram in own for i in by_gram.get(gram, ()))
        if max(shared.values(), default=0) < SHARED * len(own):
            yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out', nargs='?', help='file to write (.jsonl or .jsonl.gz)')
    parser.add_argument('--without', nargs='+', default=[], metavar='DATA', help='files whose test rows nothing may resemble')
    parser.add_argument('--families', action='store_true', help='list the families with their rows')
    parser.add_argument('--seed', type=int, default=1)
    arguments = parser.parse_args()
    rows = list(all_rows(arguments.seed))
    before = len(rows)
    if arguments.without:
        rows = list(without_overlap(rows, arguments.without))
    if len(rows) > MOST_ROWS:
        sys.exit(f'starter_data.py: {len(rows)} rows, at most {MOST_ROWS}')
    if arguments.families:
        counts = collections.Counter((r['family'], r['split'], r['label']) for r in rows)
        for family in dict.fromkeys(r['family'] for r in rows):
            split = next(r['split'] for r in rows if r['family'] == family)
            print(f'{family:40} {split:6} unsafe {counts[family, split, "unsafe"]:4}  safe {counts[family, split, "safe"]:4}')
    elif not arguments.out:
        parser.error('a file to write, or --families')
    if arguments.out:
        with (gzip.open if arguments.out.endswith('.gz') else open)(arguments.out, 'wt', encoding='utf-8') as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + '\n' for row in rows)
    labels = collections.Counter((r['split'], r['label']) for r in rows)
    print(f'{len(rows)} rows ({before - len(rows)} resembled a test row): ' + ', '.join(f'{s} {l} {n}' for (s, l), n in sorted(labels.items())), file=sys.stderr)


if __name__ == '__main__':
    main()
