#include "text/tokenizer.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <unordered_map>

#include "base/error.h"
#include "formats/token_map.h"
#include "formats/tokenizer_merges.h"
#include "text/merger.h"
#include "text/pre_tokenizer.h"
#include "text/utf8.h"

namespace gatehouse {
namespace {

// Does merging the bytes of a token give that token? Not of course where a file's merges say otherwise.
enum class Whole : uint8_t { kUnknown, kYes, kNo };

constexpr int kBytes = 256;

// Bytes that two texts begin with together.
size_t CommonBytes(std::string_view a, std::string_view b) {
  constexpr size_t kBlock = 4096;  // memcmp is many times as fast as a loop that looks for the place
  const size_t size = std::min(a.size(), b.size());
  size_t at = 0;
  while (at + kBlock <= size && std::memcmp(a.data() + at, b.data() + at, kBlock) == 0) at += kBlock;
  while (at < size && a[at] == b[at]) ++at;
  return at;
}

Result<void> CheckTokens(const TokenizerData& data) {
  if (data.vocab_size < 0 || data.vocab_size > PairTable::kMaxId ||
      data.tokens.size() > static_cast<size_t>(data.vocab_size)) {
    return ModelError("bad vocabulary size", "tokenizer",
                      std::to_string(data.tokens.size()) + " to " + std::to_string(PairTable::kMaxId),
                      std::to_string(data.vocab_size));
  }
  for (const ControlToken& control : data.controls) {
    const std::string where = "tokenizer, control token \"" + control.text + "\"";
    if (control.id < 0 || control.id >= data.vocab_size) {
      return ModelError("token id out of range", where, "below " + std::to_string(data.vocab_size),
                        std::to_string(control.id));
    }
    if (control.text.empty()) return ModelError("control token without text", where);
    if (static_cast<size_t>(control.id) < data.tokens.size() && !data.tokens[control.id].empty()) {
      return ModelError("control token is an ordinary token too", where);
    }
  }
  return {};
}

}  // namespace

struct Tokenizer::Impl {
  explicit Impl(TokenizerData source)
      : data(std::move(source)), map(data.tokens), cutter(data.pre_tokenizer), is_control(data.vocab_size) {}

  void EncodePiece(std::string_view piece, Merger* merger, std::vector<int32_t>* ids) const;

