#include "report_examples.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>

namespace gatehouse {
namespace {

constexpr const char* kCategoryNames[] = {"Violent Crimes",
                                          "Non-Violent Crimes",
                                          "Sex-Related Crimes",
                                          "Child Sexual Exploitation",
                                          "Defamation",
                                          "Specialized Advice",
                                          "Privacy",
                                          "Intellectual Property",
                                          "Indiscriminate Weapons",
                                          "Hate",
                                          "Suicide & Self-Harm",
                                          "Sexual Content",
                                          "Elections",
                                          "Code Interpreter Abuse"};
constexpr const char* kLanguages[] = {"en", "fr", "de", "hi", "it", "es", "th"};
constexpr const char* kSources[] = {"openai-moderation",
                                    "xstest",
                                    "toxic-chat",
                                    "beavertails",
                                    "aegis",
                                    "harmbench",
                                    "simple-safety",
                                    "wildguard-test",
                                    "advbench",
                                    "do-not-answer",
                                    "hatecheck",
                                    "civil-comments",
                                    "jailbreak-bench",
                                    "or-bench-hard",
                                    "multi-jail",
                                    "red-team-attempts",
                                    "forbidden-questions",
                                    "safe-rlhf",
                                    "polyguard-prompts",
                                    "image-memes"};
constexpr const char* kImages[] = {"none", "one", "several"};

struct Row {
  bool unsafe = false;
  size_t category = 0, language = 0, source = 0, role = 0, images = 0;
  double hardness = 0;  // the same for all models
};

struct Columns {
  std::vector<double> scores;
  std::vector<uint8_t> labels, predicted;
  ScoredRows View() const { return {scores.data(), labels.data(), predicted.data(), scores.size()}; }
};

std::vector<Row> Rows(size_t n) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  const auto below = [&](size_t limit) {  // small numbers more often
    const double u = std::uniform_real_distribution<double>(0, 1)(random);
    return std::min(limit - 1, static_cast<size_t>(std::pow(u, 2.2) * static_cast<double>(limit)));
  };
  std::vector<Row> rows(n);
  for (Row& row : rows) {
    row.unsafe = random() % 100 < 38;
    row.category = below(std::size(kCategoryNames));
    row.language = below(std::size(kLanguages));
    row.source = below(std::size(kSources));
    row.role = random() % 100 < 30;
    row.images = random() % 100 < 90 ? 0 : 1 + random() % 2;
    row.hardness = normal(random);
  }
  return rows;
}

Columns Scores(const std::vector<Row>& rows, const ExampleModel& model) {
  std::mt19937_64 random(model.seed);
  std::normal_distribution<double> normal;
  Columns out;
  for (const Row& row : rows) {
    const double ease = model.skill - 0.12 * static_cast<double>(row.category % 5) -
                        0.25 * static_cast<double>(row.language) - 0.1 * static_cast<double>(row.source % 7);
    const double logit = (row.unsafe ? 1 : -1.3) * ease * 0.5 + 1.6 * row.hardness + 0.8 * normal(random);
    out.scores.push_back(1 / (1 + std::exp(-1.7 * logit)));
    out.labels.push_back(row.unsafe);
    out.predicted.push_back(out.scores.back() >= model.threshold);
  }
  return out;
}

GroupFigures Group(const std::string& name, const Columns& columns) {
  BootstrapOptions options;
  options.rounds = 200;
  return {name, ComputeFigures(columns.View()), Bootstrap(columns.View(), options)};
}

Columns Part(const std::vector<Row>& rows, const Columns& all, const std::function<bool(const Row&)>& in) {
  Columns out;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!in(rows[i])) continue;
    out.scores.push_back(all.scores[i]);
    out.labels.push_back(all.labels[i]);
    out.predicted.push_back(all.predicted[i]);
  }
  return out;
}

