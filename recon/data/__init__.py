"""Image sets to train and to measure on. None is shipped: they come from a folder, `RECON_DATA`, or from the Hub."""

from recon.data.sets import SETS, DataSet, labels, load

__all__ = ["SETS", "DataSet", "labels", "load"]
