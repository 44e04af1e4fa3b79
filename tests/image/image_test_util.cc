#include "image_test_util.h"

#include <fstream>
#include <iterator>
#include <span>
#include <utility>

#include "formats/sha256.h"

namespace gatehouse::image_test {

std::string ReadAll(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

Result<Frames> DecodeAll(std::string_view bytes, const DecodeOptions& options, int most) {
  Frames out;
  const auto keep = [&](RgbImage image) {
    out.shown.push_back(std::move(image));
    return Result<void>();
  };
  GATEHOUSE_ASSIGN(out.of, DecodeFrames(bytes, "x", options, most, keep));
  return out;
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256 digest;
  digest.Update(std::as_bytes(std::span(bytes)));
  return digest.Hex();
}

}  // namespace gatehouse::image_test