void Divide(const std::string& name, const std::vector<std::string>& groups, const std::vector<Row>& rows,
            const Columns& all, const std::function<bool(const Row&, size_t)>& in, Report* report) {
  Dimension dimension{name, {}};
  for (size_t g = 0; g < groups.size(); ++g) {
    const Columns part = Part(rows, all, [&](const Row& row) { return in(row, g); });
    if (!part.scores.empty()) dimension.groups.push_back(Group(groups[g], part));
  }
  report->dimensions.push_back(std::move(dimension));
}

Report::Mean MeanOf(const Dimension& dimension) {
  Report::Mean mean;
  double recall = 0, fpr = 0, f1 = 0;
  for (const GroupFigures& group : dimension.groups) {
    ++mean.groups;
    recall += group.figures.recall.value_or(0);
    fpr += group.figures.fpr.value_or(0);
    f1 += group.figures.f1.value_or(0);
  }
  const double n = std::max(1, mean.groups);
  mean.recall = recall / n;
  mean.fpr = fpr / n;
  mean.f1 = f1 / n;
  return mean;
}

std::string Key(size_t category) { return "S" + std::to_string(category + 1); }

Mistake AsMistake(const Row& row, size_t index, double score) {
  Mistake out;
  out.source = kSources[row.source];
  out.id = out.source + ":" + std::to_string(index);
  out.language = kLanguages[row.language];
  out.role = row.role ? "assistant" : "user";
  out.unsafe = row.unsafe;
  out.score = score;
  if (row.unsafe) out.labelled = {Key(row.category)};
  if (!row.unsafe) out.predicted = {Key((row.category + 3) % std::size(kCategoryNames))};
  out.text = row.unsafe ? "Here the judged message would stand, as it is in the data.\n\nIt may have several "
                          "paragraphs, and it may be long: " +
                              std::string(index % 400, 'x')
                        : "How do I kill a Python process that does not answer to the first signal?";
  return out;
}

void AddConfusion(const std::vector<Row>& rows, const Columns& all, Report* report) {
  CategoryConfusion& confusion = report->confusion;
  const size_t n = std::size(kCategoryNames);
  for (size_t i = 0; i < n; ++i) confusion.rows.push_back(Key(i));
  confusion.columns = confusion.rows;
  confusion.columns.push_back("safe");
  confusion.columns.push_back("unknown");
  confusion.counts.assign(n * (n + 2), 0);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].unsafe) continue;
    const size_t mixed = (i * 7919) % 100;
    size_t column = rows[i].category;
    if (all.predicted[i] == 0) {
      column = n;
    } else if (mixed < 9) {
      column = (column + 1 + mixed % 3) % n;
    } else if (mixed == 50) {
      column = n + 1;
    }
    ++confusion.counts[rows[i].category * (n + 2) + column];
  }
}

