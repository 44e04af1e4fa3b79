// EvalRow: one labelled conversation of a data set, whatever file it came from.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gatehouse/conversation.h"

namespace gatehouse {

struct EvalRow {
  std::string id;        // as the data says it; rows without one get "<source>:<number>"
  std::string id_json;   // its text in the data, byte for byte: 7, 1e5, "a\u00e9"; empty where there was none
  std::string source;    // name of the data set
  std::string language;  // "en", "fr", ...; empty when the data does not say
  Conversation conversation;  // the last message is the one that is judged, so its role is the row's
  bool unsafe = false;        // the label
  std::vector<std::string> categories;  // labelled keys ("S9"); empty for safe rows
  bool categories_known = false;        // false: an unsafe row must not be scored on category
  std::vector<std::string>
      unlisted_categories;  // labelled names that stand for no key: then nothing is known
  // Every other scalar of the row as text, for --by and --cluster; values of at most 64 bytes.
  std::vector<std::pair<std::string, std::string>> fields;

  Role role() const { return conversation.messages.back().role; }
  int images() const {
    int count = 0;
    for (const Message& message : conversation.messages)
      for (const Part& part : message.parts) count += part.kind == Part::Kind::kImage;
    return count;
  }
};

// A row that could not be read: counted and listed, never dropped in silence.
struct RowProblem {
  std::string file;
  int64_t line = 0;     // from 1, in the file as it is after decompression
  std::string id_json;  // of the row, where that much could be read; else empty
  std::string reason;
};

}  // namespace gatehouse
