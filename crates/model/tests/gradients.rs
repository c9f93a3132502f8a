//! Every trainable variable receives a gradient, and the gradient is the slope of the loss.

use candle_core::{Device, Tensor};
use newsdesk_model::Model;
use newsdesk_model::batch::Batch;
use newsdesk_model::encoder::Variables;
use newsdesk_model::encoder::graph::Dropout;
use newsdesk_model::network::{Network, Parts, Pooling};
use std::error::Error;
use std::path::Path;

type Outcome = Result<(), Box<dyn Error>>;

const WINDOWS: [&[u32]; 2] = [&[2, 17, 301, 44, 580, 91, 3], &[2, 77, 210, 3]];

fn tiny(pooling: Pooling) -> Result<(Model, Parts), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/tiny");
    let model = Model::open(&folder, &Device::Cpu)?;
    let parts = Parts { pooling, ..model.parts.clone() };
    Ok((model, parts))
}

/// A loss in which every logit counts differently.
fn loss(network: &Network, dropout: Option<&mut Dropout>) -> Result<Tensor, Box<dyn Error>> {
    let batch = Batch::new(&WINDOWS, 0, &Device::Cpu)?;
    let logits = &network.forward(&batch, dropout)?[0]; // [windows, labels]
    let weights: Vec<f32> = (0..logits.elem_count()).map(|i| (i as f32 * 1.3).cos()).collect();
    let weights = Tensor::from_vec(weights, logits.shape(), &Device::Cpu)?;
    Ok((logits * weights)?.sum_all()?)
}

#[test]
fn every_variable_receives_a_gradient() -> Outcome {
    for pooling in [Pooling::Cls, Pooling::Mean, Pooling::Pooler] {
        let (model, parts) = tiny(pooling)?;
        let mut variables = Variables::copy_of(&model.weights)?;
        variables.retain(|name| pooling == Pooling::Pooler || !name.contains("pooler"));
        let network = Network::new(&variables.weights(), &model.config, &parts)?;
        let gradients = loss(&network, Some(&mut Dropout::new(0.1, 0.1, 5)))?.backward()?;
        let mut count = 0;
        for (name, variable) in variables.iter() {
            let gradient = gradients.get(variable).ok_or_else(|| format!("no gradient reaches `{name}`"))?;
            let size = gradient.abs()?.sum_all()?.to_scalar::<f32>()?;
            // A key's bias shifts all scores of a query alike, so softmax makes its true gradient zero.
            assert!(size.is_finite() && (size > 0.0 || name.ends_with("key.bias")), "{pooling}, `{name}`: {size}");
            count += 1;
        }
        let encoder = 5 + 16 * model.config.num_hidden_layers;
        assert_eq!(count, encoder + 2 + if pooling == Pooling::Pooler { 2 } else { 0 });
    }
    Ok(())
}

#[test]
fn gradients_are_slopes() -> Outcome {
    let (model, parts) = tiny(Pooling::Cls)?;
    let variables = Variables::copy_of(&model.weights)?;
    let network = Network::new(&variables.weights(), &model.config, &parts)?;
    let gradients = loss(&network, None)?.backward()?;
    for (name, variable) in variables.iter().filter(|(name, _)| !name.contains("pooler")) {
        // Along the gradient itself the slope is its length, which is the easiest to see above rounding.
        let Some(gradient) = gradients.get(variable) else { return Err(format!("no gradient for `{name}`").into()) };
        let length = gradient.sqr()?.sum_all()?.sqrt()?.to_scalar::<f32>()? as f64;
        if length < 1e-3 {
            continue;
        }
        let start = variable.as_tensor().copy()?;
        let step = 1e-3 * (1.0 + start.abs()?.mean_all()?.to_scalar::<f32>()? as f64);
        let at = |by: f64| -> Result<f64, Box<dyn Error>> {
            variable.set(&(&start + (gradient * (by / length))?)?)?;
            Ok(loss(&network, None)?.to_scalar::<f32>()? as f64)
        };
        let slope = (at(step)? - at(-step)?) / (2.0 * step);
        variable.set(&start)?;
        assert!((slope - length).abs() < 0.05 * length + 5e-3, "`{name}`: slope {slope}, gradient {length}");
    }
    Ok(())
}