Report Make(const ExampleModel& model, const std::vector<Row>& rows, const Columns& all) {
  Report out;
  out.model = model.name;
  out.policy = model.policy;
  out.data = "moderation-mix-2024";
  out.threshold = model.threshold;
  out.category_thresholds = {{"S9", 0.35}, {"S4", 0.2}};
  for (size_t i = 0; i < std::size(kCategoryNames); ++i)
    out.category_names.push_back({Key(i), kCategoryNames[i]});
  out.n = static_cast<int64_t>(rows.size());
  out.problems = 3;
  out.made = "2025-03-01 14:05";
  out.overall = Group("all", all);

  std::vector<std::string> keys;
  for (size_t i = 0; i < std::size(kCategoryNames); ++i) keys.push_back(Key(i));
  Divide(
      "category", keys, rows, all, [](const Row& row, size_t g) { return row.category == g; }, &out);
  out.category_mean = MeanOf(out.dimensions.back());
  Divide(
      "source", {std::begin(kSources), std::end(kSources)}, rows, all,
      [](const Row& row, size_t g) { return row.source == g; }, &out);
  Divide(
      "language", {std::begin(kLanguages), std::end(kLanguages)}, rows, all,
      [](const Row& row, size_t g) { return row.language == g; }, &out);
  out.language_mean = MeanOf(out.dimensions.back());
  Divide(
      "role", {"user", "assistant"}, rows, all, [](const Row& row, size_t g) { return row.role == g; }, &out);
  Divide(
      "images", {std::begin(kImages), std::end(kImages)}, rows, all,
      [](const Row& row, size_t g) { return row.images == g; }, &out);

  double sum = 0;
  for (size_t i = 0; i < keys.size(); ++i) {
    Columns rest = all;
    for (size_t r = 0; r < rows.size(); ++r) rest.labels[r] = rows[r].unsafe && rows[r].category == i;
    for (size_t r = 0; r < rows.size(); ++r)
      if (!rest.labels[r]) rest.scores[r] *= r % 17 == i ? 1.0 : 0.3;
    for (size_t r = 0; r < rows.size(); ++r) rest.predicted[r] = rest.scores[r] >= model.threshold;
    out.category_against_rest.push_back(Group(keys[i], rest));
    sum += out.category_against_rest.back().figures.f1.value_or(0);
  }
  out.category_macro_f1 = sum / static_cast<double>(keys.size());
  out.category_micro_f1 = *out.category_macro_f1 + 0.021;

  out.at_fpr = AtFalsePositiveRate(all.View(), out.wanted_fpr);
  out.curve = Thinned(Curve(all.View()), 400);
  out.reliability = Reliability(all.View());
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto bin = static_cast<size_t>(
        std::min(Report::kHistogramBins - 1, static_cast<int>(all.scores[i] * Report::kHistogramBins)));
    ++(rows[i].unsafe ? out.unsafe_histogram : out.safe_histogram)[bin];
  }
  AddConfusion(rows, all, &out);
  out.latency = Latency{41.2, 88.7, 1240.5, 47.9, 5230};

  std::vector<Mistake> mistakes;
  for (size_t i = 0; i < rows.size(); ++i)
    if (all.predicted[i] != all.labels[i]) mistakes.push_back(AsMistake(rows[i], i, all.scores[i]));
  std::sort(mistakes.begin(), mistakes.end(), [](const Mistake& a, const Mistake& b) {
    return std::abs(a.score - 0.5) > std::abs(b.score - 0.5);
  });
  std::map<bool, int> taken;
  for (Mistake& mistake : mistakes)
    if (taken[mistake.unsafe]++ < 50) out.mistakes.push_back(std::move(mistake));
  return out;
}

}  // namespace

Report ExampleReport(const ExampleModel& model, size_t n) {
  const std::vector<Row> rows = Rows(n);
  return Make(model, rows, Scores(rows, model));
}

Comparison ExampleComparison(size_t models, size_t n) {
  const std::vector<Row> rows = Rows(n);
  std::vector<Columns> columns;
  Comparison out;
  for (size_t m = 0; m < models; ++m) {
    ExampleModel model;
    if (m > 0)
      model = {"llama-guard-4-12b-pruned-" + std::to_string(m), "hazards-v1-strict", 1 + m,
               4.2 - 0.7 * static_cast<double>(m), 0.45};
    columns.push_back(Scores(rows, model));
    out.reports.push_back(Make(model, rows, columns.back()));
    if (m == 0) continue;
    Comparison::Against against;
    BootstrapOptions options;
    options.rounds = 200;
    against.differences = PairedDifferences(columns[0].View(), columns[m].View(), options);
    for (size_t i = 0; i < rows.size(); ++i) {
      const double difference = std::abs(columns[0].scores[i] - columns[m].scores[i]);
      against.mean_score_difference += difference / static_cast<double>(rows.size());
      against.worst_score_difference = std::max(against.worst_score_difference, difference);
      if (columns[0].predicted[i] == columns[m].predicted[i]) continue;
      ++against.verdicts_differ;
      if (against.changed.size() >= 50) continue;
      against.changed.push_back(AsMistake(rows[i], i, columns[0].scores[i]));
      against.changed_other_score.push_back(columns[m].scores[i]);
    }
    out.against.push_back(std::move(against));
  }
  return out;
}

}  // namespace gatehouse
