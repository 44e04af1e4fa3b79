// The chunks of a PNG file: what animations are made of, and files of one frame made from them.
//
//   PngChunks chunks(bytes);
//   PngChunk chunk;
//   while (chunks.Next(&chunk)) if (chunk.kind == "acTL") ...
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse {

struct PngChunk {
  std::string_view kind;  // four letters
  std::string_view data;
  std::string_view whole;  // with length, kind and checksum

  bool Intact() const;  // is the checksum right
};

class PngChunks {
 public:
  explicit PngChunks(std::string_view bytes);
  // The next chunk, IEND the last; false behind it, and where the file is cut off.
  bool Next(PngChunk* chunk);

 private:
  std::string_view rest_;
};

uint32_t PngNumber(std::string_view data, size_t at);  // four bytes, the highest first

inline constexpr std::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);
std::string MakePngChunk(std::string_view kind, std::string_view data);

}  // namespace gatehouse
