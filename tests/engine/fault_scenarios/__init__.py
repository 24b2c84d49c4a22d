"""What goes wrong on purpose on the real engine, and how each must end. ``python -m tests.engine.fault_scenarios``."""
