//! The device of tensors: the CPU, or a GPU if this build supports one.

use crate::error::{ModelError, Result};
use std::fmt;
use std::str::FromStr;

pub use candle_core::Device;

/// A device by name: `auto`, `cpu`, `cuda`, `cuda:1` or `metal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// The first GPU that this build supports, or the CPU if there is none.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU with this index.
    Cuda(usize),
    /// The GPU of an Apple computer.
    Metal,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None => match text {
                "auto" => Ok(Self::Auto),
                "cpu" => Ok(Self::Cpu),
                "cuda" => Ok(Self::Cuda(0)),
                "metal" => Ok(Self::Metal),
                _ => Err(format!("`{text}` is none of auto, cpu, cuda, cuda:N, metal")),
            },
            Some(("cuda", number)) => {
                number.parse().map(Self::Cuda).map_err(|_| format!("`{number}` is not the index of a GPU"))
            }
            Some(_) => Err(format!("`{text}` is none of auto, cpu, cuda, cuda:N, metal")),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Metal => f.write_str("metal"),
        }
    }
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`ModelError::Device`] if this build does not support the device or this machine does not have it. `auto` never
    /// fails.
    pub fn open(self) -> Result<Device> {
        let fail = |cause: String| ModelError::Device { device: self.to_string(), cause };
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto if cfg!(feature = "cuda") => Ok(Device::new_cuda(0).unwrap_or(Device::Cpu)),
            Self::Auto if cfg!(feature = "metal") => Ok(Device::new_metal(0).unwrap_or(Device::Cpu)),
            Self::Auto => Ok(Device::Cpu),
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(fail("this build has no feature `cuda`".into())),
            Self::Cuda(number) => Device::new_cuda(number).map_err(|e| fail(e.to_string())),
            Self::Metal if !cfg!(feature = "metal") => Err(fail("this build has no feature `metal`".into())),
            Self::Metal => Device::new_metal(0).map_err(|e| fail(e.to_string())),
        }
    }
}

/// Returns the name of a device for reports: `cpu`, `cuda:0` or `metal`.
pub fn device_name(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".into(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { .. } => "metal".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_round_trip_through_text() {
        for name in ["auto", "cpu", "cuda:0", "cuda:3", "metal"] {
            assert_eq!(name.parse::<DeviceChoice>().map(|d| d.to_string()), Ok(name.to_string()));
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for wrong in ["", "gpu", "cuda:", "cuda:x", "cpu:1"] {
            assert!(wrong.parse::<DeviceChoice>().is_err(), "`{wrong}` was accepted");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_missing_gpu_is_an_error_with_a_remedy() {
        let error = DeviceChoice::Cuda(0).open().expect_err("this build supports CUDA");
        assert!(error.to_string().contains("cuda:0"), "{error}");
        assert_eq!(error.remedy(), Some(crate::Remedy::UseAvailableDevice));
    }
}
