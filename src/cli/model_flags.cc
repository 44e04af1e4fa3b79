#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/error.h"
#include "cli/command.h"

namespace gatehouse::cli {
namespace {

bool IsDirectory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// The directory of the running executable.
std::string ExecutableDirectory() {
  char path[4096];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0 || size == static_cast<ssize_t>(sizeof path)) return ".";
  const std::string whole(path, static_cast<size_t>(size));
  return whole.substr(0, whole.rfind('/'));
}

}  // namespace

void ModelFlags::AddTo(Command& command) {
  command.Path("--model", &guard.model,
               "Hugging Face directory or cache folder, .gguf file, converted directory, or a PEFT adapter's "
               "that names its "
               "base by a path (default: $GATEHOUSE_MODEL, then the starter)");
  command.Path("--policy", &guard.policy,
               "policy file (default: the model's own, or the one its chat template belongs to)");
  command.Path("--adapter", &guard.adapter, "directory of a PEFT LoRA adapter to merge");
  command.Value("--device", &guard.device, "cpu").OneOf({"cpu", "cuda"});
  command.Value("--dtype", &guard.dtype, "bf16, or f32 to compute in float32 throughout")
      .OneOf({"bf16", "f32"});
  command
      .Value("--kv", &kv,
             "keys and values: auto (BF16, float32 with --dtype f32), or int8 (half of BF16's memory)")
      .OneOf({"auto", "int8"});
  command
      .Value("--threads", &guard.threads,
             "threads (default: cores that this process or its container may use)")
      .Between(1, 1024);
  command
      .Value(
          "--kv-bytes", &guard.kv_bytes,
          "bytes of keys and values, of requests at work and kept between them; a quarter as many for images "
          "(default: 512 MiB, or two of the longest prompts)")
      .AtLeast(0);
  command.Value("--cache-bytes", &guard.kv_bytes, "the older name of --kv-bytes").AtLeast(0);
  command.Value("--max-image-bytes", &guard.max_image_bytes, "largest image file");
  command.Value("--max-image-pixels", &guard.max_image_pixels, "most pixels of an image").AtLeast(1);
  command.Value("--max-images", &guard.max_images, "most images of a request").Between(0, 10000);
  command
      .Value(
          "--frames", &guard.frames,
          "judge N frames of animated images, from the first to the last, and let the worst count (default: "
          "they are refused)")
      .Between(1, kMostFrames);
  command
      .Value("--alpha", &alpha, "transparent images: drop alpha as the reference does, or composite on white")
      .OneOf({"drop", "white"});
  command.Flag("--no-exif", &no_exif, "do not rotate images as their EXIF orientation says");
  command.Value("--log-level", &log_level, "trace, debug, info, warn, error or off")
      .OneOf({"trace", "debug", "info", "warn", "error", "off"});
}

Result<GuardOptions> ModelFlags::Resolve() const {
  SetUpLog(log_level);
  GuardOptions out = guard;
  out.alpha_on_white = alpha == "white";
  out.apply_exif = !no_exif;
  out.kv = kv == "auto" ? "" : kv;
  if (!out.model.empty()) return out;
  if (const char* from_environment = std::getenv("GATEHOUSE_MODEL"); from_environment != nullptr) {
    // Not the starter: what was meant to be another guard must not be exchanged for it unseen.
    if (*from_environment == '\0')
      return UsageError("empty value", "GATEHOUSE_MODEL", "a model, or the variable not set", "\"\"");
    out.model = from_environment;
    return out;
  }
  const std::string here = ExecutableDirectory();
  for (const std::string& place :
       {here + "/../share/gatehouse/models/starter", here + "/share/gatehouse/models/starter"}) {
    if (IsDirectory(place)) {
      out.model = place;
      return out;
    }
  }
  return ModelError("no model", "--model", "a model, or the starter that ./quickstart prepares", "none");
}

}  // namespace gatehouse::cli
