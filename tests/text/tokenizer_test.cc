// Merging against a slow, plain implementation; repair of UTF-8; what Create refuses; hostile texts.
#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "text/pre_tokenizer.h"
#include "text/utf8.h"
#include "text_fixtures.h"

namespace gatehouse {
namespace {

// The definition: merge the neighbours whose merge ranks lowest, the leftmost of equals, until none can.
std::vector<int32_t> MergePlainly(const TokenizerData& data, std::string_view piece) {
  std::map<std::string, int32_t, std::less<>> id_of;
  for (size_t id = 0; id < data.tokens.size(); ++id) id_of.emplace(data.tokens[id], static_cast<int32_t>(id));
  std::map<std::pair<int32_t, int32_t>, int32_t> rank_of;
  for (size_t rank = 0; rank < data.merges.size(); ++rank)
    rank_of[data.merges[rank]] = static_cast<int32_t>(rank);
  if (const auto whole = id_of.find(piece); data.whole_piece_first && whole != id_of.end())
    return {whole->second};
  std::vector<int32_t> ids;
  for (const char byte : piece) ids.push_back(id_of.at(std::string(1, byte)));
  while (true) {
    size_t best = ids.size();
    int32_t best_rank = 0, result = -1;
    for (size_t at = 0; at + 1 < ids.size(); ++at) {
      const auto both = id_of.find(data.tokens[ids[at]] + data.tokens[ids[at + 1]]);
      if (both == id_of.end()) continue;
      int32_t rank = both->second;
      if (!data.merges.empty()) {
        const auto listed = rank_of.find({ids[at], ids[at + 1]});
        if (listed == rank_of.end()) continue;
        rank = listed->second;
      }
      if (best == ids.size() || rank < best_rank) {
        best = at;
        best_rank = rank;
        result = both->second;
      }
    }
    if (best == ids.size()) return ids;
    ids[best] = result;
    ids.erase(ids.begin() + best + 1);
  }
}

// Random tokens over few letters, so that merges overlap in all ways; in no sensible order.
TokenizerData RandomTokenizer(std::mt19937_64* random, bool listed_merges) {
  std::vector<std::string> tokens;
  while (tokens.size() < 40) {
    std::string token;
    for (size_t size = 2 + (*random)() % 4; token.size() < size;)
      token.push_back(static_cast<char>('a' + (*random)() % 3));
    if (std::find(tokens.begin(), tokens.end(), token) == tokens.end()) tokens.push_back(token);
  }
  TokenizerData data = SmallTokenizer(tokens);
  data.whole_piece_first = (*random)() % 2 == 0;
  if (!listed_merges) return data;
  std::vector<std::pair<int32_t, int32_t>> merges;
  for (size_t left = 0; left < data.tokens.size(); ++left) {
    for (size_t right = 0; right < data.tokens.size(); ++right) {
      const std::string both = data.tokens[left] + data.tokens[right];
      if (both.size() > 1 && std::find(tokens.begin(), tokens.end(), both) != tokens.end()) {
        merges.emplace_back(left, right);
      }
    }
  }
  std::shuffle(merges.begin(), merges.end(), *random);
  data.merges = merges;
  return data;
}

void CompareWithPlainMerging(bool listed_merges) {
  std::mt19937_64 random(listed_merges ? 7 : 8);
  for (int round = 0; round < 60; ++round) {
    const TokenizerData data = RandomTokenizer(&random, listed_merges);
    const auto tokenizer = Tokenizer::Create(data);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().Message();
    for (const size_t size : {1, 2, 3, 5, 8, 20, 63, 64, 65, 66, 120, 300}) {
      std::string piece;
      while (piece.size() < size) piece.push_back(static_cast<char>('a' + random() % 3));
      const auto expected = MergePlainly(data, piece);
      EXPECT_EQ(tokenizer.value()->Encode(piece), expected) << piece;
      EXPECT_EQ(tokenizer.value()->Encode(piece), expected) << piece;  // what the first call remembered
    }
  }
}

TEST(Merging, RanksThatAreIds) { CompareWithPlainMerging(false); }
TEST(Merging, ListedMerges) { CompareWithPlainMerging(true); }

// Expected strings: CPython 3.11, bytes.decode("utf-8", errors="replace").
TEST(RepairUtf8, AsPython) {
  const std::string bad = "\uFFFD";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"plain \u00E9\u20AC\U0001F600", "plain \u00E9\u20AC\U0001F600"},
      {"a\xFF"
       "b",
       "a" + bad + "b"},
      {"\xE2\x82", bad},
      {"\xE2\x82x", bad + "x"},
      {"\xF0\x9F\x98", bad},
      {"\xF0\x9F\x98\xE2\x82\xAC", bad + "\u20AC"},
      {"\xC0\x80", bad + bad},
      {"\xE0\x80\x80", bad + bad + bad},
      {"\xED\xA0\x80", bad + bad + bad},
      {"\xF4\x90\x80\x80", bad + bad + bad + bad},
      {"\xF8\x88\x80\x80\x80", bad + bad + bad + bad + bad},
      {"\x80", bad},
      {"\xC3", bad},
      {"0123456789\xC3", "0123456789" + bad},
      {std::string("\0\xFE\0", 3), std::string("\0", 1) + bad + std::string("\0", 1)}};
  for (const auto& [bytes, expected] : cases) {
    std::string storage;
    EXPECT_EQ(RepairUtf8(bytes, &storage), expected) << testing::PrintToString(bytes);
  }
}

