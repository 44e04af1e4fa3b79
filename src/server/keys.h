// Keys of clients: who asks, what he may ask, by which policy. A key itself is kept nowhere: only its digest.
//
//   const Key* key = FindKey(keys, presented);   // null: nobody's
//   if (key != nullptr && key->roles.Has(Role::kModerate)) ...
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse::server {

enum class Right { kModerate, kProxy, kRawPrompt, kMetrics, kAudit, kAdmin };

class Rights {
 public:
  bool Has(Right right) const { return (bits_ & Bit(right)) != 0; }
  void Add(Right right) { bits_ |= Bit(right); }

 private:
  static unsigned Bit(Right right) { return 1u << static_cast<unsigned>(right); }
  unsigned bits_ = 0;
};

// moderate, proxy and metrics: what a key has that says nothing, and everybody where there are no keys.
Rights DefaultRights();
// Errors: kUsage: a word that names none.
Result<Right> RightOf(const std::string& word, const std::string& where);

struct Key {
  std::string name;  // the tenant of its requests
  std::array<std::byte, 32> digest = {};
  Rights rights = DefaultRights();
  std::string policy;                 // by its name in the configuration; empty: the guard's own
  int64_t requests_per_minute = 0;    // 0: any number
  int64_t max_unfinished_tokens = 0;  // 0: any number
};

std::array<std::byte, 32> DigestOf(std::string_view key);
// 64 digits of base 16, as `gatehouse key` prints them. Errors: kUsage.
Result<std::array<std::byte, 32>> ParseDigest(const std::string& hex, const std::string& where);

// Takes as long whichever key it is, and where it is none.
const Key* FindKey(std::span<const Key> keys, std::string_view presented);

// "gh-" and 43 characters of 256 random bits. Errors: kInternal: the system gives none.
Result<std::string> NewKey();

}  // namespace gatehouse::server
