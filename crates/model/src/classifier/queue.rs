//! Texts on their way to an answer: tokenised and encoded by workers as they come, and given out in their order.
//!
//! Every worker takes whatever is most urgent: a batch of windows if there is a full one, else a text to tokenise, else
//! what windows there are. So tokenising and encoding overlap, and nobody waits in the middle of either.

use super::engine::WorkerMemory;
use super::repeats::{Found, Key, Repeats};
use super::{Classifier, EncoderWay, Text, Way, Window};
use crate::decide::{HeadPrediction, Prediction, combined};
use crate::error::{ModelError, Result};
use crate::head::{Logits, Probabilities};
use crate::linear::{FeatureReader, LinearModel};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Most items, and bytes of text, that are under way before [`Queue::push`] waits.
const MOST_ITEMS: usize = 4096;
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Most texts, and bytes of text, that a worker answers at once by a linear model: enough for the lock not to count.
const TEXTS_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: usize = 64 * 1024;

/// What comes out of [`Classifier::stream`].
#[derive(Debug)]
pub enum Answer<T> {
    /// An item of the source, with its prediction if it came with a text.
    Item(T, Option<Prediction>),
    /// All that was read is answered, and the source is waiting for more.
    Idle,
}

/// Texts under way; `T` is what the caller wants back with each answer.
pub(super) struct Queue<'c, 't, T> {
    classifier: &'c Classifier,
    state: Mutex<State<'t, T>>,
    /// Something to do for workers.
    work: Condvar,
    /// Room for another text.
    room: Condvar,
    /// The oldest item may be done.
    done: Condvar,
}

struct State<'t, T> {
    /// Items in the order of `push`; the first one has the number `first`.
    items: VecDeque<Item<T>>,
    first: usize,
    /// Bytes of the texts of `items`.
    bytes: usize,
    texts: VecDeque<(usize, Cow<'t, str>)>,
    windows: VecDeque<Window>,
    /// Tokens of `windows`.
    tokens: usize,
    tokenising: usize,
    encoding: usize,
    /// Answers that may be given again.
    repeats: Option<Repeats>,
    /// No text will come any more.
    closed: bool,
    /// Somebody failed or lost interest.
    stopped: bool,
    /// Since the last item, nothing was under way and nobody was told.
    busy: bool,
    error: Option<ModelError>,
}

struct Item<T> {
    payload: T,
    bytes: usize,
    progress: Progress,
}

enum Progress {
    /// Nothing to classify: passed on in its order.
    Empty,
    Untouched,
    /// A text of the same tokens is being encoded.
    Repeated,
    Encoding {
        text: Text,
        key: Option<Key>,
        /// By window, then by head.
        answers: Vec<Vec<Probabilities>>,
        missing: usize,
    },
    Done(Prediction),
}

impl<T> State<'_, T> {
    /// Takes the answer to a window. The last one of a text makes its prediction, also for the texts that repeat it.
    fn answer(&mut self, window: &Window, probabilities: Vec<Probabilities>, classifier: &Classifier) {
        let progress = &mut self.items[window.text - self.first].progress;
        let Progress::Encoding { text, key, answers, missing } = progress else { return };
        answers[window.number] = probabilities;
        *missing -= 1;
        if *missing > 0 {
            return;
        }
        let rule = classifier.manifest().window.combine;
        let prediction = combined(&classifier.heads, answers, &text.adds, text.tokens, rule);
        let waiting = match (&mut self.repeats, *key) {
            (Some(repeats), Some(key)) => repeats.answer(key, &prediction),
            _ => Vec::new(),
        };
        for number in waiting {
            self.items[number - self.first].progress = Progress::Done(prediction.clone());
        }
        self.items[window.text - self.first].progress = Progress::Done(prediction);
    }
}

