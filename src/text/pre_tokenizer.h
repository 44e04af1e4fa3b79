// Pre-tokenisers: cut valid UTF-8 into the pieces inside which byte pairs merge. Written by hand to equal the
// published regular expressions, which the tests run through PCRE2 as an oracle.
#pragma once

#include <cstddef>
#include <string_view>

#include "formats/tokenizer_data.h"

namespace gatehouse {

// End (byte offset) of the piece that begins at `begin` < text.size().
size_t NextPiece(PreTokenizer kind, std::string_view text, size_t begin);

}  // namespace gatehouse
