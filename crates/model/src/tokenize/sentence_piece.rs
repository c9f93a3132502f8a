//! Reads a SentencePiece model: the pieces of a vocabulary with their scores, and how texts are normalised.

use super::protobuf::{Message, Wire};
use super::vocabulary::MAX_TOKENS;

/// A piece of the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// Logarithm of its probability.
    pub(super) score: f32,
    pub(super) kind: PieceKind,
}

/// What a piece stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PieceKind {
    /// Text.
    Normal,
    /// Any text that has no piece.
    Unknown,
    /// A special token, such as `</s>`.
    Control,
    /// Text that is always one token.
    UserDefined,
    /// A byte of a text that has no piece, such as `<0x41>`.
    Byte,
    /// Text that is no longer a token.
    Unused,
}

/// A SentencePiece model of the type `unigram`.
#[derive(Debug, PartialEq)]
pub(super) struct SentencePieceModel<'a> {
    pub(super) pieces: Vec<Piece<'a>>,
    /// Index of the piece for unknown text.
    pub(super) unknown: usize,
    /// Replacements of characters; empty if there are none.
    pub(super) charsmap: &'a [u8],
    /// Whether text without pieces becomes its bytes.
    pub(super) byte_fallback: bool,
}

impl<'a> SentencePieceModel<'a> {
    /// Reads the contents of a file.
    ///
    /// # Errors
    /// The cause, if it is damaged or has another type than `unigram`.
    pub(super) fn read(file: &'a [u8]) -> Result<Self, String> {
        let mut model = Self { pieces: vec![], unknown: 0, charsmap: &[], byte_fallback: false };
        let mut model_type = UNIGRAM;
        Message::file(file).each_field(|number, value| {
            match number {
                1 => {
                    let piece = read_piece(message("pieces", value)?, model.pieces.len())?;
                    if model.pieces.len() == MAX_TOKENS {
                        return Err(format!("it has more than {MAX_TOKENS} pieces"));
                    }
                    model.pieces.push(piece);
                }
                2 => message("trainer_spec", value)?.each_field(|number, value| {
                    match number {
                        3 => model_type = integer("model_type", value)?,
                        35 => model.byte_fallback = integer("byte_fallback", value)? != 0,
                        40 => {
                            let unknown = integer("unk_id", value)?;
                            model.unknown = usize::try_from(unknown).unwrap_or(usize::MAX);
                        }
                        _ => (),
                    }
                    Ok(())
                })?,
                3 => message("normalizer_spec", value)?.each_field(|number, value| {
                    if number == 2 {
                        model.charsmap = message("precompiled_charsmap", value)?.bytes;
                    }
                    Ok(())
                })?,
                _ => (),
            }
            Ok(())
        })?;
        match model_type {
            UNIGRAM => (),
            2 => return Err(other_type("bpe")),
            3 => return Err(other_type("word")),
            4 => return Err(other_type("char")),
            other => return Err(other_type(&other.to_string())),
        }
        match model.pieces.get(model.unknown) {
            _ if model.pieces.is_empty() => Err("it has no pieces".into()),
            None => Err(format!("`unk_id` is {}, but it has only {} pieces", model.unknown, model.pieces.len())),
            Some(piece) if piece.kind == PieceKind::Unknown => Ok(model),
            Some(piece) => Err(format!("`unk_id` is {}, but that piece is `{}`", model.unknown, piece.text)),
        }
    }
}

const UNIGRAM: u64 = 1;

fn other_type(name: &str) -> String {
    format!("its `model_type` is {name}, but only unigram is supported")
}

fn read_piece<'a>(piece: Message<'a>, index: usize) -> Result<Piece<'a>, String> {
    let mut read = Piece { text: "", score: 0.0, kind: PieceKind::Normal };
    piece.each_field(|number, value| {
        match (number, value) {
            (1, value) => read.text = message("piece", value)?.text()?,
            (2, Wire::Fixed32(bits)) => read.score = f32::from_bits(bits),
            (2, _) => return Err(format!("the score of piece {index} is not a float")),
            (3, value) => {
                read.kind = match integer("type", value)? {
                    1 => PieceKind::Normal,
                    2 => PieceKind::Unknown,
                    3 => PieceKind::Control,
                    4 => PieceKind::UserDefined,
                    5 => PieceKind::Unused,
                    6 => PieceKind::Byte,
                    other => return Err(format!("piece {index} has the unknown type {other}")),
                }
            }
            _ => (),
        }
        Ok(())
    })?;
    if read.text.is_empty() {
        return Err(format!("piece {index} has no text"));
    }
    if !read.score.is_finite() {
        return Err(format!("the score of piece {index}, `{}`, is {}", read.text, read.score));
    }
    Ok(read)
}

