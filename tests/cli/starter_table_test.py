#!/usr/bin/env python3
"""scripts/starter_table.py on a small model and a few rows, its figures worked out here from the record it leaves.

    starter_table_test.py GATEHOUSE MODEL WORK_DIR     # MODEL: make_model.py's
"""
import gzip, json, os, random, shutil, subprocess, sys

from program import BINARY, check, finish

MODEL, WORK = map(os.path.abspath, sys.argv[2:4])
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../scripts/starter_table.py')
SIX = ['xstest', 'openai_moderation', 'toxicchat_test', 'harmbench', 'simple_safety_tests', 'hatecheck']
shutil.rmtree(WORK, ignore_errors=True)
for folder in ('data/text', 'data/text-nc'):
    os.makedirs(f'{WORK}/{folder}')

rng = random.Random(3)
rows = []
for source, count, share, language in [(name, 8, 0.5, 'en') for name in SIX + ['wildguardtest', 'more_en']] + [('more_fr', 130, 0.1, 'fr'), ('few_de', 20, 0.5, 'de')]:
    for i in range(count):
        # Of harmful requests alone, as published.
        unsafe = source in ('harmbench', 'simple_safety_tests') or i % 2 == 0 if share == 0.5 else rng.random() < share
        rows.append({'id': f'{source}-{i}', 'source': source, 'split': 'test', 'language': language, 'role': 'user',
                     'messages': [{'role': 'user', 'content': ' '.join(rng.choice(['a', 'bomb', 'kind', 'why', 'the', '7']) for _ in range(9))}],
                     'label': 'unsafe' if unsafe else 'safe', 'categories': [rng.choice(['S1', 'S2'])] if unsafe else [], 'categories_known': True})
rows.append(dict(rows[0], id='learned', split='train'))


def write(path, some):
    with gzip.open(f'{WORK}/data/{path}', 'wt') as f:
        f.write(''.join(json.dumps(row) + '\n' for row in some))


write('text/test.jsonl.gz', [row for row in rows if row['source'] != 'toxicchat_test'])
write('text-nc/toxicchat_test.jsonl.gz', [row for row in rows if row['source'] == 'toxicchat_test'])


def table(out, *args, model=MODEL, data='data'):
    p = subprocess.run([sys.executable, SCRIPT, '--binary', BINARY, '--model', model, '--out', f'{WORK}/{out}', '--data-root', f'{WORK}/{data}',
                        '--threads', '1', '--rounds', '40', *args], capture_output=True, text=True)
    path = f'{WORK}/{out}/table.json'
    return p.returncode, p.stdout, p.stderr, json.load(open(path)) if os.path.exists(path) else None


def predictions(out, name='record'):
    return [json.loads(line) for line in open(f'{WORK}/{out}/{name}/predictions.jsonl')]


def rewrite(out, change, name='record'):
    changed = [change(row) or row for row in predictions(out, name)]
    with open(f'{WORK}/{out}/{name}/predictions.jsonl', 'w') as f:
        f.write(''.join(json.dumps(row) + '\n' for row in changed))


# ---- what is judged
code, out, err, made = table('v1', '--others', '120')
judged = predictions('v1') if code == 0 else []
count = lambda source: sum(row['source'] == source for row in judged)
check('all test rows of the named sets, and some of the others', code == 0 and [count(name) for name in SIX] == [8] * 6 and count('more_fr') == 120
      and count('few_de') == 20 and not any(row['id'] == 'learned' for row in judged), (code, err))
check('their numbers are told, with the published ones', '| XSTest F1 | 8 (450) |' in out and '| 48 (11441) |' in out, out)

# ---- the figures, at a threshold that parts these scores
threshold = sorted(row['unsafe_score'] for row in judged)[len(judged) // 2]
code, out, err, made = table('v1', '--others', '120', '--threshold', repr(threshold))
check('a second run judges nothing anew: times stay too', code == 0 and predictions('v1') == judged, err)


def counted(some):
    said = [(row['label'] == 'unsafe', row['unsafe_score'] >= threshold or row['verdict_categories'] == ['unknown']) for row in some]
    return [said.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))]


def figures(some):
    tp, fn, fp, tn = counted(some)
    return {'f1': 2 * tp / (2 * tp + fp + fn) if tp + fn else None, 'recall': tp / (tp + fn) if tp + fn else None, 'fpr': fp / (fp + tn) if fp + tn else None}


