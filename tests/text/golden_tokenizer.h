// The two published tokenizers, decompressed from tests/golden/tokenizer once per process.
#pragma once

#include <memory>
#include <string>

#include "text/tokenizer.h"

namespace gatehouse::test {

// name: "llama4" or "llama3". Throws on failure, which GoogleTest reports.
std::string GoldenTokenizerJson(const std::string& name);
std::shared_ptr<const Tokenizer> GoldenTokenizer(const std::string& name);

}  // namespace gatehouse::test
