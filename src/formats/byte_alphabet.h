// GPT-2's printable alphabet: each byte has a visible character, so that tokens can be written as JSON
// strings. Printable Latin-1 stands for itself, the other bytes for U+0100 and up (a space is written as
// U+0120).
//
//   std::string bytes;
//   if (!FromByteAlphabet("\u0120the", &bytes)) ...  // " the"
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// Replaces *bytes. False when a character is none of the alphabet's; *bytes is then undefined.
bool FromByteAlphabet(std::string_view text, std::string* bytes);

}  // namespace gatehouse
