// Reads {"scores":[...],"labels":[...],"predicted":[...],"fprs":[...]} a line, prints every figure of it as
// JSON a line (Infinity as Python reads it). For figures_vs_sklearn.py.
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "eval/figures/figures.h"

namespace {

std::string Number(double value) {
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char text[40];
  std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}

std::string Number(const std::optional<double>& value) { return value ? Number(*value) : "null"; }

std::string Point(const std::optional<gatehouse::OperatingPoint>& point) {
  if (!point) return "null";
  return "{\"threshold\":" + Number(point->threshold) + ",\"fpr\":" + Number(point->fpr) +
         ",\"recall\":" + Number(point->recall) + ",\"precision\":" + Number(point->precision) +
         ",\"f1\":" + Number(point->f1) + "}";
}

std::string Line(const gatehouse::ScoredRows& rows, const std::vector<double>& fprs) {
  const gatehouse::BinaryFigures figures = gatehouse::ComputeFigures(rows);
  std::string out = "{\"n\":" + std::to_string(figures.n) + ",\"counts\":[" + std::to_string(figures.tp) +
                    "," + std::to_string(figures.fp) + "," + std::to_string(figures.tn) + "," +
                    std::to_string(figures.fn) + "]";
  out += ",\"recall\":" + Number(figures.recall) + ",\"fpr\":" + Number(figures.fpr) +
         ",\"precision\":" + Number(figures.precision) + ",\"f1\":" + Number(figures.f1) +
         ",\"auprc\":" + Number(figures.auprc) + ",\"auroc\":" + Number(figures.auroc) +
         ",\"ece\":" + Number(figures.ece);
  std::string list;
  for (const auto& p : gatehouse::Curve(rows)) {
    list += (list.empty() ? "[" : ",[") + Number(p.threshold) + "," + Number(p.recall) + "," + Number(p.fpr) +
            "," + Number(p.precision) + "]";
  }
  out += ",\"curve\":[" + list + "]";
  list.clear();
  for (const auto& bin : gatehouse::Reliability(rows)) {
    list += (list.empty() ? "[" : ",[") + std::to_string(bin.n) + "," + Number(bin.low) + "," +
            Number(bin.high) + "," + Number(bin.mean_score) + "," + Number(bin.share) + "]";
  }
  out += ",\"reliability\":[" + list + "]";
  list.clear();
  for (const double fpr : fprs)
    list += (list.empty() ? "" : ",") + Point(gatehouse::AtFalsePositiveRate(rows, fpr));
  out += ",\"at_fprs\":[" + list + "],\"best_f1\":" + Point(gatehouse::AtHighestF1(rows));
  const auto fit = gatehouse::FitCalibration(rows);
  out += ",\"calibration\":";
  out += fit ? "[" + Number(fit->scale) + "," + Number(fit->bias) + "]" : "null";
  return out + "}\n";
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const nlohmann::json input = nlohmann::json::parse(line, nullptr, false);
    if (input.is_discarded()) return 1;
    const auto scores = input.at("scores").get<std::vector<double>>();
    const auto labels = input.at("labels").get<std::vector<uint8_t>>();
    const auto predicted = input.at("predicted").get<std::vector<uint8_t>>();
    if (labels.size() != scores.size() || predicted.size() != scores.size()) return 1;
    std::cout << Line({scores.data(), labels.data(), predicted.data(), scores.size()},
                      input.at("fprs").get<std::vector<double>>());
  }
  return 0;
}
