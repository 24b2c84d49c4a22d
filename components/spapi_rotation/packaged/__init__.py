"""The component for programs in other languages: schema, arguments and errors with their names."""