fn message<'a>(field: &str, value: Wire<'a>) -> Result<Message<'a>, String> {
    match value {
        Wire::Bytes(message) => Ok(message),
        _ => Err(format!("`{field}` is a number")),
    }
}

fn integer(field: &str, value: Wire) -> Result<u64, String> {
    match value {
        Wire::Varint(value) => Ok(value),
        _ => Err(format!("`{field}` is not an integer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A field that holds bytes, which must be few.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
    }

    fn piece(text: &str, score: f32, kind: u8) -> Vec<u8> {
        field(1, &[field(1, text.as_bytes()), vec![0x15], score.to_le_bytes().to_vec(), vec![0x18, kind]].concat())
    }

    fn error(file: &[Vec<u8>]) -> String {
        SentencePieceModel::read(&file.concat()).unwrap_err()
    }

    #[test]
    fn pieces_and_settings_are_read() {
        // model_type 1, byte_fallback, unk_id 1; a name and a charsmap; an unknown field.
        let trainer = field(2, &[0x18, 1, 0x98, 2, 1, 0xc0, 2, 1]);
        let normalizer = field(3, &[field(1, b"nfkc"), field(2, b"\x04\0\0\0map\0")].concat());
        let file = [piece("a", -1.5, 1), piece("<unk>", 0.0, 2), trainer, normalizer, field(5, b"?")].concat();
        let expected = SentencePieceModel {
            pieces: vec![
                Piece { text: "a", score: -1.5, kind: PieceKind::Normal },
                Piece { text: "<unk>", score: 0.0, kind: PieceKind::Unknown },
            ],
            unknown: 1,
            charsmap: b"\x04\0\0\0map\0",
            byte_fallback: true,
        };
        assert_eq!(SentencePieceModel::read(&file), Ok(expected));
    }

    #[test]
    fn other_models_and_damage_are_refused() {
        let unk = || piece("<unk>", 0.0, 2);
        for (kind, name) in [(2, "bpe"), (3, "word"), (4, "char"), (9, "9")] {
            let message = format!("its `model_type` is {name}, but only unigram is supported");
            assert_eq!(error(&[unk(), field(2, &[0x18, kind])]), message);
        }
        assert_eq!(error(&[]), "it has no pieces");
        assert_eq!(error(&[field(1, b"")]), "piece 0 has no text");
        assert_eq!(error(&[unk(), piece("a", f32::NAN, 1)]), "the score of piece 1, `a`, is NaN");
        assert_eq!(error(&[unk(), piece("a", f32::INFINITY, 1)]), "the score of piece 1, `a`, is inf");
        assert_eq!(error(&[unk(), piece("a", 0.0, 7)]), "piece 1 has the unknown type 7");
        assert_eq!(error(&[unk(), field(2, &[0xc0, 2, 5])]), "`unk_id` is 5, but it has only 1 pieces");
        assert_eq!(error(&[piece("a", 0.0, 1)]), "`unk_id` is 0, but that piece is `a`");
        // An unk_id of -1.
        let minus_one = [&[0xc0, 2][..], &[255; 9], &[1]].concat();
        assert!(error(&[unk(), field(2, &minus_one)]).starts_with("`unk_id` is"));
        assert_eq!(error(&[vec![0x08, 1]]), "`pieces` is a number");
        assert_eq!(error(&[field(1, &[0x10, 1])]), "the score of piece 0 is not a float");
        assert!(error(&[field(1, &field(1, b"\xff"))]).contains("not UTF-8"));
        let whole = unk();
        assert!(error(&[whole[..whole.len() - 3].to_vec()]).contains("claims"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = SentencePieceModel::read(&bytes);
        }
    }
}
