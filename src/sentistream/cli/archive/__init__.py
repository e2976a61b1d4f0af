"""Archives of any size: clips analyzed on a Ray cluster into one Parquet data set.

``run`` holds the whole together, ``ray_pool`` is all that knows Ray, ``worker`` is what one of its
processes does, ``ledger`` keeps account of the clips, ``tables`` and ``storage`` make the data set.
"""
