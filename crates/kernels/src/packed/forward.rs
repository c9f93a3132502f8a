//! The forward pass of a packed dense layer: `out = input W^T + b`, tile by tile.

use super::buffer::Buffer;
use super::dense::{PackedDense, Weights};
use super::rows::{PreciseRows, Preparation};
use super::scratch::Scratch;
use super::weights::{QuantisedWeights, WeightInteger, terms_per_column};
use crate::activation::Activation;
use crate::half::narrow;
use crate::matmul;
use crate::tiles::{GROUP, MAX_COLUMNS, PairOrder, QUANTISED_DEPTH, TileBf16, TileF32, TileQuantised};

/// Rows per call of `gemm`. The number is fixed because the results of `gemm` depend on it.
const GEMM_ROWS: usize = 32;

impl PackedDense {
    /// Computes `out = input * weight^T + bias`, where `input` is `[rows, depth]` and `out` is `[rows, width]`, both
    /// row-major. Runs on the calling thread.
    ///
    /// Each row of the result is bit-identical regardless of the other rows.
    ///
    /// # Panics
    /// If the sizes do not match.
    pub fn forward(&self, input: &[f32], scratch: &mut Scratch, out: &mut [f32]) {
        self.forward_precise(input, PreciseRows::default(), scratch, out);
    }

    /// Computes the same as [`Self::forward`]. int8 products multiply some rows more precisely; other products ignore `precise`.
    ///
    /// # Panics
    /// If the sizes do not match.
    pub fn forward_precise(&self, input: &[f32], precise: PreciseRows, scratch: &mut Scratch, out: &mut [f32]) {
        self.product(input, precise, Preparation::None, scratch, out);
    }

    /// Computes `out = f(input) * weight^T + bias` with an activation function, otherwise as [`Self::forward_precise`]. int8
    /// products get GELU to within 2e-5. `input` is overwritten with unspecified numbers.
    ///
    /// # Panics
    /// If the sizes do not match.
    pub fn forward_activated(
        &self,
        activation: Activation,
        input: &mut [f32],
        precise: PreciseRows,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        if matches!(self.weights, Weights::Int8(_)) && activation == Activation::Gelu {
            return self.product(input, precise, Preparation::Gelu, scratch, out);
        }
        activation.in_place(input, self.set);
        self.product(input, precise, Preparation::None, scratch, out);
    }

    fn product(
        &self,
        input: &[f32],
        precise: PreciseRows,
        preparation: Preparation,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let rows = out.len() / self.width;
        assert!(out.len() == rows * self.width, "packed dense: output is not made of whole rows");
        assert!(rows.checked_mul(self.depth) == Some(input.len()), "packed dense: input is not rows x depth");
        let tiles = self.tiles;
        match &self.weights {
            Weights::Unpacked { weight, bias } => self.with_gemm(input, weight, bias, scratch, out),
            Weights::F32 { panels, bias } => {
                let (panels, bias) = (panels.all(), bias.all());
                self.by_tiles(
                    rows,
                    &[],
                    tiles.rows,
                    panels,
                    &mut scratch.edge,
                    out,
                    |count, row, panel, out, out_stride| {
                        let tile = TileF32 {
                            input: input[row * self.depth..][..count * self.depth].as_ptr(),
                            input_stride: self.depth,
                            panel: panels[panel * self.depth..][..tiles.columns * self.depth].as_ptr(),
                            depth: self.depth,
                            bias: bias[panel..][..tiles.columns].as_ptr(),
                            out,
                            out_stride,
                        };
                        // SAFETY: input, panel and bias were sliced to the tile's sizes just now. `by_tiles` passes an output
                        // of `count` rows with room for a panel's columns each, and `count` is within `tiles.rows`. The
                        // machine has the instructions (`Tiles::of`).
                        unsafe { (tiles.f32)(count, tile) }
                    },
                );
            }
            Weights::Bf16 { panels, bias } => {
                let (panels, bias) = (panels.all(), bias.all());
                let padded_depth = self.depth.next_multiple_of(2);
                // An odd depth is padded where pairs of products are added. Activations in f32 have no padding to read.
                let (input, input_stride, depth) = match tiles.pair_order {
                    PairOrder::Depth => {
                        let rounded = scratch.rounded.first(2 * rows * padded_depth);
                        self.set.run(
                            #[inline(always)]
                            || round_rows(input, self.depth, padded_depth, rounded),
                        );
                        (&*rounded, 2 * padded_depth, padded_depth)
                    }
                    PairOrder::Columns => (as_bytes(input), 4 * self.depth, self.depth),
                };
                self.by_tiles(
                    rows,
                    &[],
                    tiles.rows,
                    panels,
                    &mut scratch.edge,
                    out,
                    |count, row, panel, out, out_stride| {
                        let tile = TileBf16 {
                            input: input[row * input_stride..][..count * input_stride].as_ptr(),
                            input_stride,
                            panel: panels[panel * padded_depth..][..tiles.columns * padded_depth].as_ptr(),
                            depth,
                            bias: bias[panel..][..tiles.columns].as_ptr(),
                            out,
                            out_stride,
                        };
                        // SAFETY: as for f32. Where the tile reads f32 activations, `input` is a slice of them as bytes, so it
                        // is aligned for f32.
                        unsafe { (tiles.bf16)(count, tile) }
                    },
                );
            }
            Weights::Int16(weights) => self.quantised(weights, input, precise, preparation, scratch, out),
            Weights::Int8(weights) => self.quantised(weights, input, precise, preparation, scratch, out),
        }
    }

