#include <new>
#include <string>
#include <utility>

#include "base/error.h"
#include "image/codecs.h"
#include "image/exif.h"
#include "image/image.h"
#include "image/picture_kind.h"
#include "image/png_chunks.h"

namespace gatehouse {
namespace {

// Rows and resize windows as long as the largest area allows would cost far more memory than the pixels.
constexpr int64_t kMaxSide = 1 << 20;

bool StartsWith(std::string_view bytes, std::string_view prefix) {
  return bytes.substr(0, prefix.size()) == prefix;
}

Result<int64_t> Still(Result<Decoded> decoded, const DecodedSink& sink) {
  if (!decoded.ok()) return decoded.error();
  GATEHOUSE_TRY(sink(std::move(decoded).value()));
  return 1;
}

// The format by its first bytes.
Result<int64_t> Decode(std::string_view bytes, const std::string& name, const DecodeOptions& options,
                       int most, const DecodedSink& sink) {
  if (StartsWith(bytes, "\xff\xd8\xff")) return Still(DecodeJpeg(bytes, name, options), sink);
  if (StartsWith(bytes, kPngSignature)) {
    // Only this kind has to be looked for: the other formats' decoders tell stills from animations
    // themselves.
    if (IsAnimatedPng(bytes)) return DecodeAnimatedPng(bytes, name, options, most, sink);
    return Still(DecodePng(bytes, name, options), sink);
  }
  if (StartsWith(bytes, "GIF87a") || StartsWith(bytes, "GIF89a"))
    return DecodeGif(bytes, name, options, most, sink);
  if (StartsWith(bytes, "RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP")
    return DecodeWebp(bytes, name, options, most, sink);
  return BadInput("unknown image format", name, "JPEG, PNG, WebP or GIF", DescribeNoImage(bytes));
}

}  // namespace

Result<void> CheckPixels(int64_t width, int64_t height, const std::string& name,
                         const DecodeOptions& options) {
  const std::string size = std::to_string(width) + " x " + std::to_string(height);
  if (width < 1 || height < 1) return BadInput("empty image", name, "at least 1 x 1 pixels", size);
  // By division: the product of two sides of a hostile header may overflow.
  if (height > options.max_pixels || width > options.max_pixels / height) {
    return BadInput("image too large", name, "at most " + std::to_string(options.max_pixels) + " pixels",
                    size);
  }
  if (width > kMaxSide || height > kMaxSide) {
    return BadInput("image too long", name, "sides of at most " + std::to_string(kMaxSide) + " pixels", size);
  }
  return {};
}

Result<RgbImage> AllocatePixels(int64_t width, int64_t height, const std::string& name,
                                const DecodeOptions& options) {
  GATEHOUSE_TRY(CheckPixels(width, height, name, options));
  RgbImage image;
  image.width = static_cast<int>(width);
  image.height = static_cast<int>(height);
  // No overflow: CheckPixels has bounded the product.
  image.rgb.resize(static_cast<size_t>(width * height) * 3);
  return image;
}

RgbImage WithoutAlpha(const uint8_t* rgba, int width, int height, AlphaMode alpha) {
  RgbImage image;
  image.width = width;
  image.height = height;
  image.rgb.resize(static_cast<size_t>(width) * height * 3);
  uint8_t* out = image.rgb.data();
  for (size_t left = static_cast<size_t>(width) * height; left > 0; --left, rgba += 4, out += 3) {
    for (size_t channel = 0; channel < 3; ++channel)
      out[channel] = alpha == AlphaMode::kWhite ? OverWhite(rgba[channel], rgba[3]) : rgba[channel];
  }
  return image;
}

Result<int64_t> DecodeFrames(std::string_view bytes, const std::string& name, const DecodeOptions& options,
                             int most, const FrameSink& sink) {
  if (bytes.size() > options.max_bytes) {
    return BadInput("image file too large", name, "at most " + std::to_string(options.max_bytes) + " bytes",
                    std::to_string(bytes.size()) + " bytes");
  }
  try {
    return Decode(bytes, name, options, most, [&](Decoded decoded) {
      // Each frame as it is made, so that an animation never lies in memory whole.
      return sink(options.apply_exif ? Oriented(std::move(decoded.image), decoded.orientation)
                                     : std::move(decoded.image));
    });
    // Within the limits a picture may still be larger than what is left. No picture is not a safe one: an
    // error.
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kInternal, "not enough memory to decode the image", name, {}, {}};
  }
}

Result<RgbImage> DecodeImage(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  RgbImage image;
  const auto keep = [&](RgbImage decoded) {
    image = std::move(decoded);
    return Result<void>();
  };
  // `most` 0: an animation is an error here.
  GATEHOUSE_TRY(DecodeFrames(bytes, name, options, 0, keep));
  return image;
}

}  // namespace gatehouse
