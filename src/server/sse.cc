#include "server/sse.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace gatehouse::server {
namespace {

constexpr size_t kMaxLine = 1u << 20;

}  // namespace

Result<void> EventReader::Add(std::string_view bytes, std::vector<std::string>* out) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (line_.size() + std::min(end, bytes.size()) > kMaxLine)
      return BadInput("line too long", "events", "at most 1 MiB", "more");
    if (end == std::string_view::npos) {
      line_ += bytes;
      return {};
    }
    line_ += bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    std::string line = std::exchange(line_, {});
    if (line.ends_with('\r')) line.pop_back();
    GATEHOUSE_TRY(TakeLine(line, out));
  }
  return {};
}

Result<void> EventReader::TakeLine(std::string_view line, std::vector<std::string>* out) {
  if (line.find('\r') != std::string_view::npos)
    return BadInput("malformed event", "events", "lines that end with a line feed", "a carriage return");
  if (line.empty()) {
    if (has_data_) out->push_back(std::exchange(data_, {}));
    has_data_ = false;
    return {};
  }
  if (line.front() == ':') return {};
  const size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event" || field == "id" || field == "retry") return {};
  // One line is all that anybody sends; two would be joined by a line end that JSON may have anywhere.
  if (field != "data" || has_data_)
    return BadInput("malformed event", "events", "one line of data", has_data_ ? "two" : "another field");
  data_ = value;
  has_data_ = true;
  return {};
}

std::string EventOf(std::string_view data) { return "data: " + std::string(data) + "\n\n"; }

}  // namespace gatehouse::server
