"""The whole world on one machine: Pulumi's engine, an AWS emulator, a stand-in AWS provider, a stand-in
Amazon.

Everything listens on loopback only, runs in one process tree and ends cleanly. Nothing outside the tests
imports it.
"""
