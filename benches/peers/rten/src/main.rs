//! Computes the logits of batches with rten, for `engine.py`: newsdesk-peer-rten MODEL.onnx
//!
//! Standard input has one batch after another: the number of windows and their length (u32), then the token ids and the
//! attention mask (i32, row by row). For each batch, standard output has the number of labels (u32), then the logits
//! (f32, row by row). All numbers are little-endian. `RTEN_NUM_THREADS` sets the number of threads.

use std::error::Error;
use std::io::{Read, Write, stdin, stdout};

use rten::{Model, Value, ValueOrView};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: newsdesk-peer-rten MODEL.onnx")?;
    let model = Model::load_file(path)?;
    let [ids, mask, logits] = [model.node_id("input_ids")?, model.node_id("attention_mask")?, model.node_id("logits")?];
    let (mut input, mut output) = (stdin().lock(), stdout().lock());
    let mut header = [0u8; 8];
    while input.read_exact(&mut header).is_ok() {
        let [windows, length] = [0, 4].map(|at| u32::from_le_bytes(header[at..at + 4].try_into().unwrap()) as usize);
        let mut matrix = || -> Result<ValueOrView<'static>, Box<dyn Error>> {
            let mut bytes = vec![0; 4 * windows * length];
            input.read_exact(&mut bytes)?;
            let numbers: Vec<i32> = bytes.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect();
            Ok(Value::from_shape(&[windows, length], numbers)?.into())
        };
        let inputs = vec![(ids, matrix()?), (mask, matrix()?)];
        let [found] = model.run_n(inputs, [logits], None)?;
        let numbers: Vec<f32> = found.into_shape_vec::<f32, 2>()?.1;
        output.write_all(&((numbers.len() / windows) as u32).to_le_bytes())?;
        output.write_all(&numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())?;
        output.flush()?;
    }
    Ok(())
}
