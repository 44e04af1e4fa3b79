#include "eval/run/system_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>

#include "data/labels.h"
#include "eval/run/prediction.h"
#include "eval/run/prompt_hash.h"
#include "eval/run/refusals.h"
#include "formats/json.h"
#include "formats/sha256.h"

namespace gatehouse {
namespace {

std::string AnswerOf(const Conversation& conversation) {
  std::string out;
  for (const Part& part : conversation.messages.back().parts) out += part.text;
  return out;
}

// True: yes, unsafe, 1, ...; absent: the row has no such field.
Result<std::optional<bool>> FieldFlag(const EvalRow& row, const std::string& field) {
  const std::string text = FieldOf(row.fields, field, {});
  if (text.empty()) return std::optional<bool>();
  GATEHOUSE_ASSIGN(const bool value, ParseLabel(Json(text), row.source + " " + row.id + ", " + field));
  return std::optional(value);
}

std::string RuleDigest() {
  const std::string_view text = kRefusalPhrases;
  Sha256 digest;
  digest.Update(std::as_bytes(std::span(text)));
  return digest.Hex().substr(0, 16);
}

void SetField(const char* name, std::string value, EvalRow* row) {
  for (auto& [key, old] : row->fields) {
    if (key != name) continue;
    old = std::move(value);
    return;
  }
  row->fields.emplace_back(name, std::move(value));
}

void RemoveField(const char* name, EvalRow* row) {
  const auto gone = std::remove_if(row->fields.begin(), row->fields.end(),
                                   [&](const auto& field) { return field.first == name; });
  row->fields.erase(gone, row->fields.end());
}

}  // namespace

const char* SideName(Side side) { return side == Side::kInput ? "input" : "output"; }

Result<SystemRows> SystemRows::Make(const SystemRowsOptions& options) {
  SystemRows out;
  out.options_ = options;
  GATEHOUSE_ASSIGN(const std::unique_ptr<DatasetReader> reader, DatasetReader::Open(options.data));
  while (true) {
    GATEHOUSE_ASSIGN(const auto next, reader->Next());
    if (!next) return out;
    const EvalRow* row = std::get_if<EvalRow>(&*next);
    if (row == nullptr || row->role() != Role::kUser) continue;
    const Known label = row->unsafe ? kUnsafe : kSafe;
    const auto [known, added] = out.labels_.emplace(PromptHash(row->conversation), label);
    if (!added && known->second != label) known->second = kBoth;
  }
}

Result<std::string> SystemRows::PromptLabel(const EvalRow& row) const {
  const auto name = [](bool unsafe) { return std::string(unsafe ? "unsafe" : "safe"); };
  GATEHOUSE_ASSIGN(const std::optional<bool> said, FieldFlag(row, options_.prompt_field));
  if (said) return name(*said);
  if (row.role() == Role::kUser) return name(row.unsafe);
  const auto known = labels_.find(PromptHash(row.conversation));
  if (known == labels_.end() || known->second == kBoth) return std::string();
  return name(known->second == kUnsafe);
}

Result<void> SystemRows::Prepare(Side side, EvalRow* row) const {
  GATEHOUSE_ASSIGN(const std::string label, PromptLabel(*row));
  GATEHOUSE_ASSIGN(const std::optional<bool> said, FieldFlag(*row, options_.refused_field));
  const bool refused = said ? *said : Refuses(AnswerOf(row->conversation));
  SetField(kFieldRefused, refused ? "yes" : "no", row);
  SetField(kFieldRefusedBy, said ? "field" : "phrases", row);
  SetField(kFieldPrompt, fmt::format("{:016x}", PromptHash(row->conversation)), row);
  RemoveField(kFieldPromptLabel, row);
  if (!label.empty()) SetField(kFieldPromptLabel, label, row);
  if (side == Side::kInput && row->conversation.messages.size() > 1) row->conversation.messages.pop_back();
  return {};
}

std::string SystemRows::Rule() const {
  return "refused by field " + options_.refused_field + ", else phrases " + RuleDigest() +
         "; prompts by field " + options_.prompt_field + ", else rows";
}

}  // namespace gatehouse
