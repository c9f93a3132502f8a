//! The dense layer `x W^T + b` over packed weights.

use super::Dtype;
use super::buffer::Buffer;
use super::quantise::{self, Integer, Quantised, Weight, facts_of_column};
use crate::half::narrow;
use crate::instructions::InstructionSet;
use crate::matmul;
use crate::tiles::{GROUP, PairOrder, QUANTISED_DEPTH, TileBf16, TileF32, TileQuantised, Tiles};

/// Rows that `gemm` gets at a time: always as many, since its results depend on the number.
const GEMM_ROWS: usize = 32;

/// Weights of a dense layer, laid out for one instruction set.
pub struct PackedDense {
    set: InstructionSet,
    tiles: &'static Tiles,
    depth: usize,
    width: usize,
    weights: Weights,
}

enum Weights {
    /// As they were, for `gemm`.
    Plain {
        weight: Vec<f32>,
        bias: Vec<f32>,
    },
    /// Panels, and the bias filled up to whole panels.
    F32 {
        panels: Buffer<f32>,
        bias: Buffer<f32>,
    },
    /// Panels, and the bias filled up to whole panels.
    Bf16 {
        panels: Buffer<u16>,
        bias: Buffer<f32>,
    },
    Int16(Quantised<i16>),
    Int8(Quantised<i8>),
}

/// What a product needs besides input and output; kept from one to the next, so that none takes memory.
#[derive(Default)]
pub struct Scratch {
    /// Activations as bytes: quantised, or rounded to bf16.
    pub(super) bytes: Buffer<u8>,
    /// Activations quantised to sixteen bits.
    pub(super) words: Buffer<u16>,
    /// Scale and least value of each group of activations.
    pub(super) ranges: Vec<[f32; 2]>,
    /// A tile at the right edge.
    pub(super) edge: Buffer<f32>,
    /// Rows for `gemm`.
    rows: Vec<f32>,
}

impl PackedDense {
    /// Lays out `weight` (`[width, depth]`, row-major) and `bias` (`[width]`).
    ///
    /// # Panics
    /// If the sizes do not fit, or this machine does not have the instruction set.
    pub fn new(weight: &[f32], bias: &[f32], dtype: Dtype, set: InstructionSet) -> Self {
        let width = bias.len();
        assert!(width > 0 && weight.len().is_multiple_of(width), "packed dense: weight is not made of whole rows");
        let depth = weight.len() / width;
        let tiles = Tiles::of(set);
        let columns = tiles.columns;
        let padded_width = width.next_multiple_of(columns);
        let row = |column: usize| &weight[column * depth..(column + 1) * depth];
        let weights = match dtype {
            Dtype::F32 => {
                let mut packed = Self::empty(depth, width, set);
                packed.fill(weight, bias);
                return packed;
            }
            Dtype::Bf16 => {
                let padded_depth = depth.next_multiple_of(2);
                let mut panels = Buffer::zeros(padded_width * padded_depth);
                let out = panels.first(padded_width * padded_depth);
                for column in 0..width {
                    let (panel, c) = (column / columns * columns * padded_depth, column % columns);
                    for (k, &w) in row(column).iter().enumerate() {
                        let place = match tiles.pair_order {
                            PairOrder::Depth => (k / 2 * columns + c) * 2 + k % 2,
                            PairOrder::Columns => k * columns + c / 16 * 16 + c % 8 * 2 + c % 16 / 8,
                        };
                        out[panel + place] = narrow(w);
                    }
                }
                let mut padded_bias = Buffer::zeros(padded_width);
                padded_bias.first(width).copy_from_slice(bias);
                Weights::Bf16 { panels, bias: padded_bias }
            }
            Dtype::Int16 => Weights::Int16(Quantised::new(weight, bias, tiles)),
            Dtype::Int8 => Weights::Int8(Quantised::new(weight, bias, tiles)),
        };
        Self { set, tiles, depth, width, weights }
    }

