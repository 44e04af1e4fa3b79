// Reads a conversation as JSON a line, prints its prompt as a JSON string a line. For template_vs_jinja2.py.
#include <iostream>

#include "policy/conversation_json.h"
#include "policy/prompt.h"
#include "policy/verdict_json.h"
#include "policy_fixtures.h"

int main() {
  const gatehouse::Policy policy = gatehouse::test::LlamaGuard4Policy();
  gatehouse::ConversationOptions options;
  options.load_path = [](const std::string& path) -> gatehouse::Result<std::string> { return path; };
  for (std::string line; std::getline(std::cin, line);) {
    const auto input = gatehouse::ParseConversation(line, "line", options);
    if (!input.ok()) {
      std::cout << gatehouse::ErrorToJson(input.error().Message(), "null") << "\n";
      continue;
    }
    const auto prompt = gatehouse::RenderPrompt(policy, input->conversation, input->choice);
    if (!prompt.ok()) {
      std::cout << gatehouse::ErrorToJson(prompt.error().Message(), "null") << "\n";
      continue;
    }
    // The text may hold line ends: bytes as hexadecimal digits need no quoting.
    std::cout << '"';
    for (const char c : gatehouse::PromptText(*prompt))
      std::cout << "0123456789abcdef"[(c >> 4) & 15] << "0123456789abcdef"[c & 15];
    std::cout << "\"\n";
  }
}