enum Job<'t> {
    Tokenise(usize, Cow<'t, str>),
    Encode(Vec<Window>),
    /// The whole way to an answer, for linear models.
    Answer(Vec<(usize, Cow<'t, str>)>),
}

/// What a worker works with.
enum Worker<'c> {
    Encoder(&'c EncoderWay, Box<WorkerMemory>),
    Linear(&'c LinearModel, FeatureReader),
}

impl<'c, 't, T: Send> Queue<'c, 't, T> {
    pub(super) fn new(classifier: &'c Classifier) -> Self {
        let state = State {
            items: VecDeque::new(),
            first: 0,
            bytes: 0,
            texts: VecDeque::new(),
            windows: VecDeque::new(),
            tokens: 0,
            tokenising: 0,
            encoding: 0,
            repeats: (classifier.remembered > 0).then(|| Repeats::new(classifier.remembered)),
            closed: false,
            stopped: false,
            busy: false,
            error: None,
        };
        let (work, room, done) = (Condvar::new(), Condvar::new(), Condvar::new());
        Self { classifier, state: Mutex::new(state), work, room, done }
    }

    /// The state holds together between any two statements that can panic, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State<'t, T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item, with a text to classify or none. With `wait`, waits while too much is under way. `false` if nobody
    /// wants more.
    pub(super) fn push(&self, payload: T, text: Option<Cow<'t, str>>, wait: bool) -> bool {
        let bytes = text.as_ref().map_or(0, |text| text.len());
        let mut state = self.lock();
        let is_full = |state: &State<T>| {
            let many = state.items.len() >= MOST_ITEMS || state.bytes + bytes > MOST_BYTES;
            many && !state.items.is_empty() && !state.stopped
        };
        while wait && is_full(&state) {
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            return false;
        }
        let number = state.first + state.items.len();
        let progress = if text.is_some() { Progress::Untouched } else { Progress::Empty };
        state.items.push_back(Item { payload, bytes, progress });
        state.bytes += bytes;
        match text {
            Some(text) => {
                state.texts.push_back((number, text));
                self.work.notify_one();
            }
            None => self.done.notify_one(),
        }
        true
    }

    /// Says that no text will come any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.done.notify_all();
    }

    /// Ends all work; what is under way is dropped.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.work.notify_all();
        self.room.notify_all();
        self.done.notify_all();
    }

    /// Works until there is nothing left to do. Called by each worker.
    pub(super) fn work(&self) {
        let _guard = StopOnPanic(self);
        let mut worker = match &self.classifier.way {
            Way::Encoder(way) => Worker::Encoder(way, Box::default()),
            Way::Linear(model) => Worker::Linear(model, model.reader()),
        };
        while let Some(job) = self.take() {
            let since = Instant::now();
            let Classifier { tokenising, encoding, .. } = self.classifier;
            let (outcome, time) = match (job, &mut worker) {
                (Job::Tokenise(number, text), Worker::Encoder(way, _)) => {
                    (self.tokenise(number, &text, way), tokenising)
                }
                (Job::Encode(windows), Worker::Encoder(way, memory)) => (self.encode(&windows, way, memory), encoding),
                (Job::Answer(texts), Worker::Linear(model, reader)) => {
                    self.answer(texts, model, reader);
                    (Ok(()), encoding)
                }
                _ => unreachable!("jobs are those of the model's kind"),
            };
            time.fetch_add(since.elapsed().as_nanos() as u64, Ordering::Relaxed);
            if let Err(error) = outcome {
                self.lock().error = Some(error);
                self.stop();
            }
        }
    }

    /// The next job; waits for one. `None` when there will be none.
    fn take(&self) -> Option<Job<'t>> {
        let (least, most, encoders) = match &self.classifier.way {
            Way::Encoder(way) => {
                let (least, most) = way.engine.batch_tokens();
                (least, most, way.engine.encoders())
            }
            Way::Linear(_) => (0, 0, 0),
        };
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let may_encode = !state.windows.is_empty() && state.encoding < encoders;
            let nothing_to_add = state.texts.is_empty() && state.tokenising == 0;
            if may_encode && (state.tokens >= most || nothing_to_add) {
                // The rest is shared out, so that the workers end together.
                let share = (state.tokens / self.classifier.threads).clamp(least, most);
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
            if let Some((number, text)) = state.texts.pop_front() {
                state.tokenising += 1;
                return Some(match self.classifier.way {
                    Way::Encoder(_) => Job::Tokenise(number, text),
                    Way::Linear(_) => Job::Answer(self.more((number, text), &mut state.texts)),
                });
            }
            if state.closed && nothing_to_add && state.windows.is_empty() {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A text and as many of those that wait as a worker should answer at once: its share, so that the workers end together.
    fn more(
        &self,
        first: (usize, Cow<'t, str>),
        waiting: &mut VecDeque<(usize, Cow<'t, str>)>,
    ) -> Vec<(usize, Cow<'t, str>)> {
        let share = (waiting.len() / self.classifier.threads).min(TEXTS_AT_ONCE);
        let mut bytes = first.1.len();
        let mut texts = vec![first];
        while texts.len() < share
            && bytes < BYTES_AT_ONCE
            && let Some(text) = waiting.pop_front()
        {
            bytes += text.1.len();
            texts.push(text);
        }
        texts
    }

    /// The answers of a linear model.
    fn answer(&self, texts: Vec<(usize, Cow<'t, str>)>, model: &LinearModel, reader: &mut FeatureReader) {
        let predict = |(number, text): (usize, Cow<'t, str>)| {
            let (logits, tokens) = model.logits(&text, reader, self.classifier.instructions);
            let answer =
                |(head, logits)| HeadPrediction { head: Arc::clone(head), probabilities: head.probabilities(logits) };
            let heads = self.classifier.heads.iter().zip(&logits).map(answer).collect();
            (number, Prediction { heads, windows: 1, tokens })
        };
        let answers: Vec<(usize, Prediction)> = texts.into_iter().map(predict).collect();
        let mut state = self.lock();
        state.tokenising -= 1;
        let first = state.first;
        for (number, prediction) in answers {
            state.items[number - first].progress = Progress::Done(prediction);
        }
        drop(state);
        self.done.notify_one();
        self.work.notify_all();
    }

    fn tokenise(&self, number: usize, text: &str, way: &EncoderWay) -> Result<()> {
        let result = way.windows(number, text);
        let remembers = self.classifier.remembered > 0;
        let key = result.as_ref().ok().filter(|_| remembers).map(|(text, windows)| Key::of(windows, text.tokens));
        let mut state = self.lock();
        state.tokenising -= 1;
        let (text, windows) = result?;
        let found = match (&mut state.repeats, key) {
            (Some(repeats), Some(key)) => repeats.find(key, number),
            _ => Found::New,
        };
        let place = number - state.first;
        state.items[place].progress = match found {
            Found::UnderWay => Progress::Repeated,
            Found::Answered(prediction) => Progress::Done(prediction),
            Found::New => {
                state.tokens += windows.iter().map(|w| w.ids.len()).sum::<usize>();
                let missing = windows.len();
                state.windows.extend(windows);
                Progress::Encoding { text, key, answers: vec![vec![]; missing], missing }
            }
        };
        drop(state);
        self.done.notify_one();
        // The last one to tokenise may have been what the others wait for.
        self.work.notify_all();
        Ok(())
    }

    fn encode(&self, windows: &[Window], way: &EncoderWay, memory: &mut WorkerMemory) -> Result<()> {
        let ids: Vec<_> = windows.iter().map(|window| window.ids.as_slice()).collect();
        let result = way.engine.run(&ids, way.padding, memory);
        let heads = &self.classifier.heads;
        let probabilities = |logits: Vec<Logits>| heads.iter().zip(&logits).map(|(h, l)| h.probabilities(l)).collect();
        let result = result.map(|all| all.into_iter().map(probabilities).collect::<Vec<Vec<Probabilities>>>());
        let mut state = self.lock();
        state.encoding -= 1;
        for (window, probabilities) in windows.iter().zip(result?) {
            state.answer(window, probabilities, self.classifier);
        }
        drop(state);
        self.done.notify_one();
        self.work.notify_all();
        Ok(())
    }

    /// The next item in the order of [`Queue::push`], with its prediction if it has a text; waits for it. `None` after the
    /// last one. Before it waits with nothing under way, it says so, once.
    ///
    /// # Errors
    /// The error that stopped the work.
    pub(super) fn next(&self) -> Result<Option<Answer<T>>> {
        let mut state = self.lock();
        loop {
            let is_done = |item: &Item<T>| matches!(item.progress, Progress::Empty | Progress::Done(_));
            if state.items.front().is_some_and(is_done)
                && let Some(item) = state.items.pop_front()
            {
                state.first += 1;
                state.bytes -= item.bytes;
                state.busy = true;
                drop(state);
                self.room.notify_one();
                let prediction = match item.progress {
                    Progress::Done(prediction) => Some(prediction),
                    _ => None,
                };
                return Ok(Some(Answer::Item(item.payload, prediction)));
            }
            if let Some(error) = state.error.take() {
                return Err(error);
            }
            if state.stopped || (state.closed && state.items.is_empty()) {
                return Ok(None);
            }
            if state.items.is_empty() && std::mem::take(&mut state.busy) {
                return Ok(Some(Answer::Idle));
            }
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Whoever panics must not leave the others waiting; the panic goes on when the threads are joined.
pub(super) struct StopOnPanic<'a, 'c, 't, T: Send>(pub(super) &'a Queue<'c, 't, T>);

impl<T: Send> Drop for StopOnPanic<'_, '_, '_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
