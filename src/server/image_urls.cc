#include "server/image_urls.h"

#include <functional>
#include <span>
#include <string_view>
#include <utility>

#include "base/base64.h"
#include "base/error.h"
#include "formats/json.h"
#include "server/http/message.h"

namespace gatehouse::server {
namespace {

// Called for each string that is an image's address; it may change it.
using OnUrl = std::function<void(Json& url)>;

bool IsWebAddress(const Json& value) {
  if (!value.is_string()) return false;
  const std::string_view text = value.get_ref<const std::string&>();
  return SameName(text.substr(0, 7), "http://") || SameName(text.substr(0, 8), "https://");
}

void VisitSlot(Json& object, const char* name, const OnUrl& on_url) {
  const auto found = object.find(name);
  if (found == object.end()) return;
  if (IsWebAddress(*found)) return on_url(*found);
  if (found->is_object() && found->contains("url") && IsWebAddress((*found)["url"])) on_url((*found)["url"]);
}

void VisitContent(Json& content, const OnUrl& on_url);

void VisitPart(Json& part, const OnUrl& on_url) {
  const auto type = part.find("type");
  if (type == part.end() || !type->is_string()) return;
  if (*type == "image_url" || *type == "input_image") {
    VisitSlot(part, "image_url", on_url);
  } else if (*type == "image") {
    for (const char* name : {"image", "url", "source"}) VisitSlot(part, name, on_url);
  } else if (*type == "tool_result") {
    if (const auto content = part.find("content"); content != part.end()) VisitContent(*content, on_url);
  }
}

void VisitContent(Json& content, const OnUrl& on_url) {
  if (content.is_object()) return VisitPart(content, on_url);
  if (!content.is_array()) return;
  for (Json& part : content) {
    if (part.is_object()) VisitPart(part, on_url);
  }
}

void VisitImages(Json& list, const OnUrl& on_url) {
  if (!list.is_array()) return;
  for (Json& image : list) {
    if (IsWebAddress(image)) {
      on_url(image);
    } else if (image.is_object()) {
      VisitPart(image, on_url);
    }
  }
}

void Visit(Json& root, const OnUrl& on_url) {
  if (!root.is_object()) return;
  if (const auto input = root.find("input"); input != root.end()) VisitContent(*input, on_url);
  if (const auto images = root.find("images"); images != root.end()) VisitImages(*images, on_url);
  const auto messages = root.find("messages");
  if (messages == root.end() || !messages->is_array()) return;
  for (Json& message : *messages) {
    if (!message.is_object()) continue;
    for (const char* name : {"content", "output"}) {
      if (const auto content = message.find(name); content != message.end()) VisitContent(*content, on_url);
    }
    if (const auto images = message.find("images"); images != message.end()) VisitImages(*images, on_url);
  }
}

// "png" and so on; empty: no image that anybody here can decode.
std::string_view TypeOf(std::string_view file) {
  if (file.starts_with("\xFF\xD8\xFF")) return "jpeg";
  if (file.starts_with("\x89PNG")) return "png";
  if (file.starts_with("GIF8")) return "gif";
  return file.starts_with("RIFF") && file.substr(8).starts_with("WEBP") ? "webp" : "";
}

std::string DataUrlOf(const std::string& file) {
  return "data:image/" + std::string(TypeOf(file)) + ";base64," +
         EncodeBase64(std::as_bytes(std::span(file)));
}

}  // namespace

std::vector<std::string> ImageUrlsIn(const std::string& body) {
  std::vector<std::string> out;
  if (body.find("://") == std::string::npos && body.find("\\/") == std::string::npos &&
      body.find("\\u") == std::string::npos)
    return out;
  // Strictly, as whoever reads it afterwards.
  Result<Json> root = ParseJson(body, "body", ErrorCode::kBadInput);
  if (!root.ok()) return out;
  Visit(*root, [&](Json& url) {
    if (out.size() <= kMaxImageUrls) out.push_back(url.get<std::string>());
  });
  return out;
}

Result<std::string> WithImages(const std::string& body, const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    // What else it is stays untold: it may be another server's secret.
    if (TypeOf(file).empty())
      return BadInput("no image at an address of one", "image URL", "a JPEG, PNG, WebP or GIF file",
                      "another");
  }
  Result<Json> root = ParseJson(body, "body", ErrorCode::kBadInput);
  if (!root.ok()) return root.error();
  size_t next = 0;
  Visit(*root, [&](Json& url) {
    if (next < files.size()) url = DataUrlOf(files[next++]);
  });
  return JsonLine(*root);
}

}  // namespace gatehouse::server