    /// A layer of zeros in f32, to be filled.
    ///
    /// # Panics
    /// If this machine does not have the instruction set.
    pub fn empty(depth: usize, width: usize, set: InstructionSet) -> Self {
        let tiles = Tiles::of(set);
        let padded_width = width.next_multiple_of(tiles.columns);
        let weights = match set {
            InstructionSet::Portable => Weights::Plain { weight: vec![0.0; width * depth], bias: vec![0.0; width] },
            _ => Weights::F32 { panels: Buffer::zeros(padded_width * depth), bias: Buffer::zeros(padded_width) },
        };
        Self { set, tiles, depth, width, weights }
    }

    /// Lays out `weight` (`[width, depth]`, row-major) and `bias` (`[width]`) in place of what was there, in f32.
    ///
    /// # Panics
    /// If the sizes do not fit or the layer is not in f32.
    pub fn fill(&mut self, weight: &[f32], bias: &[f32]) {
        let (depth, width, columns) = (self.depth, self.width, self.tiles.columns);
        assert!(weight.len() == width * depth && bias.len() == width, "packed dense: sizes do not fit");
        match &mut self.weights {
            Weights::Plain { weight: plain, bias: plain_bias } => {
                plain.copy_from_slice(weight);
                plain_bias.copy_from_slice(bias);
            }
            Weights::F32 { panels, bias: padded } => {
                let panels = panels.first(width.next_multiple_of(columns) * depth);
                let rows = weight.chunks(columns * depth);
                for (panel, rows) in panels.chunks_exact_mut(columns * depth).zip(rows) {
                    for (column, row) in rows.chunks_exact(depth).enumerate() {
                        for (k, &w) in row.iter().enumerate() {
                            panel[k * columns + column] = w;
                        }
                    }
                }
                padded.first(width).copy_from_slice(bias);
            }
            _ => unreachable!("packed dense: only f32 is filled again"),
        }
    }

    /// As [`Self::fill`], with `weight` the other way round (`[depth, width]`) and no bias: what a layer's gradient goes
    /// back through.
    ///
    /// # Panics
    /// As [`Self::fill`].
    pub fn fill_transposed(&mut self, weight: &[f32]) {
        let (depth, width, columns) = (self.depth, self.width, self.tiles.columns);
        assert!(weight.len() == width * depth, "packed dense: sizes do not fit");
        match &mut self.weights {
            Weights::Plain { weight: plain, bias } => {
                for (column, plain) in plain.chunks_exact_mut(depth).enumerate() {
                    plain.iter_mut().zip(weight.iter().skip(column).step_by(width)).for_each(|(p, &w)| *p = w);
                }
                bias.fill(0.0);
            }
            Weights::F32 { panels, bias } => {
                let panels = panels.first(width.next_multiple_of(columns) * depth);
                for (number, panel) in panels.chunks_exact_mut(columns * depth).enumerate() {
                    let count = columns.min(width - number * columns);
                    for (row, weights) in panel.chunks_exact_mut(columns).zip(weight.chunks_exact(width)) {
                        row[..count].copy_from_slice(&weights[number * columns..][..count]);
                    }
                }
                bias.first(width).fill(0.0);
            }
            _ => unreachable!("packed dense: only f32 is filled again"),
        }
    }

