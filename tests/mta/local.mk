# tests/mta
