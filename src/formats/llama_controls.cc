#include "formats/llama_controls.h"

#include <initializer_list>

namespace gatehouse {
namespace {

class ControlList {
 public:
  void Add(std::initializer_list<const char*> names) {
    for (const char* name : names) texts_.push_back("<|" + std::string(name) + "|>");
  }
  // stem0 to stem(end - 1), from first on.
  void AddNumbered(const std::string& stem, int first, int end) {
    for (int number = first; number < end; ++number)
      texts_.push_back("<|" + stem + std::to_string(number) + "|>");
  }
  std::vector<std::string> Take() { return std::move(texts_); }

 private:
  std::vector<std::string> texts_;
};

}  // namespace

std::vector<std::string> Llama3Controls() {
  ControlList list;
  list.Add({"begin_of_text", "end_of_text", "reserved_special_token_0", "reserved_special_token_1",
            "finetune_right_pad_id", "reserved_special_token_2", "start_header_id", "end_header_id", "eom_id",
            "eot_id", "python_tag"});
  list.AddNumbered("reserved_special_token_", 3, 248);
  return list.Take();
}

std::vector<std::string> Llama4Controls() {
  ControlList list;
  list.Add({"begin_of_text", "end_of_text", "fim_prefix", "fim_middle", "fim_suffix", "header_start",
            "header_end", "eom", "eot", "step"});
  list.AddNumbered("text_post_train_reserved_special_token_", 0, 6);
  list.Add({"python_start", "python_end", "finetune_right_pad"});
  list.AddNumbered("text_post_train_reserved_special_token_", 8, 69);
  list.Add({"image_start", "image_end"});
  list.AddNumbered("vision_reserved_special_token_", 0, 2);
  list.Add({"tile_x_separator", "tile_y_separator"});
  list.AddNumbered("vision_reserved_special_token_", 2, 6);
  list.Add({"image", "vision_reserved_special_token_6", "patch"});
  list.AddNumbered("vision_reserved_special_token_", 7, 1048);
  list.AddNumbered("reasoning_reserved_special_token_", 0, 8);
  list.Add({"reasoning_thinking_start", "reasoning_thinking_end"});
  list.AddNumbered("reserved_special_token_", 0, 904);
  return list.Take();
}

}  // namespace gatehouse
