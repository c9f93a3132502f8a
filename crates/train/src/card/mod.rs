//! Model cards: Markdown pages about finished models, with their training, metrics and limitations.
//!
//! Model hubs show the card as the page of the model. Its front matter is that of Hugging Face.

mod contents;
mod description;
mod evaluation;
mod file;
mod limitations;
mod markdown;
mod tables;
mod training;

pub use contents::{Card, CardSet};
pub use file::write_card;

impl Card<'_> {
    /// Returns the card in Markdown.
    pub fn text(&self) -> String {
        let manifest = self.model.manifest();
        let sections = [
            file::front_matter(self.model),
            description::description(self.model),
            description::usage(),
            training::training(self),
            evaluation::evaluation(self),
            evaluation::calibration(&manifest.heads, self.calibration),
            limitations::limitations(self),
        ];
        sections.join("\n")
    }
}
