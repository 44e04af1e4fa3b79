// JPEG by libjpeg-turbo: accurate integer DCT and smooth chroma upsampling, which is what the reference
// decodes with.
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <jpeglib.h>

#include "base/error.h"
#include "image/codecs.h"
#include "image/exif.h"
#include "image/jpeg_warnings.h"

namespace gatehouse {
namespace {

// A progressive file repeats whole-image scans; honest encoders write about ten, the format has sense for
// fewer than a hundred, and a hostile file may hold millions, each of which costs a pass over all
// coefficients.
constexpr int kMaxScans = 100;
constexpr std::string_view kExifHeader("Exif\0\0", 6);

struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg hands us a pointer to it
  std::jmp_buf jump;
  JpegWarnings warnings;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void OnError(j_common_ptr info) {
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  info->err->format_message(info, manager->message);
  std::longjmp(manager->jump, 1);
}

// Level -1 is a warning: libjpeg would go on, often with made-up pixels.
void OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  if (!manager->warnings.Harmless(reinterpret_cast<j_decompress_ptr>(info))) OnError(info);
}

void OnOutput(j_common_ptr) {}

void OnProgress(j_common_ptr info) {
  auto* decoder = reinterpret_cast<j_decompress_ptr>(info);
  if (decoder->input_scan_number <= kMaxScans) return;
  auto* manager = reinterpret_cast<ErrorManager*>(info->err);
  std::snprintf(manager->message, sizeof manager->message, "more than %d scans", kMaxScans);
  std::longjmp(manager->jump, 1);
}

// Everything with a destructor lives here, outside the frame that longjmp returns to.
struct State {
  jpeg_decompress_struct info;
  ErrorManager errors;
  jpeg_progress_mgr progress;
  std::vector<uint8_t> cmyk_row;  // [width][4]
  std::vector<uint8_t> exif;      // the joined EXIF segments
  RgbImage image;

  State() {
    std::memset(&info, 0, sizeof info);
    std::memset(&progress, 0, sizeof progress);
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = OnError;
    errors.base.emit_message = OnMessage;
    errors.base.output_message = OnOutput;
    errors.message[0] = '\0';
    progress.progress_monitor = OnProgress;
  }
  ~State() { jpeg_destroy_decompress(&info); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

// Runs one step of libjpeg; false when it failed, with the reason in state.errors.message. `step` must not
// own anything at the moment libjpeg fails.
template <typename Step>
bool Guarded(State& state, const Step& step) {
  if (setjmp(state.errors.jump) != 0) return false;
  step();
  return true;
}

Error DecodeError(const State& state, const std::string& name) {
  return BadInput("cannot decode the image", name, "an intact JPEG file", state.errors.message);
}

// Files with four inks hold them inverted, whether or not they say that Adobe wrote them: 255 is no ink.
// row: [width][4] inverted C, M, Y, K; out: [width][3].
void InvertedCmykToRgb(const uint8_t* row, int width, uint8_t* out) {
  for (int x = 0; x < width; ++x, row += 4, out += 3) {
    const int light = row[3];
    for (int channel = 0; channel < 3; ++channel) {
      const int level = light - MulDiv255(255u - row[channel], static_cast<uint32_t>(light));
      out[channel] = static_cast<uint8_t>(level);
    }
  }
}

void CollectExif(State& state) {
  for (jpeg_saved_marker_ptr marker = state.info.marker_list; marker != nullptr; marker = marker->next) {
    const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
    if (data.substr(0, kExifHeader.size()) != kExifHeader) continue;
    state.exif.insert(state.exif.end(), marker->data + kExifHeader.size(),
                      marker->data + marker->data_length);
  }
}

void ReadRows(State& state, bool four_inks) {
  const size_t stride = size_t{3} * state.image.width;
  while (state.info.output_scanline < state.info.output_height) {
    uint8_t* out = state.image.rgb.data() + stride * state.info.output_scanline;
    JSAMPROW row = four_inks ? state.cmyk_row.data() : out;
    if (jpeg_read_scanlines(&state.info, &row, 1) == 1 && four_inks) {
      InvertedCmykToRgb(row, state.image.width, out);
    }
  }
  // Reads to the end marker: a file that lacks it is truncated.
  jpeg_finish_decompress(&state.info);
}

}  // namespace

Result<Decoded> DecodeJpeg(std::string_view bytes, const std::string& name, const DecodeOptions& options) {
  State state;
  const bool header = Guarded(state, [&] {
    jpeg_create_decompress(&state.info);
    state.info.progress = &state.progress;
    jpeg_mem_src(&state.info, reinterpret_cast<const unsigned char*>(bytes.data()),
                 static_cast<unsigned long>(bytes.size()));
    jpeg_save_markers(&state.info, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(&state.info, TRUE);
  });
  if (!header) return DecodeError(state, name);

  const int components = state.info.num_components;
  if (components != 1 && components != 3 && components != 4) {
    return BadInput("cannot decode the image", name, "1, 3 or 4 colour components",
                    std::to_string(components));
  }
  const bool four_inks = components == 4;
  GATEHOUSE_ASSIGN(state.image,
                   AllocatePixels(state.info.image_width, state.info.image_height, name, options));
  if (four_inks) state.cmyk_row.resize(size_t{4} * state.image.width);
  CollectExif(state);

  const bool pixels = Guarded(state, [&] {
    state.info.out_color_space = four_inks ? JCS_CMYK : JCS_RGB;
    state.info.dct_method = JDCT_ISLOW;
    state.info.do_fancy_upsampling = TRUE;
    jpeg_start_decompress(&state.info);
    ReadRows(state, four_inks);
  });
  if (!pixels) return DecodeError(state, name);

  Decoded decoded;
  decoded.image = std::move(state.image);
  decoded.orientation =
      ExifOrientation({reinterpret_cast<const char*>(state.exif.data()), state.exif.size()});
  return decoded;
}

}  // namespace gatehouse
