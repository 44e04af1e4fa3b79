// What a file is, told by how it begins: for a message that names what lies where a model, a data set or a
// picture should. A download that failed, a clone without its large files, an archive that nobody unpacked.
//
//   if (const std::string kind = DescribeFile(bytes); !kind.empty())
//     return ModelError("not a safetensors file", path, "tensors", kind);
//   // "... found a Git LFS pointer: the file itself is not here, `git lfs pull` fetches it"
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

enum class FileKind {
  kUnknown,
  kEmpty,
  kZeros,  // nothing but zero bytes at the beginning: a download that never came
  kLfsPointer,
  kXetPointer,
  kHtml,
  kXml,
  kJson,
  kGzip,
  kZip,
  kTorch,   // a zip archive that PyTorch wrote
  kOffice,  // a zip archive of Excel, Word or LibreOffice
  kOldOffice,
  kPickle,
  kParquet,
  kArrow,
  kHdf5,
  kNumpy,
  kOnnx,
  kSafetensors,
  kGguf,
  kOldGgml,
  kXz,
  kZstd,
  kBzip2,
  k7z,
  kTar,
  kSqlite,
  kPdf,
  kExecutable,
};

constexpr size_t kFileKindBytes = 512;  // what is looked at; fewer will do for most

// bytes: the beginning of the file, or all of it.
FileKind KindOfFile(std::string_view bytes);

// "a Git LFS pointer: ...", with the way out where there is one; empty for kUnknown.
std::string DescribeKind(FileKind kind);

// Both, and a text's own beginning (the message of a server, say) in quotes.
std::string DescribeFile(std::string_view bytes);

// The same for a file by its path; empty where it cannot be read.
std::string DescribeFileAt(const std::string& path);

}  // namespace gatehouse
