//! What an operator wants: commands, and another configuration.

use super::{DataPath, Gateway, configuration, inside, router};
use crate::cli::show::Show;
use crate::io::RunError;
use crate::ios::model::RunningConfig;

impl Gateway<'_> {
    pub(super) fn serve(&mut self) {
        let Some(mut control) = self.control.take() else { return };
        let now = self.clock.now();
        control.serve(now, |command| self.command(command));
        self.control = Some(control);
        self.drain();
    }

    fn command(&mut self, command: &str) -> Result<String, String> {
        let now = self.clock.now();
        let words: Vec<&str> = command.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["clear", "crypto", "sa"] => self.router.clear_sas(now),
            ["clear", "crypto", "isakmp"] => self.router.clear_isakmp(now),
            _ => {
                let show = Show::named(command).ok_or_else(|| {
                    let known = Show::ALL.iter().map(|(name, _)| format!("\n  {name}"));
                    let known: String = known
                        .chain(["\n  clear crypto sa", "\n  clear crypto isakmp"].map(str::to_owned))
                        .collect();
                    format!("no command '{}'; there are{known}", crate::cli::printable(command))
                })?;
                if let DataPath::Kernel(kernel) = &self.data_path {
                    kernel.count(now, &mut self.router);
                }
                return Ok(show.of(&self.router, now));
            }
        }
        Ok(String::new())
    }

    /// A new configuration: peers of which nothing changed keep their SAs. One that is faulty, or that the machine refuses,
    /// leaves the former in force.
    pub(super) fn reload(&mut self) {
        let former = self.router.config().clone();
        let result = configuration(self.options).and_then(|config| {
            if let DataPath::Kernel(kernel) = &self.data_path {
                // Before anything changes.
                kernel.plan(&router(self.options, config.clone())?)?;
            }
            self.take_on(config).inspect_err(|_| {
                if let Err(error) = self.take_on(former) {
                    self.files.say(&format!("going back to the former configuration: {error}"));
                }
            })
        });
        let name = self.options.config.display();
        self.files.say(&match result {
            Ok(()) => format!("{name} was read again"),
            Err(error) => format!("{error}\nthe former configuration stays in force"),
        });
        self.drain();
    }

    fn take_on(&mut self, config: RunningConfig) -> Result<(), RunError> {
        let name = self.options.config.display().to_string();
        self.router.reconfigure(self.clock.now(), &name, config)?;
        self.files.stamp(self.router.config().timestamps);
        self.inside = inside(&self.router);
        self.drain();
        if let DataPath::Kernel(kernel) = &mut self.data_path {
            kernel.apply(kernel.plan(&self.router)?)?;
        }
        self.guard()
    }
}
