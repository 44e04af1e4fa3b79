"""Several hundred random data sets: our figures against scikit-learn's.

usage: figures_vs_sklearn.py EVAL_FIGURES_PROBE     (exit code 77: scikit-learn is not installed)
"""
import json
import math
import subprocess
import sys

try:
    import numpy as np
    import sklearn
    from sklearn import metrics
    from sklearn.linear_model import LogisticRegression
except ImportError:
    print("scikit-learn is not installed: skipped")
    sys.exit(77)

EXACT = 1e-9
FIT = 1e-4
FPRS = [0.0, 0.01, 0.05, 0.1, 1 / 3, 0.5, 1.0]
CLAMP = 1e-7


def labels_of(rng, n, kind):
    if kind == "unsafe alone":
        return np.ones(n, dtype=int)
    if kind == "safe alone":
        return np.zeros(n, dtype=int)
    if kind == "one unsafe" and n > 0:
        labels = np.zeros(n, dtype=int)
        labels[rng.integers(n)] = 1
        return labels
    return (rng.random(n) < rng.choice([0.05, 0.3, 0.5, 0.9])).astype(int)


def scores_of(rng, labels, kind):
    n = len(labels)
    if kind == "all equal":
        return np.full(n, rng.choice([0.0, 0.3, 0.5, 1.0]))
    if kind == "separable":
        return labels * 0.5 + rng.random(n) * 0.49
    if kind == "extremes":
        return (rng.random(n) < 0.2 + 0.6 * labels).astype(float)
    logits = rng.normal(size=n) * rng.choice([0.5, 2.0, 8.0]) + (labels - 0.5) * rng.choice([-1.0, 0.0, 1.0, 4.0])
    scores = 1 / (1 + np.exp(-logits))
    if kind == "ties":
        scores = np.round(scores, rng.integers(1, 3))
    if kind == "clipped":  # extremes 0 and 1 amid distinct scores
        scores = np.clip(scores * 1.4 - 0.2, 0, 1)
    return scores


def cases():
    rng = np.random.default_rng(31)
    label_kinds = ["mixed", "mixed", "mixed", "mixed", "one unsafe", "unsafe alone", "safe alone"]
    score_kinds = ["distinct", "distinct", "ties", "ties", "clipped", "extremes", "all equal", "separable"]
    sizes = [0, 1, 2, 3, 5, 14, 15, 16, 29, 30, 31, 50, 77, 100, 333]
    chosen = [(sizes[i % len(sizes)], label_kinds[i % len(label_kinds)], score_kinds[int(rng.integers(len(score_kinds)))])
              for i in range(560)]
    chosen += [(n, "mixed", kind) for n in (1000, 3001) for kind in score_kinds]
    chosen += [(20000, "mixed", kind) for kind in ("distinct", "ties", "clipped")]
    for n, label_kind, score_kind in chosen:
        labels = labels_of(rng, n, label_kind)
        scores = scores_of(rng, labels, score_kind)
        predicted = (scores >= rng.random()).astype(int)
        flip = rng.random(n) < 0.1  # a verdict need not follow from the score
        predicted[flip] = 1 - predicted[flip]
        yield "%d rows, %s, %s" % (n, label_kind, score_kind), scores, labels, predicted


def ratio(part, whole):
    return part / whole if whole else None


class Mismatch(Exception):
    pass


def same(what, found, expected, tolerance=EXACT):
    if (found is None) != (expected is None):
        raise Mismatch("%s: found %s, expected %s" % (what, found, expected))
    if expected is None:
        return
    found, expected = np.asarray(found, dtype=float), np.asarray(expected, dtype=float)
    if found.shape != expected.shape:
        raise Mismatch("%s: shapes %s and %s" % (what, found.shape, expected.shape))
    finite = np.isfinite(expected)
    close = np.abs(found[finite] - expected[finite]) <= tolerance
    if not np.array_equal(found[~finite], expected[~finite]) or not close.all():
        raise Mismatch("%s: found %s, expected %s" % (what, found, expected))


def check_counts(found, scores, labels, predicted):
    if len(labels):
        tn, fp, fn, tp = (int(x) for x in metrics.confusion_matrix(labels, predicted, labels=[0, 1]).ravel())
    else:
        tn = fp = fn = tp = 0
    same("counts", found["counts"], [tp, fp, tn, fn], 0)
    unsafe, flagged = tp + fn > 0, tp + fp > 0
    same("recall", found["recall"], metrics.recall_score(labels, predicted) if unsafe else None)
    same("precision", found["precision"], metrics.precision_score(labels, predicted) if flagged else None)
    same("f1", found["f1"], metrics.f1_score(labels, predicted) if unsafe else None)
    # The false-positive rate is what the recall of safe rows leaves.
    same("fpr", found["fpr"], 1 - metrics.recall_score(labels, predicted, pos_label=0) if fp + tn else None)


