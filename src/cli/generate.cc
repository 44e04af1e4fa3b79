#include "cli/generate.h"

#include <deque>
#include <utility>

#include "base/error.h"
#include "cli/chat_client.h"
#include "eval/run/identity_parts.h"
#include "eval/run/record.h"
#include "formats/json.h"
#include "formats/sha256.h"

namespace gatehouse::cli {
namespace {

constexpr RecordNames kNames = {"answers.jsonl", "generate.json"};

Result<std::string> GenerationIdentity(const GenerateOptions& options, const SystemRows& rows) {
  GATEHOUSE_ASSIGN(const Json data, DataFingerprints(options.data));
  const Json where = WhereOf(options.selection.where);
  const Json out = {{"url", options.url},
                    {"model", options.model},
                    {"max_tokens", options.max_tokens},
                    {"temperature", 0},
                    {"rule", rows.Rule()},
                    {"data", data},
                    {"where", where},
                    {"sample", options.selection.sample},
                    {"seed", options.selection.seed}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Up to the last message of the user; empty where a part is no text.
Json PromptOf(const EvalRow& row) {
  Json out = Json::array();
  size_t count = row.conversation.messages.size();
  if (row.role() == Role::kAssistant) --count;
  for (size_t i = 0; i < count; ++i) {
    const Message& message = row.conversation.messages[i];
    std::string text;
    for (const Part& part : message.parts) {
      if (part.kind == Part::Kind::kImage) return Json::array();
      text += (text.empty() ? "" : "\n") + part.text;
    }
    out.push_back({{"role", RoleName(message.role)}, {"content", text}});
  }
  return out;
}

std::string LineOf(const EvalRow& row, const std::string& prompt_label, Json messages,
                   const ChatAnswer& answer, const std::string& model) {
  Json out = {{"source", row.source}, {"language", row.language}};
  if (!answer.error.empty()) {
    out["error"] = answer.error;
  } else {
    messages.push_back({{"role", "assistant"}, {"content", answer.text}});
    out["role"] = "assistant";
    out["messages"] = std::move(messages);
    out["answer_label"] = "unknown";
    if (!prompt_label.empty()) out["prompt_label"] = prompt_label;
    if (answer.refused) out["refused"] = "yes";
    if (!model.empty()) out["generated_by"] = model;
    if (!answer.finish_reason.empty()) out["finish_reason"] = answer.finish_reason;
    if (row.role() == Role::kUser && row.categories.size() == 1) out["prompt_category"] = row.categories[0];
  }
  for (const auto& [key, value] : row.fields)
    if (!out.contains(key) && key != "refused") out[key] = value;
  return WithId(row.id_json.empty() ? JsonLine(row.id) : row.id_json, JsonLine(out));
}

// Prompts on their way, whose answers are written in the order of the rows.
class Generator {
 public:
  Generator(const GenerateOptions& options, const SystemRows& rows, PredictionWriter& writer,
            ChatClient& client, int64_t total)
      : options_(options), rows_(rows), writer_(writer), client_(client), total_(total) {}

  Result<void> Row(EvalRow row) {
    Waiting one;
    GATEHOUSE_ASSIGN(one.prompt_label, rows_.PromptLabel(row));
    one.messages = PromptOf(row);
    if (!one.messages.empty()) {
      Json body = Json::object();
      if (!options_.model.empty()) body["model"] = options_.model;
      body["messages"] = one.messages;
      body["max_tokens"] = options_.max_tokens;
      body["temperature"] = 0;
      one.asked = client_.Ask(JsonLine(body));
    }
    one.row = std::move(row);
    waiting_.push_back(std::move(one));
    return waiting_.size() < static_cast<size_t>(options_.at_once) ? Result<void>() : First();
  }
  Result<void> Flush() {
    while (!waiting_.empty()) GATEHOUSE_TRY(First());
    return writer_.Close();
  }
  int64_t failed() const { return failed_; }

 private:
  struct Waiting {
    EvalRow row;
    std::string prompt_label;
    Json messages;
    std::shared_ptr<ChatClient::Asked> asked;  // null: an image, which is not sent
  };

  Result<void> First() {
    Waiting one = std::move(waiting_.front());
    waiting_.pop_front();
    ChatAnswer answer;
    answer.error = "images are not sent";
    if (one.asked != nullptr) {
      GATEHOUSE_ASSIGN(answer, client_.Wait(std::move(one.asked)));
    }
    if (!answer.error.empty() && options_.strict)
      return BadInput("no answer", one.row.source + " " + one.row.id, "an answer", answer.error);
    failed_ += !answer.error.empty();
    GATEHOUSE_TRY(writer_.AppendLine(
        LineOf(one.row, one.prompt_label, std::move(one.messages), answer, options_.model)));
    if (options_.progress) options_.progress(writer_.rows() + ++written_, total_);
    return {};
  }

  const GenerateOptions& options_;
  const SystemRows& rows_;
  PredictionWriter& writer_;
  ChatClient& client_;
  std::deque<Waiting> waiting_;
  int64_t total_, written_ = 0, failed_ = 0;
};

}  // namespace

Result<Generation> GenerateAnswers(const GenerateOptions& options, const SystemRows& rows) {
  const auto timeout = std::chrono::milliseconds(static_cast<int64_t>(options.timeout * 1e3));
  GATEHOUSE_ASSIGN(const auto client, ChatClient::Create(options.url, options.api_key, timeout));
  GATEHOUSE_ASSIGN(const Selection selection, Selection::Make(options.data, options.selection));
  GATEHOUSE_ASSIGN(const std::string identity, GenerationIdentity(options, rows));
  GATEHOUSE_ASSIGN(const auto writer, PredictionWriter::Open(options.directory, identity, kNames));
  Generation out;
  out.path = writer->path();
  out.resumed = writer->rows();
  Generator generator(options, rows, *writer, *client, selection.rows());
  GATEHOUSE_ASSIGN(const auto reader, DatasetReader::Open(options.data));
  while (true) {
    GATEHOUSE_ASSIGN(auto next, reader->Next());
    if (!next) break;
    EvalRow* row = std::get_if<EvalRow>(&*next);
    if (row == nullptr || !selection.Takes(*row)) continue;
    if (out.rows++ >= writer->rows()) GATEHOUSE_TRY(generator.Row(std::move(*row)));
  }
  GATEHOUSE_TRY(generator.Flush());
  if (out.rows == 0)
    return BadInput("no prompt", options.data.empty() ? "" : options.data[0].path, "at least one row");
  out.failed = generator.failed();
  return out;
}

}  // namespace gatehouse::cli
