#include <new>
#include <string>
#include <utility>

#include "base/error.h"
#include "image/codecs.h"
#include "image/exif.h"
#include "image/image.h"

namespace gatehouse {
namespace {

// Rows and resize windows as long as the largest area allows would cost far more memory than the pixels.
constexpr int64_t kMaxSide = 1 << 20;

using Decoder = Result<Decoded> (*)(std::string_view, const std::string&, const DecodeOptions&);

bool StartsWith(std::string_view bytes, std::string_view prefix) {
  return bytes.substr(0, prefix.size()) == prefix;
}

// The format by its first bytes; null where it is none of ours.
Decoder FindDecoder(std::string_view bytes) {
  if (StartsWith(bytes, "\xff\xd8\xff")) return DecodeJpeg;
  if (StartsWith(bytes, "\x89PNG\r\n\x1a\n")) return DecodePng;
  if (StartsWith(bytes, "GIF87a") || StartsWith(bytes, "GIF89a")) return DecodeGif;
  if (StartsWith(bytes, "RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") return DecodeWebp;
  return nullptr;
}

std::string FirstBytes(std::string_view bytes) {
  if (bytes.empty()) return "an empty file";
  static constexpr char kHex[] = "0123456789abcdef";
  std::string text = "bytes";
  for (const char c : bytes.substr(0, 8)) {
    const auto byte = static_cast<uint8_t>(c);
    text += ' ';
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

}  // namespace

Result<void> CheckPixels(int64_t width, int64_t height, const std::string& name,
                         const DecodeOptions& options) {
  const std::string size = std::to_string(width) + " x " + std::to_string(height);
  if (width < 1 || height < 1) return BadInput("empty image", name, "at least 1 x 1 pixels", size);
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
  image.rgb.resize(static_cast<size_t>(width * height) * 3);
  return image;
}

Result<RgbImage> DecodeImage(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  if (bytes.size() > options.max_bytes) {
    return BadInput("image file too large", name, "at most " + std::to_string(options.max_bytes) + " bytes",
                    std::to_string(bytes.size()) + " bytes");
  }
  const Decoder decoder = FindDecoder(bytes);
  if (decoder == nullptr) {
    return BadInput("unknown image format", name, "JPEG, PNG, WebP or GIF", FirstBytes(bytes));
  }
  try {
    GATEHOUSE_ASSIGN(Decoded decoded, decoder(bytes, name, options));
    if (!options.apply_exif) return std::move(decoded.image);
    return Oriented(std::move(decoded.image), decoded.orientation);
  } catch (const std::bad_alloc&) {
    return Error{ErrorCode::kInternal, "not enough memory to decode the image", name, {}, {}};
  }
}

}  // namespace gatehouse