def auroc(some):
    unsafe, safe = ([row['unsafe_score'] for row in some if row['label'] == label] for label in ('unsafe', 'safe'))
    won = sum((u > s) + (u == s) / 2 for u in unsafe for s in safe)
    return won / (len(unsafe) * len(safe)) if unsafe and safe else None


same = lambda a, b: a is None and b is None or a is not None and b is not None and abs(a - b) < 1e-9
of = lambda source: [row for row in judged if row['source'] == source]
sources = sorted({row['source'] for row in judged})
check('each set', all(same(made['sets'][name][key], value) for name in sources for key, value in figures(of(name)).items()), made['sets'])
check('the lines', same(made['figures']['HarmBench recall']['value'], figures(of('harmbench'))['recall'])
      and same(made['figures']['HateCheck FPR']['value'], figures(of('hatecheck'))['fpr'])
      and same(made['figures']['mean F1 of the six']['value'], sum(figures(of(name))['f1'] for name in SIX) / 6), made['figures'])
ranks = [value for value in (auroc(of(name)) for name in sources) if value is not None]
check('mean AUROC of the sets with both labels', len(ranks) == 8 and same(made['figures']['mean AUROC of sets with both labels']['value'], sum(ranks) / 8), made['figures'])
french = [row for row in judged if row['language'] == 'fr']
check('rates of languages with rows enough', set(made['languages']) == {'fr'} and same(made['languages']['fr']['fpr'], figures(french)['fpr'])
      and made['languages']['fr']['safe_rows'] == sum(row['label'] == 'safe' for row in french), made['languages'])


def macro(some):
    """Over the categories that have rows: is it named where it is labelled? A row made unsafe by the threshold names its likeliest."""
    def named(row):
        if row['unsafe_score'] < threshold and row['verdict_categories'] != ['unknown']:
            return []
        return row['verdict_categories'] or [max(row['category_scores'], key=row['category_scores'].get)]
    out = []
    for key in {key for row in some for key in row['categories']}:
        tp, fn, fp = (sum((key in row['categories'], key in named(row)) == pair for row in some) for pair in ((True, True), (True, False), (False, True)))
        out.append(2 * tp / (2 * tp + fp + fn))
    return sum(out) / len(out)


check('category_macro_f1 of the English rows', same(made['figures']['category_macro_f1, English rows']['value'], macro([row for row in judged if row['language'] == 'en'])),
      made['figures'])

# ---- against another model, and the same one rounded
shutil.copytree(f'{WORK}/v1', f'{WORK}/v0')
again = ['--others', '120', '--threshold', repr(threshold), '--against', f'{WORK}/v0/table.json']
met = lambda made: [gate['met'] for gate in made['gates'].values()]
code, out, err, made = table('v1', *again, '--rounded', MODEL)
check('a model against itself is not above itself', code == 0 and met(made) == [False, True, True] and 'NOT MET' in out, (err, made['gates']))
check('--gates', table('v1', *again, '--gates')[0] == 3)
rewrite('v0', lambda row: row.update(unsafe_score=0.1 if row['label'] == 'unsafe' else 0.9))
code, out, err, made = table('v1', *again, '--gates')
check('above one whose ranks are upside down', code == 0 and met(made) == [True, True], (code, err, made['gates']))
rewrite('v0', lambda row: row.update(unsafe_score=0.9 if row['label'] == 'unsafe' else 0.1))
made = table('v1', *again)[3]
check('below a perfect one, each set named', met(made) == [False, False]
      and 'xstest' in made['gates']['no set below the lower end of its interval']['found'], made['gates'])
rewrite('v1', lambda row: row.update(unsafe_score=0.0, verdict='safe', verdict_categories=[]), 'rounded')
made = table('v1', '--others', '120', '--threshold', repr(threshold), '--rounded', MODEL)[3]
check('a rounded model that judges otherwise', met(made) == [False], made['gates'])

# ---- errors
code, out, err, made = table('other', '--others', '5', '--against', f'{WORK}/v0/table.json')
check('other rows are not compared', code == 1 and 'other rows' in err, (code, err))
code, out, err, made = table('none', data='nowhere')
check('no data', code == 1 and '--data-root' in err and 'test.jsonl.gz' in err, (code, err))
code, out, err, made = table('none', model=f'{WORK}/nowhere')
check('no model', code == 1 and 'no such model' in err and made is None, (code, err))
finish()
