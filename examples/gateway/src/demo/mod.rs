//! The demo: routers and hosts on a simulated network, told as it happens and checked at the end.

mod checks;
mod hosts;
mod observer;
mod play;
mod run;
mod scenario;
mod stage;
mod switch;
mod table;
mod topology;
mod transcript;

pub use hosts::{CANARY, Host, HostEvent};
pub use observer::{Kind, Observer, Row, TunnelCount};
pub use run::{DemoError, Options, Source, run};
pub use scenario::{Expectation, Feature, Play, SCENARIOS, Scenario, Wire, list};
pub use topology::TopologyError;
