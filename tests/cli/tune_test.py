#!/usr/bin/env python3
"""gatehouse eval --threshold-search and --calibrate on a record, against thresholds tried one by one here.

    tune_test.py GATEHOUSE WORK_DIR
"""
import json, math, os, random, shutil, sys

from program import check, finish, run, write_file

WORK = os.path.abspath(sys.argv[2])
shutil.rmtree(WORK, ignore_errors=True)
os.makedirs(WORK)
rng = random.Random(17)

# Three sources of different sizes and shares; several answers to one prompt; scores that tell too much.
rows = []
for source, count, share in (('large', 900, 0.5), ('small', 60, 0.4), ('safe', 240, 0.0)):
    for i in range(count):
        unsafe = rng.random() < share
        logit = rng.gauss(1.2 if unsafe else -1.5, 1.5) * 2 + (1 if source == 'small' else 0)
        rows.append({'id': f'{source}{i}', 'source': source, 'language': 'en', 'role': 'user', 'images': 0, 'label': 'unsafe' if unsafe else 'safe',
                     'categories': [], 'conversation': f'{source}{i // 3:016x}', 'unsafe_score': 1 / (1 + math.exp(-logit)), 'category_scores': {},
                     'verdict': 'unsafe' if logit >= 0 else 'safe', 'ms': 1.0})
record = write_file(f'{WORK}/predictions.jsonl', ''.join(json.dumps(row) + '\n' for row in rows))


def best(scores, most_fpr, by_source):
    """The highest F1 at most_fpr or below it: (F1, -FPR, threshold) of every score, tried as a threshold."""
    number = {}
    for row in rows:
        number[row['source']] = number.get(row['source'], 0) + 1
    weights = [1 / number[row['source']] if by_source else 1 for row in rows]
    unsafe = [row['label'] == 'unsafe' for row in rows]
    total, safe = sum(w for w, u in zip(weights, unsafe) if u), sum(w for w, u in zip(weights, unsafe) if not u)
    found = []
    for threshold in set(scores):
        tp = sum(w for w, u, s in zip(weights, unsafe, scores) if u and s >= threshold)
        fp = sum(w for w, u, s in zip(weights, unsafe, scores) if not u and s >= threshold)
        if fp / safe <= most_fpr + 1e-9:
            found.append((2 * tp / (tp + fp + total), threshold, fp / safe))
    return max(found)


def thresholds(directory):
    with open(f'{directory}/thresholds.json') as f:
        return json.load(f)['threshold']


plain = [row['unsafe_score'] for row in rows]
seen = set()
for goal, most, weigh in (('max-f1', 1, 'row'), ('max-f1', 1, 'source'), ('max-f1,fpr=0.04', 0.04, 'row'), ('max-f1,fpr=0.04', 0.04, 'source')):
    code, out, err = run('eval', '--from', record, '--report', f'{WORK}/{weigh}', '--threshold-search', goal, '--weigh', weigh)
    expected = best(plain, most, weigh == 'source')
    found = thresholds(f'{WORK}/{weigh}') if code == 0 else None
    check(f'{goal}, {weigh}s alike', found == expected[1] and f'F1 {expected[0]:.4f}' in out and f'FPR {expected[2]:.4f}' in out
          and ('every source' in out) == (weigh == 'source'), (found, expected, out, err))
    seen.add(found)
check('the four goals are four thresholds', len(seen) == 4, seen)

code, out, err = run('eval', '--from', record, '--report', f'{WORK}/both', '--calibrate', '--threshold-search', 'max-f1,fpr=0.04', '--weigh', 'source')
fit = json.load(open(f'{WORK}/both/calibration.json')) if code == 0 else {'calibration': {'scale': 1, 'bias': 0}, 'ece': {}, 'fit_rows': 0, 'test_rows': 0}
scale, bias = fit['calibration']['scale'], fit['calibration']['bias']
calibrated = [1 / (1 + math.exp(-(scale * math.log(p / (1 - p)) + bias))) for p in plain]
expected = best(calibrated, 0.04, True)
check('thresholds of calibrated scores', code == 0 and abs(thresholds(f'{WORK}/both') - expected[1]) < 1e-9 and 'with that calibration' in out,
      (expected, out, err))
check('the calibration is told on other rows than it was fitted on', fit['fit_rows'] + fit['test_rows'] == len(rows) and fit['fit_rows'] % 3 == 0
      and abs(fit['fit_rows'] - 600) < 120 and fit['ece']['after'] < fit['ece']['before'], fit)
check('it takes the overconfidence out', 0.4 < scale < 0.8, fit)

code, out, err = run('eval', '--from', record, '--weigh', 'source')
check('--weigh alone is no work', code == 2 and '--threshold-search' in err, (code, err))
code, out, err = run('eval', '--from', record, '--threshold-search', 'max-f1', '--weigh', 'language')
check('an unknown weight', code == 2 and '--weigh' in err, (code, err))
code, out, err = run('eval', '--from', record, '--threshold-search', 'max-f1,fpr=2')
check('a rate that is none', code == 2 and 'fpr=NUMBER' in err, (code, err))
finish()
