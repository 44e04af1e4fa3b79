// Readers of tokenizer files: all spellings that occur, and an error for each that would change ids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "formats/byte_alphabet.h"
#include "formats/tokenizer_binary.h"
#include "formats/tokenizer_json.h"
#include "formats/tokenizer_model.h"
#include "text_fixtures.h"

namespace gatehouse {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;

// The alphabet by its definition: printable Latin-1 stands for itself, the rest follows from U+0100 on.
std::string Spell(unsigned char byte) {
  int character = byte;
  const auto printable = [](int value) {
    return (value >= 33 && value <= 126) || (value >= 161 && value <= 172) || value >= 174;
  };
  if (!printable(byte)) {
    character = 256;
    for (int before = 0; before < byte; ++before) character += printable(before) ? 0 : 1;
  }
  if (character < 128) return std::string(1, static_cast<char>(character));
  return {static_cast<char>(0xC0 | character >> 6), static_cast<char>(0x80 | (character & 63))};
}

Json SmallJson() {
  Json vocab = Json::object();
  for (int byte = 0; byte < 256; ++byte) vocab[Spell(static_cast<unsigned char>(byte))] = byte;
  vocab["ab"] = 256;
  vocab["abc"] = 257;
  vocab["<|x|>"] = 258;  // control tokens may stand in the vocabulary too
  return {{"added_tokens", {{{"id", 258}, {"content", "<|x|>"}}, {{"id", 259}, {"content", "<|y|>"}}}},
          {"normalizer", nullptr},
          {"pre_tokenizer",
           {{"type", "Sequence"},
            {"pretokenizers",
             {{{"type", "Digits"}, {"individual_digits", true}},
              {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}}}}},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"vocab", vocab},
            {"merges", Json::array({Json::array({"a", "b"}), Json::array({"ab", "c"})})}}}};
}

std::string JsonMessage(const Json& json) {
  const auto data = ReadTokenizerJson(json.dump(), "t.json");
  if (data.ok()) return "accepted";
  EXPECT_EQ(data.error().code, ErrorCode::kModel);
  return data.error().Message();
}

TEST(ByteAlphabet, AllBytes) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string bytes;
    EXPECT_TRUE(FromByteAlphabet(Spell(static_cast<unsigned char>(byte)), &bytes));
    EXPECT_EQ(bytes, std::string(1, static_cast<char>(byte)));
  }
  std::string bytes;
  for (const char* none : {" ", "\n", "\u00A0", "\u00AD", "\u0144", "\u4E2D", "\xC4", "\x80"}) {
    EXPECT_FALSE(FromByteAlphabet(none, &bytes)) << none;
  }
}

TEST(TokenizerJson, BothFormsOfMerges) {
  Json json = SmallJson();
  const auto pairs = ReadTokenizerJson(json.dump(), "t.json");
  ASSERT_TRUE(pairs.ok()) << pairs.error().Message();
  json["model"]["merges"] = Json::array({"a b", "ab c"});
  const auto texts = ReadTokenizerJson(json.dump(), "t.json");
  ASSERT_TRUE(texts.ok()) << texts.error().Message();
  EXPECT_EQ(pairs->merges, texts->merges);
  EXPECT_EQ(pairs->merges, (std::vector<std::pair<int32_t, int32_t>>{{'a', 'b'}, {256, 'c'}}));
  EXPECT_EQ(pairs->tokens[256], "ab");
  EXPECT_EQ(pairs->tokens[0x20], " ");
  EXPECT_EQ(pairs->tokens[258], "");
  EXPECT_EQ(pairs->vocab_size, 260);
  EXPECT_EQ(pairs->pre_tokenizer, PreTokenizer::kSmolLM);
  EXPECT_FALSE(pairs->whole_piece_first);
}

TEST(TokenizerJson, IgnoreMergesTakesWholePieces) {
  Json json = SmallJson();
  json["model"]["merges"] = Json::array({"a b"});
  for (const bool ignore : {false, true}) {
    json["model"]["ignore_merges"] = ignore;
    const auto tokenizer = Tokenizer::Create(ReadTokenizerJson(json.dump(), "t.json").value());
    ASSERT_TRUE(tokenizer.ok());
    EXPECT_EQ(tokenizer.value()->Encode("abc"),
              ignore ? std::vector<int32_t>{257} : (std::vector<int32_t>{256, 'c'}));
    EXPECT_EQ(tokenizer.value()->Encode("<|x|>").size(), 5u);
    EXPECT_EQ(tokenizer.value()->ControlId("<|y|>"), 259);
  }
}

