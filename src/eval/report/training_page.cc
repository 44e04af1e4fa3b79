// The page of a run of training.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/report/display_text.h"
#include "eval/report/numbers.h"
#include "eval/report/page_parts.h"
#include "eval/report/svg_plot.h"
#include "eval/report/training_report.h"

namespace gatehouse {
namespace {

constexpr size_t kMostLinePoints = 400;  // of a line: more cannot be told apart
constexpr size_t kMostLineSpots = 40;    // tooltips along it
constexpr double kSmoothing = 0.02;  // of the steps so far, about how many the smooth line's mean goes over

struct StepValue {
  int64_t step = 0;
  double value = 0;
};

std::string TimeInWords(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

double MeanOfSteps(const std::vector<StepValue>& values, size_t begin, size_t end) {
  double sum = 0;
  for (size_t i = begin; i < end; ++i) sum += values[i].value;
  return sum / static_cast<double>(end - begin);
}

// Neighbours' means, at most kMostLinePoints of them, each at its last step.
std::vector<StepValue> ThinnedSteps(const std::vector<StepValue>& values) {
  const size_t width = (values.size() + kMostLinePoints - 1) / kMostLinePoints;
  std::vector<StepValue> out;
  for (size_t begin = 0; begin < values.size(); begin += width) {
    const size_t end = std::min(begin + width, values.size());
    out.push_back({values[end - 1].step, MeanOfSteps(values, begin, end)});
  }
  return out;
}

// A mean that forgets: of each step what the later ones leave of it.
std::vector<StepValue> SmoothedSteps(const std::vector<StepValue>& values) {
  const double keep = 1 - 1 / std::max(1.0, kSmoothing * static_cast<double>(values.size()));
  std::vector<StepValue> out;
  double sum = 0, weight = 0;
  for (const StepValue& one : values) {
    sum = keep * sum + one.value;
    weight = keep * weight + 1;
    out.push_back({one.step, sum / weight});
  }
  return out;
}

class StepChart {
 public:
  StepChart(const TrainingReport& report, const char* title, const std::vector<StepValue>& values)
      : title_(title), values_(ThinnedSteps(values)), smooth_(ThinnedSteps(SmoothedSteps(values))) {
    last_ = std::max(report.steps, int64_t{1});
    for (const TrainingStep& step : report.taken) last_ = std::max(last_, step.step + 1);
    last_ = (last_ + 3) / 4 * 4;  // its quarters are steps
    double largest = 0;
    for (const StepValue& one : values_) largest = std::max(largest, one.value);
    top_ = AxisTop(largest);
  }

  // A figure, or nothing where there are no values. smooth: with the smoothed line. marks: steps to be seen
  // at the bottom.
  std::string Drawn(const std::string& note, bool smooth, const std::vector<int64_t>& marks) const {
    if (values_.empty()) return {};
    // Small numbers are too long for ticks.
    const int exponent = top_ < 0.01 ? static_cast<int>(std::floor(std::log10(top_))) : 0;
    SvgAxis x{"Step", {}}, y{exponent == 0 ? title_ : fmt::format("{}, \u00d7 1e{}", title_, exponent), {}};
    for (size_t tick = 0; tick < x.ticks.size(); ++tick) {
      x.ticks[tick] = Count(static_cast<int64_t>(tick) * last_ / 4);
      y.ticks[tick] = fmt::format("{:.4g}", top_ * static_cast<double>(tick) / 4 / std::pow(10, exponent));
    }
    SvgPlot plot(fmt::format("{} by step, {:.4g} at the end of {}.", title_, values_.back().value,
                             Count(values_.back().step + 1)),
                 x, y);
    plot.Line(Points(values_), "curve thin s0");
    if (smooth) plot.Line(Points(smooth_), "curve s1");
    const size_t apart = (values_.size() + kMostLineSpots - 1) / kMostLineSpots;
    for (size_t i = apart - 1; i < values_.size(); i += apart)
      plot.Spot(X(values_[i].step), (smooth ? smooth_[i] : values_[i]).value / top_,
                fmt::format("step {}: {:.4g}", Count(values_[i].step + 1), values_[i].value) +
                    (smooth ? fmt::format(", smoothed {:.4g}", smooth_[i].value) : ""));
    for (const int64_t step : marks)
      plot.Dot(X(step), 0, "dot small s1", fmt::format("step {} was skipped", Count(step + 1)));
    return fmt::format("<figure class=\"panel\"><h3>{}</h3>{}<figcaption>{}</figcaption></figure>", title_,
                       std::move(plot).Finish(), note);
  }

 private:
  double X(int64_t step) const { return static_cast<double>(step + 1) / static_cast<double>(last_); }
  SvgPlot::Points Points(const std::vector<StepValue>& values) const {
    SvgPlot::Points out;
    for (const StepValue& one : values) out.emplace_back(X(one.step), one.value / top_);
    return out;
  }

  const char* title_;
  std::vector<StepValue> values_, smooth_;
  int64_t last_ = 0;
  double top_ = 1;
};

template <typename Of>
std::vector<StepValue> ValuesOfSteps(const TrainingReport& report, Of of) {
  std::vector<StepValue> out;
  for (const TrainingStep& step : report.taken) {
    const std::optional<double> value = of(step);
    if (value && std::isfinite(*value)) out.push_back({step.step, *value});
  }
  return out;
}

std::optional<double> TokensASecond(const TrainingStep& step) {
  if (!(step.seconds > 0)) return std::nullopt;
  return static_cast<double>(step.tokens) / step.seconds;
}

std::string TrainingHeader(const TrainingReport& report, const std::vector<StepValue>& losses) {
  int64_t conversations = 0, tokens = 0, left_out = 0, skipped = 0;
  double seconds = 0;
  for (const TrainingStep& step : report.taken) {
    conversations += step.conversations;
    tokens += step.tokens;
    left_out += step.left_out;
    skipped += step.skipped;
    seconds += step.seconds;
  }
  std::string out =
      "<p class=\"eyebrow\">Gatehouse training</p><h1>" + PageName(report.name, "Unnamed run") +
      "</h1><dl class=\"facts\">" +
      PageFact("Steps", fmt::format("{} of {}", Count(static_cast<int64_t>(report.taken.size())),
                                    Count(report.steps)));
  if (!losses.empty()) {
    const size_t tenth = std::max<size_t>(1, losses.size() / 10);
    out += PageFact("Loss, first and last tenth",
                    fmt::format("{:.4f}, {:.4f}", MeanOfSteps(losses, 0, tenth),
                                MeanOfSteps(losses, losses.size() - tenth, losses.size())));
  }
  out += PageFact("Conversations", Count(conversations)) + PageFact("Tokens", Count(tokens)) +
         PageFact("Time", TimeInWords(seconds));
  if (skipped > 0)
    out += PageFact("Skipped", "<span class=\"problem\">" + Count(skipped) + " steps, not finite</span>");
  if (left_out > 0) out += PageFact("Left out", Count(left_out) + " conversations");
  return out + "</dl>";
}

}  // namespace

double AxisTop(double largest) {
  if (!(largest > 0) || !std::isfinite(largest)) return 1;
  const double power = std::pow(10, std::floor(std::log10(largest)));
  for (const double step : {1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 6.0, 8.0})
    if (largest <= step * power * (1 + 1e-9)) return step * power;
  return 10 * power;
}

std::string TrainingPage(const TrainingReport& report) {
  const std::vector<StepValue> losses =
      ValuesOfSteps(report, [](const TrainingStep& step) { return step.loss; });
  const auto taken = [](const TrainingStep& step, double value) {
    return step.skipped ? std::nullopt : std::optional(value);
  };
  std::vector<int64_t> skipped;
  for (const TrainingStep& step : report.taken)
    if (step.skipped && skipped.size() < kMostLinePoints) skipped.push_back(step.step);

  const std::string body =
      StepChart(report, "Loss", losses)
          .Drawn(skipped.empty()
                     ? "The mean over a step\u2019s conversations."
                     : "The mean over a step\u2019s conversations; dots at the bottom are skipped steps.",
                 true, skipped) +
      StepChart(report, "Gradient norm",
                ValuesOfSteps(report, [&](const TrainingStep& step) { return taken(step, step.norm); }))
          .Drawn("Of all trained values together, before it is clipped.", true, {}) +
      StepChart(report, "Learning rate",
                ValuesOfSteps(report, [](const TrainingStep& step) { return std::optional(step.rate); }))
          .Drawn("As the schedule has it.", false, {}) +
      StepChart(report, "Tokens a second", ValuesOfSteps(report, TokensASecond))
          .Drawn("What else the machine did shows here.", true, {});
  const std::vector<PageSection> sections = {
      {"steps", "Steps",
       "Each step or the mean of neighbours, and a dashed line that is smoothed. Point at it to read it off.",
       body.empty() ? "<p class=\"empty\">No step has been taken yet.</p>"
                    : "<div class=\"panels\">" + body + "</div>"}};
  return Page((report.name.empty() ? "Run" : report.name) + " \u2013 Gatehouse training",
              TrainingHeader(report, losses), sections);
}

}  // namespace gatehouse
