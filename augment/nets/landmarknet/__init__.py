"""The training of our face detector: ``python -m augment.nets.landmarknet --help``.

What it leaves lies in ``augment/align/landmarknet/``, which finds faces with it and needs none of
this, nor torch.
"""
