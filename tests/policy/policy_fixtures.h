// What the tests of policy/ share: the policies of the repository and the published tokenizer.
#pragma once

#include <memory>
#include <string>

#include "policy/policy.h"
#include "text/tokenizer.h"

namespace gatehouse::test {

// Empty where the file cannot be read. path: below the source directory.
std::string ReadSourceFile(const std::string& path);
// models/policies/mlcommons-s14.json and models/starter/policy.json. A default Policy where reading fails.
Policy LlamaGuard4Policy();
Policy StarterPolicy();
// The published tokenizer of Llama 4, unpacked once a process; null where it cannot be read.
std::shared_ptr<const Tokenizer> Llama4Tokenizer();

}  // namespace gatehouse::test
