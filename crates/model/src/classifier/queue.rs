//! The queue of a stream: texts in, jobs to the workers, predictions out in the order of the texts.
//!
//! A free worker gets the most urgent job: a full batch of windows, else a text to tokenise, else the remaining
//! windows. Tokenising and encoding thus overlap, and no worker waits in the middle of either.

use super::cache::{Key, Lookup, PredictionCache};
use super::failure::{Failure, WindowResult};
use super::pipeline::{Backend, Pipeline};
use super::windows::{TokenCounts, Window};
use crate::decide::{Prediction, combined};
use crate::error::{ModelError, Result};
use crate::head::Probabilities;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// [`Queue::push`] waits while this many items, or bytes of text, are in the queue.
const MAX_ITEMS: usize = 4096;
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Texts, and bytes of text, that a worker classifies at once with a linear model. The limits make the cost of the lock
/// negligible.
const LINEAR_TEXTS: usize = 64;
const LINEAR_BYTES: usize = 64 * 1024;

/// The output of [`super::Classifier::stream`].
#[derive(Debug)]
pub enum StreamOutput<T> {
    /// An item of the source, with a prediction if it came with a text.
    Item(T, Option<Prediction>),
    /// An item for whose text the model returned a value that is no finite number.
    Failed(T, ModelError),
    /// Every item so far was returned, and the source has not provided more.
    Idle,
}

/// Items in progress. `T` is what the caller gets back with each prediction.
pub(super) struct Queue<'p, 't, T> {
    pub(super) pipeline: &'p Pipeline,
    state: Mutex<State<'t, T>>,
    /// Signals that there may be a job for a worker.
    work: Condvar,
    /// Signals that there may be room for another item.
    room: Condvar,
    /// Signals that the oldest item may be done.
    done: Condvar,
}

struct State<'t, T> {
    /// Items in the order of `push`. The first one has the index `first`.
    items: VecDeque<Item<T>>,
    first: usize,
    /// Bytes of the texts of `items`.
    bytes: usize,
    /// Texts to tokenise, with their indices.
    texts: VecDeque<(usize, Cow<'t, str>)>,
    /// Windows to encode.
    windows: VecDeque<Window>,
    /// Tokens of `windows`.
    tokens: usize,
    /// Number of texts and of batches that workers process now.
    tokenising: usize,
    encoding: usize,
    cache: Option<PredictionCache>,
    /// No more items will come.
    closed: bool,
    /// All work is to end.
    stopped: bool,
    /// An item was returned since [`StreamOutput::Idle`] was last reported.
    busy: bool,
    error: Option<ModelError>,
}

struct Item<T> {
    payload: T,
    bytes: usize,
    progress: Progress,
}

enum Progress {
    /// The item has no text.
    Empty,
    /// The text is not tokenised yet.
    Queued,
    /// Another text with the same tokens is being encoded.
    Repeated,
    Encoding {
        counts: TokenCounts,
        key: Option<Key>,
        /// By window, then by head.
        probabilities: Vec<Vec<Probabilities>>,
        /// Number of windows that are not encoded yet.
        missing: usize,
    },
    Done(Prediction),
    Failed(Failure),
}

