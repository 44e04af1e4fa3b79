// Images of messages: a data URL, base64, a path or another URL becomes the encoded bytes of an image part.
//
//   MessageImages images(options);
//   GATEHOUSE_TRY(images.Add(text, MessageImages::kUrl, where, &message.parts));
#pragma once

#include <string>
#include <vector>

#include "formats/json.h"
#include "gatehouse/conversation_json.h"

namespace gatehouse {

class MessageImages {
 public:
  // What a string may be, besides a data URL. Where it can be several things, this order decides: data URL,
  // URL ("scheme://"), base64 (nothing but its letters, and the beginning of an image file), path.
  enum Kind {
    kPath,    // nothing but a path, not even a data URL
    kBase64,  // base64, whatever its beginning
    kUrl,     // URL, or base64 with the beginning of an image file
    kAny,     // URL, base64 with the beginning of an image file, or path
  };

  explicit MessageImages(const ConversationOptions& options) : options_(options) {}

  // Adds an image part. Errors (kBadInput): a kind that options do not allow (unless it is left out), what
  // loading or decoding says, more images or bytes than a conversation may have.
  Result<void> Add(const Json& value, Kind kind, const std::string& where, std::vector<Part>* out);

 private:
  // elsewhere: of an error: only an address or a path stands there, and nobody may go and look.
  Result<std::string> Bytes(const std::string& text, Kind kind, std::string* name, bool* elsewhere) const;

  const ConversationOptions& options_;
  size_t count_ = 0, bytes_ = 0;
};

}  // namespace gatehouse
