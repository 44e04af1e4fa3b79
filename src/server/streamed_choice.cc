#include "server/streamed_choice.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "policy/message_members.h"

namespace gatehouse::server {
namespace {

constexpr std::array<std::string_view, 5> kGrowingTexts = {"content", "reasoning_content", "reasoning",
                                                           "thinking", "refusal"};
constexpr size_t kMaxCalls = 128, kMaxThoughts = 1024;

bool Grows(std::string_view name) {
  return std::find(kGrowingTexts.begin(), kGrowingTexts.end(), name) != kGrowingTexts.end();
}

Result<void> AddText(const Json& piece, const std::string& where, Json* text) {
  if (!piece.is_string()) return BadInput("malformed delta", where, "a string", ShortJson(piece));
  if (!text->is_string()) *text = "";
  text->get_ref<std::string&>() += piece.get_ref<const std::string&>();
  return {};
}

// Lists of thoughts, as OpenRouter ({"type": "reasoning.text", "text", "index"}) and LiteLLM ({"type":
// "thinking", "thinking", "signature"}) send them: pieces of one entry have its index and type, or follow
// each other up to the signature that closes it.
Json* ThoughtOf(const Json& piece, Json* list) {
  const auto same = [&](const Json& entry, const char* name) {
    const auto own = entry.find(name), other = piece.find(name);
    return own != entry.end() && other != piece.end() && *own == *other;
  };
  if (piece.contains("index")) {
    for (Json& entry : *list) {
      if (same(entry, "index") && same(entry, "type")) return &entry;
    }
    return nullptr;
  }
  if (list->empty() || !same(list->back(), "type") || list->back().contains("signature")) return nullptr;
  return &list->back();
}

Result<void> AddThoughts(const Json& pieces, const std::string& where, Json* list) {
  if (!pieces.is_array()) return BadInput("malformed delta", where, "a list", ShortJson(pieces));
  if (!list->is_array()) *list = Json::array();
  for (const Json& piece : pieces) {
    if (!piece.is_object()) return BadInput("malformed delta", where, "objects", ShortJson(piece));
    Json* entry = ThoughtOf(piece, list);
    if (entry == nullptr) {
      if (list->size() >= kMaxThoughts)
        return BadInput("too many thoughts", where, "at most " + std::to_string(kMaxThoughts), "more");
      entry = &list->emplace_back(Json::object());
    }
    for (const auto& [name, value] : piece.items()) {
      if (value.is_null()) continue;
      if (name == "text" || name == "thinking" || name == "summary") {
        GATEHOUSE_TRY(AddText(value, where + "." + name, &(*entry)[name]));
      } else {
        (*entry)[name] = value;  // the reader of messages says what it may be
      }
    }
  }
  return {};
}

// {"name", "arguments"} of a function, or {"name", "input"}: each grows.
Result<void> AddFunction(const Json& piece, const std::string& where, Json* function) {
  if (!piece.is_object()) return BadInput("malformed delta", where, "an object", ShortJson(piece));
  for (const auto& [name, value] : piece.items()) {
    if (value.is_null()) continue;
    GATEHOUSE_TRY(AddText(value, where + "." + name.substr(0, 60), &(*function)[name]));
  }
  return {};
}

Result<void> AddCall(const Json& piece, const std::string& where, Json* call) {
  for (const auto& [name, value] : piece.items()) {
    if (name == "index" || SaysNothing(value)) continue;
    if (name == "function" || name == "custom") {
      GATEHOUSE_TRY(AddFunction(value, where + "." + name, &(*call)[name]));
    } else if (name == "name" || name == "arguments" || name == "input") {
      GATEHOUSE_TRY(AddText(value, where + "." + name, &(*call)[name]));
    } else {
      (*call)[name] = value;  // the reader of messages says what it may be
    }
  }
  return {};
}

}  // namespace

Result<void> StreamedChoice::Add(const Json& delta, std::vector<std::string>* left_out) {
  if (!delta.is_object()) return BadInput("malformed delta", "delta", "an object", ShortJson(delta));
  for (const auto& [name, value] : delta.items()) {
    if (SaysNothing(value)) continue;
    if (Grows(name)) {
      GATEHOUSE_TRY(AddText(value, name, &message[name]));
    } else if (name == "reasoning_details" || name == "thinking_blocks") {
      GATEHOUSE_TRY(AddThoughts(value, name, &message[name]));
    } else if (name == "function_call") {
      GATEHOUSE_TRY(AddFunction(value, name, &message[name]));
      if (!has_open_call()) calls.push_back({position});
    } else if (name == "tool_calls") {
      if (!value.is_array()) return BadInput("malformed delta", name, "a list", ShortJson(value));
      for (const Json& piece : value) {
        const auto index = piece.is_object() ? piece.find("index") : piece.end();
        if (!piece.is_object() || index == piece.end() || !index->is_number_integer() || *index < 0 ||
            *index >= kMaxCalls)
          return BadInput("malformed delta", "tool_calls", "calls with their index", ShortJson(piece));
        const auto at = index->get<int64_t>();
        Json& list = message["tool_calls"];
        if (list.is_null()) list = Json::array();
        const auto known = static_cast<int64_t>(list.size());
        if (at > known || (open_call >= 0 && at < open_call))
          return BadInput("calls out of their order", "tool_calls", "one after the other",
                          std::to_string(at));
        if (at == known) list.push_back(Json::object());
        GATEHOUSE_TRY(AddCall(piece, "tool_calls", &list[static_cast<size_t>(at)]));
        // The one before is complete.
        if (at != open_call) {
          EndCall();
          calls.push_back({position});
        }
        open_call = at;
      }
    } else if (name == "role") {
      if (value != "assistant") return BadInput("malformed delta", name, "assistant", ShortJson(value));
    } else if (value.is_structured() && name != "annotations") {
      // A list of such pieces would have to be put together as its server means it.
      GATEHOUSE_TRY(LeaveOut(left_out, BadInput("member that is not judged", "delta." + name.substr(0, 60),
                                                "no such member", "one")));
    } else {
      message[name] = value;  // as above
    }
  }
  return {};
}

bool StreamedChoice::MayLeave(int64_t at) const {
  return at <= safe && std::all_of(calls.begin(), calls.end(), [&](const Call& call) {
           return at < call.begin || at >= call.end || safe >= call.end;
         });
}

bool StreamedChoice::CanBeJudged() const {
  const auto list = message.find("tool_calls");
  if (list == message.end()) return true;
  return std::all_of(list->begin(), list->end(), [](const Json& call) {
    for (const char* name : {"function", "custom"}) {
      const auto found = call.find(name);
      if (found != call.end()) return found->contains("name") && (*found)["name"] != "";
    }
    return false;
  });
}

std::string StreamedChoice::Text() const {
  std::string out;
  const auto add_text = [&](const Json& object, std::string_view name) {
    const auto found = object.find(name);
    if (found != object.end() && found->is_string()) out += found->get_ref<const std::string&>();
  };
  for (const std::string_view name : {"reasoning_content", "reasoning", "thinking"}) add_text(message, name);
  for (const char* list : {"thinking_blocks", "reasoning_details"}) {
    const auto found = message.find(list);
    if (found == message.end()) continue;
    for (const Json& entry : *found) {
      for (const char* name : {"text", "thinking", "summary"}) add_text(entry, name);
    }
  }
  for (const std::string_view name : {"content", "refusal"}) add_text(message, name);
  const auto add = [&](const Json& function) {
    for (const char* name : {"name", "arguments", "input"}) {
      const auto found = function.find(name);
      if (found != function.end() && found->is_string()) out += found->get_ref<const std::string&>();
    }
  };
  if (const auto call = message.find("function_call"); call != message.end()) add(*call);
  if (const auto list = message.find("tool_calls"); list != message.end()) {
    for (const Json& call : *list) {
      for (const char* name : {"function", "custom"}) {
        if (const auto found = call.find(name); found != call.end()) add(*found);
      }
    }
  }
  return out;
}

}  // namespace gatehouse::server
