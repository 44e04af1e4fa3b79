// Y = f(X) W^T + b for any weight storage, f a row-wise function (LinearInput). First the rows of f(X) are
// computed and rounded, some at a time, in the cache. Then each thread takes a panel of 32 outputs, brings it
// into the kernel's form in scratch where it is not stored so already, and multiplies it with all rows of X.
// K is never split between threads.
#include <algorithm>

#include "backend/cpu_internal.h"

namespace gatehouse::cpu {
namespace {

// ahead: how many panels on this thread probably goes on.
QuantPanel PanelOf(const WeightView& view, int64_t panel, int ahead = 0) {
  const int64_t bytes = QuantPanelBytes(*view.quant, view.cols);
  const uint8_t* values = reinterpret_cast<const uint8_t*>(view.tensor.data) + panel * bytes;
  const bool goes_on = ahead > 0 && panel + ahead < (view.rows + kPanel - 1) / kPanel;
  return {values, reinterpret_cast<const float*>(view.scales.data) + panel * QuantGroups(view.cols) * kPanel,
          goes_on ? values + ahead * bytes : nullptr};
}

const uint16_t* PackedPanel(const WeightView& view, int64_t panel) {
  const int64_t padded_k = (view.cols + 1) / 2 * 2;
  return reinterpret_cast<const uint16_t*>(view.tensor.data) + panel * padded_k * kPanel;
}

// The panel in the kernel's compute type; points into the mapped file where that already is its form.
const void* PreparePanel(const LinearKernel& kernel, const Weight& weight, int64_t panel, Scratch& scratch) {
  const WeightView& view = weight.view;
  const int64_t k = view.cols;
  const int64_t padded_k = (k + 1) / 2 * 2;
  const int64_t first = panel * kPanel;
  const int rows = static_cast<int>(std::min<int64_t>(kPanel, view.rows - first));
  if (view.quant) {  // float32: the reference quality, which costs more than the product of few rows
    float* wide = scratch.panel.GetAs<float>(padded_k * kPanel);
    WidenQuantPanel(*view.quant, PanelOf(view, panel), k, wide);
    return wide;
  }
  if (view.packed) return PackedPanel(view, panel);  // others take it by run_packed
  void* out = scratch.panel.Get(static_cast<size_t>(padded_k * kPanel) * sizeof(float));
  if (!view.read_rows && view.tensor.dtype == DType::kBF16) {
    kernel.pack_bf16(reinterpret_cast<const uint16_t*>(view.tensor.data) + first * k, k, rows, k, out);
  } else if (!view.read_rows && view.tensor.dtype == DType::kF32) {
    kernel.pack_f32(reinterpret_cast<const float*>(view.tensor.data) + first * k, k, rows, k, out);
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

// The input in the forms that a call's products take it in; null where no product wants that form.
struct Forms {
  float* f32 = nullptr;  // [rows][cols]
  uint16_t* bf16 = nullptr;
  int64_t bf16_stride = 0;
  int8_t* values8 = nullptr;
  int64_t stride8 = 0;
  float* scales8 = nullptr;
  int32_t* sums8 = nullptr;
  const QuantKernel* widens = nullptr;  // makes the rows below
  char* widened8 = nullptr;

  QuantRows RoundedFrom(int64_t row, int64_t groups) const {
    return {values8 + row * stride8, stride8, scales8 + row * groups, sums8 + row * groups};
  }
};

// Rows of rounded values a multiple of 4 KB apart would fight for the same places of the first cache.
int64_t Stride8(int64_t cols) {
  constexpr int64_t kLine = 64, kSetPeriod = 4096;
  const int64_t stride = (QuantPaddedK(cols) + kLine - 1) / kLine * kLine;
  return stride % (kSetPeriod / 4) == 0 ? stride + kLine : stride;
}

void FillForms(const LinearContext& context, const LinearInput& x, const Forms& to) {
  const int64_t groups = QuantGroups(x.cols());
  context.pool->For((x.rows() + kRoundRows - 1) / kRoundRows, [&](int64_t block, int thread) {
    const int64_t first = block * kRoundRows;
    const int64_t count = std::min(kRoundRows, x.rows() - first);
    float* scratch =
        to.f32 != nullptr
            ? to.f32 + first * x.cols()
            : (*context.scratch)[static_cast<size_t>(thread)].rows.GetAs<float>(kRoundRows * x.cols());
    const float* rows = ComputeRows(*context.vector, x, first, count, scratch);
    if (to.bf16 != nullptr)
      context.kernel->round(rows, count, x.cols(), x.cols(), to.bf16 + first * to.bf16_stride);
    if (to.values8 != nullptr) {
      context.quant[0]->round(rows, count, x.cols(), x.cols(), to.values8 + first * to.stride8, to.stride8,
                              to.scales8 + first * groups, to.sums8 + first * groups);  // every table alike
      if (to.widens != nullptr) {
        to.widens->widen(to.RoundedFrom(first, groups), count, x.cols(),
                         to.widened8 + first * to.widens->widened_bytes(x.cols()));
      }
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
        vector.rms_norm(from, x.weight == nullptr ? nullptr : VectorOf(*x.weight), n, x.eps, to);
        break;
      case LinearInput::Kind::kLayerNorm:
        vector.layer_norm(from, VectorOf(*x.weight), VectorOf(*x.bias), n, x.eps, to);
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
  const auto is_rounded = [&](const Backend::LinearTerm& term) {
    return ViewOf(term).quant.has_value() && context.quant[0] != nullptr;
  };
  const bool all_quant = std::all_of(terms.begin(), terms.end(), is_rounded);
  Forms forms;
  if (std::any_of(terms.begin(), terms.end(), is_rounded)) {
    const int64_t groups = QuantGroups(k);
    forms.stride8 = Stride8(k);
    forms.values8 = context.rounded8->values.GetAs<int8_t>(rows * forms.stride8);
    forms.scales8 = context.rounded8->scales.GetAs<float>(rows * groups);
    forms.sums8 = context.rounded8->sums.GetAs<int32_t>(rows * groups);
    for (const Backend::LinearTerm& term : terms) {
      if (!is_rounded(term)) continue;
      const QuantKernel* quant = context.quant[static_cast<size_t>(*ViewOf(term).quant)];
      if (quant->widen != nullptr) forms.widens = quant;  // one format's at most
    }
    if (forms.widens != nullptr)
      forms.widened8 = context.rounded8->widened.GetAs<char>(rows * forms.widens->widened_bytes(k));
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
  if (forms.f32 != nullptr || forms.bf16 != nullptr || forms.values8 != nullptr) FillForms(context, x, forms);

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
    const bool rounded = is_rounded(*term);
    const bool through_tile = term->adds && !(rounded && term->bias == nullptr);
    float* y = through_tile ? scratch.out.GetAs<float>(rows * kPanel) : out;
    const int64_t y_stride = through_tile ? kPanel : term->out.cols;
    if (rounded) {
      const QuantKernel& quant = *context.quant[static_cast<size_t>(*weight.view.quant)];
      void* work = scratch.kernel.Get(std::max<size_t>(64, quant.scratch_bytes(rows, k)));
      quant.run({forms.values8, forms.stride8, forms.scales8, forms.sums8, forms.widened8}, rows, k,
                PanelOf(weight.view, panel, context.pool->threads()),
                {y, y_stride, columns, term->adds && !through_tile}, work);
    } else {
      void* work = scratch.kernel.Get(std::max<size_t>(64, kernel.scratch_bytes(rows, k)));
      if (weight.view.packed && kernel.run_packed != nullptr) {
        kernel.run_packed(static_cast<const float*>(input), stride, rows, k, PackedPanel(weight.view, panel),
                          y, y_stride, columns, work);
      } else {
        const void* prepared = PreparePanel(kernel, weight, panel, scratch);
        kernel.run(input, stride, rows, k, prepared, y, y_stride, columns, work);
      }
    }
    if (term->bias != nullptr) AddBias(VectorOf(*term->bias) + first, rows, columns, y, y_stride);
    if (through_tile) {
      for (int64_t row = 0; row < rows; ++row) {
        context.vector->add(out + row * term->out.cols, y + row * kPanel, columns);
      }
    }
  });
}

}  // namespace gatehouse::cpu
