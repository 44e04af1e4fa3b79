#include "checkpoint/model_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/log.h"
#include "checkpoint/small_models.h"
#include "support/gguf_maker.h"
#include "support/temp_dir.h"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;
using test::GgufMaker;
using testing::HasSubstr;

std::string Found(const std::string& path) {
  const auto found = FindModel(path);
  return found.ok() ? found->path : "error: " + found.error().Message();
}

std::string OpenMessage(const std::string& path) {
  const auto checkpoint = Checkpoint::Open(path);
  return checkpoint.ok() ? "no error" : checkpoint.error().Message();
}

// As huggingface_hub lays its cache out: blobs by their hash, snapshots of links, refs with hashes.
class ModelCache : public testing::Test {
 protected:
  ModelCache() {
    test::WriteModel(test::SmallLlama(false), directory_ / "model");
    fs::create_directories(cache_ + "/blobs");
    fs::create_directories(cache_ + "/snapshots");
    for (const char* file : {"config.json", "model.safetensors"})
      fs::copy(directory_ / "model" + ("/" + std::string(file)), cache_ + "/blobs/hash-of-" + file);
  }
  void Snapshot(const std::string& hash) {
    fs::create_directories(cache_ + "/snapshots/" + hash);
    for (const char* file : {"config.json", "model.safetensors"}) {
      fs::create_symlink("../../blobs/hash-of-" + std::string(file),
                         cache_ + "/snapshots/" + hash + "/" + file);
    }
  }
  void Ref(const std::string& name, const std::string& hash) {
    fs::create_directories(cache_ + "/refs");
    test::WriteBytes(cache_ + "/refs/" + name, hash);
  }

  test::TempDir directory_;
  std::string cache_ = directory_ / "models--org--name";
};

TEST_F(ModelCache, GivenAsItIs) {
  Snapshot("aaaa");
  EXPECT_EQ(Found(cache_), cache_ + "/snapshots/aaaa");  // the only one
  Snapshot("bbbb");
  EXPECT_THAT(Found(cache_), HasSubstr("several snapshots"));
  EXPECT_THAT(Found(cache_), HasSubstr("aaaa, bbbb"));
  Ref("main", "bbbb\n");
  EXPECT_EQ(Found(cache_), cache_ + "/snapshots/bbbb");
  EXPECT_EQ(Found(cache_ + "/"), cache_ + "//snapshots/bbbb");
  EXPECT_EQ(Found(cache_ + "/snapshots"), cache_ + "/snapshots/bbbb");
  EXPECT_EQ(Found(cache_ + "/snapshots/aaaa"), cache_ + "/snapshots/aaaa");
  Ref("main", "cccc");
  EXPECT_THAT(Found(cache_), HasSubstr("'cccc'"));
  EXPECT_THAT(Found(directory_.path()), HasSubstr("models--org--name"));  // the folder of all models

  const auto opened = Checkpoint::Open(cache_ + "/snapshots/aaaa");
  ASSERT_TRUE(opened.ok()) << opened.error().Message();
  fs::remove(cache_ + "/blobs/hash-of-model.safetensors");  // a download that did not finish
  EXPECT_THAT(OpenMessage(cache_ + "/snapshots/aaaa"), HasSubstr("model.safetensors"));
}

TEST_F(ModelCache, WithoutSnapshots) { EXPECT_THAT(Found(cache_), HasSubstr("no snapshot")); }

