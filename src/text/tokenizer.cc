#include "text/tokenizer.h"

#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "text/byte_pairs.h"
#include "text/pre_tokenizer.h"
#include "text/unicode.h"

namespace gatehouse {

struct Tokenizer::Impl {
  TokenizerData data;
  std::array<int32_t, 256> byte_ids{};
  std::unordered_map<std::string_view, int32_t> ids;  // of data.tokens
  std::unordered_map<std::string_view, int32_t> control_ids;
  std::unordered_set<int32_t> controls;
  MergeTable merges;
};

namespace {

// tiktoken's form has no list of merges: a pair merges where its concatenation is a token, lowest id first.
void AddMergesOfRanks(const TokenizerData& data, const std::unordered_map<std::string_view, int32_t>& ids, MergeTable* table) {
  std::vector<std::array<int32_t, 3>> found;
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    const std::string_view token = data.tokens[id];
    for (size_t cut = 1; cut < token.size(); ++cut) {
      const auto left = ids.find(token.substr(0, cut));
      if (left == ids.end()) continue;
      const auto right = ids.find(token.substr(cut));
      if (right != ids.end()) found.push_back({left->second, right->second, static_cast<int32_t>(id)});
    }
  }
  *table = MergeTable(found.size());
  for (const auto& [left, right, result] : found) table->Insert(left, right, {result, result});
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

Result<std::shared_ptr<const Tokenizer>> Tokenizer::Create(TokenizerData data) {
  auto impl = std::make_unique<Impl>();
  impl->data = std::move(data);
  const TokenizerData& all = impl->data;
  for (const ControlToken& control : all.controls) {
    if (control.text.empty() || control.id < 0 || control.id >= all.vocab_size) {
      return ModelError("bad control token", "tokenizer: " + control.text, "an id below " + std::to_string(all.vocab_size),
                        std::to_string(control.id));
    }
    impl->controls.insert(control.id);
    impl->control_ids.emplace(control.text, control.id);
  }
  impl->ids.reserve(all.tokens.size());
  for (size_t id = 0; id < all.tokens.size(); ++id) {
    const bool is_control = impl->controls.count(static_cast<int32_t>(id)) != 0;
    if (!all.tokens[id].empty() && !is_control) impl->ids.emplace(all.tokens[id], static_cast<int32_t>(id));
  }
  for (int byte = 0; byte < 256; ++byte) {
    const char text = static_cast<char>(static_cast<unsigned char>(byte));
    const auto found = impl->ids.find(std::string_view(&text, 1));
    if (found == impl->ids.end()) {
      return ModelError("byte without a token", "tokenizer", "a token for each of the 256 bytes", "none for " + std::to_string(byte));
    }
    impl->byte_ids[static_cast<size_t>(byte)] = found->second;
  }
  if (all.merges.empty()) {
    AddMergesOfRanks(all, impl->ids, &impl->merges);
  } else {
    impl->merges = MergeTable(all.merges.size());
    std::string joined;
    const int32_t count = static_cast<int32_t>(all.tokens.size());
    for (size_t rank = 0; rank < all.merges.size(); ++rank) {
      const auto [left, right] = all.merges[rank];
      if (left < 0 || right < 0 || left >= count || right >= count) {
        return ModelError("merge of unknown tokens", "tokenizer: merge " + std::to_string(rank), "ids below " + std::to_string(count),
                          std::to_string(left) + ", " + std::to_string(right));
      }
      joined.assign(all.tokens[static_cast<size_t>(left)]).append(all.tokens[static_cast<size_t>(right)]);
      const auto result = impl->ids.find(joined);
      if (result == impl->ids.end()) {
        return ModelError("merge without a result", "tokenizer: merge " + std::to_string(rank), "its concatenation as a token", "none");
      }
      impl->merges.Insert(left, right, {static_cast<int32_t>(rank), result->second});
    }
  }
  return std::shared_ptr<const Tokenizer>(new Tokenizer(std::move(impl)));
}

void Tokenizer::Encode(std::string_view text, std::vector<int32_t>* ids) const {
  std::string repaired;
  if (!IsValidUtf8(text)) {
    repaired = RepairUtf8(text);
    text = repaired;
  }
  std::vector<int32_t> symbols;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = NextPiece(impl_->data.pre_tokenizer, text, begin);
    const std::string_view piece = text.substr(begin, end - begin);
    begin = end;
    if (impl_->data.whole_piece_first) {
      const auto whole = impl_->ids.find(piece);
      if (whole != impl_->ids.end()) {
        ids->push_back(whole->second);
        continue;
      }
    }
    symbols.clear();
    for (const char byte : piece) symbols.push_back(impl_->byte_ids[static_cast<unsigned char>(byte)]);
    MergePairs(impl_->merges, symbols, ids);
  }
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text) const {
  std::vector<int32_t> ids;
  Encode(text, &ids);
  return ids;
}

std::optional<int32_t> Tokenizer::ControlId(std::string_view text) const {
  const auto found = impl_->control_ids.find(text);
  if (found == impl_->control_ids.end()) return std::nullopt;
  return found->second;
}

bool Tokenizer::IsControl(int32_t id) const { return impl_->controls.count(id) != 0; }

std::string Tokenizer::Decode(std::span<const int32_t> ids) const {
  std::string out;
  for (const int32_t id : ids) {
    if (id >= 0 && static_cast<size_t>(id) < impl_->data.tokens.size() && !IsControl(id)) out += impl_->data.tokens[static_cast<size_t>(id)];
  }
  return out;
}

int32_t Tokenizer::vocab_size() const { return impl_->data.vocab_size; }
const TokenizerData& Tokenizer::data() const { return impl_->data; }

}  // namespace gatehouse
