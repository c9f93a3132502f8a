//! Memory that is aligned to cache lines, so that no vector load of a packed panel crosses two of them.

/// A data type for which every bit pattern is a value and all-zero bits are zero.
pub(crate) trait Number: Copy {}
impl Number for f32 {}
impl Number for u16 {}
impl Number for u8 {}
impl Number for i8 {}
impl Number for i16 {}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct CacheLine([u8; 64]);

/// A growing block of numbers, aligned to 64 bytes.
pub(crate) struct Buffer<T> {
    lines: Vec<CacheLine>,
    length: usize,
    numbers: std::marker::PhantomData<T>,
}

impl<T: Number> Default for Buffer<T> {
    fn default() -> Self {
        Self { lines: vec![], length: 0, numbers: std::marker::PhantomData }
    }
}

impl<T: Number> Buffer<T> {
    /// Returns a buffer of `length` zeros.
    pub fn zeros(length: usize) -> Self {
        let mut buffer = Self::default();
        buffer.first(length);
        buffer
    }

    /// Returns the first `length` numbers with whatever values the last use left there.
    ///
    /// Allocates only if the buffer has never held that many numbers; new numbers are zero.
    ///
    /// # Panics
    /// If the size in bytes overflows.
    pub fn first(&mut self, length: usize) -> &mut [T] {
        let bytes = length.checked_mul(size_of::<T>());
        let lines = bytes.expect("a buffer fits into memory").div_ceil(size_of::<CacheLine>());
        if self.lines.len() < lines {
            self.lines.resize(lines, CacheLine([0; 64]));
        }
        self.length = self.length.max(length);
        // SAFETY: the lines hold at least `length` numbers of initialised bytes, aligned for every `Number`, of which all
        // bit patterns are values.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), length) }
    }

    /// Returns all numbers.
    pub fn all(&self) -> &[T] {
        // SAFETY: `first` made room for `length` numbers; the rest is as in `first`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}