TEST(ModelPath, AFolderOfGgufFiles) {
  const test::TempDir directory;
  const auto path = [&](const std::string& name) { return directory / name; };
  std::string logged;
  SetLogSink(LogLevel::kWarn, [&](LogLevel, std::string_view message) { logged += message; });
  test::WriteBytes(path("mmproj-model-f16.gguf"), "x");
  EXPECT_THAT(Found(directory.path()), HasSubstr("mmproj-model-f16.gguf, a part of a model"));
  fs::remove(path("mmproj-model-f16.gguf"));
  test::WriteBytes(path("guard-imatrix-Q4_K_M.gguf"), "x");  // a model named after its statistics
  EXPECT_EQ(Found(directory.path()), path("guard-imatrix-Q4_K_M.gguf"));
  fs::remove(path("guard-imatrix-Q4_K_M.gguf"));
  test::WriteBytes(path("mmproj-model-f16.gguf"), "x");
  test::WriteBytes(path("model-Q4_K_M.gguf"), "x");
  test::WriteBytes(path("config.json"), "{}");  // repositories of GGUF files often have one
  EXPECT_EQ(Found(directory.path()), path("model-Q4_K_M.gguf"));
  EXPECT_THAT(logged, HasSubstr("mmproj-model-f16.gguf"));
  SetLogSink(LogLevel::kOff, {});
  test::WriteBytes(path("model-Q8_0.gguf"), "x");
  EXPECT_THAT(Found(directory.path()), HasSubstr("several GGUF files"));
  EXPECT_THAT(Found(directory.path()), HasSubstr("model-Q4_K_M.gguf, model-Q8_0.gguf"));
  EXPECT_EQ(Found(path("model-Q8_0.gguf")), path("model-Q8_0.gguf"));
  // The parts of one model are one; those of two are two.
  fs::remove(path("model-Q8_0.gguf"));
  fs::remove(path("model-Q4_K_M.gguf"));
  for (const char* part : {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"})
    test::WriteBytes(path(part), "x");
  EXPECT_EQ(Found(directory.path()), path("m-00001-of-00002.gguf"));
  test::WriteBytes(path("n-00001-of-00002.gguf"), "x");
  EXPECT_THAT(Found(directory.path()), HasSubstr("several"));
}

TEST(ModelPath, NamesWhatLiesThere) {
  const test::TempDir directory;
  const auto folder = [&](const std::string& name, const std::string& file, const std::string& bytes) {
    fs::create_directories(directory / name);
    test::WriteBytes(directory / name + "/config.json", "{\"model_type\": \"llama\"}");
    test::WriteBytes(directory / name + "/" + file, bytes);
    return directory / name;
  };
  const std::string torch = "PK\3\4" + std::string(22, '\0') + std::string("\x10\0\0\0archive/data.pkl", 20);
  EXPECT_THAT(Found(folder("torch", "pytorch_model.bin", torch)), HasSubstr("pytorch_model.bin"));
  EXPECT_THAT(Found(directory / "torch"), HasSubstr("PyTorch archive"));
  EXPECT_THAT(Found(directory / "torch"), HasSubstr("save_pretrained"));
  EXPECT_THAT(Found(folder("meta", "consolidated.00.pth", torch)), HasSubstr("consolidated.00.pth"));
  EXPECT_THAT(Found(folder("onnx", "model.onnx", "\x08\x08\x12\x07pytorch")), HasSubstr("an ONNX model"));
  EXPECT_THAT(Found(folder("bare", "README.md", "")), HasSubstr("config.json alone"));
  EXPECT_THAT(Found(directory / "none"), HasSubstr("no such model"));
  fs::create_symlink("nowhere", directory / "link");
  EXPECT_THAT(Found(directory / "link"), HasSubstr("a link that leads nowhere"));
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
  EXPECT_THAT(Found(folder("lfs", "pytorch_model.bin", pointer)), HasSubstr("git lfs pull"));
  test::WriteModel(test::SmallLlama(false), directory / "model");
  EXPECT_THAT(Found(directory / "model/model.safetensors"), HasSubstr("the directory that it lies in"));
  test::WriteBytes(directory / "model/model.safetensors", pointer);
  EXPECT_THAT(OpenMessage(directory / "model"), HasSubstr("Git LFS pointer"));
  EXPECT_THAT(OpenMessage(folder("pth", "x.pth", torch) + "/x.pth"), HasSubstr("PyTorch archive"));
}

// A model in three parts: metadata in the first, a tensor or two in each.
class Split : public testing::Test {
 protected:
  std::string Path(int number) const {
    return directory_ / "m-0000" + std::to_string(number) + "-of-00003.gguf";
  }
  static GgufMaker Part(uint32_t no, uint32_t count, int32_t tensors) {
    GgufMaker maker;
    maker.Raw("split.no", 2,
              std::string(reinterpret_cast<const char*>(&no), 2));  // 16 bits, as its writer has it
    maker.Raw("split.count", 2, std::string(reinterpret_cast<const char*>(&count), 2));
    maker.Raw("split.tensors.count", 5, std::string(reinterpret_cast<const char*>(&tensors), 4));
    if (no == 0) maker.Text("general.architecture", "llama");
    maker.Tensor("t" + std::to_string(no), 0, {1}, std::string(4, static_cast<char>('a' + no)));
    return maker;
  }
  void Write() {
    for (uint32_t no = 0; no < 3; ++no)
      test::WriteBytes(Path(static_cast<int>(no) + 1), Part(no, 3, 3).Bytes());
  }
  std::string Message(int number) {
    const auto file = GgufFile::Open(Path(number));
    return file.ok() ? "no error" : file.error().Message();
  }
  test::TempDir directory_;
};

TEST_F(Split, EveryPartOpensAll) {
  Write();
  for (int number = 1; number <= 3; ++number) {
    const auto file = GgufFile::Open(Path(number));
    ASSERT_TRUE(file.ok()) << file.error().Message();
    EXPECT_EQ(file->tensors().size(), 3u);
    EXPECT_EQ(*file->String("general.architecture"), "llama");
    EXPECT_EQ(static_cast<char>(*file->Find("t2")->data), 'c');
    EXPECT_EQ(file->FileOf("t1"), Path(2));
    EXPECT_EQ(file->name(), Path(1));
  }
}

TEST_F(Split, WhatIsMissingOrOthersIsNamed) {
  Write();
  fs::remove(Path(2));
  EXPECT_THAT(Message(1), HasSubstr("missing"));
  EXPECT_THAT(Message(1), HasSubstr("m-00002-of-00003.gguf"));
  EXPECT_THAT(Message(3), HasSubstr("m-00002-of-00003.gguf"));
  test::WriteBytes(Path(2), Part(0, 3, 3).Bytes());
  EXPECT_THAT(Message(1), HasSubstr("split.no"));
  test::WriteBytes(Path(2), Part(1, 4, 3).Bytes());
  EXPECT_THAT(Message(1), HasSubstr("split.count"));
  test::WriteBytes(Path(2), Part(1, 3, 3).Text("llama.block_count", "2").Bytes());
  EXPECT_THAT(Message(1), HasSubstr("llama.block_count"));
  test::WriteBytes(Path(2), Part(1, 3, 3).Tensor("t0", 0, {1}, "xxxx").Bytes());
  EXPECT_THAT(Message(1), HasSubstr("tensor occurs in two parts"));
  Write();
  test::WriteBytes(Path(1), Part(0, 3, 4).Bytes());
  EXPECT_THAT(Message(1), HasSubstr("split.tensors.count"));
  fs::rename(Path(3), directory_ / "renamed.gguf");
  const auto renamed = GgufFile::Open(directory_ / "renamed.gguf");
  ASSERT_FALSE(renamed.ok());
  EXPECT_THAT(renamed.error().Message(), HasSubstr("-00001-of-00003.gguf"));
}

}  // namespace
}  // namespace gatehouse
