#include "policy/message_images.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "image/data_url.h"
#include "policy/message_members.h"

namespace gatehouse {
namespace {

// A path costs a line and an image megabytes, so a short text could ask for more memory than there is.
constexpr size_t kMaxImages = 1024;
constexpr size_t kMaxBytes = size_t{1} << 30;
constexpr size_t kLongestPath = 4096;

// "http://", "file://" and the like.
bool HasScheme(const std::string& text) {
  const size_t end = text.find("://");
  if (end == std::string::npos || end == 0 || end > 32) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
  });
}

Error NotAllowed(const char* expected, const std::string& found) {
  return BadInput("images of this kind are not allowed here", "", expected,
                  "\"" + found.substr(0, 60) + "\"");
}

}  // namespace

Result<std::string> MessageImages::Bytes(const std::string& text, Kind kind, std::string* name,
                                         bool* elsewhere) const {
  *name = "data URL";
  if (kind != kPath && IsDataUrl(text)) return DecodeDataUrl(text, options_.max_image_bytes);
  *name = "base64";
  if (kind == kBase64) return DecodeBase64(text, options_.max_image_bytes);
  if (kind != kPath && HasScheme(text)) {
    *name = "URL";
    if (options_.load_url) return options_.load_url(text);
    *elsewhere = true;
    return BadInput("images are not fetched from URLs", "", "a data URL", "\"" + text.substr(0, 60) + "\"");
  }
  if (kind != kPath && LooksLikeBase64Image(text)) return DecodeBase64(text, options_.max_image_bytes);
  *elsewhere = kind == kUrl || !options_.load_path;
  if (kind == kUrl) return NotAllowed("a data URL, or base64 of a JPEG, PNG, WebP or GIF file", text);
  *name = text.substr(0, kLongestPath);
  if (text.size() > kLongestPath)
    return NotAllowed("a path, a data URL, or base64 of a JPEG, PNG, WebP or GIF file", text);
  if (text.find('\0') != std::string::npos) return NotAllowed("a path without null characters", text.c_str());
  if (!options_.load_path) return NotAllowed("a data URL", text);
  return options_.load_path(text);
}

Result<void> MessageImages::Add(const Json& value, Kind kind, const std::string& where,
                                std::vector<Part>* out) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty())
    return BadInput("malformed image", where, "a string, not empty", ShortJson(value));
  if (count_ == kMaxImages)
    return BadInput("too many images", where, "at most " + std::to_string(kMaxImages), "more");
  std::string name;
  bool elsewhere = false;
  auto bytes = Bytes(value.get_ref<const std::string&>(), kind, &name, &elsewhere);
  if (!bytes.ok()) {
    Error error = Within(where, bytes.error());
    if (!elsewhere) return error;
    return LeaveOut(options_.left_out, std::move(error));
  }
  ++count_;
  bytes_ += bytes->size();
  if (bytes_ > kMaxBytes)
    return BadInput("too many bytes of images", where, "at most " + std::to_string(kMaxBytes) + " in all",
                    "more");
  out->push_back(Part::Image(std::move(bytes).value(), std::move(name)));
  return {};
}

}  // namespace gatehouse
