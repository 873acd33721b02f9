import fc from 'fast-check'

// Every run of a revision sees the same, as in the Python SDK.
fc.configureGlobal({ seed: 6750 })
