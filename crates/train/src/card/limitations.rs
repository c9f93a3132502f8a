//! The limitations of a model.

use super::contents::Card;
use super::markdown::plain;
use super::tables::{FEW_ARTICLES, RareLabels, rare_labels};

/// Returns the section on limitations.
pub(super) fn limitations(card: &Card) -> String {
    let mut text = String::from(
        "## Limitations\n\n\
         - The model was trained and evaluated only on the data sets above. On articles from other sources, times or languages \
         it is likely to be worse. `newsdesk eval` evaluates it on yours.\n\
         - It predicts the labels above even for articles that none of them fits. Scores do not show this reliably.\n",
    );
    let training = card.model.manifest().training.as_ref();
    if let Some(length) = training.and_then(|training| training.settings["max_train_length"].as_u64()) {
        text += &format!("- Training used only the first {length} tokens of each article.\n");
    }
    for warning in card.warnings {
        let mut characters = warning.chars();
        let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
        text += &format!("- {first}{}.\n", plain(characters.as_str()));
    }
    for head in &card.model.manifest().heads {
        let RareLabels { split, few, none } = rare_labels(head, card.validation, card.test);
        let fewer = format!("hardly tested, with fewer than {FEW_ARTICLES} {split} articles each");
        for (names, what) in [(few, fewer), (none, "untested".into())] {
            if !names.is_empty() {
                let names: Vec<String> = names.iter().map(|name| plain(name)).collect();
                text += &format!("- Labels of {} that are {what}: {}.\n", plain(&head.name), names.join("; "));
            }
        }
    }
    if card.sets.iter().any(|set| set.licence.is_none()) {
        text += "- The licences of some data sets are unknown. Find out whether you may share or sell the model.\n";
    }
    text
}
