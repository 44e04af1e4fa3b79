// A 12-megapixel JPEG to tiles, decoding included, against libjpeg-turbo's decoding alone. Both run
// alternately in one process; the medians and their ratio are printed. The aim is a ratio of at most 1.6;
// exit code 1 above it.
//
//   image_bench [rounds] [file.jpg]      without a file: a made-up picture of 4000 x 3000, 4:2:0, quality 90
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <jpeglib.h>

#include "image/image.h"

namespace {

constexpr double kAim = 1.6;

// Waves of several sizes and sensor-like noise, so that the coefficients are about as dense as a
// photograph's.
std::string MakePhoto(int width, int height) {
  std::mt19937 random(1);
  std::normal_distribution<float> noise(0, 4);
  jpeg_compress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(width);
  info.image_height = static_cast<JDIMENSION>(height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 90, TRUE);
  jpeg_start_compress(&info, TRUE);
  std::vector<uint8_t> row(size_t{3} * width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float fx = static_cast<float>(x);
      const float fy = static_cast<float>(y);
      const float wave =
          60 * std::sin(fx / 97) * std::cos(fy / 71) + 25 * std::sin(fx / 9 + fy / 13) + noise(random);
      for (int channel = 0; channel < 3; ++channel) {
        const float level = 120 + wave * (1 - 0.2f * static_cast<float>(channel)) + 20 * std::sin(fy / 300);
        row[static_cast<size_t>(3 * x + channel)] = static_cast<uint8_t>(std::clamp(level, 0.0f, 255.0f));
      }
    }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string result(reinterpret_cast<char*>(bytes), size);
  std::free(bytes);
  return result;
}

// What libjpeg-turbo alone takes: all rows into one buffer, with the library's own defaults for exact pixels.
size_t DecodeAlone(const std::string& bytes) {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  jpeg_start_decompress(&info);
  std::vector<uint8_t> pixels(size_t{3} * info.output_width * info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels.data() + size_t{3} * info.output_width * info.output_scanline;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return pixels.size();
}

template <typename Work>
double Milliseconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 15;
  std::string bytes;
  if (argc > 2) {
    std::ifstream stream(argv[2], std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(stream), {});
  } else {
    bytes = MakePhoto(4000, 3000);
  }
  std::vector<double> alone;
  std::vector<double> decode;
  std::vector<double> tiles;
  std::vector<double> whole;
  for (int round = 0; round < rounds; ++round) {
    alone.push_back(Milliseconds([&] { DecodeAlone(bytes); }));
    bool good = true;
    whole.push_back(Milliseconds([&] {
      const auto start = std::chrono::steady_clock::now();
      const auto image = gatehouse::DecodeImage(bytes, "photo.jpg", {});
      const auto middle = std::chrono::steady_clock::now();
      good = image.ok() && gatehouse::MakeTiles(*image, {}).ok();
      const auto end = std::chrono::steady_clock::now();
      decode.push_back(std::chrono::duration<double, std::milli>(middle - start).count());
      tiles.push_back(std::chrono::duration<double, std::milli>(end - middle).count());
    }));
    if (!good) {
      std::fprintf(stderr, "the image could not be decoded or tiled\n");
      return 1;
    }
  }
  const double ratio = Median(whole) / Median(alone);
  std::printf("file %.2f MB; medians of %d rounds\n", static_cast<double>(bytes.size()) / 1e6, rounds);
  std::printf("libjpeg-turbo alone %8.1f ms\n", Median(alone));
  std::printf("decode and tiles    %8.1f ms (decode %.1f, tiles %.1f)\n", Median(whole), Median(decode),
              Median(tiles));
  std::printf("ratio               %8.2f (aim: at most %.1f)\n", ratio, kAim);
  return ratio <= kAim ? 0 : 1;
}
