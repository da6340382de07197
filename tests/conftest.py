"""Settings for every test: JAX as strict as it can be, hypothesis without a clock, no calibration."""

import os
import tempfile

import hypothesis

_cache = tempfile.TemporaryDirectory(prefix="fwdrev-tests-")
os.environ["XDG_CACHE_HOME"] = _cache.name  # whether this machine was calibrated makes no difference

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "JAX_ENABLE_X64": "1", "JAX_NUMPY_RANK_PROMOTION": "raise"}


hypothesis.settings.register_profile("fwdrev", deadline=None, derandomize=True, max_examples=25)
hypothesis.settings.load_profile("fwdrev")
