// JsonObject: one line of JSON to write, member by member in their order. The library behind it is slow to
// compile; this header shows nothing of it.
//
//   JsonObject().Add("bench", "prefill").Add("layers", 48).AddRounded("ms", 12.3456, 2).Text();
//   // {"bench":"prefill","layers":48,"ms":12.35}
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse {

class JsonObject {
 public:
  JsonObject();
  JsonObject(JsonObject&&) noexcept;
  ~JsonObject();

  JsonObject& Add(const char* key, std::string_view text);  // what is no UTF-8 becomes U+FFFD
  JsonObject& Add(const char* key, const char* text) { return Add(key, std::string_view(text)); }
  JsonObject& Add(const char* key, const std::string& text) { return Add(key, std::string_view(text)); }
  JsonObject& Add(const char* key, double number);  // the shortest digits; null if not finite
  JsonObject& Add(const char* key, const JsonObject& object);
  template <std::integral T>
  JsonObject& Add(const char* key, T value) {
    if constexpr (std::same_as<T, bool>) {
      return AddBool(key, value);
    } else {
      return AddInt(key, static_cast<int64_t>(value));
    }
  }
  template <std::integral T>
  JsonObject& Add(const char* key, const std::vector<T>& numbers) {
    return AddInts(key, std::vector<int64_t>(numbers.begin(), numbers.end()));
  }
  // So many digits behind the point at most: 12.3456 as 12.35, 12.001 as 12.
  JsonObject& AddRounded(const char* key, double number, int decimals);

  std::string Text() const;  // on one line, without its end

 private:
  JsonObject& AddBool(const char* key, bool value);
  JsonObject& AddInt(const char* key, int64_t value);
  JsonObject& AddInts(const char* key, const std::vector<int64_t>& values);
  struct Members;
  std::unique_ptr<Members> members_;
};

}  // namespace gatehouse
