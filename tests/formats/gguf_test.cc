#include "formats/gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "support/gguf_maker.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using test::GgufMaker;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Result<GgufFile> Read(const std::string& bytes) {
  return GgufFile::FromBytes(std::as_bytes(std::span(bytes)), "f.gguf");
}

GgufMaker Small() {
  GgufMaker maker;
  maker.Text("general.architecture", "llama")
      .U32("a.u32", 7)
      .U64("a.u64", 1ull << 40)
      .F32("a.f32", 0.5f)
      .Bool("a.bool", true);
  maker.Texts("a.texts", {"x", "", "yz"}).I32s("a.ints", {1, -2});
  maker.Raw("a.i8", 1, "\xff")
      .Raw("a.u16", 2, std::string("\1\2", 2))
      .Raw("a.f64", 12, std::string("\0\0\0\0\0\0\xf8\x3f", 8));
  maker.Tensor("t.f32", 0, {3, 2}, std::string(24, 'f'));
  maker.Tensor("t.q8", 8, {64, 1}, std::string(68, 'q'));
  return maker;
}

TEST(Gguf, ReadsMetadataOfEveryType) {
  for (const uint32_t version : {2u, 3u}) {
    GgufMaker maker = Small();
    maker.version = version;
    const std::string bytes = maker.Bytes();
    const auto file = Read(bytes);
    ASSERT_TRUE(file.ok()) << file.error().Message();
    EXPECT_EQ(*file->String("general.architecture"), "llama");
    EXPECT_EQ(*file->Int("a.u32"), 7);
    EXPECT_EQ(*file->Int("a.u64"), int64_t{1} << 40);
    EXPECT_EQ(*file->Int("a.i8"), -1);
    EXPECT_EQ(*file->Int("a.u16"), 0x0201);
    EXPECT_EQ(*file->Number("a.f32"), 0.5);
    EXPECT_EQ(*file->Number("a.f64"), 1.5);
    EXPECT_EQ(*file->Number("a.u32"), 7.0);
    EXPECT_EQ(*file->Bool("a.bool"), true);
    EXPECT_THAT(*file->Strings("a.texts"), ElementsAre("x", "", "yz"));
    EXPECT_THAT(*file->Ints("a.ints"), ElementsAre(1, -2));
  }
}

TEST(Gguf, MissingAndMistypedKeys) {
  const std::string bytes = Small().Bytes();
  const auto file = Read(bytes);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(*file->Int("none", 3), 3);
  EXPECT_THAT(*file->Strings("none"), IsEmpty());
  EXPECT_FALSE(file->Has("none"));
  EXPECT_THAT(file->Int("none").error().Message(), HasSubstr("key missing in f.gguf, key 'none'"));
  EXPECT_THAT(file->Int("a.f32").error().Message(), HasSubstr("wrong type"));
  EXPECT_FALSE(file->String("a.u32", "x").ok());
  EXPECT_FALSE(file->Ints("a.texts").ok());
  EXPECT_FALSE(file->Bool("a.u32").ok());
}

TEST(Gguf, TensorsHaveTheContiguousSizeLast) {
  const test::TempDir directory;
  test::WriteBytes(directory / "f.gguf", Small().Bytes());
  const auto file = GgufFile::Open(directory / "f.gguf");
  ASSERT_TRUE(file.ok()) << file.error().Message();
  const TensorView* f32 = file->Find("t.f32");
  ASSERT_NE(f32, nullptr);
  EXPECT_EQ(f32->shape, (Shape{2, 3}));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(f32->data), 24), std::string(24, 'f'));
  const TensorView* q8 = file->Find("t.q8");
  EXPECT_EQ(q8->dtype, DType::kQ8_0);
  EXPECT_EQ(q8->bytes(), 68);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(q8->data), 68), std::string(68, 'q'));
  EXPECT_EQ(file->Find("none"), nullptr);
  EXPECT_FALSE(GgufFile::Open(directory / "none").ok());
}

TEST(Gguf, HonoursAlignment) {
  GgufMaker maker;
  maker.alignment = 256;
  maker.U32("general.alignment", 256).Tensor("a", 0, {1}, "aaaa").Tensor("b", 0, {1}, "bbbb");
  const std::string bytes = maker.Bytes();
  const auto file = Read(bytes);
  ASSERT_TRUE(file.ok()) << file.error().Message();
  EXPECT_EQ(static_cast<char>(*file->Find("b")->data), 'b');
}

std::string MessageOf(const std::string& bytes) {
  const auto file = Read(bytes);
  if (file.ok()) return "no error";
  EXPECT_EQ(file.error().code, ErrorCode::kModel);
  return file.error().Message();
}

