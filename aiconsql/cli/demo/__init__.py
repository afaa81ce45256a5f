"""The demo: a real agent that watches this machine, is killed while it saves, and goes on."""
