// One decoder per file format, behind DecodeImage and DecodeFrames: each decodes the bytes of one format into
// RGB pixels and reads the EXIF orientation, without applying it. Only decode.cc and the tests of this folder
// use them.
//
//   GATEHOUSE_ASSIGN(Decoded decoded, DecodePng(bytes, "cat.png", options));
//   GATEHOUSE_ASSIGN(int64_t frames, DecodeGif(bytes, "cat.gif", options, 4, sink));
//
// Every decoder checks width x height against options.max_pixels before it allocates pixels, and answers
// damaged data with an error (kBadInput).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/result.h"
#include "image/image.h"

namespace gatehouse {

struct Decoded {
  RgbImage image;
  int orientation = 1;  // EXIF orientation, 1..8; 1 where there is none
};
using DecodedSink = std::function<Result<void>(Decoded)>;

Result<Decoded> DecodeJpeg(std::string_view bytes, const std::string& name, const DecodeOptions& options);
Result<Decoded> DecodePng(std::string_view bytes, const std::string& name, const DecodeOptions& options);

// Formats that may hold several frames; most, the sink and the value: as DecodeFrames.
Result<int64_t> DecodeGif(std::string_view bytes, const std::string& name, const DecodeOptions& options,
                          int most, const DecodedSink& sink);
Result<int64_t> DecodeWebp(std::string_view bytes, const std::string& name, const DecodeOptions& options,
                           int most, const DecodedSink& sink);
// A PNG file that says before its pixels that it is animated.
bool IsAnimatedPng(std::string_view bytes);
Result<int64_t> DecodeAnimatedPng(std::string_view bytes, const std::string& name,
                                  const DecodeOptions& options, int most, const DecodedSink& sink);

// What a PNG file shows with its alpha, for frames that are composed.
struct RgbaImage {
  int width = 0;
  int height = 0;
  std::vector<uint8_t> rgba;  // [height][width][4]
};
Result<RgbaImage> DecodePngRgba(std::string_view bytes, const std::string& name,
                                const DecodeOptions& options);

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

// The pixels without their alpha: dropped, or over white.
RgbImage WithoutAlpha(const uint8_t* rgba, int width, int height, AlphaMode alpha);

}  // namespace gatehouse
