#include "image/jpeg_warnings.h"

#include <algorithm>

// jerror.h needs jpeglib.h before it.
#include <jerror.h>

namespace gatehouse {
namespace {

constexpr int kRestart0 = 0xd0;
constexpr int kRestart7 = 0xd7;

// libjpeg takes a restart marker that is three, four or five numbers off for the one it wants and goes on
// behind it: nothing is lost. Nearer ones it takes for markers of other pieces: it skips data, or leaves a
// piece grey.
bool KeepsAllPieces(int marker, int wanted) {
  if (marker < kRestart0 || marker > kRestart7) return false;
  const int off = (marker - kRestart0 - wanted) & 7;
  return off >= 3 && off <= 5;
}

}  // namespace

// Were bytes skipped on the way to the marker that was just read? Between them and its number there are only
// the bytes 0xff that begin a marker.
bool JpegWarnings::StrayedBeforeThis(j_decompress_ptr info) const {
  const JOCTET* number = info->src->next_input_byte - 1;
  return stray_end_ != nullptr && stray_end_ < number &&
         std::all_of(stray_end_, number, [](JOCTET byte) { return byte == 0xff; });
}

bool JpegWarnings::Harmless(j_decompress_ptr info) {
  const jpeg_error_mgr& error = *info->err;
  switch (error.msg_code) {
    case JWRN_ADOBE_XFORM:     // an unknown colour transform in Adobe's marker: the usual one is taken
    case JWRN_JFIF_MAJOR:      // an unknown version of JFIF
    case JWRN_NOT_SEQUENTIAL:  // a scan header's progressive fields in a file that is not: nobody uses them
      return true;
    case JWRN_EXTRANEOUS_DATA:  // bytes before a marker that belong to nothing, behind pixels that are whole
      stray_end_ = info->src->next_input_byte;
      return true;
    case JWRN_MUST_RESYNC:
      // Where data was skipped on the way to it, the marker may well be that of a later piece.
      return KeepsAllPieces(error.msg_parm.i[0], error.msg_parm.i[1]) && !StrayedBeforeThis(info);
    default:
      return false;
  }
}

}  // namespace gatehouse
