#!/usr/bin/env python3
"""Written rows: the same seed gives the same bytes, each kind of harm has what looks like it, whole families are held out, and
nothing resembles a test row of the data sets where these are at hand. starter_data_test.py SOURCE_DIR"""
import collections, glob, json, os, sys, tempfile

ROOT = sys.argv[1]
sys.path.insert(0, os.path.join(ROOT, 'scripts'))
import starter_data  # noqa: E402

failures = 0


def check(name, ok, found=''):
    global failures
    failures += not ok
    print('ok   ' if ok else 'FAIL ', name, '' if ok else found)


rows, again, other = (list(starter_data.all_rows(seed)) for seed in (1, 1, 2))
check('one seed, the same bytes', json.dumps(rows) == json.dumps(again))
check('another seed, other rows', {r['id'] for r in rows} != {r['id'] for r in other})
check('at most 10 000', 3000 <= len(rows) <= starter_data.MOST_ROWS, len(rows))
check('ids and texts once', len({r['id'] for r in rows}) == len(rows) == len({json.dumps(r['messages']).lower() for r in rows}))
check('nothing left to fill in', not any('{' in m['content'] or '}' in m['content'] for r in rows for m in r['messages']))
check('labels and categories', all((r['label'] == 'unsafe') == bool(r['categories']) and r['categories_known'] for r in rows))
check('roles alternate', all([m['role'] for m in r['messages']] == ['user', 'assistant'][:len(r['messages'])] and r['role'] == r['messages'][-1]['role'] for r in rows))
splits = collections.defaultdict(set)
for r in rows:
    splits[r['family']].add(r['split'])
check('families are held out whole', all(len(s) == 1 for s in splits.values()) and sum(s == {'dev'} for s in splits.values()) >= 5, splits)
for split in ('train', 'dev'):
    labels = collections.Counter(r['label'] for r in rows if r['split'] == split)
    check(f'{split}: neither label is rare', 0.3 <= labels['unsafe'] / labels.total() <= 0.7, labels)
languages = collections.defaultdict(set)
for r in rows:
    languages[r['language']].add(r['label'])
check('eight languages, both labels', len(languages) == 8 and all(len(v) == 2 for v in languages.values()), languages)
with tempfile.NamedTemporaryFile('w', suffix='.jsonl') as f:
    victim = next(r for r in rows if len(r['messages'][0]['content'].split()) > 8)
    f.write(json.dumps({'split': 'test', 'messages': victim['messages']}) + '\n')
    f.flush()
    left = {r['id'] for r in starter_data.without_overlap(rows, [f.name])}
    check('what resembles a test row goes', victim['id'] not in left and len(left) > 0.9 * len(rows), len(left))
data = os.path.join(ROOT, '..', 'shared', 'data')
files = glob.glob(os.path.join(data, 'text', 'test.jsonl.gz')) + sorted(glob.glob(os.path.join(data, 'text-nc', '*.jsonl.gz')))
if files:
    left = {r['id'] for r in starter_data.without_overlap(rows, files)}
    check('nothing resembles a test row', len(left) == len(rows), [r['messages'][0]['content'] for r in rows if r['id'] not in left])
else:
    print('skipped: the comparison with test rows (no ../shared/data)')
sys.exit(failures > 0)
