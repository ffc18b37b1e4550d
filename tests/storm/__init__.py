"""The storm: random operations of several users, with kills and wrong clocks, then exact counts.

A model in plain Python says after each operation in which states a user's library may be; at the
end documents, objects, addresses, counters and exports are held against it.
"""
