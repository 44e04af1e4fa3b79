// What people give for an image that is none of ours is named as what it is.
#include <gtest/gtest.h>

#include "image/image.h"

namespace gatehouse {
namespace {

std::string Found(const std::string& bytes) {
  const Result<RgbImage> image = DecodeImage(bytes, "x", {});
  if (image.ok()) return "decoded";
  EXPECT_EQ(image.error().code, ErrorCode::kBadInput);
  EXPECT_EQ(image.error().what, "unknown image format");
  return image.error().found;
}

// The first box of an ISO media file.
std::string Box(const std::string& major, const std::string& compatible) {
  const std::string body = "ftyp" + major + std::string(4, '\0') + compatible;
  return std::string("\0\0\0", 3) + static_cast<char>(body.size() + 4) + body + "\0\0\0\0meta";
}

TEST(PictureKindTest, PicturesOfOtherFormats) {
  const std::string bmp = std::string("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", 18) + std::string(40, '\0');
  const std::vector<std::pair<std::string, std::string>> cases = {
      {Box("heic", "mif1heic"), "HEIC"},
      {Box("mif1", "mif1heic"), "HEIC"},
      {Box("mif1", "mif1"), "HEIF"},
      {Box("avif", "avifmif1"), "AVIF"},
      {Box("mif1", "miafavif"), "AVIF"},
      {Box("avis", "avifavis"), "AVIF (a sequence)"},
      {bmp, "BMP"},
      {std::string("II*\0\x08\0\0\0", 8), "TIFF (or a camera's raw file)"},
      {std::string("MM\0*\0\0\0\x08", 8), "TIFF (or a camera's raw file)"},
      {std::string("II+\0\x08\0\0\0", 8), "TIFF (BigTIFF)"},
      {std::string("\0\0\1\0\1\0\x10\x10", 8), "ICO, a Windows icon"},
      {std::string("\xff\x0a\xfa\x7f", 4), "JPEG XL"},
      {std::string("\0\0\0\x0cJXL \r\n\x87\n", 12), "JPEG XL"},
      {std::string("\0\0\0\x0cjP  \r\n\x87\n", 12), "JPEG 2000"},
      {std::string("\xff\x4f\xff\x51\0\x2f", 6), "JPEG 2000"},
      {"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG, a drawing in XML"},
      {"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made by hand -->\n<svg/>", "SVG, a drawing in XML"},
      {"%PDF-1.7\n", "PDF"},
      {"8BPS\0\1", "PSD, a Photoshop document"},
      {"P6\n2 2\n255\n", "a portable map (PNM)"},
  };
  for (const auto& [bytes, name] : cases) EXPECT_EQ(Found(bytes), name + "; convert it to one of these");
}

TEST(PictureKindTest, WhatIsNoPictureAtAll) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "a Git LFS pointer: "},
      {"\n<!DOCTYPE html><html><title>Not found</title>", "an HTML page: "},
      {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", "an XML text: "},
      {"{\"error\": \"not found\"}", "a JSON text: '{\"error\": \"not found\"}'"},
      {"/9j/4AAQSkZJRgABAQ", "an image as base64 text: decode it first"},
      {"iVBORw0KGgoAAAANSUhEUg", "an image as base64 text: decode it first"},
      {"data:image/png;base64,iVBORw0KGgo", "the text of a data URL in the file's place"},
      {Box("qt  ", "qt  "), "a QuickTime video"},
      {Box("isom", "isommp42"), "a video (MP4 or another ISO media file)"},
      {"PK\x03\x04", "a zip archive"},
      {" \n ", "a text of spaces"},
      {"", "an empty file"},
      // A text that begins with the mark of a format is no such file.
      {"BMW builds cars, and has for long", "bytes 42 4d 57 20 62 75 69 6c"},
  };
  for (const auto& [bytes, name] : cases) EXPECT_EQ(Found(bytes).substr(0, name.size()), name);
}

}  // namespace
}  // namespace gatehouse
