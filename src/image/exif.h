// The one EXIF field that changes what a picture shows: its orientation.
//
//   image = Oriented(std::move(image), ExifOrientation(app1_without_header));
#pragma once

#include <string_view>

#include "image/image.h"

namespace gatehouse {

// Orientation (1..8) from a TIFF block ("II*\0..." or "MM\0*..."), with or without the "Exif\0\0" before it.
// Anything malformed reads as 1: metadata that cannot be read never makes an image unreadable.
int ExifOrientation(std::string_view block);

// The image rotated and mirrored so that it stands as it should be seen.
RgbImage Oriented(RgbImage image, int orientation);

}  // namespace gatehouse
