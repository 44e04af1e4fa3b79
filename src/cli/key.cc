#include "cli/command.h"
#include "cli/input.h"
#include "cli/output.h"
#include "formats/sha256.h"
#include "server/keys.h"

namespace gatehouse::cli {
namespace {

Result<int> MakeKey(bool from_input) {
  std::string key;
  if (from_input) {
    GATEHOUSE_ASSIGN(key, ReadInput("-", 1u << 16));
    while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
  } else {
    GATEHOUSE_ASSIGN(key, server::NewKey());
    GATEHOUSE_TRY(Print("key: {}\n", key));
  }
  Sha256 digest;
  digest.Update(std::as_bytes(std::span(key)));
  GATEHOUSE_TRY(Print("sha256: {}\n", digest.Hex()));
  return 0;
}

}  // namespace

void AddKey(Command& gatehouse) {
  Command& command = gatehouse.Add("key", "Make a key for clients of gatehouse serve");
  command.Footer(
      "The key goes to the client, its sha256 into the file of gatehouse serve --config:\n"
      "  [[keys]]\n"
      "  name = \"team-a\"\n"
      "  sha256 = \"...\"");
  auto from_input = std::make_shared<bool>(false);
  command.Flag("--stdin", from_input.get(), "print the sha256 of a key that comes by standard input");
  command.Does([from_input] { return MakeKey(*from_input); });
}

}  // namespace gatehouse::cli
