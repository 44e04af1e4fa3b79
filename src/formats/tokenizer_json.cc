#include "formats/tokenizer_json.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/text_mark.h"
#include "formats/byte_alphabet.h"
#include "formats/token_map.h"

namespace gatehouse {
namespace {

namespace dom = simdjson::dom;

constexpr int64_t kMaxTokenIds = (1 << 20) - 1;  // see text/pair_table.h

// The patterns as published, verbatim.
constexpr std::string_view kO200kPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
    R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s+(?!\S)|\s+)";

// Thrown inside this file only, beside simdjson's own exceptions, and caught in ReadTokenizerJson.
struct Refused {
  std::string what, field, expected, found;
};

bool IsNull(simdjson::simdjson_result<dom::element> value) { return value.error() || value.is_null(); }

bool BoolOr(dom::object object, std::string_view key, bool otherwise) {
  simdjson::simdjson_result<dom::element> value = object[key];
  return IsNull(value) ? otherwise : bool(value.get_bool());
}

std::string StringOr(dom::object object, std::string_view key, std::string_view otherwise) {
  simdjson::simdjson_result<dom::element> value = object[key];
  return std::string(IsNull(value) ? otherwise : std::string_view(value.get_string()));
}

int32_t ReadId(int64_t id, const char* field) {
  if (id < 0 || id >= kMaxTokenIds) {
    throw Refused{"token id out of range", field, "0 to " + std::to_string(kMaxTokenIds - 1),
                  std::to_string(id)};
  }
  return static_cast<int32_t>(id);
}

// What the steps of a pre-tokenizer say together.
struct PreTokenizerSteps {
  bool o200k = false, llama3 = false, digits = false, gpt2 = false, byte_level = false;
};

void ReadPreTokenizerStep(dom::object step, PreTokenizerSteps* steps) {
  const std::string type = StringOr(step, "type", "");
  if (type == "ByteLevel") {
    steps->byte_level = true;
    steps->gpt2 = BoolOr(step, "use_regex", true);
    if (BoolOr(step, "add_prefix_space", false)) {
      throw Refused{"unsupported setting", "pre_tokenizer, add_prefix_space", "false", "true"};
    }
  } else if (type == "Digits") {
    steps->digits = true;
    if (!BoolOr(step, "individual_digits", false)) {
      throw Refused{"unsupported setting", "pre_tokenizer, individual_digits", "true", "false"};
    }
  } else if (type == "Split") {
    dom::object pattern = step["pattern"].get_object();
    const std::string regex = StringOr(pattern, "Regex", "");
    steps->o200k = regex == kO200kPattern;
    steps->llama3 = regex == kLlama3Pattern;
    if (!steps->o200k && !steps->llama3) {
      throw Refused{"unknown pattern", "pre_tokenizer, pattern", "Llama 3's or Llama 4's",
                    "\"" + regex + "\""};
    }
    const std::string behavior = StringOr(step, "behavior", "");
    if (behavior != "Isolated") {
      throw Refused{"unsupported setting", "pre_tokenizer, behavior", "\"Isolated\"", "\"" + behavior + "\""};
    }
    if (BoolOr(step, "invert", false)) {
      throw Refused{"unsupported setting", "pre_tokenizer, invert", "false", "true"};
    }
  } else {
    throw Refused{"unknown pre-tokenizer", "pre_tokenizer, type", "Split, Digits or ByteLevel",
                  "\"" + type + "\""};
  }
}

PreTokenizer ReadPreTokenizer(dom::object object) {
  PreTokenizerSteps steps;
  if (StringOr(object, "type", "") == "Sequence") {
    for (const dom::element step : dom::array(object["pretokenizers"].get_array())) {
      ReadPreTokenizerStep(step.get_object(), &steps);
    }
  } else {
    ReadPreTokenizerStep(object, &steps);
  }
  const int ways = int{steps.o200k} + int{steps.llama3} + int{steps.gpt2};
  if (!steps.byte_level || ways != 1 || (steps.digits && !steps.gpt2)) {
    throw Refused{"unknown combination of pre-tokenizers", "pre_tokenizer", "one pattern, then ByteLevel",
                  "another"};
  }
  if (steps.o200k) return PreTokenizer::kO200k;
  if (steps.llama3) return PreTokenizer::kLlama3;
  return steps.digits ? PreTokenizer::kSmolLM : PreTokenizer::kGpt2;
}

void ReadAddedTokens(dom::array added, TokenizerData* data) {
  for (const dom::element entry : added) {
    const dom::object token = entry.get_object();
    const int32_t id = ReadId(token["id"].get_int64(), "added_tokens, id");
    data->controls.push_back({StringOr(token, "content", ""), id});
    data->vocab_size = std::max(data->vocab_size, id + 1);
  }
}

// spelt: each token as the file writes it, which the merges refer to.
void ReadVocab(dom::object vocab, TokenizerData* data, std::vector<std::string>* spelt) {
  std::string bytes;
  for (const dom::key_value_pair field : vocab) {
    const std::string_view text = field.key;
    const int32_t id = ReadId(field.value.get_int64(), "model, vocab");
    if (static_cast<size_t>(id) >= data->tokens.size()) {
      data->tokens.resize(id + 1);
      spelt->resize(id + 1);
    }
    if (!(*spelt)[id].empty()) {
      throw Refused{"two tokens of one id", "model, vocab", "each id once", std::to_string(id) + " twice"};
    }
    (*spelt)[id] = text;
    // A token that is no byte string (none in a byte-level vocabulary but control tokens) stands for its
    // text.
    data->tokens[id] = FromByteAlphabet(text, &bytes) ? bytes : std::string(text);
  }
}

void ReadMerges(dom::array merges, const TokenMap& spelt, TokenizerData* data) {
  const auto find = [&](std::string_view text) {
    const int32_t id = spelt.Find(text);
    if (id < 0) {
      throw Refused{"merge of an unknown token", "model, merges[" + std::to_string(data->merges.size()) + "]",
                    "tokens of vocab", "\"" + std::string(text) + "\""};
    }
    return id;
  };
  for (dom::element merge : merges) {
    int32_t sides[2] = {-1, -1};
    size_t count = 0;
    if (merge.is_array()) {
      for (const dom::element side : dom::array(merge.get_array())) {
        if (count < 2) sides[count] = find(side.get_string());
        ++count;
      }
    } else {
      const std::string_view both = merge.get_string();
      const size_t space = both.find(' ');
      if (space != std::string_view::npos) {
        sides[0] = find(both.substr(0, space));
        sides[1] = find(both.substr(space + 1));
        count = 2;
      }
    }
    if (count != 2) {
      throw Refused{"bad merge", "model, merges[" + std::to_string(data->merges.size()) + "]", "two tokens",
                    std::to_string(count)};
    }
    data->merges.emplace_back(sides[0], sides[1]);
  }
}

void ReadModel(dom::object model, TokenizerData* data) {
  const std::string type = StringOr(model, "type", "BPE");
  if (type != "BPE") throw Refused{"unsupported model", "model, type", "\"BPE\"", "\"" + type + "\""};
  if (BoolOr(model, "byte_fallback", false)) {
    throw Refused{"unsupported setting", "model, byte_fallback", "false", "true"};
  }
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const std::string text = StringOr(model, key, "");
    if (!text.empty())
      throw Refused{"unsupported setting", std::string("model, ") + key, "null", "\"" + text + "\""};
  }
  simdjson::simdjson_result<dom::element> dropout = model["dropout"];
  if (!IsNull(dropout) && double(dropout.get_double()) != 0.0) {
    throw Refused{"unsupported setting", "model, dropout", "null", "a number"};
  }
  data->whole_piece_first = BoolOr(model, "ignore_merges", false);
  std::vector<std::string> spelt;
  ReadVocab(model["vocab"].get_object(), data, &spelt);
  data->vocab_size = std::max(data->vocab_size, static_cast<int32_t>(data->tokens.size()));
  ReadMerges(model["merges"].get_array(), TokenMap(spelt), data);
  if (data->merges.empty()) throw Refused{"no merges", "model, merges", "a list", "an empty one"};
}

