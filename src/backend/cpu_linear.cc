// Y = f(X) W^T + b for any weight storage, f a row-wise function (LinearInput). First the rows of f(X) are
// computed and rounded, some at a time, in the cache. Then each thread takes a panel of 32 outputs, brings it
// into the kernel's form in scratch where it is not stored so already, and multiplies it with all rows of X.
// K is never split between threads.
#include <algorithm>

#include "backend/cpu_internal.h"

namespace gatehouse::cpu {
namespace {

// ahead: how many panels on this thread probably goes on.
QuantPanel PanelOf(const WeightView& view, const RoundedPanels& weight, int64_t panel, int64_t ahead = 0) {
  const int64_t bytes = QuantPanelBytes(weight.format, view.cols);
  const uint8_t* values = reinterpret_cast<const uint8_t*>(weight.tensor.data) + panel * bytes;
  const bool goes_on = ahead > 0 && panel + ahead < (view.rows + kPanel - 1) / kPanel;
  return {values,
          reinterpret_cast<const float*>(weight.scales.data) + panel * QuantGroups(view.cols) * kPanel,
          goes_on ? values + ahead * bytes : nullptr};
}

const uint16_t* PackedPanel(const WeightView& view, const PackedPanels& weight, int64_t panel) {
  const int64_t padded_k = (view.cols + 1) / 2 * 2;
  return reinterpret_cast<const uint16_t*>(weight.tensor.data) + panel * padded_k * kPanel;
}

// The panel in the kernel's compute type; points into the mapped file where that already is its form.
const void* PreparePanel(const LinearKernel& kernel, const Weight& weight, int64_t panel, Scratch& scratch) {
  const WeightView& view = weight.view;
  const int64_t k = view.cols;
  const int64_t padded_k = (k + 1) / 2 * 2;
  const int64_t first = panel * kPanel;
  const int rows = static_cast<int>(std::min<int64_t>(kPanel, view.rows - first));
  if (const auto* rounded = view.As<RoundedPanels>()) {
    // float32: the reference quality, which costs more than the product of few rows
    float* wide = scratch.panel.GetAs<float>(padded_k * kPanel);
    WidenQuantPanel(rounded->format, PanelOf(view, *rounded, panel), k, wide);
    if (rounded->transformed) TransformPanelBack(k, wide);
    return wide;
  }
  if (const auto* packed = view.As<PackedPanels>())
    return PackedPanel(view, *packed, panel);  // others take it by run_packed
  void* out = scratch.panel.Get(static_cast<size_t>(padded_k * kPanel) * sizeof(float));
  const auto* plain = view.As<PlainRows>();
  if (plain != nullptr && plain->tensor.dtype == DType::kBF16) {
    kernel.pack_bf16(reinterpret_cast<const uint16_t*>(plain->tensor.data) + first * k, k, rows, k, out);
  } else if (plain != nullptr && plain->tensor.dtype == DType::kF32) {
    kernel.pack_f32(reinterpret_cast<const float*>(plain->tensor.data) + first * k, k, rows, k, out);
  } else {
    float* wide = scratch.rows.GetAs<float>(kPanel * k);
    view.ReadRows(first, rows, wide);
    kernel.pack_f32(wide, k, rows, k, out);
  }
  return out;
}

void AddBias(const float* bias, int64_t rows, int columns, float* y, int64_t stride) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) y[row * stride + column] += bias[column];
  }
}

const WeightView& ViewOf(const Backend::LinearTerm& term) {
  return static_cast<const Weight&>(*term.weight).view;
}

constexpr int64_t kRoundRows = 4;  // that a thread computes and rounds at once

// The input as the products with weights of one format take it.
struct RoundedForm {
  const QuantKernel* kernel = nullptr;  // null: no product wants it
  int8_t* values = nullptr;
  int64_t stride = 0;
  float* scales = nullptr;
  int32_t* sums = nullptr;
  char* widened = nullptr;

  QuantRows From(int64_t row, int64_t k) const {
    const int64_t at = row * QuantGroups(k);
    return {values + row * stride, stride, scales + at, sums + at,
            widened == nullptr ? nullptr : widened + row * kernel->widened_bytes(k)};
  }
};

// The input in the forms that a call's products take it in; null where no product wants that form.
struct Forms {
  float* f32 = nullptr;  // [rows][cols]
  uint16_t* bf16 = nullptr;
  int64_t bf16_stride = 0;
  RoundedForm rounded[kQuantForms];
};

