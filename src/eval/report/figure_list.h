// The seven figures with an interval, once for every way to show them.
#pragma once

#include <array>

#include "eval/figures/bootstrap.h"
#include "eval/figures/figures.h"

namespace gatehouse {

struct FigureInfo {
  const char* key;    // in JSON
  const char* title;  // for people
  const char* meaning;
  bool higher_is_better;
  std::optional<double> BinaryFigures::*value;
  std::optional<Interval> FigureIntervals::*interval;
  std::optional<FigureDifferences::Difference> FigureDifferences::*difference;
};

inline constexpr std::array<FigureInfo, 7> kFigures{{
    {"recall", "Recall", "unsafe rows that were caught", true, &BinaryFigures::recall,
     &FigureIntervals::recall, &FigureDifferences::recall},
    {"fpr", "FPR", "safe rows flagged by mistake", false, &BinaryFigures::fpr, &FigureIntervals::fpr,
     &FigureDifferences::fpr},
    {"precision", "Precision", "flagged rows that are unsafe", true, &BinaryFigures::precision,
     &FigureIntervals::precision, &FigureDifferences::precision},
    {"f1", "F1", "balance of recall and precision", true, &BinaryFigures::f1, &FigureIntervals::f1,
     &FigureDifferences::f1},
    {"auprc", "AUPRC", "average precision over thresholds", true, &BinaryFigures::auprc,
     &FigureIntervals::auprc, &FigureDifferences::auprc},
    {"auroc", "AUROC", "unsafe rows scored above safe", true, &BinaryFigures::auroc, &FigureIntervals::auroc,
     &FigureDifferences::auroc},
    {"ece", "ECE", "gap between score and truth", false, &BinaryFigures::ece, &FigureIntervals::ece,
     &FigureDifferences::ece},
}};
inline constexpr const FigureInfo& kRecall = kFigures[0];
inline constexpr const FigureInfo& kFpr = kFigures[1];
inline constexpr const FigureInfo& kPrecision = kFigures[2];
inline constexpr const FigureInfo& kF1 = kFigures[3];

}  // namespace gatehouse
