// Which of libjpeg's warnings leave every pixel as it is.
#pragma once

#include <cstdio>

#include <jpeglib.h>

namespace gatehouse {

// The warnings of one file, in their order.
class JpegWarnings {
 public:
  // Is the warning that `info` now carries one after which every pixel of the file is shown, as programs that
  // ignore it show it? All others mean lost or made-up pixels.
  bool Harmless(j_decompress_ptr info);

 private:
  bool StrayedBeforeThis(j_decompress_ptr info) const;

  const JOCTET* stray_end_ = nullptr;  // where in the file the last skipped bytes end
};

}  // namespace gatehouse
