// OutputDirectory: a directory that is whole or not there. Its files are written beside its place, and
// Publish() gives it its name; one that is dropped before leaves nothing behind.
//
//   GATEHOUSE_ASSIGN(OutputDirectory out, OutputDirectory::Create("model", {"a.json"}, {"published"}));
//   GATEHOUSE_TRY(WriteFile(out.part() + "/a.json", text));
//   GATEHOUSE_TRY(out.Publish());
#pragma once

#include <string>
#include <vector>

#include "base/descriptor.h"
#include "gatehouse/result.h"

namespace gatehouse {

class OutputDirectory {
 public:
  // A symbolic link is kept, and the directory that it leads to is written. Where `path` exists, it must be
  // an empty directory, or one that holds the first of `names` and nothing beside `names`: that one is
  // replaced. inputs: what the files are made from ("" for none); none of them may be in it. Errors: kUsage
  // (the place), kInternal (the disk, another process that writes it).
  static Result<OutputDirectory> Create(const std::string& path, const std::vector<std::string>& names,
                                        const std::vector<std::string>& inputs);
  OutputDirectory(OutputDirectory&&) = default;
  OutputDirectory& operator=(OutputDirectory&&) = delete;
  ~OutputDirectory();

  const std::string& part() const { return part_; }  // where to write
  Result<void> Publish();

 private:
  OutputDirectory() = default;
  Result<void> OpenPart();

  std::string path_;  // where links lead
  std::string part_;
  Descriptor lock_;  // open: part_ is ours
};

}  // namespace gatehouse
