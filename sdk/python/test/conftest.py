import pytest
from hypothesis import settings

# Counts decide, never the clock of a machine that others share; and every run of a revision sees the same.
settings.register_profile("counted", deadline=None, derandomize=True, max_examples=400)
settings.load_profile("counted")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