def check_ranks(found, scores, labels):
    unsafe, both = labels.any(), 0 < labels.sum() < len(labels)
    same("auprc", found["auprc"], metrics.average_precision_score(labels, scores) if unsafe else None)
    same("auroc", found["auroc"], metrics.roc_auc_score(labels, scores) if both else None)
    if not both:
        same("curve", found["curve"], [])
        return
    curve = np.array(found["curve"])
    fpr, recall, thresholds = metrics.roc_curve(labels, scores, drop_intermediate=False)
    same("roc", curve[:, [0, 2, 1]], np.column_stack([thresholds, fpr, recall]))
    precision, recall, thresholds = metrics.precision_recall_curve(labels, scores)
    thresholds = np.append(thresholds, np.inf)
    same("precision-recall", curve[:, [0, 3, 1]], np.column_stack([thresholds, precision, recall])[::-1])


def check_bins(found, scores, labels):
    order = np.argsort(scores, kind="stable")
    bins = [part for part in np.array_split(order, 15) if len(part)]
    expected = [[len(b), scores[b].min(), scores[b].max(), scores[b].mean(), labels[b].mean()] for b in bins]
    same("reliability", found["reliability"], expected)
    ece = sum(len(b) / len(scores) * abs(scores[b].mean() - labels[b].mean()) for b in bins) if bins else None
    same("ece", found["ece"], ece)


def point_at(threshold, scores, labels):
    flagged = scores >= threshold
    tp, fp = int((flagged & (labels == 1)).sum()), int((flagged & (labels == 0)).sum())
    unsafe, safe = int(labels.sum()), int(len(labels) - labels.sum())
    return {"threshold": float(threshold), "fpr": ratio(fp, safe), "recall": ratio(tp, unsafe),
            "precision": ratio(tp, tp + fp), "f1": ratio(2 * tp, tp + fp + unsafe) if unsafe else None}


def check_points(found, scores, labels):
    """Every threshold tried, one at a time."""
    thresholds = list(np.unique(scores))
    if len(thresholds) > 3000:
        return
    points = [point_at(t, scores, labels) for t in thresholds + [math.inf]]  # from the lowest up
    for wanted, answer in zip(FPRS, found["at_fprs"]):
        good = [p for p in points if p["fpr"] is not None and p["fpr"] <= wanted]
        check_point("at fpr %g" % wanted, answer, good[0] if good else None)
    best = None
    for p in points:
        if p["f1"] is not None and (best is None or p["f1"] >= best["f1"]):
            best = p
    if best is not None and best["fpr"] is None:
        best = dict(best, fpr=0.0)
    check_point("best f1", found["best_f1"], best)


def check_point(what, found, expected):
    if (found is None) != (expected is None):
        raise Mismatch("%s: found %s, expected %s" % (what, found, expected))
    if expected is not None:
        for key, value in expected.items():
            same(what + " " + key, found[key], value)


def log_loss(scale, bias, x, labels):
    z = scale * x + bias
    return float(np.mean(np.logaddexp(0, z) - labels * z))


def check_calibration(found, scores, labels):
    """Returns whether there was a fit to compare."""
    clamped = np.clip(scores, CLAMP, 1 - CLAMP)
    x = np.log(clamped) - np.log1p(-clamped)
    safe, unsafe = x[labels == 0], x[labels == 1]
    overlap = len(safe) > 0 and len(unsafe) > 0 and safe.max() > unsafe.min() and unsafe.max() > safe.min()
    if not overlap:
        same("calibration", found["calibration"], None)
        return False
    if found["calibration"] is None:
        raise Mismatch("calibration: absent, expected a fit")
    scale, bias = found["calibration"]
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=1000).fit(x[:, None], labels)
    expected = [float(model.coef_[0, 0]), float(model.intercept_[0])]
    if log_loss(scale, bias, x, labels) > log_loss(*expected, x, labels) + 1e-12:
        raise Mismatch("calibration: found %s, a worse fit than %s" % (found["calibration"], expected))
    same("calibration", [scale, bias], expected, FIT * max(1, abs(expected[0]), abs(expected[1])))
    return True


def main():
    given = list(cases())
    stdin = "".join(json.dumps({"scores": s.tolist(), "labels": y.tolist(), "predicted": p.tolist(), "fprs": FPRS}) + "\n"
                    for _, s, y, p in given)
    lines = subprocess.run([sys.argv[1]], input=stdin, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(lines) != len(given):
        sys.exit("%d answers to %d cases" % (len(lines), len(given)))
    bad = fits = 0
    for (name, scores, labels, predicted), line in zip(given, lines):
        found = json.loads(line)
        try:
            check_counts(found, scores, labels, predicted)
            check_ranks(found, scores, labels)
            check_bins(found, scores, labels)
            check_points(found, scores, labels)
            fits += check_calibration(found, scores, labels)
        except Mismatch as mismatch:
            bad += 1
            if bad <= 5:
                print(name + ":", mismatch)
    print("%d of %d data sets agree, %d with a calibration, scikit-learn %s"
          % (len(given) - bad, len(given), fits, sklearn.__version__))
    sys.exit(1 if bad or fits < 100 else 0)


main()
