"""Steps from each state of the database to the next; ``versions`` holds one file a step.

To add one: copy the newest file of ``versions``, give it the next number as ``revision``, the
one before as ``down_revision``, and write ``upgrade``. It is never changed once released, and
says all it needs by itself, because the tables in the code move on.
"""