/// Work for one worker.
pub(super) enum Job<'t> {
    /// Tokenise the text with this index.
    Tokenise(usize, Cow<'t, str>),
    /// Encode a batch of windows.
    Encode(Vec<Window>),
    /// Classify texts with a linear model.
    Classify(Vec<(usize, Cow<'t, str>)>),
}

impl<T> State<'_, T> {
    fn set_progress(&mut self, index: usize, progress: Progress) {
        self.items[index - self.first].progress = progress;
    }

    /// Stores the result of a window. The last window of a text completes its prediction and those of its repetitions.
    fn finish_window(&mut self, window: &Window, result: WindowResult, pipeline: &Pipeline) {
        // An item that failed may have been returned before its other windows are done.
        let Some(item) = window.text.checked_sub(self.first).and_then(|index| self.items.get_mut(index)) else {
            return;
        };
        let Progress::Encoding { counts, key, probabilities, missing } = &mut item.progress else { return };
        let key = *key;
        match result {
            Ok(result) => probabilities[window.index] = result,
            Err(failure) => {
                let waiting = self.cache.as_mut().zip(key).map(|(cache, key)| cache.remove(key));
                for index in waiting.into_iter().flatten().chain([window.text]) {
                    self.set_progress(index, Progress::Failed(failure));
                }
                return;
            }
        }
        *missing -= 1;
        if *missing > 0 {
            return;
        }
        let TokenCounts { total, new_tokens } = counts;
        let prediction = combined(&pipeline.heads, probabilities, new_tokens, *total, pipeline.combine);
        let waiting = match (&mut self.cache, key) {
            (Some(cache), Some(key)) => cache.insert(key, &prediction),
            _ => Vec::new(),
        };
        for index in waiting {
            self.set_progress(index, Progress::Done(prediction.clone()));
        }
        self.set_progress(window.text, Progress::Done(prediction));
    }
}

impl<'p, 't, T: Send> Queue<'p, 't, T> {
    pub(super) fn new(pipeline: &'p Pipeline) -> Self {
        let capacity = pipeline.cache_capacity;
        let state = State {
            items: VecDeque::new(),
            first: 0,
            bytes: 0,
            texts: VecDeque::new(),
            windows: VecDeque::new(),
            tokens: 0,
            tokenising: 0,
            encoding: 0,
            cache: (capacity > 0).then(|| PredictionCache::new(capacity)),
            closed: false,
            stopped: false,
            busy: false,
            error: None,
        };
        let (work, room, done) = (Condvar::new(), Condvar::new(), Condvar::new());
        Self { pipeline, state: Mutex::new(state), work, room, done }
    }

    /// Locks the state. Poisoning is ignored, because the state is consistent wherever a thread can panic.
    fn lock(&self) -> MutexGuard<'_, State<'t, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item, with or without a text to classify, and returns whether more items are wanted. With `wait`, waits
    /// while the queue is full.
    pub(super) fn push(&self, payload: T, text: Option<Cow<'t, str>>, wait: bool) -> bool {
        let bytes = text.as_ref().map_or(0, |text| text.len());
        let mut state = self.lock();
        let is_full = |state: &State<T>| {
            let over_limit = state.items.len() >= MAX_ITEMS || state.bytes + bytes > MAX_BYTES;
            over_limit && !state.items.is_empty() && !state.stopped
        };
        while wait && is_full(&state) {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            return false;
        }
        let index = state.first + state.items.len();
        let progress = if text.is_some() { Progress::Queued } else { Progress::Empty };
        state.items.push_back(Item { payload, bytes, progress });
        state.bytes += bytes;
        match text {
            Some(text) => {
                state.texts.push_back((index, text));
                self.work.notify_one();
            }
            None => self.done.notify_one(),
        }
        true
    }

    /// Declares that no more items will come.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.done.notify_all();
    }

    /// Ends all work and drops the items in progress.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.work.notify_all();
        self.room.notify_all();
        self.done.notify_all();
    }

    /// Ends all work because of an error, which [`Queue::next`] returns.
    pub(super) fn fail(&self, error: ModelError) {
        self.lock().error = Some(error);
        self.stop();
    }

    /// Returns the next job, and waits for one if necessary. Returns `None` when there will be no more.
    pub(super) fn next_job(&self) -> Option<Job<'t>> {
        let (min_tokens, max_tokens, max_encoders) = match &self.pipeline.backend {
            Backend::Encoder(encoder) => {
                let (min, max) = encoder.engine.batch_tokens();
                (min, max, encoder.engine.max_encoders())
            }
            Backend::Linear(_) => (0, 0, 0),
        };
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let may_encode = !state.windows.is_empty() && state.encoding < max_encoders;
            let no_more_windows = state.texts.is_empty() && state.tokenising == 0;
            if may_encode && (state.tokens >= max_tokens || no_more_windows) {
                // The last windows are divided evenly, so that the workers finish together.
                let share = (state.tokens / self.pipeline.threads).clamp(min_tokens, max_tokens);
                let mut windows = Vec::new();
                let mut tokens = 0;
                while let Some(window) = state.windows.front()
                    && (windows.is_empty() || tokens + window.ids.len() <= share)
                {
                    tokens += window.ids.len();
                    windows.extend(state.windows.pop_front());
                }
                state.tokens -= tokens;
                state.encoding += 1;
                return Some(Job::Encode(windows));
            }
            if let Some((index, text)) = state.texts.pop_front() {
                state.tokenising += 1;
                return Some(match self.pipeline.backend {
                    Backend::Encoder(_) => Job::Tokenise(index, text),
                    Backend::Linear(_) => Job::Classify(self.linear_batch((index, text), &mut state.texts)),
                });
            }
            if state.closed && no_more_windows && state.windows.is_empty() {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns a text and further waiting texts for one worker. The worker gets only its share, so that the workers
    /// finish together.
    fn linear_batch(
        &self,
        first: (usize, Cow<'t, str>),
        waiting: &mut VecDeque<(usize, Cow<'t, str>)>,
    ) -> Vec<(usize, Cow<'t, str>)> {
        let share = (waiting.len() / self.pipeline.threads).min(LINEAR_TEXTS);
        let mut bytes = first.1.len();
        let mut texts = vec![first];
        while texts.len() < share
            && bytes < LINEAR_BYTES
            && let Some(text) = waiting.pop_front()
        {
            bytes += text.1.len();
            texts.push(text);
        }
        texts
    }

    /// Accepts the windows of the text with this index. `key` is its cache key, if predictions are cached.
    pub(super) fn finish_tokenising(&self, index: usize, key: Option<Key>, counts: TokenCounts, windows: Vec<Window>) {
        let mut state = self.lock();
        state.tokenising -= 1;
        let lookup = match (&mut state.cache, key) {
            (Some(cache), Some(key)) => cache.look_up(key, index),
            _ => Lookup::Miss,
        };
        let progress = match lookup {
            Lookup::Pending => Progress::Repeated,
            Lookup::Hit(prediction) => Progress::Done(prediction),
            Lookup::Miss => {
                state.tokens += windows.iter().map(|w| w.ids.len()).sum::<usize>();
                let missing = windows.len();
                state.windows.extend(windows);
                Progress::Encoding { counts, key, probabilities: vec![vec![]; missing], missing }
            }
        };
        state.set_progress(index, progress);
        drop(state);
        self.notify();
    }

    /// Accepts the results of a batch by window.
    pub(super) fn finish_encoding(&self, windows: &[Window], results: Vec<WindowResult>) {
        let mut state = self.lock();
        state.encoding -= 1;
        for (window, result) in windows.iter().zip(results) {
            state.finish_window(window, result, self.pipeline);
        }
        drop(state);
        self.notify();
    }

    /// Accepts the predictions of a linear model for texts with these indices.
    pub(super) fn finish_texts(&self, predictions: Vec<(usize, Result<Prediction, Failure>)>) {
        let mut state = self.lock();
        state.tokenising -= 1;
        for (index, prediction) in predictions {
            state.set_progress(index, prediction.map_or_else(Progress::Failed, Progress::Done));
        }
        drop(state);
        self.notify();
    }

    /// Wakes the threads that may wait for the end of a job.
    fn notify(&self) {
        self.done.notify_one();
        // The last text to be tokenised completes the last batch.
        self.work.notify_all();
    }

    /// Returns the next item in the order of [`Queue::push`], with its prediction if it has a text, and waits for it if
    /// necessary.
    ///
    /// Returns `None` after the last item. Returns [`StreamOutput::Idle`] once when every item was returned and more
    /// may come.
    ///
    /// # Errors
    /// The error that stopped the work.
    pub(super) fn next(&self) -> Result<Option<StreamOutput<T>>> {
        let mut state = self.lock();
        loop {
            let is_done =
                |item: &Item<T>| matches!(item.progress, Progress::Empty | Progress::Done(_) | Progress::Failed(_));
            if state.items.front().is_some_and(is_done)
                && let Some(item) = state.items.pop_front()
            {
                let index = state.first;
                state.first += 1;
                state.bytes -= item.bytes;
                state.busy = true;
                drop(state);
                self.room.notify_one();
                return Ok(Some(match item.progress {
                    Progress::Done(prediction) => StreamOutput::Item(item.payload, Some(prediction)),
                    Progress::Failed(failure) => {
                        StreamOutput::Failed(item.payload, failure.error(&self.pipeline.heads, index))
                    }
                    _ => StreamOutput::Item(item.payload, None),
                }));
            }
            if let Some(error) = state.error.take() {
                return Err(error);
            }
            if state.stopped || (state.closed && state.items.is_empty()) {
                return Ok(None);
            }
            if state.items.is_empty() && std::mem::take(&mut state.busy) {
                return Ok(Some(StreamOutput::Idle));
            }
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Stops the queue if the current thread panics, so that no other thread waits forever. The panic continues when the
/// threads are joined.
pub(super) struct StopOnPanic<'a, 'p, 't, T: Send>(pub(super) &'a Queue<'p, 't, T>);

impl<T: Send> Drop for StopOnPanic<'_, '_, '_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
