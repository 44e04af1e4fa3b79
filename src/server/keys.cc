#include "server/keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <map>

#include "base/base64.h"
#include "base/error.h"
#include "formats/sha256.h"

namespace gatehouse::server {
namespace {

int DigitOf(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

Rights DefaultRights() {
  Rights out;
  for (const Right right : {Right::kModerate, Right::kProxy, Right::kMetrics}) out.Add(right);
  return out;
}

Result<Right> RightOf(const std::string& word, const std::string& where) {
  static const std::map<std::string, Right> kRights = {
      {"moderate", Right::kModerate}, {"proxy", Right::kProxy}, {"raw_prompt", Right::kRawPrompt},
      {"metrics", Right::kMetrics},   {"audit", Right::kAudit}, {"admin", Right::kAdmin}};
  const auto found = kRights.find(word);
  if (found == kRights.end())
    return UsageError("unknown role", where, "moderate, proxy, raw_prompt, metrics, audit or admin",
                      "\"" + word.substr(0, 60) + "\"");
  return found->second;
}

std::array<std::byte, 32> DigestOf(std::string_view key) {
  Sha256 digest;
  digest.Update(std::as_bytes(std::span(key)));
  return digest.Bytes();
}

Result<std::array<std::byte, 32>> ParseDigest(const std::string& hex, const std::string& where) {
  std::array<std::byte, 32> out = {};
  bool good = hex.size() == 2 * out.size();
  for (size_t i = 0; good && i < out.size(); ++i) {
    const int high = DigitOf(hex[2 * i]), low = DigitOf(hex[2 * i + 1]);
    good = high >= 0 && low >= 0;
    out[i] = static_cast<std::byte>(high * 16 + low);
  }
  // What was found is not quoted: it may be the key itself.
  if (!good)
    return UsageError("malformed digest", where, "64 digits 0-9a-f, as gatehouse key prints them",
                      "another text");
  return out;
}

const Key* FindKey(std::span<const Key> keys, std::string_view presented) {
  const std::array<std::byte, 32> digest = DigestOf(presented);
  const Key* found = nullptr;
  for (const Key& key : keys) {
    if (::CRYPTO_memcmp(key.digest.data(), digest.data(), digest.size()) == 0) found = &key;
  }
  return found;
}

Result<std::string> NewKey() {
  std::array<std::byte, 32> bytes = {};
  if (::RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(bytes.size())) != 1)
    return InternalError("the system gives no random bytes", "key");
  std::string text = EncodeBase64(bytes);
  while (!text.empty() && text.back() == '=') text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return "gh-" + text;
}

}  // namespace gatehouse::server
