// The rest of the tables whose products take rows as they were rounded.

template <QuantFormat>
constexpr int64_t kRowForm = 1;
template <QuantFormat>
void Widen(const QuantRows&, int64_t, int64_t, char*) {}
template <QuantFormat>
int64_t WidenedBytes(int64_t) {
  return 0;
}
template <QuantFormat>
inline void StartWidened(const QuantRows&, int64_t, int64_t, int32_t*) {}
template <QuantFormat>
constexpr int64_t kWideExtra = 0;
template <QuantFormat>
constexpr int kWideRows = kTileRows;