    /// Length of an input row.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Length of an output row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// `out = input * weight^T + bias`: `input` is `[rows, depth]`, `out` is `[rows, width]`, both row-major. Each row's
    /// result depends on that row alone, to the bit. Runs on the calling thread.
    ///
    /// # Panics
    /// If the sizes do not fit.
    pub fn forward(&self, input: &[f32], scratch: &mut Scratch, out: &mut [f32]) {
        let rows = out.len() / self.width;
        assert!(out.len() == rows * self.width, "packed dense: output is not made of whole rows");
        assert!(input.len() == rows * self.depth, "packed dense: input is not rows x depth");
        let tiles = self.tiles;
        match &self.weights {
            Weights::Plain { weight, bias } => self.by_gemm(input, weight, bias, scratch, out),
            Weights::F32 { panels, bias } => {
                let (panels, bias) = (panels.all(), bias.all());
                self.tiled(rows, tiles.rows, panels, &mut scratch.edge, out, |count, row, panel, out, out_stride| {
                    let tile = TileF32 {
                        input: input[row * self.depth..][..count * self.depth].as_ptr(),
                        input_stride: self.depth,
                        panel: panels[panel * self.depth..][..tiles.columns * self.depth].as_ptr(),
                        depth: self.depth,
                        bias: bias[panel..][..tiles.columns].as_ptr(),
                        out,
                        out_stride,
                    };
                    // SAFETY: input, panel and bias were sliced to the tile's sizes just now; `tiled` gives an output
                    // of `count` rows with room for a panel's columns each. The machine has the instructions
                    // (`Tiles::of`).
                    unsafe { (tiles.f32)(count, tile) }
                });
            }
            Weights::Bf16 { panels, bias } => {
                let (panels, bias) = (panels.all(), bias.all());
                let depth = self.depth.next_multiple_of(2);
                let (input, input_stride) = match tiles.pair_order {
                    PairOrder::Depth => {
                        let rounded = scratch.bytes.first(2 * rows * depth);
                        self.set.run(
                            #[inline(always)]
                            || round(input, self.depth, depth, rounded),
                        );
                        (&*rounded, 2 * depth)
                    }
                    PairOrder::Columns => (as_bytes(input), 4 * self.depth),
                };
                // A last odd product would have no partner in a pair, and none in an unrounded row.
                let products = if tiles.pair_order == PairOrder::Depth { depth } else { self.depth };
                self.tiled(rows, tiles.rows, panels, &mut scratch.edge, out, |count, row, panel, out, out_stride| {
                    let tile = TileBf16 {
                        input: input[row * input_stride..][..count * input_stride].as_ptr(),
                        input_stride,
                        panel: panels[panel * depth..][..tiles.columns * depth].as_ptr(),
                        depth: products,
                        bias: bias[panel..][..tiles.columns].as_ptr(),
                        out,
                        out_stride,
                    };
                    // SAFETY: as above.
                    unsafe { (tiles.bf16)(count, tile) }
                });
            }
            Weights::Int16(weights) => self.quantised(weights, rows, input, scratch, out),
            Weights::Int8(weights) => self.quantised(weights, rows, input, scratch, out),
        }
    }

    fn quantised<W: Weight>(
        &self,
        Quantised { panels, columns }: &Quantised<W>,
        rows: usize,
        input: &[f32],
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let (tile_rows, tile) = W::tile(self.tiles);
        let (panels, columns) = (panels.all(), columns.all());
        let depth = self.depth.next_multiple_of(QUANTISED_DEPTH);
        let groups = self.depth.div_ceil(GROUP);
        let facts = facts_of_column(self.depth) * self.tiles.columns;
        let (quantised, ranges, edge) = W::scratch(scratch);
        let quantised = quantised.first(rows * depth);
        ranges.resize(rows * groups, [0.0; 2]);
        let (limit, _) = W::limits(self.tiles);
        self.set.run(
            #[inline(always)]
            || {
                let rows = input.chunks_exact(self.depth).zip(quantised.chunks_exact_mut(depth));
                for ((x, q), ranges) in rows.zip(ranges.chunks_exact_mut(groups)) {
                    q[self.depth..].fill(W::Activation::from_low_bits(0));
                    let parts = x.chunks(GROUP).zip(q.chunks_mut(GROUP));
                    for ((x, q), range) in parts.zip(ranges) {
                        *range = quantise::row(x, limit, q);
                    }
                }
            },
        );
        self.tiled(rows, tile_rows, panels, edge, out, |count, row, panel, out, out_stride| {
            let arguments = TileQuantised {
                input: quantised[row * depth..][..count * depth].as_ptr(),
                input_stride: depth,
                row_ranges: ranges[row * groups..][..count * groups].as_ptr(),
                panel: panels[panel * depth..][..self.tiles.columns * depth].as_ptr(),
                depth,
                columns: columns[panel / self.tiles.columns * facts..][..facts].as_ptr(),
                out,
                out_stride,
            };
            // SAFETY: as in `forward`.
            unsafe { tile(count, arguments) }
        });
    }

