// Helpers of the image tests: files, sha256 of pixels, fixtures.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "image/image.h"

namespace gatehouse::image_test {

// The whole file; empty where there is none.
std::string ReadAll(const std::string& path);

std::string Sha256Hex(std::string_view bytes);

inline std::string_view AsText(const std::vector<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The frames that DecodeFrames gives, and how many the file has.
struct Frames {
  std::vector<RgbImage> shown;
  int64_t of = 0;
};
Result<Frames> DecodeAll(std::string_view bytes, const DecodeOptions& options = {}, int most = 64);

inline std::string GoldenPath(const std::string& name) {
  return GATEHOUSE_SOURCE_DIR "/tests/golden/" + name;
}
inline std::string FramesPath(const std::string& name) {
  return GATEHOUSE_SOURCE_DIR "/tests/image/frames/" + name;
}
inline std::string FixturePath(const std::string& name) {
  return GATEHOUSE_SOURCE_DIR "/tests/image/fixtures/" + name;
}

}  // namespace gatehouse::image_test
