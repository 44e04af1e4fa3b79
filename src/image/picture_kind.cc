#include "image/picture_kind.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "base/file_kind.h"

namespace gatehouse {
namespace {

struct Magic {
  size_t at;
  std::string_view bytes;
  const char* name;
};

// The first that fits counts.
constexpr Magic kPictures[] = {
    {0, {"II*\0", 4}, "TIFF (or a camera's raw file)"},
    {0, {"MM\0*", 4}, "TIFF (or a camera's raw file)"},
    {0, {"II+\0", 4}, "TIFF (BigTIFF)"},
    {0, {"MM\0+", 4}, "TIFF (BigTIFF)"},
    {0, {"II\xbc", 3}, "JPEG XR"},
    {0, {"\0\0\1\0", 4}, "ICO, a Windows icon"},
    {0, {"\0\0\2\0", 4}, "a Windows cursor, or TGA"},
    {0, "icns", "ICNS, a macOS icon"},
    {0, {"\0\0\0\x0cJXL \r\n\x87\n", 12}, "JPEG XL"},
    {0, {"\xff\x0a", 2}, "JPEG XL"},
    {0, {"\0\0\0\x0cjP  \r\n\x87\n", 12}, "JPEG 2000"},
    {0, "\xff\x4f\xff\x51", "JPEG 2000"},
    {0, "8BPS", "PSD, a Photoshop document"},
    {0, "gimp xcf", "XCF, a GIMP document"},
    {0, "qoif", "QOI"},
    {0, "DDS ", "DDS"},
    {0, "\x76\x2f\x31\x01", "OpenEXR"},
    {0, "#?RADIANCE", "Radiance HDR"},
    {0, "farbfeld", "farbfeld"},
    {0, "AT&TFORM", "DjVu"},
    {0, "FUJIFILMCCD-RAW", "a camera's raw file"},
    {0, "BPG\xfb", "BPG"},
    {0, {"\xd7\xcd\xc6\x9a", 4}, "WMF"},
    {0, "%!PS", "PostScript"},
    {0, "%PDF-", "PDF"},
};
constexpr Magic kOthers[] = {
    {0, "\x1a\x45\xdf\xa3", "a Matroska or WebM video"},
    {8, "AVI ", "an AVI video"},
    {8, "WAVE", "a WAV sound"},
    {0, "FLV", "an FLV video"},
    {0, "data:", "the text of a data URL in the file's place"},
};

struct Brand {
  std::string_view brand;
  const char* name;
};
// What the first box of an ISO media file says that it is.
constexpr Brand kBrands[] = {
    {"avif", "AVIF"},
    {"avis", "AVIF (a sequence)"},
    {"heic", "HEIC"},
    {"heix", "HEIC"},
    {"heim", "HEIC"},
    {"heis", "HEIC"},
    {"hevc", "HEIC (a sequence)"},
    {"hevx", "HEIC (a sequence)"},
    {"mif1", "HEIF"},
    {"msf1", "HEIF (a sequence)"},
    {"jxl ", "JPEG XL"},
    {"jp2 ", "JPEG 2000"},
    {"crx ", "CR3, a camera's raw file"},
    {"qt  ", "a QuickTime video"},
};

bool Has(std::string_view bytes, const Magic& magic) {
  return bytes.size() >= magic.at && bytes.substr(magic.at, magic.bytes.size()) == magic.bytes;
}

// The brand of an ISO media file, "" where there is none. Files in one of two general brands name what they
// hold among the compatible ones.
std::string OfBrand(std::string_view bytes) {
  if (bytes.size() < 12 || bytes.substr(4, 4) != "ftyp") return {};
  const size_t size = static_cast<uint8_t>(bytes[2]) << 8 | static_cast<uint8_t>(bytes[3]);
  const std::string_view major = bytes.substr(8, 4);
  const auto name_of = [](std::string_view brand) -> std::string {
    for (const Brand& known : kBrands) {
      if (known.brand == brand) return known.name;
    }
    return {};
  };
  if (major == "mif1" || major == "msf1") {
    for (size_t at = 16; at + 4 <= std::min(size, bytes.size()); at += 4) {
      const std::string_view brand = bytes.substr(at, 4);
      if (std::string name = name_of(brand); !name.empty() && brand != "mif1" && brand != "msf1") return name;
    }
  }
  const std::string name = name_of(major);
  return name.empty() ? "a video (MP4 or another ISO media file)" : name;
}

// BMP has a short mark; the size of its second header tells it from a text.
bool IsBmp(std::string_view bytes) {
  if (bytes.size() < 18 || bytes.substr(0, 2) != "BM") return false;
  const int size = static_cast<uint8_t>(bytes[14]);
  return (size == 12 || size == 16 || (size >= 40 && size <= 128)) &&
         bytes.substr(15, 3) == std::string_view("\0\0\0", 3);
}

bool IsPortableMap(std::string_view bytes) {
  return bytes.size() >= 3 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7' &&
         std::isspace(static_cast<unsigned char>(bytes[2])) != 0;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Drawings in XML, and images as base64 text; empty for other texts.
std::string OfText(std::string_view bytes) {
  constexpr size_t kLook = 1024;
  if (bytes.substr(0, 3) == "\xef\xbb\xbf") bytes.remove_prefix(3);
  const size_t begin = bytes.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return bytes.empty() ? "" : "a text of spaces";
  const std::string text = Lower(bytes.substr(begin, kLook));
  const auto starts = [&](std::string_view prefix) { return text.compare(0, prefix.size(), prefix) == 0; };
  const auto has = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  const bool xml = starts("<?xml") || starts("<!--") || starts("<!doctype svg");
  if (starts("<svg") || (xml && (has("<svg") || has("<!doctype svg")))) return "SVG, a drawing in XML";
  for (const std::string_view prefix : {"/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR"}) {
    if (bytes.substr(begin, prefix.size()) == prefix) return "an image as base64 text: decode it first";
  }
  return {};
}

std::string FirstBytes(std::string_view bytes) {
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

std::string DescribeNoImage(std::string_view bytes) {
  const std::string convert = "; convert it to one of these";
  for (const Magic& magic : kPictures) {
    if (Has(bytes, magic)) return magic.name + convert;
  }
  if (const std::string brand = OfBrand(bytes); !brand.empty())
    return brand.rfind("a ", 0) == 0 ? brand : brand + convert;  // nobody makes one picture of a video
  if (IsBmp(bytes)) return "BMP" + convert;
  if (IsPortableMap(bytes)) return "a portable map (PNM)" + convert;
  for (const Magic& magic : kOthers) {
    if (Has(bytes, magic)) return magic.name;
  }
  if (const std::string text = OfText(bytes); !text.empty()) {
    return text.rfind("SVG", 0) == 0 ? text + convert : text;
  }
  const std::string other = DescribeFile(bytes);
  return other.empty() ? FirstBytes(bytes) : other;
}

}  // namespace gatehouse
