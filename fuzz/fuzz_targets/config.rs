//! Any text is a configuration or a list of errors with places; what is accepted prints as a configuration that means the same.
#![no_main]

use gateway::ios::{lower, parse, print};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match parse("fuzz.cfg", text) {
        Ok(config) => {
            let printed = print(&config);
            match parse("again.cfg", &printed) {
                Ok(again) => assert_eq!(print(&again), printed),
                Err(errors) => panic!("what was printed does not parse: {:?}\n{printed}", errors.first()),
            }
            let _ = lower(&config, "fuzz.cfg");
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            for error in errors {
                let _ = error.to_string();
                assert!(error.line >= 1 && (error.line as usize) <= text.lines().count().max(1) + 1);
            }
        }
    }
});
