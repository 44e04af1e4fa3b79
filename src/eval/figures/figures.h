// Figures of a binary classifier, as scikit-learn defines them. A figure that is not defined (no positive
// rows, say) is absent, never 0.
//
// Scores are probabilities of "unsafe", labels 1 for unsafe, predictions 1 for a verdict of unsafe: a verdict
// may come from a category's own threshold, so it is not always score >= threshold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace gatehouse {

// n rows in three parallel columns. A view: the columns outlive it.
struct ScoredRows {
  const double* scores = nullptr;   // [n], finite, in 0..1
  const uint8_t* labels = nullptr;  // [n], 0 or 1
  const uint8_t* predicted =
      nullptr;  // [n], 0 or 1; null (no verdict of unsafe) where verdicts are not asked for
  size_t n = 0;
};

struct BinaryFigures {
  int64_t n = 0, tp = 0, fp = 0, tn = 0, fn = 0;
  std::optional<double> recall, fpr, precision, f1;
  std::optional<double> auprc;  // average precision: sum of (R_k - R_{k-1}) P_k, ties as one step
  std::optional<double> auroc;  // ties count half
  std::optional<double> ece;    // 15 bins of equal mass over the sorted scores
};
// O(n log n), with 16 bytes of its own for each row.
BinaryFigures ComputeFigures(const ScoredRows& rows);

// recall = tp / (tp + fn), fpr = fp / (fp + tn), precision = tp / (tp + fp); f1 = 2 tp / (2 tp + fp + fn),
// absent where there is no positive row.
BinaryFigures FiguresOfCounts(int64_t tp, int64_t fp, int64_t tn, int64_t fn);

// One point for each distinct score as threshold, from the highest down; the first is (+infinity, 0, 0).
// Empty where either class has no rows: one of the axes would not be defined.
struct CurvePoint {
  double threshold = 0, recall = 0, fpr = 0, precision = 1;
};
std::vector<CurvePoint> Curve(const ScoredRows& rows);
// At most `limit` points of a curve that draw the same picture, of recall against fpr and of precision
// against recall: ends and the points farthest from a line kept. Fewer, where more would change nothing to be
// seen.
std::vector<CurvePoint> Thinned(const std::vector<CurvePoint>& curve, size_t limit);

// The lowest threshold whose false-positive rate is at most `fpr`, and the recall there (verdict: score >=
// threshold). Thresholds are those of Curve: where already the highest score has too many false positives,
// the threshold is +infinity, which flags nothing. Absent where no safe rows exist, or `fpr` is below 0.
//
// weights: [n], above 0, how much each row counts; null: all alike. A point's figures are then those of the
// weights' sums. Two sums that differ by their rounding alone are equal.
struct OperatingPoint {
  double threshold = 0;
  double fpr = 0;  // 0 also where no safe row exists (AtHighestF1 alone gives that)
  std::optional<double> recall, precision, f1;
};
std::optional<OperatingPoint> AtFalsePositiveRate(const ScoredRows& rows, double fpr,
                                                  const double* weights = nullptr);
// The threshold of the highest F1 among those whose false-positive rate is at most `most_fpr` (+infinity
// where already the highest score has more); of several, the highest threshold. Absent where there are no
// positives.
std::optional<OperatingPoint> AtHighestF1(const ScoredRows& rows, double most_fpr = 1,
                                          const double* weights = nullptr);

// Reliability: rows sorted by score, cut into `bins` groups whose sizes differ by at most one (the first
// n % bins groups are one larger); equal scores stay in row order. Groups without rows (n < bins) are left
// out.
struct ReliabilityBin {
  int64_t n = 0;
  double low = 0, high = 0;          // of the scores in it
  double mean_score = 0, share = 0;  // share: of unsafe rows
};
std::vector<ReliabilityBin> Reliability(const ScoredRows& rows, int bins = 15);

// scale and bias that maximise the likelihood of the labels under sigmoid(scale * logit(score) + bias)
// (design: a policy's `calibration`); scores are clamped to 1e-7 .. 1 - 1e-7 first. Newton's method on the
// mean log loss, each step halved until the loss falls.
struct Calibration {
  double scale = 1, bias = 0;
};
// Absent where no finite optimum exists: only one class, or a threshold that has each class on its own side
// (rows at the threshold may be of both), whichever way round; also where 100 steps do not reach the optimum.
// A score that is higher for safe rows gives a scale below 0, which no policy accepts.
std::optional<Calibration> FitCalibration(const ScoredRows& rows);
// The score under a policy with this calibration, which leaves scores of 0 and 1 as they are.
double Calibrated(const Calibration& calibration, double score);

}  // namespace gatehouse
