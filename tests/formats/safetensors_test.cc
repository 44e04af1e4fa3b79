#include "formats/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "support/limits.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using testing::HasSubstr;

// A file of a header, written as it is, and so many bytes of data.
std::string File(const std::string& header, size_t data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(data, '\1');
}

Result<SafetensorsContents> Parse(const std::string& file) {
  return ParseSafetensors(std::as_bytes(std::span(file)), "f.safetensors");
}

TEST(Safetensors, ReadsAPlainFile) {
  const std::string file = File(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})",
      28);
  const auto contents = Parse(file);
  ASSERT_TRUE(contents.ok()) << contents.error().Message();
  ASSERT_EQ(contents->tensors.size(), 2u);
  const TensorView& b = contents->tensors.at("b");
  EXPECT_EQ(b.dtype, DType::kF32);
  EXPECT_EQ(b.shape, (Shape{2, 3}));
  EXPECT_EQ(reinterpret_cast<const char*>(b.data), file.data() + file.size() - 24);
  EXPECT_EQ(contents->metadata.at("format"), "pt");
}

TEST(Safetensors, TakesScalarsAndEmptyTensors) {
  const auto contents = Parse(File(
      R"({"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]}})",
      4));
  ASSERT_TRUE(contents.ok()) << contents.error().Message();
  EXPECT_EQ(contents->tensors.at("s").elements(), 1);
  EXPECT_EQ(contents->tensors.at("e").elements(), 0);
}

struct BadFile {
  const char* label;
  std::string header;
  size_t data;
  const char* message;
};

class BadSafetensors : public testing::TestWithParam<BadFile> {};

TEST_P(BadSafetensors, IsRefusedByName) {
  const auto contents = Parse(File(GetParam().header, GetParam().data));
  ASSERT_FALSE(contents.ok());
  EXPECT_EQ(contents.error().code, ErrorCode::kModel);
  EXPECT_THAT(contents.error().Message(), HasSubstr(GetParam().message));
  EXPECT_THAT(contents.error().Message(), HasSubstr("f.safetensors"));
}

std::string One(const std::string& entry) { return "{\"t\":" + entry + "}"; }

INSTANTIATE_TEST_SUITE_P(
    All, BadSafetensors,
    testing::Values(
        BadFile{"NoJson", "{\"t\":", 4, "not valid JSON"}, BadFile{"List", "[1]", 0, "bad header"},
        BadFile{"EntryIsNumber", One("3"), 4, "bad tensor entry"},
        BadFile{"UnknownDtype", One(R"({"dtype":"F7","shape":[1],"data_offsets":[0,4]})"), 4,
                "unknown dtype"},
        BadFile{"BlockDtype", One(R"({"dtype":"Q8_0","shape":[32],"data_offsets":[0,34]})"), 34,
                "unknown dtype"},
        BadFile{"NegativeSize", One(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"), 4, "bad shape"},
        BadFile{"HugeSize", One(R"({"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4]})"),
                4, "too large"},
        BadFile{"FractionalSize", One(R"({"dtype":"F32","shape":[1.5],"data_offsets":[0,4]})"), 4,
                "bad shape"},
        BadFile{"NoShape", One(R"({"dtype":"F32","data_offsets":[0,4]})"), 4, "incomplete"},
        BadFile{"NoOffsets", One(R"({"dtype":"F32","shape":[1]})"), 4, "incomplete"},
        BadFile{"ShapeTwice", One(R"({"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]})"), 4,
                "bad shape"},
        BadFile{"UnknownField", One(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1})"), 4,
                "unknown field"},
        BadFile{"ThreeOffsets", One(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4,8]})"), 4,
                "bad data_offsets"},
        BadFile{"Backwards", One(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"), 4,
                "outside of the file"},
        BadFile{"Negative", One(R"({"dtype":"F32","shape":[1],"data_offsets":[-4,0]})"), 4,
                "outside of the file"},
        BadFile{"BeyondEnd", One(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), 4,
                "outside of the file"},
        BadFile{"SizeUnlikeShape", One(R"({"dtype":"F32","shape":[2],"data_offsets":[0,4]})"), 4,
                "do not fit the shape"},
        BadFile{"TrailingBytes", One(R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})"), 5,
                "does not fit the header"},
        BadFile{"HoleAtStart", One(R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})"), 8, "hole"},
        BadFile{
            "Overlap",
            R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
            12, "overlap"},
        BadFile{
            "HoleBetween",
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
            12, "hole"},
        BadFile{
            "NameTwice",
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
            8, "twice"},
        BadFile{"MetadataNumber", R"({"__metadata__":{"x":1}})", 0, "__metadata__"},
        BadFile{"MetadataTwice", R"({"__metadata__":{},"__metadata__":{}})", 0, "twice"}),
    [](const auto& test) { return test.param.label; });

