//! What all threads of a classifier share: the model in executable form, and how to schedule its work.

use super::engine::Engine;
use super::windows::WindowReader;
use crate::decide::Combine;
use crate::head::Head;
use crate::linear::LinearModel;
use newsdesk_kernels::instructions::InstructionSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The model and the settings that workers need.
pub(super) struct Pipeline {
    pub(super) backend: Backend,
    pub(super) heads: Vec<Arc<Head>>,
    pub(super) combine: Combine,
    pub(super) instructions: InstructionSet,
    pub(super) threads: usize,
    /// Maximum number of predictions that each stream caches; 0 for no cache.
    pub(super) cache_capacity: usize,
    pub(super) clock: Clock,
}

/// Computes predictions from texts.
pub(super) enum Backend {
    /// Windows of tokens through an encoder.
    Encoder(Box<EncoderBackend>),
    /// Features of the text, in a single step.
    Linear(Box<LinearModel>),
}

/// Windows of tokens through an encoder.
pub(super) struct EncoderBackend {
    pub(super) engine: Engine,
    pub(super) reader: WindowReader,
}

/// The busy time of all threads, in nanoseconds.
#[derive(Default)]
pub(super) struct Clock {
    pub(super) tokenising: AtomicU64,
    pub(super) encoding: AtomicU64,
}

/// The total busy time of the threads of a [`super::Classifier`] so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Time spent on tokens and windows.
    pub tokenising: Duration,
    /// Time spent on the network.
    pub encoding: Duration,
}

impl Clock {
    pub(super) fn times(&self) -> Times {
        let time = |nanoseconds: &AtomicU64| Duration::from_nanos(nanoseconds.load(Ordering::Relaxed));
        Times { tokenising: time(&self.tokenising), encoding: time(&self.encoding) }
    }
}
