"""A stand-in for RunPod's serverless endpoints, for work on one machine.

It speaks RunPod's real API around a handler that does honest small work on the processor:
`handler` is the worker, `server` the API, `faults` what can be made to go wrong.
"""