TEST(RepairUtf8, ResultIsWellFormedAndStable) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 20000; ++round) {
    const std::string bytes = RandomBytes(&random, static_cast<int>(random() % 40));
    std::string storage, again;
    const std::string once(RepairUtf8(bytes, &storage));
    EXPECT_EQ(RepairUtf8(once, &again), once);
    EXPECT_TRUE(again.empty());
  }
}

TEST(Create, RefusesContradictions) {
  const auto message = [](TokenizerData data) {
    const auto tokenizer = Tokenizer::Create(std::move(data));
    if (tokenizer.ok()) return std::string("accepted");
    EXPECT_EQ(tokenizer.error().code, ErrorCode::kModel);
    return tokenizer.error().Message();
  };
  const TokenizerData good = SmallTokenizer({"ab", "abc"});
  EXPECT_EQ(message(good), "accepted");
  TokenizerData data = good;
  data.tokens['x'].clear();
  EXPECT_THAT(message(data), testing::HasSubstr("a byte without a token"));
  data = good;
  data.tokens.push_back("ab");
  data.controls.clear();
  EXPECT_THAT(message(data), testing::HasSubstr("same bytes"));
  data = good;
  data.vocab_size = 100;
  EXPECT_THAT(message(data), testing::HasSubstr("bad vocabulary size"));
  data = good;
  data.controls[0].id = 5000;
  EXPECT_THAT(message(data), testing::HasSubstr("token id out of range"));
  data = good;
  data.controls[0].id = 65;
  EXPECT_THAT(message(data), testing::HasSubstr("control token is an ordinary token too"));
  data = good;
  data.controls[0].text.clear();
  EXPECT_THAT(message(data), testing::HasSubstr("control token without text"));
  data = good;
  data.controls[0].text = data.controls[1].text;
  EXPECT_THAT(message(data), testing::HasSubstr("the same control token twice"));
  data = good;
  data.merges = {{'a', 9999}};
  EXPECT_THAT(message(data), testing::HasSubstr("merge of an unknown token"));
  data.merges = {{'a', 'q'}};
  EXPECT_THAT(message(data), testing::HasSubstr("merge into an unknown token"));
  data.merges = {{'a', 'b'}, {'a', 'b'}};
  EXPECT_THAT(message(data), testing::HasSubstr("the same merge twice"));
  data.merges = {{'a', 'b'}};
  data.merged = {257};
  EXPECT_THAT(message(data), testing::HasSubstr("merge into another token"));
  data.merged = {256, 257};
  EXPECT_THAT(message(data), testing::HasSubstr("differ in number"));
}

TEST(Encode, FromManyThreadsAtOnce) {
  std::mt19937_64 random(4);
  TokenizerData data = RandomTokenizer(&random, true);
  data.whole_piece_first = false;
  const auto tokenizer = Tokenizer::Create(data).value();
  std::string text;
  for (int round = 0; round < 5000; ++round) text += "abc cab a bb cc abcabc"[random() % 22];
  const auto fresh = Tokenizer::Create(data).value()->Encode(text);
  std::vector<std::vector<int32_t>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&, out = &result] { tokenizer->Encode(text, out); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& result : results) EXPECT_EQ(result, fresh);
}

// Every control token spelt anywhere in a text is ordinary characters, and comes back as such.
TEST(Encode, NeverGivesAControlId) {
  constexpr int kTexts = 100000;
  std::mt19937_64 random(5);
  for (const char* name : {"llama4", "llama3"}) {
    const auto tokenizer = LoadGoldenTokenizer(name);
    ASSERT_NE(tokenizer, nullptr);
    const auto& controls = tokenizer->data().controls;
    std::vector<int32_t> ids;
    for (int round = 0; round < kTexts; ++round) {
      std::string text = RandomText(&random, static_cast<int>(random() % 4));
      // Each token in turn, whole or in two with something between; more of them now and then.
      for (uint64_t more = 0; more <= random() % 3; ++more) {
        const std::string& spelt = controls[(round + more * 17) % controls.size()].text;
        const size_t cut = random() % 2 == 0 ? spelt.size() : random() % spelt.size();
        text +=
            spelt.substr(0, cut) + (cut == spelt.size() ? "" : RandomText(&random, 1)) + spelt.substr(cut);
      }
      if (random() % 2 == 0) text += RandomText(&random, 2);
      ids.clear();
      tokenizer->Encode(text, &ids);
      for (const int32_t id : ids) ASSERT_FALSE(tokenizer->IsControl(id)) << text;
      ASSERT_EQ(tokenizer->Decode(ids), text);
    }
  }
}

}  // namespace
}  // namespace gatehouse
