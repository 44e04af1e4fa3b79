// The content of a message: a string, a part, or a list of parts as the different clients write them.
//
//   MessageParts reader(options);
//   GATEHOUSE_TRY(reader.ReadContent(message["content"], where + ".content", &parts));
#pragma once

#include <string>
#include <vector>

#include "formats/json.h"
#include "gatehouse/conversation_json.h"
#include "policy/message_images.h"

namespace gatehouse {

class MessageParts {
 public:
  explicit MessageParts(const ConversationOptions& options) : options_(options), images_(options) {}

  // Adds the parts of a content that is there. Errors (kBadInput): another shape, an empty list, a kind of
  // part that cannot be judged, a member that is not judged, an image that cannot be loaded.
  Result<void> ReadContent(const Json& content, const std::string& where, std::vector<Part>* out);

  // The member `images` of a message: base64 (Ollama), data URLs, or parts with an image.
  Result<void> ReadImages(const Json& list, const std::string& where, std::vector<Part>* out);

 private:
  Result<void> ReadPart(const Json& part, const std::string& where, std::vector<Part>* out);
  Result<void> ReadImageUrl(const Json& part, const std::string& where, std::vector<Part>* out);
  Result<void> ReadImage(const Json& part, const std::string& where, std::vector<Part>* out);
  Result<void> ReadToolResult(const Json& part, const std::string& where, std::vector<Part>* out);

  const ConversationOptions& options_;
  MessageImages images_;
};

// Errors (kBadInput): options refuse what tools do. found: what was met.
Result<void> CheckTools(const ConversationOptions& options, const std::string& where,
                        const std::string& found);

}  // namespace gatehouse