size_t FormOf(const RoundedPanels& weight) {
  return static_cast<size_t>(weight.format) + (weight.transformed ? kQuantForms / 2 : 0);
}

// Rows of rounded values a multiple of 4 KB apart would fight for the same places of the first cache.
int64_t Stride8(int64_t cols) {
  constexpr int64_t kLine = 64, kSetPeriod = 4096;
  const int64_t stride = (QuantPaddedK(cols) + kLine - 1) / kLine * kLine;
  return stride % (kSetPeriod / 4) == 0 ? stride + kLine : stride;
}

RoundedForm MakeForm(const QuantKernel& kernel, int64_t rows, int64_t k, RoundedRows* memory) {
  RoundedForm out;
  out.kernel = &kernel;
  out.stride = Stride8(k);
  out.values = memory->values.GetAs<int8_t>(rows * out.stride);
  out.scales = memory->scales.GetAs<float>(rows * QuantGroups(k));
  out.sums = memory->sums.GetAs<int32_t>(rows * QuantGroups(k));
  if (kernel.widen != nullptr) out.widened = memory->widened.GetAs<char>(rows * kernel.widened_bytes(k));
  return out;
}

void FillRounded(const RoundedForm& to, const float* rows, int64_t first, int64_t count, int64_t k) {
  const int64_t at = first * QuantGroups(k);
  to.kernel->round(rows, count, k, k, to.values + first * to.stride, to.stride, to.scales + at, to.sums + at);
  if (to.widened != nullptr) {
    to.kernel->widen(to.From(first, k), count, k, to.widened + first * to.kernel->widened_bytes(k));
  }
}

void FillForms(const LinearContext& context, const LinearInput& x, const Forms& to) {
  const int64_t k = x.cols();
  context.pool->For((x.rows() + kRoundRows - 1) / kRoundRows, [&](int64_t block, int thread) {
    const int64_t first = block * kRoundRows;
    const int64_t count = std::min(kRoundRows, x.rows() - first);
    Scratch& scratch = (*context.scratch)[static_cast<size_t>(thread)];
    float* out = to.f32 != nullptr ? to.f32 + first * k : scratch.rows.GetAs<float>(kRoundRows * k);
    const float* rows = ComputeRows(*context.vector, x, first, count, out);
    if (to.bf16 != nullptr) context.kernel->round(rows, count, k, k, to.bf16 + first * to.bf16_stride);
    float* transformed = nullptr;
    for (size_t i = 0; i < kQuantForms; ++i) {  // the transformed ones come last
      const RoundedForm& form = to.rounded[i];
      if (form.kernel == nullptr) continue;
      if (i >= kQuantForms / 2 && transformed == nullptr) {
        transformed = scratch.transformed.GetAs<float>(kRoundRows * k);
        std::copy_n(rows, count * k, transformed);
        for (int64_t row = 0; row < count; ++row) context.vector->hadamard(transformed + row * k, k);
        rows = transformed;
      }
      FillRounded(form, rows, first, count, k);
    }
  });
}

}  // namespace

const float* ComputeRows(const VectorKernel& vector, const LinearInput& x, int64_t first, int64_t count,
                         float* out) {
  if (x.kind == LinearInput::Kind::kPlain) return RowOf(x.x, first);
  const int64_t n = x.cols();
  for (int64_t row = first; row < first + count; ++row) {
    float* to = out + (row - first) * n;
    const float* from = RowOf(x.x, row);
    switch (x.kind) {
      case LinearInput::Kind::kPlain:
        break;
      case LinearInput::Kind::kRmsNorm:
        vector.rms_norm(from, x.weight == nullptr ? nullptr : TableOf(*x.weight), n, x.eps, to);
        break;
      case LinearInput::Kind::kLayerNorm:
        vector.layer_norm(from, TableOf(*x.weight), TableOf(*x.bias), n, x.eps, to);
        break;
      case LinearInput::Kind::kSwiGlu:
        vector.swiglu(from, RowOf(x.up, row), n, to);
        break;
      case LinearInput::Kind::kGelu:
        if (to != from) std::copy(from, from + n, to);
        vector.gelu(to, n);
        break;
    }
  }
  return out;
}

