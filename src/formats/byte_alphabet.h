// GPT-2's byte alphabet: tokenizer.json and GGUF write each byte of a token as one printable character.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse {

// "Ġhello" -> " hello"; nothing if a character is not of the alphabet.
std::optional<std::string> BytesOfAlphabet(std::string_view text);

}  // namespace gatehouse
