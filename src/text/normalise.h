// Normalise: a text as a reader would have it whom spelling tricks do not fool.
//
//   Normalise("b\u200Bomb")   -> "bomb"    characters that nobody sees, and those that turn the direction
//   Normalise("\uFF42\uFF4F\uFF4D\uFF42")      -> "bomb"    compatibility forms (NFKC); letters in circles
//   and squares Normalise("b\u043Emb")         -> "bomb"    letters of other scripts (here a Cyrillic o)
//   among Latin ones; marks put
//                                          over, under and through Latin letters
//   Normalise("b o m b")      -> "bomb"    letters spaced out
//
// Text in other languages stays as it is, but for compatibility forms. It is for a second judgement, never
// for the only one: a rule that undoes tricks can also be tricked into undoing what was meant.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// Invalid UTF-8 is repaired as everywhere. Near-linear. Equal to `text` where there is nothing to undo.
std::string Normalise(std::string_view text);

}  // namespace gatehouse