  TokenizerData data;
  TokenMap map;
  PieceCutter cutter;
  MergeRules rules;
  std::vector<uint8_t> is_control;
  std::unordered_map<std::string, int32_t> control_ids;
  std::unique_ptr<std::atomic<Whole>[]>
      whole;  // by id; filled as pieces come by; null with whole_piece_first
};

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

Result<std::shared_ptr<const Tokenizer>> Tokenizer::Create(TokenizerData data) {
  GATEHOUSE_TRY(CheckTokens(data));
  auto impl = std::make_unique<Impl>(std::move(data));
  TokenizerData& own = impl->data;
  GATEHOUSE_TRY(CompleteMerges(impl->map, &own));
  for (int byte = 0; byte < kBytes; ++byte) {
    const char text = static_cast<char>(byte);
    impl->rules.byte_ids[byte] = impl->map.Find({&text, 1});
    if (impl->rules.byte_ids[byte] >= 0) continue;
    impl->rules.bytes_missing = true;
    // Control characters, and bytes that never occur in UTF-8 or begin code points far from any script:
    // SmolLM's vocabulary lacks some. Without the printable ones nothing could be judged.
    if (byte >= 0x20 && byte < 0x7F) {
      return ModelError("a byte without a token", "tokenizer", "a token for each printable character",
                        "none for " + std::to_string(byte));
    }
  }
  if (own.merges.size() > PairTable::kMaxRank) {
    return ModelError("too many merges", "tokenizer", "at most " + std::to_string(PairTable::kMaxRank),
                      std::to_string(own.merges.size()));
  }
  impl->rules.pairs = PairTable(own.merges.size());
  impl->rules.merged = own.rank_is_id ? nullptr : &own.merged;
  for (size_t index = 0; index < own.merges.size(); ++index) {
    const auto rank = static_cast<uint32_t>(own.rank_is_id ? own.merged[index] : static_cast<int32_t>(index));
    if (!impl->rules.pairs.Add(own.merges[index].first, own.merges[index].second, rank)) {
      return ModelError("the same merge twice", "tokenizer, merge " + std::to_string(index));
    }
  }
  impl->rules.byte_pairs.reserve(kBytes * kBytes);
  for (const int32_t left : impl->rules.byte_ids) {
    for (const int32_t right : impl->rules.byte_ids) {
      impl->rules.byte_pairs.push_back(impl->rules.pairs.Rank(left, right));
    }
  }
  for (const ControlToken& control : own.controls) {
    impl->is_control[control.id] = 1;
    if (!impl->control_ids.emplace(control.text, control.id).second) {
      return ModelError("the same control token twice", "tokenizer, \"" + control.text + "\"");
    }
  }
  if (!own.whole_piece_first) impl->whole = std::make_unique<std::atomic<Whole>[]>(own.tokens.size());
  return std::shared_ptr<const Tokenizer>(new Tokenizer(std::move(impl)));
}

void Tokenizer::Impl::EncodePiece(std::string_view piece, Merger* merger, std::vector<int32_t>* ids) const {
  const int32_t id = map.Find(piece);
  if (id < 0) {
    merger->Merge(piece, ids);
    return;
  }
  if (!whole) {
    ids->push_back(id);
    return;
  }
  // Any thread finds the same answer, so it does not matter which one stores it.
  const Whole known = whole[id].load(std::memory_order_relaxed);
  if (known == Whole::kYes) {
    ids->push_back(id);
    return;
  }
  const size_t before = ids->size();
  merger->Merge(piece, ids);
  if (known == Whole::kUnknown) {
    const bool same = ids->size() == before + 1 && ids->back() == id;
    whole[id].store(same ? Whole::kYes : Whole::kNo, std::memory_order_relaxed);
  }
}

void Tokenizer::Encode(std::string_view text, std::vector<int32_t>* ids) const {
  std::string storage;
  text = RepairUtf8(text, &storage);
  Merger merger(impl_->rules);
  while (!text.empty()) {
    const size_t size = impl_->cutter.Next(text);
    impl_->EncodePiece(text.substr(0, size), &merger, ids);
    text.remove_prefix(size);
  }
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text) const {
  constexpr size_t kFewestBytes = 3;  // of a token, in ordinary text
  std::vector<int32_t> ids;
  ids.reserve(text.size() / kFewestBytes + 1);
  Encode(text, &ids);
  return ids;
}

size_t Tokenizer::Encode(std::string_view text, EncodedText* known) const {
  const size_t common = CommonBytes(known->text, text);
  while (!known->cuts.empty() && known->cuts.back().reach > common) known->cuts.pop_back();
  EncodedText::Cut at = known->cuts.empty() ? EncodedText::Cut{0, 0, 0} : known->cuts.back();
  // What stands is well-formed and ends between characters: repairing the rest is repairing the whole.
  std::string storage;
  std::string_view rest = RepairUtf8(text.substr(at.bytes), &storage);
  known->text.resize(at.bytes);
  known->text += rest;
  known->ids.resize(at.ids);
  const size_t encoded = rest.size();
  Merger merger(impl_->rules);
  while (!rest.empty()) {
    const PieceCutter::Piece piece = impl_->cutter.NextAndReach(rest);
    impl_->EncodePiece(rest.substr(0, piece.size), &merger, &known->ids);
    at.reach = std::max(at.reach, at.bytes + piece.reach);
    at.bytes += piece.size;
    at.ids = known->ids.size();
    known->cuts.push_back(at);
    rest.remove_prefix(piece.size);
  }
  return encoded;
}

std::optional<int32_t> Tokenizer::ControlId(std::string_view text) const {
  const auto found = impl_->control_ids.find(std::string(text));
  if (found == impl_->control_ids.end()) return std::nullopt;
  return found->second;
}

bool Tokenizer::IsControl(int32_t id) const {
  return id >= 0 && id < impl_->data.vocab_size && impl_->is_control[id] != 0;
}

std::string Tokenizer::Decode(std::span<const int32_t> ids) const {
  std::string text;
  for (const int32_t id : ids) {
    // Control ids have no bytes.
    if (id >= 0 && static_cast<size_t>(id) < impl_->data.tokens.size()) text += impl_->data.tokens[id];
  }
  return text;
}

int32_t Tokenizer::vocab_size() const { return impl_->data.vocab_size; }
const TokenizerData& Tokenizer::data() const { return impl_->data; }

}  // namespace gatehouse
