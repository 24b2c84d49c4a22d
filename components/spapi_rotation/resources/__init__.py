"""The AWS resources of a component, a module for each part."""
