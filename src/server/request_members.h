// What a request for another model says outside the contents of its messages: settings say nothing, some
// texts are judged beside the messages, and a member that nobody knows must hold no text.
//
//   GATEHOUSE_ASSIGN(const std::string beside, TextsBeside(root, left_out));   // judged as a user's message
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/json.h"
#include "gatehouse/result.h"

namespace gatehouse::server {

// Whether a name stands among names, each of which has a space before it and behind it.
bool NamesList(std::string_view names, const std::string& name);

// A label rather than a text: ASCII letters, digits and the signs of names, at most `longest` bytes.
constexpr size_t kLongestWord = 64;
bool IsWord(const std::string& text, size_t longest = kLongestWord);

// The texts, a line each; empty where there are none. Errors (kBadInput), or their places in left_out where
// that is given: a member that is not known and holds a string, a list or an object. Ollama reads names
// whatever their case: "Messages" is such a member.
Result<std::string> TextsBeside(const Json& root, std::vector<std::string>* left_out);

}  // namespace gatehouse::server
