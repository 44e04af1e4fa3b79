#include "eval/run/selection.h"

#include <algorithm>
#include <memory>

#include "base/mix64.h"
#include "eval/run/prediction.h"

namespace gatehouse {
namespace {

// How many of each source, so that no source gives more than another unless that one has no more.
std::map<std::string, size_t> Quotas(const std::map<std::string, std::vector<uint64_t>>& hashes,
                                     size_t sample) {
  std::vector<std::pair<size_t, std::string>> by_size;
  by_size.reserve(hashes.size());
  for (const auto& [source, rows] : hashes) by_size.emplace_back(rows.size(), source);
  std::sort(by_size.begin(), by_size.end());
  std::map<std::string, size_t> out;
  size_t left = sample;
  for (size_t i = 0; i < by_size.size(); ++i) {
    const size_t fair = (left + (by_size.size() - i) - 1) / (by_size.size() - i);
    const size_t taken = std::min({by_size[i].first, fair, left});
    out[by_size[i].second] = taken;
    left -= taken;
  }
  return out;
}

}  // namespace

uint64_t HashOf(std::string_view text, uint64_t seed) {
  uint64_t hash = Mix64(seed + kGolden64);
  for (const char c : text) hash = Mix64(hash ^ static_cast<unsigned char>(c)) + kGolden64;
  return Mix64(hash);
}

bool Selection::Matches(const EvalRow& row) const {
  for (const auto& [key, wanted] : options_.where) {
    std::string value;
    if (key == "source") {
      value = row.source;
    } else if (key == "language") {
      value = row.language;
    } else if (key == "role") {
      value = RoleName(row.role());
    } else if (key == "label") {
      value = row.unsafe ? "unsafe" : "safe";
    } else {
      value = FieldOf(row.fields, key, {});
    }
    if (value != wanted) return false;
  }
  return true;
}

bool Selection::Takes(const EvalRow& row) const {
  if (!Matches(row)) return false;
  if (options_.sample == 0) return true;
  const auto highest = highest_.find(row.source);
  return highest != highest_.end() && HashOf(row.id, options_.seed) <= highest->second;
}

Result<Selection> Selection::Make(const std::vector<DatasetReader::Input>& data,
                                  const SelectionOptions& options) {
  Selection out;
  out.options_ = options;
  std::map<std::string, std::vector<uint64_t>> hashes;
  GATEHOUSE_ASSIGN(const std::unique_ptr<DatasetReader> reader, DatasetReader::Open(data));
  while (true) {
    GATEHOUSE_ASSIGN(const auto next, reader->Next());
    if (!next) break;
    const EvalRow* row = std::get_if<EvalRow>(&*next);
    if (row == nullptr) {
      ++out.problems_;
    } else if (out.Matches(*row)) {
      ++out.rows_;
      if (options.sample > 0) hashes[row->source].push_back(HashOf(row->id, options.seed));
    }
  }
  if (options.sample == 0) return out;
  out.rows_ = 0;
  for (const auto& [source, quota] : Quotas(hashes, static_cast<size_t>(options.sample))) {
    if (quota == 0) continue;
    std::vector<uint64_t>& all = hashes[source];
    std::sort(all.begin(), all.end());
    const uint64_t highest = all[quota - 1];
    out.highest_[source] = highest;
    out.rows_ += std::upper_bound(all.begin(), all.end(), highest) - all.begin();  // equal hashes go together
  }
  return out;
}

}  // namespace gatehouse
