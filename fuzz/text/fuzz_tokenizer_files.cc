// Tokenizer files of every form: whatever is read must be usable or refused, never crash. The first byte
// picks the form.
#include <cstdint>
#include <string_view>

#include "formats/tokenizer_binary.h"
#include "formats/tokenizer_json.h"
#include "formats/tokenizer_model.h"
#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gatehouse;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr int kForms = 3;
  const int form = data[0] % kForms;
  Result<TokenizerData> read = form == 0   ? ReadTokenizerJson(bytes, "fuzz")
                               : form == 1 ? ReadTokenizerModel(bytes, "fuzz", TokenizerFamily::kLlama4)
                                           : ReadTokenizerBinary(bytes, "fuzz");
  if (!read.ok()) return 0;
  const auto tokenizer = Tokenizer::Create(std::move(read).value());
  if (tokenizer.ok()) (void)tokenizer.value()->Encode(bytes);
  return 0;
}
