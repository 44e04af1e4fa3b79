// Any bytes: an error or images whose tiles can be made. Seeds: tests/image/fixtures and frames.
#include <cstdint>
#include <string>
#include <string_view>

#include "image/data_url.h"
#include "image/image.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  gatehouse::DecodeOptions options;
  options.max_pixels = 1 << 18;
  options.alpha = size % 2 == 0 ? gatehouse::AlphaMode::kDrop : gatehouse::AlphaMode::kWhite;
  int given = 0;
  const auto take = [&](const gatehouse::RgbImage& image) {
    if (!gatehouse::MakeTiles(image, {28, 4}).ok()) __builtin_trap();
    ++given;
    return gatehouse::Result<void>();
  };
  constexpr int kMost = 3;
  const auto frames = gatehouse::DecodeFrames(bytes, "fuzz", options, kMost, take);
  if (frames.ok() && given != (*frames < kMost ? *frames : kMost)) __builtin_trap();
  (void)gatehouse::DecodeDataUrl(bytes);
  (void)gatehouse::DecodeDataUrl("data:image/png," + std::string(bytes));
  const auto decoded = gatehouse::DecodeBase64(bytes, 1000);
  if (decoded.ok() && decoded->size() > 1000) __builtin_trap();
  return 0;
}
