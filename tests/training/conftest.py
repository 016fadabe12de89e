import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """For layers as small as these a second thread only costs, the more so on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
