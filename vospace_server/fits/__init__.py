"""Parts of FITS files, made in processes of their own: whatever is in a file, the server lives.

`process` and `messages` belong to the server. All else runs in the worker, which is the only
place that knows astropy.
"""