TEST(Safetensors, RefusesShortFilesAndLyingHeaderSizes) {
  EXPECT_FALSE(Parse("").ok());
  EXPECT_FALSE(Parse("1234567").ok());
  for (const uint64_t size : {uint64_t{3}, uint64_t{1} << 30, ~uint64_t{0}}) {
    const std::string file = std::string(reinterpret_cast<const char*>(&size), 8) + "{}";
    const auto contents = Parse(file);
    ASSERT_FALSE(contents.ok());
    EXPECT_THAT(contents.error().Message(), HasSubstr("header size"));
  }
  EXPECT_TRUE(Parse(File("{}", 0)).ok());
}

TEST(Safetensors, EveryTruncationAndFlippedByteIsHandled) {
  const std::string good = File(
      R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[2,1],"data_offsets":[8,12]}})",
      12);
  ASSERT_TRUE(Parse(good).ok());
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(Parse(good.substr(0, size)).ok()) << size;
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    const auto contents = Parse(bad);
    if (!contents.ok()) continue;
    for (const auto& [name, view] : contents->tensors) {
      ASSERT_GE(reinterpret_cast<const char*>(view.data), bad.data());
      ASSERT_LE(reinterpret_cast<const char*>(view.data) + view.bytes(), bad.data() + bad.size());
    }
  }
}

TEST(SafetensorsWriter, WritesWhatTheReaderReads) {
  const test::TempDir directory;
  const std::string path = directory / "w.safetensors";
  const std::vector<float> a = {1, 2, 3, 4, 5, 6};
  const std::vector<uint16_t> b = {7, 8, 9};
  {
    auto writer = SafetensorsWriter::Create(
        path, {{"z first", DType::kF32, {2, 3}}, {"a", DType::kBF16, {3}}}, {{"k", "v"}});
    ASSERT_TRUE(writer.ok()) << writer.error().Message();
    ASSERT_TRUE(writer->Append(std::as_bytes(std::span(a)).first(5)).ok());
    ASSERT_TRUE(writer->Append(std::as_bytes(std::span(a)).subspan(5)).ok());
    ASSERT_TRUE(writer->Append(b.data(), 6).ok());
    ASSERT_TRUE(writer->Finish().ok());
  }
  const auto file = SafetensorsFile::Open(path);
  ASSERT_TRUE(file.ok()) << file.error().Message();
  EXPECT_EQ(file->metadata().at("k"), "v");
  EXPECT_EQ(reinterpret_cast<uintptr_t>(file->Find("z first")->data) % 64, 0u);
  EXPECT_EQ(std::memcmp(file->Find("z first")->data, a.data(), 24), 0);
  EXPECT_EQ(std::memcmp(file->Find("a")->data, b.data(), 6), 0);
  EXPECT_EQ(file->Find("b"), nullptr);
}

TEST(SafetensorsWriter, RefusesWrongAmountsAndLeavesNoFile) {
  const test::TempDir directory;
  const std::string path = directory / "w.safetensors";
  const float value = 1;
  {
    auto writer = SafetensorsWriter::Create(path, {{"a", DType::kF32, {2}}});
    ASSERT_TRUE(writer->Append(&value, 4).ok());
    EXPECT_FALSE(writer->Finish().ok());
  }
  {
    auto writer = SafetensorsWriter::Create(path, {{"a", DType::kBF16, {1}}});
    EXPECT_FALSE(writer->Append(&value, 4).ok());
  }
  EXPECT_FALSE(SafetensorsFile::Open(path).ok());
  EXPECT_FALSE(SafetensorsFile::Open(path + ".part").ok());
  EXPECT_FALSE(SafetensorsWriter::Create(path, {{"a", DType::kF32, {1}}, {"a", DType::kF32, {1}}}).ok());
  EXPECT_FALSE(SafetensorsWriter::Create(path, {{"a", DType::kQ8_0, {32}}}).ok());
  EXPECT_FALSE(SafetensorsWriter::Create(directory / "no/such/folder/f", {}).ok());
}

TEST(SafetensorsWriter, AFullDiskAndALimitAreErrors) {
  const test::TempDir directory;
  const std::vector<std::byte> bytes(100000);
  const auto write = [&](const std::string& path) -> Result<void> {
    GATEHOUSE_ASSIGN(
        SafetensorsWriter writer,
        SafetensorsWriter::Create(path, {{"a", DType::kU8, {static_cast<int64_t>(bytes.size())}}}));
    GATEHOUSE_TRY(writer.Append(bytes));
    return writer.Finish();
  };
  const Result<void> full = write("/dev/full");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().code, ErrorCode::kInternal);
  EXPECT_NE(full.error().Message().find("No space left on device"), std::string::npos);
  Result<void> limited;
  {
    const test::FileSizeLimit limit(4096);
    limited = write(directory / "f");
  }
  ASSERT_FALSE(limited.ok());
  EXPECT_NE(limited.error().Message().find("File too large"), std::string::npos);
  EXPECT_FALSE(SafetensorsFile::Open(directory / "f").ok());
  EXPECT_TRUE(write(directory / "f").ok());
}

}  // namespace
}  // namespace gatehouse
