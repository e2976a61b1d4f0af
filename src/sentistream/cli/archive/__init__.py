"""Archives of any size: clips analyzed on a Ray cluster into one Parquet data set.

``run`` coordinates everything, ``ray_pool`` alone uses Ray, ``worker`` is the code of one worker
process, ``ledger`` records each clip's state, ``tables`` and ``storage`` make the data set.
"""