    /// Quantises the input and multiplies it with quantised weights.
    fn quantised<W: WeightInteger>(
        &self,
        QuantisedWeights { panels, bias, column_terms, activation_limit }: &QuantisedWeights<W>,
        input: &[f32],
        precise: PreciseRows,
        preparation: Preparation,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        const NO_BIAS: [f32; MAX_COLUMNS] = [0.0; MAX_COLUMNS];
        let (tile_rows, tile) = W::tile(self.tiles);
        let columns = self.tiles.columns;
        let (panels, bias, column_terms) = (panels.all(), bias.all(), column_terms.all());
        let depth = self.depth.next_multiple_of(QUANTISED_DEPTH);
        let groups = self.depth.div_ceil(GROUP);
        let panel_terms = terms_per_column(self.depth) * columns;
        let precise = if W::HAS_PRECISE_ROWS { precise } else { PreciseRows::default() };
        let mut quantised = std::mem::take(W::memory(scratch));
        quantised.fill(input, self.depth, *activation_limit, precise, preparation, self.set);
        let (integers, ranges) = (quantised.integers.all(), quantised.ranges.as_slice());
        let rows = input.len() / self.depth;
        let low_halves = &quantised.precise;
        self.by_tiles(
            rows,
            low_halves,
            tile_rows,
            panels,
            &mut scratch.edge,
            out,
            |count, row, panel, out, out_stride| {
                let arguments = TileQuantised {
                    input: integers[row * depth..][..count * depth].as_ptr(),
                    input_stride: depth,
                    row_ranges: ranges[row * groups..][..count * groups].as_ptr(),
                    panel: panels[panel * depth..][..columns * depth].as_ptr(),
                    depth,
                    bias: if row < rows { &bias[panel..][..columns] } else { &NO_BIAS[..columns] }.as_ptr(),
                    column_terms: column_terms[panel / columns * panel_terms..][..panel_terms].as_ptr(),
                    out,
                    out_stride,
                };
                // SAFETY: as in `product`; the depth is a multiple of `QUANTISED_DEPTH`, and the integers are within the
                // limits that `W::limits` gives.
                unsafe { tile(count, arguments) }
            },
        );
        *W::memory(scratch) = quantised;
    }