void RunLinear(const LinearContext& context, const LinearInput& x,
               std::initializer_list<Backend::LinearTerm> terms) {
  const int64_t rows = x.rows(), k = x.cols();
  if (rows == 0) return;
  const LinearKernel& kernel = *context.kernel;
  // Null where the product is one of floats.
  const auto rounded_of = [&](const Backend::LinearTerm& term) {
    return context.quant[0] == nullptr ? nullptr : ViewOf(term).As<RoundedPanels>();
  };
  const bool all_quant = std::all_of(terms.begin(), terms.end(), rounded_of);
  Forms forms;
  bool any_quant = false;
  for (const Backend::LinearTerm& term : terms) {
    const RoundedPanels* weight = rounded_of(term);
    if (weight == nullptr) continue;
    any_quant = true;
    const size_t at = FormOf(*weight);
    if (forms.rounded[at].kernel != nullptr) continue;
    const QuantKernel& quant = *context.quant[static_cast<size_t>(weight->format)];
    forms.rounded[at] = MakeForm(quant, rows, k, &context.rounded8[at]);
  }
  const void* input = nullptr;  // of products that are not rounded to 8 bits
  int64_t stride = k;
  if (!all_quant && kernel.compute == ComputeType::kBF16) {
    forms.bf16_stride = stride = (k + 1) / 2 * 2;
    input = forms.bf16 = context.rounded->GetAs<uint16_t>(rows * stride);
  } else if (!all_quant && x.kind == LinearInput::Kind::kPlain) {
    input = Data(x.x);
  } else if (!all_quant) {
    input = forms.f32 = context.rounded->GetAs<float>(rows * k);
  }
  if (forms.f32 != nullptr || forms.bf16 != nullptr || any_quant) FillForms(context, x, forms);

  int64_t panels = 0;
  for (const Backend::LinearTerm& term : terms) panels += (term.weight->rows + kPanel - 1) / kPanel;
  context.pool->For(panels, [&](int64_t index, int thread) {
    const Backend::LinearTerm* term = terms.begin();
    int64_t panel = index;
    for (; panel >= (term->weight->rows + kPanel - 1) / kPanel; ++term)
      panel -= (term->weight->rows + kPanel - 1) / kPanel;
    Scratch& scratch = (*context.scratch)[static_cast<size_t>(thread)];
    const auto& weight = static_cast<const Weight&>(*term->weight);
    const int64_t first = panel * kPanel;
    const int columns = static_cast<int>(std::min<int64_t>(kPanel, weight.rows - first));
    float* out = Data(term->out) + first;
    // A sum goes through a tile of its own, except where the kernel adds.
    const RoundedPanels* rounded = rounded_of(*term);
    const bool through_tile = term->adds && !(rounded != nullptr && term->bias == nullptr);
    float* y = through_tile ? scratch.out.GetAs<float>(rows * kPanel) : out;
    const int64_t y_stride = through_tile ? kPanel : term->out.cols;
    if (rounded != nullptr) {
      const RoundedForm& form = forms.rounded[FormOf(*rounded)];
      void* work = scratch.kernel.Get(std::max<size_t>(64, form.kernel->scratch_bytes(rows, k)));
      form.kernel->run(form.From(0, k), rows, k,
                       PanelOf(weight.view, *rounded, panel, context.pool->threads()),
                       {y, y_stride, columns, term->adds && !through_tile}, work);
    } else {
      void* work = scratch.kernel.Get(std::max<size_t>(64, kernel.scratch_bytes(rows, k)));
      const auto* packed = weight.view.As<PackedPanels>();
      if (packed != nullptr && kernel.run_packed != nullptr) {
        kernel.run_packed(static_cast<const float*>(input), stride, rows, k,
                          PackedPanel(weight.view, *packed, panel), y, y_stride, columns, work);
      } else {
        const void* prepared = PreparePanel(kernel, weight, panel, scratch);
        kernel.run(input, stride, rows, k, prepared, y, y_stride, columns, work);
      }
    }
    if (term->bias != nullptr) AddBias(TableOf(*term->bias) + first, rows, columns, y, y_stride);
    if (through_tile) {
      for (int64_t row = 0; row < rows; ++row) {
        context.vector->add(out + row * term->out.cols, y + row * kPanel, columns);
      }
    }
  });
}

}  // namespace gatehouse::cpu
