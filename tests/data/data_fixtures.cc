#include "data_fixtures.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

namespace gatehouse {

TempFolder::TempFolder() {
  std::string name = std::filesystem::temp_directory_path().string() + "/data_XXXXXX";
  if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  path_ = name;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempFolder::Write(const std::string& name, const std::string& bytes) const {
  const std::filesystem::path path = std::filesystem::path(path_) / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  EXPECT_TRUE(out.good()) << path;
  return path.string();
}

std::string Gzip(const std::string& bytes) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  std::string in = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

ReadResult ReadData(std::vector<DatasetReader::Input> inputs) {
  ReadResult out;
  auto reader = DatasetReader::Open(std::move(inputs));
  if (!reader.ok()) {
    out.error = reader.error();
    return out;
  }
  out.opened = true;
  for (;;) {
    auto item = (*reader)->Next();
    if (!item.ok()) {
      out.error = item.error();
      return out;
    }
    if (!item->has_value()) return out;
    if (auto* row = std::get_if<EvalRow>(&**item)) {
      out.rows.push_back(std::move(*row));
    } else {
      out.problems.push_back(std::get<RowProblem>(**item));
    }
  }
}

ReadResult ReadData(const std::string& path, DatasetFormat format) {
  return ReadData(std::vector<DatasetReader::Input>{{path, std::move(format)}});
}

ReadResult ReadText(const std::string& name, const std::string& bytes, DatasetFormat format) {
  const TempFolder folder;
  return ReadData(folder.Write(name, bytes), std::move(format));
}

std::string Field(const EvalRow& row, const std::string& name) {
  for (const auto& [key, value] : row.fields)
    if (key == name) return value;
  return "(none)";
}

std::string Shown(const Conversation& conversation) {
  std::string out;
  for (const Message& message : conversation.messages) {
    out += out.empty() ? "" : " | ";
    out += message.role == Role::kUser ? "user:" : "assistant:";
    for (const Part& part : message.parts)
      out += part.kind == Part::Kind::kText ? " " + part.text
                                            : " [image " + std::to_string(part.image->size()) + "]";
  }
  return out;
}

}  // namespace gatehouse