TokenizerData Read(dom::object root) {
  TokenizerData data;
  simdjson::simdjson_result<dom::element> normalizer = root["normalizer"];
  if (!IsNull(normalizer)) throw Refused{"unsupported setting", "normalizer", "null", "an object"};
  simdjson::simdjson_result<dom::element> added = root["added_tokens"];
  if (!IsNull(added)) ReadAddedTokens(added.get_array(), &data);
  data.pre_tokenizer = ReadPreTokenizer(root["pre_tokenizer"].get_object());
  ReadModel(root["model"].get_object(), &data);
  // Text must never give a control token, so these have no bytes.
  for (const ControlToken& control : data.controls) {
    if (static_cast<size_t>(control.id) < data.tokens.size()) data.tokens[control.id].clear();
  }
  return data;
}

}  // namespace

Result<TokenizerData> ReadTokenizerJson(std::string_view bytes, const std::string& name) {
  std::string scratch;
  const std::string_view json = Utf8Text(bytes, &scratch);
  try {
    // The form that checks the whole text first, with the instructions that the machine has.
    dom::parser parser;
    return Read(dom::object(parser.parse(json.data(), json.size()).get_object()));
  } catch (const Refused& refused) {
    return ModelError(refused.what, name + ", " + refused.field, refused.expected, refused.found);
  } catch (const simdjson::simdjson_error& error) {
    const FileKind kind = KindOfFile(bytes);
    const bool other = kind != FileKind::kUnknown && kind != FileKind::kJson;
    return ModelError("bad tokenizer", name, "JSON of a byte-level BPE tokenizer",
                      other ? DescribeFile(bytes) : error.what());
  }
}

}  // namespace gatehouse
