#include "base/file_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/gguf.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "formats/tensor_source.h"
#include "formats/tokenizer_json.h"
#include "formats/tokenizer_model.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

// A pointer as `git lfs pointer` writes it.
const std::string kPointer =
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

// How files of these kinds begin: their formats' descriptions, and `gzip -n`, `zip`, torch.save and openpyxl.
TEST(FileKind, KnowsHowFilesBegin) {
  const auto zip = [](const std::string& name) {
    return "PK\3\4"s + std::string(22, '\0') + static_cast<char>(name.size()) + "\0\0\0"s + name;
  };
  const std::pair<std::string, FileKind> rows[] = {
      {kPointer, FileKind::kLfsPointer},
      {"# xet version 0\nfilesize = 12\nhash = 'a'\n", FileKind::kXetPointer},
      {"", FileKind::kEmpty},
      {std::string(64, '\0'), FileKind::kZeros},
      {"\n <!DOCTYPE html><html lang=\"en\">", FileKind::kHtml},
      {"<html>", FileKind::kHtml},
      {"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", FileKind::kXml},
      {"{\"error\":\"Repository not found\"}", FileKind::kJson},
      {"\xef\xbb\xbf[1]", FileKind::kJson},
      {"\x1f\x8b\x08\0"s, FileKind::kGzip},
      {zip("a.txt"), FileKind::kZip},
      {zip("archive/data.pkl"), FileKind::kTorch},
      {zip("[Content_Types].xml"), FileKind::kOffice},
      {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileKind::kOldOffice},
      {"\x80\2\x8a\x0al\xfc"s, FileKind::kPickle},
      {"\x80\4\x95\x10\0\0"s, FileKind::kPickle},
      {"PAR1\x15\4", FileKind::kParquet},
      {"\x08\x08\x12\7pytorch", FileKind::kOnnx},
      {"\x93NUMPY\1", FileKind::kNumpy},
      {"GGUF\3\0\0\0"s, FileKind::kGguf},
      {"tjgg\3\0\0\0"s, FileKind::kOldGgml},
      {"\x1a\0\0\0\0\0\0\0{\"a\":"s, FileKind::kSafetensors},
      {"just words", FileKind::kUnknown},
      {"{\0\0\0"s, FileKind::kUnknown},
  };
  for (const auto& [bytes, kind] : rows) {
    EXPECT_EQ(KindOfFile(bytes), kind) << testing::PrintToString(bytes);
    EXPECT_EQ(DescribeKind(kind).empty(), kind == FileKind::kUnknown);
  }
  EXPECT_THAT(DescribeFile(kPointer), HasSubstr("git lfs pull"));
  EXPECT_THAT(DescribeFile("{\"error\":\"Repository\n not found\"}"),
              HasSubstr("'{\"error\":\"Repository  not found\"}'"));
}

TEST(FileKind, EveryReaderOfModelsNamesAPointer) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(kPointer));
  EXPECT_THAT(ParseSafetensors(bytes, "f").error().Message(), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(GgufFile::FromBytes(bytes, "f").error().Message(), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(ParseJson(kPointer, "config.json", ErrorCode::kModel).error().Message(),
              HasSubstr("Git LFS pointer"));
  EXPECT_THAT(ReadTokenizerJson(kPointer, "f").error().Message(), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(ReadTokenizerModel(kPointer, "f").error().Message(), HasSubstr("Git LFS pointer"));
  const test::TempDir directory;
  test::WriteBytes(directory / "model.safetensors.index.json", kPointer);
  EXPECT_THAT(TensorSource::Open(directory.path()).error().Message(), HasSubstr("Git LFS pointer"));
}

TEST(FileKind, AnErrorPageIsNoModel) {
  const std::string page = "<!DOCTYPE html>\n<html><body>Access to this model is restricted.</body></html>";
  EXPECT_THAT(ParseSafetensors(std::as_bytes(std::span(page)), "f").error().Message(),
              HasSubstr("HTML page"));
  const std::string json = "{\"error\":\"Invalid credentials in Authorization header\"}";
  EXPECT_THAT(GgufFile::FromBytes(std::as_bytes(std::span(json)), "f").error().Message(),
              HasSubstr("Invalid credentials"));
  const std::string cut = "\x20\0\0\0\0\0\0\0{\"a\":"s;
  EXPECT_THAT(ParseSafetensors(std::as_bytes(std::span(cut)), "f").error().Message(),
              HasSubstr("header size"));
  const std::string piece = "\n\x0e\n\5<unk>\x15\0\0\0\0\x18\2"s;
  EXPECT_THAT(ReadTokenizerModel(piece, "f").error().Message(), HasSubstr("SentencePiece"));
}

TEST(ParseJson, MarksAreNoMatter) {
  const auto utf8 = ParseJson("\xef\xbb\xbf{\"a\":1}", "f", ErrorCode::kModel);
  ASSERT_TRUE(utf8.ok()) << utf8.error().Message();
  EXPECT_EQ(utf8->at("a"), 1);
  const auto utf16 = ParseJson("\xff\xfe{\0\"\0a\0\"\0:\0001\0}\0"s, "f", ErrorCode::kModel);
  ASSERT_TRUE(utf16.ok()) << utf16.error().Message();
  EXPECT_EQ(utf16->at("a"), 1);
}

}  // namespace
}  // namespace gatehouse
