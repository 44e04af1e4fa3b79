// How the filter in front of another server is set up.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "server/http/outgoing.h"

namespace gatehouse::server {

// What a client gets in place of what is blocked.
enum class OnBlock {
  kEmpty,    // an answer without content, finish_reason content_filter
  kError,    // 400
  kRefusal,  // an answer of one's own words
  kForbid,   // 403
};

struct ProxySettings {
  Target target;
  bool input = true, output = true;  // what is judged
  OnBlock on_block = OnBlock::kEmpty;
  std::string refusal;
  std::string api_key;        // for the upstream; empty: none
  bool forward_auth = false;  // the client's own Authorization goes there
  bool judge_history = false;
  bool shadow = false;              // nothing is held or changed: what would follow is only recorded
  bool fail_open = false;           // what the guard cannot judge now goes on unjudged
  bool leave_out = false;           // what no guard can judge goes on; the rest is judged
  bool input_beside = false;        // the upstream is called while the input is judged
  std::vector<std::string> passed;  // paths of it that are open, unjudged
  // Of a stream: tokens from one check to the next, milliseconds after which one is due anyway (0: never),
  // tokens that may wait for a verdict.
  int check_tokens = 32, check_ms = 200, holdback = 4096;
  OutgoingLimits limits;
};

}  // namespace gatehouse::server
