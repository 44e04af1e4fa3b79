#include "benchmark/bench_guard.h"

#include <set>
#include <utility>

#include "backend/create.h"
#include "base/input_file.h"
#include "benchmark/random_model.h"
#include "formats/tokenizer_json.h"
#include "guard/builtin_policies.h"
#include "guard/load.h"
#include "text/pre_tokenizer.h"

namespace gatehouse::benchmark {
namespace {

constexpr size_t kMaxFileBytes = 256u << 20;
const char* const kWords[] = {"river", "table", "green", "seven", "cloud", "paper", "stone", "light"};
constexpr int kWordCount = 8;
constexpr int kNumbers = 1000;  // that the made tokenizer has whole: three digits are the longest piece

// Three digits that differ from number to number in the first one already, then the number.
std::string MessageStart(int number) {
  const std::string digits = std::to_string(kNumbers + (number * 617 + 101) % kNumbers).substr(1);
  return digits + " " + std::to_string(number) + ":";
}
std::string Word(int number, int index) {
  return std::string(" ") + kWords[(number * 31 + index * 7 + index / 8) % kWordCount];
}

// A tokenizer that has every piece of what the benchmark says as one token, as a real one has nearly all of
// them, and single bytes for the rest.
class TokenizerMaker {
 public:
  void Add(std::string_view text) {
    while (!text.empty()) {
      const size_t size = cutter_.Next(text);
      pieces_.emplace(text.substr(0, size));
      text.remove_prefix(size);
    }
  }
  void AddControl(const std::string& text) { controls_.insert(text); }

  Result<std::shared_ptr<const Tokenizer>> Make(int vocab) const {
    TokenizerData data;
    data.pre_tokenizer = PreTokenizer::kO200k;
    data.whole_piece_first = true;
    for (int byte = 0; byte < 256; ++byte) data.tokens.emplace_back(1, static_cast<char>(byte));
    for (const std::string& piece : pieces_) {
      if (piece.size() > 1) data.tokens.push_back(piece);
    }
    for (const std::string& control : controls_) {
      data.controls.push_back({control, static_cast<int32_t>(data.tokens.size())});
      data.tokens.emplace_back();
    }
    data.vocab_size = vocab;
    return Tokenizer::Create(std::move(data));
  }

 private:
  PieceCutter cutter_{PreTokenizer::kO200k};
  std::set<std::string, std::less<>> pieces_, controls_;
};

Result<std::shared_ptr<const Tokenizer>> MakeTokenizer(const Policy& policy, const ClassifyOptions& request,
                                                       int vocab) {
  TokenizerMaker maker;
  std::string all = MessageStart(0);
  for (int i = 0; i < kWordCount * kWordCount; ++i) all += Word(0, i);
  Conversation conversation;
  conversation.AddUser(all);
  GATEHOUSE_ASSIGN(const Prompt prompt, RenderPrompt(policy, conversation, Guard::Impl::ChoiceOf(request)));
  for (const PromptItem& item : prompt.items) {
    if (item.kind == PromptItem::Kind::kControl) maker.AddControl(item.value);
    if (item.kind == PromptItem::Kind::kText) maker.Add(item.value);
  }
  for (const std::string& stop : policy.stop) maker.AddControl(stop);
  const VerdictWords& words = policy.verdict;
  for (const std::string& text : {words.safe, words.unsafe, words.lead.value_or(""), words.separator})
    maker.Add(text);
  for (const Category& category : prompt.categories) {
    maker.Add(category.key);
    maker.Add(words.list_separator + category.key);
  }
  for (int number = 0; number < kNumbers; ++number) {
    maker.Add(std::to_string(number));
    maker.Add(std::to_string(kNumbers + number).substr(1));
  }
  return maker.Make(vocab);
}

ClassifyOptions CustomCategories(int count) {
  ClassifyOptions out;
  for (int i = 1; i <= count; ++i) {
    const std::string number = std::to_string(i);
    out.categories.emplace_back("S" + number, "Harm of kind " + number + Word(i, 0) + Word(i, 1) + ".");
  }
  return out;
}

}  // namespace

Result<void> BenchGuard::LoadShape() {
  GATEHOUSE_ASSIGN(const ModelConfig config, ShapeConfig(options_.shape, options_.layers));
  auto impl = std::make_unique<Guard::Impl>(options_.guard);
  impl->model_name = options_.shape + " with " + std::to_string(config.layers) + " layers, random " +
                     WeightsName(options_.quant) + " weights";
  std::string text = kMlcommonsS14Policy;
  if (!options_.guard.policy.empty()) {
    GATEHOUSE_ASSIGN(text, ReadFile(options_.guard.policy, kMaxFileBytes));
  }
  GATEHOUSE_ASSIGN(Policy policy, ParsePolicy(text, "--policy"));
  if (options_.tokenizer.empty()) {
    GATEHOUSE_ASSIGN(impl->tokenizer, MakeTokenizer(policy, request_, config.vocab));
  } else {
    GATEHOUSE_ASSIGN(const std::string json, ReadFile(options_.tokenizer, kMaxFileBytes));
    GATEHOUSE_ASSIGN(TokenizerData data, ReadTokenizerJson(json, options_.tokenizer));
    GATEHOUSE_ASSIGN(impl->tokenizer, Tokenizer::Create(std::move(data)));
  }
  GATEHOUSE_ASSIGN(std::unique_ptr<Backend> backend, CreateBackend({.device = options_.guard.device,
                                                                    .threads = options_.guard.threads,
                                                                    .f32 = options_.guard.dtype == "f32",
                                                                    .kv_int8 = options_.guard.kv == "int8"}));
  GATEHOUSE_ASSIGN(std::unique_ptr<Decoder> decoder, RandomDecoder(config, options_.quant, *backend));
  GATEHOUSE_TRY(StartEngine(std::move(backend), std::move(decoder), nullptr, std::move(policy), impl.get()));
  guard_ = GuardOf(std::move(impl));
  return {};
}

Result<BenchGuard> BenchGuard::Load(const BenchGuardOptions& options) {
  BenchGuard out(options);
  out.request_ = CustomCategories(options.categories);
  if (options.shape.empty()) {
    GATEHOUSE_ASSIGN(out.guard_, Guard::Load(options.guard));
  } else {
    GATEHOUSE_TRY(out.LoadShape());
  }
  return out;
}

Conversation BenchGuard::Message(int number) const {
  const Tokenizer& tokenizer = *ImplOf(*guard_).tokenizer;
  std::string text = MessageStart(number);
  for (int i = 0;; ++i) {
    const std::string longer = text + Word(number, i);
    if (static_cast<int>(tokenizer.Encode(longer).size()) > options_.tokens) break;
    text = longer;
  }
  Conversation out;
  out.AddUser(std::move(text));
  return out;
}

}  // namespace gatehouse::benchmark
