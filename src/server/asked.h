// Asked: a request of a client as what it is to the guard, whatever API it came by: conversations to judge,
// and how their verdicts are told. Each API is a function from a request to that; none of them waits, knows
// of keys or of sockets.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "gatehouse/guard.h"
#include "server/http/message.h"

namespace gatehouse::server {

struct Asked {
  std::vector<Conversation> conversations;  // none: the answer is there at once
  std::vector<std::string> names;           // of each, for errors: "input[2]"
  ClassifyOptions options;
  std::function<Response(const std::vector<Verdict>&)> answer;
};

// What an API needs to know besides the request.
struct Surroundings {
  std::vector<std::string> served_names;  // of the guard; at least one
  ClassifyOptions defaults;               // of the client's policy
  PolicyHandle policy;                    // that which defaults lead to, never null
  bool with_costs = false;                // the client may see cached tokens and times
  bool may_send_raw_prompts = false;
  size_t max_image_bytes = 0;
};

// Limits of one request.
inline constexpr size_t kMaxInputs = 64;
inline constexpr size_t kMaxCategories = 100;

}  // namespace gatehouse::server
