//! The random simulation with a few of its seeds; `interop/sweep GATEWAY random` runs thousands of them.

use gateway::simulation::{MOST_DEAF, run};

#[test]
fn what_a_seed_maltreated_heals() {
    let mut sent = 0;
    for seed in 1..=16 {
        let outcome = run(seed, None);
        assert!(
            outcome.faults.is_empty(),
            "{:?}\ncargo run --release -p gateway --example random -- --runs 1 --seed {seed} --log",
            outcome.faults
        );
        assert!(outcome.healing <= MOST_DEAF);
        sent += outcome.sent;
    }
    assert!(sent > 5_000, "only {sent} packets");
}
