// One decoder per file format, behind DecodeImage: each turns the bytes of one format into RGB pixels and
// reads the EXIF orientation, without applying it. Only decode.cc and the tests of this folder use them.
//
//   GATEHOUSE_ASSIGN(Decoded decoded, DecodePng(bytes, "cat.png", options));
//
// Every decoder checks width x height against options.max_pixels before it allocates pixels, and answers
// damaged data with an error (kBadInput).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gatehouse/result.h"
#include "image/image.h"

namespace gatehouse {

struct Decoded {
  RgbImage image;
  int orientation = 1;  // EXIF orientation, 1..8; 1 where there is none
};

Result<Decoded> DecodeJpeg(std::string_view bytes, const std::string& name, const DecodeOptions& options);
Result<Decoded> DecodePng(std::string_view bytes, const std::string& name, const DecodeOptions& options);
Result<Decoded> DecodeWebp(std::string_view bytes, const std::string& name, const DecodeOptions& options);
Result<Decoded> DecodeGif(std::string_view bytes, const std::string& name, const DecodeOptions& options);

// Checks the size that a header claims, and makes black pixels of that size.
Result<RgbImage> AllocatePixels(int64_t width, int64_t height, const std::string& name,
                                const DecodeOptions& options);
// The check alone, for decoders whose library allocates by the header before we do.
Result<void> CheckPixels(int64_t width, int64_t height, const std::string& name,
                         const DecodeOptions& options);

// round(a * b / 255) for 8-bit a and b, without a division.
inline uint8_t MulDiv255(uint32_t a, uint32_t b) {
  const uint32_t product = a * b + 128;
  return static_cast<uint8_t>((product + (product >> 8)) >> 8);
}

// An 8-bit colour level of the given alpha over white.
inline uint8_t OverWhite(uint8_t level, uint8_t alpha) {
  const uint32_t sum = uint32_t{level} * alpha + 255u * (255u - alpha) + 128;
  return static_cast<uint8_t>((sum + (sum >> 8)) >> 8);
}

}  // namespace gatehouse