    /// Calls `tile` with (rows, first row, first column, output, stride of the output) for every tile, panel by panel. The rows
    /// after the first `rows` are added to those that `targets` names.
    ///
    /// A panel stays in the first-level cache for all rows, and the next panel is prefetched meanwhile.
    #[expect(clippy::too_many_arguments, reason = "rows of two kinds, panels, and memory")]
    fn by_tiles<W>(
        &self,
        rows: usize,
        targets: &[usize],
        tile_rows: usize,
        panels: &[W],
        edge: &mut Buffer<f32>,
        out: &mut [f32],
        mut tile: impl FnMut(usize, usize, usize, *mut f32, usize),
    ) {
        let columns = self.tiles.columns;
        let panel_size = panels.len() / self.width.div_ceil(columns);
        let prefetch_size = panel_size.div_ceil(rows.div_ceil(tile_rows).max(1));
        for (panel, next) in (0..self.width).step_by(columns).zip((1..).map(|number| number * panel_size)) {
            let is_whole = panel + columns <= self.width;
            let mut next_panel = panels.get(next..).unwrap_or(&[]).chunks(prefetch_size);
            for row in (0..rows).step_by(tile_rows) {
                prefetch(next_panel.next().unwrap_or(&[]));
                let count = tile_rows.min(rows - row);
                if is_whole {
                    // The last row ends with the panel, which may be before the end of the output.
                    let end = (row + count - 1) * self.width + panel + columns;
                    let block = &mut out[row * self.width + panel..end];
                    tile(count, row, panel, block.as_mut_ptr(), self.width);
                } else {
                    let block = edge.first(tile_rows * columns);
                    tile(count, row, panel, block.as_mut_ptr(), columns);
                    for (r, values) in block.chunks_exact(columns).take(count).enumerate() {
                        let row = &mut out[(row + r) * self.width..(row + r + 1) * self.width];
                        row[panel..].copy_from_slice(&values[..self.width - panel]);
                    }
                }
            }
            for (number, targets) in targets.chunks(tile_rows).enumerate() {
                let block = edge.first(tile_rows * columns);
                tile(targets.len(), rows + number * tile_rows, panel, block.as_mut_ptr(), columns);
                for (target, values) in targets.iter().zip(block.chunks_exact(columns)) {
                    let row = &mut out[target * self.width..(target + 1) * self.width];
                    row[panel..].iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
                }
            }
        }
    }

    /// Multiplies with `gemm`, in blocks of [`GEMM_ROWS`] rows.
    fn with_gemm(&self, input: &[f32], weight: &[f32], bias: &[f32], scratch: &mut Scratch, out: &mut [f32]) {
        let blocks = input.chunks(GEMM_ROWS * self.depth).zip(out.chunks_mut(GEMM_ROWS * self.width));
        for (input, out) in blocks {
            if out.len() == GEMM_ROWS * self.width {
                matmul::dense(input, weight, bias, GEMM_ROWS, self.depth, out);
                continue;
            }
            scratch.gemm_rows.clear();
            scratch.gemm_rows.extend_from_slice(input);
            scratch.gemm_rows.resize(GEMM_ROWS * self.depth, 0.0);
            let block = scratch.edge.first(GEMM_ROWS * self.width);
            matmul::dense(&scratch.gemm_rows, weight, bias, GEMM_ROWS, self.depth, block);
            out.copy_from_slice(&block[..out.len()]);
        }
    }
}

/// Prefetches the cache lines of a slice.
fn prefetch<W>(values: &[W]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(64 / size_of::<W>()) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a prefetch is a hint, which affects only caches.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Rounds rows of `width` floats to bf16 and fills each up to `padded` values with zeros.
#[inline(always)]
fn round_rows(rows: &[f32], width: usize, padded: usize, out: &mut [u8]) {
    for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(2 * padded)) {
        let (values, rest) = out.split_at_mut(2 * width);
        for (pair, &x) in values.as_chunks_mut::<2>().0.iter_mut().zip(row) {
            *pair = narrow(x).to_ne_bytes();
        }
        rest.fill(0);
    }
}

fn as_bytes(numbers: &[f32]) -> &[u8] {
    // SAFETY: an f32 is four initialised bytes, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}
