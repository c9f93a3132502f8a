"""Writes golden.json: random data sets with the metrics that scikit-learn, SciPy and NumPy compute for them.

    python3 make.py > golden.json        # scikit-learn 1.9.1, SciPy, NumPy; the seed is fixed

They include edge cases: one label, labels without gold labels or predictions, equal scores, one row.
"""

import json
import warnings

import numpy as np
from scipy.stats import binomtest
from sklearn import metrics
from sklearn.calibration import calibration_curve

warnings.filterwarnings("ignore")
random = np.random.default_rng(20261125)
BINS = 15


def averages(truth, predicted, **options):
    found = {}
    for average in ("macro", "micro", "weighted"):
        values = metrics.precision_recall_fscore_support(truth, predicted, average=average, zero_division=0, **options)
        found[average] = [float(value) for value in values[:3]]
    return found


def ece(score, correct):
    """Returns the error over ranges of equal width, which include their upper end (Guo et al., 2017)."""
    bins = np.clip(np.ceil(score * BINS).astype(int), 1, BINS)
    return float(sum(abs(correct[bins == b].mean() - score[bins == b].mean()) * (bins == b).mean() for b in set(bins)))


def single(number):
    labels = int(random.integers(2, 7))
    rows = int(random.integers(1, 30))
    # Every third data set has many equal scores, every fifth a label without gold labels, every seventh one gold label.
    scores = random.dirichlet(np.ones(labels), rows)
    scores = np.round(scores, 1 if number % 3 == 0 else 4)
    truth = random.integers(0, labels, rows)
    if number % 5 == 0:
        truth = np.minimum(truth, labels - 2)
    if number % 7 == 0:
        truth = np.zeros(rows, int)
    # Half of the predictions are moved towards the gold label.
    for row in range(rows):
        if random.random() < 0.5:
            scores[row, truth[row]] = round(float(scores[row].max()) + 0.25, 4)
    scores = scores / np.maximum(scores.sum(1, keepdims=True), 1e-9)
    scores = np.round(scores, 6)
    predicted = scores.argmax(1)
    all_labels = list(range(labels))
    best = scores.max(1)
    correct = (predicted == truth).astype(float)
    curve = calibration_curve(correct, best, n_bins=BINS, strategy="uniform") if len(correct) else ([], [])
    onehot = np.eye(labels)[truth]
    order = np.argsort(-best, kind="stable")
    # Predictions of equal scores are accepted together.
    ranked = [[float(best[order[i]]), i + 1, int(correct[order[: i + 1]].sum())] for i in range(rows)
              if i + 1 == rows or best[order[i + 1]] < best[order[i]]]
    return {
        "kind": "single", "labels": labels, "truth": truth.tolist(), "scores": scores.tolist(),
        "accuracy": float(metrics.accuracy_score(truth, predicted)),
        "balanced_accuracy": float(metrics.recall_score(truth, predicted, labels=sorted(set(truth.tolist())),
                                                        average="macro", zero_division=0)),
        "averages": averages(truth, predicted),
        "mcc": float(metrics.matthews_corrcoef(truth, predicted)),
        "kappa": float(np.nan_to_num(metrics.cohen_kappa_score(truth, predicted), nan=0.0)),
        "confusion": metrics.confusion_matrix(truth, predicted, labels=all_labels).tolist(),
        "top_k": [float((np.argsort(scores, axis=1, kind="mergesort")[:, ::-1][:, :k] == truth[:, None]).any(1).mean())
                  if labels == 2 or k >= labels
                  else float(metrics.top_k_accuracy_score(truth, scores, k=k, labels=all_labels))
                  for k in range(1, labels + 1)],
        "brier": float(((scores - onehot) ** 2).sum(1).mean()),
        "ece": ece(best, correct),
        "reliability": [list(map(float, curve[1])), list(map(float, curve[0]))],
        "coverage": ranked,
    }


def multi(number):
    labels = int(random.integers(1, 7))
    rows = int(random.integers(1, 25))
    truth = (random.random((rows, labels)) < 0.4).astype(int)
    scores = np.round(random.random((rows, labels)) * 0.6 + truth * 0.4 * random.random((rows, labels)), 1 if number % 3 == 0 else 4)
    if number % 5 == 0:
        truth[:, 0] = 0
    if number % 7 == 0:
        truth[0] = 0
    predicted = (scores >= 0.5).astype(int)
    ranked = np.argsort(scores, axis=1, kind="mergesort")[:, ::-1]
    return {
        "kind": "multi", "labels": labels, "truth": truth.tolist(), "scores": scores.tolist(),
        "accuracy": float((truth == predicted).all(1).mean()),
        # With `nan`, labels that do not occur are left out.
        "macro_f1": float(np.nan_to_num(metrics.f1_score(truth, predicted, average="macro", zero_division=np.nan))
                          if labels > 1 else metrics.f1_score(truth[:, 0], predicted[:, 0], zero_division=0)),
        "micro": [float(x) for x in metrics.precision_recall_fscore_support(
            truth.ravel(), predicted.ravel(), average="binary", zero_division=0)[:3]],
        "weighted": [float(x) for x in metrics.precision_recall_fscore_support(
            truth, predicted, average="weighted", zero_division=0)[:3]] if labels > 1 else None,
        "samples": [float(x) for x in metrics.precision_recall_fscore_support(
            truth, predicted, average="samples", zero_division=0)[:3]] if labels > 1 else None,
        "precision_at": [float(np.take_along_axis(truth, ranked[:, :k], 1).mean()) for k in range(1, labels + 1)],
        "brier": float(((scores - truth) ** 2).mean()),
        "ece": ece(scores.ravel(), truth.ravel().astype(float)),
    }


def paired(number):
    rows = int(random.integers(1, 400))
    first = random.random(rows) < 0.8
    second = np.where(random.random(rows) < 0.7, first, random.random(rows) < (0.5 if number % 2 else 0.8))
    if number % 6 == 0:
        second = first
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    discordant = only_first + only_second
    return {
        "kind": "paired", "first": first.astype(int).tolist(), "second": second.astype(int).tolist(),
        "mcnemar": float(binomtest(only_first, discordant, 0.5).pvalue) if discordant else 1.0,
    }


cases = [single(n) for n in range(100)] + [multi(n) for n in range(70)] + [paired(n) for n in range(30)]
print("[")
print(",\n".join(json.dumps(case, separators=(",", ":")) for case in cases))
print("]")