TEST(Gguf, RefusesByName) {
  const std::string four(4, 'x');
  const auto maker = [](auto change) {
    GgufMaker out;
    change(out);
    return MessageOf(out.Bytes());
  };
  EXPECT_THAT(maker([](GgufMaker& m) { m.magic = 1; }), HasSubstr("not a GGUF file"));
  EXPECT_THAT(maker([](GgufMaker& m) { m.version = 1; }), HasSubstr("unknown GGUF version"));
  EXPECT_THAT(maker([](GgufMaker& m) { m.version = 0x03000000; }),
              HasSubstr("unknown GGUF version"));  // big endian
  EXPECT_THAT(maker([](GgufMaker& m) { m.U32("k", 1).U32("k", 1); }), HasSubstr("key occurs twice"));
  EXPECT_THAT(maker([](GgufMaker& m) { m.Raw("k", 13, "x"); }), HasSubstr("unknown metadata type"));
  EXPECT_THAT(maker([](GgufMaker& m) { m.U64("k", ~0ull); }), HasSubstr("number too large"));
  EXPECT_THAT(maker([](GgufMaker& m) { m.U32("general.alignment", 24); }), HasSubstr("general.alignment"));
  EXPECT_THAT(maker([](GgufMaker& m) { m.Text("general.alignment", "32"); }), HasSubstr("general.alignment"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.Tensor("t", 0, {}, four); }), HasSubstr("number of dimensions"));
  EXPECT_THAT(maker([&](GgufMaker& m) {
                m.Tensor("t", 0, {1, 1, 1, 1, 1}, four);
              }),
              HasSubstr("number of dimensions"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.Tensor("t", 0, {0}, ""); }), HasSubstr("bad size"));
  EXPECT_THAT(maker([&](GgufMaker& m) {
                m.Tensor("t", 0, {1ull << 40, 1ull << 40}, four);
              }),
              HasSubstr("bad size"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.Tensor("t", 0, {1ull << 63}, four); }), HasSubstr("bad size"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.Tensor("t", 4, {1}, four); }),
              HasSubstr("unsupported tensor type"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.Tensor("t", 8, {33}, std::string(68, 'x')); }),
              HasSubstr("whole number of blocks"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.Tensor("t", 0, {2}, four); }), HasSubstr("outside of the file"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.Tensor("t", 0, {1}, four).Tensor("t", 0, {1}, four); }),
              HasSubstr("tensor occurs twice"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.TensorAt("t", 0, {1}, four, 32); }), HasSubstr("hole"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.TensorAt("t", 0, {1}, four, 4); }), HasSubstr("hole"));
  EXPECT_THAT(maker([&](GgufMaker& m) {
                m.Tensor("t", 0, {9}, std::string(36, 'x')).TensorAt("u", 0, {1}, four, 32);
              }),
              HasSubstr("overlap"));
  EXPECT_THAT(maker([&](GgufMaker& m) { m.TensorAt("t", 0, {1}, four, ~0ull - 31); }), HasSubstr("hole"));
}

TEST(Gguf, RefusesLyingCounts) {
  std::string bytes = Small().Bytes();
  for (const size_t at : {size_t{8}, size_t{16}}) {
    std::string bad = bytes;
    bad.replace(at, 8, std::string(8, '\x7f'));
    EXPECT_THAT(MessageOf(bad), HasSubstr("bad counts"));
  }
  const std::string huge("\4\0\0\0\xff\xff\xff\xff\xff\xff\xff\x7f", 12);  // an array of 2^63 numbers
  EXPECT_THAT(MessageOf(GgufMaker().Raw("k", 9, huge).Bytes()), HasSubstr("longer than the file"));
  const std::string nested("\x9\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
  EXPECT_THAT(MessageOf(GgufMaker().Raw("k", 9, nested).Bytes()), HasSubstr("nested array"));
}

TEST(Gguf, EveryTruncationAndFlippedByteIsHandled) {
  const std::string good = Small().Bytes();
  ASSERT_TRUE(Read(good).ok());
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(Read(std::string(good, 0, size)).ok()) << size;
  std::mt19937 random(2);
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    bad[random() % bad.size()] = static_cast<char>(random());
    const auto file = Read(bad);
    if (!file.ok()) continue;
    for (const auto& [name, view] : file->tensors()) {
      ASSERT_GE(reinterpret_cast<const char*>(view.data), bad.data());
      ASSERT_LE(reinterpret_cast<const char*>(view.data) + view.bytes(), bad.data() + bad.size());
    }
  }
}

TEST(GgufFile, TypesThatAreNotReadAreNamed) {
  const auto message = [](uint32_t type) {
    const std::string bytes = GgufMaker().Tensor("t", type, {256}, std::string(256, 'x')).Bytes();
    const auto file = Read(bytes);
    return file.ok() ? std::string("no error") : file.error().Message();
  };
  // Numbers and names of ggml's enumeration.
  EXPECT_THAT(message(16), HasSubstr("IQ2_XXS"));
  EXPECT_THAT(message(34), HasSubstr("TQ1_0"));
  EXPECT_THAT(message(39), HasSubstr("MXFP4"));
  EXPECT_THAT(message(15), HasSubstr("Q8_K"));
  EXPECT_THAT(message(36), HasSubstr("type 36"));
  EXPECT_THAT(message(4000000000u), HasSubstr("type 4000000000"));
}

}  // namespace
}  // namespace gatehouse
