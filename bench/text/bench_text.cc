// Speed of the tokenizer: ordinary English, and the texts that break quadratic implementations, 1 MB each.
//
//   bench_text                        English is a licence text in tests/golden, repeated
//   GATEHOUSE_BENCH_TEXT=F bench_text  English is the file F
//   GATEHOUSE_BENCH_TOKENIZER=llama3   (default llama4)
//
// Floor: each hostile text takes at most 8 times as long as English.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <string>

#include "formats/tokenizer_binary.h"
#include "formats/tokenizer_json.h"
#include "text/tokenizer.h"

namespace gatehouse {
namespace {

constexpr size_t kSize = 1 << 20;

const std::string& TokenizerJson() {
  static const std::string json = [] {
    const char* name = std::getenv("GATEHOUSE_BENCH_TOKENIZER");
    const std::string command = std::string("xz -dc '") + GATEHOUSE_SOURCE_DIR + "/tests/golden/tokenizer/" +
                                (name != nullptr ? name : "llama4") + ".tokenizer.json.xz'";
    std::string text;
    if (FILE* pipe = popen(command.c_str(), "r")) {
      char buffer[1 << 16];
      while (const size_t got = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, got);
      pclose(pipe);
    }
    return text;
  }();
  return json;
}

std::shared_ptr<const Tokenizer> Load() {
  auto data = ReadTokenizerJson(TokenizerJson(), "tokenizer.json");
  if (!data.ok()) return nullptr;
  auto tokenizer = Tokenizer::Create(std::move(data).value());
  return tokenizer.ok() ? tokenizer.value() : nullptr;
}

std::string Repeated(const std::string& unit) {
  std::string text;
  while (text.size() < kSize) text += unit;
  text.resize(kSize);
  return text;
}

std::string English() {
  const char* path = std::getenv("GATEHOUSE_BENCH_TEXT");
  std::stringstream text;
  text << std::ifstream(path != nullptr ? path
                                        : GATEHOUSE_SOURCE_DIR "/tests/golden/tokenizer/LICENSE.llama4")
              .rdbuf();
  return Repeated(text.str() + "\n");
}

std::string RandomOf(const std::function<void(std::mt19937_64*, std::string*)>& add) {
  std::mt19937_64 random(1);
  std::string text;
  while (text.size() < kSize) add(&random, &text);
  text.resize(kSize);
  return text;
}

void Encode(benchmark::State& state, const std::string& text) {
  static const auto tokenizer = Load();
  if (tokenizer == nullptr || text.empty()) {
    state.SkipWithError("no tokenizer or no text in tests/golden");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer->Encode(text));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void LoadJson(benchmark::State& state) {
  TokenizerJson();
  for (auto _ : state) benchmark::DoNotOptimize(Load());
}

void LoadBinary(benchmark::State& state) {
  auto data = ReadTokenizerJson(TokenizerJson(), "tokenizer.json");
  if (!data.ok()) return state.SkipWithError("no tokenizer in tests/golden");
  const auto stored = WriteTokenizerBinary(std::move(data).value());
  for (auto _ : state) {
    auto again = ReadTokenizerBinary(stored.value(), "stored");
    auto tokenizer = Tokenizer::Create(std::move(again).value());
    benchmark::DoNotOptimize(tokenizer);
  }
}

// A stream of 100 000 characters in pieces of 20, with a policy's words behind them each time; `again`: each
// text encoded whole.
void Growing(benchmark::State& state, bool again) {
  const auto tokenizer = Load();
  const std::string whole = English().substr(0, 100'000), tail = "\n\nProvide your safety assessment.";
  for (auto _ : state) {
    EncodedText known;
    std::string text;
    for (size_t at = 0; at < whole.size(); at += 20) {
      text.assign(whole, 0, at + 20);
      text += tail;
      if (again) {
        benchmark::DoNotOptimize(tokenizer->Encode(text));
      } else {
        benchmark::DoNotOptimize(tokenizer->Encode(text, &known));
      }
    }
  }
}

void Register() {
  const auto add = [](const char* name, std::string text) {
    benchmark::RegisterBenchmark(name, [text = std::move(text)](benchmark::State& state) {
      Encode(state, text);
    })->Unit(benchmark::kMillisecond);
  };
  benchmark::RegisterBenchmark("load/json", LoadJson)->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("load/binary", LoadBinary)->Unit(benchmark::kMillisecond);
  for (const bool again : {false, true}) {
    benchmark::RegisterBenchmark(again ? "growing/each_whole" : "growing/kept", [again](
                                                                                    benchmark::State& state) {
      Growing(state, again);
    })->Unit(benchmark::kMillisecond);
  }
  add("encode/english", English());
  add("encode/letter_a", Repeated("a"));
  add("encode/letter_A", Repeated("A"));
  add("encode/letter_q", Repeated("q"));
  add("encode/spaces", Repeated(" "));
  add("encode/newlines", Repeated("\n"));
  add("encode/digits", Repeated("7"));
  add("encode/combining_mark", Repeated("\u0301"));
  add("encode/letter_and_marks", Repeated("e\u0301\u0323"));
  add("encode/emoji", Repeated("\U0001F600"));
  add("encode/words_of_65", Repeated(std::string(64, 'x') + " "));
  add("encode/random_marks", RandomOf([](std::mt19937_64* random, std::string* text) {
        const auto mark = static_cast<uint32_t>(0x300 + (*random)() % 0x70);
        text->push_back(static_cast<char>(0xC0 | mark >> 6));
        text->push_back(static_cast<char>(0x80 | (mark & 0x3F)));
      }));
  add("encode/random_letters", RandomOf([](std::mt19937_64* random, std::string* text) {
        text->push_back(static_cast<char>('a' + (*random)() % 26));
      }));
  add("encode/random_punctuation", RandomOf([](std::mt19937_64* random, std::string* text) {
        text->push_back("!#$%&*+,-.:;<=>?@^_~"[(*random)() % 20]);
      }));
  add("encode/random_bytes", RandomOf([](std::mt19937_64* random, std::string* text) {
        text->push_back(static_cast<char>((*random)()));
      }));
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  gatehouse::Register();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
