// ByteSource: bytes one piece after the other, from a file, from memory, or unpacked from gzip on the way.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "gatehouse/result.h"

namespace gatehouse {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Writes at most size bytes to out and says how many; 0 at the end. size is at least 1.
  virtual Result<size_t> Read(char* out, size_t size) = 0;
};

// Errors: kBadInput for what cannot be opened or is a directory.
Result<std::unique_ptr<ByteSource>> OpenFileSource(const std::string& path);

std::unique_ptr<ByteSource> MakeMemorySource(std::string bytes);

// Unpacks gzip (also several members, one after the other) and hands on anything else as it is. Gzip is known
// by its first two bytes, which begin no text. name: the file, for messages; a name that ends in ".gz" must
// be gzip.
Result<std::unique_ptr<ByteSource>> MakeUnpackingSource(std::unique_ptr<ByteSource> raw,
                                                        const std::string& name);

}  // namespace gatehouse