TEST(TokenizerJson, RefusesByName) {
  EXPECT_EQ(JsonMessage(SmallJson()), "accepted");
  const auto with = [](const char* pointer, const Json& value) {
    Json json = SmallJson();
    json[Json::json_pointer(pointer)] = value;
    return JsonMessage(json);
  };
  EXPECT_THAT(with("/normalizer", Json{{"type", "NFC"}}), HasSubstr("t.json, normalizer"));
  EXPECT_THAT(with("/pre_tokenizer/type", "Whitespace"), HasSubstr("unknown pre-tokenizer"));
  EXPECT_THAT(with("/pre_tokenizer/pretokenizers/0/individual_digits", false),
              HasSubstr("individual_digits"));
  EXPECT_THAT(with("/pre_tokenizer/pretokenizers/1/add_prefix_space", true), HasSubstr("add_prefix_space"));
  EXPECT_THAT(with("/pre_tokenizer/pretokenizers/1/use_regex", false), HasSubstr("unknown combination"));
  EXPECT_THAT(with("/pre_tokenizer/pretokenizers/0", Json{{"type", "Split"}, {"pattern", {{"Regex", "x+"}}}}),
              HasSubstr("unknown pattern"));
  EXPECT_THAT(with("/model/type", "Unigram"), HasSubstr("model, type"));
  EXPECT_THAT(with("/model/byte_fallback", true), HasSubstr("byte_fallback"));
  EXPECT_THAT(with("/model/continuing_subword_prefix", "##"), HasSubstr("continuing_subword_prefix"));
  EXPECT_THAT(with("/model/end_of_word_suffix", "</w>"), HasSubstr("end_of_word_suffix"));
  EXPECT_THAT(with("/model/dropout", 0.1), HasSubstr("dropout"));
  EXPECT_THAT(with("/model/vocab/abc", 256), HasSubstr("two tokens of one id"));
  EXPECT_THAT(with("/model/vocab/abc", -1), HasSubstr("token id out of range"));
  EXPECT_THAT(with("/model/vocab/abc", 1 << 24), HasSubstr("token id out of range"));
  EXPECT_THAT(with("/model/vocab/abc", "x"), HasSubstr("bad tokenizer"));
  EXPECT_THAT(with("/model/merges/0", "ab"), HasSubstr("bad merge"));
  EXPECT_THAT(with("/model/merges/0", "a qq"),
              HasSubstr("merge of an unknown token in t.json, model, merges[0]"));
  EXPECT_THAT(with("/model/merges/0", Json::array({"a", "b", "c"})), HasSubstr("bad merge"));
  EXPECT_THAT(with("/model/merges", Json::array()), HasSubstr("no merges"));
}

TEST(TokenizerJson, AByteOrderMarkIsNoMatter) {
  const std::string json = SmallJson().dump();
  const auto plain = ReadTokenizerJson(json, "t.json"),
             marked = ReadTokenizerJson("\xef\xbb\xbf" + json, "t.json");
  ASSERT_TRUE(marked.ok()) << marked.error().Message();
  EXPECT_EQ(marked->tokens, plain->tokens);
}

TEST(TokenizerJson, CutAnywhereIsAnErrorNotACrash) {
  const std::string json = SmallJson().dump();
  for (size_t size = 0; size < json.size(); ++size) {
    EXPECT_FALSE(ReadTokenizerJson(json.substr(0, size), "t.json").ok()) << size;
  }
}

TEST(TokenizerModel, RefusesByLine) {
  const auto message = [](std::string_view text) {
    const auto data = ReadTokenizerModel(text, "t.model", TokenizerFamily::kLlama3);
    return data.ok() ? std::string("accepted") : data.error().Message();
  };
  EXPECT_EQ(message("YQ== 0\nYWI= 1\r\nYWJj 2"), "accepted");
  EXPECT_THAT(message("YQ== 0\nYQ= 1\n"), HasSubstr("t.model, line 2"));
  EXPECT_THAT(message("Y!== 0\n"), HasSubstr("line 1"));
  EXPECT_THAT(message("YQ==0\n"), HasSubstr("bad line"));
  EXPECT_THAT(message("YQ== 1\n"), HasSubstr("bad rank"));
  EXPECT_THAT(message("YQ== 0x\n"), HasSubstr("bad rank"));
  const auto unknown = ReadTokenizerModel("YQ== 0\n", "t.model");
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.error().Message(), HasSubstr("unknown tokenizer in t.model"));
}

