// TokenMap: finds the id of a token's bytes. Immutable once built; allocation-free
// to search, since every piece of every text is looked up here first.
//
//   TokenMap map(data.tokens);
//   int32_t id = map.Find(" the");  // -1: no such token
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

class TokenMap {
 public:
  // tokens must outlive the map, unchanged. Empty tokens are left out; of equal ones the first is found.
  explicit TokenMap(const std::vector<std::string>& tokens);

  int32_t Find(std::string_view bytes) const;
  size_t longest() const { return longest_; }  // bytes of the longest token
  // An id whose bytes another, smaller id has too; -1: all differ.
  int32_t doubled() const { return doubled_; }

 private:
  // 16 bytes: a token of at most 8 bytes is known by its slot alone, without a look at its text.
  struct Slot {
    uint64_t word = 0;  // the bytes themselves, or the hash of longer ones
    uint32_t size = 0;
    int32_t id = -1;
  };
  bool Holds(const Slot& slot, uint64_t word, std::string_view bytes) const;

  const std::vector<std::string>& tokens_;
  std::vector<Slot> slots_;  // a power of two, at most half full
  size_t mask_ = 0;
  size_t longest_ = 0;
  int32_t doubled_ = -1;
};

}  // namespace gatehouse
