#include "guard/tokenizer_of.h"

#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"
#include "formats/gguf_model.h"
#include "formats/tokenizer_binary.h"
#include "formats/tokenizer_json.h"
#include "formats/tokenizer_model.h"

namespace gatehouse {

Result<TokenizerData> TokenizerDataOf(const Checkpoint& checkpoint) {
  if (checkpoint.gguf() != nullptr) {
    GATEHOUSE_ASSIGN(const GgufTokenizer found, ReadGgufTokenizer(*checkpoint.gguf()));
    GgufTokenizerArrays arrays;
    arrays.tokens.assign(found.tokens.begin(), found.tokens.end());
    arrays.merges.assign(found.merges.begin(), found.merges.end());
    for (const int64_t type : found.token_types) arrays.token_types.push_back(static_cast<int32_t>(type));
    arrays.pre = std::string(found.pre);
    return ReadTokenizerGguf(arrays, checkpoint.path());
  }
  for (const char* name : {"tokenizer.bin", "tokenizer.json", "tokenizer.model"}) {
    const std::string path = checkpoint.path() + "/" + name;
    GATEHOUSE_ASSIGN(const bool there, IsThere(path, ErrorCode::kModel));
    if (!there) continue;
    GATEHOUSE_ASSIGN(const MappedFile file, MappedFile::Open(path));
    const std::string_view bytes(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
    if (name == std::string("tokenizer.bin")) return ReadTokenizerBinary(bytes, path);
    if (name == std::string("tokenizer.json")) return ReadTokenizerJson(bytes, path);
    return ReadTokenizerModel(bytes, path);
  }
  return ModelError("no tokenizer", checkpoint.path(), "tokenizer.json or tokenizer.model", "neither");
}

Result<std::shared_ptr<const Tokenizer>> TokenizerOf(const Checkpoint& checkpoint) {
  GATEHOUSE_ASSIGN(TokenizerData data, TokenizerDataOf(checkpoint));
  return Tokenizer::Create(std::move(data));
}

}  // namespace gatehouse
