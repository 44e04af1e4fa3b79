// Cuts text into the pieces within which byte pairs are merged, exactly as the models' regular expressions
// do, written out by hand: linear in the text, no backtracking, no allocation. The patterns stand in the .cc
// file.
//
//   const PieceCutter cutter(PreTokenizer::kO200k);
//   while (!text.empty()) { size_t size = cutter.Next(text); Use(text.substr(0, size));
//   text.remove_prefix(size); }
#pragma once

#include <cstddef>
#include <string_view>

#include "formats/tokenizer_data.h"
#include "text/char_class.h"

namespace gatehouse {

class PieceCutter {
 public:
  explicit PieceCutter(PreTokenizer kind) : kind_(kind), classes_(&CharClasses::Get()) {}

  // Bytes of the first piece of text, which is well-formed UTF-8, not empty, begins at a border of pieces,
  // and goes on to the end of the whole text (patterns look ahead).
  size_t Next(std::string_view text) const;

  struct Piece {
    size_t size;   // bytes
    size_t reach;  // bytes that were looked at, one more where the end of the text was: any text that begins
                   // with them has this piece first
  };
  Piece NextAndReach(std::string_view text) const;

 private:
  PreTokenizer kind_;
  const CharClasses* classes_;
};

}  // namespace gatehouse
