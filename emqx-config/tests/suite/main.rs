//! What must hold of the shipped files, of the reader, and of the deployment files around them.

mod hocon;
mod keys;
mod readme;
mod safety;
mod shipped;
mod typed;
