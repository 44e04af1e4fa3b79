// Server-sent events of a chat stream: bytes in any pieces become the data of events.
//
//   EventReader reader;
//   GATEHOUSE_TRY(reader.Add(bytes, [&](std::string data) { ... }));
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/result.h"

namespace gatehouse::server {

class EventReader {
 public:
  // Adds what is complete to *out. Comments and the fields event, id and retry say nothing in chat streams
  // and are left out. Errors: kBadInput: a line over 1 MiB, another field, or a carriage return by itself,
  // which some readers take for a line's end and others do not.
  Result<void> Add(std::string_view bytes, std::vector<std::string>* out);
  // Whether an event has begun and is not complete.
  bool is_within() const { return !line_.empty() || has_data_; }

 private:
  Result<void> TakeLine(std::string_view line, std::vector<std::string>* out);

  std::string line_;  // not complete
  std::string data_;
  bool has_data_ = false;
};

// An event with that data, which is one line.
std::string EventOf(std::string_view data);

}  // namespace gatehouse::server
