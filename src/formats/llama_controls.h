// The control tokens of Llama 3 and Llama 4, which their tokenizer.model files leave out, in order of id.
// They follow the ordinary tokens: Llama4Controls()[8] == "<|eot|>" is id 200008.
#pragma once

#include <string>
#include <vector>

namespace gatehouse {

std::vector<std::string> Llama3Controls();  // 256
std::vector<std::string> Llama4Controls();  // 2048

}  // namespace gatehouse