TEST(TokenizerGguf, TypesAndNames) {
  GgufTokenizerArrays arrays;
  for (int byte = 0; byte < 256; ++byte) arrays.tokens.push_back(Spell(static_cast<unsigned char>(byte)));
  arrays.tokens.insert(arrays.tokens.end(), {"ab", "<|x|>", "<y>"});
  arrays.token_types.assign(arrays.tokens.size(), 1);
  arrays.token_types[257] = 3;
  arrays.token_types[258] = 4;
  arrays.merges = {"a b"};
  arrays.pre = "smollm";
  const auto data = ReadTokenizerGguf(arrays, "m.gguf");
  ASSERT_TRUE(data.ok()) << data.error().Message();
  EXPECT_EQ(data->pre_tokenizer, PreTokenizer::kSmolLMOnePass);
  const auto tokenizer = Tokenizer::Create(data.value());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().Message();
  EXPECT_EQ(tokenizer.value()->Encode("ab"), std::vector<int32_t>{256});
  EXPECT_EQ(tokenizer.value()->ControlId("<|x|>"), 257);
  EXPECT_EQ(tokenizer.value()->ControlId("<y>"), 258);

  const auto message = [](const GgufTokenizerArrays& bad) {
    const auto read = ReadTokenizerGguf(bad, "m.gguf");
    return read.ok() ? std::string("accepted") : read.error().Message();
  };
  GgufTokenizerArrays bad = arrays;
  bad.pre = "qwen2";
  EXPECT_THAT(message(bad), HasSubstr("tokenizer.ggml.pre"));
  bad = arrays;
  bad.token_types.pop_back();
  EXPECT_THAT(message(bad), HasSubstr("tokenizer.ggml.token_type"));
  bad = arrays;
  bad.merges.push_back("a");
  EXPECT_THAT(message(bad), HasSubstr("tokenizer.ggml.merges[1]"));
  bad.merges = {};
  EXPECT_THAT(message(bad), HasSubstr("no merges"));
}

// Llama 3's and 4's control tokens say what a file without the key leaves out; nothing less does.
TEST(TokenizerGguf, WithoutTheKey) {
  GgufTokenizerArrays arrays;
  for (int byte = 0; byte < 256; ++byte) arrays.tokens.push_back(Spell(static_cast<unsigned char>(byte)));
  arrays.tokens.push_back("ab");
  arrays.merges = {"a b"};
  const auto with = [&](std::initializer_list<const char*> controls, const std::string& pre) {
    GgufTokenizerArrays out = arrays;
    out.tokens.insert(out.tokens.end(), controls.begin(), controls.end());
    out.token_types.assign(arrays.tokens.size(), 1);
    out.token_types.resize(out.tokens.size(), 3);
    out.pre = pre;
    return out;
  };
  std::string logged;
  SetLogSink(LogLevel::kWarn, [&](LogLevel, std::string_view message) { logged += message; });
  const std::initializer_list<const char*> llama3 = {"<|begin_of_text|>", "<|start_header_id|>",
                                                     "<|end_header_id|>", "<|eot_id|>"};
  for (const char* pre : {"", "default"}) {
    logged.clear();
    const auto data = ReadTokenizerGguf(with(llama3, pre), "m.gguf");
    ASSERT_TRUE(data.ok()) << data.error().Message();
    EXPECT_EQ(data->pre_tokenizer, PreTokenizer::kLlama3);
    EXPECT_TRUE(data->whole_piece_first);
    EXPECT_THAT(logged, HasSubstr("m.gguf, key 'tokenizer.ggml.pre'"));
    EXPECT_THAT(logged, HasSubstr("'llama-bpe'"));
  }
  const auto llama4 = ReadTokenizerGguf(
      with({"<|begin_of_text|>", "<|header_start|>", "<|header_end|>", "<|eot|>"}, ""), "m");
  ASSERT_TRUE(llama4.ok()) << llama4.error().Message();
  EXPECT_EQ(llama4->pre_tokenizer, PreTokenizer::kO200k);
  logged.clear();
  ASSERT_TRUE(ReadTokenizerGguf(with(llama3, "llama-bpe"), "m.gguf").ok());
  EXPECT_EQ(logged, "");
  SetLogSink(LogLevel::kOff, {});

  const auto message = [](const GgufTokenizerArrays& bad) {
    const auto read = ReadTokenizerGguf(bad, "m.gguf");
    return read.ok() ? std::string("accepted") : read.error().Message();
  };
  EXPECT_THAT(message(with({"<|begin_of_text|>", "<|eot_id|>"}, "")), HasSubstr("tokenizer.ggml.pre"));
  EXPECT_THAT(message(with({"<|im_start|>"}, "default")), HasSubstr("'default'"));
  GgufTokenizerArrays ordinary = with(llama3, "");
  ordinary.token_types.assign(ordinary.tokens.size(), 1);  // words of those letters are no control tokens
  EXPECT_THAT(message(ordinary), HasSubstr("no such key"));
}

