#include "train/run/examples.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <variant>

#include "base/error.h"
#include "train/run/random.h"

namespace gatehouse::train {
namespace {

size_t TextBytes(const EvalRow& row) {
  size_t bytes = 0;
  for (const Message& message : row.conversation.messages) {
    for (const Part& part : message.parts) bytes += part.kind == Part::Kind::kText ? part.text.size() : 0;
  }
  return bytes;
}

std::string FieldOf(const EvalRow& row, const std::string& name) {
  if (name == "source") return row.source;
  if (name == "language") return row.language;
  if (name == "label") return row.unsafe ? "unsafe" : "safe";
  if (name == "role") return row.role() == Role::kUser ? "user" : "assistant";
  for (const auto& [field, value] : row.fields) {
    if (field == name) return value;
  }
  return {};
}

bool Matches(const EvalRow& row, const ExampleOptions& options) {
  return std::all_of(options.where.begin(), options.where.end(),
                     [&](const auto& entry) { return FieldOf(row, entry.first) == entry.second; });
}

Result<void> CheckSources(const Examples& examples, const ExampleOptions& options) {
  const auto check = [&](const std::string& source) -> Result<void> {
    if (examples.by_source.contains(source)) return {};
    return UsageError("unknown source", source, "a source of the data", "none of that name");
  };
  for (const auto& [source, times] : options.times) {
    GATEHOUSE_TRY(check(source));
    if (times < 0 || times > 100)
      return UsageError("out of range", source, "0 to 100 times", std::to_string(times));
  }
  for (const Cap& cap : options.caps) {
    for (const std::string& source : cap.sources) GATEHOUSE_TRY(check(source));
    if (cap.sources.empty())
      return UsageError("a cap without sources", "caps", "at least one source", "none");
    if (!(cap.share > 0 && cap.share <= 1))
      return UsageError("out of range", "caps: share", "more than 0, at most 1", std::to_string(cap.share));
    if (!cap.label.empty() && cap.label != "safe" && cap.label != "unsafe")
      return UsageError("bad value", "caps: label", "safe or unsafe", cap.label);
  }
  return {};
}

// Leaves out rows, the last ones of the pass first, until every cap holds: n <= share * (n + rest).
void ApplyCaps(const std::vector<EvalRow>& rows, const std::vector<Cap>& caps, std::vector<size_t>* pass) {
  // A cap makes the others' denominators smaller: until nothing changes.
  for (int round = 0; round < 20; ++round) {
    bool changed = false;
    for (const Cap& cap : caps) {
      const auto counts = [&](const EvalRow& row) {
        return (cap.label.empty() || row.unsafe == (cap.label == "unsafe")) &&
               (cap.language.empty() || row.language == cap.language);
      };
      const auto is_capped = [&](const EvalRow& row) {
        return counts(row) &&
               std::find(cap.sources.begin(), cap.sources.end(), row.source) != cap.sources.end();
      };
      size_t capped = 0, rest = 0;
      for (const size_t i : *pass) {
        if (is_capped(rows[i]))
          ++capped;
        else
          rest += counts(rows[i]);
      }
      const auto most = cap.share >= 1
                            ? capped
                            : static_cast<size_t>(cap.share / (1 - cap.share) * static_cast<double>(rest));
      if (capped <= most) continue;
      size_t kept = 0;
      std::erase_if(*pass, [&](size_t i) { return is_capped(rows[i]) && ++kept > most; });
      changed = true;
    }
    if (!changed) return;
  }
}

// Safe and unsafe rows of a language and role get the same sum, and all rows together their number.
void Balance(const std::vector<EvalRow>& rows, const std::vector<size_t>& pass, std::vector<float>* weights) {
  using Group = std::pair<std::string, bool>;  // language, whether it is an assistant's
  std::map<Group, std::pair<double, double>> counts;
  const auto group = [&](const EvalRow& row) { return Group{row.language, row.role() == Role::kAssistant}; };
  for (const size_t i : pass) {
    auto& [safe, unsafe] = counts[group(rows[i])];
    (rows[i].unsafe ? unsafe : safe) += 1;
  }
  for (const size_t i : pass) {
    const auto& [safe, unsafe] = counts[group(rows[i])];
    // A group of one label alone keeps its weight: there is nothing to balance it with.
    if (safe == 0 || unsafe == 0) continue;
    (*weights)[i] = static_cast<float>((safe + unsafe) / 2 / (rows[i].unsafe ? unsafe : safe));
  }
}

// Rows with images are left out, or come again and again, until there are so many rows of text for each.
Result<void> MixImages(double text_to_images, Examples* examples) {
  std::vector<size_t> text, images;
  for (const size_t i : examples->pass) (examples->rows[i].images() > 0 ? images : text).push_back(i);
  if (text.empty() || images.empty())
    return UsageError("nothing to mix", "text_to_images", "rows with images, and without",
                      std::to_string(images.size()) + " and " + std::to_string(text.size()));
  const auto wanted = static_cast<size_t>(std::llround(static_cast<double>(text.size()) / text_to_images));
  examples->pass = text;
  for (size_t k = 0; k < std::max<size_t>(wanted, 1); ++k)
    examples->pass.push_back(images[k % images.size()]);
  return {};
}

}  // namespace

Result<Examples> ReadExamples(const std::vector<DatasetReader::Input>& data, const ExampleOptions& options) {
  Examples out;
  GATEHOUSE_ASSIGN(const auto reader, DatasetReader::Open(data));
  while (true) {
    GATEHOUSE_ASSIGN(auto next, reader->Next());
    if (!next) break;
    if (std::holds_alternative<RowProblem>(*next)) {
      ++out.problems;
      continue;
    }
    EvalRow& row = std::get<EvalRow>(*next);
    if (!Matches(row, options)) continue;
    if (TextBytes(row) > options.max_text_bytes) {
      ++out.too_long;
      continue;
    }
    Examples::Count& count = out.by_source[row.source];
    ++count.rows;
    count.unsafe += row.unsafe;
    out.rows.push_back(std::move(row));
  }
  GATEHOUSE_TRY(CheckSources(out, options));
  out.weights.assign(out.rows.size(), 1.0f);

  for (size_t i = 0; i < out.rows.size(); ++i) {
    const auto listed = options.times.find(out.rows[i].source);
    const int times = listed == options.times.end() ? 1 : listed->second;
    out.pass.insert(out.pass.end(), static_cast<size_t>(times), i);
  }
  // What a cap leaves out is drawn, whatever the run's seed: legs of one training learn from the same rows.
  Random(1, 1).Shuffle(&out.pass);
  ApplyCaps(out.rows, options.caps, &out.pass);
  if (options.text_to_images > 0) GATEHOUSE_TRY(MixImages(options.text_to_images, &out));
  out.images =
      std::count_if(out.pass.begin(), out.pass.end(), [&](size_t i) { return out.rows[i].images() > 0; });
  if (out.pass.empty())
    return UsageError("nothing to learn from", "data", "rows that match",
                      std::to_string(out.rows.size()) + " rows");
  if (options.balance) Balance(out.rows, out.pass, &out.weights);
  for (const size_t i : out.pass) {
    Examples::Count& count = out.by_source[out.rows[i].source];
    ++count.used;
    count.weight += static_cast<double>(out.weights[i]);
  }
  return out;
}

}  // namespace gatehouse::train
