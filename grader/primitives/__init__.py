"""The semantics of every shared object: one small file per primitive.

Start at `base`: what a primitive is. `registry` finds the primitive of an operation.
"""