    /// Calls `tile` with (rows, first row, first column, output, stride of the output) for every tile, panel by panel:
    /// a panel stays in the first cache while the rows pass by, and the next one is fetched meanwhile.
    fn tiled<W>(
        &self,
        rows: usize,
        tile_rows: usize,
        panels: &[W],
        edge: &mut Buffer<f32>,
        out: &mut [f32],
        mut tile: impl FnMut(usize, usize, usize, *mut f32, usize),
    ) {
        let columns = self.tiles.columns;
        let panel_size = panels.len() / self.width.div_ceil(columns);
        let part = panel_size.div_ceil(rows.div_ceil(tile_rows).max(1));
        for (panel, next) in (0..self.width).step_by(columns).zip((1..).map(|number| number * panel_size)) {
            let whole = panel + columns <= self.width;
            let mut coming = panels.get(next..).unwrap_or(&[]).chunks(part);
            for row in (0..rows).step_by(tile_rows) {
                prefetch(coming.next().unwrap_or(&[]));
                let count = tile_rows.min(rows - row);
                if whole {
                    // The last row ends where the panel does, maybe before the end of the output.
                    let end = (row + count - 1) * self.width + panel + columns;
                    let place = &mut out[row * self.width + panel..end];
                    tile(count, row, panel, place.as_mut_ptr(), self.width);
                } else {
                    let block = edge.first(tile_rows * columns);
                    tile(count, row, panel, block.as_mut_ptr(), columns);
                    for (r, values) in block.chunks_exact(columns).take(count).enumerate() {
                        let row = &mut out[(row + r) * self.width..(row + r + 1) * self.width];
                        row[panel..].copy_from_slice(&values[..self.width - panel]);
                    }
                }
            }
        }
    }

    fn by_gemm(&self, input: &[f32], weight: &[f32], bias: &[f32], scratch: &mut Scratch, out: &mut [f32]) {
        let blocks = input.chunks(GEMM_ROWS * self.depth).zip(out.chunks_mut(GEMM_ROWS * self.width));
        for (input, out) in blocks {
            if out.len() == GEMM_ROWS * self.width {
                matmul::dense(input, weight, bias, GEMM_ROWS, self.depth, out);
                continue;
            }
            scratch.rows.clear();
            scratch.rows.extend_from_slice(input);
            scratch.rows.resize(GEMM_ROWS * self.depth, 0.0);
            let whole = scratch.edge.first(GEMM_ROWS * self.width);
            matmul::dense(&scratch.rows, weight, bias, GEMM_ROWS, self.depth, whole);
            out.copy_from_slice(&whole[..out.len()]);
        }
    }
}

/// Asks for the cache lines of a slice.
fn prefetch<W>(values: &[W]) {
    #[cfg(target_arch = "x86_64")]
    for line in values.chunks(64 / size_of::<W>()) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: a hint, with no effect but on caches.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = values;
}

/// Rounds rows of `width` floats to bf16, each filled up with zeros to `padded` values.
#[inline(always)]
fn round(rows: &[f32], width: usize, padded: usize, out: &mut [u8]) {
    for (row, out) in rows.chunks_exact(width).zip(out.chunks_exact_mut(2 * padded)) {
        let (values, rest) = out.split_at_mut(2 * width);
        for (pair, &x) in values.as_chunks_mut::<2>().0.iter_mut().zip(row) {
            *pair = narrow(x).to_ne_bytes();
        }
        rest.fill(0);
    }
}

fn as_bytes(numbers: &[f32]) -> &[u8] {
    // SAFETY: floats are plain bytes, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}
