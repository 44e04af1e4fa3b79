#include "server/http/request_id.h"

#include <algorithm>
#include <random>

namespace gatehouse::server {
namespace {

constexpr size_t kMaxId = 128;

bool IsHarmless(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.';
}

}  // namespace

std::string RandomHex(int digits) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  std::string out;
  while (static_cast<int>(out.size()) < digits) out += "0123456789abcdef"[random() % 16];
  return out;
}

std::string RequestId(const Request& request) {
  const std::string* given = request.Find("x-request-id");
  if (given != nullptr && !given->empty() && given->size() <= kMaxId &&
      std::all_of(given->begin(), given->end(), IsHarmless))
    return *given;
  return RandomHex(32);
}

}  // namespace gatehouse::server
