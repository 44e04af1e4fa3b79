#include "formats/tokenizer_json.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "formats/byte_alphabet.h"

namespace gatehouse {
namespace {

namespace sj = simdjson::dom;

constexpr int64_t kMaxId = 1 << 24;

// The split pattern tells the tokenisers apart, wherever in the tree of pre-tokenisers it stands.
std::optional<PreTokenizer> PreTokenizerOf(sj::element node, bool digits) {
  sj::object object;
  if (node.get(object) != simdjson::SUCCESS) return std::nullopt;
  std::string_view type;
  if (object["type"].get(type) != simdjson::SUCCESS) return std::nullopt;
  if (type == "Sequence") {
    sj::array items;
    if (object["pretokenizers"].get(items) != simdjson::SUCCESS) return std::nullopt;
    for (sj::element item : items) {
      std::string_view item_type;
      bool individual = false;
      if (item["type"].get(item_type) == simdjson::SUCCESS && item_type == "Digits") {
        if (item["individual_digits"].get(individual) == simdjson::SUCCESS) digits = digits || individual;
        continue;
      }
      if (const auto kind = PreTokenizerOf(item, digits)) return kind;
    }
    return std::nullopt;
  }
  if (type == "Split") {
    std::string_view pattern;
    if (object["pattern"]["Regex"].get(pattern) != simdjson::SUCCESS) return std::nullopt;
    if (pattern.find("\\p{Lu}") != std::string_view::npos) return PreTokenizer::kO200k;
    if (pattern.find("\\p{N}{1,3}") != std::string_view::npos) return PreTokenizer::kLlama3;
    return std::nullopt;
  }
  if (type == "ByteLevel") {
    bool use_regex = true;
    if (object["use_regex"].get(use_regex) != simdjson::SUCCESS) use_regex = true;
    if (use_regex) return digits ? PreTokenizer::kSmolLM : PreTokenizer::kGpt2;
  }
  return std::nullopt;
}

class Reader {
 public:
  Reader(const std::string& name, TokenizerData* out) : name_(name), out_(*out) {}

  Result<void> Read(sj::element root) {
    sj::object model;
    if (root["model"].get(model) != simdjson::SUCCESS) return ModelError("malformed tokenizer", name_ + ": model", "an object", "none");
    std::string_view type;
    if (model["type"].get(type) == simdjson::SUCCESS && type != "BPE") {
      return ModelError("unsupported tokenizer", name_ + ": model.type", "BPE", std::string(type));
    }
    sj::element pre_node;
    if (root["pre_tokenizer"].get(pre_node) != simdjson::SUCCESS) return ModelError("malformed tokenizer", name_ + ": pre_tokenizer", "an object", "none");
    const auto pre = PreTokenizerOf(pre_node, false);
    if (!pre) return ModelError("unknown pre-tokeniser", name_ + ": pre_tokenizer", "o200k, Llama 3, GPT-2 or SmolLM", "another");
    out_.pre_tokenizer = *pre;
    bool ignore = false;
    if (model["ignore_merges"].get(ignore) == simdjson::SUCCESS) out_.whole_piece_first = ignore;
    GATEHOUSE_TRY(ReadVocabulary(model));
    GATEHOUSE_TRY(ReadMerges(model));
    return ReadAdded(root);
  }

 private:
  Result<void> ReadVocabulary(sj::object model) {
    sj::object vocabulary;
    if (model["vocab"].get(vocabulary) != simdjson::SUCCESS) return ModelError("malformed tokenizer", name_ + ": model.vocab", "an object", "none");
    ids_.reserve(vocabulary.size());
    for (const auto field : vocabulary) {
      int64_t id = -1;
      if (field.value.get(id) != simdjson::SUCCESS || id < 0 || id >= kMaxId) {
        return ModelError("bad token id", name_ + ": model.vocab: " + std::string(field.key), "an integer from 0", "another");
      }
      if (static_cast<size_t>(id) >= out_.tokens.size()) {
        out_.tokens.resize(static_cast<size_t>(id) + 1);
        seen_.resize(static_cast<size_t>(id) + 1);
      }
      if (seen_[static_cast<size_t>(id)]) {
        return ModelError("token id used twice", name_ + ": model.vocab: " + std::string(field.key), "each id once", std::to_string(id));
      }
      seen_[static_cast<size_t>(id)] = true;
      // What is not written in the byte alphabet cannot come from text: a control token, listed again further below.
      if (auto bytes = BytesOfAlphabet(field.key)) out_.tokens[static_cast<size_t>(id)] = std::move(*bytes);
      ids_.emplace(field.key, static_cast<int32_t>(id));
    }
    out_.vocab_size = static_cast<int32_t>(out_.tokens.size());
    return {};
  }

  Result<void> ReadMerges(sj::object model) {
    sj::array merges;
    if (model["merges"].get(merges) != simdjson::SUCCESS) return ModelError("malformed tokenizer", name_ + ": model.merges", "a list", "none");
    size_t rank = 0;
    for (sj::element merge : merges) {
      std::string_view left, right, line;
      sj::array pair;
      if (merge.get(line) == simdjson::SUCCESS) {
        const size_t space = line.find(' ');
        if (space != std::string_view::npos) {
          left = line.substr(0, space);
          right = line.substr(space + 1);
        }
      } else if (merge.get(pair) == simdjson::SUCCESS && pair.size() == 2) {
        if (pair.at(0).get(left) != simdjson::SUCCESS || pair.at(1).get(right) != simdjson::SUCCESS) left = {};
      }
      const auto left_id = ids_.find(left), right_id = ids_.find(right);
      if (left.empty() || right.empty() || left_id == ids_.end() || right_id == ids_.end()) {
        return ModelError("bad merge", name_ + ": model.merges[" + std::to_string(rank) + "]", "two tokens of the vocabulary", "another");
      }
      out_.merges.emplace_back(left_id->second, right_id->second);
      ++rank;
    }
    return {};
  }

  Result<void> ReadAdded(sj::element root) {
    sj::array added;
    if (root["added_tokens"].get(added) != simdjson::SUCCESS) return {};
    for (sj::element token : added) {
      std::string_view content;
      int64_t id = -1;
      if (token["content"].get(content) != simdjson::SUCCESS || token["id"].get(id) != simdjson::SUCCESS || id < 0 || id >= kMaxId ||
          content.empty()) {
        return ModelError("bad added token", name_ + ": added_tokens", "content and id", "another");
      }
      out_.controls.push_back({std::string(content), static_cast<int32_t>(id)});
      out_.vocab_size = std::max(out_.vocab_size, static_cast<int32_t>(id) + 1);
    }
    return {};
  }

  const std::string& name_;
  TokenizerData& out_;
  std::unordered_map<std::string_view, int32_t> ids_;
  std::vector<bool> seen_;
};

}  // namespace

Result<TokenizerData> ReadTokenizerJson(std::string_view json, const std::string& name) {
  sj::parser parser;
  sj::element root;
  const simdjson::error_code code = parser.parse(json.data(), json.size()).get(root);
  if (code != simdjson::SUCCESS) return ModelError("malformed JSON", name, "a tokenizer", simdjson::error_message(code));
  if (!root.is_object()) return ModelError("malformed tokenizer", name, "a JSON object", "another");
  TokenizerData data;
  GATEHOUSE_TRY(Reader(name, &data).Read(root));
  return data;
}

}  // namespace gatehouse
