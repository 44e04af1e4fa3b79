// Refuses: whether an answer refuses, by a stated rule: one of the phrases of refusal_phrases.txt stands in
// its first 200 characters (case, compatibility forms, kinds of apostrophes and lengths of white space
// apart), at the beginning of a word where it begins with a Latin letter; or it is empty. English, French,
// German, Spanish, Italian, Portuguese, Hindi and Thai. It is a rule of thumb: docs/evaluation.md says how
// often it is right.
#pragma once

#include <string_view>

namespace gatehouse {

bool Refuses(std::string_view answer);

// The file, embedded.
extern const char* const kRefusalPhrases;

}  // namespace gatehouse
