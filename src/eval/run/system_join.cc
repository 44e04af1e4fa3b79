#include "eval/run/system_join.h"

#include <memory>

#include "base/error.h"
#include "eval/figures/rates.h"
#include "eval/run/record.h"
#include "eval/run/system_rows.h"

namespace gatehouse {
namespace {

void TakeJudgement(const Prediction& judged, Prediction* to) {
  to->unsafe = judged.verdict_unsafe;
  to->categories = judged.verdict_unsafe ? judged.verdict_categories : std::vector<std::string>();
  to->categories_known = !to->unsafe || (!to->categories.empty() && to->categories[0] != "unknown");
  if (!to->categories_known) to->categories.clear();
}

Result<void> Add(const Prediction& input, const Prediction& output, bool labelled, const VerdictRule& rule,
                 JoinedRecords* to) {
  SystemRow row;
  row.input_score = input.unsafe_score;
  row.output_score = output.unsafe_score;
  row.input_blocks = Decide(rule, input).unsafe;
  row.output_blocks = Decide(rule, output).unsafe;
  row.violates = labelled ? static_cast<uint8_t>(output.unsafe) : kNotCounted;
  const bool by_field = FieldOf(output.fields, kFieldRefusedBy, {}) == "field";
  const bool said = FieldOf(output.fields, kFieldRefused, {}) == "yes";
  // Some answers refuse in one voice and comply in the next: who violates has not refused, unless the data
  // says so.
  row.refuses = said && (by_field || row.violates != 1);
  row.harmless = FieldOf(output.fields, kFieldPromptLabel, {}) == "safe";
  to->unlabelled += !labelled;
  to->refused_by_field += by_field;
  to->refusing_violations += said && row.violates == 1;
  to->prompts.insert(FieldOf(output.fields, kFieldPrompt, {}));
  to->rows.push_back(row);
  to->input_ms.push_back(input.ms);
  to->output_ms.push_back(output.ms);
  return to->table.Add(output, rule);
}

}  // namespace

JoinedRecords::JoinedRecords(const ReportOptions& options)
    : table(options.by, options.cluster.empty() ? kFieldPrompt : options.cluster) {}

Result<JoinedRecords> JoinRecords(const SystemRecords& records, const ReportOptions& options) {
  GATEHOUSE_ASSIGN(const auto inputs, PredictionReader::Open(records.input));
  GATEHOUSE_ASSIGN(const auto outputs, PredictionReader::Open(records.output));
  std::unique_ptr<PredictionReader> judgements;
  if (!records.judge.empty()) {
    GATEHOUSE_ASSIGN(judgements, PredictionReader::Open(records.judge));
  }
  JoinedRecords out(options);
  const auto mismatch = [](const std::string& record, int64_t line, const Prediction& one,
                           const Prediction& other, bool more, bool more_other) {
    return BadInput("the records are of other rows", record + " line " + std::to_string(line),
                    more ? one.source + " " + one.id : "nothing",
                    more_other ? other.source + " " + other.id : "nothing");
  };
  for (int64_t line = 1;; ++line) {
    Prediction input, output, judged;
    GATEHOUSE_ASSIGN(const bool more_in, inputs->Next(&input));
    GATEHOUSE_ASSIGN(const bool more_out, outputs->Next(&output));
    if (more_in != more_out || input.id != output.id || input.source != output.source)
      return mismatch(records.output, line, input, output, more_in, more_out);
    if (judgements != nullptr) {
      GATEHOUSE_ASSIGN(const bool more, judgements->Next(&judged));
      if (more != more_out || judged.id != output.id || judged.source != output.source)
        return mismatch(records.judge, line, output, judged, more_out, more);
    }
    if (!more_in) return out;
    const auto error = [&](const Prediction& one) {
      if (one.error.empty()) return false;
      if (out.first_error.empty()) out.first_error = one.error;
      return true;
    };
    if (error(input) || error(output) || error(judged)) {
      ++out.left_out;
      continue;
    }
    if (FieldOf(output.fields, kFieldPrompt, {}).empty())
      return BadInput("record is not of a whole system",
                      records.output + " line " + std::to_string(line) + ", fields",
                      "what eval --system-level writes", "no field \"" + std::string(kFieldPrompt) + "\"");
    const bool labelled = judgements != nullptr || FieldOf(output.fields, kFieldAnswerLabel, {}) != "unknown";
    if (judgements != nullptr) TakeJudgement(judged, &output);
    if (!labelled) output.categories_known = false;
    GATEHOUSE_TRY(Add(input, output, labelled, options.rule, &out));
  }
}

}  // namespace gatehouse
