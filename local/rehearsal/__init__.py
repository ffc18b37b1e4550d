"""The deploy, rehearsed: the real Firebase CLI against a stand-in for the Google APIs it calls.

docs/decisions/0017-a-deploy-is-rehearsed.md says what that shows and what it cannot show.
"""
