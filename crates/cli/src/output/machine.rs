//! The machine that a command runs on, as pages and results describe it.

use newsdesk_report::Table;
use std::time::SystemTime;

/// Returns a table of the program, the machine and the given settings of a measurement.
pub fn machine_table(settings: &[(&str, String)]) -> Table {
    let available_cpus = newsdesk_model::available_cpus();
    let mut rows = vec![
        vec!["Newsdesk".into(), env!("CARGO_PKG_VERSION").to_string()],
        vec!["measured at".into(), humantime::format_rfc3339_seconds(SystemTime::now()).to_string()],
        vec!["system".into(), format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)],
        vec!["CPU".into(), cpu_name().unwrap_or_else(|| "unknown".into())],
        vec!["logical CPUs".into(), available_cpus.to_string()],
    ];
    rows.extend(settings.iter().map(|(name, value)| vec![name.to_string(), value.clone()]));
    Table::new("Machine and settings", &["", ""], rows)
}

/// Returns the model name of the CPU; Linux only.
pub fn cpu_name() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(name.trim_start_matches([' ', '\t', ':']).trim().to_owned())
}
