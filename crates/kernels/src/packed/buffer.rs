//! Memory that starts on a cache line, so that no vector load of a packed panel crosses two.

/// Numbers that are plain bytes: any bits are a value, and zero bits are zero.
pub(crate) trait Number: Copy {}
impl Number for f32 {}
impl Number for u16 {}
impl Number for u8 {}
impl Number for i8 {}
impl Number for i16 {}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// A growing block of numbers, aligned to 64 bytes.
pub(crate) struct Buffer<T> {
    lines: Vec<Line>,
    length: usize,
    numbers: std::marker::PhantomData<T>,
}

impl<T: Number> Default for Buffer<T> {
    fn default() -> Self {
        Self { lines: vec![], length: 0, numbers: std::marker::PhantomData }
    }
}

impl<T: Number> Buffer<T> {
    /// `length` zeros.
    pub fn zeros(length: usize) -> Self {
        let mut buffer = Self::default();
        buffer.first(length);
        buffer
    }

    /// The first `length` numbers; memory is taken only when it has never held that many. What stands there is what the
    /// last user left.
    pub fn first(&mut self, length: usize) -> &mut [T] {
        let lines = (length * size_of::<T>()).div_ceil(size_of::<Line>());
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0; 64]));
        }
        self.length = self.length.max(length);
        // SAFETY: the lines hold that many initialised bytes, aligned for any number; any bits are a `T`.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), length) }
    }

    /// All numbers.
    pub fn all(&self) -> &[T] {
        // SAFETY: as in `first`; `length` numbers were asked for before.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.length) }
    }
}