// Names by which llama.cpp splits alike.
TEST(TokenizerGguf, OtherNamesOfOurWays) {
  GgufTokenizerArrays arrays;
  for (int byte = 0; byte < 256; ++byte) arrays.tokens.push_back(Spell(static_cast<unsigned char>(byte)));
  arrays.tokens.push_back("ab");
  arrays.merges = {"a b"};
  const std::pair<const char*, PreTokenizer> rows[] = {
      {"llama3", PreTokenizer::kLlama3},        {"llama-v3", PreTokenizer::kLlama3},
      {"falcon3", PreTokenizer::kLlama3},       {"llama4", PreTokenizer::kO200k},
      {"smollm", PreTokenizer::kSmolLMOnePass}, {"starcoder", PreTokenizer::kSmolLMOnePass},
      {"gpt-2", PreTokenizer::kGpt2},           {"phi-2", PreTokenizer::kGpt2}};
  for (const auto& [pre, way] : rows) {
    arrays.pre = pre;
    const auto data = ReadTokenizerGguf(arrays, "m.gguf");
    ASSERT_TRUE(data.ok()) << data.error().Message();
    EXPECT_EQ(data->pre_tokenizer, way) << pre;
  }
}

TEST(TokenizerBinary, RoundTrip) {
  TokenizerData data = SmallTokenizer({"ab", "abc"});
  data.pre_tokenizer = PreTokenizer::kGpt2;
  data.whole_piece_first = true;
  const auto bytes = WriteTokenizerBinary(data);
  ASSERT_TRUE(bytes.ok());
  const auto again = ReadTokenizerBinary(bytes.value(), "t.bin");
  ASSERT_TRUE(again.ok()) << again.error().Message();
  EXPECT_EQ(again->tokens, data.tokens);
  EXPECT_EQ(again->pre_tokenizer, data.pre_tokenizer);
  EXPECT_TRUE(again->whole_piece_first);
  EXPECT_TRUE(again->rank_is_id);
  EXPECT_EQ(again->merges, (std::vector<std::pair<int32_t, int32_t>>{{'a', 'b'}, {256, 'c'}}));
  EXPECT_EQ(again->merged, (std::vector<int32_t>{256, 257}));
  EXPECT_EQ(again->vocab_size, data.vocab_size);
  ASSERT_EQ(again->controls.size(), 2u);
  EXPECT_EQ(again->controls[1].text, "<|b|>");
  EXPECT_EQ(again->controls[1].id, 259);
}

TEST(TokenizerBinary, DamageIsAnErrorNotACrash) {
  const std::string bytes = WriteTokenizerBinary(SmallTokenizer({"ab", "abc"})).value();
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ReadTokenizerBinary(bytes.substr(0, size), "t.bin").ok()) << size;
  }
  EXPECT_FALSE(ReadTokenizerBinary(bytes + "x", "t.bin").ok());
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x81);
    auto data = ReadTokenizerBinary(damaged, "t.bin");
    if (!data.ok()) continue;
    const auto tokenizer = Tokenizer::Create(std::move(data).value());
    if (tokenizer.ok()) {
      EXPECT_FALSE(tokenizer.value()->Encode("abcabc").empty());
    }
  }
}

}  // namespace
}  // namespace gatehouse
