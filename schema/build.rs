//! Makes cargo see a new migration file: `embed_migrations!` alone only tracks known ones.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
