//! The promise of the lease, tested: rules one by one, and a model that plays them at random.

mod judging;
mod keeping;
mod model;
