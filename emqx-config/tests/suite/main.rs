//! What must hold of the shipped files, of the reader, and of the deployment files around them.

mod checkout;
mod compose;
mod dockerfile;
mod hocon;
mod keys;
mod kubernetes;
mod readme;
mod safety;
mod shipped;
mod typed;
