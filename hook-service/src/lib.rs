//! Tells EMQX, from memory, who may connect and what each client may publish and subscribe.
