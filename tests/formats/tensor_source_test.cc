#include "formats/tensor_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "support/checkpoint_maker.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

using testing::AllOf;
using testing::HasSubstr;

void WriteOne(const std::string& path, const std::vector<std::string>& names) {
  std::vector<TensorDeclaration> tensors;
  for (const std::string& name : names) tensors.push_back({name, DType::kF32, {1}});
  auto writer = SafetensorsWriter::Create(path, tensors);
  ASSERT_TRUE(writer.ok());
  for (size_t i = 0; i < names.size(); ++i) {
    const auto value = static_cast<float>(i);
    ASSERT_TRUE(writer->Append(&value, 4).ok());
  }
  ASSERT_TRUE(writer->Finish().ok());
}

std::string MessageOf(const std::string& directory) {
  const auto source = TensorSource::Open(directory);
  if (source.ok()) return "no error";
  EXPECT_EQ(source.error().code, ErrorCode::kModel);
  return source.error().Message();
}

TEST(TensorSource, ReadsShardsByTheirIndex) {
  const auto directory = test::CachedCheckpoint("lg4-tiny");
  ASSERT_TRUE(directory.ok()) << directory.error().Message();
  const auto source = TensorSource::Open(*directory);
  ASSERT_TRUE(source.ok()) << source.error().Message();
  const auto tensors = test::TensorsOf("lg4-tiny");
  for (size_t i : {size_t{1}, size_t{2}, size_t{3}, tensors->size() - 1}) {  // one of each shard
    const auto values = test::ValuesOf("lg4-tiny", (*tensors)[i]);
    const TensorView* view = source->Find((*tensors)[i].name);
    ASSERT_NE(view, nullptr);
    ASSERT_EQ(view->bytes(), static_cast<int64_t>(values->size() * 2));
    EXPECT_EQ(std::memcmp(view->data, values->data(), values->size() * 2), 0);
  }
  EXPECT_EQ(source->Find("nothing"), nullptr);
  EXPECT_EQ(source->Names().size(), tensors->size());
}

TEST(TensorSource, ReadsLooseFilesAndSingleOnes) {
  const test::TempDir directory;
  WriteOne(directory / "x.safetensors", {"a"});
  WriteOne(directory / "y.safetensors", {"b"});
  auto source = TensorSource::Open(directory.path());
  ASSERT_TRUE(source.ok()) << source.error().Message();
  EXPECT_EQ(source->Names(), (std::vector<std::string>{"a", "b"}));
  WriteOne(directory / "model.safetensors", {"c"});  // now this one alone counts
  source = TensorSource::Open(directory.path());
  EXPECT_EQ(source->Names(), (std::vector<std::string>{"c"}));
}

TEST(TensorSource, ViewsOutliveTheSource) {
  const test::TempDir directory;
  WriteOne(directory / "model.safetensors", {"a", "b"});
  TensorView view;
  std::shared_ptr<const void> owner;
  {
    const auto source = TensorSource::Open(directory.path());
    view = *source->Find("b");
    owner = source->owner();
  }
  float value = 0;
  ToFloat(view, 0, 1, &value);
  EXPECT_EQ(value, 1.0f);
}

// As a download that was cut leaves them: links into a cache that are not there. Other weights are no answer.
TEST(TensorSource, ALinkIntoNothingIsNotAbsent) {
  for (const char* name : {"model.safetensors.index.json", "model.safetensors"}) {
    const test::TempDir directory;
    WriteOne(directory / "other.safetensors", {"a"});
    EXPECT_TRUE(TensorSource::Open(directory.path()).ok());
    std::filesystem::create_symlink("nowhere", directory / name);
    EXPECT_THAT(MessageOf(directory.path()), AllOf(HasSubstr(name), HasSubstr("No such file or directory")));
  }
}

TEST(TensorSource, NamesWhatIsWrong) {
  const test::TempDir directory;
  EXPECT_THAT(MessageOf(directory / "none"), HasSubstr("cannot open model directory"));
  EXPECT_THAT(MessageOf(directory.path()), HasSubstr("no weights"));
  WriteOne(directory / "x.safetensors", {"a"});
  WriteOne(directory / "y.safetensors", {"a"});
  EXPECT_THAT(MessageOf(directory.path()), HasSubstr("tensor occurs in two files"));

  const std::string index = directory / "model.safetensors.index.json";
  const std::pair<const char*, const char*> cases[] = {
      {"{", "bad index"},
      {"{}", "bad index"},
      {R"({"weight_map":{}})", "at least one tensor"},
      {R"({"weight_map":{"a":1}})", "bad file name"},
      {R"({"weight_map":{"a":"../x.safetensors"}})", "bad file name"},
      {R"({"weight_map":{"a":"x.safetensors","a":"y.safetensors"}})", "twice"},
      {R"({"weight_map":{"a":"none.safetensors"}})", "cannot open file"},
      {R"({"weight_map":{"b":"x.safetensors"}})", "not where the index says"},
      {R"({"weight_map":{"a":"x.safetensors","b":"x.safetensors"}})", "'b', which the index lists"},
  };
  for (const auto& [text, message] : cases) {
    test::WriteBytes(index, text);
    EXPECT_THAT(MessageOf(directory.path()), HasSubstr(message)) << text;
  }
}

}  // namespace
}  // namespace gatehouse
